"""What a Hue bridge tells becomes devices, rooms and scenes: of our own home, and of a real one that openHAB recorded."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from hub_agent.drivers.driver import SceneDriver
from hub_agent.drivers.hue import Hue
from hub_agent.errors import NotPossible
from hub_agent.model.device import Advertisement, Alias, DeviceType, Origin
from hub_agent.model.ids import EntityId
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import Frame, Request
from hub_agent.model.report import AvailabilityReported, Decoded, DeviceGone, EntityReport, Rejected, Reported
from hub_agent.model.scene import DesiredState
from tests.peers.hue import home
from tests.recorded.hue.corpus import corpus
from tests.recorded.zigbee2mqtt.wire import device_of, entity_of, fixture

PEER = home.BRIDGE_ID


def met(driver: Hue, resources: list[dict[str, Any]] | None = None) -> dict[str, Advertisement]:
    said = driver.hear(
        Frame("hue", PEER, "resources", {"data": resources if resources is not None else home.resources()})
    )
    assert not [each for each in said if isinstance(each, Rejected)]
    return {each.name: each for each in said if isinstance(each, Advertisement)}


def reports(decoded: Sequence[Decoded]) -> dict[str, EntityReport]:
    return {report.key: report for each in decoded if isinstance(each, Reported) for report in each.entities}


def event(driver: Hue, kind: str = "update", **resource: Any) -> Sequence[Decoded]:
    return driver.hear(Frame("hue", PEER, "events", {"events": [{"type": kind, "data": [resource]}]}))


def asked(driver: Hue, device: Advertisement, key: str, action: str, **data: JsonValue) -> JsonObject:
    whole = device_of(device)
    (request,) = driver.encode(whole, entity_of(whole, key), action, data)
    assert isinstance(request, Request)
    body = request.body["body"]
    assert isinstance(body, dict)
    return body


def test_a_home_has_its_devices_rooms_and_zones() -> None:
    by_name = met(Hue())
    bridge, lamp, sensor = by_name["Hue Bridge"], by_name["Floor lamp"], by_name["Hall sensor"]
    assert (bridge.origin, bridge.aliases[0]) == (Origin("hue", PEER), Alias("mac", "0017880a1b2c"))
    assert (lamp.suggested_area, lamp.via, lamp.aliases[0]) == (
        "Living room",
        Origin("hue", PEER),
        Alias("zigbee_ieee", "0x001788010b000001"),
    )
    assert {by_name[name].device_type for name in ("Coffee machine",)} == {DeviceType.PLUG}
    assert (sensor.device_type, sensor.power_source) == (DeviceType.SENSOR_MOTION, "battery")
    assert (by_name["Living room"].model, by_name["Downstairs"].model) == ("Room", "Zone")
    assert [entity.name for entity in by_name["Hue Bridge"].entities if entity.domain == "light"] == ["All lights"]


def test_measurements_are_in_our_units() -> None:
    driver = Hue()
    said = reports(driver.hear(corpus()[0]))
    assert said[f"light_level_{home.LEVEL}"].state == "100"
    assert said[f"temperature_{home.TEMPERATURE}"].state == "21.03"
    assert said[f"device_power_{home.DIMMER_POWER}"].state == "9"
    assert said["update"].attributes["installed_version"] == "1.116.3"
    assert said["update"].state == "on"


def test_each_event_says_what_it_says() -> None:
    driver = Hue()
    told: dict[str, list[EntityReport]] = {}
    gone: list[DeviceGone] = []
    for frame in corpus()[:1]:
        driver.hear(frame)
    for frame in corpus()[1:]:
        decoded = driver.hear(frame)
        assert not [each for each in decoded if isinstance(each, Rejected)]
        gone += [each for each in decoded if isinstance(each, DeviceGone)]
        for key, report in reports(decoded).items():
            told.setdefault(key, []).append(report)
    lamp = told[f"light_{home.LAMP_LIGHT}"]
    assert (lamp[0].state, lamp[0].attributes["brightness"]) == ("on", 128)
    assert lamp[1].attributes["color_temp_kelvin"] is None
    assert lamp[1].attributes["xy_color"] == [0.3, 0.3]
    assert told[f"motion_{home.MOTION}"][0].state == "on"
    assert told[f"contact_{home.CONTACT_STATE}"][0].state == "on"
    assert told[f"tamper_{home.CONTACT_TAMPER}"][0].state == "on"
    assert told[f"button_{home.BUTTONS[0]}"][0].attributes == {"event_type": "short_release"}
    turn = told[f"relative_rotary_{home.ROTARY}"][0].attributes
    assert (turn["event_type"], turn["steps"]) == ("clock_wise", 30)
    assert gone == [DeviceGone(Origin("hue", f"{PEER}/{home.PLUG}"))]


def test_a_lamp_without_power_is_unavailable() -> None:
    driver = Hue()
    lamp = met(driver)["Floor lamp"]
    assert AvailabilityReported(lamp.origin, is_available=False) in event(
        driver, id=f"{home.LAMP[:-1]}0", type="zigbee_connectivity", status="connectivity_issue"
    )


def test_a_device_that_changes_its_room_says_so() -> None:
    driver = Hue()
    met(driver)
    moved = event(driver, id=home.ROOM, type="room", children=[{"rid": home.LAMP, "rtype": "device"}])
    areas = {each.name: each.suggested_area for each in moved if isinstance(each, Advertisement)}
    assert (areas["Floor lamp"], areas["Sideboard"]) == ("Living room", None)


def test_a_press_is_told_once_and_not_by_what_the_bridge_tells_of_the_past() -> None:
    resources = home.resources()
    button = next(each for each in resources if each["id"] == home.BUTTONS[0])
    button["button"]["button_report"] = {"updated": "2026-11-22T17:00:00.000Z", "event": "long_press"}
    driver = Hue()
    said = driver.hear(Frame("hue", PEER, "resources", {"data": resources}))
    assert f"button_{home.BUTTONS[0]}" not in reports(said)


@pytest.mark.parametrize(
    "data, body",
    [
        ({"brightness_pct": 40}, {"dimming": {"brightness": 40.0}}),
        ({"color_temp_kelvin": 9000}, {"color_temperature": {"mirek": 153}}),
        ({"xy_color": [0.3, 0.3]}, {"color": {"xy": {"x": 0.3, "y": 0.3}}}),
        # Redder than red: the nearest that the lamp can show.
        ({"xy_color": [0.8, 0.3]}, {"color": {"xy": {"x": 0.692, "y": 0.308}}}),
        ({"brightness_step_pct": -10}, {"dimming_delta": {"action": "down", "brightness_delta": 10.0}}),
        ({"effect": "prism"}, {"effects_v2": {"action": {"effect": "prism"}}}),
        ({"effect": "sunrise"}, {"timed_effects": {"effect": "sunrise", "duration": 1800000}}),
        ({"flash": "short"}, {"alert": {"action": "breathe"}}),
        ({"flash": "long"}, {"signaling": {"signal": "on_off", "duration": 10000}}),
        ({"transition": 0.4}, {"dynamics": {"duration": 400}}),
    ],
)
def test_a_lamp_is_asked_in_the_bridge_s_words(data: dict[str, Any], body: JsonObject) -> None:
    driver = Hue()
    lamp = met(driver)["Floor lamp"]
    written = asked(driver, lamp, f"light_{home.LAMP_LIGHT}", "light.turn_on", **data)
    assert written == {"on": {"on": True}, **body}


def test_what_a_lamp_cannot_do_is_said() -> None:
    driver = Hue()
    by_name = met(driver)
    with pytest.raises(NotPossible, match="no colours"):
        asked(driver, by_name["Sideboard"], f"light_{home.STRIP_LIGHT}", "light.turn_on", rgb_color=[255, 0, 0])
    with pytest.raises(NotPossible, match="no effects"):
        asked(driver, by_name["Sideboard"], f"light_{home.STRIP_LIGHT}", "light.turn_on", effect="fire")
    with pytest.raises(NotPossible, match=r"understands switch\.turn_on"):
        asked(driver, by_name["Coffee machine"], f"light_{home.PLUG_LIGHT}", "light.turn_on")


def test_settings_and_scenes_are_written() -> None:
    driver = Hue()
    by_name = met(driver)
    sensor, room = by_name["Hall sensor"], by_name["Living room"]
    assert asked(driver, sensor, f"sensitivity_{home.MOTION}", "number.set_value", value=4) == {
        "sensitivity": {"sensitivity": 4}
    }
    assert asked(driver, sensor, f"enabled_{home.MOTION}", "switch.turn_off") == {"enabled": False}
    assert asked(
        driver, by_name["Floor lamp"], f"powerup_{home.LAMP_LIGHT}", "select.select_option", option="powerfail"
    ) == {"powerup": {"preset": "powerfail"}}
    assert asked(driver, room, f"scene_{home.SCENE}", "scene.turn_on", transition=1) == {
        "recall": {"action": "active", "duration": 1000}
    }
    assert asked(driver, room, f"smart_scene_{home.SMART}", "scene.turn_on") == {"recall": {"action": "activate"}}


def test_commands_are_written_after_a_restart_and_who_has_left_meanwhile_is_gone() -> None:
    first, second = Hue(), Hue()
    by_name = met(first)
    second.restore(device_of(each) for each in by_name.values())
    assert asked(second, by_name["Coffee machine"], f"light_{home.PLUG_LIGHT}", "switch.turn_on") == {
        "on": {"on": True}
    }
    left = [each for each in home.resources() if each["id"] not in {home.PLUG, home.PLUG_LIGHT}]
    said = second.hear(Frame("hue", PEER, "resources", {"data": left}))
    assert DeviceGone(by_name["Coffee machine"].origin) in said


def test_damage_takes_nobody_away() -> None:
    driver = Hue()
    met(driver)
    hurt: list[Any] = [each for each in home.resources() if each["id"] != home.PLUG]
    hurt.append({"id": 7, "type": None})
    said = driver.hear(Frame("hue", PEER, "resources", {"data": hurt}))
    assert not [each for each in said if isinstance(each, DeviceGone)]
    assert [each.code for each in said if isinstance(each, Rejected)] == ["resource_unread"]


def test_a_resource_that_grows_with_every_event_stops_growing_and_stays_as_it_was() -> None:
    driver = Hue()
    met(driver)
    for number in range(50):
        event(driver, id=home.LAMP_LIGHT, type="light", **{f"new{number}": "x" * 2000})
    said = event(driver, id=home.LAMP_LIGHT, type="light", on={"on": True})
    assert reports(said)[f"light_{home.LAMP_LIGHT}"].state == "on"


def test_lamps_and_plugs_can_be_kept_in_a_scene_and_nothing_else() -> None:
    driver = Hue()
    assert isinstance(driver, SceneDriver)
    by_name = met(driver)
    wishes = {
        "Floor lamp": ("on", {"rgb_color": [1, 2, 3]}, True),
        "Sideboard": ("on", {"rgb_color": [1, 2, 3], "color_mode": "rgb"}, False),
        "Coffee machine": ("off", {}, True),
        "Hall sensor": ("on", {}, False),
        "Living room": ("on", {}, False),
    }
    for name, (state, attributes, can) in wishes.items():
        device = device_of(by_name[name])
        wish = DesiredState(EntityId("x.y"), state, attributes)
        entity = next(each for each in device.entities if each.name is None)
        assert driver.can_keep(device, entity, wish) is can, name


def _recorded(*names: str) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(fixture("http_mdns/openhab_hue").iterdir()):
        body = json.loads(path.read_text())
        if isinstance(body, dict) and (not names or path.stem in names):
            found |= {each["id"]: each for each in body.get("data", ())}
    return list(found.values())


def test_a_real_home_is_met_whole() -> None:
    driver = Hue()
    by_origin = {each.origin: each for each in met(driver, _recorded()).values()}
    said = driver.hear(Frame("hue", PEER, "resources", {"data": _recorded()}))
    everything = {each.origin: each for each in said if isinstance(each, Advertisement)}
    kinds = {entity.domain for each in everything.values() for entity in each.entities}
    assert len(everything) >= len(by_origin) > 40
    assert {"light", "switch", "event", "sensor", "scene", "button"} <= kinds
    lights = [each for each in _recorded("light") if each["type"] == "light"]
    keys = {entity.key for each in everything.values() for entity in each.entities}
    assert {f"light_{each['id']}" for each in lights} <= keys
    groups = {each["id"] for each in _recorded("room", "zone")}
    scenes = [each for each in _recorded("scene", "smart_scene") if each["group"]["rid"] in groups]
    kept = {entity.key for each in everything.values() for entity in each.entities if entity.domain == "scene"}
    assert len(kept) == len(scenes)


def test_the_events_of_a_real_home_are_understood() -> None:
    driver = Hue()
    met(driver, _recorded())
    events = json.loads(fixture("http_mdns/openhab_hue/event.json").read_text())
    said = driver.hear(Frame("hue", PEER, "events", {"events": events}))
    assert not [each for each in said if isinstance(each, Rejected)]
    assert len(reports(said)) > 5
