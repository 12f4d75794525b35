"""Quiet days: nothing is said, nothing is done."""

import logging
from collections.abc import Iterator

import pytest

from tests.simulation.healing.quiet import live_quietly


@pytest.fixture(autouse=True)
def _no_log() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_three_days_on_which_nothing_is_wrong_pass_without_a_word() -> None:
    quiet = live_quietly(4, 3)

    assert (quiet.alarms, quiet.remedies, quiet.alerts) == ([], [], 0)


@pytest.mark.heavy
def test_eight_days_of_which_nobody_is_at_home_for_half_pass_without_a_word_and_hardly_a_question() -> None:
    """A month takes a minute of computing: `tests/check heal` lives through those."""
    quiet = live_quietly(0, 8)

    assert (quiet.alarms, quiet.remedies, quiet.alerts) == ([], [], 0)
    assert len(quiet.asked) <= 3, quiet.asked
