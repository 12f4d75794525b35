"""`nexa-hub forecasts`: what is foreseen, in words."""

import pytest

pytestmark = pytest.mark.usefixtures("door")


def test_it_says_what_is_foreseen_what_is_unusual_and_what_could_be_better(nexa) -> None:
    said = nexa("forecasts")
    assert said.code == 0
    assert said.out.splitlines() == [
        "Bedside: its battery will be empty between 2026-06-14 and 2026-06-29, most likely on 2026-06-20 (confidence 91 %). Put a new battery into Bedside before it is empty.",
        "Shed: it is losing its connection (confidence 90 %). Bring Shed nearer to its bridge.",
        "Fridge has used 140 Wh an hour for 6 hours; at these hours 50 Wh are usual.",
        "",
        "Advice:",
        "- Lamp was on for about 9 hours a day last week while nothing moved in its room. Let an automation switch it off.",
        "",
        "Usually in use:",
        "- Lamp: every day 19:00 to 22:00",
        "",
        *said.out.splitlines()[-3:],
    ]
    table = [line.split() for line in said.out.splitlines()[-2:]]
    assert table == [["Bedside", "18", "%", "about", "19", "days"], ["Door", "77", "%", "-"]]


def test_as_json_the_whole_is_printed(nexa) -> None:
    assert nexa("forecasts", "--json").json()["models"][0]["name"] == "battery_empty"
