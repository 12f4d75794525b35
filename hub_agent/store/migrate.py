"""Brings a mirror's file to the newest schema, one transaction for each step.

`python -m hub_agent.store.migrate` prints the schema that all steps give together; schema.sql holds it for the reader.
`python -m hub_agent.store.migrate FILE` brings that mirror there, which no agent may have open: an upgrade tries it on a copy.
"""

import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from hub_agent.errors import MirrorCorrupt, MirrorTooNew, OperatingError
from hub_agent.store import file

FOLDER = Path(__file__).with_name("migrations")


@dataclass(frozen=True, slots=True)
class Step:
    """`stage` is pre (needed by the new code) or post (only possible once the old code is gone)."""

    number: int
    stage: str
    name: str
    statements: tuple[str, ...]


def shipped() -> list[Step]:
    return [_read(path) for path in sorted(FOLDER.glob("*.sql"))]


def migrate(connection: sqlite3.Connection, steps: Sequence[Step], now_ms: int) -> list[Step]:
    """Applies what is missing and answers it. Raises MirrorTooNew when the file knows a step that we do not."""
    connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL)"
    )
    newest = connection.execute("SELECT coalesce(max(number), 0) FROM migrations").fetchone()[0]
    if newest > max((step.number for step in steps), default=0):
        raise MirrorTooNew(
            f"The mirror was written by a newer agent (its schema is {newest}, this agent knows {steps[-1].number})."
            " Install that agent again, or move the mirror's file away to start an empty one."
        )
    missing = [step for step in steps if step.number > newest]
    for step in missing:
        _apply(connection, step, now_ms)
    return missing


def schema(connection: sqlite3.Connection) -> str:
    """All objects of a database as SQL."""
    rows = connection.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type DESC, name")
    return "".join(f"{sql};\n\n" for (sql,) in rows)


def _read(path: Path) -> Step:
    number, stage, name = path.stem.split("_", 2)
    return Step(int(number), stage, name, tuple(_statements(path.read_text(encoding="utf-8"))))


def _statements(text: str) -> list[str]:
    statements: list[str] = []
    pending = ""
    for line in text.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            statements.append(pending.strip())
            pending = ""
    assert not pending.strip(), f"unfinished statement: {pending}"
    return statements


def _apply(connection: sqlite3.Connection, step: Step, now_ms: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        # The number first: of two agents that migrate at once, the second one stops here.
        connection.execute("INSERT INTO migrations VALUES (?, ?, ?)", (step.number, step.name, now_ms))
        for statement in step.statements:
            connection.execute(statement)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _print_schema() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection, shipped(), now_ms=0)
    sys.stdout.write(
        "-- Made by: python -m hub_agent.store.migrate > hub_agent/store/schema.sql\n\n" + schema(connection)
    )
    connection.close()


def _bring(path: Path) -> None:
    with file.translated(path), closing(file.connect(path)) as connection:
        done = migrate(connection, shipped(), now_ms=0)
        verdict = connection.execute("PRAGMA quick_check").fetchone()[0]
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    if verdict != "ok":
        raise MirrorCorrupt(f"The mirror {path} is damaged: {verdict}.")
    sys.stdout.write(f"{len(done)} steps, to schema {shipped()[-1].number}\n")


if __name__ == "__main__":
    try:
        _bring(Path(sys.argv[1])) if sys.argv[1:] else _print_schema()
    except OperatingError as err:
        sys.exit(str(err))
