"""Sensors that say nothing but the time (Home Assistant's `time_date`): this hub has none, and asks the clock instead."""

import re
from collections.abc import Mapping
from typing import Final, TypeAlias

from hub_agent.model.json import JsonValue
from hub_agent.written.placed import PlacedMap, texts_in

Words: TypeAlias = dict[str, JsonValue]

_CLOCKS: Final[Mapping[str, str]] = {
    "sensor.time": "now().strftime('%H:%M')",
    "sensor.date": "now().strftime('%Y-%m-%d')",
    "sensor.date_time": "now().strftime('%Y-%m-%d, %H:%M')",
    "sensor.date_time_iso": "now().strftime('%Y-%m-%dT%H:%M:00')",
    "sensor.date_time_utc": "utcnow().strftime('%Y-%m-%d, %H:%M')",
    "sensor.time_date": "now().strftime('%H:%M, %Y-%m-%d')",
    "sensor.time_utc": "utcnow().strftime('%H:%M')",
}
_ASKED: Final = re.compile(
    r"(?<![\w.])(?:states\(\s*(['\"])(sensor\.\w+)\1\s*\)|states\.(sensor\.\w+)\.state(?![\w(]))(?!\s*=[^=])"
)
_COMPARED: Final = re.compile(r"(?<![\w.])is_state\(\s*(['\"])(sensor\.\w+)\1\s*,\s*(['\"][^'\"]*['\"])\s*\)")
_OF_THE_STATE: Final = re.compile(r"trigger\.(?:to_state|from_state|entity_id)")


def is_clock(entity_id: str) -> bool:
    return entity_id in _CLOCKS


def asks_the_clock(template: str) -> str:
    """The template with `now()` in place of a sensor of the time. It is looked at again each minute, as it was when the sensor changed."""
    if not any(name in template for name in _CLOCKS):
        return template

    def asked(found: re.Match[str]) -> str:
        return _CLOCKS.get(found[2] or found[3], found[0])

    def compared(found: re.Match[str]) -> str:
        return f"({_CLOCKS[found[2]]} == {found[3]})" if found[2] in _CLOCKS else found[0]

    return _COMPARED.sub(compared, _ASKED.sub(asked, template))


def looks_at_its_state(rule: JsonValue) -> bool:
    """Whether the rule asks for what a sensor said: of a time there is nothing of the kind."""
    return any(_OF_THE_STATE.search(text) for _, text in texts_in(rule))


def tick(trigger: PlacedMap, kept: tuple[str, ...]) -> Words | None:
    """A trigger on a sensor of the time, as the time itself."""
    named = trigger.get("entity_id")
    entity_id = named[0] if isinstance(named, list) and len(named) == 1 else named
    rest = {key: item for key, item in trigger.items() if key not in {"platform", "trigger", "entity_id", *kept}}
    if "state" not in (trigger.get("platform"), trigger.get("trigger")) or not isinstance(entity_id, str):
        return None
    if entity_id == "sensor.time" and not rest:
        return {"trigger": "time_pattern", "minutes": "/1"}
    if entity_id == "sensor.date" and not rest:
        return {"trigger": "time", "at": "00:00:00"}
    at = rest.get("to")
    if entity_id == "sensor.time" and set(rest) == {"to"} and isinstance(at, str) and re.fullmatch(r"\d\d:\d\d", at):
        return {"trigger": "time", "at": f"{at}:00"}
    return None
