"""Times of day, patterns, schedules and the sun, anywhere on Earth and on any day: against what a patient reader of the clock would say."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

from hypothesis import assume, example, given, settings, strategies as st

from hub_agent.core.automation.exchange import Exchange
from hub_agent.core.automation.reading import Fields
from hub_agent.core.automation.triggers.schedule import read_cron
from hub_agent.core.automation.triggers.time import DailyTimes
from hub_agent.core.automation.triggers.time_pattern import read_time_pattern
from hub_agent.core.automation.triggers.trigger import Reader
from hub_agent.core.states import States
from hub_agent.core.sun import next_sun_event, sun_event
from hub_agent.core.time_of_day import DAY, WEEKDAYS, instant_of, zone
from hub_agent.model.automation import Place
from hub_agent.model.inputs import ClockStepped
from hub_agent.templating import Templates
from tests.unit.core.automation.conftest import BERLIN, LIGHT_ON, Home

MINUTE = timedelta(minutes=1)

# The two days of change of 2026, or of a year that has them.
CHANGES = {
    "Europe/Berlin": (date(2026, 3, 29), date(2026, 10, 25)),
    "Europe/London": (date(2026, 3, 29), date(2026, 10, 25)),
    "America/New_York": (date(2026, 3, 8), date(2026, 11, 1)),
    "America/St_Johns": (date(2026, 3, 8), date(2026, 11, 1)),
    "America/Santiago": (date(2026, 9, 6), date(2026, 4, 5)),
    "Australia/Lord_Howe": (date(2026, 10, 4), date(2026, 4, 5)),
    "Australia/Sydney": (date(2026, 10, 4), date(2026, 4, 5)),
    "Pacific/Chatham": (date(2026, 9, 27), date(2026, 4, 5)),
    "Asia/Kolkata": (date(2026, 3, 29), date(2028, 2, 29)),
    "Africa/Casablanca": (date(2026, 2, 15), date(2026, 3, 22)),
}
DAYS = st.sampled_from([(name, day) for name, days in CHANGES.items() for day in days])
CLOCKS = st.builds(time, st.integers(0, 23), st.integers(0, 59))


def exchange(name: str) -> Exchange:
    return Exchange(States(), Place(name, 0, 0, 0), lambda: "id")


def minutes_of(name: str, day: date, days: int = 2) -> Iterator[datetime]:
    """Each minute from the beginning of the day before, as the wall clock shows it."""
    at = instant_of(day - DAY, time(0), zone(name))
    for _ in range(days * 24 * 60):
        at += MINUTE
        yield at.astimezone(zone(name))


def occurrences(source, name: str, day: date, days: int = 2) -> list[datetime]:
    found: list[datetime] = []
    here = exchange(name)
    at = instant_of(day - DAY, time(0), zone(name))
    end = at + timedelta(days=days)
    while (at := source.next_after(at, here)) is not None and at <= end:
        found.append(at)
    return found


@settings(max_examples=60, deadline=None)
@given(where=DAYS, at=CLOCKS)
@example(where=("Australia/Lord_Howe", date(2026, 10, 4)), at=time(2, 15))
@example(where=("America/Santiago", date(2026, 9, 6)), at=time(0, 0))
def test_a_time_of_day_comes_once_on_each_local_day(where, at) -> None:
    name, day = where
    shown = [
        each for each in minutes_of(name, day) if (each.hour, each.minute) == (at.hour, at.minute) and not each.fold
    ]
    found = occurrences(DailyTimes((at,), frozenset(WEEKDAYS)), name, day)

    local = [each.astimezone(zone(name)) for each in found]
    assert [each.astimezone(UTC) for each in shown if each not in local] == []
    for each in local:  # what the clock does not show comes when the clock has jumped over it
        if each not in shown:
            before = (each.astimezone(UTC) - MINUTE).astimezone(zone(name))
            assert before.time() < at < each.time() or before.date() < each.date()
    assert len({each.date() for each in local}) == len(local)


PARTS = st.one_of(st.none(), st.just("*"), st.integers(0, 59), st.integers(1, 59).map(lambda number: f"/{number}"))
HOURS = st.one_of(st.none(), st.just("*"), st.integers(0, 23), st.integers(1, 23).map(lambda number: f"/{number}"))


def matches(asked: object, number: int) -> bool:
    if isinstance(asked, str) and asked.startswith("/"):
        return number % int(asked[1:]) == 0
    return asked in {"*", number}


@settings(max_examples=60, deadline=None)
@given(where=DAYS, hours=HOURS, minutes=PARTS)
@example(where=("Australia/Lord_Howe", date(2026, 4, 5)), hours=1, minutes=45)
@example(where=("Europe/Berlin", date(2026, 10, 25)), hours="/2", minutes=None)
@example(where=("Pacific/Chatham", date(2026, 9, 27)), hours=3, minutes="*")
@example(where=("Pacific/Chatham", date(2026, 4, 5)), hours=3, minutes="*")
def test_a_pattern_fires_when_the_clock_shows_it_and_a_named_hour_does_not_come_twice(where, hours, minutes) -> None:
    assume(hours is not None or minutes is not None)
    name, day = where
    given_parts = {key: part for key, part in (("hours", hours), ("minutes", minutes)) if part is not None}
    source = read_time_pattern(Fields(dict(given_parts), "t"), Reader(Templates()))
    wanted_minute = 0 if minutes is None else minutes
    is_any_hour = hours in {None, "*", "/1"}
    shown = [
        each
        for each in minutes_of(name, day)
        if matches(wanted_minute, each.minute) and (is_any_hour or (matches(hours, each.hour) and not each.fold))
    ]

    # Compared in UTC: between zones, what the clock shows twice equals nothing.
    assert occurrences(source, name, day) == [each.astimezone(UTC) for each in shown]


@settings(max_examples=40, deadline=None)
@given(where=DAYS, minute=st.integers(0, 59), hour=st.integers(0, 23), weekday=st.integers(0, 6))
def test_a_cron_schedule_comes_on_its_weekday_once(where, minute, hour, weekday) -> None:
    name, day = where
    found = occurrences(read_cron(f"{minute} {hour} * * {weekday}", "c", name), name, day, days=15)

    local = [each.astimezone(zone(name)) for each in found]
    assert len(local) in {2, 3}
    assert all(each.isoweekday() % 7 == weekday for each in local)
    assert all(6 * DAY < later - earlier < 8 * DAY for earlier, later in pairwise(found))


@given(year=st.integers(1970, 2096))
def test_the_29th_of_february_comes_in_leap_years_only(year) -> None:
    source = read_cron("30 6 29 2 *", "c", "Europe/Berlin")

    found = source.next_after(datetime(year, 1, 1, tzinfo=UTC), exchange("Europe/Berlin"))

    assert found is not None
    local = found.astimezone(zone("Europe/Berlin"))
    assert (local.month, local.day, local.hour, local.minute) == (2, 29, 6, 30)
    assert local.year - year < 4 or (year > 1896 and local.year - year <= 8)


PLACES = st.builds(
    Place,
    st.sampled_from([*CHANGES, "UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"]),
    st.floats(-89.9, 89.9),
    st.floats(-180, 180),
    st.floats(-400, 4000),
)
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
OFFSETS = st.integers(-12 * 3600, 12 * 3600).map(lambda seconds: timedelta(seconds=seconds))


@settings(max_examples=60, deadline=None)
@given(place=PLACES, event=st.sampled_from(["sunrise", "sunset"]), offset=OFFSETS, after=MOMENTS)
@example(
    place=Place("Europe/Oslo", 78.2, 15.6, 0),
    event="sunset",
    offset=timedelta(),
    after=datetime(2026, 6, 1, tzinfo=UTC),
)
def test_the_next_sunrise_or_sunset_is_later_and_none_is_left_out(place, event, offset, after) -> None:
    found = next_sun_event(place, event, offset, after)

    if found is None:  # nearer to the pole than the sun's turn ever comes within a year
        assert abs(place.latitude) > 89
        return
    assert after < found <= after + timedelta(days=367)
    day = (after - offset).astimezone(zone(place.time_zone)).date()
    for number in range(-1, 3):
        other = sun_event(place, event, day + number * DAY)
        assert other is None or other + offset <= after or other + offset >= found


@settings(max_examples=40, deadline=None)
@given(
    steps=st.lists(st.tuples(st.integers(1, 7200), st.integers(-3000, 7200)), max_size=6),
    at=CLOCKS,
    helper=CLOCKS,
)
def test_a_clock_that_is_set_now_and_then_never_makes_a_time_come_twice(steps, at, helper) -> None:
    home = Home()
    home.set("input_datetime.wake", helper.isoformat())
    triggers = [{"trigger": "time", "at": [at.isoformat(), "input_datetime.wake"]}]
    home.load({"triggers": triggers, "actions": [LIGHT_ON], "mode": "queued"})
    home.start()
    for wait_s, step_s in steps:
        home.wait(wait_s)
        length = timedelta(seconds=step_s)
        home.now += length
        home.route(home.automations.handle(ClockStepped(length, is_trusted=True), home.now))
    home.wait(86400)

    tz = zone(BERLIN.time_zone)
    seen = [(record["trigger_data"].get("entity_id"), record["trigger_data"]["now"][:10]) for record in home.records]
    assert len(set(seen)) == len(seen)
    expected = {(each.hour, each.minute) for each in (at, helper)}
    for record in home.records:
        local = record["started_at"].astimezone(tz)
        assert (local.hour, local.minute) in expected
