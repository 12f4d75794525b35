"""The hub's process dies at every single step of a healing: it ends honestly after the restart, and nothing is repeated blindly."""

import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from tests.simulation.healing.home import Home, warmed
from tests.simulation.healing.judge import Witness

RUNS_FOR = timedelta(minutes=45)
# Of the steps; all of them: NEXA_STEPS=1.
EVERY = int(os.environ.get("NEXA_STEPS", "4"))


@pytest.fixture(scope="module")
def warm() -> Iterator[Home]:
    logging.disable(logging.CRITICAL)
    yield warmed(2, days=1.3).copied()
    logging.disable(logging.NOTSET)


@dataclass
class Lived:
    home: Home
    witness: Witness
    plug_went_off: int
    crashed: bool


def _hang(home: Home) -> None:
    """It hangs, and the plug that is known to feed it can take its power away."""
    home.things["Attic Sensor"].fall("hung")  # type: ignore[attr-defined]


def _stuck(home: Home) -> None:
    home.bridge("zigbee2mqtt").is_stuck = True


def _lost(home: Home) -> None:
    home.things["Hall Light"].loses_commands = 1
    home.command("Hall Light", "light", is_on=not home.things["Hall Light"].is_on)


def lived(warm: Home, begin: Callable[[Home], None], dies_after: int | None, waits_s: float) -> Lived:
    """Until `dies_after` steps (a commit, a message: before and after each) after the fault was noticed."""
    home = warm.copied_again()
    home.are_people_away = True
    hub = home.open_hub()
    home.stage.run_for(minutes=6)
    witness = Witness(home)
    home.reopens_after_s = waits_s
    plug = home.things["Desk Plug"]
    plug.went_off = 0
    begin(home)
    ends = home.stage.now + RUNS_FOR
    while not witness.executions and home.stage.now < ends:
        home.stage.run_for(seconds=0.5)
        if hub.dies_at is None and dies_after is not None and witness.issues:
            hub.dies_at = hub.steps + dies_after
    home.stage.run_until(ends)
    if home.stage.hub is None:
        home.stage.run_for(minutes=30)
    return Lived(home, witness, plug.went_off, home.crashes > 0)


def test_power_is_given_back_when_the_hub_dies_just_before_it_does_so_and_is_away_for_minutes(warm: Home) -> None:
    life = lived(warm, _hang, 10, 400.0)

    assert life.crashed
    assert life.plug_went_off == 1
    assert life.home.things["Desk Plug"].is_on
    assert life.home.things["Attic Sensor"].is_well


@pytest.mark.heavy
@pytest.mark.parametrize("waits_s", [3.0, 400.0], ids=["back at once", "back after minutes"])
def test_power_that_was_taken_away_is_given_back_once_wherever_the_hub_dies(warm: Home, waits_s: float) -> None:
    reached = 0
    for step in range(1, 200, EVERY):
        life = lived(warm, _hang, step, waits_s)
        if not life.crashed:
            break
        reached += 1
        said = f"died at step {step}"
        attic, plug = life.home.things["Attic Sensor"], life.home.things["Desk Plug"]
        assert plug.is_on, f"{said}: the plug stays off"
        assert life.plug_went_off <= 1, f"{said}: its power was taken away {life.plug_went_off} times"
        rows = life.home.remembered.cases
        open_rows = [row for (table, _), (_, row) in rows.items() if row.get("status") == "in_progress"]
        assert open_rows == [], f"{said}: {open_rows}"
        if life.plug_went_off:
            assert attic.is_well, said
            assert life.home.hub.hub.monitoring.healing.troubled() == [], said
    assert reached >= 8 / EVERY


@pytest.mark.heavy
@pytest.mark.parametrize("begin", [_stuck, _lost], ids=["restarting a bridge", "sending again"])
def test_what_was_tried_is_not_tried_a_second_time_because_the_hub_died(
    warm: Home, begin: Callable[[Home], None]
) -> None:
    reached = 0
    for step in range(2, 60, EVERY):
        life = lived(warm, begin, step, 5.0)
        if not life.crashed:
            break
        reached += 1
        restarts = life.home.bridge("zigbee2mqtt").restarts
        assert restarts <= 1, f"died at step {step}: restarted {restarts} times"
        rows = [
            row for (table, _), (_, row) in life.home.remembered.cases.items() if table == "self_healing_executions"
        ]
        assert [row for row in rows if row["status"] == "in_progress"] == [], f"died at step {step}"
    assert reached >= 3 / EVERY
