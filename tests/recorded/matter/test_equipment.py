"""Less common equipment, by attributes as the specification has them: what it becomes, and what is written."""

from typing import Any

import pytest

from tests.recorded.heard_home import HeardHome
from tests.recorded.matter.test_nodes import device, home_with, sent

# What every node says of itself.
ROOT: dict[str, Any] = {
    "0/29/0": [{"0": 22, "1": 1}],
    "0/29/3": [1],
    "0/40/1": "Maker",
    "0/40/3": "Thing",
    "0/40/18": "unique",
    "1/29/3": [],
}


def home_of(kind: int, attributes: dict[str, Any]) -> HeardHome:
    body = {**ROOT, "1/29/0": [{"0": kind, "1": 1}], **{f"1/{path}": value for path, value in attributes.items()}}
    return home_with({"node_id": 9, "available": True, "is_bridge": False, "attributes": body})


@pytest.mark.parametrize(
    "kind, attributes, expected",
    [
        (1292, {"153/0": 3, "153/5": 32000, "153/48": 71}, {"charger_state": "charging", "circuit_capacity": "32", "state_of_charge": "71"}),
        (1292, {"153/1": 1, "153/2": 11, "153/66": 2500000}, {"supply_state": "charging_enabled", "charger_fault": "emergency_stop", "session_energy": "2.5"}),
        (1295, {"148/1": 2, "148/4": 60, "148/5": 0}, {"heating": "on", "hot_water": "60", "boost_state": "inactive"}),
        (771, {"512/17": 1, "512/18": 7, "512/20": 1500, "512/22": 40}, {"operation_mode": "minimum", "control_mode": "automatic", "speed": "1500", "power": "40"}),
        (769, {"513/0": 2000, "513/65532": 1, "513/18": 2100, "513/8": 35, "513/1": -150, "513/16": -5}, {"heating_demand": "35", "outdoor_temperature": "-1.5", "temperature_calibration": "-0.5"}),
        (112, {"87/2": 1}, {"door_alarm": "on"}),
        (117, {"93/2": 4}, {"alarm": "on"}),
        (121, {"95/0": 90}, {"cook_time": "90"}),
        (69, {"1072/1": 37}, {"moisture": "37"}),
        (560, {"260/1": 1}, {"closure_state": "moving"}),
        (115, {"83/0": ["800", "1200"], "83/1": 1, "83/2": 2, "83/3": [0, 1, 2]}, {"spin_speed": "1200", "rinses": "extra"}),
        (124, {"74/0": [0, 1, 3], "74/1": 3}, {"dryness": "max"}),
        (263, {"1030/0": 1, "1030/3": 60, "1030/4": {"0": 10, "1": 300, "2": 60}}, {"hold_time": "60"}),
        (21, {"69/0": True, "128/0": 2, "128/1": 3}, {"sensitivity": "level_3"}),
        (769, {"513/0": 2000, "516/0": 1, "516/1": 5}, {"temperature_display": "fahrenheit", "keypad_lockout": "level_5"}),
    ],
)  # fmt: skip
def test_equipment_tells_how_it_is(kind, attributes, expected) -> None:
    home = home_of(kind, attributes)
    for key, state in expected.items():
        assert home.is_now(device(9), f"{key}_1")[0] == state


@pytest.mark.parametrize(
    "kind, attributes, key, value, expected",
    [
        (1292, {"153/6": 6000, "153/7": 16000, "153/9": 16000}, "charge_current_1", 10, ("1/153/9", 10000)),
        (769, {"513/0": 2000, "513/16": 0}, "temperature_calibration_1", -1.5, ("1/513/16", -15)),
        (115, {"83/0": ["800", "1200"], "83/1": 0}, "spin_speed_1", "1200", ("1/83/1", 1)),
        (124, {"74/0": [0, 3], "74/1": 0}, "dryness_1", "max", ("1/74/1", 3)),
        (769, {"513/0": 2000, "516/1": 0}, "keypad_lockout_1", "level_2", ("1/516/1", 2)),
    ],
)  # fmt: skip
def test_equipment_is_set_by_its_attributes(kind, attributes, key, value, expected) -> None:
    home = home_of(kind, attributes)
    action, field = ("select.select_option", "option") if isinstance(value, str) else ("number.set_value", "value")
    assert sent(home, device(9), key, action, **{field: value}) == [expected]
