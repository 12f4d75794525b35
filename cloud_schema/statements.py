"""Statements that have a name and live in a file: `-- name: x` stands above each."""

import re
from functools import cache
from pathlib import Path
from typing import Any, LiteralString, cast

import psycopg
from psycopg.rows import dict_row

SQL = Path(__file__).parent / "sql"


@cache
def statements(file: str) -> dict[str, LiteralString]:
    _, *parts = re.split(r"^-- name: (\w+)$", (SQL / file).read_text(encoding="utf-8"), flags=re.MULTILINE)
    # Our own files, installed with the program: as trustworthy as its code.
    return {
        name: cast("LiteralString", text.strip().rstrip(";"))
        for name, text in zip(parts[::2], parts[1::2], strict=True)
    }


def ask(connection: psycopg.Connection, statement: str, /, **values: Any) -> list[dict[str, Any]]:
    """The rows of one of the installer's statements; none where it answers none."""
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(statements("installer.sql")[statement], values or None)
        return cursor.fetchall() if cursor.description else []


def ask_one(connection: psycopg.Connection, statement: str, /, **values: Any) -> Any:
    """The first column of the first row; None where there is no row."""
    rows = ask(connection, statement, **values)
    return next(iter(rows[0].values())) if rows else None
