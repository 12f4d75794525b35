"""The first generation over MQTT: what stands below `shellies/<id>/` put into the form of /status, and requests put into commands.

    relay/0 on · relay/0/power 12.5 · light/0/status {"ison": true, "brightness": 50} · roller/0/pos 30 · sensor/temperature 21.5
    input_event/0 {"event": "S", "event_cnt": 3} · emeter/0/total 34.2 · info {all of /status}
https://shelly-api-docs.shelly.cloud/gen1/#mqtt-support
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import orjson

from hub_agent.drivers import given
from hub_agent.drivers.shelly import gen1
from hub_agent.errors import NotPossible
from hub_agent.model.json import JsonObject, JsonValue

Changes = dict[str, JsonObject]
# The topic below the device's (a command), and the payload.
Command = tuple[str, bytes]

NUMBER_CHARS_MAX: Final = 24
# The id of firmware that does not say the model: its first part, as it is from the factory.
_TYPE_BY_ID: Final = MappingProxyType(
    {
        "shelly1": "SHSW-1", "shelly1pm": "SHSW-PM", "shelly1l": "SHSW-L", "shellyswitch": "SHSW-21", "shellyswitch25": "SHSW-25",
        "shelly4pro": "SHSW-44", "shellyair": "SHAIR-1", "shellybulb": "SHBLB-1", "shellycolorbulb": "SHCB-1", "shellybutton1": "SHBTN-1",
        "shellydimmer": "SHDM-1", "shellydimmer2": "SHDM-2", "shellybulbduo": "SHBDUO-1", "shellydw": "SHDW-1", "shellydw2": "SHDW-2",
        "shellyem": "SHEM", "shellyem3": "SHEM-3", "shellyflood": "SHWT-1", "shellygas": "SHGS-1", "shellyht": "SHHT-1", "shellyix3": "SHIX3-1",
        "shellymotionsensor": "SHMOS-01", "shellymotion2": "SHMOS-02", "shellyplug": "SHPLG-1", "shellyplug-s": "SHPLG-S",
        "shellyplug-u1": "SHPLG-U1", "shellyrgbw2": "SHRGBW2", "shellysense": "SHSEN-1", "shellysmoke": "SHSM-01", "shellyuni": "SHUNI-1",
        "shellytrv": "SHTRV-01", "shellyvintage": "SHVIN-1",
    }
)  # fmt: skip
# They are heard now and then only: that they have left the broker says nothing.
SLEEPERS: Final = frozenset({"SHHT-1", "SHWT-1", "SHDW-1", "SHDW-2", "SHSM-01", "SHSM-02", "SHBTN-1", "SHBTN-2"})


def type_of(announced: JsonObject) -> str | None:
    model = given.text(announced, "model")
    return model or _TYPE_BY_ID.get((given.text(announced, "id") or "").rpartition("-")[0].lower())


# What it says.


def changes_of(leaf: str, payload: bytes, known: Mapping[str, JsonObject]) -> Changes | None:
    """What is new, by component. `leaf`: the topic below the device's. None for what tells nothing of a home."""
    parts = leaf.split("/")
    if leaf in {"info", "status"}:
        body = _object(payload)
        return None if body is None else gen1.components_of(body) if leaf == "info" else _status(body)
    if parts[0] in {"relay", "light", "color", "white", "roller", "emeter"}:
        return _channel(parts, payload)
    if len(parts) == 2 and parts[1].isdecimal() and parts[0] in _SINGLES:
        return _single(parts[0], parts[1][:4], payload)
    if parts[0] == "sensor" and len(parts) == 2:
        return _sensor(parts[1], payload, known)
    if leaf == "temperature":
        degrees = _number(payload)
        return None if degrees is None else {"device": {"temperature": degrees, "tmp": {"tC": degrees}}}
    if leaf == "voltage" or leaf.startswith("voltage/"):
        volts = _number(payload)
        return None if volts is None else {"device": {"voltage": volts}}
    if leaf == "overtemperature":
        is_hot = _flag(payload)
        return None if is_hot is None else {"device": {"overtemperature": is_hot}}
    return None


def _status(body: JsonObject) -> Changes:
    """Motion sensors and valves say all of it in one."""
    if "target_t" in body:
        valve: JsonObject = {name: body[name] for name in ("target_t", "tmp", "pos", "window_open") if name in body}
        return {"trv:0": valve} | ({"device": {"bat": {"value": body["bat"]}}} if _is_number(body.get("bat")) else {})
    device: dict[str, JsonValue] = {}
    for name, (inner, key) in _SAID_BY_SENSORS.items():
        value = body.get(name)
        if value is not None and not isinstance(value, Mapping | list | tuple | str):
            device[inner] = {**given.mapping(device, inner), key: value}
    return {"device": device} if device else {}


_SAID_BY_SENSORS: Final = MappingProxyType(
    {
        "motion": ("sensor", "motion"),
        "vibration": ("sensor", "vibration"),
        "lux": ("lux", "value"),
        "bat": ("bat", "value"),
        "temp": ("tmp", "tC"),
    }
)


def _channel(parts: list[str], payload: bytes) -> Changes | None:
    """relay/0 · relay/0/power · relay/power (one meter for both) · light/0/status · roller/0/pos · emeter/0/voltage"""
    kind = "light" if parts[0] in {"color", "white"} else parts[0]
    if len(parts) == 2 and parts[1] in _METER:
        return _metered("0", parts[1], payload)
    if not 2 <= len(parts) <= 3 or not parts[1].isdecimal():
        return None
    component, what = f"{kind}:{parts[1][:4]}", parts[2] if len(parts) == 3 else ""
    if kind == "emeter":
        number = _number(payload)
        field = _EMETER.get(what)
        return None if number is None or field is None else {component: {field: number}}
    if what in _METER:
        return _metered(parts[1][:4], what, payload)
    if what == "status" and kind == "light":
        body = _object(payload)
        return None if body is None else {component: body}
    if kind == "roller":
        return _rolled(component, what, payload)
    return _switched(component, payload) if not what else None


_METER: Final = MappingProxyType({"power": "power", "energy": "total"})
_EMETER: Final = MappingProxyType(
    {name: name for name in ("power", "voltage", "current", "pf", "total", "total_returned")}
    | {"reactive_power": "reactive"}
)


def _metered(number: str, what: str, payload: bytes) -> Changes | None:
    value = _number(payload)
    return None if value is None else {f"meter:{number}": {_METER[what]: value}}


def _switched(component: str, payload: bytes) -> Changes | None:
    word = payload[:NUMBER_CHARS_MAX]
    if word not in {b"on", b"off", b"overpower"}:
        return None
    said: dict[str, JsonValue] = {"ison": word == b"on"}
    if component.startswith("relay"):
        said["overpower"] = word == b"overpower"
    return {component: said}


def _rolled(component: str, what: str, payload: bytes) -> Changes | None:
    word = payload[:NUMBER_CHARS_MAX]
    if not what and word in {b"open", b"close", b"stop"}:
        return {component: {"state": word.decode(), **({"last_direction": word.decode()} if word != b"stop" else {})}}
    position = _number(payload) if what == "pos" else None
    if position is None:
        return None
    # -1: it has never been calibrated.
    return {component: {"positioning": False} if position < 0 else {"positioning": True, "current_pos": position}}


def _flag(payload: bytes) -> bool | None:
    return {b"1": True, b"true": True, b"0": False, b"false": False}.get(payload[:NUMBER_CHARS_MAX])


def _number(payload: bytes) -> float | None:
    # The add-on's thermometers say it with a colon before it in old firmware.
    text = payload[:NUMBER_CHARS_MAX].decode(errors="replace").lstrip(":")
    number = given.number_of(text)
    return None if number is None or number == 999 else given.tidy(number)


def _is_number(value: JsonValue) -> bool:
    return not isinstance(value, str) and given.number_of(value) is not None


_SINGLES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "ext_temperature": ("ext_temperature", "tC"),
        "ext_humidity": ("ext_humidity", "hum"),
        "adc": ("adc", "voltage"),
        "input": ("input", "input"),
        "input_event": ("input", ""),
    }
)


def _single(name: str, number: str, payload: bytes) -> Changes | None:
    kind, field = _SINGLES[name]
    if name == "input_event":
        body = _object(payload)
        if body is None:
            return None
        return {f"{kind}:{number}": {key: body[key] for key in ("event", "event_cnt") if key in body}}
    value = _number(payload)
    return None if value is None else {f"{kind}:{number}": {field: value}}


def _sensor(name: str, payload: bytes, known: Mapping[str, JsonObject]) -> Changes | None:
    if name in _WORDS:
        (outer, inner), words = _WORDS[name]
        word = words.get(payload[:NUMBER_CHARS_MAX].decode(errors="replace"))
        return None if word is None else {"device": {outer: {inner: word}}}
    if name in _FLAGS:
        is_so = _flag(payload)
        path = _FLAGS[name]
        if is_so is None:
            return None
        return {"device": {path[0]: is_so if len(path) == 1 else {path[1]: is_so}}}
    number, place = _number(payload), _NUMBERS.get(name)
    if number is None or place is None:
        return None
    if name == "temperature" and given.text(known.get("device", given.NOTHING), "tmp", "units") == "F":
        number = given.tidy((number - 32) / 1.8)
    return {"device": {place[0]: {place[1]: number}}}


_NUMBERS: Final = MappingProxyType(
    {
        "temperature": ("tmp", "tC"),
        "humidity": ("hum", "value"),
        "lux": ("lux", "value"),
        "battery": ("bat", "value"),
        "tilt": ("accel", "tilt"),
        "concentration": ("concentration", "ppm"),
    }
)
_FLAGS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "flood": ("flood",),
        "smoke": ("smoke",),
        "motion": ("sensor", "motion"),
        "vibration": ("accel", "vibration"),
        "charger": ("charger",),
    }
)
_GAS: Final = MappingProxyType({word: word for word in ("none", "mild", "heavy", "test", "unknown")})
_WORDS: Final[Mapping[str, tuple[tuple[str, str], Mapping[str, str]]]] = MappingProxyType(
    {
        "state": (("sensor", "state"), {"open": "open", "close": "close"}),
        "gas": (("gas_sensor", "alarm_state"), _GAS),
    }
)


def _object(payload: bytes) -> JsonObject | None:
    try:
        body = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None


# What it is told.


def command_of(native: JsonObject, body: JsonObject) -> Command:
    """A request as writing.py makes it (`{"get": "relay/0", "query": {"turn": "on"}}`). Raises NotPossible."""
    place, query = given.text(body, "get") or "", given.mapping(body, "query")
    kind, _, number = place.partition("/")
    write = _COMMANDS.get(kind)
    if write is None:
        raise NotPossible("over MQTT this device cannot be told so.")
    if given.text(native, "kind") == "light1" and kind == "light" and given.flag(native, "colour"):
        place = f"color/{number}"  # as coloured bulbs are called there
    return write(place, query)


def _turn(place: str, query: JsonObject) -> Command:
    return f"{place}/command", (given.text(query, "turn") or "").encode()


def _set(place: str, query: JsonObject) -> Command:
    if query.keys() == {"turn"}:
        return _turn(place, query)
    return f"{place}/set", orjson.dumps(query)


def _roll(place: str, query: JsonObject) -> Command:
    if "roller_pos" in query:
        return f"{place}/command/pos", str(query["roller_pos"]).encode()
    return f"{place}/command", (given.text(query, "go") or "").encode()


def _warm(place: str, query: JsonObject) -> Command:
    return f"{place}/command/target_t", str(query.get("target_t")).encode()


def _update(_place: str, _query: JsonObject) -> Command:
    return "command", b"update_fw"


_COMMANDS: Final[Mapping[str, Callable[[str, JsonObject], Command]]] = MappingProxyType(
    {
        "relay": _turn,
        "light": _set,
        "color": _set,
        "white": _set,
        "roller": _roll,
        "thermostat": _warm,
        "ota": _update,
    }
)
