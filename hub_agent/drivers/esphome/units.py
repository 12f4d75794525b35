"""Units as nodes are configured with them, and those that the hub's metrics are kept in."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Unit:
    """`value * factor + offset` is in `symbol`; it takes `more_decimals` than the node's own unit to lose nothing."""

    symbol: str | None
    factor: float = 1
    offset: float = 0
    more_decimals: int = 0

    def back(self, value: float) -> float:
        return (value - self.offset) / self.factor


# (device class, the node's unit) -> the hub's.
_CONVERTED: Final = MappingProxyType(
    {
        ("temperature", "°F"): Unit("°C", 5 / 9, -160 / 9, 1),
        ("temperature", "K"): Unit("°C", 1, -273.15, 2),
        ("power", "kW"): Unit("W", 1000),
        ("power", "MW"): Unit("W", 1_000_000),
        ("power", "mW"): Unit("W", 0.001, 0, 3),
        ("energy", "Wh"): Unit("kWh", 0.001, 0, 3),
        ("energy", "MWh"): Unit("kWh", 1000),
        ("voltage", "mV"): Unit("V", 0.001, 0, 3),
        ("voltage", "kV"): Unit("V", 1000),
        ("current", "mA"): Unit("A", 0.001, 0, 3),
        ("pressure", "Pa"): Unit("hPa", 0.01, 0, 2),
        ("pressure", "kPa"): Unit("hPa", 10),
        ("pressure", "mbar"): Unit("hPa"),
        ("pressure", "bar"): Unit("hPa", 1000),
        ("atmospheric_pressure", "Pa"): Unit("hPa", 0.01, 0, 2),
        ("atmospheric_pressure", "kPa"): Unit("hPa", 10),
        ("atmospheric_pressure", "mbar"): Unit("hPa"),
        ("frequency", "kHz"): Unit("Hz", 1000),
        ("frequency", "MHz"): Unit("Hz", 1_000_000),
    }
)
# One spelling of each: YAML files have many.
_SPELLED: Final = MappingProxyType(
    {
        "C": "°C", "ºC": "°C", "℃": "°C", "F": "°F", "℉": "°F", "lux": "lx", "Lx": "lx", "ug/m3": "µg/m³", "ug/m³": "µg/m³",
        "μg/m³": "µg/m³", "µg/m3": "µg/m³", "mg/m3": "mg/m³", "m3": "m³", "uS/cm": "µS/cm", "μS/cm": "µS/cm",
    }
)  # fmt: skip


def measured_in(device_class: str | None, unit: str | None) -> Unit:
    """The unit that values of this class are kept in, and how to come there."""
    spelled = _SPELLED.get(unit, unit) if unit is not None else None
    return _CONVERTED.get((device_class or "", spelled or ""), Unit(spelled))
