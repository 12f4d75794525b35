"""What goes into one envelope and in which order, its bytes, and what may be believed of the answer.

The order of business: definitions (records point at them), then the present, then the past by priority. Numbers make a
repeat harmless: whatever is not confirmed is sent again.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import orjson

from hub_agent.core.sync.definitions import OwedDefinition
from hub_agent.model.json import JsonObject, Row
from hub_agent.model.record import CASES, STREAMS, Priority

DEFINITIONS_MAX = 200
CASES_MAX = 200
GAPS_MAX = 500
ROWS_MAX = 10_000
BYTES_MAX = 2_000_000
ROWS_MIN = 1
BYTES_MIN = 16_384


class Batch(Protocol):
    """Rows of one stream, numbered from `first` without holes; or, for the repair lane, each with its number in `numbers`."""

    @property
    def stream(self) -> str: ...
    @property
    def first(self) -> int: ...
    @property
    def rows(self) -> Sequence[Row]: ...
    @property
    def is_clock_trusted(self) -> bool: ...
    @property
    def numbers(self) -> Sequence[int]: ...
    @property
    def is_all_of_its_keys(self) -> bool: ...


class Gap(Protocol):
    """Records that are not there any more, and why."""

    @property
    def stream(self) -> str: ...
    @property
    def first(self) -> int: ...
    @property
    def last(self) -> int: ...
    @property
    def count(self) -> int: ...
    @property
    def reason(self) -> str: ...
    @property
    def from_at(self) -> datetime | None: ...
    @property
    def to_at(self) -> datetime | None: ...


class Case(Protocol):
    @property
    def table(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def revision(self) -> int: ...
    @property
    def row(self) -> Row: ...


@dataclass(frozen=True, slots=True)
class Sender:
    hub_id: str
    mirror_id: str
    epoch: int
    agent_version: str
    lineage: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Repair:
    """Rows that the cloud may have under their numbers of `epoch`: stored only where they are missing."""

    batch: Batch
    epoch: int


@dataclass(frozen=True, slots=True)
class ClockReading:
    trusted: bool
    boot_id: str
    monotonic_ms: int
    wall: datetime


@dataclass(frozen=True, slots=True)
class Envelope:
    sender: Sender
    clock: ClockReading
    definitions: tuple[OwedDefinition, ...] = ()
    present: JsonObject | None = None
    batches: tuple[Batch, ...] = ()
    cases: tuple[Case, ...] = ()
    gaps: tuple[Gap, ...] = ()
    commands_done: tuple[JsonObject, ...] = ()
    # The cloud may queue it and store it later; and the numbers of which that is so already.
    may_wait: bool = False
    queued: Mapping[str, int] = field(default_factory=dict)
    repairs: tuple[Repair, ...] = ()
    # Streams of which another copy of this mirror may have sent these records: only what is missing is stored.
    shared: frozenset[str] = frozenset()

    def encode(self, columns: Mapping[str, "Columns"] | None = None) -> bytes:
        """As JSON that the cloud can store: no NUL characters, no broken text. `columns`: of batches that are encoded already."""
        document = self._document(columns or {})
        try:
            encoded = orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS)
        except TypeError:
            encoded = orjson.dumps(_mended(self._document({})))
        return _NUL.sub(rb"\1\\ufffd", encoded) if b"\\u0000" in encoded else encoded

    def _document(self, columns: Mapping[str, "Columns"]) -> dict[str, object]:
        document: dict[str, object] = {
            "hub_id": self.sender.hub_id,
            "mirror_id": self.sender.mirror_id,
            "epoch": self.sender.epoch,
            "agent_version": self.sender.agent_version,
            "sent_at": self.clock.wall,
            "clock": {
                "trusted": self.clock.trusted,
                "boot_id": self.clock.boot_id,
                "monotonic_ms": self.clock.monotonic_ms,
                "wall": self.clock.wall,
            },
            "definitions": [_definition_as_json(owed) for owed in self.definitions],
            "streams": {
                batch.stream: _batch_as_json(batch, columns.get(batch.stream))
                | ({"missing_only": True} if batch.stream in self.shared else {})
                for batch in self.batches
            }
            | {each.batch.stream: _repair_as_json(each) for each in self.repairs},
            "cases": [_case_as_json(case) for case in self.cases],
            "gaps": [_gap_as_json(gap) for gap in self.gaps],
            "commands_done": list(self.commands_done),
        }
        if self.sender.lineage:
            document["lineage"] = list(self.sender.lineage)
        if self.present is not None:
            document["present"] = self.present
        if self.may_wait:
            document["may_wait"] = True
        return document

    def parts(self) -> set[str]:
        """Names of what is in it, for finding the part that is refused."""
        named: dict[str, object] = {
            "definitions": self.definitions,
            "present": self.present,
            "cases": self.cases,
            "gaps": self.gaps,
            "commands_done": self.commands_done,
        }
        streams = {batch.stream for batch in self.batches} | {each.batch.stream for each in self.repairs}
        return {name for name, part in named.items() if part} | streams

    def row_count(self) -> int:
        """How much there is to have less of, where the cloud refuses it."""
        return (
            len(self.definitions)
            + len(self.cases)
            + sum(len(batch.rows) for batch in self.batches)
            + sum(len(each.batch.rows) for each in self.repairs)
        )

    def reach(self) -> dict[str, int]:
        """The highest number of each stream that this envelope tells of, or one before it that the cloud has queued;
        as far as it can move a mark.
        """
        reach: dict[str, int] = dict(self.queued)
        for batch in self.batches:
            if not batch.numbers:
                reach[batch.stream] = max(reach.get(batch.stream, 0), batch.first + len(batch.rows) - 1)
        for gap in self.gaps:
            reach[gap.stream] = max(reach.get(gap.stream, 0), gap.last)
        return reach


# A backslash escaped by another one does not begin an escape.
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much of everything the next envelope may hold; the cloud's limits and its refusals bring it down."""

    rows: int = ROWS_MAX
    bytes: int = BYTES_MAX

    def within(self, rows_max: int | None, bytes_max: int | None) -> "Allowance":
        """What the cloud allows, never more than what we would send by ourselves."""
        rows = ROWS_MAX if rows_max is None else max(ROWS_MIN, min(ROWS_MAX, rows_max))
        size = BYTES_MAX if bytes_max is None else max(BYTES_MIN, min(BYTES_MAX, bytes_max))
        return Allowance(rows, size)

    def halved(self) -> "Allowance":
        return Allowance(max(ROWS_MIN, self.rows // 2), max(BYTES_MIN, self.bytes // 2))

    def doubled_up_to(self, most: "Allowance") -> "Allowance":
        return Allowance(min(most.rows, self.rows * 2), min(most.bytes, self.bytes * 2))

    def less(self, rows: int, size: int) -> "Allowance":
        return Allowance(max(0, self.rows - rows), max(0, self.bytes - size))

    @property
    def is_least(self) -> bool:
        return self.rows <= ROWS_MIN and self.bytes <= BYTES_MIN

    @property
    def is_used_up(self) -> bool:
        return self.rows <= 0 or self.bytes <= 0


def in_order(streams: Iterable[str]) -> list[str]:
    """What is sent first: the critical before the normal before the bulk."""
    return sorted(streams, key=lambda name: (STREAMS[name].priority if name in STREAMS else Priority.BULK, name))


def _definition_as_json(owed: OwedDefinition) -> dict[str, object]:
    document: dict[str, object] = {
        "entity_type": owed.kind,
        "id": owed.id,
        "base_version": owed.base_version,
        "fields": {} if owed.is_deleted else owed.fields,
        "modified_at": owed.modified_at,
        "deleted": owed.is_deleted,
    }
    if owed.aliases:
        document["aliases"] = [{"kind": kind, "value": value} for kind, value in owed.aliases]
    return document


def _repair_as_json(repair: Repair) -> dict[str, object]:
    batch = repair.batch
    seqs = list(batch.numbers) or list(range(batch.first, batch.first + len(batch.rows)))
    document = _batch_as_json(batch) | {"lane": "repair", "epoch": repair.epoch, "seqs": seqs}
    document.pop("first")
    return document


Columns = Mapping[str, orjson.Fragment]


def encoded_columns(batch: Batch) -> Iterator[tuple[str, orjson.Fragment]]:
    """One after the other, so that whoever encodes many rows can see to other things between. Raises TypeError where `encode` must mend."""
    if _has_columns(batch):
        for name in sorted({name for row in batch.rows for name in row}):
            yield name, orjson.Fragment(orjson.dumps([row.get(name) for row in batch.rows]))


def _has_columns(batch: Batch) -> bool:
    stream = STREAMS.get(batch.stream)
    return stream is not None and stream.priority is Priority.BULK


def _batch_as_json(batch: Batch, columns: Columns | None = None) -> dict[str, object]:
    document: dict[str, object] = {"lane": "live", "first": batch.first}
    if batch.numbers:
        document = {"lane": "repair", "seqs": list(batch.numbers)}
        if batch.is_all_of_its_keys:
            document["replace"] = True
    if not batch.is_clock_trusted:
        document["clock_trusted"] = False
    if columns:
        document["columns"] = columns
    elif _has_columns(batch):
        names = sorted({name for row in batch.rows for name in row})
        document["columns"] = {name: [row.get(name) for row in batch.rows] for name in names}
    else:
        document["rows"] = list(batch.rows)
    return document


def _case_as_json(case: Case) -> dict[str, object]:
    kind = CASES.get(case.table)
    return {
        "table": case.table,
        "id": case.id,
        "time": case.row.get(kind.time_column if kind else "time"),
        "revision": case.revision,
        "row": case.row,
    }


def _gap_as_json(gap: Gap) -> dict[str, object]:
    return {
        "stream": gap.stream,
        "first": gap.first,
        "last": gap.last,
        "count": gap.count,
        "reason": gap.reason,
        "from": gap.from_at,
        "to": gap.to_at,
    }


_INTEGER_MAX = 2**63 - 1


def _mended(value: object) -> object:
    """What JSON cannot say, said as well as it can: broken text with marks in it, numbers too large as text."""
    if isinstance(value, Mapping):
        return {str(_mended(str(name))): _mended(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_mended(one) for one in value]
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, int) and abs(value) > _INTEGER_MAX:
        return str(value)
    if value is None or isinstance(value, bool | int | float | datetime):
        return value
    return str(value)


# The answer.


@dataclass(frozen=True, slots=True)
class Refused:
    """A record the cloud put aside as unusable; it counts as stored, so that the rest goes on."""

    stream: str
    seq: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class DefinitionAnswer:
    kind: str
    id: str
    version: int | None
    status: str
    fields: JsonObject | None
    is_deleted: bool
    error: str | None
    existing_id: str | None
    changed_at: datetime | None = None
    changed_by: str | None = None


@dataclass(frozen=True, slots=True)
class IngestAnswer:
    """`marks` only of streams this envelope told of, never above what it told. `beyond`: marks of numbers we never made: this
    mirror is an older copy of itself. `missing`: marks below what the cloud had confirmed before. `held`: all marks, as said.
    `fork_epoch`: another speaks under our epoch, nothing was taken, and this one is free.
    """

    marks: Mapping[str, int]
    beyond: Mapping[str, int] = field(default_factory=dict)
    missing: Mapping[str, int] = field(default_factory=dict)
    refused: tuple[Refused, ...] = ()
    definitions: tuple[DefinitionAnswer, ...] = ()
    cases: Mapping[tuple[str, str], int] = field(default_factory=dict)
    rows_max: int | None = None
    bytes_max: int | None = None
    server_time: datetime | None = None
    pause_s: float = 0.0
    # The place in the cloud's queue, when it was only queued; and how far that queue was written before the marks were read.
    queued_at: int | None = None
    written: int | None = None
    held: Mapping[str, int] = field(default_factory=dict)
    fork_epoch: int | None = None
    warnings: frozenset[str] = frozenset()


PAUSE_S_MAX = 3600.0
WARNINGS_MAX = 20


def read_answer(answer: JsonObject, sent: Envelope, last_made: Mapping[str, int]) -> IngestAnswer:
    """Believes nothing that cannot be: parts that make no sense are left out, and their records stay unconfirmed."""
    marks, beyond, missing = _read_marks(answer.get("marks"), sent, last_made)
    limits = _object(answer.get("limits"))
    return IngestAnswer(
        marks=marks,
        beyond=beyond,
        missing=missing,
        refused=tuple(_read_refused(answer.get("refused"))),
        definitions=tuple(_read_definitions(answer.get("definitions"), sent)),
        cases=_read_cases(answer, sent),
        rows_max=_count(limits.get("rows_max")),
        bytes_max=_count(limits.get("bytes_max")),
        server_time=read_instant(answer.get("server_time")),
        pause_s=_pause(answer.get("pause_s")),
        queued_at=_count(_object(answer.get("queued")).get("place")) if sent.may_wait else None,
        written=_count(answer.get("written")),
        held={
            name: mark for name, value in _object(answer.get("marks")).items() if (mark := _count(value)) is not None
        },
        fork_epoch=_count(_object(answer.get("fork")).get("epoch")),
        warnings=frozenset(str(each)[:100] for each in _list(answer.get("warnings"))[:WARNINGS_MAX]),
    )


def is_answer(answer: JsonObject) -> bool:
    """Whether the cloud said it. Something on the way (a captive portal, half an answer) may say "200" to anything, and that
    confirms nothing: neither gaps nor the present nor commands that are done.
    """
    marks = answer.get("marks")
    return isinstance(marks, Mapping) and all(_count(mark) is not None for mark in marks.values())


def read_instant(value: object) -> datetime | None:
    """An aware instant, or None."""
    if not isinstance(value, str):
        return None
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        return None
    return instant if instant.tzinfo is not None else None


def _read_marks(
    marks: object, sent: Envelope, last_made: Mapping[str, int]
) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    believed: dict[str, int] = {}
    beyond: dict[str, int] = {}
    missing: dict[str, int] = {}
    reach = sent.reach()
    told = [(batch.stream, batch.first) for batch in sent.batches if not batch.numbers]
    told += [(gap.stream, gap.first) for gap in sent.gaps]
    firsts = dict(sorted(told, reverse=True))
    for stream, value in sorted(_object(marks).items()):
        mark = _count(value)
        if mark is None:
            continue
        if mark > max(last_made.get(stream, 0), reach.get(stream, 0)):
            beyond[stream] = mark
        elif stream in reach:
            believed[stream] = min(mark, reach[stream])
        if mark < firsts.get(stream, 0) - 1:
            missing[stream] = mark
    return believed, beyond, missing


def _read_refused(refused: object) -> Iterable[Refused]:
    for one in _list(refused):
        body = _object(one)
        yield Refused(str(body.get("stream"))[:100], _count(body.get("seq")), str(body.get("reason"))[:500])


def _read_definitions(answers: object, sent: Envelope) -> Iterable[DefinitionAnswer]:
    asked = {(owed.kind, owed.id) for owed in sent.definitions}
    for one in _list(answers):
        body = _object(one)
        kind, definition_id, status = body.get("entity_type"), body.get("id"), body.get("status")
        if (kind, definition_id) not in asked or status not in {"synced", "pending", "conflict", "failed"}:
            continue
        fields, error = body.get("fields"), body.get("error")
        existing, changed_by = _object(body.get("existing")).get("id"), body.get("modified_by")
        yield DefinitionAnswer(
            str(kind),
            str(definition_id),
            _count(body.get("version")),
            str(status),
            fields if isinstance(fields, Mapping) else None,
            body.get("deleted") is True,
            str(error)[:500] if error is not None else None,
            existing if isinstance(existing, str) else None,
            read_instant(body.get("modified_at")),
            changed_by[:200] if isinstance(changed_by, str) else None,
        )


def _read_cases(answer: JsonObject, sent: Envelope) -> dict[tuple[str, str], int]:
    """What the cloud holds or has put aside for good, of what was sent."""
    told = {(case.table, case.id): case.revision for case in sent.cases}
    held: dict[tuple[str, str], int] = {}
    for one in [*_list(answer.get("cases")), *_list(answer.get("refused"))]:
        body = _object(one)
        key = (str(body.get("table") or body.get("stream")), str(body.get("id")))
        revision = _count(body.get("revision"))
        if key in told and revision is not None and revision >= told[key]:
            held[key] = told[key]
    return held


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else []


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _pause(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        return 0.0
    return min(float(value), PAUSE_S_MAX)
