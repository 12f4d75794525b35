"""Hubs that are sent away come back when they were told to: not sooner, not all at once, and no later."""

import heapq
import random

from hypothesis import given, settings, strategies as st

from cloud_schema.gateway.admission import Admission
from hub_agent.core.sync.pace import BACKOFF_S_FIRST, BACKOFF_S_MAX, Pace

HUBS = 300
# One hub in ten has a backlog of so many envelopes.
BACKLOG = 10
# The gateway's line of those that wait for one of its connections, and for how long.
LINE, PATIENCE_S = 200, 5.0
# What it costs the gateway to send a hub away, in the place of serving it.
REFUSING = 0.2
RUN_S_MAX = 3600.0

seeds = st.integers(0, 2**32)
told = st.one_of(st.none(), st.floats(0, 3600))


@given(seeds, st.lists(told, max_size=20), told)
def test_who_is_told_when_to_come_back_comes_then_however_often_it_failed_before(seed, before, retry_after_s) -> None:
    pace = Pace(random.Random(seed), idle_s=60.0)
    for each in before:
        pace.failed(0.0, retry_after_s=each)
    pace.failed(0.0, retry_after_s=retry_after_s)
    asked_s = retry_after_s or 0.0
    longest_s = asked_s * 1.25 if asked_s >= BACKOFF_S_FIRST else BACKOFF_S_MAX
    assert asked_s <= pace.due_s <= longest_s
    pace.noticed(0.0)
    pace.wanted(0.0)
    pace.reached(0.0)
    assert pace.due_s >= asked_s


@settings(max_examples=10)
@given(seeds, st.sampled_from([5.0, 10.0, 20.0, 50.0]))
def test_hubs_that_come_back_at_once_are_served_in_the_time_that_takes_however_slow_the_gateway_is(
    seed, served_a_second
) -> None:
    work = sum(_envelopes(number) for number in range(HUBS))
    assert _all_served_after_s(seed, served_a_second) <= work / served_a_second * 2.5


def _envelopes(number: int) -> int:
    return BACKLOG if number % 10 == 0 else 1


def _all_served_after_s(seed: int, served_a_second: float) -> float:
    """The gateway's own refusals, which cost it time, and the hubs' own pace."""
    now = [0.0]
    admission = Admission(lambda: now[0])
    random.seed(seed)
    paces = [Pace(random.Random(seed + number), idle_s=60.0) for number in range(HUBS)]
    left = [_envelopes(number) for number in range(HUBS)]
    line_ends_s = 0.0
    coming = [(random.random(), number, False) for number in range(HUBS)]
    heapq.heapify(coming)
    while coming and now[0] < RUN_S_MAX:
        now[0], number, is_served = heapq.heappop(coming)
        line_ends_s = max(line_ends_s, now[0])
        wait_s = line_ends_s - now[0]
        if is_served:
            with admission.carrying():
                left[number] -= 1
            paces[number].succeeded(now[0], is_more=True)
        elif wait_s > PATIENCE_S or wait_s * served_a_second > LINE:
            line_ends_s += REFUSING / served_a_second
            paces[number].failed(now[0], retry_after_s=admission.busy().retry_after_s)
        else:
            line_ends_s += 1 / served_a_second
            heapq.heappush(coming, (line_ends_s, number, True))
            continue
        if left[number]:
            heapq.heappush(coming, (paces[number].due_s, number, False))
    return now[0]
