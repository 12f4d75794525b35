"""What other programs and firmwares announce: each announcement becomes an entity, each message is understood."""

import json
from typing import Any

import pytest

from hub_agent.model.device import Advertisement
from hub_agent.model.report import AvailabilityReported, Rejected, Reported
from tests.recorded.homeassistant.corpus import DATA

ROWS: list[dict[str, Any]] = [json.loads(line) for line in (DATA / "publishers.jsonl").read_text().splitlines()]
PUBLISHERS = sorted({row["publisher"] for row in ROWS})


@pytest.mark.parametrize("publisher", PUBLISHERS)
def test_all_that_a_publisher_announces_becomes_entities_with_capabilities(home, publisher) -> None:
    for row in ROWS:
        if row["publisher"] != publisher or row.get("says"):
            continue
        decoded = home.hear(row["topic"], row["payload"])
        assert not [each.reason for each in decoded if isinstance(each, Rejected)], row
        entities = [entity for each in decoded if isinstance(each, Advertisement) for entity in each.entities]
        assert entities, row
        assert all(entity.capabilities for entity in entities), row


@pytest.mark.parametrize("publisher", PUBLISHERS)
def test_all_that_a_publisher_says_is_understood(home, publisher) -> None:
    for row in ROWS:
        if row["publisher"] != publisher:
            continue
        decoded = home.hear(row["topic"], row["payload"])
        assert not [each.reason for each in decoded if isinstance(each, Rejected)], row
        if row.get("says"):
            assert [each for each in decoded if isinstance(each, Reported | AvailabilityReported)], row


def test_a_thermostat_without_modes_has_a_temperature_to_reach(home) -> None:
    home.announce("climate", {"modes": [], "temp_stat_t": "t/s", "temp_cmd_t": "t/set", "min_temp": 4, "max_temp": 28})
    assert home.say("t/s", "21.5") == (None, {"temperature": 21.5})
    assert home.tell("climate.set_temperature", temperature=19) == [("t/set", "19")]


def test_two_temperatures_to_reach_are_two_capabilities(home) -> None:
    home.announce(
        "climate",
        {"temp_lo_cmd_t": "low/set", "temp_lo_stat_t": "low", "temp_hi_cmd_t": "high/set", "temp_hi_stat_t": "high"},
    )
    capabilities = home.devices["box"].entities[0].capabilities
    assert {name: each.access for name, each in capabilities.items() if name.startswith("target_temp_")} == {
        "target_temp_low": "rw",
        "target_temp_high": "rw",
    }


def test_a_hold_of_former_days_is_a_preset(home) -> None:
    home.announce(
        "climate",
        {"hold_modes": ["schedule", "boost"], "hold_cmd_t": "h/set", "hold_stat_t": "h", "mode_cmd_t": "m/set"},
    )
    assert home.say("h", "boost") == (None, {"preset_mode": "boost"})
    assert home.tell("climate.set_preset_mode", preset_mode="schedule") == [("h/set", "schedule")]


def test_named_speeds_of_former_days_are_presets(home) -> None:
    home.announce(
        "fan", {"cmd_t": "f/set", "spd_cmd_t": "f/speed/set", "spd_stat_t": "f/speed", "spds": ["low", "high"]}
    )
    assert home.say("f/speed", "high") == (None, {"preset_mode": "high"})
    assert home.tell("fan.set_preset_mode", preset_mode="low") == [("f/speed/set", "low")]


def test_a_device_class_called_none_is_none(home) -> None:
    home.announce("sensor", {"stat_t": "ip", "dev_cla": "None"})
    assert home.say("ip", "192.0.2.1") == ("192.0.2.1", {})


def test_the_address_of_a_picture_is_told(home) -> None:
    home.announce("image", {"url_topic": "url"})
    assert home.say("url", "http://192.0.2.1/a.jpg") == (None, {"picture": "http://192.0.2.1/a.jpg"})


def test_days_and_times_are_said_and_set_as_their_device_does(home) -> None:
    home.announce("date", {"cmd_t": "d/set", "stat_t": "d"})
    assert home.tell("date.set_value", date="2026-01-02") == [("d/set", "2026-01-02")]
    assert home.say("d", {"year": 2026, "month": 12, "day": 31}) == ("2026-12-31", {})
    [(topic, text)] = home.tell("date.set_value", date="2026-01-02")
    assert (topic, json.loads(text)) == ("d/set", {"year": 2026, "month": 1, "day": 2})
    assert home.say("d", "2025-12-31") == ("2025-12-31", {})


@pytest.mark.parametrize(
    "said", ["31.12.2026", {"year": 2026}, {"year": "x", "month": 1, "day": 1}, "[]", '{"year": 1e9}']
)
def test_a_day_that_is_none_is_refused(home, said) -> None:
    home.announce("date", {"cmd_t": "d/set", "stat_t": "d"})
    assert any(isinstance(each, Rejected) for each in home.hear("d", said))


def test_an_empty_template_is_none(home) -> None:
    home.announce("sensor", {"stat_t": "s", "val_tpl": "", "unit_of_meas": "W"})
    assert home.say("s", "5") == ("5", {})


@pytest.mark.parametrize("unit, celsius", [("°C", 20), ("°F", -6.7), ("f", -6.7)])
def test_a_degree_sign_before_the_unit_is_passed_over(home, unit, celsius) -> None:
    home.announce("climate", {"temp_stat_t": "t", "temp_unit": unit})
    assert home.say("t", "20") == (None, {"temperature": celsius})


def test_a_vacuum_takes_commands_of_its_own(home) -> None:
    home.announce("vacuum", {"send_cmd_t": "v/send", "cmd_t": "v/cmd"})
    assert home.tell("vacuum.send_command", command="clean_zone") == [("v/send", "clean_zone")]
    [(_, text)] = home.tell("vacuum.send_command", command="clean_zone", params={"zone": [1, 2]})
    assert json.loads(text) == {"command": "clean_zone", "zone": [1, 2]}
