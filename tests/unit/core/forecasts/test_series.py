"""The models by themselves: what they foresee, when, and what they keep silent about."""

import json
import random
from collections.abc import Iterable
from datetime import date
from statistics import median

import pytest

from hub_agent.core.forecasts.battery import Battery, Outlook
from hub_agent.core.forecasts.energy import Energy
from hub_agent.core.forecasts.link import Link, at_least
from hub_agent.core.forecasts.models import BATTERY, ENERGY, LINK, MODELS, USAGE
from hub_agent.core.forecasts.robust import theil_sen
from hub_agent.core.forecasts.usage import Usage, is_kept
from tests.fakes.batteries import alkaline, coin_cell, healthy

FIRST = date(2026, 1, 5).toordinal()  # a Monday
SEEDS = range(4)


# Batteries.


def outlooks(levels: Iterable[float], *, every: int = 1) -> list[tuple[int, Outlook]]:
    """With the day on which each is given, looked at every so many days."""
    battery, found = Battery(), []
    for day, level in enumerate(levels):
        battery.note(FIRST + day, level, BATTERY.defaults["replaced_rise"])
        outlook = battery.outlook(BATTERY.defaults) if day % every == 0 else None
        if outlook is not None:
            found.append((day, outlook))
    return found


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("lasts", [90, 200, 365])
def test_a_battery_that_falls_is_foreseen_weeks_ahead_and_to_the_week(seed, lasts):
    found = outlooks(alkaline(seed, lasts, step=1 if seed % 2 else 10), every=3)
    empty = lasts * 0.95
    assert empty - found[0][0] >= 21
    late = [abs(day + outlook.days - empty) for day, outlook in found if empty - day <= 28]
    assert median(late) <= 7


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("lasts", [200, 365, 730])
def test_a_coin_cell_is_foreseen_on_its_cliff(seed, lasts):
    found = outlooks(coin_cell(seed, lasts, cold=8 if seed % 2 else 0), every=3)
    assert found
    empty = lasts * 0.982
    assert empty - found[0][0] >= 14
    day, last = found[-1]
    assert last.earliest <= max(0, empty - day) + 7


@pytest.mark.parametrize("kind", range(5))
def test_of_batteries_that_last_nothing_is_foreseen_in_a_year(kind):
    for seed in range(kind, 40, 5):
        assert outlooks(healthy(seed, 365, kind), every=5) == [], seed


def test_a_new_battery_begins_anew_and_a_single_wrong_value_does_not():
    battery = Battery()
    for day, level in enumerate([40, 39, 38, 100, 37, 36, 100, 99, 98]):
        is_new = battery.note(FIRST + day, level, 20)
        assert is_new == (day == 7), day
    assert [level for _, level in battery.days] == [100, 99, 98]


def test_what_is_charged_is_left_alone():
    battery = Battery()
    levels = [100 - 1.5 * (day % 50) for day in range(200)]
    for day, level in enumerate(levels):
        battery.note(FIRST + day, level, 20)
    assert battery.is_charged(FIRST + 200)
    assert battery.outlook(BATTERY.defaults) is None


def test_a_clock_that_was_set_back_leaves_no_days_ahead():
    battery = Battery()
    for day in (0, 1, 2, 90, 3):
        battery.note(FIRST + day, 50, 20)
    assert [day - FIRST for day, _ in battery.days] == [0, 1, 2, 3]


def test_the_slope_is_that_of_most_pairs():
    points = [(day, 100 - day) for day in range(30)]
    points[7] = (7, 1000)
    slope = theil_sen(points, 5)
    assert slope is not None
    assert slope.per_day == -1
    assert theil_sen(points[:4], 5) is None


# Links.


def declines(days: Iterable[tuple[int, float | None]]) -> list[tuple[int, str]]:
    link, found = Link(), []
    for day, (dropouts, signal) in enumerate(days):
        link.note(FIRST + day, dropouts, signal)
        decline = link.decline(LINK.defaults)
        if decline is not None:
            found.append((day, decline.indicators[0]["name"]))
    return found


@pytest.mark.parametrize("rate", [0, 0.1, 1, 6])
def test_a_device_that_drops_out_as_it_always_did_is_left_alone(rate):
    for seed in range(5):
        chance = random.Random(seed)
        days = [(sum(chance.random() < rate / 24 for _ in range(24)), chance.gauss(60, 12)) for _ in range(365)]
        days[100] = (40, 20)  # one bad day
        assert declines(days) == []


def test_one_that_drops_out_far_more_often_is_told_within_a_week():
    days = [(0, 60.0)] * 40 + [(4, 60.0)] * 10
    assert declines(days)[0] == (43, "dropouts_last_week")


@pytest.mark.parametrize("first,per_day,unit", [(80, -1.2, "%"), (-55, -0.7, "dBm")])
def test_a_signal_that_fades_is_told_before_it_is_gone(first, per_day, unit):
    chance = random.Random(1)
    link, told = Link(), None
    for day in range(60):
        link.note(FIRST + day, 0, first + per_day * day + chance.gauss(0, 2))
        told = told or link.decline(LINK.defaults)
    assert told is not None
    assert told.days is not None
    assert told.indicators[0]["unit"] == unit


def test_how_likely_so_many_are():
    assert at_least(0, 3.0) == 1
    assert round(at_least(1, 1.0), 3) == 0.632


# Energy.


def fridge(seed: int, hours: int, fault=None, fault_from: int = 0, fault_for: int = 0) -> list[tuple[int, str]]:
    """What is told of a fridge: warmer days and summers, a door now and then, and perhaps a fault."""
    chance, energy, told = random.Random(seed), Energy(), []
    for hour in range(hours):
        day = hour % 24
        used = max(0.0, chance.gauss(45 + 8 * (7 <= day <= 20) + 6 * (hour // 24 % 365 > 150), 6))
        used += 40 * (chance.random() < 0.02)
        if fault_from <= hour < fault_from + fault_for:
            used = fault(used)
        word = energy.note(hour % 168, used, ENERGY.defaults)
        if word in {"began", "ended"}:
            told.append((hour, word))
    return told


@pytest.mark.parametrize("seed", SEEDS)
def test_a_healthy_fridge_is_left_alone_for_a_year(seed):
    assert fridge(seed, 365 * 24) == []


@pytest.mark.parametrize("fault", [lambda used: used * 2.5, lambda _used: 0.0], ids=["runs on", "stands still"])
def test_a_fridge_with_a_fault_is_told_once_and_its_end(fault):
    begin = 75 * 24
    (first, began), (last, ended) = fridge(3, 90 * 24, fault, begin, 48)
    assert (began, ended) == ("began", "ended")
    assert begin + 5 <= first <= begin + 8
    assert begin + 48 <= last <= begin + 52


def test_what_runs_when_somebody_wants_it_is_never_judged():
    chance, energy = random.Random(2), Energy()
    for hour in range(200 * 24):
        used = 900.0 if chance.random() < 0.06 else 1.0
        assert energy.note(hour % 168, used, ENERGY.defaults) is None
    assert not energy.is_regular(ENERGY.defaults)


def test_what_stays_becomes_the_new_usual():
    told = fridge(3, 130 * 24, lambda used: used * 3, 75 * 24, 55 * 24)
    assert [word for _, word in told] == ["began", "ended"]


# Use.


def bits(*hours: float) -> int:
    return sum(1 << int(hour * 2) for hour in hours)


def lived(weeks: int, work: int, rest: int) -> Usage:
    usage = Usage()
    for day in range(7 * weeks):
        slots = rest if day % 7 >= 5 else work
        usage.note(FIRST + day, slots, slots.bit_count() * 20)
    return usage


def test_evenings_of_all_days_are_one_pattern():
    [pattern] = lived(6, bits(19, 19.5, 20), bits(19, 19.5, 20, 20.5)).patterns(USAGE.defaults)
    assert (pattern.weekdays, pattern.first, pattern.last) == ((0, 1, 2, 3, 4, 5, 6), 38, 40)
    assert (pattern.minutes, pattern.per_week, pattern.confidence, pattern.sample_size) == (60, 7, 1, 42)


def test_workdays_and_weekends_differ():
    found = lived(6, bits(6, 6.5), bits(9)).patterns(USAGE.defaults)
    assert [(each.weekdays[0], each.first, each.last) for each in found] == [(0, 12, 13), (5, 18, 18)]


def test_what_is_on_all_day_or_seldom_has_no_pattern():
    assert lived(6, (1 << 48) - 1, (1 << 48) - 1).patterns(USAGE.defaults) == []
    assert lived(1, bits(8), bits(8)).patterns(USAGE.defaults) == []
    chance, usage = random.Random(1), Usage()
    for day in range(42):
        usage.note(FIRST + day, bits(chance.randrange(24)), 30)
    assert usage.patterns(USAGE.defaults) == []


def test_a_day_keeps_a_pattern_half_an_hour_early_and_not_at_another_time():
    [pattern, _] = lived(6, bits(6), bits(9)).patterns(USAGE.defaults)
    assert is_kept(pattern, FIRST, bits(5.5))
    assert not is_kept(pattern, FIRST, bits(9))
    assert is_kept(pattern, FIRST + 5, 0)  # a Saturday


# Memory, and the parameters.


def test_what_is_known_of_a_year_is_small_and_comes_back_as_it_was():
    battery, link, usage, energy = Battery(), Link(), Usage(), Energy()
    for day, level in enumerate(coin_cell(1, 365)):
        battery.note(FIRST + day, level, 20)
        link.note(FIRST + day, day % 3, 60.0)
        usage.note(FIRST + day, bits(7, 19, 20), 90)
    for hour in range(365 * 24):
        energy.note(hour % 168, 50 + hour % 7, ENERGY.defaults)
    sizes = []
    for series in (battery, link, usage, energy):
        body = json.dumps(series.as_json(), separators=(",", ":"))
        assert type(series).from_json(json.loads(body)).as_json() == series.as_json()
        sizes.append(len(body))
    assert sizes[0] < 4_000
    assert sizes[1] < 1_500
    assert sizes[2] < 1_500
    assert sizes[3] < 5_000


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_parameters_are_taken_within_their_bounds_and_else_not_at_all(model):
    one = model.parameters[0]
    assert model.read(None) == (model.defaults, [])
    assert model.read({one.name: one.high, "new": 1}) == (model.defaults | {one.name: one.high}, [])
    for bad in (one.high + 1, one.low - 1, "much", None, True, float("nan")):
        values, wrong = model.read({one.name: bad})
        assert values == model.defaults
        assert wrong
    assert model.read([1])[1]
    assert all(each.low <= each.default <= each.high for each in model.parameters)
