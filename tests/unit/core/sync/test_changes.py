"""Commands are not done late, however long their answer was on its way."""

from datetime import UTC, datetime, timedelta

from hub_agent.core.sync.changes import read_changes

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def is_expired(*, clock_ahead_s: float, waited_s: float, has_server_time: bool = True) -> bool:
    """Of a command that expires ten seconds after the cloud has answered."""
    command = {"id": "c", "kind": "scene.activate", "expires_at": (NOON + timedelta(seconds=10)).isoformat()}
    answer = {"commands": [command], "server_time": NOON.isoformat() if has_server_time else None}
    here = NOON + timedelta(seconds=clock_ahead_s)
    [read] = read_changes(answer, here, timedelta(seconds=waited_s)).commands
    return read.is_expired


def test_a_command_whose_answer_was_long_on_its_way_has_expired() -> None:
    assert is_expired(clock_ahead_s=17, waited_s=20)
    assert not is_expired(clock_ahead_s=1, waited_s=25)


def test_a_wrong_clock_costs_a_command_no_more_than_the_way_took() -> None:
    assert not is_expired(clock_ahead_s=3 * 365 * 86_400, waited_s=2)
    assert not is_expired(clock_ahead_s=-3 * 365 * 86_400, waited_s=25)


def test_where_the_cloud_does_not_say_the_time_our_own_counts() -> None:
    assert is_expired(clock_ahead_s=17, waited_s=0, has_server_time=False)
