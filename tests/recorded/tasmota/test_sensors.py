"""Sensors as Tasmota's documentation shows their messages: each value becomes an entity, and those that are known have their unit."""

from typing import Any

import pytest

BLOCKS: dict[str, dict[str, Any]] = {
    "SPS30": {"PM1_0": 2.1, "PM2_5": 2.5, "PM4_0": 2.8, "PM10": 3.0, "NCPM0_5": 13.2, "TYPSIZ": 0.5},
    "SEN5X": {"PM1": 1.1, "PM2.5": 1.4, "PM4": 1.6, "PM10": 1.7, "NOx": 1, "VOC": 98, "Temperature": 21.3, "Humidity": 44},
    "MLX90614": {"OBJTMP": 23.8, "AMBTMP": 22.7},
    "MAX31855": {"ProbeTemperature": 21.4, "ReferenceTemperature": 22.1, "Error": 0},
    "AS3935": {"Event": 1, "Distance": 12, "Energy": 4711, "Stage": 1},
    "SCD40": {"CarbonDioxide": 812, "eCO2": 800, "Temperature": 22.3, "Humidity": 45.1, "DewPoint": 9.8},
    "VL53L0X": {"Distance": None},
    "APDS9960": {"Red": 282, "Green": 252, "Blue": 196, "Ambient": 169, "CCT": 4217, "Proximity": 9},
    "VEML6075": {"UvaIntensity": 48, "UvbIntensity": 22, "UvIndex": 0.5},
    "BME680": {"Temperature": 24.5, "Humidity": 33, "DewPoint": 7.1, "Pressure": 987.7, "Gas": 1086.43},
    "TX23": {"Speed": {"Act": 14.8, "Avg": 8.5}, "Dir": {"Card": "WSW", "Deg": 247.5}},
    "DS18B20": {"Id": "011839D7A7FF", "Temperature": 23.7},
    "COUNTER": {"C1": 12, "C2": 0},
    "ANALOG": {"A0": 1024, "Temperature1": 20.5, "CTEnergy1": {"Energy": 0.001, "Power": 2300, "Voltage": 230, "Current": 10}},
    "MGS": {"NH3": 1.2, "CO": 4.5, "NO2": 0.2},
    "HX711": {"Weight": 1.34, "WeightRaw": 34, "AbsRaw": 345},
    "EZO": {"Temperature": 20.1, "pH": 7.2, "ORP": 210.5},
}  # fmt: skip


def _count(value: Any) -> int:
    return sum(_count(each) for name, each in value.items() if name != "Id") if isinstance(value, dict) else 1


@pytest.mark.parametrize("name", sorted(BLOCKS))
def test_every_value_of_a_sensor_is_an_entity_with_a_capability(home, name) -> None:
    home.announce(sensors={name: BLOCKS[name], "TempUnit": "C", "PressureUnit": "hPa", "SpeedUnit": "km/h"})
    entities = [each for each in home.advertisement.entities if each.key.startswith(f"sensor_{name.lower()}")]
    assert len(entities) == _count(BLOCKS[name])
    assert all(entity.capabilities for entity in entities)


@pytest.mark.parametrize(
    "path, metric, unit",
    [
        ("sensor_sps30_pm2_5", "pm25", "µg/m³"),
        ("sensor_mlx90614_objtmp", "temperature", "°C"),
        ("sensor_max31855_referencetemperature", "reference_temperature", "°C"),
        ("sensor_as3935_distance", "lightning_distance", "km"),
        ("sensor_vl53l0x_distance", "distance", "cm"),
        ("sensor_scd40_carbondioxide", "co2", "ppm"),
    ],
)
def test_a_value_that_is_known_has_its_metric_and_unit(home, path, metric, unit) -> None:
    home.announce(sensors=BLOCKS)
    (entity,) = [each for each in home.advertisement.entities if each.key == path]
    assert (list(entity.capabilities), entity.unit) == ([metric], unit)


def test_temperatures_of_all_names_are_converted(home) -> None:
    home.announce(sensors={"MLX90614": BLOCKS["MLX90614"], "TempUnit": "F"})
    said = home.say("tele/SENSOR", {"MLX90614": {"OBJTMP": 212, "AMBTMP": 32}, "TempUnit": "F"})
    assert said["sensor_mlx90614_objtmp"][0] == "100"
    assert said["sensor_mlx90614_ambtmp"][0] == "0"
