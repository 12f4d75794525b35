"""Loads the named queries: each stands under a line `-- name: <name>` in queries.sql."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

_MARK = "-- name: "


def parse(text: str) -> dict[str, str]:
    queries: dict[str, str] = {}
    for part in text.split(_MARK)[1:]:
        name, _, statement = part.partition("\n")
        assert name.strip() not in queries, name
        queries[name.strip()] = statement.strip().removesuffix(";")
    return queries


@cache
def load() -> Mapping[str, str]:
    return parse(Path(__file__).with_name("queries.sql").read_text(encoding="utf-8"))
