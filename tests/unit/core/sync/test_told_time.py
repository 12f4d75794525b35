"""What the cloud's word on the time is worth."""

from datetime import UTC, datetime, timedelta

import pytest

from hub_agent.core.sync.told_time import MADE_AT, behind_s, is_worth_setting, known_once

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
YEAR = timedelta(days=365)


@pytest.mark.parametrize("wall", [NOON, NOON - 3 * YEAR, NOON + 3 * YEAR, datetime(1970, 1, 1, tzinfo=UTC)])
def test_a_clock_is_set_from_wherever_it_stands(wall) -> None:
    assert behind_s(NOON, wall, 4.0, MADE_AT) == (NOON - wall).total_seconds() + 2.0


@pytest.mark.parametrize(
    "told, round_trip_s",
    [
        (MADE_AT - timedelta(seconds=1), 1.0),
        (MADE_AT + 21 * YEAR, 1.0),
        (NOON, 20.1),
        (NOON, -1.0),
    ],
)
def test_what_cannot_be_or_came_too_slowly_is_not_believed(told, round_trip_s) -> None:
    assert behind_s(told, NOON, round_trip_s, MADE_AT) is None


def test_a_time_before_one_that_was_known_is_not_believed() -> None:
    assert behind_s(NOON - timedelta(seconds=1), NOON, 1.0, NOON) is None


def test_a_clock_is_set_again_only_when_it_is_off_by_more_than_the_way_makes_doubtful() -> None:
    assert not is_worth_setting(2.9, 1.0)
    assert is_worth_setting(-3.1, 1.0)


@pytest.mark.parametrize("saved", [None, {}, {"at": 5}, {"at": "yesterday"}, {"at": "2020-01-01T00:00:00+00:00"}])
def test_what_was_kept_and_makes_no_sense_counts_for_nothing(saved) -> None:
    assert known_once(saved, MADE_AT) == MADE_AT
    assert known_once({"at": NOON.isoformat()}, MADE_AT) == NOON
