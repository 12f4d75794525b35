"""What the doors read, by a connection of their own."""

import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from hub_agent.model.activity import ActivityAsked
from hub_agent.model.definition import Definition, Former
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.store import queries
from hub_agent.store.codec import decode, from_ms, unpack_object
from hub_agent.store.ledger import size_of
from hub_agent.store.tables import read_former

RUNS_MAX = 1000

TABLES_QUERY = queries.load()["count_tables"]
INTEGRITY_QUERY = "PRAGMA quick_check(1)"

Rows = Sequence[tuple[object, ...]]


def runs_query(automation_id: str | None, limit: int) -> tuple[str, tuple[object, ...]]:
    bounded = max(0, min(limit, RUNS_MAX))
    if automation_id is None:
        return queries.load()["read_runs"], (bounded,)
    return queries.load()["read_runs_of"], (automation_id, bounded)


def runs(rows: Rows) -> list[JsonObject]:
    bodies: list[JsonObject] = []
    for (body,) in rows:
        assert isinstance(body, bytes)
        try:
            bodies.append(unpack_object(body))
        except ValueError:  # damaged: the others are still worth showing
            continue
    return bodies


def activity_query(asked: ActivityAsked) -> tuple[str, tuple[object, ...]]:
    values = (asked.before or 1 << 62, asked.after, asked.kind, asked.who, asked.device, asked.limit)
    return queries.load()["read_activity"], values


def activity(rows: Rows) -> list[JsonObject]:
    told: list[JsonObject] = []
    for entry, at, kind, body, devices in rows:
        assert isinstance(body, bytes)
        assert isinstance(entry, int)
        assert isinstance(at, int)
        with suppress(ValueError):  # damaged: the others are still worth showing
            head: JsonObject = {
                "id": entry,
                "at": from_ms(at).isoformat(),
                "kind": str(kind),
                "devices": str(devices).split(),
            }
            told.append({**head, **unpack_object(body)})
    return told


def trace_query(run_id: str) -> tuple[str, tuple[object, ...]]:
    return queries.load()["read_traces_between"], (run_id, run_id + "\U0010ffff")


def trace(run_id: str, rows: Rows) -> JsonObject | None:
    """The whole id wins over longer ones that begin with it."""
    exact = [row for row in rows if row[0] == run_id]
    found = runs([row[1:] for row in (exact or rows)])
    return found[0] if run_id and len(found) == 1 else None


def definition_history(rows: Rows) -> list[Former]:
    """Damaged ones are passed over: the others are still worth having."""
    found: list[Former] = []
    for row in rows:
        with suppress(ValueError):
            found.append(read_former(row))
    return found


def definitions(rows: Rows) -> list[Definition]:
    found: list[Definition] = []
    for _, _, body in rows:
        assert isinstance(body, bytes)
        with suppress(ValueError):
            found.append(decode(Definition, body))
    return found


def count_query(table: str) -> str:
    return f'SELECT count(*) FROM "{table}"'  # noqa: S608 the name comes from the schema


def sizes(path: Path, counts: Mapping[str, object], integrity: str) -> JsonObject:
    rows: dict[str, JsonValue] = {name: count for name, count in counts.items() if isinstance(count, int)}
    return {
        "path": str(path),
        "bytes": size_of(path),
        "wal_bytes": size_of(path.with_name(path.name + "-wal")),
        "bytes_free": shutil.disk_usage(path.parent).free,
        "rows": rows,
        "integrity": integrity,
    }
