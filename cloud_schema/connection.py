"""A connection to the central database, with the world's errors in words."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

CONNECT_TIMEOUT_S = 10


class ApplyError(Exception):
    """The database cannot be brought to the schema. `str()` says why and what to do."""


@contextmanager
def connect(dsn: str) -> Iterator[psycopg.Connection]:
    """A connection of our own, with the world's errors in words."""
    try:
        connection = psycopg.connect(
            dsn,
            autocommit=True,
            connect_timeout=CONNECT_TIMEOUT_S,
            application_name="nexa-cloud",
            prepare_threshold=None,  # a pooler in between would lose prepared statements
        )
    except psycopg.ProgrammingError as err:
        raise ApplyError(
            f"This is no connection string: {first_line(err)}. Expected postgresql://user:password@host:5432/database."
        ) from err
    except psycopg.OperationalError as err:
        raise ApplyError(
            f"No connection to the database: {first_line(err)}. Check host, port, database, user and password."
        ) from err
    with connection:
        yield connection


def is_pooled(connection: psycopg.Connection) -> bool:
    """Whether a pooler answers instead of the server: it cannot know which backend will serve, so it made a number up."""
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    assert row is not None
    return bool(row[0] != connection.info.backend_pid)


def first_line(err: BaseException) -> str:
    return (str(err).strip() or type(err).__name__).splitlines()[0]
