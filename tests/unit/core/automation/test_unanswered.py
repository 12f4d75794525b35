"""A call that nobody answers holds a run up for a while, and not for ever."""

FIFTEEN_MINUTES = 15 * 60


def test_a_call_that_nobody_answers_ends_its_run_after_a_quarter_of_an_hour(home) -> None:
    home.answers = None
    home.load()
    home.start()
    home.set("binary_sensor.motion", "on")

    home.wait(FIFTEEN_MINUTES - 1)
    assert home.saved_runs()
    assert not home.records

    home.wait(2)
    assert [record["status"] for record in home.records] == ["failed"]
    assert not home.saved_runs()


def test_a_call_that_is_answered_at_once_leaves_no_timer_behind(home) -> None:
    home.load()
    home.start()
    before = home.automations.get_timer()

    home.set("binary_sensor.motion", "on")

    assert home.records
    assert home.automations.get_timer() == before
