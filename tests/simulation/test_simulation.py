"""Houses that must survive: those that once found a fault, and a few more."""

from pathlib import Path

import pytest

from tests.simulation.house import simulate

FOUND = [
    int(line.split("#")[0])
    for line in (Path(__file__).parent / "seeds.txt").read_text(encoding="ascii").splitlines()
    if line.split("#")[0].strip()
]


@pytest.mark.parametrize("seed", [*FOUND, *range(4)])
def test_a_house_survives_crashes_lost_messages_and_a_cloud_that_comes_and_goes(seed: int) -> None:
    house = simulate(seed, storm_s=600, calm_s=300)

    assert house.ledger.commands > 0
    assert house.cloud.stored("device_states")


@pytest.mark.heavy
@pytest.mark.parametrize("seed", range(1000, 1002))
def test_a_house_survives_a_longer_storm(seed: int) -> None:
    assert simulate(seed).lives > 1
