"""Nodes of Matter: what they become, how they are, what is sent to them."""

from typing import Any

import pytest

from hub_agent.drivers.matter import Matter
from hub_agent.errors import NotPossible
from hub_agent.model.json import JsonObject, JsonValue
from tests.recorded.heard_home import HeardHome
from tests.recorded.matter import corpus


def home_with(*nodes: JsonObject) -> HeardHome:
    home = HeardHome(Matter())
    home.hear(corpus.server(), *(corpus.frame("node", node) for node in nodes))
    assert not home.rejected
    return home


def kinds() -> HeardHome:
    return home_with(corpus.node_of("matterjs_bridge_of_kinds"))


def device(number: int, endpoint: int | None = None) -> str:
    return f"{corpus.HOME}-{number}" + (f"-{endpoint}" if endpoint else "")


def sent(home: HeardHome, where: str, key: str, action: str, **data: Any) -> list[tuple[Any, Any]]:
    """(command, payload) or (attribute path, value)."""
    found: list[tuple[Any, Any]] = []
    for body in home.tell(where, key, action, **data):
        arguments: Any = body["send"]
        given = arguments["args"]
        is_written = arguments["command"] == "write_attribute"
        found.append(
            (given["attribute_path"], given["value"]) if is_written else (given["command_name"], given["payload"])
        )
    return found


BRIDGED = {
    2: ("light_2", "light"),
    3: ("light_3", "light"),
    4: ("light_4", "light"),
    5: ("light_5", "light"),
    6: ("switch_6", "plug"),
    7: ("contact_7", "sensor_contact"),
    8: ("occupancy_8", "sensor_motion"),
    9: ("temperature_9", "sensor_temperature"),
    10: ("humidity_10", "sensor_humidity"),
    11: ("illuminance_11", "other"),
    12: ("pressure_12", "other"),
    13: ("flow_13", "other"),
    14: ("water_leak_14", "sensor_leak"),
    15: ("smoke_15", "sensor_smoke"),
    16: ("lock_16", "lock"),
    17: ("cover_17", "blind"),
    18: ("climate_18", "thermostat"),
    19: ("fan_19", "appliance"),
    20: ("air_quality_20", "other"),
    21: ("event_21", "other"),
}


@pytest.mark.parametrize("endpoint", BRIDGED)
def test_each_bridged_kind_is_a_device_below_its_bridge(endpoint: int) -> None:
    home = kinds()
    key, device_type = BRIDGED[endpoint]
    advertised = home.advertised[device(1, endpoint)]

    assert key in home.keys(device(1, endpoint))
    assert advertised.device_type == device_type
    assert advertised.via is not None
    assert advertised.via.native_id == device(1)
    assert home.advertised[device(1)].device_type == "bridge"


def test_states_are_in_the_units_of_people() -> None:
    home = kinds()

    assert home.is_now(device(1, 9), "temperature_9")[0] == "21.5"
    assert home.is_now(device(1, 10), "humidity_10")[0] == "48.2"
    assert home.is_now(device(1, 11), "illuminance_11")[0] == "100"
    assert home.is_now(device(1, 12), "pressure_12")[0] == "1013"
    assert home.is_now(device(1, 7), "battery_7")[0] == "75"
    assert home.observed[device(1, 7)]["battery_level"] == 75
    assert home.is_now(device(1, 18), "climate_18") == ("heat", {"current_temperature": 19.5, "temperature": 21})


def test_a_contact_that_is_closed_is_off() -> None:
    home = kinds()
    assert home.is_now(device(1, 7), "contact_7")[0] == "off"

    home.hear(corpus.changed(1, "7/69/0", value=False))
    assert home.is_now(device(1, 7), "contact_7")[0] == "on"


def test_a_level_of_254_is_full() -> None:
    home = kinds()
    home.hear(corpus.changed(1, "3/6/0", value=True), corpus.changed(1, "3/8/0", 254))

    assert home.is_now(device(1, 3), "light_3") == ("on", {"brightness": 255})
    command, payload = sent(home, device(1, 3), "light_3", "light.turn_on", brightness=128, transition=1.5)[0]
    assert (command, payload["level"], payload["transitionTime"]) == ("MoveToLevelWithOnOff", 127, 15)
    assert sent(home, device(1, 3), "light_3", "light.turn_off") == [("Off", {})]


def test_a_light_shows_the_colour_of_its_mode_only() -> None:
    home = kinds()
    for path, value in (("5/6/0", True), ("5/768/8", 2), ("5/768/7", 250)):
        home.hear(corpus.changed(1, path, value))
    said = home.is_now(device(1, 5), "light_5")[1]
    assert said["color_temp_kelvin"] == 4000
    assert "rgb_color" not in said

    for path, value in (("5/768/8", 1), ("5/768/3", 45875), ("5/768/4", 19595)):
        home.hear(corpus.changed(1, path, value))
    said = home.is_now(device(1, 5), "light_5")[1]
    assert said["xy_color"] == [0.7, 0.299]
    assert "color_temp_kelvin" not in said


def test_colours_are_sent_even_to_lights_that_are_off() -> None:
    home = kinds()
    commands = sent(home, device(1, 5), "light_5", "light.turn_on", color_temp_kelvin=2700)

    assert [command for command, _ in commands] == ["MoveToColorTemperature", "On"]
    assert commands[0][1]["colorTemperatureMireds"] == 370
    assert commands[0][1]["optionsOverride"] == 1
    assert sent(home, device(1, 5), "light_5", "light.turn_on", rgb_color=[255, 0, 0])[0][0] == "MoveToColor"


def test_covers_count_the_other_way_round() -> None:
    home = kinds()
    home.hear(corpus.changed(1, "17/258/14", 7500))

    assert home.is_now(device(1, 17), "cover_17") == ("open", {"current_position": 25})
    assert sent(home, device(1, 17), "cover_17", "cover.set_cover_position", position=25) == [
        ("GoToLiftPercentage", {"liftPercent100thsValue": 7500})
    ]
    home.hear(corpus.changed(1, "17/258/10", 10))
    assert home.is_now(device(1, 17), "cover_17")[0] == "closing"
    with pytest.raises(NotPossible, match="tilt"):
        sent(home, device(1, 17), "cover_17", "cover.set_cover_tilt_position", tilt_position=10)


def test_locks_are_told_within_a_time() -> None:
    home = kinds()
    asked: Any = home.tell(device(1, 16), "lock_16", "lock.lock")[0]["send"]

    assert asked["args"]["command_name"] == "LockDoor"
    assert asked["args"]["timed_request_timeout_ms"] == 10_000
    home.hear(corpus.changed(1, "16/257/0", 1))
    assert home.is_now(device(1, 16), "lock_16")[0] == "locked"


def test_a_thermostat_takes_hundredths_of_a_degree_within_its_limits() -> None:
    home = kinds()
    where = device(1, 18)

    assert sent(home, where, "climate_18", "climate.set_temperature", temperature=21.5) == [("18/513/18", 2150)]
    assert sent(home, where, "climate_18", "climate.set_temperature", temperature=25, hvac_mode="cool") == [
        ("18/513/28", 3),
        ("18/513/17", 2500),
    ]
    with pytest.raises(NotPossible, match="between"):
        sent(home, where, "climate_18", "climate.set_temperature", temperature=90)
    with pytest.raises(NotPossible, match="must be one of"):
        sent(home, where, "climate_18", "climate.set_hvac_mode", hvac_mode="dry")


def test_fans_take_percents_and_modes() -> None:
    home = kinds()

    assert sent(home, device(1, 19), "fan_19", "fan.set_percentage", percentage=40) == [("19/514/2", 40)]
    assert sent(home, device(1, 19), "fan_19", "fan.set_preset_mode", preset_mode="high") == [("19/514/0", 3)]
    assert sent(home, device(1, 19), "fan_19", "fan.turn_off") == [("19/514/0", 0)]


def test_presses_are_told_by_their_count() -> None:
    home = kinds()
    for event_id, data in (
        (1, {"newPosition": 1}),
        (3, {"previousPosition": 1}),
        (6, {"totalNumberOfPressesCounted": 2}),
    ):
        home.hear(corpus.event(1, 21, event_id, data))

    assert home.events == [(device(1, 21), "event_21", "multi_press_2")]


def test_a_bridged_device_that_its_bridge_cannot_reach_is_unavailable_alone() -> None:
    home = kinds()
    home.hear(corpus.changed(1, "6/57/17", value=False))

    assert home.available[device(1, 6), None] is False
    assert home.available[device(1, 7), None] is True


def test_a_bridged_device_that_is_no_longer_there_is_gone() -> None:
    home = kinds()
    said: Any = corpus.node_of("matterjs_bridge_of_kinds")
    left = {path: value for path, value in said["attributes"].items() if not path.startswith("21/")}

    home.hear(corpus.frame("node", {**said, "attributes": left}))
    assert device(1, 21) not in home.devices
    assert device(1, 20) in home.devices


def test_nodes_that_left_while_nobody_listened_are_gone_with_all_their_devices() -> None:
    before = kinds()
    after = HeardHome(Matter())
    after.driver.restore(before.devices.values())

    gone = after.hear(corpus.server(), corpus.frame("listed", []))
    assert sum(type(each).__name__ == "DeviceGone" for each in gone) == len(BRIDGED) + 1


def test_a_damaged_list_takes_no_node_away() -> None:
    home = kinds()

    assert home.hear(corpus.frame("listed", [None])) == []
    assert home.hear(corpus.frame("listed", []))


def test_a_device_is_known_again_by_the_node_that_it_announces() -> None:
    home = home_with(corpus.node_of("lighting_example_app"))
    aliases = {alias.kind: alias.value for alias in home.advertised[device(4337)].aliases}

    assert aliases["matter_node"] == f"{corpus.HOME}-00000000000010f1"


def test_meters_measure_in_thousandths() -> None:
    node = corpus.made(7, 266, c6a0=True, c144a8=61_500, c144a4=230_100, c144a5=267, c145a1={"0": 1_234_567_000})
    home = home_with(node)

    assert home.is_now(device(7), "power_1")[0] == "61.5"
    assert home.is_now(device(7), "voltage_1")[0] == "230.1"
    assert home.is_now(device(7), "current_1")[0] == "0.267"
    assert home.is_now(device(7), "energy_1")[0] == "1234.567"
    assert home.advertised[device(7)].device_type == "plug"


def test_appliances_say_what_they_do_and_can_be_paused() -> None:
    states: JsonValue = [{"0": 0, "1": None}, {"0": 1, "1": None}, {"0": 128, "1": "Rinsing"}]
    node = corpus.made(8, 115, c96a3=states, c96a4=1, c96a0=["wash", "spin"], c96a1=1, c96a65529=[0, 1, 2, 3])
    home = home_with(node)

    assert home.is_now(device(8), "operational_state_1")[0] == "running"
    assert home.is_now(device(8), "phase_1")[0] == "spin"
    home.hear(corpus.changed(8, "1/96/4", 128))
    assert home.is_now(device(8), "operational_state_1")[0] == "Rinsing"
    assert sent(home, device(8), "pause_1", "button.press") == [("Pause", {})]
    assert home.advertised[device(8)].device_type == "appliance"


def test_a_vacuum_cleans_and_goes_home() -> None:
    runs: JsonValue = [{"0": "Idle", "1": 1, "2": [{"1": 16384}]}, {"0": "Clean", "1": 2, "2": [{"1": 16385}]}]
    node = corpus.made(9, 116, c84a0=runs, c84a1=1, c97a4=66, c85a0=[{"0": "Mop", "1": 4, "2": []}], c85a1=4)
    home = home_with(node)

    assert home.is_now(device(9), "vacuum_1")[0] == "docked"
    assert sent(home, device(9), "vacuum_1", "vacuum.start") == [("ChangeToMode", {"newMode": 2})]
    assert sent(home, device(9), "vacuum_1", "vacuum.return_to_base") == [("GoHome", {})]
    home.hear(corpus.changed(9, "1/97/4", 1), corpus.changed(9, "1/84/1", 2))
    assert home.is_now(device(9), "vacuum_1")[0] == "cleaning"


def test_a_valve_opens_and_says_so() -> None:
    home = home_with(corpus.made(10, 66, c129a4=0, c129a5=None, c129a65532=0))

    assert home.is_now(device(10), "valve_1")[0] == "closed"
    assert sent(home, device(10), "valve_1", "valve.open_valve") == [("Open", {})]
    with pytest.raises(NotPossible, match="no positions"):
        sent(home, device(10), "valve_1", "valve.set_valve_position", position=50)


def test_parts_of_a_kind_are_told_apart_by_their_labels_or_numbers() -> None:
    node: Any = corpus.made(11, 256, c6a0=False)
    more = {"2/29/0": [{"0": 256, "1": 1}], "2/6/0": True, "2/29/4": [{"0": None, "1": 8, "2": 2, "3": "Left"}]}
    home = home_with({**node, "attributes": {**node["attributes"], **more}})

    assert [entity.name for entity in home.devices[device(11)].entities] == ["Light 1", "Left"]


def test_firmware_on_offer_is_told_and_installed_by_the_server() -> None:
    home = home_with(corpus.node_of("lighting_example_app"))
    with pytest.raises(NotPossible, match="no newer firmware"):
        home.tell(device(4337), "update", "update.install")

    home.hear(
        corpus.frame("update", {"node": 4337, "offer": {"software_version": 7, "software_version_string": "7.0"}})
    )
    assert home.is_now(device(4337), "update") == (
        "on",
        {"latest_version": "7.0", "installed_version": "55ab764bea", "in_progress": False},
    )
    asked = home.tell(device(4337), "update", "update.install")[0]["send"]
    assert asked == {"command": "update_node", "args": {"node_id": 4337, "software_version": 7}}


def test_identify_asks_for_ten_seconds_of_it() -> None:
    assert sent(kinds(), device(1, 2), "identify", "button.press") == [("Identify", {"identifyTime": 10})]


def test_after_a_restart_commands_do_not_wait_for_the_first_state() -> None:
    before = kinds()
    after = HeardHome(Matter())
    after.driver.restore(before.devices.values())
    after.devices = before.devices

    assert sent(after, device(1, 6), "switch_6", "switch.turn_on") == [("On", {})]


def test_attributes_of_unknown_nodes_are_rejected_in_words() -> None:
    home = home_with()
    home.hear(corpus.changed(5, "1/6/0", value=True), corpus.frame("attribute", "what"))

    assert [each.code for each in home.rejected] == ["unknown_node", "not_an_attribute"]
