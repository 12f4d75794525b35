"""Real accessories, as they answered; and each service of the specification with all that it may have."""

from typing import Any

import pytest
from aiohomekit.model.characteristics import data as characteristics
from aiohomekit.model.services import data as services

from hub_agent.drivers.homekit import HomeKit
from hub_agent.errors import NotPossible
from hub_agent.model.device import Advertisement, Alias, DeviceType, Origin
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import Frame, Request
from hub_agent.model.report import AvailabilityReported, Decoded, DeviceGone, EntityReport, Rejected, Reported
from tests.recorded.homekit.corpus import accessories, corpus, names
from tests.recorded.zigbee2mqtt.wire import device_of, entity_of

SPECIFIED = characteristics.characteristics
SERVICES = services.services
PEER = "a1:b2:c3:d4:e5:f6"


def hear(driver: HomeKit, kind: str, body: JsonValue) -> list[Decoded]:
    return list(driver.hear(Frame("homekit", PEER, kind, body)))


def met(driver: HomeKit, name: str) -> dict[str, Advertisement]:
    said = hear(driver, "accessories", {"accessories": accessories(name)})
    return {each.name: each for each in said if isinstance(each, Advertisement)}


def states(decoded: list[Decoded], native_id: str = PEER) -> dict[str, EntityReport]:
    return {
        report.key: report
        for each in decoded
        if isinstance(each, Reported) and each.origin.native_id == native_id
        for report in each.entities
    }


def asked(
    driver: HomeKit, device: Advertisement, key: str, action: str, **data: JsonValue
) -> list[tuple[int, JsonValue]]:
    whole = device_of(device)
    (request,) = driver.encode(whole, entity_of(whole, key), action, data)
    assert isinstance(request, Request)
    assert request.body["do"] == "put"
    values: Any = request.body["values"]
    return [(each["iid"], each["value"]) for each in values]


@pytest.mark.parametrize("name", names())
def test_every_accessory_is_met_without_a_word_that_is_not_understood(name: str) -> None:
    driver = HomeKit()
    decoded = [each for frame in corpus() if frame.peer == name for each in driver.hear(frame)]
    assert not [each for each in decoded if isinstance(each, Rejected)]
    advertised = [each for each in decoded if isinstance(each, Advertisement)]
    assert len(advertised) == len(accessories(name))
    assert all(len({entity.key for entity in each.entities}) == len(each.entities) for each in advertised)


def test_a_thermostat_says_two_targets_only_where_it_keeps_between_them() -> None:
    driver = HomeKit()
    decoded = hear(driver, "accessories", {"accessories": accessories("lennox_e30")})
    climate = states(decoded)["climate_100"]
    assert climate.state == "heat_cool"
    assert (climate.attributes["target_temp_low"], climate.attributes["target_temp_high"]) == (21, 29.5)
    assert climate.attributes["temperature"] is None
    (lennox,) = [each for each in decoded if isinstance(each, Advertisement)]
    assert lennox.device_type is DeviceType.THERMOSTAT
    assert asked(driver, lennox, "climate_100", "climate.set_temperature", target_temp_low=20, target_temp_high=25) == [
        (108, 20.0),
        (106, 25.0),
    ]
    with pytest.raises(NotPossible, match="must be between"):
        asked(driver, lennox, "climate_100", "climate.set_temperature", temperature=99)


def test_a_bridge_has_children_which_are_known_by_their_zigbee_addresses() -> None:
    driver = HomeKit()
    met_by_name = met(driver, "hue_bridge")
    assert met_by_name["Philips hue - 482544"].device_type is DeviceType.BRIDGE
    spot = met_by_name["Hue ambiance spot"]
    assert spot.via == Origin("homekit", PEER)
    assert spot.aliases[0] == Alias("zigbee_ieee", "0x00178801044663cd")
    (light,) = [each for each in spot.entities if each.domain == "light"]
    assert (light.capabilities["color_temp"].min, light.capabilities["color_temp"].max) == (2203, 6536)


def test_a_press_is_heard_when_it_happens_and_not_when_it_is_read() -> None:
    driver = HomeKit()
    dimmer = met(driver, "hue_bridge")["Hue dimmer switch"]
    press = {"aid": dimmer.native["aid"], "iid": 588410585090, "value": 2}
    event = next(entity for entity in dimmer.entities if entity.domain == "event")
    at: Any = event.native["at"]
    press["iid"] = at["event"]["iid"]
    assert not [each for each in hear(driver, "read", {"characteristics": [press]}) if isinstance(each, Reported)]
    (heard,) = [each for each in hear(driver, "event", {"characteristics": [press]}) if isinstance(each, Reported)]
    assert heard.entities[0].attributes == {"event_type": "long_press"}


def test_an_outlet_measures_what_it_gives() -> None:
    driver = HomeKit()
    said = states(hear(driver, "accessories", {"accessories": accessories("eve_energy")}))
    assert {key: said[key].state for key in ("voltage_32", "current_33", "power_34", "energy_35")} == {
        "voltage_32": "120.6",
        "current_33": "0.07",
        "power_34": "4",
        "energy_35": "0",
    }


def test_one_and_zero_are_true_and_false() -> None:
    driver = HomeKit()
    met(driver, "koogeek_ls1")
    on = hear(driver, "event", {"characteristics": [{"aid": 1, "iid": 8, "value": 1}]})
    assert states(on)["light_7"].state == "on"
    off = hear(driver, "event", {"characteristics": [{"aid": 1, "iid": 8, "value": False}]})
    assert states(off)["light_7"].state == "off"


def test_a_colour_is_written_within_the_steps_of_the_lamp() -> None:
    driver = HomeKit()
    strip = met(driver, "koogeek_ls1")["Koogeek-LS1-20833F"]
    written = asked(driver, strip, "light_7", "light.turn_on", hs_color=[123.4, 56.7], brightness=3)
    assert written == [(8, True), (11, 1), (9, 123.0), (10, 57.0)]
    assert asked(driver, strip, "light_7", "light.turn_on", brightness=0) == [(8, False)]


def test_the_lamp_shows_what_was_set_last() -> None:
    driver = HomeKit()
    bulb = met(driver, "nanoleaf_bulb")["Nanoleaf A19 0US9"]
    at: Any = next(entity.native["at"] for entity in bulb.entities if entity.key == "light_48")
    warm = {"aid": 1, "iid": at["warmth"]["iid"], "value": 250}
    said = states(hear(driver, "event", {"characteristics": [warm]}))["light_48"]
    assert (said.attributes["color_mode"], said.attributes["color_temp_kelvin"]) == ("color_temp", 4000)
    assert said.attributes["hs_color"] is None
    red = [{"aid": 1, "iid": at[role]["iid"], "value": value} for role, value in (("hue", 0), ("saturation", 100))]
    said = states(hear(driver, "event", {"characteristics": red}))["light_48"]
    assert said.attributes["rgb_color"] == [255, 0, 0]


def test_what_its_bridge_does_not_reach_is_unavailable_until_it_answers() -> None:
    driver = HomeKit()
    fan = met(driver, "home_assistant_bridge_fan")["Ceiling Fan"]
    lost = [{"aid": fan.native["aid"], "iid": 9, "status": -70402}]
    assert hear(driver, "read", {"characteristics": lost}) == [AvailabilityReported(fan.origin, is_available=False)]
    back = hear(driver, "read", {"characteristics": [{"aid": fan.native["aid"], "iid": 9, "value": 1}]})
    assert AvailabilityReported(fan.origin, is_available=True) in back


def test_what_is_no_longer_behind_the_bridge_is_gone_but_a_damaged_list_takes_nothing_away() -> None:
    driver = HomeKit()
    gone = met(driver, "ecobee3")["Porch"]
    rest = [each for each in accessories("ecobee3") if each["aid"] != gone.native["aid"]]
    damaged = hear(driver, "accessories", {"accessories": [*rest, {"aid": "three", "services": []}]})
    assert not [each for each in damaged if isinstance(each, DeviceGone)]
    assert DeviceGone(gone.origin) in hear(driver, "accessories", {"accessories": rest})


def test_commands_are_written_after_a_restart_before_anything_is_heard() -> None:
    first, second = HomeKit(), HomeKit()
    switch = met(first, "idevices_switch")["iDevices Switch"]
    second.restore([device_of(switch)])
    assert asked(second, switch, "switch_10", "switch.turn_on") == [(11, True)]
    said = hear(second, "event", {"characteristics": [{"aid": 1, "iid": 11, "value": True}]})
    assert states(said)["switch_10"].state == "on"


# Services that carry nothing that people use, and why.
WITHOUT_ENTITIES = {
    "AUDIO_STREAM_MANAGEMENT", "CAMERA_CONTROL", "CAMERA_OPERATING_MODE", "CAMERA_RECORDING_MANAGEMENT", "DATA_STREAM_TRANSPORT_MANAGEMENT",
    "TRANSFER_TRANSPORT_MANAGEMENT", "SIRI", "SIRI_ENDPOINT", "TARGET_CONTROL", "TARGET_CONTROL_MANAGEMENT",  # streams of sound and pictures
    "ACCESSORY_METRICS", "ACCESSORY_RUNTIME_INFORMATION", "DIAGNOSTICS", "PAIRING", "PROTOCOL_INFORMATION", "POWER_MANAGEMENT",
    "THREAD_TRANSPORT", "WI_FI_ROUTER", "WI_FI_SATELLITE", "WI_FI_TRANSPORT", "ASSET_UPDATE", "ASSISTANT", "TUNNEL", "CLOUD_RELAY",
    "BRIDGE_CONFIGURATION", "BRIDGING_STATE", "TIME_INFORMATION", "ACCESS_CONTROL", "ACCESS_CODE", "NFCACCESS",  # of the protocol itself
    "SERVICE_LABEL", "INPUT_SOURCE", "LOCK_MANAGEMENT",  # belong to another service
}  # fmt: skip


def _characteristic(uuid: str, iid: int) -> dict[str, Any] | None:
    specified = SPECIFIED.get(uuid)
    if specified is None:
        return None
    values = {"bool": True, "string": "said", "float": specified.get("min_value", 1.0)}
    limits = {"minValue": "min_value", "maxValue": "max_value", "minStep": "min_step"}
    return {
        "iid": iid,
        "type": uuid,
        "format": specified["format"],
        "perms": specified["perms"],
        "value": values.get(specified["format"], specified.get("min_value", 0)),
        **{name: specified[ours] for name, ours in limits.items() if specified.get(ours) is not None},
    }


def _specified(service: str) -> list[dict[str, Any]]:
    wanted = [*SERVICES[service]["required"], *SERVICES[service]["optional"]]
    made = [each for place, uuid in enumerate(wanted) if (each := _characteristic(uuid, 11 + place)) is not None]
    return [{"aid": 1, "services": [{"iid": 10, "type": service, "primary": True, "characteristics": made}]}]


@pytest.mark.parametrize("service", sorted(SERVICES), ids=lambda uuid: SERVICES[uuid]["name"].lower())
def test_every_service_of_the_specification_is_an_entity_or_has_a_reason(service: str) -> None:
    driver = HomeKit()
    decoded = hear(driver, "accessories", {"accessories": _specified(service)})
    assert not [each for each in decoded if isinstance(each, Rejected)]
    (device,) = [each for each in decoded if isinstance(each, Advertisement)]
    entities = [entity for entity in device.entities if entity.category is None or entity.domain != "button"]
    assert entities or SERVICES[service]["name"] in {*WITHOUT_ENTITIES, "ACCESSORY_INFORMATION"}
    assert all(entity.capabilities or entity.domain == "camera" for entity in entities)


def _one(service: str, **values: JsonValue) -> tuple[HomeKit, Advertisement, dict[str, int], list[Decoded]]:
    """An accessory of one service; characteristics by their names in the specification."""
    uuid = next(each for each, about in SERVICES.items() if about["name"] == service)
    body = _specified(uuid)
    iids: dict[str, int] = {}
    for each in body[0]["services"][0]["characteristics"]:
        name = SPECIFIED[each["type"]]["name"]
        iids[name] = each["iid"]
        each["value"] = values.get(name, each["value"])
    driver = HomeKit()
    decoded = hear(driver, "accessories", {"accessories": body})
    return driver, next(each for each in decoded if isinstance(each, Advertisement)), iids, decoded


def _named(iids: dict[str, int], written: list[tuple[int, JsonValue]]) -> JsonObject:
    by_iid = {iid: name for name, iid in iids.items()}
    return {by_iid[iid]: value for iid, value in written}


@pytest.mark.parametrize(
    "current, target, state",
    [(0, 0, "unlocked"), (1, 1, "locked"), (0, 1, "locking"), (1, 0, "unlocking"), (2, 1, "jammed"), (3, 1, "unknown")],
)
def test_a_lock_is_what_it_is_and_where_it_goes(current: int, target: int, state: str) -> None:
    driver, lock, iids, decoded = _one("LOCK_MECHANISM", LOCK_CURRENT_STATE=current, LOCK_TARGET_STATE=target)
    assert states(decoded)["lock_10"].state == state
    assert _named(iids, asked(driver, lock, "lock_10", "lock.lock")) == {"LOCK_TARGET_STATE": 1}


def test_a_covering_moves_tilts_and_stops() -> None:
    driver, blind, iids, decoded = _one(
        "WINDOW_COVERING", CURRENT_POSITION=30, TARGET_POSITION=80, POSITION_STATE=1, CURRENT_HORIZONTAL_TILT_ANGLE=0
    )
    said = states(decoded)["cover_10"]
    assert (said.state, said.attributes["current_position"], said.attributes["current_tilt_position"]) == (
        "opening",
        30,
        50,
    )
    assert _named(iids, asked(driver, blind, "cover_10", "cover.stop_cover")) == {"HOLD_POSITION": True}
    assert _named(iids, asked(driver, blind, "cover_10", "cover.set_cover_position", position=25)) == {
        "TARGET_POSITION": 25
    }
    tilted = _named(iids, asked(driver, blind, "cover_10", "cover.set_cover_tilt_position", tilt_position=100))
    assert list(tilted.values()) == [90]


def test_a_garage_door_opens_by_zero() -> None:
    driver, door, iids, decoded = _one("GARAGE_DOOR_OPENER", CURRENT_DOOR_STATE=3, TARGET_DOOR_STATE=1)
    assert states(decoded)["cover_10"].state == "closing"
    assert door.device_type is DeviceType.GARAGE_DOOR
    assert _named(iids, asked(driver, door, "cover_10", "cover.open_cover")) == {"TARGET_DOOR_STATE": 0}
    with pytest.raises(NotPossible):
        asked(driver, door, "cover_10", "cover.set_cover_position", position=50)


def test_a_heater_cooler_keeps_a_target_for_each_mode() -> None:
    driver, heater, iids, decoded = _one(
        "HEATER_COOLER",
        ACTIVE=1,
        TARGET_HEATER_COOLER_STATE=2,
        CURRENT_HEATER_COOLER_STATE=3,
        COOLING_THRESHOLD_TEMPERATURE=24,
        HEATING_THRESHOLD_TEMPERATURE=19,
    )
    said = states(decoded)["climate_10"]
    assert (said.state, said.attributes["temperature"], said.attributes["hvac_action"]) == ("cool", 24, "cooling")
    written = asked(driver, heater, "climate_10", "climate.set_temperature", temperature=20, hvac_mode="heat")
    assert _named(iids, written) == {
        "ACTIVE": 1,
        "TARGET_HEATER_COOLER_STATE": 1,
        "HEATING_THRESHOLD_TEMPERATURE": 20.0,
    }
    assert _named(iids, asked(driver, heater, "climate_10", "climate.set_hvac_mode", hvac_mode="off")) == {"ACTIVE": 0}


def test_an_alarm_is_armed_and_goes_off() -> None:
    driver, alarm, iids, decoded = _one(
        "SECURITY_SYSTEM", SECURITY_SYSTEM_CURRENT_STATE=4, SECURITY_SYSTEM_TARGET_STATE=1
    )
    assert states(decoded)["alarm_control_panel_10"].state == "triggered"
    written = asked(driver, alarm, "alarm_control_panel_10", "alarm_control_panel.alarm_arm_night")
    assert _named(iids, written) == {"SECURITY_SYSTEM_TARGET_STATE": 2}


def test_a_fan_counts_in_percent_of_its_highest_speed() -> None:
    driver, fan, iids, decoded = _one("FAN_V2", ACTIVE=1, ROTATION_SPEED=40, SWING_MODE=1)
    said = states(decoded)["fan_10"]
    assert (said.state, said.attributes["percentage"], said.attributes["oscillating"]) == ("on", 40, True)
    assert _named(iids, asked(driver, fan, "fan_10", "fan.set_percentage", percentage=0)) == {"ACTIVE": 0}
    assert _named(iids, asked(driver, fan, "fan_10", "fan.turn_on", percentage=33)) == {
        "ACTIVE": 1,
        "ROTATION_SPEED": 33.0,
    }


def test_air_that_is_measured_has_its_units() -> None:
    _, sensor, _, decoded = _one("AIR_QUALITY_SENSOR", AIR_QUALITY=2, PM2_5_DENSITY=12, CARBON_DIOXIDE_LEVEL=640)
    by_word = {next(iter(entity.capabilities)): entity for entity in sensor.entities if entity.capabilities}
    assert (by_word["pm25"].unit, by_word["co2"].unit) == ("µg/m³", "ppm")
    said = states(decoded)
    assert said[by_word["air_quality"].key].state == "good"
    assert said[by_word["co2"].key].state == "640"


@pytest.mark.parametrize(
    "service, characteristic, value, domain, state",
    [
        ("AIR_PURIFIER", "CURRENT_AIR_PURIFIER_STATE", 2, "sensor", "purifying"),
        ("FAN_V2", "CURRENT_FAN_STATE", 1, "sensor", "idle"),
        ("HEATER_COOLER", "ROTATION_SPEED", 40, "number", "40"),
        ("IRRIGATION_SYSTEM", "PROGRAM_MODE", 1, "sensor", "scheduled"),
        ("LOCK_MANAGEMENT", "LOCK_LAST_KNOWN_ACTION", 4, "sensor", "secured_by_keypad"),
        ("LOCK_MANAGEMENT", "CURRENT_DOOR_STATE", 1, "binary_sensor", "off"),
        ("GARAGE_DOOR_OPENER", "LOCK_CURRENT_STATE", 0, "binary_sensor", "on"),
    ],
)
def test_what_the_service_does_not_tell_by_itself_is_an_entity_of_its_own(
    service: str, characteristic: str, value: int, domain: str, state: str
) -> None:
    _, advertisement, iids, said = _one(service, **{characteristic: value})
    key = next(
        entity.key
        for entity in advertisement.entities
        if entity.domain == domain and entity.key.endswith(f"_{iids[characteristic]}")
    )
    assert states(said)[key].state == state


def _made(iid: int, kind: str, value: JsonValue, form: str = "uint8") -> dict[str, Any]:
    return {"iid": iid, "type": kind, "format": form, "perms": ["pr", "pw", "ev"], "value": value}


def test_a_television_plays_and_changes_its_source() -> None:
    inputs = [
        {
            "iid": iid,
            "type": "D9",
            "characteristics": [_made(iid + 1, "E3", name, "string"), _made(iid + 2, "E6", number)],
        }
        for iid, name, number in ((30, "Antenna", 7), (40, "Console", 8))
    ]
    screen = [
        _made(11, "B0", 1),
        _made(12, "E7", 7, "uint32"),
        _made(13, "E1", None),
        _made(14, "E0", 1),
        _made(15, "137", 1),
    ]
    speaker = [_made(21, "11A", False, "bool"), _made(22, "119", 30)]
    parts = [
        {"iid": 10, "type": "D8", "primary": True, "characteristics": screen},
        {"iid": 20, "type": "113", "characteristics": speaker},
        *inputs,
    ]
    driver = HomeKit()
    decoded = hear(driver, "accessories", {"accessories": [{"aid": 1, "services": parts}]})
    (device,) = [each for each in decoded if isinstance(each, Advertisement)]
    (player,) = device.entities
    assert player.capabilities["source"].options == ("Antenna", "Console")
    said = states(decoded)[player.key]
    assert said.state == "paused"
    assert said.attributes == {"source": "Antenna", "volume_level": 0.3, "is_volume_muted": False}
    assert asked(driver, device, player.key, "media_player.select_source", source="Console") == [(12, 8)]
    assert asked(driver, device, player.key, "media_player.media_play") == [(15, 0)]
    assert asked(driver, device, player.key, "media_player.volume_set", volume_level=0.55) == [(22, 55)]
    assert asked(driver, device, player.key, "media_player.volume_mute", is_volume_muted=True) == [(21, True)]
