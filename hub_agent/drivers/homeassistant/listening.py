"""Who listens to which topic, and what a message says to each of them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from hub_agent.drivers.homeassistant.facet import Feed, Heard, Unreadable
from hub_agent.drivers.homeassistant.members import DIALECT, Known, Member
from hub_agent.errors import TemplateError
from hub_agent.model.device import Origin
from hub_agent.model.json import JsonValue
from hub_agent.model.report import (
    AvailabilityReported,
    Decoded,
    EntityReport,
    MqttMessage,
    Rejected,
    Reported,
    Subscribe,
    Unsubscribe,
)

PAYLOAD_BYTES_MAX: Final = 1024 * 1024
MATCHES_MAX: Final = 10_000
_ADDRESS = re.compile(r"\d{1,3}(\.\d{1,3}){3}")


@dataclass(slots=True)
class Listener:
    """One device's interest in a topic."""

    known: Known
    feeds: list[tuple[Member, Feed]] = field(default_factory=list)
    sources: list[tuple[Member, int]] = field(default_factory=list)


class Listeners:
    """By topic, by wildcards, and by topics met before, up to a bound."""

    def __init__(self) -> None:
        self._by_topic: dict[str, dict[str, Listener]] = {}
        self._wildcards: dict[str, list[str]] = {}
        self._matches: dict[str, tuple[Listener, ...]] = {}
        self._changed: dict[str, bool] = {}

    def topics(self) -> tuple[str, ...]:
        return tuple(sorted(self._by_topic))

    def match(self, topic: str) -> tuple[Listener, ...]:
        known = self._matches.get(topic)
        if known is not None:
            return known
        names = [topic] if topic in self._by_topic else []
        if self._wildcards:
            levels = topic.split("/")
            names += [name for name, wanted in self._wildcards.items() if _fits(wanted, levels)]
        found = tuple(listener for name in dict.fromkeys(names) for listener in self._by_topic[name].values())
        if len(self._matches) >= MATCHES_MAX:
            self._matches.clear()
        self._matches[topic] = found
        return found

    def add(self, known: Known, member: Member) -> None:
        self._matches.clear()
        for feed in member.facet.feeds:
            self._listener(feed.topic, known).feeds.append((member, feed))
        if member.availability is not None:
            for place, source in enumerate(member.availability.sources):
                self._listener(source.topic, known).sources.append((member, place))

    def remove(self, known: Known, member: Member) -> None:
        self._matches.clear()
        topics = {feed.topic for feed in member.facet.feeds}
        if member.availability is not None:
            topics |= {source.topic for source in member.availability.sources}
        for topic in topics:
            listener = self._by_topic[topic][known.origin.native_id]
            listener.feeds = [pair for pair in listener.feeds if pair[0] is not member]
            listener.sources = [pair for pair in listener.sources if pair[0] is not member]
            if not listener.feeds and not listener.sources:
                del self._by_topic[topic][known.origin.native_id]
            if not self._by_topic[topic]:
                del self._by_topic[topic]
                self._wildcards.pop(topic, None)
                self._change(topic, is_there=False)

    def changes(self) -> list[Decoded]:
        """Which topics are needed, and which not any more, since this was asked last."""
        added = tuple(sorted(topic for topic, is_there in self._changed.items() if is_there))
        removed = tuple(sorted(topic for topic, is_there in self._changed.items() if not is_there))
        self._changed.clear()
        changes: list[Decoded] = []
        if added:
            changes.append(Subscribe(added))
        if removed:
            changes.append(Unsubscribe(removed))
        return changes

    def _change(self, topic: str, *, is_there: bool) -> None:
        if topic in self._changed:
            del self._changed[topic]  # there and gone again, or the other way round
        else:
            self._changed[topic] = is_there

    def _listener(self, topic: str, known: Known) -> Listener:
        listeners = self._by_topic.get(topic)
        if listeners is None:
            listeners = self._by_topic[topic] = {}
            self._change(topic, is_there=True)
            if "+" in topic or "#" in topic:
                self._wildcards[topic] = topic.split("/")
        listener = listeners.get(known.origin.native_id)
        if listener is None:
            listener = listeners[known.origin.native_id] = Listener(known)
        return listener


def hear(message: MqttMessage, listeners: tuple[Listener, ...]) -> Sequence[Decoded]:
    if len(message.payload) > PAYLOAD_BYTES_MAX:
        reason = f"a message may have at most {PAYLOAD_BYTES_MAX} bytes, this one has {len(message.payload)}"
        return [Rejected(DIALECT, message.topic, "too_large", reason)]
    heard = Heard(message.payload)
    decoded: list[Decoded] = []
    for listener in listeners:
        if listener.sources:
            _hear_availability(heard, listener, decoded)
        if listener.feeds:
            _hear_states(message, heard, listener, decoded)
    return decoded


def _hear_states(message: MqttMessage, heard: Heard, listener: Listener, decoded: list[Decoded]) -> None:
    reports: dict[str, EntityReport] = {}
    observed: dict[str, JsonValue] = {}
    for member, feed in listener.feeds:
        if feed.is_live_only and message.retained:
            continue
        this = member.facet.this
        try:
            said = feed.apply(heard.read(feed.template, feed.encoding, this))
        except (TemplateError, Unreadable) as err:
            if isinstance(err, TemplateError) and err.is_value_missing and heard.is_json:
                continue  # this message is not about that value
            decoded.append(_reject(message.topic, listener.known.origin, member, err))
            continue
        if said is None:
            continue
        state, attributes = said
        key = member.entity.key
        before = reports.get(key)
        if before is not None:
            state = before.state if state is None else state
            attributes = {**before.attributes, **attributes}
        reports[key] = EntityReport(key, state, attributes, member.facet.lapses_of(state))
        if this is not None:
            member.facet.remember(state, attributes)
        if state is not None and member.observes is not None:
            _observe(member.observes, state, observed)
    if reports:
        decoded.append(Reported(listener.known.origin, tuple(reports.values()), observed, message.retained))


def _hear_availability(heard: Heard, listener: Listener, decoded: list[Decoded]) -> None:
    changed: dict[str, bool] = {}
    for member, place in listener.sources:
        availability = member.availability
        assert availability is not None  # it has sources
        source = availability.sources[place]
        try:
            said = source.read(heard.read(source.template, "utf-8" if member.facet.encoding else "", None))
        except (TemplateError, Unreadable):
            continue  # other messages on this topic say nothing about it
        if said is not None:
            is_available = availability.hear(place, is_available=said)
            if is_available is not None:
                changed[member.entity.key] = is_available
    if changed:
        decoded += _availability_of(listener.known, changed)


# Home Assistant gives these no availability: they neither have a say nor need one.
_WITHOUT_AVAILABILITY: Final = frozenset({"device_automation", "tag"})


def _availability_of(known: Known, changed: Mapping[str, bool]) -> list[Decoded]:
    """One word for the whole device where its entities share their topics, else one for each."""
    members = [
        member for member in known.members.values() if member.entity.native["component"] not in _WITHOUT_AVAILABILITY
    ]
    told = [member.availability for member in members if member.availability is not None]
    reports: list[Decoded] = []
    if len(told) == len(members):
        reports.append(AvailabilityReported(known.origin, any(each.is_available is not False for each in told)))
    if len(told) < len(members) or len({each.signature for each in told}) > 1:
        reports += [AvailabilityReported(known.origin, is_available, key) for key, is_available in changed.items()]
    return reports


def _reject(topic: str, origin: Origin, member: Member, err: Exception) -> Rejected:
    code = "template_failed" if isinstance(err, TemplateError) else "not_understood"
    return Rejected(DIALECT, topic, code, f"{member.entity.key}: {err}"[:500], origin)


def _observe(name: str, state: str, observed: dict[str, JsonValue]) -> None:
    if name == "ip_address":
        if _ADDRESS.fullmatch(state):
            observed[name] = state
        return
    try:
        number = round(float(state))
    except ValueError:
        return
    if name != "battery_level" or 0 <= number <= 100:
        observed[name] = number


def _fits(wanted: Sequence[str], levels: Sequence[str]) -> bool:
    if levels[0].startswith("$") and wanted[0] in {"+", "#"}:
        return False
    for place, level in enumerate(wanted):
        if level == "#":
            return True
        if place >= len(levels) or (level not in {"+", levels[place]}):
            return False
    return len(wanted) == len(levels)
