"""Rows of any table of the contract: what a test does not care about, parents included, is made so that the row is accepted."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

import cloud_schema

CONTRACT = json.loads((Path(cloud_schema.__file__).parent / "contract" / "contract.json").read_text())
TABLES = CONTRACT["tables"]

SEALED = "sealed:v1:00000000:" + "x" * 40
# What our constraints ask for besides.
FITTING: dict[str, dict[str, Any]] = {
    "b2b_revenue": {"gross_revenue": 2},
    "user_integrations": {"access_token": SEALED},
    "user_subscriptions": {"current_period_end": "2026-04-01T12:00:00Z"},
}


def base_of(table: str) -> sql.Identifier:
    return sql.Identifier("ts" if TABLES[table]["hypertable"] else "public", table)


def insert(db: psycopg.Connection, table: str, **values: Any) -> Any:
    """Answers the new row's id (or time, where there is no id)."""
    row = FITTING.get(table, {}) | values
    for column in TABLES[table]["columns"]:
        if not column["nullable"] and "default" not in column and column["name"] not in row:
            row[column["name"]] = _parent(db, table, column) or _some(column)
    answer = "id" if any(column["name"] == "id" for column in TABLES[table]["columns"]) else "time"
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING {}").format(
        base_of(table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(sql.Placeholder() * len(row)),
        sql.Identifier(answer),
    )
    plain = [Jsonb(value) if isinstance(value, dict) else value for value in row.values()]
    return db.execute(statement, plain).fetchone()[0]


def _parent(db: psycopg.Connection, table: str, column: dict[str, Any]) -> Any:
    """Hypertables have no keys that would ask for one."""
    if "references" not in column or TABLES[table]["hypertable"]:
        return None
    if table == "users":
        user_id = uuid.uuid4()
        db.execute("INSERT INTO auth.users (id, email) VALUES (%s, %s)", (user_id, str(user_id)))
        return user_id
    return insert(db, column["references"]["table"])


def _some(column: dict[str, Any]) -> Any:
    if allowed := column.get("allowed_values") or CONTRACT["enums"].get(column["type"]):
        return allowed[0]
    if column["type"] == "uuid":
        return uuid.uuid4()
    if column["type"] == "jsonb":
        return Jsonb({})
    if column["type"].startswith("timestamp"):
        return "2026-03-01T12:00:00Z"
    if column["type"] == "date":
        return "2026-03-01"
    if column["name"].endswith("_hash"):
        return uuid.uuid4().hex * 2
    return column["name"] + uuid.uuid4().hex if column["type"] == "text" else 1


def add_device(db: psycopg.Connection, home_id: str, **values: Any) -> str:
    """A device that no hub looks after."""
    return str(insert(db, "devices", home_id=home_id, **({"device_name": "Lamp", "device_type": "light"} | values)))


def change(db: psycopg.Connection, table: str, row_id: Any, **values: Any) -> None:
    statement = sql.SQL("UPDATE {} SET {} WHERE id = %s").format(
        base_of(table), sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in values)
    )
    db.execute(statement, [*(Jsonb(value) if isinstance(value, dict) else value for value in values.values()), row_id])


@contextmanager
def acting(
    db: psycopg.Connection,
    claims: dict[str, Any] | None = None,
    headers: dict[str, str] | str | None = None,
    role: str = "none",
) -> Iterator[None]:
    """One transaction with these claims and headers. Without a role it stays the test's own: it may do everything."""
    told = headers if isinstance(headers, str) else json.dumps(headers) if headers is not None else ""
    with db.transaction():
        db.execute(
            "SELECT set_config('request.jwt.claims', %s, true), set_config('request.headers', %s, true), set_config('role', %s, true)",
            (json.dumps(claims or {}), told, role),
        )
        yield
