"""The columns of an envelope's bulk streams, spelled for COPY. Its text form goes through each type's own input, as the casts of hub_ingest_v1
do, so that both ways mean the same; whatever is not plain here is left to hub_ingest_v1, which decides what is bad.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

# Below this an envelope is stored sooner by hub_ingest_v1 alone.
ROWS_MIN = 200
# Far below where numbers end (hub_sync.number_max).
FIRST_MAX = 2**52
NULL = "\\N"
SPECIAL = re.compile(r"[\\\t\n\r]")
ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class NotPlain(Exception):
    """Something that hub_ingest_v1 is to look at."""


@dataclass(frozen=True, slots=True)
class ColumnStream:
    """Rows of one stream, numbered from `first` without holes."""

    name: str
    first: int
    count: int
    columns: Mapping[str, Sequence[Any]]

    def described(self) -> dict[str, Any]:
        """What hub_columns_v1 has to know of it."""
        ids = {name: _different(values) for name, values in self.columns.items() if name.endswith("_id")}
        return {"first": self.first, "count": self.count, "names": list(self.columns), "ids": ids}


@dataclass(frozen=True, slots=True)
class Split:
    """An envelope in two: the streams for COPY, and the rest, which goes to hub_ingest_v1."""

    streams: Sequence[ColumnStream]
    rest: Mapping[str, Any]
    rows: int

    def described(self) -> dict[str, Any]:
        sender = {name: self.rest.get(name) for name in ("hub_id", "mirror_id", "epoch", "lineage")}
        return {**sender, "rows": self.rows, "columns": {stream.name: stream.described() for stream in self.streams}}


def split(request: Mapping[str, Any]) -> Split | None:
    """None where it does not pay, or is not sure to come to the same."""
    streams = request.get("streams")
    # Definitions and gaps come before the streams: what they change is not known yet when the columns are stored.
    if not isinstance(streams, dict) or request.get("definitions") or request.get("gaps"):
        return None
    found = [stream for name, body in streams.items() if (stream := _column_stream(name, body)) is not None]
    if sum(stream.count for stream in found) < ROWS_MIN:
        return None
    names = {stream.name for stream in found}
    others = {name: body for name, body in streams.items() if name not in names}
    rows = sum(stream.count for stream in found) + sum(map(_rows_in, others.values())) + _length(request.get("cases"))
    return Split(found, {**request, "streams": others}, rows)


def encode(stream: ColumnStream, plan: Mapping[str, Any]) -> bytes:
    """The lines that lie between the plan's marks. Raises NotPlain."""
    low, high = plan["after"] + 1 - stream.first, plan["upto"] + 1 - stream.first
    if high <= max(low, 0):
        return b""
    low = max(low, 0)
    _hold_between(stream.columns[plan["time"]][low:high], plan["earliest"], plan["latest"])
    cells = [_cells(column, stream.columns.get(column["name"], ())[low:high], high - low) for column in plan["columns"]]
    return "".join(f"{line}\n" for line in map("\t".join, zip(*cells, strict=True))).encode()


def _hold_between(times: Sequence[Any], earliest: str, latest: str) -> None:
    """What is dated otherwise is bad, or spelled so that only the database can say."""
    try:
        instants = list(map(datetime.fromisoformat, times))
        is_plain = datetime.fromisoformat(earliest) <= min(instants) and max(instants) <= datetime.fromisoformat(latest)
    except (TypeError, ValueError) as err:  # no time, or one without a zone beside others with one
        raise NotPlain from err
    if not is_plain:
        raise NotPlain


def rows_in(request: Mapping[str, Any]) -> int:
    """How many records an envelope has, sent again or not."""
    streams = request.get("streams")
    return sum(map(_rows_in, streams.values())) if isinstance(streams, dict) else 0


def _column_stream(name: str, body: object) -> ColumnStream | None:
    if not isinstance(body, dict) or body.get("lane", "live") != "live" or body.keys() & {"seqs", "missing_only"}:
        return None
    if body.get("clock_trusted") is False:  # that is noted besides
        return None
    columns, first = body.get("columns"), body.get("first")
    if not isinstance(columns, dict) or not columns or type(first) is not int or not 1 <= first <= FIRST_MAX:
        return None
    counts = {len(values) if isinstance(values, list) else -1 for values in columns.values()}
    count = counts.pop()
    return ColumnStream(name, first, count, columns) if count > 0 and not counts else None


def _rows_in(body: object) -> int:
    """As hub_ingest_v1 counts them; what makes no sense it will refuse by itself."""
    if not isinstance(body, dict):
        return 0
    columns = body.get("columns")
    if isinstance(columns, dict):
        return max(map(_length, columns.values()), default=0)
    return _length(body.get("rows"))


def _length(value: object) -> int:
    return len(value) if isinstance(value, list) else 0


def _different(values: Sequence[Any]) -> list[str]:
    try:
        return list(set(values) - {None})
    except TypeError as err:
        raise NotPlain from err


def _cells(column: Mapping[str, Any], values: Sequence[Any], count: int) -> Sequence[str]:
    if (constant := column.get("constant")) is not None:
        return [_escaped(constant)] * count
    standard = _escaped(column["standard"]) if "standard" in column else NULL
    return SPELLINGS[column["kind"]](values, standard)


def _texts(values: Sequence[Any], standard: str) -> Sequence[str]:
    types = set(map(type, values))
    if not types <= {str, type(None)}:
        raise NotPlain
    if type(None) not in types:
        return list(map(_escaped, values)) if SPECIAL.search("".join(values)) else values
    return [standard if value is None else _escaped(value) for value in values]


def _numbers(values: Sequence[Any], standard: str) -> Sequence[str]:
    """As JSON has them, which is how hub_ingest_v1 sees them. What is no number stands in quotes or brackets, and no number type takes that."""
    written = orjson.dumps(values).decode()
    cells = written[1:-1].split(",")
    if len(cells) != len(values):
        raise NotPlain
    if "null" in written or "-0.0" in written:
        plain = {"null": standard, "-0.0": "0.0"}  # jsonb knows no negative zero
        return [plain.get(cell, cell) for cell in cells]
    return cells


def _documents(values: Sequence[Any], standard: str) -> Sequence[str]:
    return [standard if value is None else _escaped(orjson.dumps(value).decode()) for value in values]


def _escaped(text: str) -> str:
    return text.translate(ESCAPES) if SPECIAL.search(text) else text


SPELLINGS = {"text": _texts, "number": _numbers, "json": _documents}
