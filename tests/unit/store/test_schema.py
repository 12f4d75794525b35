"""The schema, its migrations and the named queries fit each other."""

import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from hub_agent.errors import MirrorTooNew
from hub_agent.store import migrate, queries
from hub_agent.store.migrate import Step
from tests.unit.store.homes import at, mirror_in

STORE = Path(migrate.__file__).parent


@pytest.fixture
def empty():
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        yield connection


def test_the_written_schema_is_what_all_migrations_give() -> None:
    made = subprocess.run(
        [sys.executable, "-m", "hub_agent.store.migrate"],
        capture_output=True,
        text=True,
        check=True,
        cwd=STORE.parents[1],
    )
    assert made.stdout == (STORE / "schema.sql").read_text(), (
        "run: python -m hub_agent.store.migrate > hub_agent/store/schema.sql"
    )


def test_every_query_fits_the_schema_and_is_used(empty) -> None:
    migrate.migrate(empty, migrate.shipped(), 0)
    sources = "".join(path.read_text() for path in STORE.glob("*.py"))
    for name, statement in queries.load().items():
        count = max([int(number) for number in re.findall(r"\?(\d+)", statement)] or [statement.count("?")])
        empty.execute(f"EXPLAIN {statement}", [None] * count)
        assert f'"{name}"' in sources, name


def test_migrations_are_numbered_without_holes() -> None:
    steps = migrate.shipped()
    assert [step.number for step in steps] == list(range(1, len(steps) + 1))
    assert {step.stage for step in steps} <= {"pre", "post"}


def test_a_step_that_fails_half_way_leaves_nothing_behind(empty) -> None:
    good = Step(1, "pre", "good", ("CREATE TABLE a (x)",))
    bad = Step(2, "pre", "bad", ("CREATE TABLE b (x)", "INSERT INTO a VALUES (1)", "INSERT INTO missing VALUES (1)"))
    with pytest.raises(sqlite3.OperationalError):
        migrate.migrate(empty, [good, bad], 0)
    assert [row[0] for row in empty.execute("SELECT number FROM migrations")] == [1]
    assert empty.execute("SELECT count(*) FROM a").fetchone() == (0,)
    assert "TABLE b" not in migrate.schema(empty)
    mended = Step(2, "pre", "mended", ("CREATE TABLE b (x)",))
    assert migrate.migrate(empty, [good, mended], 0) == [mended]
    assert migrate.migrate(empty, [good, mended], 0) == []


async def test_a_mirror_of_a_newer_agent_is_left_alone(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    mirror._ledger.connection.execute("INSERT INTO migrations VALUES (9999, 'later', 0)")
    await mirror.close(at(1))
    before = (tmp_path / "mirror.db").read_bytes()
    with pytest.raises(MirrorTooNew, match="newer agent"):
        await mirror_in(tmp_path).open(at(2))
    assert (tmp_path / "mirror.db").read_bytes() == before
