"""What is only queued in the cloud: not sent twice meanwhile, believed by nobody, and sent past the queue when it does not come out."""

from hub_agent.core.sync.queued import ASK_S_MAX, FORGET_S, ROWS_WAITING_MAX, Queued, is_only_records


def waiting(up_to: int = 100, place: int = 7) -> Queued:
    queued = Queued()
    queued.took({"a": up_to}, {"a": 0}, place, now_s=0.0)
    return queued


def test_what_is_queued_is_not_sent_again_meanwhile() -> None:
    queued = waiting()
    assert queued.is_usual
    assert queued.is_waiting
    assert queued.sent_up_to("a", 0) == 100
    assert queued.sent_up_to("b", 5) == 5


def test_the_marks_are_asked_for_soon_and_then_ever_more_rarely_until_they_move() -> None:
    queued, now_s, waits = waiting(), 0.0, []
    for _ in range(8):
        waits.append(queued.ask_in_s(now_s))
        now_s += waits[-1]
        queued.heard({"a": 0}, None, now_s)
    assert waits == [1, 2, 4, 8, 16, ASK_S_MAX, ASK_S_MAX, ASK_S_MAX]
    queued.heard({"a": 50}, None, now_s)
    assert queued.ask_in_s(now_s) == 1


def test_marks_that_have_come_end_the_waiting() -> None:
    queued = waiting()
    queued.heard({"a": 100}, None, 1.0)
    assert not queued.is_waiting
    assert queued.ask_in_s(1.0) == float("inf")
    assert queued.is_usual


def test_what_the_queue_was_through_with_and_is_not_stored_goes_past_it() -> None:
    queued = waiting(place=7)
    queued.heard({"a": 40}, 6, 1.0)
    assert queued.may_wait
    queued.heard({"a": 40}, 7, 2.0)
    assert not queued.may_wait
    assert not queued.is_usual
    assert queued.sent_up_to("a", 40) == 40
    queued.heard({"a": 99}, 7, 3.0)
    assert not queued.may_wait
    queued.heard({"a": 100}, 7, 4.0)
    assert queued.may_wait


def test_a_queue_in_which_nothing_moves_for_long_is_given_up() -> None:
    queued = waiting()
    queued.heard({"a": 1}, None, 10.0)
    queued.heard({"a": 1}, None, 9.0 + FORGET_S)
    assert queued.is_waiting
    queued.heard({"a": 1}, None, 10.0 + FORGET_S)
    assert not queued.is_waiting
    assert not queued.may_wait


def test_only_so_much_waits_there_for_one_hub() -> None:
    queued = waiting(up_to=ROWS_WAITING_MAX - 1)
    assert not queued.is_full
    queued.took({"a": ROWS_WAITING_MAX - 1, "b": 1}, {}, 8, 1.0)
    assert queued.is_full
    queued.heard({"a": 1000}, 7, 2.0)
    assert not queued.is_full


def test_a_cloud_that_stops_queueing_is_sent_everything_from_the_marks() -> None:
    queued = waiting()
    queued.answered_directly()
    assert not queued.is_usual
    assert queued.sent_up_to("a", 40) == 40
    assert queued.may_wait


def test_only_records_may_wait() -> None:
    assert is_only_records({"a", "b"}, ["a", "b"])
    assert not is_only_records({"a", "present"}, ["a"])
    assert not is_only_records((), ())
