"""What the runs of a rule say of its health."""

from .conftest import LIGHT_ON, MOTION

DARK = {"condition": "state", "entity_id": "input_boolean.dark", "state": "on"}


def go(home, times: int, pause_s: float = 60) -> None:
    for _ in range(times):
        home.set("binary_sensor.motion", "on")
        home.set("binary_sensor.motion", "off")
        home.wait(pause_s)


def test_five_runs_with_the_same_error_are_a_rule_that_fails(home) -> None:
    home.outside.broken = "no such lamp"
    home.load()
    go(home, 5)

    assert "no such lamp" in home.found()["always_fails"]["text"]
    assert home.status() == "failing"
    home.wait(minutes=2)
    assert home.rows_of()[-1]["health_status"] == "failing"
    assert "no such lamp" in home.issues_of()["automation_unhealthy"]


def test_four_are_not_enough_and_one_good_run_forgives(home) -> None:
    home.outside.broken = "no such lamp"
    home.load()
    go(home, 4)
    assert home.found() == {}

    home.outside.broken = None
    go(home, 1)
    home.outside.broken = "no such lamp"
    go(home, 4)
    assert home.found() == {}


def test_different_errors_are_not_the_same_one(home) -> None:
    home.load()
    for text in ("a", "b", "a", "b", "a", "b"):
        home.outside.broken = text
        go(home, 1)

    assert home.found() == {}


def test_a_rule_that_is_rewritten_begins_anew(home) -> None:
    home.outside.broken = "no such lamp"
    home.load()
    go(home, 5)
    home.wait(minutes=2)
    home.load(actions=[LIGHT_ON, LIGHT_ON])

    assert home.found() == {}


def test_counters_survive_a_restart(home) -> None:
    home.outside.broken = "no such lamp"
    home.load()
    go(home, 5)
    home.wait(minutes=2)
    home.restart()

    assert "always_fails" in home.found()


def test_conditions_that_have_not_held_for_two_weeks_are_worth_knowing(home) -> None:
    home.set("input_boolean.dark", "off")
    home.load(conditions=[DARK])
    go(home, 60, pause_s=6 * 3600)

    assert home.found()["never_passes"]["severity"] == "info"
    assert home.status() == "healthy"


def test_for_two_weeks_they_may_well_not_hold(home) -> None:
    home.set("input_boolean.dark", "off")
    home.load(conditions=[DARK])
    go(home, 60, pause_s=3600)
    assert home.found() == {}

    home.set("input_boolean.dark", "on")
    go(home, 1)
    home.set("input_boolean.dark", "off")
    go(home, 60, pause_s=5 * 3600)
    assert home.found() == {}


def test_a_mode_that_drops_most_triggers_is_told(home) -> None:
    home.load(actions=[LIGHT_ON, {"delay": 3600}])
    go(home, 25)

    assert "mode_drops" in home.found()


def test_a_rule_that_says_it_drops_in_silence_means_it(home) -> None:
    home.load(actions=[LIGHT_ON, {"delay": 3600}], max_exceeded="silent")
    go(home, 25)

    assert home.found() == {}


def test_drops_are_forgotten_after_two_days(home) -> None:
    home.load(actions=[LIGHT_ON, {"delay": 3600}])
    go(home, 25)
    home.wait(days=1)
    assert "mode_drops" in home.found()

    home.wait(days=1)

    assert "mode_drops" not in home.found()


def test_a_template_that_fails_is_told_for_a_day(home) -> None:
    home.load(triggers=[MOTION], conditions=["{{ states('light.hall') | int > 5 }}"])
    go(home, 1)
    assert "int got 'off'" in home.found()["template_error"]["text"]
    assert home.status() == "degraded"

    home.wait(days=1)
    assert home.found() == {}


def test_a_condition_that_does_not_hold_is_no_failure(home) -> None:
    home.load(triggers=[MOTION], conditions=["{{ states('light.hall') == 'on' }}"])
    go(home, 3)

    assert home.found() == {}
