"""Recurrence rules, against the examples of RFC 5545 §3.8.5.3 and calendars anyone can look at."""

from datetime import datetime, timedelta

import pytest

from hub_agent.core.automation.exchange import Exchange
from hub_agent.core.automation.triggers.recurrence import read_recurrence
from hub_agent.core.states import States
from hub_agent.core.time_of_day import zone
from hub_agent.errors import DefinitionError
from hub_agent.model.automation import Place

from .conftest import BERLIN, LIGHT_ON, Home

NEW_YORK = "America/New_York"
START = f"DTSTART;TZID={NEW_YORK}:19970902T090000\n"


def first(rule: str, many: int, *, since: str = "1997-01-01T00:00:00+00:00", name: str = NEW_YORK) -> list[str]:
    source = read_recurrence(rule, "rrule", name)
    here = Exchange(States(), Place(name, 0, 0, 0), lambda: "id")
    found = []
    at: datetime | None = datetime.fromisoformat(since)
    while len(found) < many and at is not None and (at := source.next_after(at, here)) is not None:
        found.append(at.astimezone(zone(name)).strftime("%Y-%m-%d %H:%M"))
    return found


def days(*texts: str) -> list[str]:
    return [f"{text} 09:00" for text in texts]


@pytest.mark.parametrize(
    "rule, expected",
    [
        ("FREQ=DAILY;COUNT=3", days("1997-09-02", "1997-09-03", "1997-09-04")),
        ("FREQ=DAILY;INTERVAL=2", days("1997-09-02", "1997-09-04", "1997-09-06", "1997-09-08")),
        ("FREQ=DAILY;INTERVAL=10;COUNT=3", days("1997-09-02", "1997-09-12", "1997-09-22")),
        ("FREQ=WEEKLY;COUNT=3", days("1997-09-02", "1997-09-09", "1997-09-16")),
        ("FREQ=WEEKLY;INTERVAL=2;WKST=SU", days("1997-09-02", "1997-09-16", "1997-09-30", "1997-10-14")),
        ("FREQ=WEEKLY;COUNT=4;WKST=SU;BYDAY=TU,TH", days("1997-09-02", "1997-09-04", "1997-09-09", "1997-09-11")),
        ("FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=MO,WE,FR", days("1997-09-03", "1997-09-05", "1997-09-15", "1997-09-17")),
        ("FREQ=MONTHLY;COUNT=3;BYDAY=1FR", days("1997-09-05", "1997-10-03", "1997-11-07")),
        ("FREQ=MONTHLY;INTERVAL=2;BYDAY=1SU,-1SU", days("1997-09-07", "1997-09-28", "1997-11-02", "1997-11-30")),
        ("FREQ=MONTHLY;BYDAY=-2MO;COUNT=3", days("1997-09-22", "1997-10-20", "1997-11-17")),
        ("FREQ=MONTHLY;BYMONTHDAY=-3", days("1997-09-28", "1997-10-29", "1997-11-28", "1997-12-29")),
        ("FREQ=MONTHLY;COUNT=4;BYMONTHDAY=2,15", days("1997-09-02", "1997-09-15", "1997-10-02", "1997-10-15")),
        ("FREQ=MONTHLY;COUNT=3;BYMONTHDAY=1,-1", days("1997-09-30", "1997-10-01", "1997-10-31")),
        ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", days("1998-02-13", "1998-03-13", "1998-11-13", "1999-08-13")),
        ("FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13", days("1997-09-13", "1997-10-11", "1997-11-08")),
        ("FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", days("1997-09-04", "1997-10-07", "1997-11-06")),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2", days("1997-09-29", "1997-10-30", "1997-11-27", "1997-12-30")),
        ("FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8", days("1997-11-04", "2001-11-06")),
        ("FREQ=YEARLY;BYDAY=20MO", days("1998-05-18", "1999-05-17", "2000-05-15")),
        ("FREQ=YEARLY;BYMONTH=3;BYDAY=TH", days("1998-03-05", "1998-03-12", "1998-03-19", "1998-03-26", "1999-03-04")),
        ("FREQ=YEARLY;COUNT=4;BYMONTH=6,7", days("1998-06-02", "1998-07-02", "1999-06-02", "1999-07-02")),
        ("FREQ=DAILY;BYMONTH=1;UNTIL=19980103T140000Z", days("1998-01-01", "1998-01-02", "1998-01-03")),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", days("2000-02-29", "2004-02-29")),
    ],
)
def test_a_rule_comes_on_the_days_that_the_standard_names(rule, expected) -> None:
    assert first(f"{START}RRULE:{rule}", len(expected)) == expected


def test_a_rule_ends_after_its_count_and_at_its_until() -> None:
    assert len(first(f"{START}RRULE:FREQ=DAILY;COUNT=10", 50)) == 10
    assert first(f"{START}RRULE:FREQ=DAILY;COUNT=10", 50, since="1997-09-30T00:00:00+00:00") == []
    assert first(f"{START}RRULE:FREQ=DAILY;UNTIL=19970904", 50) == days("1997-09-02", "1997-09-03", "1997-09-04")


def test_several_times_a_day_are_named_by_hours_and_minutes() -> None:
    found = first("FREQ=DAILY;BYHOUR=7,19;BYMINUTE=0,30", 5, since="2026-01-14T07:30:00+01:00", name="Europe/Berlin")

    assert [text[11:] for text in found] == ["19:00", "19:30", "07:00", "07:30", "19:00"]


def test_a_rule_that_never_comes_is_given_up() -> None:
    assert first(f"{START}RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", 1) == []


def test_the_hour_that_is_skipped_and_the_one_that_comes_twice_are_as_for_every_time() -> None:
    rule = "FREQ=DAILY;BYHOUR=2;BYMINUTE=30"
    spring = first(rule, 2, since="2026-03-28T12:00:00+01:00", name="Europe/Berlin")
    autumn = first(rule, 2, since="2026-10-24T12:00:00+02:00", name="Europe/Berlin")

    assert spring == ["2026-03-29 03:00", "2026-03-30 02:30"]
    assert autumn == ["2026-10-25 02:30", "2026-10-26 02:30"]


@pytest.mark.parametrize(
    "rule, words",
    [
        ("", "no rule"),
        ("every day", "not a part"),
        ("FREQ=HOURLY", "FREQ"),
        ("FREQ=DAILY", "DTSTART"),
        ("FREQ=WEEKLY;BYHOUR=7", "DTSTART"),
        ("FREQ=DAILY;INTERVAL=2;BYHOUR=7", "DTSTART"),
        ("FREQ=DAILY;BYHOUR=24", "BYHOUR"),
        ("FREQ=DAILY;BYHOUR=7;INTERVAL=0", "INTERVAL"),
        ("FREQ=WEEKLY;BYHOUR=7;BYDAY=1MO", "first or a last weekday"),
        ("FREQ=MONTHLY;BYHOUR=7;BYDAY=XX", "BYDAY"),
        ("FREQ=YEARLY;BYHOUR=7;BYWEEKNO=20;BYMONTH=5;BYDAY=MO", "BYWEEKNO"),
        ("DTSTART:tomorrow\nFREQ=DAILY", "not a date"),
        ("DTSTART;TZID=Moon/Base:20260101T070000\nFREQ=DAILY", "time zone"),
        ("RRULE:FREQ=DAILY;BYHOUR=7\nEXDATE:20260114", "EXDATE"),
    ],
)
def test_what_is_no_rule_is_refused_in_words(rule, words) -> None:
    with pytest.raises(DefinitionError, match=words):
        read_recurrence(rule, "rrule", BERLIN.time_zone)


def test_a_rule_in_the_schedule_columns_runs_and_is_made_up_for(home: Home) -> None:
    rule = {"rrule": "FREQ=WEEKLY;BYDAY=WE,FR;BYHOUR=12;BYMINUTE=5"}
    home.load({"triggers": [], "actions": [LIGHT_ON]}, schedule_type="custom", schedule_config=rule)
    home.start()
    home.crash(away=timedelta(minutes=10))
    home.wait(3 * 86400)

    assert [record["started_at"].strftime("%d %H:%M") for record in home.records] == ["14 11:10", "16 11:05"]
