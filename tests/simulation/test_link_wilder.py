"""Links that must survive what test_link.py has, and queues, backups, losses in the cloud, stepped clocks, thin lines besides."""

import pytest

from tests.simulation.link import simulate_link
from tests.simulation.link_wilder import WILD_FROM
from tests.simulation.test_link import SEEDS_A_TEST

TESTS = 5
FIRST = WILD_FROM + SEEDS_A_TEST


@pytest.mark.parametrize("first", range(WILD_FROM, FIRST, SEEDS_A_TEST))
def test_a_link_survives_what_is_wilder(first: int) -> None:
    for seed in range(first, first + SEEDS_A_TEST):
        simulate_link(seed)


@pytest.mark.heavy
@pytest.mark.parametrize("first", range(FIRST, WILD_FROM + SEEDS_A_TEST * TESTS, SEEDS_A_TEST))
def test_more_links_survive_what_is_wilder(first: int) -> None:
    for seed in range(first, first + SEEDS_A_TEST):
        simulate_link(seed)
