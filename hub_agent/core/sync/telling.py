"""What goes on between hub and cloud, in words: a headline, and a sentence for each thing that is worth knowing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub_agent.core.sync.account import Drained, Lost

ONE_AND_MANY = {
    "automation_executions": ("run of an automation", "runs of automations"),
    "scene_activations": ("pressed scene", "pressed scenes"),
    "audit_logs": ("audit entry", "audit entries"),
    "automation_health_checks": ("check of an automation", "checks of automations"),
    "device_states": ("change of a state", "changes of states"),
    "device_health_history": ("device's health", "devices' healths"),
    "device_error_logs": ("device's error", "devices' errors"),
    "device_telemetry": ("measurement", "measurements"),
    "energy_usage": ("energy reading", "energy readings"),
    "network_metrics": ("measurement of the network", "measurements of the network"),
}
NAMES_MAX = 5
_GOES_ON = " The home goes on; records wait."


@dataclass(frozen=True, slots=True)
class Waiting:
    stream: str
    count: int
    oldest_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Disputes:
    """What hub and cloud both changed, by name; and how many values gave way."""

    names: tuple[str, ...] = ()
    values_lost: int = 0


@dataclass(frozen=True, slots=True)
class LinkState:
    """All times are in the home's zone, and `now` is too. `error`: what the last try failed with."""

    now: datetime
    address: str
    since: datetime
    is_claimed: bool = True
    is_online: bool = True
    is_clock_trusted: bool = True
    is_doubled: bool = False
    last_contact_at: datetime | None = None
    error: str | None = None
    waiting: tuple[Waiting, ...] = ()
    drained: Drained | None = None
    queued_in_cloud: int = 0
    flow: str | None = None
    set_aside: tuple[str, ...] = ()
    shed: tuple[Lost, ...] = ()
    refused: tuple[Lost, ...] = ()
    disputes: Disputes = Disputes()
    definitions_owed: int = 0
    compared_at: datetime | None = None
    compared: str | None = None


def headline(link: LinkState) -> str:
    count = sum(each.count for each in link.waiting)
    records = "Nothing waits" if count == 0 else "1 record waits" if count == 1 else f"{count:,} records wait"
    if not link.is_claimed:
        hint = (link.error or "Set cloud.claim_code to the code shown for your home.").removesuffix(_GOES_ON)
        return f"This hub is not part of a home in the cloud yet. {hint}"
    if link.is_online and link.error is not None:
        return f"Online, with trouble. {records} to be sent. {link.error}"
    if link.is_online:
        return f"Online: {records} to be sent." if count else "Online: the cloud has everything."
    # That the home goes on is said already.
    reason = (link.error or f"The cloud at {link.address} has not answered yet.").removesuffix(_GOES_ON)
    return f"Offline: the home goes on. {records} to be sent. {reason}"


def lines(link: LinkState) -> list[str]:
    """What the headline leaves out, what matters most first."""
    if not link.is_claimed:
        return [*_clock(link)]
    return [*_link(link), *_people(link), *_records(link), *_losses(link), *_compared(link)]


def when(at: datetime, now: datetime) -> str:
    days = (now.date() - at.date()).days
    if days in {0, 1}:
        return f"{'today' if days == 0 else 'yesterday'} {at:%H:%M}"
    return f"{_day(at, now)} {at:%H:%M}"


def _link(link: LinkState) -> Iterable[str]:
    if link.is_doubled:
        yield "Another machine sends as this hub, from a copy of its card or backup. Switch one of them off (nexa-hub issues)."
    yield f"{'Online' if link.is_online else 'Offline'} since {when(link.since, link.now)}."
    if not link.is_online and link.last_contact_at:
        yield f"The cloud last answered {when(link.last_contact_at, link.now)}."
    yield from _clock(link)


def _clock(link: LinkState) -> Iterable[str]:
    if not link.is_clock_trusted:
        yield "This hub does not know the time for certain yet: its records are dated right once it does."


def _people(link: LinkState) -> Iterable[str]:
    disputes = link.disputes
    if disputes.names:
        yield f"Changed here and in the cloud, to be decided (nexa-hub sync conflicts): {_listed(disputes.names)}."
    if disputes.values_lost:
        values = _count(disputes.values_lost, "value", "values")
        yield f"{values} gave way when both sides changed something, and can be put back (nexa-hub sync lost)."
    if link.definitions_owed:
        one_or_many = "changed definition waits" if link.definitions_owed == 1 else "changed definitions wait"
        yield f"{link.definitions_owed:,} {one_or_many} to be sent."


def _records(link: LinkState) -> Iterable[str]:
    waits = [each for each in link.waiting if each.count]
    if waits:
        told = [
            _of_stream(each.count, each.stream)
            + (f", the oldest from {when(each.oldest_at, link.now)}" if each.oldest_at else "")
            for each in waits
        ]
        yield f"To be sent: {'; '.join(told)}."
    if link.queued_in_cloud:
        yield f"{link.queued_in_cloud:,} of them wait in the cloud's queue to be stored."
    if waits and link.is_online and (drained := link.drained):
        done = f"; all will be there {_in_time(drained.done_in_s)}" if drained.done_in_s is not None else ""
        yield f"The cloud takes about {_roughly(drained.per_minute)} records a minute{done}."
    if link.flow:
        yield link.flow


def _losses(link: LinkState) -> Iterable[str]:
    for each in link.set_aside:
        yield f"The cloud refuses {_many(each)} even alone; they are kept here and tried again every hour."
    for lost in link.refused:
        at = f", the newest {when(lost.to_at, link.now)}" if lost.to_at else ""
        yield f"Refused by the cloud: {_of_stream(lost.count, lost.stream)}{at}: {lost.why.rstrip('.')}."
    for lost in link.shed:
        yield f"Shed here before the cloud had it: {_of_stream(lost.count, lost.stream)}{_span(lost, link.now)} ({lost.why})."


def _compared(link: LinkState) -> Iterable[str]:
    if link.compared and link.compared_at:
        yield f"Compared with the cloud {when(link.compared_at, link.now)}: {link.compared}"


def _span(lost: Lost, now: datetime) -> str:
    if lost.from_at is None or lost.to_at is None:
        return ""
    if lost.from_at.date() == lost.to_at.date():
        return f" of {_day(lost.to_at, now)}"
    return f" from {_day(lost.from_at, now)} to {_day(lost.to_at, now)}"


def _day(at: datetime, now: datetime) -> str:
    return f"{at.day} {at:%B}" if at.year == now.year else f"{at.day} {at:%B %Y}"


def _in_time(seconds: float) -> str:
    if seconds < 60:
        return "in less than a minute"
    if seconds < 90 * 60:
        return f"in about {_count(round(seconds / 60), 'minute', 'minutes')}"
    if seconds < timedelta(days=2).total_seconds():
        return f"in about {round(seconds / 3600)} hours"
    return f"in about {round(seconds / 86400)} days"


def _roughly(number: float) -> str:
    """Two digits count: 1,234 -> 1,200."""
    whole = max(1, round(number))
    return f"{round(whole, 2 - len(str(whole))):,}"


def _of_stream(count: int, stream: str) -> str:
    one, many = ONE_AND_MANY.get(stream, (f"record of {_many(stream)}", f"records of {_many(stream)}"))
    return _count(count, one, many)


def _many(part: str) -> str:
    return ONE_AND_MANY[part][1] if part in ONE_AND_MANY else part.replace("_", " ")


def _count(count: int, one: str, many: str) -> str:
    return f"1 {one}" if count == 1 else f"{count:,} {many}"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - NAMES_MAX
    return ", ".join(names[:NAMES_MAX]) + (f" and {more} more" if more > 0 else "")
