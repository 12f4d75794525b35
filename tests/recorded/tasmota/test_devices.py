"""What becomes of the setups that devices announce: entities, aliases, topics, and what goes away again."""

from typing import Any

import pytest

from hub_agent.drivers.tasmota import Tasmota
from hub_agent.model.device import Advertisement, Alias, DeviceType
from hub_agent.model.report import AvailabilityReported, DeviceGone, Rejected, Reported, Subscribe, Unsubscribe

TOPIC = "tasmota/discovery/00000049A3BC/config"


def test_a_setup_names_the_device_its_aliases_and_the_topics_it_talks_on(home) -> None:
    home.announce({"rl": [1]})
    said = home.advertisement
    assert (said.name, said.model, said.firmware_version, said.device_type) == (
        "Tasmota",
        "Sonoff Basic",
        "9.4.0.4",
        DeviceType.SWITCH,
    )
    assert said.aliases == (Alias("mac", "00000049a3bc"), Alias("discovery_id", "49A3BC"))
    assert home.driver.wants("tasmota_49A3BC/tele/STATE")
    assert not home.driver.wants("tasmota_49A3BC/cmnd/POWER")
    assert home.driver.subscriptions() == ("tasmota/discovery/+/config", "tasmota/discovery/+/sensors")


def test_topics_are_asked_for_once_and_given_back_when_they_change(home) -> None:
    home.announce({"rl": [1]})
    decoded = home.hear(TOPIC, {**home.setup, "t": "other"})
    assert Unsubscribe(("tasmota_49A3BC/tele/+", "tasmota_49A3BC/stat/+")) in decoded
    assert Subscribe(("other/tele/+", "other/stat/+")) in decoded


def test_the_only_function_bears_the_name_of_the_device_and_several_their_own(new_home) -> None:
    assert new_home().announce({"rl": [1]}).entity("switch_1").name is None
    several = new_home().announce({"rl": [1, 1, 2, 0], "lt_st": 1, "fn": ["Tasmota", "Beer", None]})
    assert [several.entity(key).name for key in ("switch_1", "switch_2", "light_3")] == ["Switch 1", "Beer", "Light 3"]


@pytest.mark.parametrize(
    "setup, so, keys",
    [
        ({"rl": [1, 1]}, {}, ["switch_1", "switch_2"]),
        ({"rl": [1, 1]}, {"30": 1}, ["light_1", "light_2"]),
        ({"rl": [2], "lt_st": 5}, {}, ["light_1"]),
        ({"rl": [1, 2, 2], "lt_st": 5, "lk": 0}, {}, ["switch_1", "light_2", "light_3"]),
        ({"rl": [2, 2, 2], "lt_st": 3}, {"68": 1}, ["light_1", "light_2", "light_3"]),
        ({"rl": [3, 3, 3, 3, 1]}, {"80": 1}, ["switch_5", "cover_1", "cover_2"]),
        ({"rl": [1, 0, 0, 0], "if": 1}, {}, ["light_1", "fan"]),
        ({"rl": [2, 0, 0, 0], "if": 1, "lt_st": 1}, {}, ["light_1", "fan"]),
        ({"swc": [1, 0, 5, -1, 8]}, {"114": 1}, ["input_1", "switch_presses_2", "input_3", "switch_presses_3", "switch_presses_5"]),
        ({"btn": [1, 0, 1]}, {"73": 1}, ["button_1", "button_3"]),
        ({"btn": [1]}, {}, []),
    ],
)  # fmt: skip
def test_relays_lights_shutters_inputs_and_buttons_become_entities(
    home, setup: dict[str, Any], so: dict[str, int], keys: list[str]
) -> None:
    home.announce({"rl": [], **setup}, so=so)
    assert home.key_list() == [*keys, "signal_strength", "uptime", "reboot", "identify"]


def test_a_button_that_acts_at_once_knows_only_single_presses(home) -> None:
    home.announce({"btn": [1]}, so={"73": 1, "13": 1})
    assert home.entity("button_1").capabilities["event"].options == ("single",)


def test_sensors_that_come_before_their_device_wait_for_it(home) -> None:
    home.hear(
        "tasmota/discovery/00000049A3BC/sensors", {"sn": {"DHT11": {"Temperature": None}, "TempUnit": "C"}, "ver": 1}
    )
    assert [one.code for one in home.driver.unexplained()] == ["config_missing"]
    home.announce()
    assert "sensor_dht11_temperature" in home.key_list()
    assert home.driver.unexplained() == ()


def test_a_repeated_announcement_says_nothing_new(home) -> None:
    home.announce({"rl": [1]})
    assert home.hear(TOPIC, {**home.setup}) == ()


def test_an_empty_announcement_takes_the_device_away(home) -> None:
    home.announce({"rl": [1]})
    gone = home.hear(TOPIC, b"")
    assert [type(each) for each in gone] == [DeviceGone, Unsubscribe]
    assert not home.driver.wants("tasmota_49A3BC/tele/STATE")


def test_a_device_that_was_released_is_heard_no_more(home) -> None:
    home.announce({"rl": [1]})
    assert home.driver.release(home.device) == ("tasmota_49A3BC/tele/+", "tasmota_49A3BC/stat/+")
    assert home.hear(TOPIC, {**home.setup, "sw": "15"}) == ()


def test_what_the_mirror_kept_is_enough_to_go_on(home, new_home) -> None:
    home.announce({"rl": [1]}, {"DHT11": {"Temperature": None}, "TempUnit": "F"})
    again = new_home(Tasmota())
    assert again.driver.restore([home.device]) == ("tasmota_49A3BC/tele/+", "tasmota_49A3BC/stat/+")
    again.advertisement = home.advertisement
    assert again.say("tele/STATE", {"POWER": "ON"}) == {"switch_1": ("on", {})}
    assert again.say("tele/SENSOR", {"DHT11": {"Temperature": 50}}) == {"sensor_dht11_temperature": ("10", {})}
    assert again.tell("switch_1", "switch.turn_off") == [("Power1", "OFF")]
    # The setup comes again before the sensors do: these are still there.
    again.announce({"rl": [1]})
    assert "sensor_dht11_temperature" in again.key_list()


def test_a_command_is_possible_before_the_device_has_spoken(home) -> None:
    home.announce({"rl": [1]})
    device = home.device
    entity = device.entities[0]
    assert Tasmota().encode(device, entity, "switch.turn_on", {})[0].topic == "tasmota_49A3BC/cmnd/Power1"


@pytest.mark.parametrize(
    "change, code",
    [
        ({"mac": "x"}, "key_wrong"),
        ({"mac": "00000049A3BD"}, "mac_differs"),
        ({"tp": ["cmnd"]}, "key_wrong"),
        ({"ft": "%topic%/"}, "key_wrong"),
        ({"ft": None}, "key_missing"),
        ({"t": "+"}, "key_wrong"),
    ],
)
def test_a_setup_that_cannot_be_used_is_refused_and_the_last_good_one_stays(
    home, change: dict[str, Any], code: str
) -> None:
    home.announce({"rl": [1]})
    (rejected,) = home.hear(TOPIC, {**home.setup, **change})
    assert isinstance(rejected, Rejected)
    assert rejected.code == code
    assert home.say("tele/STATE", {"POWER": "ON"}) == {"switch_1": ("on", {})}


def test_two_devices_with_one_topic_are_told_apart_by_nobody(home) -> None:
    home.announce({"rl": [1]})
    (rejected,) = home.hear("tasmota/discovery/0000000000AA/config", {**home.setup, "mac": "0000000000AA"})
    assert (rejected.code, "00000049A3BC" in rejected.reason) == ("topic_taken", True)


def test_the_last_will_says_whether_it_can_be_reached(home) -> None:
    home.announce({"rl": [1]})
    origin = home.advertisement.origin
    assert home.hear("tasmota_49A3BC/tele/LWT", "Online") == [AvailabilityReported(origin, is_available=True)]
    assert home.hear("tasmota_49A3BC/tele/LWT", "Offline", retained=True) == [
        AvailabilityReported(origin, is_available=False)
    ]
    assert home.hear("tasmota_49A3BC/tele/LWT", "") == ()


def test_a_device_that_sleeps_is_not_lost_while_it_sleeps(home) -> None:
    home.announce({"dslp": 1})
    assert home.hear("tasmota_49A3BC/tele/LWT", "Offline") == ()


def test_a_full_topic_of_ones_own_is_understood(home) -> None:
    decoded = home.hear(TOPIC, {**home.setup, "ft": "home/%prefix%/%hostname%/%id%"})
    assert Subscribe(("home/tele/tasmota_49A3BC-0956/49A3BC/+", "home/stat/tasmota_49A3BC-0956/49A3BC/+")) in decoded


def test_firmware_address_and_link_are_observed(home) -> None:
    home.announce()
    seen = [
        home.hear("tasmota_49A3BC/stat/STATUS2", {"StatusFWR": {"Version": "13.2.0(tasmota32)"}}),
        home.hear("tasmota_49A3BC/stat/STATUS5", {"StatusNET": {"IPAddress": "10.5.0.231"}}),
        home.hear("tasmota_49A3BC/tele/STATE", {"UptimeSec": 8, "Wifi": {"RSSI": 76, "Signal": -62}}),
    ]
    reports = [each for decoded in seen for each in decoded if isinstance(each, Reported)]
    assert [dict(report.observed) for report in reports] == [
        {"firmware_version": "13.2.0"},
        {"ip_address": "10.5.0.231"},
        {"signal_strength": 76},
    ]
    assert [(each.key, each.state) for each in reports[2].entities] == [("signal_strength", "-62"), ("uptime", "8")]


def test_a_new_device_is_asked_for_everything(home) -> None:
    home.announce()
    asked = [(each.topic.rpartition("/")[2], each.payload) for each in home.driver.encode_refresh(home.device)]
    assert asked == [("STATE", b""), ("STATUS", b"10"), ("STATUS", b"")]


def test_the_advertisement_is_whole(home) -> None:
    home.announce({"rl": [1]})
    assert isinstance(home.advertisement, Advertisement)
    assert home.advertisement.complete
