"""What a strip offers, as entities. `native`: `kind` (which function of reading.py and writing.py), `segment` where it is about one.

Several segments are a light each, and the strip as a whole (`main`) is on or off and bright. The only one is the strip.
https://kno.wled.ge/interfaces/json-api/
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from hub_agent.drivers import given
from hub_agent.model.device import AdvertisedEntity, Capability
from hub_agent.model.json import JsonObject, JsonValue

SEGMENTS_MAX: Final = 32
NAMES_MAX: Final = 512
PRESETS_MAX: Final = 250

# A relative colour temperature of 0 to 255 stands for these, in steps of 32 K.
KELVIN_MIN: Final = 1900
KELVIN_STEP: Final = 32
KELVIN_MAX: Final = KELVIN_MIN + 255 * KELVIN_STEP

# Bits of `seglc`: what the LEDs of a segment can do.
HAS_COLOUR: Final = 1
HAS_WHITE: Final = 2
HAS_WARMTH: Final = 4

LIVE_OVERRIDES: Final = ("off", "on", "until_restart")


def kelvin_of(relative: float) -> int:
    return round(KELVIN_MIN + min(max(relative, 0), 255) * KELVIN_STEP)


def relative_of(kelvin: float) -> int:
    return min(max(round((kelvin - KELVIN_MIN) / KELVIN_STEP), 0), 255)


class Names:
    """Effects, palettes and presets are numbers to the strip and names to people. Equal names are told apart by their number."""

    def __init__(self, numbered: Mapping[int, str]) -> None:
        seen = list(numbered.values())
        self.by_number = {
            number: name if seen.count(name) == 1 else f"{name} ({number})" for number, name in numbered.items()
        }

    @property
    def options(self) -> tuple[str, ...]:
        return tuple(self.by_number.values())

    def as_json(self) -> dict[str, JsonValue]:
        return {name: number for number, name in self.by_number.items()}


_RESERVED: Final = frozenset({"RSVD", "-"})


def listed_names(values: Sequence[JsonValue]) -> Names:
    return Names(
        {
            number: value[: given.TEXT_CHARS_MAX]
            for number, value in enumerate(values[:NAMES_MAX])
            if isinstance(value, str) and value and value not in _RESERVED
        }
    )


def presets_of(body: JsonValue, *, playlists: bool) -> Names:
    presets: dict[int, str] = {}
    for number, preset in list(given.mapping(body).items())[:PRESETS_MAX]:
        is_playlist = bool(given.listed(preset, "playlist", "ps"))
        if (
            number.isdecimal()
            and 0 < int(number[:4]) <= PRESETS_MAX
            and given.mapping(preset)
            and is_playlist == playlists
        ):
            presets[int(number[:4])] = given.text(preset, "n") or f"Preset {number[:4]}"
    return Names(presets)


class Strip:
    """What a device says of itself: `{"state", "info", "effects", "palettes", "presets"}`."""

    def __init__(self, body: JsonObject) -> None:
        self.state = given.mapping(body, "state")
        self.info = given.mapping(body, "info")
        self.mac = given.mac_of(self.info.get("mac"))
        self.effects = listed_names(given.listed(body, "effects"))
        self.palettes = listed_names(given.listed(body, "palettes"))
        self.presets = presets_of(body.get("presets"), playlists=False)
        self.playlists = presets_of(body.get("presets"), playlists=True)
        self.segments = segments_of(self.state)

    def capability_of(self, segment: int) -> int:
        """Its bits; strips of old versions say them for all segments alike."""
        masks = given.listed(self.info, "leds", "seglc")
        bits = given.number_of(masks[segment]) if 0 <= segment < len(masks) else given.number(self.info, "leds", "lc")
        return int(bits) if bits is not None and 0 <= bits < 256 else HAS_COLOUR


def segments_of(state: JsonObject) -> dict[int, JsonObject]:
    """Those that exist: one whose end is its start was deleted."""
    segments: dict[int, JsonObject] = {}
    for place, segment in enumerate(given.listed(state, "seg")[:SEGMENTS_MAX]):
        number = given.number(segment, "id")
        stop = given.number(segment, "stop")
        if isinstance(segment, Mapping) and stop != 0:
            segments[int(number) if number is not None and 0 <= number < SEGMENTS_MAX else place] = segment
    return segments


def entities_of(strip: Strip) -> tuple[AdvertisedEntity, ...]:
    return (*_lights(strip), *_whole(strip), *_observed())


def _lights(strip: Strip) -> Iterator[AdvertisedEntity]:
    if len(strip.segments) == 1:
        (number,) = strip.segments
        yield _light(strip, "main", None, number, is_sole=True)
        yield from _settings(strip, number, strip.segments[number], "")
        return
    capabilities = {"on": Capability("bool", "rw"), "brightness": Capability("int", "rw", unit="%", min=0, max=100)}
    yield AdvertisedEntity(key="main", domain="light", capabilities=capabilities, native={"kind": "main"})
    for number, segment in sorted(strip.segments.items()):
        name = given.text(segment, "n") or f"Segment {number + 1}"
        yield _light(strip, f"segment_{number}", name, number, is_sole=False)
        yield from _settings(strip, number, segment, f"{name} ")


def _light(strip: Strip, key: str, name: str | None, number: int, *, is_sole: bool) -> AdvertisedEntity:
    bits = strip.capability_of(number)
    capabilities = {"on": Capability("bool", "rw"), "brightness": Capability("int", "rw", unit="%", min=0, max=100)}
    if bits & HAS_COLOUR:
        capabilities["color"] = Capability("text", "rw")
    if bits & HAS_WARMTH:
        capabilities["color_temp"] = Capability("int", "rw", unit="K", min=KELVIN_MIN, max=KELVIN_MAX)
    if strip.effects.options:
        capabilities["effect"] = Capability("enum", "rw", options=strip.effects.options)
    native: dict[str, JsonValue] = {
        "kind": "light",
        "segment": number,
        "sole": is_sole,
        "bits": bits,
        "effects": strip.effects.as_json(),
    }
    return AdvertisedEntity(key=key, domain="light", name=name, capabilities=capabilities, native=native)


def _settings(strip: Strip, number: int, segment: JsonObject, prefix: str) -> Iterator[AdvertisedEntity]:
    """What a segment's effect is set to."""
    for field, name in (("sx", "Speed"), ("ix", "Intensity")):
        if field in segment:
            yield _number(f"segment_{number}_{field}", _titled(prefix, name), field, number)
    if strip.palettes.options:
        yield AdvertisedEntity(
            key=f"segment_{number}_pal",
            domain="select",
            name=_titled(prefix, "Colour palette"),
            category="config",
            capabilities={"palette": Capability("enum", "rw", options=strip.palettes.options)},
            native={"kind": "choice", "segment": number, "field": ["pal"], "values": strip.palettes.as_json()},
        )
    for field, name in (("rev", "Reverse"), ("frz", "Freeze")):
        if field in segment:
            yield _switch(f"segment_{number}_{field}", _titled(prefix, name), [field], number)


def _titled(prefix: str, name: str) -> str:
    return f"{prefix}{name[:1].lower()}{name[1:]}" if prefix else name


def _whole(strip: Strip) -> Iterator[AdvertisedEntity]:
    for key, name, field, names in (
        ("preset", "Preset", "ps", strip.presets),
        ("playlist", "Playlist", "pl", strip.playlists),
    ):
        if names.options:
            yield AdvertisedEntity(
                key=key,
                domain="select",
                name=name,
                capabilities={key: Capability("enum", "rw", options=names.options)},
                native={"kind": "choice", "field": [field], "values": names.as_json()},
            )
    if given.mapping(strip.state, "nl"):
        yield _switch("nightlight", "Nightlight", ["nl", "on"])
        yield _number("nightlight_duration", "Nightlight duration", "nl", None, unit="min")
    if given.mapping(strip.state, "udpn"):
        yield _switch("sync_send", "Sync send", ["udpn", "send"])
        yield _switch("sync_receive", "Sync receive", ["udpn", "recv"])
    if "lor" in strip.state:
        values: dict[str, JsonValue] = {name: number for number, name in enumerate(LIVE_OVERRIDES)}
        yield AdvertisedEntity(
            key="live_override",
            domain="select",
            name="Live override",
            category="config",
            capabilities={"live_override": Capability("enum", "rw", options=LIVE_OVERRIDES)},
            native={"kind": "choice", "field": ["lor"], "values": values},
        )
    yield AdvertisedEntity(
        key="reboot",
        domain="button",
        name="Restart",
        device_class="restart",
        category="config",
        capabilities={"press": Capability("enum", "w", options=("press",))},
        native={"kind": "reboot"},
    )


def _switch(key: str, name: str, field: list[str], segment: int | None = None) -> AdvertisedEntity:
    native: dict[str, JsonValue] = {"kind": "switch", "field": field}
    if segment is not None:
        native["segment"] = segment
    return AdvertisedEntity(
        key=key,
        domain="switch",
        name=name,
        category="config",
        capabilities={"on": Capability("bool", "rw")},
        native=native,
    )


def _number(
    key: str, name: str, field: str, segment: int | None, *, highest: int = 255, unit: str | None = None
) -> AdvertisedEntity:
    metric = {"sx": "speed", "ix": "intensity", "nl": "duration"}[field]
    native: dict[str, JsonValue] = {
        "kind": "number",
        "field": ["nl", "dur"] if field == "nl" else [field],
        "max": highest,
    }
    native["min"] = lowest = 1 if field == "nl" else 0
    if segment is not None:
        native["segment"] = segment
    return AdvertisedEntity(
        key=key,
        domain="number",
        name=name,
        unit=unit,
        category="config",
        capabilities={metric: Capability("int", "rw", unit=unit, min=lowest, max=highest, step=1)},
        native=native,
    )


def _observed() -> Iterator[AdvertisedEntity]:
    yield AdvertisedEntity(
        key="current",
        domain="sensor",
        name="Estimated current",
        device_class="current",
        unit="A",
        state_class="measurement",
        capabilities={"current": Capability("float", unit="A")},
        native={"kind": "info", "path": ["leds", "pwr"], "factor": 0.001},
    )
    yield AdvertisedEntity(
        key="rssi",
        domain="sensor",
        name="Signal",
        device_class="signal_strength",
        unit="dBm",
        state_class="measurement",
        category="diagnostic",
        capabilities={"rssi": Capability("float", unit="dBm")},
        native={"kind": "info", "path": ["wifi", "rssi"]},
    )
    yield AdvertisedEntity(
        key="live",
        domain="binary_sensor",
        name="Live data",
        category="diagnostic",
        capabilities={"live": Capability("bool")},
        native={"kind": "live"},
    )
