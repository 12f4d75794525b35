"""What a live database says about itself, read once, for `verify` to compare and `reference` to describe."""

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from cloud_schema.statements import statements

Row = dict[str, Any]


@dataclass(frozen=True)
class Engine:
    """The server and what it can do."""

    version: str
    timescale: str | None
    licence: str | None
    database: str
    has_statements: bool

    @property
    def has_hypertables(self) -> bool:
        return self.timescale is not None

    @property
    def has_community(self) -> bool:
        return self.timescale is not None and self.licence == "timescale"


@dataclass(frozen=True)
class Catalogue:
    engine: Engine
    relations: list[Row]
    columns: list[Row]
    enums: list[Row]
    constraints: list[Row]
    indexes: list[Row]
    functions: list[Row]
    triggers: list[Row]
    policies: list[Row]
    client_reach: list[Row]
    view_rights: list[Row]
    declared_hypertables: list[Row]
    declared_policies: list[Row]
    altered_policies: list[Row]
    rights_off: list[Row]
    engine_hypertables: list[Row]
    engine_compression: list[Row]
    engine_policies: list[Row]
    engine_aggregates: list[Row]

    def of(self, rows: list[Row], schema: str, relation: str) -> list[Row]:
        """Those of one relation, in the server's order."""
        return [row for row in rows if row["schema"] == schema and row["relation"] == relation]

    def relation(self, schema: str, name: str) -> Row | None:
        return next((row for row in self.relations if (row["schema"], row["name"]) == (schema, name)), None)


def read_catalogue(connection: psycopg.Connection[Any]) -> Catalogue:
    """One look at everything. Asks TimescaleDB only where it is, and the declared settings only where they are."""
    with connection.cursor(row_factory=dict_row) as cursor:

        def ask(name: str) -> list[Row]:
            return cursor.execute(statements("catalogue.sql")[name]).fetchall()

        with connection.transaction():
            # Names stand unqualified only if they are found without a schema; then they read as in the contract.
            cursor.execute(statements("catalogue.sql")["set_search_path"])
            engine = Engine(**ask("engine")[0])
            plain = [
                "relations",
                "columns",
                "enums",
                "constraints",
                "indexes",
                "functions",
                "triggers",
                "policies",
                "client_reach",
                "view_rights",
            ]
            of_engine = ["engine_hypertables", "engine_compression", "engine_policies", "engine_aggregates"]
            seen = {name: ask(name) for name in plain}
            there = {(row["schema"], row["name"]) for row in seen["relations"]}
            declared = {
                "declared_hypertables": ("ts", "hypertables"),
                "declared_policies": ("hub_sync", "access_rules"),
                "altered_policies": ("hub_sync", "policies_made"),
                "rights_off": ("hub_sync", "column_rights"),
            }
            return Catalogue(
                engine=engine,
                **seen,
                **{name: ask(name) if place in there else [] for name, place in declared.items()},
                **{name: ask(name) if engine.has_hypertables else [] for name in of_engine},
            )
