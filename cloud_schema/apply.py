"""Brings a database to the central schema. May run any number of times: what is there stays, what is replaceable is renewed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

SQL = Path(__file__).parent / "sql"
SERVER_VERSION_MIN = 150000
# One installation at a time per database; the number only has to be the same everywhere.
INSTALLATION_LOCK = 7_226_015_001
CONNECT_TIMEOUT_S = 10

Say = Callable[[str], None]


class ApplyError(Exception):
    """The database cannot be brought to the schema. `str()` says why and what to do."""


def once_only_files() -> list[Path]:
    """Tables and the like, in the documented order."""
    return sorted(path for path in SQL.glob("*.sql") if path.name[:2].isdigit())


def replaceable_files() -> list[Path]:
    """Functions, views, declarations and rights."""
    return sorted((SQL / "replaceable").glob("*.sql"))


@contextmanager
def connect(dsn: str) -> Iterator[psycopg.Connection]:
    """A connection of our own, with the world's errors in words."""
    try:
        connection = psycopg.connect(
            dsn, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S, application_name="nexa-cloud"
        )
    except psycopg.ProgrammingError as err:
        raise ApplyError(
            f"This is no connection string: {_first_line(err)}. Expected postgresql://user:password@host:5432/database."
        ) from err
    except psycopg.OperationalError as err:
        raise ApplyError(
            f"No connection to the database: {_first_line(err)}. Check host, port, database, user and password."
        ) from err
    with connection:
        yield connection


def engine_of(connection: psycopg.Connection) -> str:
    """What was found, in words: PostgreSQL alone, or TimescaleDB with its licence."""
    row = connection.execute(
        "SELECT current_setting('server_version'), (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'),"
        " current_setting('timescaledb.license', true)"
    ).fetchone()
    assert row is not None
    version, timescale, licence = row
    if timescale is None:
        return f"PostgreSQL {version} without TimescaleDB: plain tables, no compression"
    extent = "compression and retention" if licence == "timescale" else "hypertables only"
    return f"PostgreSQL {version} with TimescaleDB {timescale} ({licence} licence: {extent})"


def apply(dsn: str, say: Say = print) -> None:
    """Installs or renews the whole schema. Each file is one transaction."""
    with connect(dsn) as connection:
        _require_fitting(connection)
        connection.add_notice_handler(lambda notice: _tell_warning(notice, say))
        connection.execute("SELECT pg_advisory_lock(%s)", (INSTALLATION_LOCK,))
        connection.execute("SET search_path TO public")
        connection.execute("SET client_min_messages TO warning")
        files = [*once_only_files(), *replaceable_files()]
        for number, path in enumerate(files, start=1):
            say(f"[{number}/{len(files)}] {path.relative_to(SQL)}")
            _run(connection, path)
        say(f"Done. Engine: {engine_of(connection)}.")


def seed(dsn: str, say: Say = print) -> None:
    """Puts in the catalogue rows that hubs count on."""
    with connect(dsn) as connection:
        connection.execute("SET search_path TO public")
        _run(connection, SQL / "seed.sql")
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
            raise ApplyError(_first_line(err)) from err
    assert row is not None
    answer: dict[str, str] = row[0]
    return answer


def _require_fitting(connection: psycopg.Connection) -> None:
    if connection.info.server_version < SERVER_VERSION_MIN:
        raise ApplyError(
            f"PostgreSQL {connection.info.server_version // 10000} is too old: the schema needs 15 or later. Upgrade the server."
        )
    row = connection.execute(
        "SELECT has_database_privilege(current_database(), 'CREATE') AND has_schema_privilege('public', 'CREATE'), current_user, current_database()"
    ).fetchone()
    assert row is not None
    may_create, user, database = row
    if not may_create:
        raise ApplyError(
            f"User {user!r} may not create schemas and tables in database {database!r}. Connect as the database's owner, "
            f"or grant CREATE on the database and on its schema public."
        )


def _run(connection: psycopg.Connection, path: Path) -> None:
    try:
        with connection.transaction():
            connection.execute(sql.SQL("SET LOCAL check_function_bodies TO off"))
            connection.execute(path.read_bytes())
    except psycopg.errors.InsufficientPrivilege as err:
        raise ApplyError(
            f"{path.name}: {_first_line(err)}. Connect as the database's owner; creating roles needs CREATEROLE as well."
        ) from err
    except psycopg.OperationalError as err:
        raise ApplyError(
            f"{path.name}: the connection was lost: {_first_line(err)}. Run it again; nothing is half done."
        ) from err
    except psycopg.Error as err:
        raise ApplyError(f"{path.name}: {_first_line(err)} ({err.sqlstate})") from err


def _tell_warning(notice: psycopg.errors.Diagnostic, say: Say) -> None:
    if notice.severity_nonlocalized == "WARNING":
        say(f"    warning: {notice.message_primary}")


def _first_line(err: BaseException) -> str:
    return (str(err).strip() or type(err).__name__).splitlines()[0]
