"""What 58 real devices said becomes entities with their values, and every command to them a request."""

from typing import Any

import pytest

from hub_agent.drivers.shelly import Shelly
from hub_agent.errors import NotPossible
from hub_agent.model.device import Advertisement, Device, DeviceType, Entity
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.model.json import JsonObject
from hub_agent.model.link import Frame, Request
from hub_agent.model.report import EntityReport, Rejected, Reported
from tests.recorded.shelly.corpus import corpus, devices, frame, pushes

DEVICES = devices()


class Met:
    """A device after it has told everything."""

    def __init__(self, name: str) -> None:
        self.driver = Shelly()
        self.name = name
        said = self.driver.hear(frame(name, "device", DEVICES[name]))
        assert isinstance(said[0], Advertisement)
        assert isinstance(said[1], Reported)
        self.advertisement, self.report = said[0], said[1]

    def hear(self, kind: str, body: Any) -> dict[str, EntityReport]:
        said = self.driver.hear(frame(self.name, kind, body))
        assert not [each for each in said if isinstance(each, Rejected)]
        return {report.key: report for each in said if isinstance(each, Reported) for report in each.entities}

    @property
    def states(self) -> dict[str, str | None]:
        return {report.key: report.state for report in self.report.entities}

    def attributes(self, key: str) -> JsonObject:
        return next(report.attributes for report in self.report.entities if report.key == key)

    def ask(self, key: str, action: str, **data: Any) -> Any:
        device = device_of(self.advertisement)
        entity = next(entity for entity in device.entities if entity.key == key)
        (request,) = self.driver.encode(device, entity, action, data)
        assert request.peer == self.name
        return request.body


def device_of(said: Advertisement) -> Device:
    entities = tuple(
        Entity(
            EntityId(f"{each.domain}.{each.key}"), DeviceId("d"), each.key, each.domain, each.name, each.device_class, each.unit,
            each.state_class, each.category, each.capabilities, each.native,
        )
        for each in said.entities
    )  # fmt: skip
    return Device(
        DeviceId("d"), said.origin, said.aliases, said.name, False, None, said.brand, said.model, said.device_type, said.protocol,
        None, said.firmware_version, said.power_source, said.native, entities,
    )  # fmt: skip


@pytest.mark.parametrize("name", sorted(name for name in DEVICES if "XXXX" not in name))
def test_every_device_becomes_entities_that_say_something(name: str) -> None:
    met = Met(name)
    keys = [entity.key for entity in met.advertisement.entities]
    assert len(keys) == len(set(keys))
    mac = DEVICES[name]["shelly"]["mac"].lower()
    assert met.advertisement.origin.native_id == mac
    assert [(alias.kind, alias.value) for alias in met.advertisement.aliases] == [("mac", mac)]
    assert met.advertisement.native["peer"] == name
    for entity in met.advertisement.entities:
        assert entity.capabilities, entity
        assert entity.domain != "sensor" or len(entity.capabilities) == 1, entity
    spoken = {report.key for report in met.report.entities}
    assert spoken <= set(keys)
    # What is null is not known yet: a current of the neutral wire, an input that is a button.
    silent = [e for e in met.advertisement.entities if e.domain not in {"event", "button"} and e.key not in spoken]
    assert len(silent) <= 12, [entity.key for entity in silent]


def test_a_device_without_a_mac_is_refused_in_words() -> None:
    (refused,) = Shelly().hear(frame("x", "device", DEVICES["shellysmoke-XXXXXXXXXXXX"]))
    assert isinstance(refused, Rejected)
    assert refused.code == "no_mac"


def test_the_share_of_the_components_with_a_meaning_that_become_entities() -> None:
    """What is about the device's own connections and screens has no meaning for a home."""
    own = {
        "ble",
        "bthome",
        "cloud",
        "mqtt",
        "ws",
        "knx",
        "matter",
        "modbus",
        "dali",
        "eth",
        "sys",
        "ui",
        "script",
        "group",
        "plusrgbwpm",
    }
    total = understood = 0
    for name in [name for name in DEVICES if DEVICES[name]["shelly"].get("gen", 1) > 1]:
        met = Met(name)
        known = {entity.native.get("component") for entity in met.advertisement.entities}
        for component in [*DEVICES[name]["status"], *(each["key"] for each in DEVICES[name]["components"])]:
            kind = component.partition(":")[0]
            if kind not in own and not kind.endswith("_ui"):
                total += 1
                understood += component in known
    assert total > 200
    assert understood / total >= 0.95, (understood, total)


@pytest.mark.parametrize(
    "name,kind",
    [
        ("shellyplus1pm-441793D69718", DeviceType.SWITCH),
        ("shellyplugsg3-8CBFEAA133F0", DeviceType.PLUG),
        ("shellyshutter-84FCE6364D5C", DeviceType.BLIND),
        ("shellyprorgbwwpm-2CBCBBA78F00", DeviceType.LIGHT),
        ("shellyplussmoke-E08CFE8BD798", DeviceType.SENSOR_SMOKE),
        ("shellyplusht-08B61FCD36A8", DeviceType.SENSOR_TEMPERATURE),
        ("shellyflood-EC64C9C1DA9A", DeviceType.SENSOR_LEAK),
        ("shellydw2-483FDA825476", DeviceType.SENSOR_CONTACT),
        ("shellymotionsensor-60A42386E566", DeviceType.SENSOR_MOTION),
        ("shellytrv-60A423D0E032", DeviceType.THERMOSTAT),
        ("shellyswitch25-3494546BBF7E", DeviceType.BLIND),
    ],
)
def test_the_type_is_what_people_would_call_it(name: str, kind: DeviceType) -> None:
    assert Met(name).advertisement.device_type == kind


def test_a_switch_of_the_second_generation_is_metered_in_kilowatt_hours() -> None:
    met = Met("shellyplus1pm-441793D69718")
    assert met.states["switch_0"] == "off"
    assert met.states["switch_0_aenergy_total"] == "0.066"
    assert met.states["switch_0_voltage"] == "232.9"
    assert met.report.observed == {
        "signal_strength": -49, "ip_address": "192.168.68.78", "firmware_version": "1.7.5",
    }  # fmt: skip
    news = met.hear(
        "notify", {"method": "NotifyStatus", "params": {"switch:0": {"id": 0, "output": True, "apower": 12.5}}}
    )
    assert (news["switch_0"].state, news["switch_0_apower"].state) == ("on", "12.5")


def test_the_meters_of_the_first_generation_count_watt_minutes() -> None:
    met = Met("shellybulbduo-34945479CFA4")
    assert met.states["meter_0_total"] == "0.019767"
    assert met.hear("coiot", {"G": [[0, 4103, 60_000], [0, 1101, 1]]})["meter_0_total"].state == "1"


def test_a_colour_light_that_is_on_has_its_colour_and_one_that_is_off_has_none() -> None:
    met = Met("shellyprorgbwwpm-2CBCBBA78F00")
    assert met.attributes("rgb_0")["rgb_color"] == [255, 255, 255]
    assert met.attributes("rgb_0")["brightness"] == 255
    assert met.attributes("cct_0")["color_temp_kelvin"] is None
    on = met.hear("notify", {"method": "NotifyStatus", "params": {"cct:0": {"output": True}}})["cct_0"]
    assert (on.state, on.attributes["brightness"], on.attributes["color_temp_kelvin"]) == ("on", 128, 4600)


def test_a_cover_without_positions_says_which_way_it_went_last() -> None:
    assert Met("shellyshutter-E4B063D64578").states["cover_0"] == "closed"
    assert Met("shellyshutter-84FCE6364D5C").attributes("cover_0")["current_position"] == 100
    moving = Met("shellyswitch25-3494546BBF7E").hear("coiot", {"G": [[0, 1102, "open"], [0, 1103, 10]]})
    assert moving["roller_0"].state == "opening"


def test_a_press_is_an_event_and_the_first_count_of_presses_is_none() -> None:
    met = Met("shellyshutter-E4B063D64578")
    pressed = met.hear(
        "notify", {"method": "NotifyEvent", "params": {"events": [{"component": "input:0", "event": "double_push"}]}}
    )
    assert pressed["input_0_event"].attributes == {"event_type": "double_push"}
    button = Met("shellybutton1-485519F31EA3")
    assert "input_0_event" not in button.states
    assert button.hear("coiot", {"G": [[0, 2102, "L"], [0, 2103, 305]]})["input_0_event"].attributes == {
        "event_type": "long"
    }
    assert "input_0_event" not in button.hear("coiot", {"G": [[0, 2102, "L"], [0, 2103, 305]]})
    # It describes itself again after it was asleep: the presses before were told.
    again = button.hear(
        "device", DEVICES["shellybutton1-485519F31EA3"] | {"status": {"inputs": [{"event": "L", "event_cnt": 305}]}}
    )
    assert "input_0_event" not in again


def test_firmware_that_is_offered_is_an_update_and_its_progress_is_seen() -> None:
    met = Met("shelly0110dimg3-34B7DA902E24")
    assert met.states["update"] == "on"
    assert met.attributes("update")["latest_version"] == "1.4.0"
    progress = {"events": [{"component": "sys", "event": "ota_progress", "progress_percent": 40}]}
    assert (
        met.hear("notify", {"method": "NotifyEvent", "params": progress})["update"].attributes["update_percentage"]
        == 40
    )
    assert met.ask("update", "update.install") == {"method": "Shelly.Update", "params": {"stage": "stable"}}
    old = Met("shellyix3-C45BBE5FF845")
    assert old.states["update"] == "on"
    assert old.ask("update", "update.install") == {"get": "ota", "query": {"update": "true"}}


@pytest.mark.parametrize("name", sorted(name for name in pushes() if name in DEVICES and "XXXX" not in name))
def test_what_the_first_generation_sends_by_itself_is_what_its_status_says_too(name: str) -> None:
    met = Met(name)
    before = met.states
    for key, report in met.hear("coiot", pushes()[name]).items():
        assert key in before or key.endswith("_event"), key
        assert report.state is None or type(report.state) is str


@pytest.mark.parametrize(
    "name,key,action,data,body",
    [
        ("shellyplus1pm-441793D69718", "switch_0", "switch.turn_on", {}, {"method": "Switch.Set", "params": {"id": 0, "on": True}}),
        ("shellyplus1pm-441793D69718", "switch_0", "switch.toggle", {}, {"method": "Switch.Toggle", "params": {"id": 0}}),
        ("shellyplus1pm-441793D69718", "reboot", "button.press", {}, {"method": "Shelly.Reboot", "params": {}}),
        ("shellypro3cb-8813BFDDC6F4", "cb_0", "switch.turn_off", {}, {"method": "CB.Set", "params": {"id": 0, "output": False}}),
        ("shellyprorgbwwpm-2CBCBBA78F00", "rgb_0", "light.turn_on", {"brightness": 128, "rgb_color": [1, 2, 3], "transition": 2},
         {"method": "RGB.Set", "params": {"id": 0, "on": True, "brightness": 50, "rgb": [1, 2, 3], "transition_duration": 2}}),
        ("shellyprorgbwwpm-2CBCBBA78F00", "cct_0", "light.turn_on", {"color_temp_kelvin": 9000},
         {"method": "CCT.Set", "params": {"id": 0, "on": True, "ct": 6500}}),
        ("shellyprorgbwwpm-2CBCBBA78F00", "cct_0", "light.turn_on", {"brightness": 0}, {"method": "CCT.Set", "params": {"id": 0, "on": False}}),
        ("shellyshutter-84FCE6364D5C", "cover_0", "cover.set_cover_position", {"position": 30},
         {"method": "Cover.GoToPosition", "params": {"id": 0, "pos": 30}}),
        ("shellyshutter-84FCE6364D5C", "cover_0", "cover.stop_cover", {}, {"method": "Cover.Stop", "params": {"id": 0}}),
        ("shellyplussmoke-E08CFE8BD798", "smoke_0_mute", "button.press", {}, {"method": "Smoke.Mute", "params": {"id": 0}}),
        ("shelly1g3-34B7DACAC830", "number_200", "number.set_value", {"value": 40}, {"method": "Number.Set", "params": {"id": 200, "value": 40}}),
        ("shelly1g3-34B7DACAC830", "button_200", "button.press", {},
         {"method": "Button.Trigger", "params": {"id": 200, "event": "single_push"}}),
        ("shellyswitch25-3494547BF36C", "relay_1", "switch.turn_on", {}, {"get": "relay/1", "query": {"turn": "on"}}),
        ("shellyswitch25-3494546BBF7E", "roller_0", "cover.set_cover_position", {"position": 5},
         {"get": "roller/0", "query": {"go": "to_pos", "roller_pos": 5}}),
        ("shellybulbduo-34945479CFA4", "light_0", "light.turn_on", {"color_temp_kelvin": 3000, "brightness_pct": 10, "transition": 1},
         {"get": "light/0", "query": {"turn": "on", "temp": 3000, "brightness": 10, "transition": 1000}}),
        ("shellytrv-60A423D0E032", "trv_0", "climate.set_temperature", {"temperature": 21.5},
         {"get": "thermostat/0", "query": {"target_t_enabled": 1, "target_t": 21.5}}),
        ("shellydimmer2-98CDAC0D01BB", "reboot", "button.press", {}, {"get": "reboot", "query": {}}),
    ],
)  # fmt: skip
def test_an_action_becomes_the_call_that_does_it(name: str, key: str, action: str, data: Any, body: Any) -> None:
    assert Met(name).ask(key, action, **data) == body


def test_what_cannot_be_done_is_said_in_words() -> None:
    met = Met("shellyplus1pm-441793D69718")
    with pytest.raises(NotPossible, match="understands switch"):
        met.ask("switch_0", "light.turn_on")
    with pytest.raises(NotPossible, match="only be read"):
        met.ask("switch_0_apower", "sensor.set_value", value=1)
    with pytest.raises(NotPossible, match="from 0 to 100"):
        Met("shellyshutter-84FCE6364D5C").ask("cover_0", "cover.set_cover_position", position=101)


def test_after_a_restart_a_device_is_commanded_and_understood_before_it_has_described_itself() -> None:
    met = Met("shellyplus1pm-441793D69718")
    device = device_of(met.advertisement)
    fresh = Shelly()
    assert fresh.restore([device]) == ()
    (request,) = (
        fresh.encode(device, device.entities[1], "switch.turn_on", {})
        if device.entities[1].key == "switch_0"
        else (None,)
    )
    assert request is None or isinstance(request, Request)
    (said,) = fresh.hear(
        frame(met.name, "notify", {"method": "NotifyStatus", "params": {"switch:0": {"output": True}}})
    )
    assert isinstance(said, Reported)
    assert {report.key: report.state for report in said.entities}["switch_0"] == "on"


def test_the_corpus_is_understood_without_a_complaint() -> None:
    driver = Shelly()
    frames = [one for one in corpus() if isinstance(one, Frame)]
    refused = [each for one in frames for each in driver.hear(one) if isinstance(each, Rejected)]
    assert {each.topic.partition(" ")[0] for each in refused} <= {"shellysmoke-XXXXXXXXXXXX"}


def changed(name: str, **parts: Any) -> list[Any]:
    """The device of this name, with parts of other devices: as they are quoted in the tests of other projects."""
    body = {part: DEVICES[name][part] | parts.get(part, {}) for part in ("shelly", "settings", "status")}
    return list(Shelly().hear(frame("p", "device", body | {"components": parts.get("components", [])})))


def test_a_sensor_that_fails_says_nothing() -> None:
    """A wall display without the sensor that its firmware asks for."""
    status = {
        "temperature:0": {"id": 0, "tC": -275.15, "errors": ["Sensor driver missing"]},
        "humidity:0": {"id": 0, "rh": -2},
    }
    advertised, reported = changed(
        "shellyplus1pm-441793D69718", status=status | {"devicepower:0": {"external": {"present": True}}}
    )
    spoken = {report.key for report in reported.entities}
    assert {"temperature_0_tC", "humidity_0_rh"} <= {entity.key for entity in advertised.entities} - spoken
    assert advertised.power_source == "wired"


def test_the_values_of_a_device_of_another_maker_have_their_meaning() -> None:
    """A thermostat with Shelly's module in it."""
    label = {"ui": {"unit": "°C", "view": "label"}}
    components = [
        {"key": "number:201", "status": {"value": 25.1}, "config": {"name": "Current temperature", "role": "current_temperature", "meta": label}},
        {"key": "number:203", "status": {"value": 20.5}, "config": {"name": "Target", "min": 5, "max": 35, "meta": {"ui": {"unit": "°C", "view": "slider"}}}},
    ]  # fmt: skip
    info = {"jwt": {"n": "Youth Smart Thermostat ST802"}}
    advertised, reported = changed("shellyplus1pm-441793D69718", shelly=info, components=components)
    by_key = {entity.key: entity for entity in advertised.entities}
    current, target = by_key["number_201_value"], by_key["number_203"]
    assert (current.domain, current.device_class, list(current.capabilities)) == (
        "sensor",
        "temperature",
        ["temperature"],
    )
    assert (target.domain, target.capabilities["value"].max) == ("number", 35)
    assert {report.key: report.state for report in reported.entities}["number_201_value"] == "25.1"
    assert advertised.model == "Youth Smart Thermostat ST802"


def test_a_radiator_valve_behind_a_gateway_is_a_thermostat() -> None:
    status = {"id": 200, "target_C": 17.1, "current_C": 15.2, "pos": 0, "rssi": -60, "battery": 100}
    components = [{"key": "blutrv:200", "status": status, "config": {"id": 200, "name": "Bath"}}]
    advertised, reported = changed("shellybludongle-3030F9ED1F9C", components=components)
    climate = next(entity for entity in advertised.entities if entity.domain == "climate")
    said = next(report for report in reported.entities if report.key == climate.key)
    assert (said.state, said.attributes["temperature"], said.attributes["hvac_action"]) == ("heat", 17.1, "idle")
    device = device_of(advertised)
    entity = next(entity for entity in device.entities if entity.key == climate.key)
    (request,) = Shelly().encode(device, entity, "climate.set_temperature", {"temperature": 21})
    asked = {"id": 200, "method": "Trv.SetTarget", "params": {"id": 0, "target_C": 21}}
    assert request.body == {"method": "BluTRV.Call", "params": asked}


def test_components_of_the_newest_generation_are_understood() -> None:
    status = {
        "flood:0": {"id": 0, "alarm": True, "mute": False},
        "presencezone:200": {"id": 200, "value": True, "num_objects": 2},
        "rgbw:0": {"id": 0, "output": True, "brightness": 50, "rgb": [10, 20, 30], "white": 5},
    }
    _, reported = changed("shellybludongle-3030F9ED1F9C", status=status)
    said = {report.key: report for report in reported.entities}
    assert (said["flood_0_alarm"].state, said["presencezone_200_value"].state) == ("on", "on")
    assert said["presencezone_200_num_objects"].state == "2"
    assert said["rgbw_0"].attributes["rgbw_color"] == [10, 20, 30, 5]
