"""`nexa-hub energy`: what was used, in words and bars."""

import pytest

pytestmark = pytest.mark.usefixtures("door")


def test_today_is_told_by_hour_and_by_device_next_to_yesterday_by_now(nexa) -> None:
    said = nexa("energy")
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[0] == "1.90 kWh used (the day before, by now: 1.11 kWh)"
    assert lines[1] == "2.50 kWh from the sun"
    assert ["11:00", "892", "Wh", "█" * 40] in [line.split() for line in lines]
    assert (
        lines[-3:-1] == ["Roof             solar     2.50 kWh", "Fridge           device    1.11 kWh"]
        or "Fridge" in said.out
    )


def test_a_month_and_a_year_are_told_by_day_and_by_month(nexa) -> None:
    assert "2026-05-31" in nexa("energy", "month", "--day", "2026-05-03").out
    assert "2026-05 " in nexa("energy", "year").out
    assert nexa("energy", "day", "--day", "2024-01-01").out == "Nothing is known of this day.\n"
    assert nexa("energy", "--json").json()["period"] == "day"


def test_what_a_meter_measures_is_said(nexa, door) -> None:
    assert nexa("energy", "--measures", "Washing Machine", "ignored").out == "Washing Machine: ignored\n"
    assert door.asked[-1][0] == "energy_role"
    assert nexa("energy", "--measures", "Nothing", "grid").code == 1


def test_a_day_that_is_none_is_refused_in_words(nexa) -> None:
    said = nexa("energy", "--day", "tomorrow")
    assert (said.code, "'tomorrow' is no day; a day is written like 2026-01-14." in said.err) == (1, True)
