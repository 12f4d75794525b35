"""What real strips said becomes lights with their effects, and every command to them a state that is asked for."""

from typing import Any

import pytest

from hub_agent.drivers.wled import Wled
from hub_agent.errors import NotPossible
from hub_agent.model.device import Advertisement, Device, DeviceType, Entity
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.model.report import EntityReport, Rejected, Reported
from tests.recorded.wled.corpus import corpus, frame, strips

STRIPS = strips()


class Met:
    """A strip after it has told everything."""

    def __init__(self, name: str, **changed: Any) -> None:
        self.driver = Wled()
        self.name = name
        said = self.driver.hear(frame(name, "device", STRIPS[name] | changed))
        assert isinstance(said[0], Advertisement)
        assert isinstance(said[1], Reported)
        self.advertisement, self.observed = said[0], said[1].observed
        self.reports = {report.key: report for report in said[1].entities}

    def update(self, **state: Any) -> dict[str, EntityReport]:
        body = {"state": STRIPS[self.name]["state"] | state, "info": STRIPS[self.name]["info"]}
        (said,) = self.driver.hear(frame(self.name, "update", body))
        assert isinstance(said, Reported)
        return {report.key: report for report in said.entities}

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


@pytest.mark.parametrize("name", sorted(STRIPS))
def test_every_strip_is_a_light_that_says_something(name: str) -> None:
    met = Met(name)
    said = met.advertisement
    assert said.device_type == DeviceType.LIGHT
    assert said.aliases[0].value == STRIPS[name]["info"]["mac"]
    assert said.native == {"peer": name}
    assert met.reports["main"].state == ("on" if STRIPS[name]["state"]["on"] else "off")
    silent = {e.key for e in said.entities if e.domain != "button"} - met.reports.keys()
    assert not silent
    for entity in said.entities:
        assert entity.capabilities
        assert entity.domain != "sensor" or len(entity.capabilities) == 1


def test_the_only_segment_is_the_strip_and_one_brightness_stands_upon_the_other() -> None:
    met = Met("versions_0.15.4")
    assert met.reports["main"].attributes["brightness"] == 128
    assert met.reports["main"].attributes["rgb_color"] == [255, 160, 0]
    assert met.reports["main"].attributes["effect"] == "Solid"
    dim = [STRIPS["versions_0.15.4"]["state"]["seg"][0] | {"bri": 128}]
    assert met.update(bri=128, seg=dim)["main"].attributes["brightness"] == 64
    assert met.update(on=False)["main"].attributes["brightness"] is None
    assert met.observed == {"signal_strength": 76, "ip_address": "10.10.10.120", "firmware_version": "0.15.4"}


def test_several_segments_are_a_light_each_and_the_strip_dims_them_all() -> None:
    met = Met("rgb")
    lights = {e.key: e.name for e in met.advertisement.entities if e.domain == "light"}
    assert lights == {"main": None, "segment_0": "Ceiling", "segment_1": "Segment 2"}
    assert met.ask("segment_1", "light.turn_on", brightness=100) == {
        "on": True,
        "seg": [{"id": 1, "on": True, "bri": 100}],
    }
    assert met.ask("segment_1", "light.turn_off") == {"seg": [{"id": 1, "on": False}]}
    with pytest.raises(NotPossible, match="ask one of its segments"):
        met.ask("main", "light.turn_on", rgb_color=[1, 2, 3])


def test_a_strip_of_warm_and_cold_white_has_its_temperature_in_kelvin() -> None:
    met = Met("cct")
    light = next(entity for entity in met.advertisement.entities if entity.key == "main")
    assert "color_temp" in light.capabilities
    asked = met.ask("main", "light.turn_on", color_temp_kelvin=1900 + 32 * 100)
    assert asked["seg"][0]["cct"] == 100


def test_white_leds_beside_the_coloured_ones_keep_what_they_are_told() -> None:
    met = Met("rgbw")
    assert len(met.reports["main"].attributes["rgbw_color"]) == 4  # type: ignore[arg-type]
    assert met.ask("main", "light.turn_on", rgbw_color=[1, 2, 3, 4])["seg"][0]["col"] == [[1, 2, 3, 4]]


@pytest.mark.parametrize(
    "key,action,data,body",
    [
        ("main", "light.turn_on", {}, {"on": True, "seg": [{"id": 0, "on": True}]}),
        ("main", "light.turn_off", {"transition": 2}, {"on": False, "tt": 20}),
        ("main", "light.turn_on", {"brightness": 51, "effect": "Rainbow"},
         {"on": True, "bri": 51, "seg": [{"id": 0, "on": True, "bri": 255, "fx": 9}]}),
        ("main", "light.turn_on", {"brightness": 0}, {"on": False}),
        ("segment_0_pal", "select.select_option", {"option": "Lava"}, {"seg": [{"id": 0, "pal": 8}]}),
        ("segment_0_sx", "number.set_value", {"value": 9}, {"seg": [{"id": 0, "sx": 9}]}),
        ("segment_0_rev", "switch.turn_on", {}, {"seg": [{"id": 0, "rev": True}]}),
        ("preset", "select.select_option", {"option": "My Preset"}, {"ps": 1}),
        ("playlist", "select.select_option", {"option": "My Playlist"}, {"ps": 2}),
        ("nightlight", "switch.toggle", {}, {"nl": {"on": True}}),
        ("nightlight_duration", "number.set_value", {"value": 30}, {"nl": {"dur": 30}}),
        ("sync_send", "switch.turn_on", {}, {"udpn": {"send": True}}),
        ("live_override", "select.select_option", {"option": "until_restart"}, {"lor": 2}),
        ("reboot", "button.press", {}, {"rb": True}),
    ],
)  # fmt: skip
def test_an_action_becomes_the_state_that_is_asked_for(key: str, action: str, data: Any, body: Any) -> None:
    assert Met("versions_0.15.4").ask(key, action, **data) == body


def test_what_cannot_be_done_is_said_in_words() -> None:
    met = Met("versions_0.15.4")
    with pytest.raises(NotPossible, match="no effect 'Nonsense'"):
        met.ask("main", "light.turn_on", effect="Nonsense")
    with pytest.raises(NotPossible, match="no colour temperature"):
        met.ask("main", "light.turn_on", color_temp_kelvin=3000)
    with pytest.raises(NotPossible, match="from 0 to 255"):
        met.ask("segment_0_sx", "number.set_value", value=256)


def test_presets_of_one_name_are_told_apart() -> None:
    met = Met("rgb", presets={"0": {}, "1": {"n": "Red"}, "7": {"n": "Red"}})
    preset = next(entity for entity in met.advertisement.entities if entity.key == "preset")
    assert preset.capabilities["preset"].options == ("Red (1)", "Red (7)")


def test_after_a_restart_a_strip_is_understood_before_it_has_described_itself() -> None:
    met = Met("versions_0.15.4")
    fresh = Wled()
    fresh.restore([device_of(met.advertisement)])
    body = {"state": STRIPS[met.name]["state"], "info": STRIPS[met.name]["info"]}
    (said,) = fresh.hear(frame(met.name, "update", body))
    assert isinstance(said, Reported)
    assert {report.key for report in said.entities} == met.reports.keys()


def test_the_corpus_is_understood_without_a_complaint() -> None:
    driver = Wled()
    assert [each for one in corpus() for each in driver.hear(one) if isinstance(each, Rejected)] == []
