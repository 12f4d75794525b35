"""Seals every stored token with the newest key, in batches: what is done is committed, and a second run finds only the rest."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from cloud_schema.vault import PREFIX, Vault, VaultError, key_of

# Every column that holds sealed tokens, by table. The tables' CHECKs name the same columns.
SEALED_COLUMNS = {
    "user_ecosystem_connections": ("access_token", "refresh_token"),
    "user_integrations": ("access_token", "refresh_token"),
}
BATCH_ROWS = 500
PROBLEMS_MAX = 20
FIRST_ID = "00000000-0000-0000-0000-000000000000"

Say = Callable[[str], None]


@dataclass
class Resealed:
    """What a run did. `problems` names the first rows that could not be opened; they are as they were."""

    rows: int = 0
    unreadable: int = 0
    problems: list[str] = field(default_factory=list)

    def add_problem(self, problem: str) -> None:
        self.unreadable += 1
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(problem)


def reseal(connection: psycopg.Connection, vault: Vault, say: Say = print, batch_rows: int = BATCH_ROWS) -> Resealed:
    """Brings all tokens under the newest key. May be stopped at any time and run again."""
    done = Resealed()
    for table, columns in SEALED_COLUMNS.items():
        after = FIRST_ID
        while True:
            with connection.transaction():
                rows = _next_rows(connection, vault, table, columns, after=after, batch_rows=batch_rows)
                for row in rows:
                    _reseal_row(connection, vault, table, row, done)
            if not rows:
                break
            after = str(rows[-1]["id"])
            say(f"{table}: {done.rows} resealed so far, {done.unreadable} unreadable.")
    return done


def keys_in_use(connection: psycopg.Connection) -> dict[str, int]:
    """How many values each key still seals."""
    counts: dict[str, int] = {}
    for table, columns in SEALED_COLUMNS.items():
        for column in columns:
            statement = sql.SQL(
                "SELECT split_part({column}, ':', 3), count(*) FROM public.{table} WHERE {column} IS NOT NULL GROUP BY 1"
            ).format(column=sql.Identifier(column), table=sql.Identifier(table))
            for name, count in connection.execute(statement).fetchall():
                counts[name] = counts.get(name, 0) + count
    return counts


def _next_rows(
    connection: psycopg.Connection, vault: Vault, table: str, columns: tuple[str, ...], *, after: str, batch_rows: int
) -> list[dict[str, Any]]:
    """Locked, so that a token which is renewed meanwhile is not overwritten with the old one."""
    statement = sql.SQL(
        "SELECT id, {columns} FROM public.{table} WHERE id > %(after)s AND ({stale}) ORDER BY id LIMIT %(rows)s FOR NO KEY UPDATE"
    ).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
        table=sql.Identifier(table),
        stale=sql.SQL(" OR ").join(
            sql.SQL("{} NOT LIKE %(newest)s").format(sql.Identifier(column)) for column in columns
        ),
    )
    values = {"after": after, "newest": f"{PREFIX}:{vault.newest}:%", "rows": batch_rows}
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(statement, values).fetchall()


def _reseal_row(connection: psycopg.Connection, vault: Vault, table: str, row: dict[str, Any], done: Resealed) -> None:
    row_id = row["id"]
    try:
        fresh = {
            column: vault.seal(vault.open(sealed, table, column, row_id), table, column, row_id)
            for column, sealed in row.items()
            if column != "id" and sealed is not None and key_of(sealed) != vault.newest
        }
    except VaultError as err:
        done.add_problem(str(err))
        return
    statement = sql.SQL("UPDATE public.{} SET {} WHERE id = %(id)s").format(
        sql.Identifier(table),
        sql.SQL(", ").join(sql.SQL("{} = {}").format(sql.Identifier(c), sql.Placeholder(c)) for c in fresh),
    )
    connection.execute(statement, {**fresh, "id": row_id})
    done.rows += 1
