"""A capture of MQTT traffic, read and explained: "my device does not work" starts here.

Two forms are read, line by line, also mixed:

* JSON lines: {"topic": ..., "payload": text or JSON, "retain"?: true}. A payload that is text is what was on the wire.
* `mosquitto_sub -v`: topic, a space, payload. Zigbee2MQTT's topics hold spaces themselves, so the topic ends: where a topic that the capture's
  own device lists name ends; else before the first " {" or " ["; else before a last "online" or "offline"; else at the first space. A plain payload on
  an unlisted topic with spaces is therefore split wrongly. Only payloads that are JSON may run over several lines.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import orjson

from hub_agent.drivers.registry import Dialects
from hub_agent.model.device import AdvertisedEntity, Advertisement, Origin
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import (
    AvailabilityReported,
    Decoded,
    DeviceGone,
    EntityGone,
    MqttMessage,
    Rejected,
    Reported,
)


@dataclass(frozen=True, slots=True)
class LineNotRead:
    line: int
    reason: str


LINES_JOINED_MAX: Final = 20_000
TOPIC_CHARS_MAX: Final = 65_535
_LISTS: Final = re.compile(r"^(.{1,200}?)/bridge/(?:devices|groups) (\[.*)$")
_SPOKEN: Final = re.compile(r"^(\S.*) (online|offline|Online|Offline)$")
_CONTINUED: Final = re.compile(r"^[\s}\]]")


def read_capture(text: str) -> Iterator[MqttMessage | LineNotRead]:
    """Every message of the capture in its order, and every line that is none."""
    # Not splitlines: payloads may hold other separators that Unicode takes for ends of lines.
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    topics = _listed_topics(lines)
    number = 0
    while number < len(lines):
        first, line = number, lines[number].lstrip("\ufeff")
        number += 1
        if not line.strip():
            continue
        # A payload that its bridge wrote prettily goes on below: with brackets, or indented.
        joined = [line]
        while _is_continued(line, lines, number) and len(joined) < LINES_JOINED_MAX:
            joined.append(lines[number])
            number += 1
        yield _read("\n".join(joined), first + 1, topics)


def _is_continued(line: str, lines: list[str], number: int) -> bool:
    is_json_line = line.lstrip().startswith("{")
    return not is_json_line and number < len(lines) and _CONTINUED.match(lines[number]) is not None


def _read(line: str, number: int, topics: "_Topics") -> MqttMessage | LineNotRead:
    if line.lstrip().startswith("{"):
        return _read_json(line, number)
    topic, payload = topics.split(line)
    if not topic or len(topic) > TOPIC_CHARS_MAX:
        return LineNotRead(number, "neither JSON with a topic nor a topic and its payload")
    return MqttMessage(topic, _on_the_wire(None if payload == "(null)" else payload))


def _read_json(line: str, number: int) -> MqttMessage | LineNotRead:
    try:
        body = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return LineNotRead(number, f"not JSON: {error}"[:200])
    topic = body.get("topic") if isinstance(body, dict) else None
    if not isinstance(topic, str) or not 0 < len(topic) <= TOPIC_CHARS_MAX:
        return LineNotRead(number, 'JSON without a "topic"')
    if "payload" not in body:
        return LineNotRead(number, 'JSON without a "payload"')
    payload = body["payload"]
    return MqttMessage(topic, _on_the_wire(payload), body.get("retain") is True or body.get("retained") is True)


def _on_the_wire(payload: JsonValue) -> bytes:
    if payload is None:
        return b""
    return payload.encode(errors="surrogateescape") if isinstance(payload, str) else orjson.dumps(payload)


class _Topics:
    """Splits lines into topic and payload."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = sorted(known, key=len, reverse=True)

    def split(self, line: str) -> tuple[str, str]:
        for topic in self._known:
            if line.startswith(f"{topic} "):
                return topic, line[len(topic) + 1 :]
        starts = [at for at in (line.find(" {"), line.find(" [")) if at > 0]
        if starts:
            return line[: min(starts)], line[min(starts) + 1 :]
        spoken = _SPOKEN.match(line)
        if spoken:
            return spoken[1], spoken[2]
        topic, _, payload = line.partition(" ")
        return topic, payload


def _listed_topics(lines: Iterable[str]) -> _Topics:
    """The topics of devices and groups with spaces in their names, from the bridges' own lists."""
    known: set[str] = set()
    for line in lines:
        found = _LISTS.match(line)
        if found:
            for name in _names(found[2]):
                topic = f"{found[1]}/{name}"
                known |= {topic, f"{topic}/availability", f"{topic}/set", f"{topic}/get"}
    return _Topics(topic for topic in known if " " in topic)


def _names(written: str) -> Iterator[str]:
    try:
        entries = orjson.loads(written)
    except orjson.JSONDecodeError:
        return
    for entry in entries if isinstance(entries, list) else ():
        name = entry.get("friendly_name") if isinstance(entry, dict) else None
        if isinstance(name, str):
            yield name


# What the capture says.


@dataclass(slots=True)
class _Seen:
    advertisement: Advertisement
    entities: dict[str, AdvertisedEntity]
    states: dict[str, str | None] = field(default_factory=dict)
    attributes: dict[str, dict[str, JsonValue]] = field(default_factory=dict)
    is_available: bool | None = None
    observed: dict[str, JsonValue] = field(default_factory=dict)
    also: set[str] = field(default_factory=set)


def describe(
    capture: Iterable[MqttMessage | LineNotRead], new_dialects: Callable[[], Dialects]
) -> dict[str, JsonValue]:
    """JSON-ready: devices with entities and last states, and everything that was not understood.

    The order of the capture does not matter: what makes devices known is found first, on dialects of its own, and told first.
    """
    lines = tuple(capture)
    messages = [line for line in lines if isinstance(line, MqttMessage)]
    scout = new_dialects()
    is_discovery = [any(isinstance(one, Advertisement) for one in scout.decode(message)) for message in messages]
    ordered = [m for m, first in zip(messages, is_discovery, strict=True) if first]
    ordered += [m for m, first in zip(messages, is_discovery, strict=True) if not first]

    dialects = new_dialects()
    story = _Story()
    for message in ordered:
        decoded = dialects.decode(message)
        if not decoded and not dialects.is_wanted(message.topic):
            story.unclaimed[message.topic] += 1
        for one in decoded:
            story.take(one)
    for rejected in dialects.unexplained():
        story.take(rejected)
    return {
        "messages": len(messages),
        "devices": [_device(seen) for seen in story.devices()],
        "not_understood": [
            {"dialect": one.dialect, "code": one.code, "topic": one.topic, "reason": one.reason, "count": count}
            for one, count in story.rejected.most_common()
        ],
        "topics_of_others": [{"topic": topic, "count": count} for topic, count in story.unclaimed.most_common()],
        "lines_not_read": [{"line": one.line, "reason": one.reason} for one in lines if isinstance(one, LineNotRead)],
    }


class _Story:
    def __init__(self) -> None:
        self._seen: dict[Origin, _Seen] = {}
        self.rejected: Counter[Rejected] = Counter()
        self.unclaimed: Counter[str] = Counter()

    def devices(self) -> list[_Seen]:
        """A device that two dialects know is shown once, as the one that was met first tells it."""
        by_alias: dict[object, _Seen] = {}
        shown: list[_Seen] = []
        for seen in self._seen.values():
            twin = next((by_alias[a] for a in seen.advertisement.aliases if a in by_alias), None)
            dialect = seen.advertisement.origin.dialect
            if twin is not None and twin.advertisement.origin.dialect != dialect:
                twin.also.add(dialect)
                continue
            shown.append(seen)
            by_alias |= dict.fromkeys(seen.advertisement.aliases, seen)
        return sorted(shown, key=lambda seen: (seen.advertisement.name.lower(), seen.advertisement.origin.native_id))

    def take(self, one: Decoded) -> None:
        match one:
            case Advertisement():
                self._advertise(one)
            case Reported():
                self._report(one)
            case AvailabilityReported():
                if one.key is None and one.origin in self._seen:
                    self._seen[one.origin].is_available = one.is_available
            case DeviceGone():
                self._seen.pop(one.origin, None)
            case EntityGone():
                if one.origin in self._seen:
                    self._seen[one.origin].entities.pop(one.key, None)
            case Rejected():
                self.rejected[one] += 1
            case _:
                pass

    def _advertise(self, advertisement: Advertisement) -> None:
        listed = {entity.key: entity for entity in advertisement.entities}
        seen = self._seen.get(advertisement.origin)
        if seen is None:
            self._seen[advertisement.origin] = _Seen(advertisement, listed)
            return
        seen.advertisement = advertisement
        seen.entities = listed if advertisement.complete else {**seen.entities, **listed}

    def _report(self, reported: Reported) -> None:
        seen = self._seen.get(reported.origin)
        if seen is None:
            return
        seen.observed |= reported.observed
        for report in reported.entities:
            if report.state is not None:
                seen.states[report.key] = report.state
            known = seen.attributes.setdefault(report.key, {})
            known |= report.attributes
            for name in [name for name, value in known.items() if value is None]:
                del known[name]


def _device(seen: _Seen) -> JsonObject:
    told = seen.advertisement
    return {
        "name": told.name,
        "dialect": told.origin.dialect,
        "native_id": told.origin.native_id,
        "also_known_to": sorted(seen.also),
        "brand": told.brand,
        "model": told.model,
        "device_type": told.device_type.value,
        "is_available": seen.is_available,
        "observed": dict(sorted(seen.observed.items())),
        "entities": [_entity(entity, seen) for entity in seen.entities.values()],
    }


def _entity(entity: AdvertisedEntity, seen: _Seen) -> JsonObject:
    return {
        "key": entity.key,
        "domain": entity.domain,
        "name": entity.name,
        "device_class": entity.device_class,
        "unit": entity.unit,
        "category": entity.category,
        "capabilities": {name: capability.as_json() for name, capability in entity.capabilities.items()},
        "state": seen.states.get(entity.key),
        "attributes": seen.attributes.get(entity.key, {}),
    }
