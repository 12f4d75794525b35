"""Days on which nothing is wrong: people come and go, devices sleep, clocks are changed. Whatever the hub says then is a false alarm."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.simulation.healing.home import Home, family_home
from tests.simulation.healing.judge import Witness

# Across the change to summer time, across the change back, in deep winter and in high summer.
STARTS = (
    datetime(2026, 3, 16, 5, tzinfo=UTC),
    datetime(2026, 10, 12, 5, tzinfo=UTC),
    datetime(2026, 1, 5, 5, tzinfo=UTC),
    datetime(2026, 7, 6, 5, tzinfo=UTC),
)
AWAY_FROM, AWAY_UNTIL = 0.3, 0.75


@dataclass
class Quiet:
    """`asked`: who was only asked how it is, which nobody notices."""

    seed: int
    days: int
    alarms: list[str]
    remedies: list[str]
    asked: list[str]
    alerts: int


def live_quietly(seed: int, days: int) -> Quiet:
    """Almost half of them the people are away. Once in a while the hub or the broker is restarted, as updates do."""
    home = family_home(seed, STARTS[seed % len(STARTS)])
    witness, stage = Witness(home), home.stage
    began = stage.now
    stage.at(began + timedelta(days=days * AWAY_FROM), _leave, home, True)
    stage.at(began + timedelta(days=days * AWAY_UNTIL), _leave, home, False)
    for day in range(6, days, 7):
        stage.at(began + timedelta(days=day, hours=-2), _update_hub, home)
        stage.at(began + timedelta(days=day, hours=-1), _update_broker, home)
    stage.run_until(began + timedelta(days=days))
    alarms = [
        f"{each.since:%m-%d %H:%M} {each.code} {each.name}" for each in witness.issues if each.code not in EXPECTED
    ]
    done = [
        (row["metadata"]["remedy"], home.name_of(str(row["device_id"])), f"{row['started_at']:%m-%d %H:%M}")
        for row in witness.executions.values()
    ]
    return Quiet(
        seed,
        days,
        alarms,
        [" ".join(each) for each in done if each[0] != "ask_state"],
        [f"{name} {at}" for remedy, name, at in done if remedy == "ask_state"],
        len(witness.alerts),
    )


# The broker is truly away while it is restarted, and that is said.
EXPECTED = frozenset({"broker_unreachable"})


def _leave(home: Home, are_away: bool) -> None:
    home.are_people_away = are_away


def _update_hub(home: Home) -> None:
    home.close_hub()
    home.stage.after(45, home.open_hub)


def _update_broker(home: Home) -> None:
    home.stage.broker.go_down()
    home.stage.after(20, home.stage.broker.come_up)
