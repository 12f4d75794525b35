"""A thousand runs and more, nearly all killed on the way: each ends once, with what it was to do."""

import pytest

from tests.simulation.runs import kill_runs


def test_runs_that_are_killed_at_any_moment_end_once_and_do_what_they_were_to_do_in_order() -> None:
    story = kill_runs(seed=7, runs=60)

    assert story.runs >= 60
    assert story.interrupted > story.runs // 2


@pytest.mark.heavy
@pytest.mark.parametrize("seed", range(11, 15))
def test_of_a_thousand_runs_that_are_killed_each_ends_once(seed: int) -> None:
    assert kill_runs(seed, runs=250).interrupted >= 200
