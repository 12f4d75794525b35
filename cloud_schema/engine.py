"""Which of the three engines was found, and what that means for whoever runs it."""

from dataclasses import dataclass

import psycopg

MEANINGS = {
    "timescaledb-community": (
        "Compression, retention and the refresh of continuous aggregates run as the server's own background jobs.",
        "Run `nexa-cloud maintain` from a timer for the rest: summaries, health, expired rows.",
    ),
    "timescaledb-apache": (
        "Hypertables, but no compression; aggregates are plain views, always fresh; retention has no background job.",
        "Run `nexa-cloud maintain` from a timer: retention, summaries, health, expired rows.",
    ),
    "postgresql": (
        "Plain tables, no compression; aggregates are plain views, always fresh; there are no background jobs.",
        "Run `nexa-cloud maintain` from a timer: retention by DELETE, summaries, health, expired rows.",
    ),
}


@dataclass(frozen=True)
class Engine:
    postgresql: str
    timescaledb: str | None
    licence: str | None
    is_offered: bool

    @property
    def kind(self) -> str:
        if self.timescaledb is None:
            return "postgresql"
        return "timescaledb-community" if self.licence == "timescale" else "timescaledb-apache"

    @property
    def name(self) -> str:
        if self.timescaledb is None:
            return f"PostgreSQL {self.postgresql} without TimescaleDB"
        return f"PostgreSQL {self.postgresql} with TimescaleDB {self.timescaledb} ({self.licence} licence)"

    @property
    def meaning(self) -> tuple[str, ...]:
        if self.timescaledb is None and self.is_offered:
            return (*MEANINGS[self.kind], OFFERED)
        return MEANINGS[self.kind]


OFFERED = (
    "This server offers TimescaleDB, but it is not switched on: have it added to shared_preload_libraries, restart the server"
    " and run `nexa-cloud apply` again; the tables are converted then."
)


def engine_found(connection: psycopg.Connection) -> Engine:
    row = connection.execute(
        "SELECT current_setting('server_version'), (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'),"
        " current_setting('timescaledb.license', true),"
        " EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')"
    ).fetchone()
    assert row is not None
    return Engine(*row)


def engine_of(connection: psycopg.Connection) -> str:
    """What was found, in words: PostgreSQL alone, or TimescaleDB with its licence."""
    return engine_found(connection).name
