"""What the twin answers to hub_reconcile_v1, and its repair lane: as 10_7_reconcile.sql and 10_2_records.sql do it."""

import base64
from collections.abc import Iterable
from datetime import UTC
from typing import TYPE_CHECKING, Any

from hub_agent.core.sync.prints import SPELLED, hash_of, print_of, read_time

if TYPE_CHECKING:
    from tests.fakes.cloud_twin import CloudTwin, StoredRow

TIME_COLUMN = {"device_states": "created_at"}
KEYS = {
    "device_telemetry": ("device_id", "metric_type", "time"),
    "energy_usage": ("device_id", "time"),
    "network_metrics": ("device_id", "time"),
    "device_health_history": ("device_id", "time"),
}


def reconcile(twin: "CloudTwin", request: dict[str, Any]) -> dict[str, Any]:
    return {
        "streams": {
            stream: _of_stream(twin, stream, asked) for stream, asked in (request.get("streams") or {}).items()
        },
        "definitions": list(_definitions(twin, request.get("definitions", {}), is_all="definitions" not in request)),
        "server_time": twin._now().isoformat(),
    }


def _of_stream(twin: "CloudTwin", stream: str, asked: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    rows = twin.stored(stream)
    if "days" in asked:
        answer["days"] = {day: _day(stream, rows, day, claimed) for day, claimed in asked["days"].items()}
    if "listed" in asked and stream in SPELLED:
        there = {print_of(stream, row) for row in rows}
        missing = [seq for seq, each in _listed(asked["listed"]) if each not in there]
        letters = {letter["seq"]: letter["reason"] for letter in twin.dead_letters if letter["stream"] == stream}
        answer["missing"] = missing
        answer["refused"] = [{"seq": seq, "reason": letters[seq]} for seq in missing if seq in letters]
    return answer


def _day(stream: str, rows: list[dict[str, Any]], day: str, claimed: dict[str, Any]) -> dict[str, Any]:
    prints = [print_of(stream, row) for row in rows if day_of(stream, row) == day]
    told = {"count": len(prints)} | ({"hash": str(hash_of(prints))} if stream in SPELLED else {})
    return {**told, "differs": any(told.get(name, value) != value for name, value in claimed.items())}


def day_of(stream: str, row: dict[str, Any]) -> str:
    at = read_time(row[TIME_COLUMN.get(stream, "time")])
    assert at is not None
    return at.astimezone(UTC).date().isoformat()


def _listed(listed: dict[str, Any]) -> Iterable[tuple[int, int]]:
    prints = base64.b64decode(listed["prints"])
    seqs = [seq for first, last in listed["seqs"] for seq in range(first, last + 1)]
    assert len(prints) == 8 * len(seqs)
    for n, seq in enumerate(seqs):
        yield seq, int.from_bytes(prints[n * 8 : n * 8 + 8], signed=True)


def _definitions(
    twin: "CloudTwin", known: dict[str, dict[str, int]] | None, *, is_all: bool
) -> Iterable[dict[str, Any]]:
    if known is None:
        return
    for (kind, definition_id), held in sorted(twin.definitions.items()):
        if is_all or (known.get(kind) or {}).get(definition_id) != held.version:
            yield {"entity_type": kind, "id": definition_id, "version": held.version, "deleted": held.is_deleted}
    for kind, versions in known.items():
        for definition_id in versions:
            if (kind, definition_id) not in twin.definitions:
                yield {"entity_type": kind, "id": definition_id, "version": None, "deleted": False}


def key_of(stream: str, row: dict[str, Any], number: object) -> tuple[object, ...]:
    """What a record goes by when it is sent again for repair. An id that is left out is made of the number."""
    names = KEYS.get(stream, ("id", TIME_COLUMN.get(stream, "time")))
    return tuple(read_time(row[name]) if name in {"time", "created_at"} else row.get(name, number) for name in names)


def sameness_of(stream: str, row: dict[str, Any], number: object) -> tuple[object, ...]:
    """Two measurements may share device, metric and time; two rows of one id cannot be stored."""
    return (*key_of(stream, row, number), *((print_of(stream, row),) if stream in KEYS else ()))


def without_changed(
    stream: str, kept: list["StoredRow"], arrived: list[tuple[tuple[object, ...], dict[str, Any]]]
) -> list["StoredRow"]:
    """Of the keys that arrived, only rows that arrived stay. Nothing takes the place of an entry of the audit."""
    if stream == "audit_logs":
        return list(kept)
    prints: dict[object, set[int]] = {}
    for key, row in arrived:
        prints.setdefault(_near(stream, key), set()).add(print_of(stream, row))
    return [
        held
        for held in kept
        if print_of(stream, held.row)
        in prints.get(
            _near(stream, key_of(stream, held.row, (held.mirror, held.epoch, held.seq))), {print_of(stream, held.row)}
        )
    ]


def _near(stream: str, key: tuple[object, ...]) -> object:
    """An id may stand at another time."""
    return key if stream in KEYS else key[0]
