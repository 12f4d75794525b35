"""Whether the cloud has what the hub has, and what to do where it has not.

Told as a conversation: `verify` yields what it wants done and is sent what came of it. Days are compared by count and hash; of
a day that differs the fingerprints are listed, and the cloud says which records it does not have. Those are sent again with their
old numbers, and asked for once more. What the cloud has besides (an earlier hub's records, another epoch's) is no fault.
"""

import base64
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple, TypeAlias

from hub_agent.core.sync.prints import SPELLED, hash_of, packed
from hub_agent.model.json import JsonObject

# At most so much in one request: days, the records of these days, fingerprints; records sent again at once.
DAYS_MAX = 100
COMPARED_MAX = 100_000
LISTED_MAX = 10_000
SENT_MAX = 1_000
# How often what is still missing is sent again.
ROUNDS_MAX = 3
REASONS_MAX = 20

Versions: TypeAlias = Mapping[str, Mapping[str, int]]
Key: TypeAlias = tuple[str, str]


class Printed(NamedTuple):
    """What is known of a record here. Records of one `key` go by the same name there: one cannot be replaced without the others."""

    number: int
    at: datetime
    fingerprint: int
    key: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """Confirmed records of a stream in order, up to this number."""

    records: Sequence[Printed]
    upto: int
    is_end: bool


# What is wanted next.


@dataclass(frozen=True, slots=True)
class Read:
    """A stretch of confirmed records after this number. Answered with Stretch."""

    stream: str
    after: int


@dataclass(frozen=True, slots=True)
class Ask:
    """The cloud, to compare. Answered with its answer."""

    request: JsonObject


@dataclass(frozen=True, slots=True)
class Send:
    """These records once more. Answered with Taken."""

    stream: str
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of it: `sent` of them were still here."""

    sent: int
    refused: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Mend:
    """Definitions: the cloud forgot those of `forgotten`, and has others newer than here. Answered with None."""

    forgotten: tuple[Key, ...]
    is_newer_there: bool


Step: TypeAlias = Read | Ask | Send | Mend
Heard: TypeAlias = Stretch | Taken | JsonObject | None


# What came of it all.


@dataclass(slots=True)
class StreamReport:
    stream: str
    days: int = 0
    records: int = 0
    differing_days: int = 0
    missing: int = 0
    repaired: int = 0
    refused: int = 0
    still: int = 0
    by: str = "hash"
    reasons: dict[str, int] = field(default_factory=dict)

    def refuse(self, reasons: Iterable[str]) -> None:
        for reason in reasons:
            self.refused += 1
            if reason in self.reasons or len(self.reasons) < REASONS_MAX:
                self.reasons[reason] = self.reasons.get(reason, 0) + 1


@dataclass(slots=True)
class Report:
    streams: list[StreamReport] = field(default_factory=list)
    definitions: int = 0
    definitions_newer_there: int = 0
    definitions_forgotten_there: int = 0

    @property
    def is_agreed(self) -> bool:
        return not any(each.still for each in self.streams)


@dataclass(slots=True)
class _Day:
    first: int
    last: int = 0
    count: int = 0
    total: int = 0

    def as_json(self) -> JsonObject:
        return {"count": self.count, "hash": str(hash_of([self.total]))}


Talk: TypeAlias = Generator[Step, Heard, None]


def verify(streams: Sequence[str], first_day: date, last_day: date, versions: Versions | None, report: Report) -> Talk:
    """Fills the report. `versions`: of the definitions that both sides should have; None: they are not compared."""
    if versions is not None:
        yield from _definitions(versions, report)
    for stream in streams:
        told = StreamReport(stream)
        report.streams.append(told)
        yield from _stream(told, first_day, last_day)


# Definitions.


def _definitions(versions: Versions, report: Report) -> Talk:
    answer = yield Ask({"definitions": versions})
    report.definitions = sum(len(of_kind) for of_kind in versions.values())
    forgotten: list[Key] = []
    for one in _list(_object(answer).get("definitions")):
        body = _object(one)
        key = (str(body.get("entity_type")), str(body.get("id")))
        there, here = body.get("version"), versions.get(key[0], {}).get(key[1])
        if isinstance(there, int) and (here is None or there > here):
            report.definitions_newer_there += 1
        elif here is not None:
            forgotten.append(key)
    report.definitions_forgotten_there = len(forgotten)
    if forgotten or report.definitions_newer_there:
        yield Mend(tuple(sorted(forgotten)), is_newer_there=report.definitions_newer_there > 0)


# Records.


def _stream(told: StreamReport, first_day: date, last_day: date) -> Talk:
    days: dict[str, _Day] = {}
    after, is_end = 0, False
    while not is_end:
        stretch = yield Read(told.stream, after)
        assert isinstance(stretch, Stretch)
        for record in stretch.records:
            on = _day_of(record)
            if not first_day <= on <= last_day:
                continue
            day = days.setdefault(on.isoformat(), _Day(record.number))
            day.last = max(day.last, record.number)
            day.first = min(day.first, record.number)
            day.count += 1
            day.total += record.fingerprint
        after, is_end = stretch.upto, stretch.is_end
    told.days, told.records = len(days), sum(day.count for day in days.values())
    for some in _portions(days):
        answer = yield Ask(_about(told.stream, {"days": {name: days[name].as_json() for name in some}}))
        compared = _object(_object(_object(_object(answer).get("streams")).get(told.stream)).get("days"))
        for name in some:
            there = _object(compared.get(name))
            if not there:
                told.by = "nothing"
            elif there.get("differs") is not False:
                told.differing_days += 1
                yield from _day(told, name, days[name], there)


def _day(told: StreamReport, name: str, day: _Day, there: Mapping[str, object]) -> Talk:
    """Where the cloud cannot tell records apart, all of a day with too few is sent: it takes what is missing."""
    can_list = "hash" in there and told.stream in SPELLED
    if not can_list:
        told.by = "count"
        count = there.get("count")
        if isinstance(count, int) and count >= day.count:
            return
    pending: list[Printed] = []
    after = day.first - 1
    while after < day.last:
        stretch = yield Read(told.stream, after)
        assert isinstance(stretch, Stretch)
        for record in stretch.records:
            if record.number > day.last or _day_of(record).isoformat() != name:
                continue
            # Records of one instant may go by one name: they stay together.
            if len(pending) >= LISTED_MAX and record.at != pending[-1].at:
                yield from _listed(told, pending) if can_list else _resent(told, pending)
                pending = []
            pending.append(record)
        after = stretch.upto
        if stretch.is_end:
            break
    if pending:
        yield from _listed(told, pending) if can_list else _resent(told, pending)
    if not can_list:
        yield from _recounted(told, name, day, there)


def _listed(told: StreamReport, records: Sequence[Printed]) -> Talk:
    """Finds and sends what is missing of these, until it is there or does not become less."""
    refused: dict[int, str] = {}
    missing = yield from _missing_of(told.stream, records, refused)
    told.missing += len(missing) + len(refused)
    left = -1
    for _ in range(ROUNDS_MAX):
        if not missing or len(missing) == left:
            break
        left = len(missing)
        for numbers in _with_namesakes(missing, records):
            taken = yield Send(told.stream, numbers)
            assert isinstance(taken, Taken)
            refused.update({number: reason for number, reason in taken.refused if number in missing})
        asked = [record for record in records if record.number in missing and record.number not in refused]
        missing = (yield from _missing_of(told.stream, asked, refused)) if asked else frozenset()
    told.still += len(missing)
    told.refuse(reason for _, reason in sorted(refused.items()))
    told.repaired = told.missing - told.refused - told.still


def _missing_of(
    stream: str, records: Sequence[Printed], refused: dict[int, str]
) -> Generator[Step, Heard, frozenset[int]]:
    answer = yield Ask(_about(stream, {"listed": _list_of(records)}))
    body = _object(_object(_object(answer).get("streams")).get(stream))
    asked = {record.number for record in records}
    for one in _list(body.get("refused")):
        letter = _object(one)
        seq = letter.get("seq")
        if isinstance(seq, int) and seq in asked:
            refused[seq] = str(letter.get("reason"))[:500]
    missing = {number for number in _list(body.get("missing")) if isinstance(number, int)}
    return frozenset((missing & asked) - refused.keys())


def _with_namesakes(missing: frozenset[int], records: Sequence[Printed]) -> Iterable[tuple[int, ...]]:
    """The numbers to send, in portions; records of one key in one portion."""
    keys = {record.key for record in records if record.number in missing}
    portion: list[int] = []
    last_key: int | None = None
    for record in sorted((each for each in records if each.key in keys), key=lambda each: (each.at, each.key)):
        if len(portion) >= SENT_MAX and record.key != last_key:
            yield tuple(sorted(portion))
            portion = []
        portion.append(record.number)
        last_key = record.key
    if portion:
        yield tuple(sorted(portion))


def _resent(told: StreamReport, records: Sequence[Printed]) -> Talk:
    for numbers in _with_namesakes(frozenset(record.number for record in records), records):
        taken = yield Send(told.stream, numbers)
        assert isinstance(taken, Taken)
        told.refuse(reason for _, reason in taken.refused)


def _recounted(told: StreamReport, name: str, day: _Day, before: Mapping[str, object]) -> Talk:
    answer = yield Ask(_about(told.stream, {"days": {name: day.as_json()}}))
    days = _object(_object(_object(_object(answer).get("streams")).get(told.stream)).get("days"))
    was, now = before.get("count"), _object(days.get(name)).get("count")
    if isinstance(was, int) and isinstance(now, int):
        told.missing += day.count - was
        told.repaired += max(0, min(now, day.count) - was)
        told.still += max(0, day.count - now - told.refused)


# Spelling.


def _about(stream: str, asked: JsonObject) -> JsonObject:
    return {"streams": {stream: asked}, "definitions": None}


def _list_of(records: Sequence[Printed]) -> JsonObject:
    instants = [record.at for record in records]
    return {
        "from": min(instants).isoformat(),
        "to": max(instants).isoformat(),
        "seqs": [list(bounds) for bounds in _ranges([record.number for record in records])],
        "prints": base64.b64encode(packed(record.fingerprint for record in records)).decode(),
    }


def _ranges(numbers: Sequence[int]) -> Iterable[tuple[int, int]]:
    first = last = numbers[0]
    for number in numbers[1:]:
        if number != last + 1:
            yield first, last
            first = number
        last = number
    yield first, last


def _portions(days: Mapping[str, _Day]) -> Iterable[list[str]]:
    """So many days at a time that the cloud can answer soon."""
    portion: list[str] = []
    count = 0
    for name, day in sorted(days.items()):
        if portion and (len(portion) >= DAYS_MAX or count + day.count > COMPARED_MAX):
            yield portion
            portion, count = [], 0
        portion.append(name)
        count += day.count
    if portion:
        yield portion


def _day_of(record: Printed) -> date:
    return (record.at if record.at.tzinfo is UTC else record.at.astimezone(UTC)).date()


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else []


# When it is done by itself.

QUIET_FROM = time(2)
QUIET_FOR = timedelta(hours=3)


def quiet_time_after(now: datetime, zone: tzinfo, chance: float, every_days: int = 1) -> datetime:
    """Once in so many days, while the home sleeps; hubs of one place not all at once. Told by the date, so that a restart changes nothing."""
    local = now.astimezone(zone)
    night = local.date()
    while True:
        at = datetime.combine(night, QUIET_FROM, zone) + chance * QUIET_FOR
        if at > local and night.toordinal() % every_days == int(chance * every_days):
            return at
        night += timedelta(days=1)
