"""Options of a device that Zigbee2MQTT itself keeps for it: those of them that people use, as entities.

They are listed in `definition.options`, set by `bridge/request/device/options`, and said in `bridge/info` below `config.devices`.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from hub_agent.drivers.zigbee2mqtt import fields
from hub_agent.drivers.zigbee2mqtt.features import Feature
from hub_agent.errors import NotPossible
from hub_agent.model.device import AdvertisedEntity, Capability
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import EntityReport

KIND: Final = "option"

# What holds where nothing is set, as the documentation of the options says.
_NUMBERS: Final = {
    "transition": 0,
    "occupancy_timeout": 90,
    **{
        f"{measured}_calibration": 0
        for measured in ("temperature", "local_temperature", "humidity", "illuminance", "pressure", "co2")
    },
}
_FLAGS: Final = {"invert_cover": False}


def option_entities(options: Iterable[Feature]) -> Iterator[AdvertisedEntity]:
    for option in options:
        default = _default(option)
        if default is None:
            continue
        is_flag = isinstance(default, bool)
        native: dict[str, JsonValue] = {"kind": KIND, "option": option.property_name, "default": default}
        if not is_flag:
            native["limits"] = {"min": option.min, "max": option.max}
        yield AdvertisedEntity(
            key=f"option_{option.property_name}",
            domain="switch" if is_flag else "number",
            name=option.label,
            unit=None if is_flag else option.unit,
            category="config",
            capabilities={
                "on" if is_flag else option.property_name: Capability(
                    "bool" if is_flag else "float",
                    "rw",
                    unit=None if is_flag else option.unit,
                    min=option.min,
                    max=option.max,
                    step=option.step,
                )
            },
            native=native,
        )


def _default(option: Feature) -> float | bool | None:
    name = option.property_name
    if option.kind == "numeric":
        return _NUMBERS.get(name)
    return _FLAGS.get(name) if option.kind == "binary" else None


def option_reports(entities: Iterable[tuple[str, JsonObject]], settings: JsonObject) -> Iterator[EntityReport]:
    """`entities`: key and native of each. `settings`: the device's entry in the bridge's configuration."""
    for key, native in entities:
        option = fields.text(native, "option")
        if native.get("kind") != KIND or option is None:
            continue
        default = native.get("default")
        if isinstance(default, bool):
            value = settings.get(option)
            yield EntityReport(key, "on" if (value if isinstance(value, bool) else default) else "off")
        else:
            number = fields.number(settings, option)
            yield EntityReport(key, repr(default if number is None else number))


def option_value(native: JsonObject, action: str, data: JsonObject) -> dict[str, JsonValue]:
    """What to set. Raises NotPossible."""
    option = fields.text(native, "option") or ""
    if isinstance(native.get("default"), bool):
        values = {"switch.turn_on": True, "switch.turn_off": False}
        if action not in values:
            raise NotPossible(f"{action} is nothing that this can do; it understands {', '.join(values)}.")
        return {option: values[action]}
    value = data.get("value")
    limits = fields.mapping(native, "limits")
    lowest, highest = fields.number(limits, "min"), fields.number(limits, "max")
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
    except ValueError:
        number = None
    if action != "number.set_value" or number is None or not abs(number) < 1e9:
        raise NotPossible("number.set_value needs a value.")
    if (lowest is not None and number < lowest) or (highest is not None and number > highest):
        raise NotPossible(f"the value has to be between {lowest} and {highest}, not {number:g}.")
    return {option: int(number) if number == int(number) else number}
