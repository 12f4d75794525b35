"""Alerts on the command line: read, answered, tried."""

from typing import Any

import pytest

from tests.fakes.alerts import ALERT
from tests.fakes.door import FakeDoor


@pytest.fixture(autouse=True)
def one_alert(door: FakeDoor) -> None:
    door.alerts.now = [ALERT]


def test_what_is_open_is_told_with_the_beginning_of_its_id(nexa: Any) -> None:
    said = nexa("alerts")
    assert said.code == 1
    assert said.out == (
        "WARNING  Hall lamp cannot be reached: Hall lamp does not answer. (since 2026-03-01 13:00:00 CET)  [0a1b2c3d]\n"
    )
    assert nexa("alerts", "--json").json() == [ALERT]


def test_an_alert_is_answered_by_the_beginning_of_its_id(nexa: Any, door: FakeDoor) -> None:
    assert nexa("alerts", "acknowledge", "0a1b2c3d").out == "Acknowledged.\n"
    assert ", acknowledged)" in nexa("alerts").out
    assert nexa("alerts", "resolve", "0a1b2c3d").out == "Resolved.\n"
    assert [(verb, alert_id) for verb, alert_id, _ in door.asked] == [
        ("acknowledge", ALERT["id"]),
        ("resolve", ALERT["id"]),
    ]
    assert nexa("alerts").out == "No alerts.\n"
    said = nexa("alerts", "dismiss", "0a1b2c3d")
    assert said.code != 0
    assert "There is no open alert" in said.err


def test_rules_say_which_are_in_force_and_which_are_broken_and_why(nexa: Any) -> None:
    said = nexa("alerts", "rules")
    assert said.code == 1
    assert said.out.splitlines() == [
        "in force  Away (offline)  [r1]",
        "broken    Moon (-): rule_type is “moon”  [r2]",
    ]


def test_a_channel_is_tried_and_shown(nexa: Any, door: FakeDoor) -> None:
    assert nexa("alerts", "test", "phone").out == "A message went out over phone.\n"
    assert "in use" in nexa("alerts", "channels").out
    door.alerts.failing = "connection refused"
    assert "connection refused" in nexa("alerts", "test", "phone").err
    assert "failing: connection refused (3 waiting)" in nexa("alerts", "channels").out
    assert "There is no channel" in nexa("alerts", "test", "fax").err
