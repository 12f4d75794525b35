"""Does what is due of the maintenance schedule, once. Made to be run by a timer every 15 minutes.

At most one at a time in a database. A task that fails is told, is due again at the next run, and stops no other.
"""

import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg

from cloud_schema.apply import ApplyError, connect
from cloud_schema.maintenance import TASKS, Failed, Left, Result, Say, Task, Workplace, is_due, workplace
from cloud_schema.statements import statements
from cloud_schema.verify import require_schema

# One maintenance at a time in a database; the number only has to be the same everywhere.
MAINTENANCE_LOCK = 7_226_015_002
WARNINGS_KEPT = 20


@dataclass
class Outcome:
    """What became of one task: done, skipped (with the reason), failed (with the error), or not due."""

    task: str
    status: str
    reason: str | None = None
    seconds: float | None = None
    result: Result = field(default_factory=dict)


def maintain(dsn: str, names: tuple[str, ...] = (), *, now: bool = False, say: Say = print) -> list[Outcome]:
    """`names` choose tasks, and `now` does them whether due or not."""
    chosen = [task for task in TASKS if not names or task.name in names]
    if unknown := set(names) - {task.name for task in TASKS}:
        raise ApplyError(
            f"No such task: {', '.join(sorted(unknown))}. There are: {', '.join(task.name for task in TASKS)}."
        )
    with connect(dsn) as connection:
        require_schema(connection)
        try:
            place = workplace(connection, say)
            (is_ours,) = connection.execute(
                statements("maintenance.sql")["take_turn"], {"number": MAINTENANCE_LOCK}
            ).fetchone() or (False,)
            last_runs = {row["task"]: row for row in place.ask("last_runs")}
        except psycopg.errors.UndefinedTable as err:
            raise ApplyError("This schema is older than this program. Run `nexa-cloud apply` first.") from err
        except psycopg.errors.InsufficientPrivilege as err:
            raise ApplyError(
                f"{_first_line(err)}. Maintenance runs as the owner of the schema: it vacuums tables."
            ) from err
        if not is_ours:
            say("Another maintenance is at work in this database; nothing was done.")
            return [Outcome(task.name, "skipped", "another maintenance is at work") for task in chosen]
        return [_attempt(place, task, last_runs.get(task.name), is_forced=now) for task in chosen]


def _attempt(place: Workplace, task: Task, last: dict[str, Any] | None, *, is_forced: bool) -> Outcome:
    if not is_forced and not is_due(task, last, datetime.now(UTC)):
        return Outcome(task.name, "not due")
    if place.connection.broken:
        return Outcome(task.name, "failed", "the connection was lost")
    place.say(f"{task.name}: {task.summary}")
    began = time.monotonic()
    place.warnings.clear()
    try:
        place.ask("note_start", task=task.name)
        result = task.do(place)
        if place.warnings:
            result = {**result, "warnings": place.warnings[:WARNINGS_KEPT]}
        outcome = Outcome(task.name, "done", seconds=_seconds_since(began), result=result)
    except Left as why:
        outcome = Outcome(task.name, "skipped", str(why))
    except Failed as why:
        outcome = Outcome(task.name, "failed", str(why), _seconds_since(began))
    except psycopg.Error as err:
        outcome = Outcome(task.name, "failed", f"{_first_line(err)} ({err.sqlstate})", _seconds_since(began))
    _note(place, outcome)
    place.say(f"    {outcome.status}" + (f": {outcome.reason}" if outcome.reason else ""))
    for name, value in outcome.result.items():
        if value:
            place.say(f"    {name}: {_brief(value)}")
    return outcome


def _note(place: Workplace, outcome: Outcome) -> None:
    noted = {"status": outcome.status, "reason": outcome.reason, "seconds": outcome.seconds, **outcome.result}
    try:
        place.ask("note_finish", task=outcome.task, result=json.dumps(noted, default=str))
    except psycopg.Error as err:
        # What was done is done; that it could not be written down makes it due again.
        outcome.status, outcome.reason = "failed", f"it was not written down: {_first_line(err)}"


def _brief(value: Any) -> str:
    """A list by its first entry; all of it is in hub_maintenance and in --json."""
    if isinstance(value, list) and len(value) > 1:
        return f"{len(value)}, the first: {_brief(value[0])}"
    if isinstance(value, list):
        return _brief(value[0])
    return ", ".join(f"{name} {one}" for name, one in value.items()) if isinstance(value, dict) else str(value)


def _seconds_since(began: float) -> float:
    return round(time.monotonic() - began, 3)


def _first_line(err: BaseException) -> str:
    return (str(err).strip() or type(err).__name__).splitlines()[0]
