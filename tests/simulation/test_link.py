"""Links that must survive whatever happens on both sides and in between: those that once found a fault, and some more."""

from pathlib import Path

import pytest

from tests.simulation.link import simulate_link

FOUND = [
    int(line.split("#")[0])
    for line in (Path(__file__).parent / "link_seeds.txt").read_text(encoding="ascii").splitlines()
    if line.split("#")[0].strip()
]
# A core does some ten a second; a test of more would hide which one is slow. With test_link_wilder.py a minute of two cores.
SEEDS_A_TEST = 50
TESTS = 8


@pytest.mark.parametrize("seed", FOUND)
def test_a_link_survives_what_once_broke_it(seed: int) -> None:
    simulate_link(seed)


@pytest.mark.parametrize("first", range(0, SEEDS_A_TEST, SEEDS_A_TEST))
def test_a_link_survives_everything_that_goes_wrong_on_the_way(first: int) -> None:
    for seed in range(first, first + SEEDS_A_TEST):
        simulate_link(seed)


@pytest.mark.heavy
@pytest.mark.parametrize("first", range(SEEDS_A_TEST, SEEDS_A_TEST * TESTS, SEEDS_A_TEST))
def test_more_links_survive_everything_that_goes_wrong_on_the_way(first: int) -> None:
    for seed in range(first, first + SEEDS_A_TEST):
        simulate_link(seed)


def test_the_same_seed_is_the_same_life() -> None:
    one, other = simulate_link(11), simulate_link(11)

    assert one.told == other.told
    assert one.machine.requests == other.machine.requests
    assert one.twin.rows == other.twin.rows
