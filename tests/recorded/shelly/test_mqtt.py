"""Shellys at a broker: what they say becomes the same devices as over their links, and what they are told is what they understand."""

import json
from collections.abc import Sequence

import pytest

from hub_agent.drivers.late import LateListener
from hub_agent.drivers.registry import default_drivers
from hub_agent.drivers.shelly import Shelly, ShellyMqtt
from hub_agent.drivers.shelly.mqtt_asking import PENDING_MAX, TRIES_MAX
from hub_agent.errors import NotPossible
from hub_agent.model.device import Advertisement
from hub_agent.model.report import AvailabilityReported, Inquire, Publication
from tests.recorded.shelly.corpus import devices, frame
from tests.recorded.shelly.mqtt_wire import CAPTURES, PAGE, MqttHome, captured, message

DEVICES = devices()
LATER = sorted(name for name, said in DEVICES.items() if said["shelly"].get("gen", 1) > 1)
EARLIER = sorted(name for name, said in DEVICES.items() if "gen" not in said["shelly"] and "XXXX" not in name)
PLUG, PLUG_MAC = "shellyplus1pm-441793D69718", "441793d69718"
SHUTTER = "shellyshutter-84FCE6364D5C"
LAMPS = "shellyprorgbwwpm-2CBCBBA78F00"
BIG = "shelly1g3-34B7DACAC830"
SLEEPER, SLEEPER_MAC = "shellyplusht-08B61FCD36A8", "08b61fcd36a8"
RELAYS = "shellyswitch25-3494547BF36C"


def id_of(name: str) -> str:
    return str(DEVICES[name]["shelly"]["id"])


def mac_of(name: str) -> str:
    return str(DEVICES[name]["shelly"]["mac"]).lower()


def met(name: str, prefix: str | None = None) -> MqttHome:
    """A device of a later generation that has come to the broker."""
    prefix = prefix or id_of(name)
    home = MqttHome({prefix: DEVICES[name]})
    home.hear(f"{prefix}/online", "true", retained=True)
    return home


def announced(home: MqttHome, name: str) -> str:
    """A device of the first generation: what stands before its topics."""
    info = DEVICES[name]["shelly"]
    body = {
        "id": name,
        "model": info["type"],
        "mac": info["mac"],
        "ip": "192.168.33.7",
        "new_fw": False,
        "fw_ver": info["fw"],
    }
    home.hear("shellies/announce", body | ({"mode": info["mode"]} if "mode" in info else {}))
    return f"shellies/{name}"


def methods(publications: Sequence[Publication]) -> list[str]:
    return [json.loads(each.payload)["method"] for each in publications]


# The later generations.


@pytest.mark.parametrize("name", LATER)
def test_a_device_that_comes_to_the_broker_is_the_one_that_its_link_knows(name: str) -> None:
    home = met(name)
    linked = Shelly().hear(frame(name, "device", DEVICES[name]))
    over_link, over_mqtt = linked[0], home.advertisements[-1]
    assert isinstance(over_link, Advertisement)
    assert over_mqtt.entities == over_link.entities
    assert over_mqtt.aliases == over_link.aliases
    assert (over_mqtt.name, over_mqtt.model, over_mqtt.device_type) == (
        over_link.name,
        over_link.model,
        over_link.device_type,
    )
    assert over_mqtt.origin.dialect == "shelly_mqtt"
    assert home.rejected == []
    assert home.available == {mac_of(name): True}


def test_who_is_heard_is_asked_who_it_is_and_only_a_shelly_is_asked_more() -> None:
    home = met(PLUG)
    assert methods(home.asked) == [
        "Shelly.GetDeviceInfo",
        "Shelly.GetConfig",
        "Shelly.GetStatus",
        "Shelly.GetComponents",
    ]
    assert {json.loads(each.payload)["src"] for each in home.asked} == {"nexa-hub"}
    stranger = MqttHome()
    stranger.hear("kettle/online", "true")
    assert methods(stranger.asked) == ["Shelly.GetDeviceInfo"]
    for _ in range(20):
        stranger.hear("kettle/online", "true")
    assert len(stranger.asked) == TRIES_MAX
    stranger.hear("kettle/online", "yes")
    stranger.hear("nexa-hub/online", "true")
    assert len(stranger.asked) == TRIES_MAX


def test_only_the_topics_of_devices_that_are_known_are_subscribed_to() -> None:
    home = MqttHome({id_of(PLUG): DEVICES[PLUG], "house/hall/plug": DEVICES["shellyplus1-E465B8F3028C"]})
    at_start = set(home.topics)
    assert at_start == {"shellies/announce", "+/online", "+/+/online", "+/+/+/online", "+/events/rpc", "nexa-hub/rpc"}
    home.hear(f"{id_of(PLUG)}/online", "true")
    assert home.topics - at_start == {f"{id_of(PLUG)}/status/+"}
    home.hear("house/hall/plug/online", "true")
    assert home.topics - at_start == {
        f"{id_of(PLUG)}/status/+",
        "house/hall/plug/status/+",
        "house/hall/plug/events/rpc",
    }


def test_components_that_do_not_fit_on_one_page_are_all_asked_for() -> None:
    home = met(BIG)
    assert len(DEVICES[BIG]["components"]) > PAGE
    assert methods(home.asked).count("Shelly.GetComponents") == -(-len(DEVICES[BIG]["components"]) // PAGE)


def test_notifications_and_whole_statuses_become_states() -> None:
    home = met(PLUG)
    assert home.state(PLUG_MAC, "switch_0") == "off"
    body = {"src": id_of(PLUG), "dst": f"{id_of(PLUG)}/events", "method": "NotifyStatus"}
    home.hear(
        f"{id_of(PLUG)}/events/rpc",
        body | {"params": {"ts": 1.0, "switch:0": {"id": 0, "output": True, "apower": 8.9}}},
    )
    assert (home.state(PLUG_MAC, "switch_0"), home.state(PLUG_MAC, "switch_0_apower")) == ("on", "8.9")
    home.hear(
        f"{id_of(PLUG)}/status/switch:0", {"id": 0, "output": False, "apower": 0.0, "aenergy": {"total": 2690.73}}
    )
    assert (home.state(PLUG_MAC, "switch_0"), home.state(PLUG_MAC, "switch_0_aenergy_total")) == ("off", "2.69073")
    home.hear(f"{id_of(PLUG)}/status/wifi", {"sta_ip": "192.168.1.9", "rssi": -61})
    assert home.observed[PLUG_MAC]["signal_strength"] == -61


def test_presses_are_events() -> None:
    home = met(BIG)
    event = {"component": "input:0", "id": 0, "event": "double_push", "ts": 1.0}
    prefix = id_of(BIG)
    home.hear(f"{prefix}/events/rpc", {"src": prefix, "method": "NotifyEvent", "params": {"events": [event]}})
    assert [event.attributes for event in home.events] == [{"event_type": "double_push"}]


def test_a_device_whose_settings_changed_is_asked_again() -> None:
    home = met(PLUG)
    changed = json.loads(json.dumps(DEVICES[PLUG]))
    changed["settings"]["sys"]["device"]["name"] = "Pump"
    home.by_prefix[id_of(PLUG)] = changed
    event = {"component": "sys", "event": "config_changed", "cfg_rev": 28, "ts": 1.0}
    home.hear(f"{id_of(PLUG)}/events/rpc", {"src": "x", "method": "NotifyEvent", "params": {"events": [event]}})
    assert len(home.advertisements) == 2
    assert home.devices[PLUG_MAC].name == "Pump"


def test_a_topic_prefix_may_be_what_a_person_set_and_names_what_has_no_name() -> None:
    recorded = json.loads(json.dumps(DEVICES[PLUG]))
    recorded["shelly"]["name"] = recorded["settings"]["sys"]["device"]["name"] = None
    home = MqttHome({"shellies/server-pm": recorded})
    home.hear("shellies/server-pm/online", "true")
    assert home.devices[PLUG_MAC].name == "server-pm"
    home.hear(
        "shellies/server-pm/events/rpc",
        {"src": id_of(PLUG), "method": "NotifyStatus", "params": {"switch:0": {"output": True}}},
    )
    assert home.state(PLUG_MAC, "switch_0") == "on"
    (said,) = home.call(PLUG_MAC, "switch_0", "switch.turn_off")
    assert said.topic == "shellies/server-pm/rpc"


def test_a_device_whose_prefix_is_changed_stays_itself() -> None:
    home = met(PLUG)
    home.by_prefix["pump"] = DEVICES[PLUG]
    home.hear("pump/online", "true")
    assert [each.origin for each in home.advertisements] == [home.advertisements[0].origin] * 2
    assert f"{id_of(PLUG)}/status/+" not in home.topics
    (said,) = home.call(PLUG_MAC, "switch_0", "switch.turn_on")
    assert said.topic == "pump/rpc"


def test_commands_are_calls_and_what_is_refused_is_said_in_its_words() -> None:
    home = met(SHUTTER)
    (said,) = home.call(mac_of(SHUTTER), "cover_0", "cover.set_cover_position", position=30)
    body = json.loads(said.payload)
    assert (body["method"], body["params"], body["src"]) == ("Cover.GoToPosition", {"id": 0, "pos": 30}, "nexa-hub")
    # The recording knows no commands, and answers so.
    (refused,) = home.refused
    assert (refused.keys, refused.reason) == (("cover_0",), "It refuses: No handler for Cover.GoToPosition")
    (said,) = home.call(mac_of(SHUTTER), "reboot", "button.press")
    assert json.loads(said.payload)["method"] == "Shelly.Reboot"
    with pytest.raises(NotPossible, match="nothing that this can do"):
        home.call(mac_of(SHUTTER), "cover_0", "cover.dance")


def test_it_is_asked_for_its_state() -> None:
    home = met(PLUG)
    home.by_prefix[id_of(PLUG)] = DEVICES[PLUG] | {"status": {"switch:0": {"output": True}}}
    home.publish(home.driver.encode_refresh(home.devices[PLUG_MAC]))
    assert home.state(PLUG_MAC, "switch_0") == "on"


def test_its_last_will_makes_it_unavailable_and_its_return_is_asked_about() -> None:
    home = met(PLUG)
    home.hear(f"{id_of(PLUG)}/online", "false")
    assert home.available == {PLUG_MAC: False}
    asked = len(home.asked)
    home.hear(f"{id_of(PLUG)}/online", "true")
    assert home.available == {PLUG_MAC: True}
    assert len(home.asked) > asked


def test_a_device_that_sleeps_is_known_by_what_it_says_when_it_wakes_and_its_leave_is_no_loss() -> None:
    home = MqttHome()  # it never answers
    prefix = id_of(SLEEPER)
    full = {
        "src": prefix,
        "dst": f"{prefix}/events",
        "method": "NotifyFullStatus",
        "params": DEVICES[SLEEPER]["status"],
    }
    home.hear(f"{prefix}/events/rpc", full)
    assert home.state(SLEEPER_MAC, "temperature_0_tC") == "25.7"
    home.hear(f"{prefix}/online", "false")
    assert home.available == {SLEEPER_MAC: True}
    assert home.devices[SLEEPER_MAC].native["sleeps"] is True


def test_a_password_is_asked_for_in_words() -> None:
    home = MqttHome()
    home.hear("x/online", "true")
    home.hear("nexa-hub/rpc", {"id": 1, "src": "x", "error": {"code": 401, "message": "{}"}})
    (refused,) = home.rejected
    assert "password" in refused.reason


def test_after_a_restart_a_device_is_known_before_it_says_anything() -> None:
    before = met(LAMPS)
    home = MqttHome({id_of(LAMPS): DEVICES[LAMPS]})
    assert home.driver.restore(before.devices.values()) == (f"{id_of(LAMPS)}/status/+",)
    home.devices = before.devices
    home.hear(f"{id_of(LAMPS)}/status/rgb:0", {"id": 0, "output": True, "brightness": 50, "rgb": [255, 0, 0]})
    assert home.state(mac_of(LAMPS), "rgb_0") == "on"
    (said,) = home.call(mac_of(LAMPS), "rgb_0", "light.turn_on", brightness=128)
    assert json.loads(said.payload)["params"] == {"id": 0, "on": True, "brightness": 50}
    home.hear(f"{id_of(LAMPS)}/online", "true", retained=True)
    assert home.advertisements[-1] == before.advertisements[-1]


def test_a_device_that_its_link_serves_is_left_alone() -> None:
    home = met(PLUG)
    assert home.driver.release(home.devices[PLUG_MAC]) == (f"{id_of(PLUG)}/status/+",)
    asked = len(home.asked)
    assert home.hear(f"{id_of(PLUG)}/online", "true") == ()
    assert home.hear(f"{id_of(PLUG)}/events/rpc", {"method": "NotifyStatus", "params": {}}) == ()
    assert len(home.asked) == asked


# The first generation.


@pytest.mark.parametrize("name", EARLIER)
def test_a_device_of_the_first_generation_is_known_by_its_info(name: str) -> None:
    home = MqttHome()
    prefix = announced(home, name)
    assert f"{prefix}/#" in home.topics
    assert home.advertisements == []
    home.hear(f"{prefix}/info", DEVICES[name]["status"])
    linked = Shelly().hear(frame(name, "device", DEVICES[name]))[0]
    assert isinstance(linked, Advertisement)
    said = home.advertisements[-1]
    assert (said.aliases, said.model, said.firmware_version) == (linked.aliases, linked.model, linked.firmware_version)
    assert said.complete
    over_link = {entity.key for entity in linked.entities if not entity.key.startswith("input_")} - {"reboot"}
    # How its inputs are wired stands in its settings, which it does not say over MQTT; so does what a coloured strip is set to.
    assert {entity.key for entity in said.entities if not entity.key.startswith("input_")} == over_link
    assert home.rejected == []


@pytest.mark.parametrize("name", sorted(path.stem for path in CAPTURES.glob("*.txt")))
def test_a_device_that_says_no_info_is_known_once_it_repeats_itself(name: str) -> None:
    home = MqttHome()
    messages = captured(name)
    home.take_all(messages)
    home.take_all(messages)
    assert home.rejected == []
    (device,) = home.devices.values()
    assert {entity.key for entity in device.entities} >= _EXPECTED[name].keys()
    mac = device.origin.native_id
    for key, state in _EXPECTED[name].items():
        assert home.state(mac, key) == state, key


_EXPECTED = {
    "dimmer": {"light_0": "on", "device_tmp_tC": "39.18"},
    "2": {"relay_0": "on", "relay_1": "off", "meter_0_power": "16.62", "meter_0_total": "3.0087", "input_1_input": "off"},
    "door_window": {"device_sensor_state": "on", "device_lux_value": "46", "device_bat_value": "94"},
    "colour_bulb": {"light_0": "on", "meter_0_power": "1.25", "meter_0_total": "0.00035"},
    "plug_s": {"relay_0": "on", "meter_0_power": "37.71", "meter_0_total": "46.719217", "device_overtemperature": "off"},
    "em": {"relay_0": "on", "emeter_0_power": "34.42", "emeter_1_total": "0.01234", "emeter_1_total_returned": "0.03425"},
    "1_addon": {"relay_0": "off", "ext_temperature_0_tC": "35.38", "ext_temperature_2_tC": "28.19"},
}  # fmt: skip


def test_what_devices_of_the_first_generation_say_becomes_states() -> None:
    home = MqttHome()
    prefix = announced(home, RELAYS)
    home.hear(f"{prefix}/info", DEVICES[RELAYS]["status"])
    mac = mac_of(RELAYS)
    home.hear(f"{prefix}/relay/0", "on")
    home.hear(f"{prefix}/relay/0/power", "60.5")
    home.hear(f"{prefix}/relay/0/energy", "60000")
    home.hear(f"{prefix}/temperature", "48.2")
    assert (home.state(mac, "relay_0"), home.state(mac, "meter_0_power")) == ("on", "60.5")
    assert (home.state(mac, "meter_0_total"), home.state(mac, "device_tmp_tC")) == ("1", "48.2")
    home.hear(f"{prefix}/relay/0", "overpower")
    assert (home.state(mac, "relay_0"), home.state(mac, "relay_0_overpower")) == ("off", "on")
    home.hear(f"{prefix}/online", "false")
    assert home.available == {mac: False}


def test_a_roller_says_where_it_is() -> None:
    home = MqttHome()
    home.hear(
        "shellies/announce",
        {"id": "shellyswitch25-1", "model": "SHSW-25", "mac": "C45BBE000001", "fw_ver": "x/v1.14.0", "mode": "roller"},
    )
    for _ in range(2):
        home.hear("shellies/shellyswitch25-1/roller/0", "stop")
        home.hear("shellies/shellyswitch25-1/roller/0/pos", "30")
    assert home.state("c45bbe000001", "roller_0") == "open"
    assert home.attributes("c45bbe000001", "roller_0")["current_position"] == 30
    home.hear("shellies/shellyswitch25-1/roller/0", "close")
    assert home.state("c45bbe000001", "roller_0") == "closing"
    for action, topic, payload in [
        ("cover.open_cover", "roller/0/command", b"open"),
        ("cover.stop_cover", "roller/0/command", b"stop"),
    ]:
        (said,) = home.call("c45bbe000001", "roller_0", action)
        assert (said.topic, said.payload) == (f"shellies/shellyswitch25-1/{topic}", payload)
    (said,) = home.call("c45bbe000001", "roller_0", "cover.set_cover_position", position=70)
    assert (said.topic, said.payload) == ("shellies/shellyswitch25-1/roller/0/command/pos", b"70")


def test_devices_of_the_first_generation_are_told_as_they_understand_it() -> None:
    home = MqttHome()
    home.take_all(captured("colour_bulb") * 2)
    bulb = "483fda927f7e"
    prefix = "shellies/shellycolorbulb-483FDA927F7E"
    (said,) = home.call(bulb, "light_0", "light.turn_on", rgb_color=[0, 0, 255], brightness=128)
    assert said.topic == f"{prefix}/color/0/set"
    wanted = {"turn": "on", "red": 0, "green": 0, "blue": 255, "mode": "color", "gain": 50}
    assert json.loads(said.payload) == wanted
    (said,) = home.call(bulb, "light_0", "light.turn_off")
    assert (said.topic, said.payload) == (f"{prefix}/color/0/command", b"off")
    home.take_all(captured("2") * 2)
    (said,) = home.call("807d3a5b2604", "relay_1", "switch.toggle")
    assert (said.topic, said.payload) == ("shellies/shellyswitch-5B2604/relay/1/command", b"toggle")
    (said,) = home.call("807d3a5b2604", "update", "update.install")
    assert (said.topic, said.payload) == ("shellies/shellyswitch-5B2604/command", b"update_fw")
    asked = home.driver.encode_refresh(home.devices["807d3a5b2604"])
    assert [each.payload for each in asked] == [b"announce", b"update"]


def test_the_driver_that_is_loaded_late_listens_as_the_one_that_stands_for_it() -> None:
    late = next(each for each in default_drivers() if each.dialect == "shelly_mqtt")
    assert isinstance(late, LateListener)
    assert late.subscriptions() == ShellyMqtt().subscriptions()
    assert late.greetings() == tuple(ShellyMqtt().greetings())
    topics = [
        "plug/online",
        "shellies/x/online",
        "a/b/c/online",
        "plug/events/rpc",
        "nexa-hub/rpc",
        "shellies/announce",
    ]
    others = ["online", "zigbee2mqtt/lamp", "plug/events/rp", "a/status/b"]
    assert [each for each in (*topics, *others) if late.wants(each)] == topics
    assert [each for each in (*topics, *others) if late.driver.wants(each)] == topics
    assert [each for each in topics if not late.wants(each)] == []


def test_everybody_of_the_first_generation_is_asked_to_announce_itself_when_the_broker_is_there() -> None:
    assert MqttHome().driver.greetings() == [Publication("shellies/command", b"announce")]


def test_presses_of_the_first_generation_are_events_and_those_before_our_time_are_none() -> None:
    home = MqttHome()
    prefix = announced(home, "shellyix3-C45BBE5FF845")
    home.hear(f"{prefix}/info", DEVICES["shellyix3-C45BBE5FF845"]["status"])
    home.events.clear()
    count = DEVICES["shellyix3-C45BBE5FF845"]["status"]["inputs"][0]["event_cnt"]
    home.hear(f"{prefix}/input_event/0", {"event": "SS", "event_cnt": count})
    assert home.events == []
    home.hear(f"{prefix}/input_event/0", {"event": "SS", "event_cnt": count + 1})
    assert [event.attributes for event in home.events] == [{"event_type": "double"}]


def test_after_a_restart_a_device_of_the_first_generation_loses_nothing() -> None:
    before = MqttHome()
    prefix = announced(before, RELAYS)
    before.hear(f"{prefix}/info", DEVICES[RELAYS]["status"])
    home = MqttHome()
    assert home.driver.restore(before.devices.values()) == (f"{prefix}/#",)
    home.hear(f"{prefix}/relay/1", "on")
    assert home.state(mac_of(RELAYS), "relay_1") == "on"
    announced(home, RELAYS)
    home.hear(f"{prefix}/relay/0", "on")
    assert home.advertisements == []
    home.hear(f"{prefix}/info", DEVICES[RELAYS]["status"])
    assert home.state(mac_of(RELAYS), "relay_0") == "off"


def test_a_sensor_that_is_plugged_in_later_is_added_and_nothing_is_lost_that_was_not_said_again() -> None:
    before = MqttHome()
    before.take_all(captured("2") * 2)
    home = MqttHome()
    home.driver.restore(before.devices.values())
    home.hear("shellies/shellyswitch-5B2604/ext_temperature/0", "21.5")
    home.hear("shellies/shellyswitch-5B2604/relay/1", "off")
    assert home.advertisements == []
    home.hear("shellies/shellyswitch-5B2604/relay/1", "on")
    (added,) = home.advertisements
    assert not added.complete
    assert home.state("807d3a5b2604", "ext_temperature_0_tC") == "21.5"
    home.hear("shellies/shellyswitch-5B2604/input/0", "1")
    assert home.state("807d3a5b2604", "input_0_input") == "on"


# Whatever may come.


def test_nothing_grows_without_bound() -> None:
    home = MqttHome()
    driver = home.driver
    for number in range(6_000):
        driver.decode(message(f"stranger{number}/online", "true"))
        driver.decode(message("shellies/announce", {"id": f"x-{number}", "mac": f"{number:012x}"}))
    assert len(driver._known_by_prefix) == 2_000
    assert len(driver._asking._pending) <= PENDING_MAX
    assert len(driver._asking._tries_by_prefix) <= 2_000
    prefix = "shellies/x-1"
    for number in range(3_000):
        driver.decode(message(f"{prefix}/relay/{number}", "on"))
        driver.decode(message(f"{prefix}/ext_temperature/{number}", "20"))
    known = driver._known_by_prefix[prefix]
    assert len(known.member.statuses) <= 128
    assert len(known.heard) <= 200
    assert len(known.natives) <= 250


@pytest.mark.parametrize(
    "payload",
    ["", "{", "null", "[]", "1", '"x"', '{"id": {}}', '{"mac": 5}', '{"id": 1}', '{"id": 1, "result": []}', '{"id": true, "error": 3}',
     '{"id":"a/b","mac":"C45BBE000001"}', '{"id":"","mac":"C45BBE000001"}', '{"method": 7, "params": 1}', "x" * 70_000, "\x00\xff"],
)  # fmt: skip
def test_what_is_damaged_is_refused_in_words_and_harms_nothing(payload: str) -> None:
    home = met(PLUG)
    announced(home, RELAYS)
    for topic in ("shellies/announce", "nexa-hub/rpc", f"{id_of(PLUG)}/events/rpc", f"{id_of(PLUG)}/online", f"{id_of(PLUG)}/status/switch:0",
                  f"shellies/{RELAYS}/info", f"shellies/{RELAYS}/relay/0", f"shellies/{RELAYS}/input_event/0", "shellies//announce", "/online"):  # fmt: skip
        home.driver.decode(message(topic, payload))
    assert home.state(PLUG_MAC, "switch_0") == "off"
    home.hear(f"{id_of(PLUG)}/status/switch:0", {"output": True})
    assert home.state(PLUG_MAC, "switch_0") == "on"


def test_an_answer_to_nothing_that_was_asked_is_passed_over() -> None:
    home = met(PLUG)
    info = {"id": 999, "src": "x", "result": {"mac": "C45BBE000001"}}
    assert home.hear("nexa-hub/rpc", info) == ()
    assert home.hear("nexa-hub/rpc", {"id": 1, "method": "Shelly.GetDeviceInfo"}) == ()


def test_a_message_about_a_known_device_is_decoded_without_asking_anything() -> None:
    home = met(PLUG)
    body = {"src": "x", "method": "NotifyStatus", "params": {"switch:0": {"output": True}}}
    decoded = home.hear(f"{id_of(PLUG)}/events/rpc", body)
    assert not [each for each in decoded if isinstance(each, Inquire | AvailabilityReported)]
