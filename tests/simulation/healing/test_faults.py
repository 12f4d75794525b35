"""Kinds of faults in a simulated home: what the hub says is the cause, what it does, and where."""

import logging
import re
from collections.abc import Iterator

import pytest

from tests.simulation.healing.faults import FAULTS, Fault
from tests.simulation.healing.home import Home, warmed
from tests.simulation.healing.judge import live_through
from tests.simulation.healing.table import README

SEED = 1
# Few, each of another kind, and short: the others are lived through with those that take long.
QUICK = (
    "a device on Wi-Fi freezes, its connection stands",
    "a plug is switched off by somebody, what it feeds goes with it",
    "the radio of a bridge hangs, its program runs",
    "the computer of a bridge hangs, fed by a known plug",
    "a breaker trips: three lamps behind one bridge",
    "the Wi-Fi is down",
    "the broker is restarted",
    "the hub's disk is nearly full",
)

# Of the rest one of each kind of remedy, guard and signal; `tests/check heal` lives through all of them, with several seeds.
SLOWER = (
    "a device on Wi-Fi hangs, fed by a known plug",
    "a device on Wi-Fi hangs while the radio hangs that its plug is reached by",
    "a Zigbee plug says nothing until it is asked",
    "a Zigbee plug lost its reporting, and still answers",
    "a device that must never be touched hangs",
    "a command to a lamp is lost on its way",
    "a relay takes commands and does not follow",
    "a plug that relays for others is pulled out",
    "the power fails for five minutes",
    "a device comes and goes",
    "a link is weak",
    "a sensor's value is stuck",
    "a sensor says what cannot be",
    "a battery is empty, and is changed",
    "a device says what cannot be read",
    "the hub's power supply is weak",
    "the router is away, the Wi-Fi with it",
)


@pytest.fixture(scope="module")
def warm() -> Iterator[Home]:
    logging.disable(logging.CRITICAL)
    yield warmed(SEED, days=2.24).copied()
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("fault", [each for each in FAULTS if each.name in QUICK], ids=lambda fault: fault.name)
def test_a_fault_is_noticed_at_its_cause_and_healed_there_and_nowhere_else(warm: Home, fault: Fault) -> None:
    assert live_through(fault, warm.copied_again()).complaints() == []


@pytest.mark.heavy
@pytest.mark.parametrize("fault", [each for each in FAULTS if each.name in SLOWER], ids=lambda fault: fault.name)
def test_one_of_each_other_kind_too(warm: Home, fault: Fault) -> None:
    assert live_through(fault, warm.copied_again()).complaints() == []


def test_what_is_lived_through_here_are_kinds_of_faults() -> None:
    assert {*QUICK, *SLOWER} <= {each.name for each in FAULTS}


def test_the_table_in_the_readme_has_a_row_for_every_kind_of_fault() -> None:
    readme = README.read_text(encoding="utf-8").split("<!-- heal -->")[1].split("<!-- /heal -->")[0]
    rows = re.findall(r"^\| ([^|]+) \|", readme, re.MULTILINE)[2:]

    assert rows == [each.name for each in FAULTS], "tests/check heal --write"
    assert len(rows) >= 30
