"""What LIFX devices say, and what is asked of them."""

from collections.abc import Iterable
from typing import Any

import pytest

from hub_agent.adapters.links.lifx import GetRelay, SetRelay, StateRelay
from hub_agent.drivers.identification import identify
from hub_agent.drivers.lifx import Lifx
from hub_agent.errors import NotPossible
from hub_agent.model.device import Advertisement, Alias, Device, DeviceType
from hub_agent.model.link import Frame, Request, Service
from hub_agent.model.report import Decoded, Rejected, Reported
from tests.recorded.lifx.corpus import corpus
from tests.recorded.zigbee2mqtt.wire import device_of, entity_of, states

COLOR, WARMTH, INFRARED, CLEAN, STRIP, TILE, SWITCH = (f"d073d500000{number}" for number in range(1, 8))


def heard(driver: Lifx, frames: Iterable[Frame]) -> list[Decoded]:
    return [decoded for frame in frames for decoded in driver.hear(frame)]


@pytest.fixture
def home() -> tuple[Lifx, dict[str, Device]]:
    driver = Lifx()
    decoded = heard(driver, corpus())
    assert not [one for one in decoded if isinstance(one, Rejected)]
    return driver, {one.origin.native_id: device_of(one) for one in decoded if isinstance(one, Advertisement)}


def asked(home: tuple[Lifx, dict[str, Device]], serial: str, key: str, action: str, **data: Any) -> Any:
    driver, devices = home
    (request,) = driver.encode(devices[serial], entity_of(devices[serial], key), action, data)
    assert isinstance(request, Request)
    assert request.peer == serial
    return request.body


def test_every_family_has_what_it_can_do(home: tuple[Lifx, dict[str, Device]]) -> None:
    _, devices = home
    can = {
        serial: sorted(name for entity in device.entities for name in entity.capabilities if name != "press")
        for serial, device in devices.items()
    }
    lamp = ["brightness", "color", "color_temp", "on"]
    assert can == {
        COLOR: lamp,
        WARMTH: ["brightness", "color_temp", "on"],
        INFRARED: [*lamp, "value"],
        CLEAN: lamp,
        STRIP: lamp,
        TILE: lamp,
        SWITCH: ["on"] * 4,
    }
    warmth = entity_of(devices[WARMTH], "light").capabilities["color_temp"]
    assert (warmth.min, warmth.max, warmth.unit) == (1500, 9000, "K")


def test_a_group_is_where_the_lamp_is() -> None:
    advertised = [one for one in heard(Lifx(), corpus()) if isinstance(one, Advertisement)]
    assert advertised[-1].suggested_area == "Hall"
    assert advertised[-1].aliases == (Alias("mac", "d073d5000008"), Alias("serial", SWITCH))
    assert advertised[-1].device_type == DeviceType.SWITCH


def test_relays_that_do_not_answer_are_not_told() -> None:
    said = states(heard(Lifx(), corpus()))
    assert {key: state for key, (state, _) in said.items() if key.startswith("relay")} == {
        "relay_0": "on",
        "relay_1": "off",
        "relay_3": "off",
    }


def test_the_strength_of_the_signal_is_observed() -> None:
    assert {"signal_strength": -62} in [one.observed for one in heard(Lifx(), corpus()) if isinstance(one, Reported)]


@pytest.mark.parametrize(
    "serial, key, action, data, body",
    [
        (COLOR, "light", "light.turn_off", {"transition": 2}, {"do": "light", "on": False, "duration_s": 2}),
        (
            COLOR,
            "light",
            "light.turn_on",
            {"color_temp_kelvin": 1000},
            {"do": "light", "on": True, "color": {"saturation": 0, "kelvin": 1500}, "duration_s": 0},
        ),
        (
            COLOR,
            "light",
            "light.turn_on",
            {"rgb_color": [0, 255, 0], "brightness_pct": 100},
            {"do": "light", "on": True, "color": {"brightness": 1, "hue": 120, "saturation": 1}, "duration_s": 0},
        ),
        (COLOR, "light", "light.turn_on", {"flash": "long"}, {"do": "flash", "period_s": 1, "times": 6}),
        (COLOR, "identify", "button.press", {}, {"do": "flash", "period_s": 1, "times": 3}),
        (COLOR, "reboot", "button.press", {}, {"do": "reboot"}),
        (INFRARED, "infrared", "number.set_value", {"value": 25}, {"do": "infrared", "level": 0.25}),
        (SWITCH, "relay_3", "switch.turn_on", {}, {"do": "relay", "index": 3, "on": True}),
    ],
)
def test_a_call_becomes_a_request(  # noqa: PLR0917 one row of the table
    home: tuple[Lifx, dict[str, Device]], serial: str, key: str, action: str, data: dict[str, Any], body: dict[str, Any]
) -> None:
    assert asked(home, serial, key, action, **data) == body


@pytest.mark.parametrize(
    "serial, data, words",
    [
        (WARMTH, {"rgb_color": [1, 2, 3]}, "no colours"),
        (COLOR, {"zones": [0]}, "no zones"),
        (STRIP, {"zones": [0.5]}, "from 0 to 79"),
        (STRIP, {"zones": "all"}, "from 0 to 79"),
        (COLOR, {"brightness": "bright"}, "must be a number"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(
    home: tuple[Lifx, dict[str, Device]], serial: str, data: dict[str, Any], words: str
) -> None:
    with pytest.raises(NotPossible, match=words):
        asked(home, serial, "light", "light.turn_on", **data)


def test_after_a_restart_states_are_understood_before_the_lamp_says_what_it_is(
    home: tuple[Lifx, dict[str, Device]],
) -> None:
    driver = Lifx()
    driver.restore(home[1].values())
    said = states(heard(driver, [frame for frame in corpus() if frame.kind == "state"]))
    assert said["light"][0] == "on"
    assert said["relay_0"][0] == "on"


def test_a_lamp_that_is_released_is_silent(home: tuple[Lifx, dict[str, Device]]) -> None:
    driver, devices = home
    driver.release(devices[COLOR])
    assert not heard(driver, [frame for frame in corpus() if frame.peer == COLOR and frame.kind == "state"])


def test_packets_of_relays_are_as_documented() -> None:
    assert (GetRelay.PKT_TYPE, GetRelay(relay_index=2).pack()) == (816, b"\x02")
    assert (SetRelay.PKT_TYPE, SetRelay(relay_index=2, level=65535).pack()) == (817, b"\x02\xff\xff")
    assert StateRelay.unpack(b"\x01\xff\xff") == StateRelay(relay_index=1, level=65535)


def test_a_lamp_that_announces_itself_is_the_one_that_answers_a_call() -> None:
    """The announcement is that of lifx-emulator's own mDNS responder."""
    txt = {"id": COLOR, "p": "91", "fw": "3.70", "tm": "1"}
    found = identify(Service("mdns", "_lifx._udp.local.", COLOR, ("192.0.2.8",), 56700, txt=txt))
    assert found is not None
    assert (found.dialect, found.key, found.firmware_version) == ("lifx", COLOR, "3.70")
    assert found.aliases == (Alias("serial", COLOR),)
