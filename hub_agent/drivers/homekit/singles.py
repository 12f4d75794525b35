"""Characteristics that are an entity of their own, in whatever service they stand: measurements, warnings, settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from hub_agent.drivers.homekit.accessory import Characteristic
from hub_agent.model.device import AdvertisedEntity, Capability
from hub_agent.model.json import JsonValue


@dataclass(frozen=True, slots=True)
class Single:
    """`word`: the capability. `on`: the values that mean on (a binary sensor). `words`: what the values are called.
    `factor`: from the accessory's unit to ours.
    """

    domain: str
    word: str
    name: str
    device_class: str | None = None
    unit: str | None = None
    category: str | None = None
    state_class: str | None = None
    on: tuple[int, ...] = (1,)
    words: Mapping[int, str] = field(default_factory=dict)
    factor: float = 1.0


def _measured(word: str, name: str, device_class: str | None, unit: str | None, category: str | None = None) -> Single:
    return Single("sensor", word, name, device_class, unit, category, "measurement")


def _warning(word: str, name: str, device_class: str | None, category: str | None = None) -> Single:
    return Single("binary_sensor", word, name, device_class, category=category)


_AIR_QUALITY: Final = MappingProxyType({0: "unknown", 1: "excellent", 2: "good", 3: "fair", 4: "inferior", 5: "poor"})
_LOCK_ACTIONS: Final = MappingProxyType(
    {
        0: "secured_inside",
        1: "unsecured_inside",
        2: "secured_outside",
        3: "unsecured_outside",
        4: "secured_by_keypad",
        5: "unsecured_by_keypad",
        6: "secured_remotely",
        7: "unsecured_remotely",
        8: "secured_by_timeout",
    }
)
_EVE: Final = "-079E-48FF-8F27-9C2605A29F52"
_KOOGEEK: Final = "4AAAF931-0DEC-11E5-B939-0800200C9A66"
_CONNECTSENSE: Final = "-0000-1000-8000-001D4B474349"
_ENERGY: Final = Single("sensor", "energy", "Energy", "energy", "kWh", state_class="total_increasing")

SINGLES: Final[Mapping[str, Single]] = MappingProxyType(
    {
        "11": _measured("temperature", "Temperature", "temperature", "°C"),
        "10": _measured("humidity", "Humidity", "humidity", "%"),
        "6B": _measured("illuminance", "Illuminance", "illuminance", "lx"),
        "22": _warning("occupancy", "Motion", "motion"),
        "71": _warning("presence", "Occupancy", "occupancy"),
        "6A": _warning("contact", "Contact", "door"),
        "70": _warning("water_leak", "Leak", "moisture"),
        "76": _warning("smoke", "Smoke", "smoke"),
        "69": _warning("carbon_monoxide", "Carbon monoxide", "carbon_monoxide"),
        "92": _warning("carbon_dioxide", "Carbon dioxide detected", "gas"),
        "93": _measured("co2", "Carbon dioxide", "carbon_dioxide", "ppm"),
        "94": _measured("co2_peak", "Carbon dioxide peak", "carbon_dioxide", "ppm", "diagnostic"),
        "90": _measured("co", "Carbon monoxide level", "carbon_monoxide", "ppm"),
        "91": _measured("co_peak", "Carbon monoxide peak", "carbon_monoxide", "ppm", "diagnostic"),
        "95": Single("sensor", "air_quality", "Air quality", "enum", words=_AIR_QUALITY),
        "64": _measured("air_particulate_density", "Particulates", None, "µg/m³"),
        "C8": _measured("voc", "Volatile organic compounds", "volatile_organic_compounds", "µg/m³"),
        "C6": _measured("pm25", "PM2.5", "pm25", "µg/m³"),
        "C7": _measured("pm10", "PM10", "pm10", "µg/m³"),
        "C4": _measured("no2", "Nitrogen dioxide", "nitrogen_dioxide", "µg/m³"),
        "C3": _measured("ozone", "Ozone", "ozone", "µg/m³"),
        "C5": _measured("so2", "Sulphur dioxide", "sulphur_dioxide", "µg/m³"),
        "68": _measured("battery", "Battery", "battery", "%", "diagnostic"),
        "8F": _warning("battery_charging", "Charging", "battery_charging", "diagnostic"),
        "79": _warning("battery_low", "Battery low", "battery", "diagnostic"),
        "7A": _warning("tamper", "Tamper", "tamper", "diagnostic"),
        "77": _warning("problem", "Fault", "problem", "diagnostic"),
        "75": _warning("active", "Active", None, "diagnostic"),
        "26": _warning("in_use", "In use", "power", "diagnostic"),
        "D2": _warning("in_use", "In use", "running", "diagnostic"),
        "9C": _measured("link_quality", "Link quality", None, None, "diagnostic"),
        "AC": _warning("filter_change", "Filter change", "problem", "diagnostic"),
        "AB": _measured("filter_life", "Filter life", None, "%", "diagnostic"),
        "AD": Single("button", "press", "Reset filter", category="config"),
        "B5": _measured("water_level", "Water level", None, "%"),
        "D3": Single("number", "value", "Duration", "duration", "s", "config"),
        "D4": _measured("remaining_duration", "Remaining duration", "duration", "s"),
        "1A": Single("number", "value", "Lock again after", "duration", "s", "config"),
        "A7": Single("switch", "on", "Child lock", category="config"),
        "5": Single("switch", "on", "Audio feedback", category="config"),
        "36": Single(
            "select", "option", "Temperature display", category="config", words={0: "celsius", 1: "fahrenheit"}
        ),
        # Where the service's own entity does not tell it already.
        "A9": Single(
            "sensor", "action", "Activity", "enum", category="diagnostic", words={0: "off", 1: "idle", 2: "purifying"}
        ),
        "AF": Single(
            "sensor", "action", "Activity", "enum", category="diagnostic", words={0: "off", 1: "idle", 2: "blowing"}
        ),
        "29": Single("number", "value", "Fan speed", unit="%", category="config"),
        "B6": Single("switch", "on", "Swing", category="config"),
        "D1": Single("sensor", "programme", "Programme", "enum", words={0: "none", 1: "scheduled", 2: "overridden"}),
        "1C": Single("sensor", "last_action", "Last action", "enum", category="diagnostic", words=_LOCK_ACTIONS),
        "1": Single("switch", "on", "Administrators only", category="config"),
        "E": Single("binary_sensor", "door", "Door", "door", on=(0, 2, 3, 4)),
        "1D": Single("binary_sensor", "lock", "Lock", "lock", on=(0, 2), category="diagnostic"),
        "1E": Single("switch", "on", "Locked", category="config"),
        "8E": _warning("problem", "Alarm", "safety", "diagnostic"),
        # Of makers.
        f"E863F10A{_EVE}": _measured("voltage", "Voltage", "voltage", "V"),
        f"E863F126{_EVE}": _measured("current", "Current", "current", "A"),
        f"E863F10D{_EVE}": _measured("power", "Power", "power", "W"),
        f"E863F10C{_EVE}": _ENERGY,
        f"E863F10B{_EVE}": _measured("air_quality_level", "Air quality level", None, "ppm"),
        f"E863F10F{_EVE}": _measured("pressure", "Pressure", "pressure", "hPa"),
        f"E863F12E{_EVE}": _measured("valve_position", "Valve position", None, "%"),
        f"E863F130{_EVE}": Single("number", "value", "Elevation", "distance", "m", "config"),
        f"E863F120{_EVE}": Single(
            "select", "option", "Sensitivity", category="config", words={7: "low", 4: "medium", 0: "high"}
        ),
        f"E863F12D{_EVE}": Single("number", "value", "Motion duration", "duration", "s", "config"),
        _KOOGEEK: _measured("power", "Power", "power", "W"),
        "7BBBA96E-EB2D-11E5-A837-0800200C9A66": _measured("power", "Power", "power", "W"),
        "FC093458-18F0-4B1D-8360-BB68A3FCC9C5": _measured("power", "Power", "power", "W"),
        f"00000004{_CONNECTSENSE}": _measured("current", "Current", "current", "A"),
        f"00000008{_CONNECTSENSE}": _measured("voltage", "Voltage", "voltage", "V"),
        f"00000009{_CONNECTSENSE}": _measured("current", "Current", "current", "A"),
        f"0000000A{_CONNECTSENSE}": _measured("power", "Power", "power", "W"),
        f"0000000C{_CONNECTSENSE}": _ENERGY,
        "EE56B186-B0D3-528E-8C79-C21FC9BCF437": Single("number", "value", "Volume", unit="%", category="config"),
        "EE56B186-B0D3-488E-8C79-C21FC9BCF437": Single("number", "value", "Volume", unit="%", category="config"),
        "B1C09E4C-E202-4827-B343-B0F32F727CFF": Single("switch", "on", "Pairing mode", category="config"),
        "B1C09E4C-E202-4827-B863-B0F32F727CFF": Single("switch", "on", "Pairing mode", category="config"),
        "B3BBFABC-D78C-5B8D-948C-5DAC1EE2CDE5": _measured("noise", "Noise", "sound_pressure", "dB"),
        "69D52519-0A4E-4898-8335-4739F9116D0A": Single("number", "value", "Spray level", category="config"),
        "00000006-5E50-11EC-B400-0A80FF2603DE": Single("switch", "on", "Sleep mode", category="config"),
        # ecobee: which comfort setting is on, another one for as long as nobody says otherwise, and back to the schedule.
        "B7DDB9A3-54BB-4572-91D2-F1F5B0510F8C": Single(
            "sensor", "comfort_setting", "Comfort setting", "enum", words={0: "home", 1: "sleep", 2: "away", 3: "temp"}
        ),
        "1B300BC2-CFFC-47FF-89F9-BD6CCF5F2853": Single(
            "select", "option", "Hold comfort setting", words={0: "home", 1: "sleep", 2: "away"}
        ),
        "FA128DE6-9D7D-49A4-B6D8-4E4E234DEE38": Single("button", "press", "Clear hold", category="config"),
        "48F62AEC-4171-4B4A-8F0E-1EEB6708B3FB": _measured("fan_speed", "Fan speed", None, "%", "diagnostic"),
        "C35DA3C0-E004-40E3-B153-46655CDD9214": Single(
            "number", "value", "Fan speed target", unit="%", category="config"
        ),
        "41935E3E-B54D-42E9-B8B9-D33C6319F0AF": _warning("aux_heat", "Auxiliary heat", "heat", "diagnostic"),
    }
)
# In the services of a microphone or a loudspeaker, which have no entity for all of it.
SOUND: Final[Mapping[str, Single]] = MappingProxyType(
    {
        "11A": Single("switch", "on", "Mute", category="config"),
        "119": Single("number", "value", "Volume", unit="%", category="config"),
    }
)
# Services whose characteristics of these kinds are said by an entity that has more.
_NOT_MAIN: Final = frozenset({"75", "77", "79", "7A"})
_SETTABLE: Final = frozenset({"switch", "number", "select"})
_NUMBERS: Final = frozenset({"int", "float", "uint8", "uint16", "uint32", "uint64"})


def entity_of(single: Single, found: Characteristic, aid: int, name: str | None = None) -> AdvertisedEntity | None:
    """None where the characteristic does not let it be what it is."""
    if single.domain in _SETTABLE and not found.is_written:
        return None
    if single.domain not in _SETTABLE | {"button"} and not found.is_read:
        return None
    choices = found.choices(single.words) if single.words else {}
    native: dict[str, JsonValue] = {
        "kind": single.domain,
        "aid": aid,
        "at": {"value": found.as_native()},
        "choices": choices,
        "on": list(single.on),
    }
    return AdvertisedEntity(
        key=f"{single.word if single.word not in {'value', 'on', 'option', 'press'} else single.domain}_{found.iid}",
        domain=single.domain,
        name=name or single.name,
        device_class=single.device_class,
        unit=single.unit,
        state_class=single.state_class,
        category=single.category,
        capabilities={single.word: _capability(single, found, tuple(choices))},
        native=native,
    )


def described(found: Characteristic, aid: int) -> AdvertisedEntity | None:
    """A maker's own characteristic that nobody has told us about, but which tells its changes and says what it is."""
    is_plain = found.format in _NUMBERS or found.format == "bool"
    if (
        len(found.kind) <= 8
        or not is_plain
        or found.description is None
        or "ev" not in found.perms
        or "hd" in found.perms
    ):
        return None
    domain, word = ("binary_sensor", "on") if found.format == "bool" else ("sensor", "value")
    unit = {"percentage": "%", "celsius": "°C", "seconds": "s", "lux": "lx"}.get(found.unit or "")
    single = Single(domain, word, found.description, unit=unit, category="diagnostic")
    return entity_of(single, found, aid)


def is_a_function(kind: str) -> bool:
    """Whether a device may be there for this; a warning that it is broken is not what it is for."""
    single = SINGLES.get(kind)
    return (
        single is not None
        and kind not in _NOT_MAIN
        and single.category is None
        and single.domain in {"sensor", "binary_sensor"}
    )


def _capability(single: Single, found: Characteristic, choices: tuple[str, ...]) -> Capability:
    access = "r" if single.domain in {"sensor", "binary_sensor"} else "rw" if found.is_read else "w"
    if single.domain in {"switch", "binary_sensor"}:
        return Capability("bool", access)
    if single.domain == "button":
        return Capability("bool", "w")
    if single.words:
        return Capability("enum", access, options=choices)
    has_range = single.domain == "number"
    return Capability(
        "float",
        access,
        unit=single.unit,
        min=found.low if has_range else None,
        max=found.high if has_range else None,
        step=found.step if has_range else None,
    )
