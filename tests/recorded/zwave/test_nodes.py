"""Nodes of real homes: what they become, how they are, what is sent to them."""

from dataclasses import replace
from typing import Any

import pytest

from hub_agent.drivers.zwave import ZWave
from hub_agent.errors import NotPossible
from hub_agent.model.json import JsonValue
from tests.recorded.heard_home import HeardHome
from tests.recorded.zwave import corpus


def home_with(*names: str) -> HeardHome:
    home = HeardHome(ZWave())
    home.hear(corpus.server(), corpus.controller(), *(corpus.frame("node", corpus.node_of(name)) for name in names))
    assert not home.rejected
    return home


def only(home: HeardHome) -> str:
    return next(device for device in home.devices if "-" in device)


def set_to(home: HeardHome, key: str, action: str, **data: Any) -> list[tuple[JsonValue, JsonValue]]:
    """(property, value) of each value that is set."""
    sent: list[Any] = [body["send"] for body in home.tell(only(home), key, action, **data)]
    return [(one["valueId"]["property"], one["value"]) for one in sent]


MAIN = {
    "aeon_smart_switch_6": ("switch", "switch"),
    "aeotec_zw164_siren": ("siren_2", "other"),
    "chain_actuator_zws12": ("cover", "blind"),
    "climate_eurotronic_spirit_z": ("climate", "thermostat"),
    "climate_heatit_z_trm2fx": ("climate_1", "thermostat"),
    "climate_heatit_z_trm3_no_value": ("climate_1", "thermostat"),
    "climate_radio_thermostat_ct100_mode_and_setpoint_on_different_endpoints": ("climate_1", "thermostat"),
    "climate_radio_thermostat_ct101_multiple_temp_units": ("climate_1", "thermostat"),
    "cover_aeotec_nano_shutter": ("cover", "blind"),
    "cover_qubino_shutter": ("cover", "blind"),
    "cover_zw062": ("cover", "garage_door"),
    "eaton_rf9640_dimmer": ("light", "light"),
    "ecolink_door_sensor": ("sensor", "sensor_contact"),
    "fan_generic": ("fan", "appliance"),
    "fortrezz_ssa1_siren": ("siren", "other"),
    "fortrezz_ssa3_siren": ("siren", "other"),
    "ge_in_wall_dimmer_switch": ("light", "light"),
    "hank_binary_switch": ("switch", "plug"),
    "lock_popp_electric_strike_lock_control": ("lock", "lock"),
    "lock_schlage_be469": ("lock", "lock"),
    "multisensor_6": ("motion_alarm", "sensor_motion"),
    "null_name_check": ("switch_1", "switch"),
    "vision_security_zl7432": ("switch_1", "switch"),
    "wallmote_central_scene": ("scene_1", "other"),
}


@pytest.mark.parametrize("name", MAIN)
def test_each_node_has_its_main_function_and_its_type(name: str) -> None:
    home = home_with(name)
    key, device_type = MAIN[name]

    assert key in home.keys(only(home))
    assert home.advertised[only(home)].device_type == device_type


def test_every_node_of_the_fixtures_is_looked_at() -> None:
    assert corpus.nodes().keys() - MAIN.keys() == {"zp3111-5_not_ready"}


def test_nine_in_ten_values_that_people_would_miss_become_entities() -> None:
    """Without versions, numbers of makers, copies in Basic and what was measured before."""
    counted = {37, 38, 48, 49, 51, 64, 66, 67, 68, 91, 98, 102, 106, 112, 113, 117, 118, 121, 128}
    shown = missed = 0
    for name, said in corpus.nodes().items():
        home = home_with(name)
        used = {
            (each[0], each[1], each[2])
            for entity in home.devices[only(home)].entities
            for each in dict(entity.native.get("values") or {}).values()  # type: ignore[call-overload]
        }
        values: Any = said["values"]
        for value in values:
            if value["property"] in {"Up", "Down", "On", "Off", "Open", "Close"}:
                continue  # ways to begin and end a movement
            if value["commandClass"] in counted and value["metadata"]["type"] in {"number", "boolean"}:
                is_shown = (value["commandClass"], value["endpoint"], value["property"]) in used
                shown, missed = shown + is_shown, missed + (not is_shown)

    assert shown / (shown + missed) > 0.9, (shown, missed)


def test_a_node_that_is_not_interviewed_takes_no_entities_away() -> None:
    home = home_with("zp3111-5_not_ready")

    advertisement = home.advertised["c16d02a3-22"]
    assert not advertisement.complete
    assert advertisement.entities == ()


def test_a_dimmer_counts_to_99_and_people_to_255() -> None:
    home = home_with("ge_in_wall_dimmer_switch")
    number = int(only(home).partition("-")[2])

    home.hear(corpus.updated(number, 38, "currentValue", 50))
    assert home.is_now(only(home), "light") == ("on", {"brightness": 129})
    assert set_to(home, "light", "light.turn_on", brightness=129) == [("targetValue", 50)]
    assert set_to(home, "light", "light.turn_on", brightness=1) == [("targetValue", 1)]
    assert set_to(home, "light", "light.turn_on") == [("targetValue", 255)]
    assert set_to(home, "light", "light.turn_off") == [("targetValue", 0)]
    assert set_to(home, "light", "light.toggle") == [("targetValue", 0)]


def test_a_transition_is_sent_as_a_duration() -> None:
    home = home_with("ge_in_wall_dimmer_switch")

    sent: Any = home.tell(only(home), "light", "light.turn_on", brightness=255, transition=2)
    assert sent[0]["send"]["options"] == {"transitionDuration": "2s"}
    sent = home.tell(only(home), "light", "light.turn_off", transition=600)
    assert sent[0]["send"]["options"] == {"transitionDuration": "10m"}


def test_a_level_that_is_not_known_says_nothing() -> None:
    home = home_with("ge_in_wall_dimmer_switch")
    before = home.is_now(only(home), "light")

    home.hear(corpus.updated(2, 38, "currentValue", 254), corpus.updated(2, 38, "currentValue", "nan"))
    assert home.is_now(only(home), "light") == before


def test_a_colour_is_set_by_its_components_where_the_server_knows_no_whole_one() -> None:
    home = home_with("aeon_smart_switch_6")

    sent: Any = home.tell(only(home), "light", "light.turn_on", rgb_color=[255, 0, 127])
    assert [(one["send"]["valueId"]["propertyKey"], one["send"]["value"]) for one in sent] == [
        (2, 255),
        (3, 0),
        (4, 127),
    ]


def test_covers_move_to_positions_and_stop() -> None:
    home = home_with("cover_qubino_shutter")
    number = int(only(home).partition("-")[2])

    home.hear(corpus.updated(number, 38, "currentValue", 0))
    assert home.is_now(only(home), "cover") == ("closed", {"current_position": 0})
    assert set_to(home, "cover", "cover.open_cover") == [("targetValue", 99)]
    assert set_to(home, "cover", "cover.set_cover_position", position=50) == [("targetValue", 50)]
    assert set_to(home, "cover", "cover.stop_cover") in ([("Open", False)], [("Up", False)])
    with pytest.raises(NotPossible, match="between 0 and 100"):
        set_to(home, "cover", "cover.set_cover_position", position=101)


def test_a_garage_door_opens_and_says_that_it_is_on_its_way() -> None:
    home = home_with("cover_zw062")

    assert set_to(home, "cover", "cover.open_cover") == [("targetState", 255)]
    home.hear(corpus.updated(12, 102, "currentState", 254))
    assert home.is_now(only(home), "cover")[0] == "opening"


def test_a_lock_locks_and_its_codes_are_only_counted() -> None:
    home = home_with("lock_schlage_be469")

    assert home.is_now(only(home), "lock")[0] == "unlocked"
    assert set_to(home, "lock", "lock.lock") == [("targetMode", 255)]
    home.hear(corpus.updated(20, 98, "currentMode", 255))
    assert home.is_now(only(home), "lock")[0] == "locked"
    assert home.is_now(only(home), "user_codes")[0] == "3"
    assert not any("userCode'" in str(entity.native) for entity in home.devices[only(home)].entities)


def test_fahrenheit_stays_in_the_thermostat() -> None:
    home = home_with("climate_radio_thermostat_ct101_multiple_temp_units")
    state, said = home.is_now(only(home), "climate_1")

    assert state == "heat"
    assert said["temperature"] == 12.8
    assert said["current_temperature"] == 18.3
    assert set_to(home, "climate_1", "climate.set_temperature", temperature=21) == [("setpoint", 69.8)]
    assert set_to(home, "climate_1", "climate.set_hvac_mode", hvac_mode="cool") == [("mode", 2)]
    both = set_to(
        home, "climate_1", "climate.set_temperature", hvac_mode="heat_cool", target_temp_low=20, target_temp_high=24
    )
    assert both == [("mode", 3), ("setpoint", 68), ("setpoint", 75.2)]
    with pytest.raises(NotPossible, match="between"):
        set_to(home, "climate_1", "climate.set_temperature", temperature=60)


def test_a_mode_without_a_target_of_its_own_shows_none() -> None:
    home = home_with("climate_radio_thermostat_ct101_multiple_temp_units")

    home.hear(corpus.updated(4, 64, "mode", 0, endpoint=1))
    state, said = home.is_now(only(home), "climate_1")
    assert state == "off"
    assert "temperature" not in said


def test_keys_of_a_remote_are_events() -> None:
    home = home_with("wallmote_central_scene")
    press = {"commandClass": 91, "endpoint": 0, "property": "scene", "propertyKey": "001", "value": 2}

    home.hear(corpus.event(35, "value notification", args=press))
    assert home.events == [(only(home), "scene_1", "key_held_down")]


def test_a_remote_that_does_not_say_its_scenes_is_met_by_its_first_press() -> None:
    home = home_with("ecolink_door_sensor")
    press = {"commandClass": 91, "endpoint": 0, "property": "scene", "propertyKey": "002", "value": 3}

    home.hear(corpus.event(53, "value notification", args=press))
    assert home.events == [(only(home), "scene_2", "key_pressed_2x")]
    assert home.keys(only(home))["scene_2"] == "event"


def test_meters_measure_power_and_energy() -> None:
    home = home_with("hank_binary_switch")
    number = int(only(home).partition("-")[2])
    advertised = {entity.key: entity for entity in home.advertised[only(home)].entities}

    assert (advertised["power"].unit, advertised["power"].device_class) == ("W", "power")
    assert (advertised["energy"].unit, advertised["energy"].state_class) == ("kWh", "total_increasing")
    home.hear(corpus.updated(number, 50, "value", 61.5, propertyKey=66049))
    assert home.is_now(only(home), "power")[0] == "61.5"


def test_settings_are_chosen_by_their_words_within_their_limits() -> None:
    home = home_with("multisensor_6")

    assert home.keys(only(home))["112_81"] == "select"
    assert set_to(home, "112_81", "select.select_option", option="Disable PIR LED") == [(81, 1)]
    assert set_to(home, "112_3", "number.set_value", value=60) == [(3, 60)]
    with pytest.raises(NotPossible, match="between"):
        set_to(home, "112_3", "number.set_value", value=5)


def test_sirens_play_tones_by_name_and_volume() -> None:
    home = home_with("aeotec_zw164_siren")
    tone = home.entity(only(home), "siren_2").capabilities["tone"].options[2]

    sent: Any = home.tell(only(home), "siren_2", "siren.turn_on", tone=tone, volume_level=0.4)
    assert sent[0]["send"]["value"] == 3
    assert sent[0]["send"]["options"] == {"volume": 40}


def test_what_sleeps_is_available_and_what_is_dead_is_not() -> None:
    home = home_with("multisensor_6")

    assert home.available[only(home), None] is True
    home.hear(corpus.event(52, "dead"))
    assert home.available[only(home), None] is False
    assert home.is_now(only(home), "status")[0] == "dead"
    home.hear(corpus.event(52, "alive"))
    assert home.available[only(home), None] is True


def test_nobody_waits_for_the_answer_of_a_node_that_sleeps() -> None:
    home = home_with("multisensor_6", "hank_binary_switch")

    assert home.tell("c16d02a3-52", "112_3", "number.set_value", value=60)[0]["later"] is True
    assert home.tell("c16d02a3-32", "switch", "switch.turn_on")[0]["later"] is False


def test_a_node_that_left_while_nobody_listened_is_gone() -> None:
    first = home_with("hank_binary_switch", "multisensor_6")
    after = HeardHome(ZWave())
    after.driver.restore(first.devices.values())

    after.hear(corpus.server(), corpus.controller(), corpus.frame("node", corpus.node_of("hank_binary_switch")))
    decoded = after.hear(corpus.frame("listed", [1, 32]))
    assert [str(type(each).__name__) for each in decoded] == ["DeviceGone"]


def test_a_damaged_list_takes_no_node_away() -> None:
    home = home_with("hank_binary_switch", "multisensor_6")

    assert home.hear(corpus.frame("listed", [1, "32", None])) == []
    home.hear(corpus.event(52, "dead"))
    assert home.available["c16d02a3-52", None] is False


def test_a_node_of_another_stick_with_the_same_number_is_another_device() -> None:
    old, new = home_with("hank_binary_switch"), HeardHome(ZWave())
    [switch] = [device for device in old.devices.values() if "-" in device.origin.native_id]
    native = {**switch.native, "home": "0badcafe"}
    stranger = replace(switch, origin=replace(switch.origin, native_id="0badcafe-32"), native=native)
    controller = next(device for device in old.devices.values() if "-" not in device.origin.native_id)
    new.driver.restore([stranger, controller])

    new.hear(corpus.server(), corpus.controller(), corpus.frame("node", corpus.node_of("hank_binary_switch")))
    assert only(new) == "c16d02a3-32"


def test_after_a_restart_commands_do_not_wait_for_the_first_state() -> None:
    before = home_with("hank_binary_switch")
    after = HeardHome(ZWave())
    after.driver.restore(before.devices.values())
    after.devices = before.devices

    assert set_to(after, "switch", "switch.turn_on") == [("targetValue", True)]
    with pytest.raises(NotPossible, match="not known"):
        set_to(after, "switch", "switch.toggle")


def test_a_node_that_is_removed_is_gone_and_one_that_comes_is_met() -> None:
    home = HeardHome(ZWave())
    home.hear(*corpus.corpus())

    assert "c16d02a3-53" not in home.devices
    assert len(home.devices) == len(corpus.nodes()) + 1


def test_frames_before_the_network_is_known_are_rejected_in_words() -> None:
    home = HeardHome(ZWave())
    home.hear(corpus.frame("node", corpus.node_of("hank_binary_switch")))

    assert [each.code for each in home.rejected] == ["no_home"]


def test_pings_interviews_and_restarts_are_commands_of_the_server() -> None:
    home = home_with("hank_binary_switch")
    plug, stick = home.devices[only(home)], home.devices["c16d02a3"]

    assert home.tell(only(home), "ping", "button.press")[0]["send"] == {"command": "node.ping", "nodeId": 32}
    asked: Any = home.driver.encode_reconfigure(plug)[0]
    assert asked.body["send"] == {"command": "node.refresh_info", "nodeId": 32}
    asked = home.driver.encode_reconfigure(stick)[0]
    assert asked.body["send"] == {"command": "driver.soft_reset"}
