"""When to speak next."""

import random

from hub_agent.core.sync.pace import BACKOFF_S_MAX, COALESCE_S, Pace


def pace() -> Pace:
    return Pace(random.Random(1), idle_s=60.0)


def test_something_noticed_goes_after_a_second_with_its_company() -> None:
    link = pace()
    link.succeeded(100.0)
    assert link.due_s == 160.0
    link.noticed(110.0)
    link.noticed(110.9)
    assert link.due_s == 110.0 + COALESCE_S


def test_a_backlog_goes_at_once_unless_the_cloud_asks_for_a_pause() -> None:
    link = pace()
    link.succeeded(100.0, is_more=True)
    assert link.due_s == 100.0
    link.succeeded(100.0, is_more=True, pause_s=30.0)
    link.noticed(101.0)
    assert link.due_s == 130.0


def test_the_wait_between_tries_grows_to_its_bound_and_never_passes_it() -> None:
    link = pace()
    waits = []
    for _ in range(30):
        link.failed(0.0)
        waits.append(link.due_s)
    assert waits[0] <= 1.0
    assert max(waits) <= BACKOFF_S_MAX
    assert min(waits[10:]) >= BACKOFF_S_MAX / 4


def test_hubs_that_fail_together_do_not_come_back_together() -> None:
    dues = []
    for seed in range(200):
        link = Pace(random.Random(seed), idle_s=60.0)
        for _ in range(10):
            link.failed(0.0)
        dues.append(link.due_s)
    assert max(dues) - min(dues) > 30.0


def test_nothing_is_tried_before_the_cloud_wants_to_be_asked_again() -> None:
    link = pace()
    link.failed(0.0, retry_after_s=300.0)
    link.noticed(1.0)
    link.reached(2.0)
    assert link.due_s >= 300.0


def test_the_other_direction_getting_through_ends_a_backoff() -> None:
    link = pace()
    for _ in range(10):
        link.failed(0.0)
    link.reached(1.0)
    assert link.due_s <= 1.0 + COALESCE_S


def test_one_failure_is_not_offline_and_a_refusal_never_is() -> None:
    link = pace()
    assert not link.is_online
    link.succeeded(0.0)
    link.failed(1.0)
    assert link.is_online
    link.failed(2.0, is_reachable=True)
    assert link.is_online
    link.failed(3.0)
    assert not link.is_online
