"""The tasks of the maintenance schedule: what each does, where, and in which bounded steps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from cloud_schema.statements import statements

Say = Callable[[str], None]
Result = dict[str, Any]
Names = Mapping[str, sql.Composable]

BLOCKS_A_SLICE = 2048  # 16 MiB
ROWS_A_SLICE = 5000
SLICES_MAX = 2000  # of one clean-up; the rest is for the next time
LOCK_TIMEOUT = "10s"
PORTIONS_MAX = 1000  # of renewals, at 500 each


class Failed(Exception):
    """Something was not done, and the database said so in an answer or a warning instead of an error."""


class Left(Exception):
    """A task that is not for us here. `str()` says whose it is, or what is missing."""


@dataclass
class Workplace:
    """A connection in autocommit: every statement is its own transaction, so that an interruption loses one slice."""

    connection: psycopg.Connection[Any]
    say: Say
    has_hypertables: bool
    has_community: bool
    has_workers: bool
    schema: str | None
    warnings: list[str] = field(default_factory=list)  # of the task at work

    def ask(self, name: str, names: Names | None = None, /, **values: Any) -> list[dict[str, Any]]:
        with self.connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(_statement(name, names), values)
            return cursor.fetchall() if cursor.description else []

    def change(self, name: str, names: Names | None = None, /, **values: Any) -> int:
        """How many rows it touched."""
        return self.connection.execute(_statement(name, names), values).rowcount

    def hear(self, notice: psycopg.errors.Diagnostic) -> None:
        if notice.severity_nonlocalized == "WARNING" and notice.message_primary:
            self.warnings.append(notice.message_primary)

    def has_function(self, name: str) -> bool:
        return bool(self.ask("has_function", name=f"public.{name}")[0]["is_there"])

    def has_relation(self, name: str) -> bool:
        return bool(self.ask("has_relation", name=f"public.{name}")[0]["is_there"])


def _statement(name: str, names: Names | None) -> sql.SQL | sql.Composed:
    statement = sql.SQL(statements("maintenance.sql")[name])
    return statement.format(**names) if names else statement


@dataclass(frozen=True)
class Task:
    name: str
    every: timedelta
    summary: str
    do: Callable[[Workplace], Result]


def workplace(connection: psycopg.Connection[Any], say: Say) -> Workplace:
    """Sets the connection up, and looks who else looks after this database."""
    place = Workplace(connection, say, has_hypertables=False, has_community=False, has_workers=False, schema=None)
    connection.add_notice_handler(place.hear)
    place.ask("be_patient", lock_timeout=LOCK_TIMEOUT)
    engine = place.ask("engine")[0]
    place.has_hypertables, place.has_community = engine["has_hypertables"], engine["has_community"]
    place.schema = engine["schema"]
    place.has_workers = place.has_community and bool(next(iter(place.ask("has_workers")[0].values())))
    return place


def is_due(task: Task, last: dict[str, Any] | None, now: datetime) -> bool:
    """A task that failed or was interrupted is due at once; a minute is forgiven, because timers are not exact."""
    if last is None or last["last_finished"] is None or last["last_result"].get("status") not in {"done", "skipped"}:
        return True
    started: datetime = last["last_started"]
    return started + task.every - timedelta(minutes=1) <= now


def _aggregates(place: Workplace) -> Result:
    if not place.has_community:
        raise Left("here they are views, which count when they are asked")
    return _run_jobs(place, "policy_refresh_continuous_aggregate")


def _late_rows(place: Workplace) -> Result:
    if not place.has_community:
        raise Left("here they are views, which count when they are asked")
    return _run_jobs(place, "catch_up_aggregates")


def _compression(place: Workplace) -> Result:
    if not place.has_community:
        raise Left("this engine does not compress")
    return _run_jobs(place, "policy_compression")


def _retention(place: Workplace) -> Result:
    if place.has_community:
        return _run_jobs(place, "policy_retention")
    deleted: Result = {}

    def delete(table: dict[str, Any]) -> None:
        gone = _drop_chunks(place, table) if place.has_hypertables else _delete_slices(place, table)
        if gone:
            deleted[table["name"]] = gone

    _each(place, place.ask("kept"), delete)
    return {"chunks" if place.has_hypertables else "rows": deleted}


def _each(place: Workplace, rows: list[dict[str, Any]], do: Callable[[dict[str, Any]], None]) -> None:
    """One table's failure stops no other; all are told in the end."""
    failures = []
    for row in rows:
        try:
            do(row)
        except psycopg.Error as err:
            if place.connection.broken:
                raise
            failures.append(f"{row.get('name') or row.get('relation')}: {str(err).splitlines()[0]} ({err.sqlstate})")
    if failures:
        raise Failed("; ".join(failures))


def _run_jobs(place: Workplace, policy: str) -> Result:
    if place.has_workers:
        raise Left("TimescaleDB's own jobs do it")
    assert place.schema is not None
    names = {"schema": sql.Identifier(place.schema)}
    jobs = place.ask("jobs", policy=policy)

    def run(job: dict[str, Any]) -> None:
        place.say(f"    job {job['job_id']} {job['relation']}")
        place.change("run_job", names, job=job["job_id"])

    _each(place, jobs, run)
    return {"jobs": len(jobs)}


def _drop_chunks(place: Workplace, table: dict[str, Any]) -> int:
    assert place.schema is not None
    names = {"schema": sql.Identifier(place.schema), "table": sql.Literal(f"ts.{table['name']}")}
    dropped: int = place.ask("drop_chunks", names, cutoff=table["cutoff"])[0]["dropped"]
    return dropped


def _delete_slices(place: Workplace, table: dict[str, Any]) -> int:
    """One pass over the table. What is interrupted is begun anew, and finds less."""
    deleted, told_percent = 0, 0
    blocks = place.ask("blocks", table=table["name"])[0]["blocks"]
    names = {"table": sql.Identifier("ts", table["name"]), "time": sql.Identifier(table["time_column"])}
    for first in range(0, blocks + 1, BLOCKS_A_SLICE):
        deleted += place.change(
            "delete_slice", names, first=first, beyond=first + BLOCKS_A_SLICE, cutoff=table["cutoff"]
        )
        percent = 100 * (first + BLOCKS_A_SLICE) // (blocks + 1)
        if told_percent + 10 <= percent < 100:
            told_percent = percent
            place.say(f"    {table['name']}: {percent} %, {deleted} rows deleted")
    return deleted


def _summaries(place: Workplace) -> Result:
    place.ask("refresh_materialized_views")
    if place.warnings:  # one summary's failure stops no other
        raise Failed("; ".join(place.warnings))
    return {}


def _renewals(place: Workplace) -> Result:
    """In portions, each a transaction: whoever pays meanwhile waits for one of them at most."""
    if not place.has_function("billing_renew"):
        raise Left("this schema has no billing_renew()")
    done: Result = {}
    for _portion in range(PORTIONS_MAX):
        answer = place.ask("billing_renew")[0]["to_jsonb"]
        for name, value in answer.items():
            if isinstance(value, int) and not isinstance(value, bool):
                done[name] = done.get(name, 0) + value
        if not answer.get("more"):
            break
    if failed := answer.get("failed"):
        raise Failed(f"{len(failed)} subscriptions: {failed[0].get('reason')}")
    return done


def _called(function: str) -> Callable[[Workplace], Result]:
    """A task that is one function of the schema."""

    def do(place: Workplace) -> Result:
        if not place.has_function(function):
            raise Left(f"this schema has no {function}()")
        answers = [next(iter(row.values())) for row in place.ask(function)]
        if len(answers) == 1 and isinstance(answers[0], dict):
            return answers[0]
        return {"answer": answers[0] if len(answers) == 1 else len(answers)}

    return do


def _health(place: Workplace) -> Result:
    """A home at a time: its devices are held while they are measured, and a hub that tells of them waits no longer than that."""
    if not place.has_function("record_device_health"):
        raise Left("this schema has no record_device_health()")
    homes = [row["id"] for row in place.ask("homes")]
    written = 0
    for number, home in enumerate(homes, start=1):
        written += place.ask("record_device_health", home=home)[0]["written"]
        if number % 1000 == 0:
            place.say(f"    {number} of {len(homes)} homes")
    return {"homes": len(homes), "written": written}


def _clean_up(place: Workplace) -> Result:
    done: Result = {}
    for name in (
        "expire_commands",
        "forget_commands",
        "forget_claims",
        "forget_dead_letters",
        "forget_gaps",
        "forget_sessions",
    ):
        for _slice in range(SLICES_MAX):
            changed = place.change(name, rows_max=ROWS_A_SLICE)
            done[name] = done.get(name, 0) + changed
            if changed < ROWS_A_SLICE:
                break
    return {name: count for name, count in done.items() if count}


def _for_each_table(statement: str) -> Callable[[Workplace], Result]:
    def do(place: Workplace) -> Result:
        tables = place.ask("own_tables")
        numbered = [{**table, "number": number} for number, table in enumerate(tables, start=1)]

        def change(table: dict[str, Any]) -> None:
            place.change(statement, {"table": sql.Identifier(table["schema"], table["name"])})
            if table["number"] % 25 == 0:
                place.say(f"    {table['number']} of {len(tables)} tables")

        _each(place, numbered, change)
        return {"tables": len(tables)}

    return do


def _statistics(place: Workplace) -> Result:
    return {
        **_for_each_table("analyze")(place),
        "reminder": "Restore a backup into an empty database and run `nexa-cloud verify` on it: only then is it one.",
    }


def _review(place: Workplace) -> Result:
    views = [name for name in ("slow_queries", "unused_indexes", "table_bloat") if place.has_relation(name)]
    told: Result = {name: place.ask(name) for name in views}
    use = place.ask("use_is_known")[0]
    if use["is_too_short"]:
        # In a database of yesterday they would be those that matter most: nobody has asked yet.
        told["unused_indexes"] = f"use is counted since {use['since']:%Y-%m-%d} only; told after a month of it"
    return told


HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# In the order in which they are done: what people see first.
TASKS: tuple[Task, ...] = (
    Task("aggregates", timedelta(minutes=15), "refresh the continuous aggregates", _aggregates),
    Task("summaries", timedelta(minutes=15), "refresh the materialized views", _summaries),
    Task("late-rows", 6 * HOUR, "bring what came late into the continuous aggregates", _late_rows),
    Task("renew", HOUR, "renew subscriptions that are due", _renewals),
    Task("usage", HOUR, "add up the use of the API", _called("billing_roll_up_usage")),
    Task("compression", HOUR, "compress what is old enough", _compression),
    Task("health", HOUR, "measure the health of devices; write it down when it changed, and once a day", _health),
    Task("retention", DAY, "delete what is too old", _retention),
    Task("clean-up", DAY, "expired commands, claim codes, sessions, dead letters", _clean_up),
    Task("vacuum", 7 * DAY, "vacuum and analyse every table", _for_each_table("vacuum")),
    Task("review", 30 * DAY, "slow queries, unused indexes, bloated tables", _review),
    Task("statistics", 91 * DAY, "new statistics, and a reminder to test the backups", _statistics),
)
