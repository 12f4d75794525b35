"""What nodes say, as devices and their states."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from hub_agent.drivers.esphome import Esphome
from hub_agent.errors import NotPossible
from hub_agent.model.device import Advertisement, Alias, Device, DeviceType, Origin
from hub_agent.model.json import JsonObject
from hub_agent.model.link import Frame, Request
from hub_agent.model.report import Decoded, Rejected, Reported
from tests.recorded.esphome.corpus import BOARD, HOUSE, corpus, frames
from tests.recorded.zigbee2mqtt.wire import device_of, entity_of

Known = tuple[Esphome, dict[str, Device], dict[str, tuple[str | None, dict[str, Any]]]]


def heard(driver: Esphome, said: Iterable[Frame]) -> list[Decoded]:
    return [decoded for frame in said for decoded in driver.hear(frame)]


def devices(decoded: Iterable[Decoded]) -> dict[str, Device]:
    return {one.origin.native_id: device_of(one) for one in decoded if isinstance(one, Advertisement)}


def states(decoded: Iterable[Decoded]) -> dict[str, tuple[str | None, dict[str, Any]]]:
    return {
        report.key: (report.state, dict(report.attributes))
        for one in decoded
        if isinstance(one, Reported)
        for report in one.entities
    }


@pytest.fixture
def board() -> Known:
    driver = Esphome()
    decoded = heard(driver, frames("old_board", BOARD)[:-1])
    return driver, devices(decoded), states(decoded)


def command(known: Known, key: str, action: str, **data: Any) -> JsonObject:
    driver, by_id, _ = known
    device = by_id[BOARD]
    (request,) = driver.encode(device, entity_of(device, key), action, data)
    assert isinstance(request, Request)
    assert (request.dialect, request.peer) == ("esphome", BOARD)
    return request.body


def fields(known: Known, key: str, action: str, **data: Any) -> Any:
    body = dict(command(known, key, action, **data)["fields"])  # type: ignore[arg-type]
    assert body.pop("device_id") == 0
    assert isinstance(body.pop("key"), int)
    return body


def test_everything_that_was_recorded_is_understood() -> None:
    decoded = heard(Esphome(), corpus())
    assert not [one for one in decoded if isinstance(one, Rejected)]
    known = devices(decoded)
    assert len(known) == 3
    keys = {entity.key for device in known.values() for entity in device.entities}
    # What is written is not read: a secret text; and pictures, presses and services have no state.
    silent = {"text_secret", "camera_lens", "identify", "reboot", "button_ring", "service_mix", "service_wave"}
    assert keys - silent - {"service_play_tune"} == states(decoded).keys()


def test_a_node_without_a_project_is_its_board() -> None:
    device = devices(heard(Esphome(), frames("old_board", BOARD)))[BOARD]
    assert (device.name, device.brand, device.model) == ("Old Board", "Espressif", "esp32dev")
    assert device.aliases == (Alias("mac", BOARD),)
    assert device.power_source == "battery"
    assert device.native == {"peer": BOARD, "sleeps": True}


def test_a_node_of_a_project_is_its_product_and_the_parts_behind_it_are_devices() -> None:
    advertised = [one for one in Esphome().hear(frames("house_node", HOUSE)[0]) if isinstance(one, Advertisement)]
    main, shed = advertised
    assert (main.brand, main.model, main.suggested_area) == ("nexa", "house_node", "Workshop")
    assert (shed.name, shed.via, shed.suggested_area) == ("Shed", main.origin, "Garden")
    assert shed.native["peer"] == HOUSE
    assert {entity.key for entity in shed.entities} == {"switch_shed_light", "binary_sensor_shed_door"}


def test_states_of_the_kinds_that_a_machine_cannot_play(board: Known) -> None:
    _, _, seen = board
    assert seen["media_player_radio"] == ("playing", {"volume_level": 0.4, "is_volume_muted": False})
    assert seen["siren_siren"] == ("on", {})
    assert seen["water_heater_boiler"] == (
        "gas",
        {"current_temperature": 45, "temperature": 50, "away_mode": "off"},
    )
    assert seen["update_firmware"][0] == "on"
    assert seen["update_firmware"][1]["update_percentage"] == 40
    assert seen["climate_split"] == (
        "heat_cool",
        {
            "current_temperature": 22.4, "temperature": None, "target_temp_low": 20, "target_temp_high": 25,
            "hvac_action": "idle", "current_humidity": 48, "humidity": 45, "fan_mode": "auto", "preset_mode": "Night",
            "swing_mode": "vertical",
        },
    )  # fmt: skip
    assert seen["cover_shutter"] == ("closed", {})
    assert seen["light_lamp"][1]["rgb_color"] == [255, 128, 0]
    assert seen["light_lamp"][1]["brightness"] == 128
    assert seen["sensor_last_rain"] == ("2026-01-02T03:10:00+00:00", {})
    assert seen["valve_tap"] == ("closing", {"current_position": 25})
    assert seen["alarm_control_panel_vault"] == ("triggered", {})
    assert seen["lock_gate"] == ("jammed", {})
    assert "text_secret" not in seen


def test_battery_and_signal_are_observed_of_the_device() -> None:
    observed = [one.observed for one in heard(Esphome(), frames("old_board", BOARD)) if isinstance(one, Reported)]
    assert {"battery_level": 87} in observed
    assert {"signal_strength": -61} in observed
    assert {"ip_address": "192.0.2.7"} in observed


def test_a_sensor_without_a_value_is_unknown() -> None:
    assert states(heard(Esphome(), frames("old_board", BOARD)))["sensor_battery"] == ("unknown", {})


@pytest.mark.parametrize(
    "key, action, data, expected",
    [
        ("media_player_radio", "media_player.media_pause", {}, {"command": 1}),
        ("media_player_radio", "media_player.volume_set", {"volume_level": 0.25}, {"volume": 0.25}),
        ("media_player_radio", "media_player.volume_mute", {"is_volume_muted": True}, {"command": 3}),
        ("media_player_radio", "media_player.turn_off", {}, {"command": 13}),
        (
            "siren_siren",
            "siren.turn_on",
            {"tone": "fire", "volume_level": 0.5, "duration": 3},
            {"state": True, "tone": "fire", "volume": 0.5, "duration": 3},
        ),
        ("water_heater_boiler", "water_heater.set_temperature", {"temperature": 55}, {"target_temperature": 131}),
        ("water_heater_boiler", "water_heater.set_operation_mode", {"operation_mode": "eco"}, {"mode": 1}),
        ("update_firmware", "update.install", {}, {"command": 1}),
        (
            "climate_split",
            "climate.set_temperature",
            {"target_temp_low": 19, "target_temp_high": 26},
            {"target_temperature_low": 19, "target_temperature_high": 26},
        ),
        (
            "climate_split",
            "climate.set_temperature",
            {"temperature": 24, "hvac_mode": "cool"},
            {"mode": 2, "target_temperature_high": 24},
        ),
        ("climate_split", "climate.set_preset_mode", {"preset_mode": "Night"}, {"custom_preset": "Night"}),
        ("climate_split", "climate.set_preset_mode", {"preset_mode": "eco"}, {"preset": 5}),
        ("climate_split", "climate.set_fan_mode", {"fan_mode": "Turbo"}, {"custom_fan_mode": "Turbo"}),
        ("climate_split", "climate.set_swing_mode", {"swing_mode": "off"}, {"swing_mode": 0}),
        ("climate_split", "climate.set_humidity", {"humidity": 50}, {"target_humidity": 50}),
        ("cover_shutter", "cover.stop_cover", {}, {"stop": True}),
        ("valve_tap", "valve.set_valve_position", {"position": 40}, {"position": 0.4}),
        (
            "alarm_control_panel_vault",
            "alarm_control_panel.alarm_arm_night",
            {"code": "1"},
            {"command": 3, "code": "1"},
        ),
        ("lock_gate", "lock.open", {"code": "77"}, {"command": 2, "code": "77"}),
        ("identify", "button.press", {}, {}),
        ("number_offset", "number.set_value", {"value": "-0.5"}, {"state": -0.5}),
        (
            "light_lamp",
            "light.turn_on",
            {"rgb_color": [255, 0, 0]},
            {"state": True, "rgb": [1, 0, 0], "color_brightness": 1},
        ),
        (
            "light_lamp",
            "light.turn_on",
            {"rgb_color": [51, 0, 0]},
            {"state": True, "rgb": [1, 0, 0], "color_brightness": 0.2},
        ),
        ("light_lamp", "light.turn_on", {"brightness": 0}, {"state": False}),
        ("light_lamp", "light.turn_on", {"flash": "short"}, {"state": True, "flash_length": 2}),
    ],
)
def test_a_call_becomes_the_fields_of_the_nodes_command(
    board: Known, key: str, action: str, data: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert fields(board, key, action, **data) == expected


@pytest.mark.parametrize(
    "key, action, data, words",
    [
        ("sensor_battery", "sensor.set_value", {"value": 3}, "can only be read"),
        ("climate_split", "climate.set_temperature", {"temperature": 90}, "between 16 and 30"),
        ("climate_split", "climate.set_temperature", {}, "`temperature` is missing"),
        ("number_offset", "number.set_value", {"value": 9}, "between -5 and 5"),
        ("light_lamp", "light.turn_on", {"color_temp_kelvin": 3000}, "no colour temperature"),
        ("light_lamp", "light.turn_on", {"effect": "Disco"}, "`effect` must be one of"),
        ("light_lamp", "switch.turn_on", {}, "a light"),
        ("lock_gate", "lock.unlock", {}, "`code` is missing"),
        ("alarm_control_panel_vault", "alarm_control_panel.alarm_disarm", {}, "`code` is missing"),
        ("cover_shutter", "cover.set_cover_position", {"position": 3}, "cannot do 'set_cover_position'"),
        ("service_mix", "button.press", {"levels": [1]}, "asks for levels, count, note"),
        ("service_mix", "button.press", {"levels": 1, "count": 1, "note": ""}, "`levels` must be a list"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(
    board: Known, key: str, action: str, data: dict[str, Any], words: str
) -> None:
    with pytest.raises(NotPossible, match=words):
        command(board, key, action, **data)


def test_an_owners_action_is_called_with_typed_arguments(board: Known) -> None:
    body = command(board, "service_mix", "button.press", levels=[1, "2.5"], count="3", note="x")
    assert body["command"] == "service"
    assert body["data"] == {"levels": [1.0, 2.5], "count": 3, "note": "x"}


def test_after_a_restart_states_and_commands_are_understood_before_the_node_comes_back(board: Known) -> None:
    _, known, _ = board
    driver = Esphome()
    driver.restore(known.values())
    state = next(frame for frame in frames("old_board", BOARD) if frame.kind == "state")
    (reported,) = driver.hear(state)
    assert isinstance(reported, Reported)
    assert fields((driver, known, {}), "siren_siren", "siren.turn_off") == {"state": False}


def test_a_released_node_is_silent(board: Known) -> None:
    driver, known, _ = board
    driver.release(known[BOARD])
    assert not heard(driver, frames("old_board", BOARD)[1:])


def test_entities_that_a_new_firmware_no_longer_has_are_forgotten(board: Known) -> None:
    driver, _, _ = board
    node = frames("old_board", BOARD)[0]
    assert isinstance(node.body, dict)
    bare = replace(node, body={**node.body, "entities": []})
    (advertised, _) = driver.hear(bare)
    assert isinstance(advertised, Advertisement)
    assert advertised.complete
    assert not heard(driver, frames("old_board", BOARD)[1:])


def test_the_manual_address_of_a_node_leads_to_the_same_device() -> None:
    node = replace(frames("old_board", BOARD)[0], peer="192.0.2.7")
    advertised = Esphome().hear(node)[0]
    assert isinstance(advertised, Advertisement)
    assert advertised.origin == Origin("esphome", BOARD)
    assert advertised.native["peer"] == "192.0.2.7"


@pytest.mark.parametrize(
    "body", [None, [], "x", {}, {"info": 3}, {"info": {"name": "x"}}, {"info": {"mac_address": 3}}]
)
def test_a_frame_that_is_no_node_is_rejected_and_the_known_one_stays(board: Known, body: Any) -> None:
    driver, _, _ = board
    decoded: Sequence[Decoded] = driver.hear(Frame("esphome", BOARD, "node", body))
    assert [type(one) for one in decoded] == [Rejected]
    assert heard(driver, frames("old_board", BOARD)[1:2])


def test_what_a_node_is_called_tells_its_type() -> None:
    node = frames("old_board", BOARD)[0]
    assert isinstance(node.body, dict)
    switch = {"kind": "switch", "key": 1, "name": "Relay", "object_id": "relay"}
    info = {**node.body["info"], "friendly_name": "Desk plug"}  # type: ignore[dict-item]
    (advertised, _) = Esphome().hear(replace(node, body={**node.body, "info": info, "entities": [switch]}))
    assert isinstance(advertised, Advertisement)
    assert advertised.device_type == DeviceType.PLUG


def test_an_entity_of_a_part_that_is_not_listed_belongs_to_the_node() -> None:
    node = frames("house_node", HOUSE)[0]
    assert isinstance(node.body, dict)
    stray = {"kind": "switch", "key": 7, "device_id": 99, "name": "Stray", "object_id": "stray"}
    main, shed, _ = Esphome().hear(replace(node, body={**node.body, "entities": [stray]}))
    assert isinstance(main, Advertisement)
    assert isinstance(shed, Advertisement)
    assert "switch_stray" in {entity.key for entity in main.entities}
    assert not shed.entities
