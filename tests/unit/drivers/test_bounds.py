"""What damaged messages once did to drivers: each was found by tests/property/test_damage.py."""

import orjson
import pytest

from hub_agent.drivers import identification
from hub_agent.drivers.homeassistant import HomeAssistantDiscovery
from hub_agent.drivers.homie import Homie
from hub_agent.drivers.vocabulary import kelvin_of, mireds_of
from hub_agent.model.device import Advertisement
from hub_agent.model.link import Service
from hub_agent.model.report import MqttMessage, Rejected, Reported
from tests.recorded.zigbee2mqtt import wire
from tests.recorded.zigbee2mqtt.test_states import COVER, RGB, feature

# JSON is read to 1,024 levels and written to 254: what is kept of a device must be far from both.
DEEP = b"[" * 300 + b"]" * 300


@pytest.mark.parametrize("number", [0, -1, 1e-320, 1e308, float("inf"), float("nan")])
def test_a_colour_temperature_that_no_light_can_mean_is_a_number_all_the_same(number: float) -> None:
    assert 1 <= kelvin_of(number) <= 1_000_000
    assert 1 <= mireds_of(number) <= 1_000_000


def said(name: str, payload: bytes, *exposes: object) -> list[Reported]:
    driver, _ = wire.bridge_with(wire.entry("0x1", name, {"model": "M", "exposes": list(exposes)}))
    return [one for one in driver.decode(MqttMessage(f"zigbee2mqtt/{name}", payload)) if isinstance(one, Reported)]


@pytest.mark.parametrize(
    "payload",
    [b'{"brightness":1e308}', b'{"color_temp":1e-320}', b'{"":7,"state":"ON"}', b'{"color":{"x":1e308,"y":1e-308}}'],
)
def test_numbers_beyond_all_measure_and_keys_without_a_name_leave_a_light_what_it_is(payload: bytes) -> None:
    for reported in said("Lamp", payload, RGB):
        for report in reported.entities:
            orjson.dumps(report.attributes)
            assert report.attributes.get("brightness", 0) in range(256)


def test_a_hue_beyond_the_circle_is_its_end() -> None:
    [reported] = said("Lamp", b'{"state":"ON","color_mode":"hs","color":{"hue":9999,"saturation":-4}}', RGB)
    assert list(reported.entities[0].attributes["hs_color"]) == [360, 0]  # type: ignore[arg-type]


def test_a_cover_beyond_its_ends_is_at_its_end() -> None:
    [reported] = said("Blind", b'{"position":255,"state":"OPEN"}', COVER)
    assert reported.entities[0].attributes["current_position"] == 100


@pytest.mark.parametrize("value", [b"1e300", b'"1e300"', b'"' + b"9" * 5_000 + b'"'])
def test_a_sensor_beyond_all_measure_says_nothing(value: bytes) -> None:
    reported = said("Probe", b'{"temperature":%s}' % value, feature("numeric", "temperature", unit="C"))
    assert [each.entities for each in reported] == [()]


def test_what_is_kept_of_a_discovery_message_can_be_written_down() -> None:
    driver = HomeAssistantDiscovery()
    config = b'{"state_topic":"a","unique_id":"u","x":%s}' % DEEP
    [refused] = driver.decode(MqttMessage("homeassistant/sensor/u/config", config))
    assert isinstance(refused, Rejected)
    assert refused.code == "too_deep"


@pytest.mark.parametrize("value", [DEEP, b'"' + b"x" * 70_000 + b'"'])
@pytest.mark.parametrize("kind", ["sensor", "vacuum", "event"])
def test_attributes_too_deep_or_too_long_to_be_kept_are_not_taken(kind: str, value: bytes) -> None:
    driver = HomeAssistantDiscovery()
    config = {"state_topic": "s", "json_attributes_topic": "a", "unique_id": "u", "event_types": ["x"]}
    driver.decode(MqttMessage(f"homeassistant/{kind}/u/config", orjson.dumps(config)))
    for topic in ("s", "a"):
        payload = b'{"event_type":"x","battery_level":%s}' % value
        for one in driver.decode(MqttMessage(topic, payload)):
            if isinstance(one, Reported):
                assert all(len(orjson.dumps(report.attributes)) < 1_000 for report in one.entities)


def test_the_words_of_a_button_are_cut() -> None:
    driver = HomeAssistantDiscovery()
    config = {
        "automation_type": "trigger",
        "topic": "t",
        "type": "x" * 5_000,
        "subtype": "y" * 5_000,
        "device": {"identifiers": "d"},
    }
    [device] = [
        one
        for one in driver.decode(MqttMessage("homeassistant/device_automation/u/config", orjson.dumps(config)))
        if isinstance(one, Advertisement)
    ]
    assert len(device.entities[0].name or "") <= 255
    assert len(device.entities[0].capabilities["event"].options[0]) <= 255


def test_what_is_kept_of_a_homie_description_can_be_written_down() -> None:
    [refused] = Homie().decode(MqttMessage("homie/5/lamp/$description", b'{"homie":"5.0","nodes":%s}' % DEEP))
    assert isinstance(refused, Rejected)
    assert refused.code == "too_deep"


def test_a_machine_that_announces_thousands_of_addresses_is_known_by_its_first() -> None:
    hosts = tuple(f"10.0.{number // 256}.{number % 256}" for number in range(3_000))
    found = identification.identify(Service("mdns", "_hue._tcp.local.", "Hue", ("", *hosts, "x" * 900), 2**63))
    assert found is not None
    assert len(found.hosts) <= 16
    assert found.port is None
