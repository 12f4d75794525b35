"""Puts in the catalogue, and a home to look at. May run again: rows that are there are left as they are."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from cloud_schema.apply import ApplyError, connect
from cloud_schema.statements import SQL, statements
from cloud_schema.verify import require_schema

Say = Callable[[str], None]

# In this order: models name brands. Each is one transaction.
CATALOGUE = (
    "seed.sql",
    "seed_ecosystems.sql",
    "seed_brands.sql",
    "seed_models.sql",
    "seed_healing.sql",
    "seed_templates.sql",
    "seed_plans.sql",
)


@dataclass(frozen=True)
class Person:
    """Somebody of the demonstration home. There are no passwords here: log-in is the platform's."""

    user_id: str
    email: str
    role: str


@dataclass(frozen=True)
class DemoHome:
    home_id: str
    people: list[Person]
    is_new: bool


def seed_catalogue(dsn: str, say: Say = print) -> dict[str, int]:
    """Answers how many rows each file put in."""
    with connect(dsn) as connection:
        require_schema(connection)
        put_in = {}
        for path in catalogue_files():
            put_in[path.stem.removeprefix("seed_")] = _put_in(connection, path)
            say(f"{path.name}: {put_in[path.stem.removeprefix('seed_')]} new rows")
        return put_in


def catalogue_files() -> list[Path]:
    """Those that this release has."""
    return [SQL / name for name in CATALOGUE if (SQL / name).exists()]


def seed_demo_home(dsn: str, say: Say = print) -> DemoHome:
    """A home with people of every kind and thirty days of life, in one transaction. One that is there is left alone."""
    with connect(dsn) as connection:
        require_schema(connection)
        if there := _demo_home(connection, is_new=False):
            say("The demonstration home is there already. --remove-demo-home removes it.")
            return there
        parts = statements("demo_home.sql")
        try:
            with connection.transaction():
                connection.execute("SET LOCAL search_path TO public, pg_temp")
                for number, (name, statement) in enumerate(parts.items(), start=1):
                    connection.execute(statement)
                    if number % 10 == 0:
                        say(f"    {number} of {len(parts)}: {name}")
        except psycopg.Error as err:
            raise ApplyError(f"The demonstration home: {name}: {_first_line(err)} ({err.sqlstate})") from err
        _refresh(connection, say)
        made = _demo_home(connection, is_new=True)
        assert made is not None
        return made


def remove_demo_home(dsn: str, say: Say = print) -> bool:
    """Takes the home, its people and all their rows away. False: there was none."""
    with connect(dsn) as connection:
        require_schema(connection)
        there = _demo_home(connection, is_new=False)
        if there is None:
            say("There is no demonstration home.")
            return False
        removal = statements("demo_home_removal.sql")
        try:
            with connection.transaction():
                for name in ("home", "people", "logins", "model"):
                    connection.execute(removal[name])
        except psycopg.Error as err:
            raise ApplyError(f"The demonstration home is still there: {_first_line(err)} ({err.sqlstate})") from err
        _refresh(connection, say)
        say("The demonstration home and its people are gone.")
        return True


def _put_in(connection: psycopg.Connection[Any], path: Path) -> int:
    try:
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL search_path TO public, pg_temp")
            cursor.execute(path.read_bytes())
            count = max(cursor.rowcount, 0)
            while cursor.nextset():
                count += max(cursor.rowcount, 0)
            return count
    except psycopg.Error as err:
        raise ApplyError(f"{path.name}: {_first_line(err)} ({err.sqlstate})") from err


def _demo_home(connection: psycopg.Connection[Any], *, is_new: bool) -> DemoHome | None:
    rows = connection.execute(statements("demo_home_removal.sql")["who"]).fetchall()
    if not rows:
        return None
    return DemoHome(rows[0][0], [Person(user_id, email, role) for _, user_id, email, role in rows], is_new)


def _refresh(connection: psycopg.Connection[Any], say: Say) -> None:
    """So that the summaries know it at once, not at the next maintenance."""
    try:
        connection.execute("SELECT public.refresh_materialized_views()")
    except psycopg.Error as err:
        say(f"The summaries were not refreshed: {_first_line(err)}. The next `nexa-cloud maintain` does it.")


def _first_line(err: BaseException) -> str:
    return (str(err).strip() or type(err).__name__).splitlines()[0]
