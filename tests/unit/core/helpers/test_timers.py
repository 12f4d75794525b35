"""A timer runs down once, whatever happens meanwhile."""

import pytest


@pytest.fixture
def timer(home):
    home.define("timer.tea", duration="00:05:00")
    return home


def names(home):
    return [name for name, _ in home.events]


def test_a_timer_runs_down_and_says_so(timer):
    timer.call("timer.start", "timer.tea")
    assert timer.state("timer.tea") == "active"
    assert timer.attribute("timer.tea", "finishes_at") == "2026-01-14T11:05:00+00:00"
    assert timer.attribute("timer.tea", "remaining") == "0:05:00"
    timer.wait(299)
    assert timer.state("timer.tea") == "active"
    timer.wait(1)
    assert timer.state("timer.tea") == "idle"
    assert timer.events == [
        ("timer.started", {"entity_id": "timer.tea"}),
        ("timer.finished", {"entity_id": "timer.tea", "finished_at": "2026-01-14T11:05:00+00:00"}),
    ]


def test_a_paused_timer_goes_on_with_what_was_left(timer):
    timer.call("timer.start", "timer.tea")
    timer.wait(100)
    timer.call("timer.pause", "timer.tea")
    assert (timer.state("timer.tea"), timer.attribute("timer.tea", "remaining")) == ("paused", "0:03:20")
    timer.wait(1000)
    timer.restart()
    timer.call("timer.start", "timer.tea")
    timer.wait(199)
    assert timer.state("timer.tea") == "active"
    timer.wait(1)
    assert names(timer) == ["timer.started", "timer.paused", "timer.restarted", "timer.finished"]


def test_a_paused_timer_that_is_given_a_duration_begins_anew(timer):
    timer.call("timer.start", "timer.tea")
    timer.wait(100)
    timer.call("timer.pause", "timer.tea")
    timer.call("timer.start", "timer.tea", duration=10)
    timer.wait(10)
    assert timer.state("timer.tea") == "idle"


def test_started_again_it_begins_anew(timer):
    timer.call("timer.start", "timer.tea", duration={"minutes": 1})
    timer.wait(50)
    timer.call("timer.start", "timer.tea")
    timer.wait(59)
    assert timer.state("timer.tea") == "active"
    timer.wait(1)
    assert names(timer) == ["timer.started", "timer.restarted", "timer.finished"]


def test_cancelled_it_never_ends(timer):
    timer.call("timer.start", "timer.tea")
    timer.call("timer.cancel", "timer.tea")
    timer.wait(1000)
    assert names(timer) == ["timer.started", "timer.cancelled"]


def test_finished_by_hand_it_ends_once(timer):
    timer.call("timer.start", "timer.tea")
    timer.call("timer.finish", "timer.tea")
    timer.call("timer.finish", "timer.tea")
    timer.wait(1000)
    assert names(timer) == ["timer.started", "timer.finished"]


def test_a_change_moves_the_end_but_not_beyond_the_duration(timer):
    timer.call("timer.start", "timer.tea")
    timer.wait(100)
    assert "not between 0 and 300 s" in timer.call("timer.change", "timer.tea", duration=101)
    assert timer.call("timer.change", "timer.tea", duration="-00:01:00") is None
    timer.wait(139)
    assert timer.state("timer.tea") == "active"
    timer.wait(1)
    assert names(timer) == ["timer.started", "timer.changed", "timer.finished"]


def test_a_running_timer_goes_on_over_a_restart(timer):
    timer.call("timer.start", "timer.tea")
    timer.wait(100)
    timer.restart(50, keeps_states=False)
    assert timer.state("timer.tea") == "active"
    timer.wait(149)
    assert timer.state("timer.tea") == "active"
    timer.wait(1)
    assert names(timer) == ["timer.started", "timer.finished"]


def test_what_ended_while_the_hub_was_away_is_said_once_at_the_start(timer):
    timer.call("timer.start", "timer.tea")
    timer.restart(1000)
    assert timer.events[1:] == [
        ("timer.finished", {"entity_id": "timer.tea", "finished_at": "2026-01-14T11:05:00+00:00"})
    ]
    timer.restart(1000)
    timer.wait(1000)
    assert names(timer) == ["timer.started", "timer.finished"]


@pytest.mark.parametrize("step_s", [-7200, 7200])
def test_a_clock_that_is_set_does_not_shorten_or_lengthen_it(timer, step_s):
    timer.call("timer.start", "timer.tea")
    timer.wait(100)
    timer.step_clock(step_s)
    timer.wait(199)
    timer.restart(0)
    assert timer.state("timer.tea") == "active"
    timer.wait(1)
    assert names(timer) == ["timer.started", "timer.finished"]


@pytest.mark.parametrize(
    "body, state",
    [
        ({"status": "active", "left_s": 5, "running_s": 5}, "idle"),
        ({"status": "active", "ends_at": "soon", "left_s": 5, "running_s": 5}, "idle"),
        ({"status": "flying", "left_s": 5, "running_s": 5}, "idle"),
        ({}, "idle"),
        ({"status": "paused", "left_s": 5, "running_s": 5}, "paused"),
    ],
)
def test_a_damaged_memory_begins_anew(timer, body, state):
    timer.saved["helpers"]["timer.tea"] = body
    timer.restart()
    assert timer.state("timer.tea") == state
