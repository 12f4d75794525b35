"""The home's health at the command line: what is wrong, what is asked, what would be tried, what is declared."""

import pytest

from tests.fakes.tending import QUESTION


def test_what_is_wrong_is_told_first_with_what_was_tried_and_what_is_next(nexa, door) -> None:
    said = nexa("health")
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[0] == "This home: 84 of 100"
    assert lines[2].startswith("Living Room Lamp: 67 of 100, waits for your answer since 07:30")
    assert "  tried: asking for its state (2x)" in lines
    assert any("answer with: nexa-hub health approve 30000000" in line for line in lines)
    assert any("Held: Zigbee bridge is away" in line for line in lines)
    assert lines[-1] == "1 device is entirely well."
    assert nexa("health", "--json").json()["home"]["score"] == 84


def test_one_device_says_what_its_score_is_made_of_and_what_would_be_tried(nexa, door) -> None:
    said = nexa("health", "Living Room Lamp")
    assert "- It cannot be reached. (-25)" in said.out
    assert "-> power_cycle_via_plug (taking its power away for a moment, risk medium) would be tried after asking you (also felt by Radio)" in said.out  # fmt: skip
    assert "ask_state (asking for its state, risk low) waits: its cooldown lasts until 14:05" in said.out
    assert nexa("health", "show", "Living Room Lamp", "--json").json()["score"] == 67


def test_a_device_that_is_not_there_is_a_no(nexa, door) -> None:
    said = nexa("health", "Nobody")
    assert said.code == 1
    assert "There is no device 'Nobody'" in said.err


@pytest.mark.parametrize("verb, is_approved", [("approve", True), ("refuse", False)])
def test_a_question_is_answered_by_the_beginning_of_its_id(nexa, door, verb, is_approved) -> None:
    assert nexa("health", verb, QUESTION[:8]).code == 0
    assert door.asked[-1][:2] == ("answer", {"id": QUESTION[:8], "is_approved": is_approved})
    assert nexa("health", verb, "nothing").code == 1


def test_a_remedy_is_tried_by_hand_or_refused_in_words(nexa, door) -> None:
    assert "Asking for its state is being tried." in nexa("health", "try", "Blind", "ask_state").out
    refused = nexa("health", "try", "Blind", "reboot_device")
    assert (refused.code, "quiet hours" in refused.err) == (1, True)
    assert nexa("health", "try", "Blind", "reboot_device", "--force").code == 0
    assert door.asked[-1][1]["is_forced"] is True


def test_a_dry_run_touches_nothing(nexa, door) -> None:
    said = nexa("health", "try", "Living Room Lamp", "--dry-run")
    assert said.out.count("\n") == 3
    assert "does not fit: it cannot be done" in nexa("health", "try", "Blind", "--if", "device_silent").out
    assert "Nothing is known to be wrong with Blind." in nexa("health", "try", "Blind", "--dry-run").err
    assert nexa("health", "try", "Living Room Lamp", "ask_state", "--dry-run").out.count("\n") == 1
    assert door.asked == []


def test_the_history_and_the_rates_are_tables(nexa, door) -> None:
    assert "it helped" in nexa("health", "history").out
    assert nexa("health", "history", "Blind", "--json").json()[0]["name"] == "Blind"
    assert "6 of 8" in nexa("health", "history", "--rates").out


def test_wishes_of_a_device_are_declared_in_plain_flags(nexa, door) -> None:
    assert "nothing declared" in nexa("health", "wishes", "Blind").out
    said = nexa(
        "health", "wishes", "Blind", "--never-touch", "yes", "--powered-by", "Fridge Plug", "--hangs-on", "Lamp"
    )
    assert "must never be touched" in said.out
    assert door.asked[-1][1] == {"name": "Blind", "never_touch": True, "powered_by": "Fridge Plug", "hangs_on": ["Lamp"], "back": []}  # fmt: skip
    nexa("health", "wishes", "Blind", "--powered-by", "none", "--hangs-on", "none", "--never-touch", "no")
    assert door.asked[-1][1] == {"name": "Blind", "never_touch": False, "powered_by": None, "hangs_on": None, "back": []}  # fmt: skip
    refused = nexa("health", "wishes", "Blind", "--powered-by", "Blind")
    assert (refused.code, "cannot feed itself" in refused.err) == (1, True)


def test_wishes_of_the_home_are_declared_without_a_device(nexa, door) -> None:
    said = nexa("health", "wishes", "--quiet-hours", "23:00-06:30", "--risk", "low", "--devices-per-hour", "3")
    assert "quiet hours: 23:00 to 06:30" in said.out
    assert door.asked[-1][1] == {"name": None, "risk": "low", "devices_per_hour": 3, "quiet_hours": {"from": "23:00", "to": "06:30"}, "back": []}  # fmt: skip
    assert "no quiet hours" in nexa("health", "wishes", "--quiet-hours", "none").out
    nexa("health", "wishes", "--quiet-hours", "default", "--risk", "default")
    assert door.asked[-1][1]["back"] == ["quiet_hours", "risk"]


def test_wishes_that_make_no_sense_are_wrong_usage_or_refused(nexa, door) -> None:
    assert nexa("health", "wishes", "Blind", "--risk", "low").code == 2
    assert nexa("health", "wishes", "--never-touch", "yes").code == 2
    assert nexa("health", "wishes", "--quiet-hours", "25:00-07:00").code == 1
    assert door.asked == []
