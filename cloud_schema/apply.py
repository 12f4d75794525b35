"""Brings a database to the central schema. May run any number of times: what is there stays, what is replaceable is renewed."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from cloud_schema.connection import ApplyError, connect, first_line, is_pooled
from cloud_schema.engine import Engine, engine_found, engine_of
from cloud_schema.fitness import Found, examine
from cloud_schema.statements import SQL, ask, ask_one
from cloud_schema.versions import Migration, migrations, program_version, schema_version

__all__ = ["ApplyError", "Summary", "apply", "connect", "engine_of", "issue_claim_code", "seed"]

# One installation at a time per database; the number only has to be the same everywhere.
INSTALLATION_LOCK = 7_226_015_001
INSTALLATION_WAIT_S = 600
# In all, for one step. A single try is short: whoever comes after us for the same table waits as long as we do.
LOCK_TIMEOUT_S = 30.0
LOCK_TRY_S = 0.5
LOCK_RETRY_S = 0.2

Say = Callable[[str], None]


@dataclass
class Summary:
    """What was found and done, for machines."""

    engine: Engine
    schema_before: int | None
    schema: int
    steps: list[str]
    is_dry_run: bool = False
    warnings: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        return {
            "engine": self.engine.kind,
            "postgresql": self.engine.postgresql,
            "timescaledb": self.engine.timescaledb,
            "meaning": list(self.engine.meaning),
            "program": program_version(),
            "schema_before": self.schema_before,
            "schema": self.schema,
            "steps": self.steps,
            "dry_run": self.is_dry_run,
            "warnings": self.warnings,
        }


def once_only_files() -> list[Path]:
    """Tables and the like, in the documented order."""
    return sorted(path for path in SQL.glob("*.sql") if path.name[:2].isdigit())


def replaceable_files() -> list[Path]:
    """Functions, views, declarations and rights."""
    return sorted((SQL / "replaceable").glob("*.sql"))


def apply(dsn: str, say: Say = print, *, dry_run: bool = False, lock_timeout_s: float = LOCK_TIMEOUT_S) -> Summary:
    """Installs, upgrades or renews the whole schema. Each step is one transaction; interrupted, it goes on at the next call."""
    with connect(dsn) as connection:
        found = examine(connection)
        engine = engine_found(connection)
        steps = [*_steps(found)]
        summary = Summary(engine, found.version, schema_version(), [step.title for step in steps], dry_run)
        if dry_run:
            say(_standing(found))
            say(f"Engine: {engine.name}. This would be done, and nothing has been:")
            for step in steps:
                say(f"    {step.title}")
            return summary

        def warn(text: str) -> None:
            summary.warnings.append(text)
            say(f"    warning: {text}")

        connection.add_notice_handler(lambda notice: _tell_warning(notice, warn))
        installation = Installation(connection, is_pooled=is_pooled(connection), lock_timeout_s=lock_timeout_s)
        if installation.is_pooled:
            warn("A connection pooler stands before the server: give the server's own address where you can.")
        with installation.lock(say):
            # Another installation may have ended while we waited.
            found = examine(connection)
            say(_standing(found))
            installation.begin(found)
            steps = [*_steps(found)]
            summary.schema_before, summary.steps = found.version, [step.title for step in steps]
            for number, step in enumerate(steps, start=1):
                say(f"[{number}/{len(steps)}] {step.title}")
                installation.run(step)
            installation.end(found)
        summary.engine = engine_found(connection)
        if not examine(connection).is_operator:
            warn(
                "This login is no member of service_role, so it may not issue claim codes or maintain: GRANT service_role TO it."
            )
    say(f"Done. Schema {summary.schema}. Engine: {summary.engine.name}.")
    for line in summary.engine.meaning:
        say(f"    {line}")
    return summary


@dataclass(frozen=True)
class Step:
    """One file, one transaction."""

    title: str
    path: Path
    migration: Migration | None = None
    is_pre: bool = False


def _steps(found: Found) -> Iterator[Step]:
    """Pre-steps make room for what the files bring; post-steps clear away what they no longer need."""
    upgrading = [] if found.is_new else found.pending
    for one in upgrading:
        if one.pre is not None:
            yield Step(f"migrations/{one.pre.name}", one.pre, one, is_pre=True)
    for path in (*once_only_files(), *replaceable_files()):
        yield Step(str(path.relative_to(SQL)), path)
    for one in upgrading:
        if one.post is not None:
            yield Step(f"migrations/{one.post.name}", one.post, one)


def _standing(found: Found) -> str:
    if found.interrupted is not None:
        return f"An installation begun at {found.interrupted} did not end: going on with it."
    if found.version is None:
        return f"A new installation of schema {schema_version()}."
    if found.version < schema_version():
        return f"Schema {found.version} is here: upgrading to {schema_version()}."
    return f"Schema {found.version} is here: renewing its functions."


class Installation:
    """The steps' transactions, and what keeps two installations apart."""

    def __init__(self, connection: psycopg.Connection, *, is_pooled: bool, lock_timeout_s: float) -> None:
        self._connection = connection
        self._lock_timeout_s = lock_timeout_s
        self.is_pooled = is_pooled

    @contextmanager
    def lock(self, say: Say) -> Iterator[None]:
        """Behind a pooler a session's lock would outlive us on some backend: there each transaction takes it by itself."""
        if self.is_pooled:
            yield
            return
        if not ask_one(self._connection, "try_lock", number=INSTALLATION_LOCK):
            say(
                f"Another installation runs in this database: waiting for it, at most {INSTALLATION_WAIT_S // 60} minutes."
            )
            try:
                ask(self._connection, "patience", timeout=f"{INSTALLATION_WAIT_S}s")
                ask(self._connection, "lock", number=INSTALLATION_LOCK)
            except psycopg.errors.LockNotAvailable as err:
                raise ApplyError(
                    "The other installation has not ended. Look what it waits for, and run this again."
                ) from err
            except psycopg.OperationalError as err:
                raise _lost(err) from err
        try:
            yield
        finally:
            if not self._connection.broken:
                ask(self._connection, "unlock", number=INSTALLATION_LOCK)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Nothing of the session is relied on: a role's or a database's own settings could be anything."""
        with self._connection.transaction():
            timeout_s = min(self._lock_timeout_s, LOCK_TRY_S)
            ask(self._connection, "settings", lock_timeout=f"{round(timeout_s * 1000)}ms")
            if self.is_pooled:
                ask(self._connection, "lock_in_transaction", number=INSTALLATION_LOCK)
            yield

    def begin(self, found: Found) -> None:
        """Notes what is about to be done, so that an interruption is known as one."""
        with self._words_for("versions.sql"), self.transaction():
            if ask(self._connection, "server")[0]["has_versions"] is False:
                self._connection.execute((SQL / "versions.sql").read_bytes())
            if found.version is not None or not found.is_new:
                ask(self._connection, "note_found", program=program_version())
            else:
                self._note_begun(1, "first_release", {}, "new installation")
            for one in found.pending:
                self._note_begun(one.version, one.name, one.headers, "new installation" if found.is_new else None)
                if found.is_new:
                    hashes = {"pre_sha256": one.pre_sha256, "post_sha256": one.post_sha256}
                    ask(self._connection, "note_new", version=one.version, **hashes)

    def run(self, step: Step) -> None:
        with self._words_for(step.path.name):
            deadline = time.monotonic() + self._lock_timeout_s
            while True:
                try:
                    return self._try(step)
                except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
                    if time.monotonic() >= deadline:
                        raise
                time.sleep(LOCK_RETRY_S)

    def _try(self, step: Step) -> None:
        with self.transaction():
            ask(self._connection, "close_gate")
            if step.migration is not None and self._has_run(step):
                return
            self._connection.execute(step.path.read_bytes())
            if step.migration is not None:
                sha256 = step.migration.pre_sha256 if step.is_pre else step.migration.post_sha256
                version = step.migration.version
                ask(self._connection, "note_pre" if step.is_pre else "note_post", version=version, sha256=sha256)

    def end(self, found: Found) -> None:
        with self._words_for("hub_schema_versions"), self.transaction():
            for version in (1, *(one.version for one in migrations())):
                ask(self._connection, "note_applied", version=version, program=program_version())
            for one in found.pending:
                if agent_version_min := one.headers.get("agent_version_min"):
                    ask(self._connection, "raise_agent_version_min", agent_version_min=agent_version_min)
            ask(self._connection, "note_renewed", program=program_version())

    def _note_begun(self, version: int, name: str, headers: Any, notes: str | None) -> None:
        ask(
            self._connection,
            "note_begun",
            version=version,
            name=name,
            notes=notes or headers.get("notes"),
            program=program_version(),
            agent_version_min=headers.get("agent_version_min"),
            gateway_version_min=headers.get("gateway_version_min"),
        )

    def _has_run(self, step: Step) -> bool:
        assert step.migration is not None
        return bool(
            ask_one(self._connection, "pre_done" if step.is_pre else "post_done", version=step.migration.version)
        )

    @contextmanager
    def _words_for(self, file: str) -> Iterator[None]:
        try:
            yield
        except psycopg.errors.InsufficientPrivilege as err:
            raise ApplyError(
                f"{file}: {first_line(err)}. Connect as the database's owner; creating roles needs CREATEROLE as well."
            ) from err
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as err:
            raise ApplyError(
                f"{file}: a table is in use by {self._holders()}. Nothing of this file was changed. "
                f"End that transaction, or run this again when it has ended (waited {self._lock_timeout_s:g} s)."
            ) from err
        except psycopg.Error as err:
            if self._connection.closed:
                raise _lost(err, file) from err
            raise ApplyError(f"{file}: {first_line(err)} ({err.sqlstate})") from err

    def _holders(self) -> str:
        rows = ask(self._connection, "holders")
        return (
            ", ".join(f"{row['program']} of {row['login']} (pid {row['pid']}, since {row['since']})" for row in rows)
            or "a session that has ended"
        )


def _lost(err: psycopg.Error, file: str = "waiting") -> ApplyError:
    return ApplyError(f"{file}: the connection was lost: {first_line(err)}. Run it again; nothing is half done.")


def _tell_warning(notice: psycopg.errors.Diagnostic, warn: Say) -> None:
    if notice.severity_nonlocalized == "WARNING":
        warn(notice.message_primary or "")


def seed(dsn: str, say: Say = print) -> None:
    """Puts in the catalogue rows that hubs count on."""
    with connect(dsn) as connection:
        installation = Installation(connection, is_pooled=is_pooled(connection), lock_timeout_s=LOCK_TIMEOUT_S)
        installation.run(Step("seed.sql", SQL / "seed.sql"))
        say("Seeded: ecosystems and self-healing actions.")


def issue_claim_code(dsn: str, home_id: str, expires_in_s: int) -> dict[str, str]:
    """A one-time code with which a hub becomes the hub of this home."""
    with connect(dsn) as connection:
        try:
            row = connection.execute(
                "SELECT public.hub_issue_claim_code_v1(jsonb_build_object('home_id', %s::text, 'expires_in_s', %s::integer))",
                (home_id, expires_in_s),
            ).fetchone()
        except psycopg.errors.UndefinedFunction as err:
            raise ApplyError("This database has no central schema yet. Run `nexa-cloud apply` first.") from err
        except psycopg.errors.InvalidTextRepresentation as err:
            raise ApplyError(f"{home_id!r} is no home's id: it must be a UUID.") from err
        except psycopg.Error as err:
            raise ApplyError(first_line(err)) from err
    assert row is not None
    answer: dict[str, str] = row[0]
    return answer
