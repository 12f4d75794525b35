"""From the state an entity is wanted in to the calls that bring it there, per domain.

Scenes use it. An entity that is there already gets no call; a state that cannot be brought about is `NotPossible`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import TypeAlias, TypeGuard

from hub_agent.core.expectation import number_in
from hub_agent.errors import NotPossible
from hub_agent.model.ids import EntityId
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.state import UNAVAILABLE, UNKNOWN, EntityState

ActionCall: TypeAlias = tuple[str, dict[str, JsonValue]]

# Nearer than this is "there", when it is asked whether a device has come where it was sent: devices round.
_NEAR: Mapping[str, float] = {"brightness": 1, "color_temp_kelvin": 15, "current_position": 1, "volume_level": 0.02}
_NEAR_DEFAULT = 1e-6


def calls_for_state(
    entity_id: EntityId,
    state: str,
    attributes: JsonObject,
    current: EntityState | None,
    transition_s: float | None = None,
    *,
    is_nearly_enough: bool = False,
) -> list[ActionCall]:
    """Empty when it is there already. Raises NotPossible with words for people."""
    domain = entity_id.partition(".")[0]
    planner = _PLANNERS.get(domain)
    if planner is None:
        raise NotPossible(f"{entity_id}: the state of a {domain} can be read, not set.")
    if state in {UNAVAILABLE, UNKNOWN}:
        raise NotPossible(f"{entity_id} cannot be made {state}.")
    wanted = _Wanted(domain, state, attributes, current, transition_s, is_nearly_enough)
    calls = list(planner(wanted))
    if not calls and not wanted.is_known:
        raise NotPossible(f'{entity_id} cannot be made "{state}".')
    return calls


@dataclass(slots=True)
class _Wanted:
    domain: str
    state: str
    attributes: JsonObject
    current: EntityState | None
    transition_s: float | None
    is_nearly_enough: bool = False
    is_known: bool = field(default=False)

    @property
    def is_state_there(self) -> bool:
        return self.current is not None and self.current.state == self.state

    def differs(self, *names: str) -> list[str]:
        """Those of the attributes that are wanted and are not so."""
        return [
            name for name in names if self.attributes.get(name) is not None and not is_near(name, self, self.current)
        ]

    def call(self, verb: str, **data: JsonValue) -> ActionCall:
        return f"{self.domain}.{verb}", data


_Planner: TypeAlias = Callable[[_Wanted], Iterator[ActionCall]]


def is_near(name: str, wanted: _Wanted, current: EntityState | None) -> bool:
    want = wanted.attributes.get(name)
    have = current.attributes.get(name) if current else None
    if _is_list(want) and _is_list(have):
        return len(want) == len(have) and all(_equal("", w, h) for w, h in zip(want, have, strict=True))
    return _equal(name if wanted.is_nearly_enough else "", want, have)


def _is_list(value: JsonValue) -> TypeGuard[Sequence[JsonValue]]:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _equal(name: str, want: JsonValue, have: JsonValue) -> bool:
    want_number, have_number = number_in(want), number_in(have)
    if want_number is None or have_number is None:
        return want == have
    return abs(want_number - have_number) <= _NEAR.get(name, _NEAR_DEFAULT)


_COLOURS = ("hs_color", "color_temp_kelvin", "rgb_color", "rgbw_color", "rgbww_color", "xy_color")
_COLOUR_BY_MODE: Mapping[JsonValue, tuple[str, ...]] = {
    "hs": ("hs_color",),
    "color_temp": ("color_temp_kelvin",),
    "rgb": ("rgb_color",),
    "rgbw": ("rgbw_color",),
    "rgbww": ("rgbww_color",),
    "xy": ("xy_color",),
    "white": (),
    "brightness": (),
    "onoff": (),
}


def _light(wanted: _Wanted) -> Iterator[ActionCall]:
    wanted.is_known = wanted.state in {"on", "off"}
    transition: dict[str, JsonValue] = {} if wanted.transition_s is None else {"transition": wanted.transition_s}
    if wanted.state == "off" and not wanted.is_state_there:
        yield wanted.call("turn_off", **transition)
    if wanted.state != "on":
        return
    names = ("brightness", "effect", *_colour_of(wanted.attributes))
    if wanted.is_state_there and not wanted.differs("color_mode", *names):
        return
    data = {name: wanted.attributes[name] for name in names if wanted.attributes.get(name) is not None}
    yield wanted.call("turn_on", **data, **transition)


def _colour_of(attributes: JsonObject) -> tuple[str, ...]:
    """The one form of colour that is meant: the others are the same colour in other words."""
    mode = attributes.get("color_mode")
    if isinstance(mode, str) and mode in _COLOUR_BY_MODE:
        return _COLOUR_BY_MODE[mode]
    return next(((name,) for name in _COLOURS if attributes.get(name) is not None), ())


def _on_off(wanted: _Wanted) -> Iterator[ActionCall]:
    wanted.is_known = wanted.state in {"on", "off"}
    if wanted.is_known and not wanted.is_state_there:
        yield wanted.call(f"turn_{wanted.state}")


def _settings(wanted: _Wanted, verbs: Mapping[str, tuple[str, str]]) -> Iterator[ActionCall]:
    """One call for each attribute that differs: attribute -> (verb, name of its field)."""
    for name in wanted.differs(*verbs):
        verb, field_name = verbs[name]
        yield wanted.call(verb, **{field_name: wanted.attributes[name]})


_FAN_SETTINGS = {
    "percentage": ("set_percentage", "percentage"),
    "preset_mode": ("set_preset_mode", "preset_mode"),
    "oscillating": ("oscillate", "oscillating"),
    "direction": ("set_direction", "direction"),
}


def _fan(wanted: _Wanted) -> Iterator[ActionCall]:
    yield from _on_off(wanted)
    if wanted.state == "on":
        yield from _settings(wanted, _FAN_SETTINGS)


def _humidifier(wanted: _Wanted) -> Iterator[ActionCall]:
    yield from _on_off(wanted)
    if wanted.state == "on":
        yield from _settings(wanted, {"mode": ("set_mode", "mode"), "humidity": ("set_humidity", "humidity")})


_OPEN = frozenset({"open", "opening"})
_SHUT = frozenset({"closed", "closing"})


def _cover(wanted: _Wanted) -> Iterator[ActionCall]:
    yield from _openable(wanted)
    yield from _settings(wanted, {"current_tilt_position": ("set_cover_tilt_position", "tilt_position")})


def _openable(wanted: _Wanted) -> Iterator[ActionCall]:
    """Covers and valves: a position where one is wanted and known, else open or close."""
    wanted.is_known = wanted.state in _OPEN | _SHUT
    current = wanted.current.state if wanted.current else None
    position = wanted.attributes.get("current_position")
    if wanted.state in _SHUT and current not in _SHUT:
        yield wanted.call(f"close_{wanted.domain}")
    elif wanted.state in _OPEN and position is not None:
        if wanted.differs("current_position"):
            yield wanted.call(f"set_{wanted.domain}_position", position=position)
    elif wanted.state in _OPEN and current not in _OPEN:
        yield wanted.call(f"open_{wanted.domain}")


def _by_verb(verb_by_state: Mapping[str, str], settled_as: Mapping[str, str] | None = None) -> _Planner:
    """One verb for each state. `settled_as`: a state on the way to another counts as that one."""
    ends = settled_as or {}

    def plan(wanted: _Wanted) -> Iterator[ActionCall]:
        verb = verb_by_state.get(wanted.state)
        wanted.is_known = verb is not None
        current = wanted.current.state if wanted.current else ""
        if verb and ends.get(current, current) != ends.get(wanted.state, wanted.state):
            yield wanted.call(verb)

    return plan


def _climate(wanted: _Wanted) -> Iterator[ActionCall]:
    wanted.is_known = True
    if not wanted.is_state_there:
        yield wanted.call("set_hvac_mode", hvac_mode=wanted.state)
    if wanted.state == "off":
        return
    settings = {name: (f"set_{name}", name) for name in ("preset_mode", "fan_mode", "swing_mode", "humidity")}
    yield from _settings(wanted, {"preset_mode": settings.pop("preset_mode")})
    # The preset comes first: it may bring a temperature of its own.
    temperatures = ("temperature", "target_temp_low", "target_temp_high")
    if wanted.differs(*temperatures):
        data = {name: wanted.attributes[name] for name in temperatures if wanted.attributes.get(name) is not None}
        yield wanted.call("set_temperature", **data)
    yield from _settings(wanted, settings)


def _water_heater(wanted: _Wanted) -> Iterator[ActionCall]:
    wanted.is_known = True
    if not wanted.is_state_there:
        yield wanted.call("set_operation_mode", operation_mode=wanted.state)
    yield from _settings(wanted, {"temperature": ("set_temperature", "temperature")})


_PLAYS = frozenset({"playing", "buffering"})
_RESTS = frozenset({"off", "standby"})
# Wanted -> the verb that brings it there, and the states in which it is there.
_PLAYING: Mapping[str, tuple[str, frozenset[str]]] = {
    "off": ("turn_off", _RESTS),
    "standby": ("turn_off", _RESTS),
    "on": ("turn_on", _PLAYS | {"on", "idle", "paused"}),
    "playing": ("media_play", _PLAYS),
    "buffering": ("media_play", _PLAYS),
    "paused": ("media_pause", _RESTS | {"paused", "idle"}),
    "idle": ("media_stop", _RESTS | {"idle"}),
}
# In their order: nobody wants to be woken by the volume of last night.
_SETTINGS_OF_PLAYER = {
    "volume_level": ("volume_set", "volume_level"),
    "is_volume_muted": ("volume_mute", "is_volume_muted"),
    "sound_mode": ("select_sound_mode", "sound_mode"),
    "source": ("select_source", "source"),
    "shuffle": ("shuffle_set", "shuffle"),
    "repeat": ("repeat_set", "repeat"),
}


def _media_player(wanted: _Wanted) -> Iterator[ActionCall]:
    wanted.is_known = wanted.state in _PLAYING
    if not wanted.is_known:
        return
    verb, there = _PLAYING[wanted.state]
    current = wanted.current.state if wanted.current else None
    is_other_source = bool(wanted.differs("source"))
    if current not in there and verb != "turn_off" and (current in _RESTS or verb == "turn_on"):
        yield wanted.call("turn_on")
    if verb != "turn_off":
        yield from _settings(wanted, _SETTINGS_OF_PLAYER)
    # Another source begins to play by itself.
    if current not in there and verb != "turn_on" and not (verb == "media_play" and is_other_source):
        yield wanted.call(verb)


def _vacuum(wanted: _Wanted) -> Iterator[ActionCall]:
    verbs = {
        "cleaning": "start",
        "docked": "return_to_base",
        "returning": "return_to_base",
        "paused": "pause",
        "idle": "stop",
    }
    yield from _by_verb(verbs, {"returning": "docked"})(wanted)
    yield from _settings(wanted, {"fan_speed": ("set_fan_speed", "fan_speed")})


def _value(verb: str, field_name: str) -> _Planner:
    """The state is the value."""

    def plan(wanted: _Wanted) -> Iterator[ActionCall]:
        wanted.is_known = True
        current = wanted.current.state if wanted.current else None
        if not _equal("", wanted.state, current):
            value: JsonValue = wanted.state
            number = number_in(value)
            if field_name == "value" and wanted.domain in {"number", "input_number", "counter"}:
                if number is None:
                    raise NotPossible(f'A {wanted.domain} cannot be made "{wanted.state}".')
                value = int(number) if number.is_integer() else number
            yield wanted.call(verb, **{field_name: value})

    return plan


def _moment(wanted: _Wanted) -> Iterator[ActionCall]:
    """input_datetime: the field says whether it is a date, a time, or both."""
    readers: tuple[tuple[str, Callable[[str], object]], ...] = (
        ("time", time.fromisoformat),
        ("date", date.fromisoformat),
        ("datetime", datetime.fromisoformat),
    )
    name = next((name for name, read in readers if _is_readable(read, wanted.state)), None)
    wanted.is_known = name is not None
    if name and not wanted.is_state_there:
        yield wanted.call("set_datetime", **{name: wanted.state})


def _is_readable(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


_LOCK = _by_verb(
    {"locked": "lock", "locking": "lock", "unlocked": "unlock", "unlocking": "unlock", "open": "open"},
    {"locking": "locked", "unlocking": "unlocked"},
)
_ALARM = _by_verb(
    {
        "disarmed": "alarm_disarm",
        "triggered": "alarm_trigger",
        **{f"armed_{name}": f"alarm_arm_{name}" for name in ("home", "away", "night", "vacation", "custom_bypass")},
    }
)

_PLANNERS: Mapping[str, _Planner] = {
    "light": _light,
    "switch": _on_off,
    "input_boolean": _on_off,
    "siren": _on_off,
    "remote": _on_off,
    "automation": _on_off,
    "fan": _fan,
    "humidifier": _humidifier,
    "cover": _cover,
    "valve": _openable,
    "lock": _LOCK,
    "climate": _climate,
    "water_heater": _water_heater,
    "media_player": _media_player,
    "vacuum": _vacuum,
    "alarm_control_panel": _ALARM,
    "timer": _by_verb({"active": "start", "paused": "pause", "idle": "cancel"}),
    "number": _value("set_value", "value"),
    "input_number": _value("set_value", "value"),
    "counter": _value("set_value", "value"),
    "text": _value("set_value", "value"),
    "input_text": _value("set_value", "value"),
    "select": _value("select_option", "option"),
    "input_select": _value("select_option", "option"),
    "input_datetime": _moment,
}
