"""Times at the command line are the home's: the machine that it runs on often keeps another, or none."""

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from hub_agent.cli.link import home_time
from tests.fakes.door import FakeDoor
from tests.fakes.editing import AT

STAMPED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
# The home of these tests is in Stockholm.
AT_HOME = "2026-06-01 14:00:00 CEST"


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's clock is that of New York."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    "words",
    [
        "access",
        "activity",
        "alerts",
        "automations list",
        "automations history Evening",
        "definitions history scene Evening",
        "diagnose",
        "energy",
        "forecasts",
        "health",
        "health history",
        "health rates",
        "issues",
        "notices",
        "safe-mode",
        "scenes list",
        "security",
        "status",
        "sync conflicts",
        "sync lost",
        "sync status",
        "sync verify",
    ],
)
def test_no_command_shows_a_time_as_programs_write_it_or_of_the_machines_zone(
    nexa: Any, door: FakeDoor, words: str
) -> None:
    said = nexa(*words.split())

    assert not STAMPED.search(said.out), said.out
    assert not re.search(r"\bE[SD]T\b", said.out)


def test_a_table_shows_the_homes_time_with_its_zone(nexa: Any, door: FakeDoor) -> None:
    assert AT_HOME in nexa("sync", "status").out


def test_a_time_of_the_day_that_somebody_says_is_the_homes(nexa: Any, door: FakeDoor) -> None:
    said = nexa("automations", "pause", "Evening", "--until", "2099-01-14 18:00")

    assert said.out.endswith("paused until 2099-01-14 18:00:00 CET\n")
    assert door.asked[-1][1]["pause_until"] == "2099-01-14T18:00:00+01:00"


def test_where_no_agent_says_where_the_home_is_the_time_is_the_machines() -> None:
    assert home_time(AT) == "2026-06-01 08:00:00 EDT"


def test_what_is_no_instant_stays_as_it_is() -> None:
    assert [home_time(text) for text in ("on", "2026-06-01", "20.5")] == ["on", "2026-06-01", "20.5"]
