"""The columns of an execution's record that say what went wrong and how the home was."""

from hub_agent.model.ids import EntityId

from .conftest import LIGHT_ON, MOTION, Home

BAD = {"action": "notify.bad"}


def run(home: Home, *actions, **config) -> dict:
    home.set("binary_sensor.motion", "off")
    home.load({"triggers": [MOTION], "actions": list(actions), **config})
    home.start()
    home.set("binary_sensor.motion", "on")
    return home


def failing(home: Home) -> None:
    home.answers = ("no way", 0)


def test_a_failure_says_at_which_step_and_which_actions_failed(home) -> None:
    failing(home)
    run(home, {"if": "{{ true }}", "then": [{"choose": [], "default": [BAD]}]})

    details = home.records[0]["error_details"]
    assert details["path"] == "actions/0/then/0/default/0"
    assert details["reason"] == "no way"
    assert details["failed_actions"] == [
        {"path": "actions/0/then/0/default/0", "action": "notify.bad", "result": "failed", "error": "no way"}
    ]


def test_a_failure_in_a_branch_says_where_in_the_branch(home) -> None:
    failing(home)
    run(home, {"parallel": [{"sequence": [BAD]}, {"delay": 5}]})
    home.wait(10)

    (row,) = home.records
    assert (row["status"], row["error_details"]["path"]) == ("failed", "actions/0/parallel/0/sequence/0")


def test_a_timeout_says_which_wait_was_too_long(home) -> None:
    run(home, LIGHT_ON, {"wait_template": "{{ false }}", "timeout": 5, "continue_on_timeout": False})
    home.wait(10)

    (row,) = home.records
    assert (row["status"], row["error_details"]["path"]) == ("timeout", "actions/1")


def test_what_was_passed_over_is_partial_and_named_without_a_step_that_ended_it(home) -> None:
    failing(home)
    run(home, {**BAD, "continue_on_error": True})

    (row,) = home.records
    assert [each["action"] for each in row["error_details"]["failed_actions"]] == ["notify.bad"]
    assert "path" not in row["error_details"]


def test_success_and_cancellation_have_no_error_details(home) -> None:
    run(home, LIGHT_ON, {"delay": 60})
    home.call("automation.turn_off", "automation.a")

    (row,) = home.records
    assert (row["status"], row["error_details"]) == ("cancelled", None)


def test_devices_are_told_as_they_were_before_the_first_action_and_after_the_last(home) -> None:
    home.set("light.hall", "off", {"friendly_name": "Hall", "brightness": None})
    run(home, LIGHT_ON, {"delay": 5}, {"action": "light.turn_off", "target": {"entity_id": "light.hall"}})
    home.set("light.hall", "on", {"friendly_name": "Hall", "brightness": 200})
    home.wait(10)

    (row,) = home.records
    assert row["device_states_before"] == {"light.hall": {"state": "off", "attributes": {"brightness": None}}}
    assert row["device_states_after"] == {"light.hall": {"state": "on", "attributes": {"brightness": 200}}}


def test_how_devices_were_survives_a_crash(home) -> None:
    home.set("light.hall", "off")
    run(home, LIGHT_ON, {"delay": 5})
    home.set("light.hall", "on")
    home.crash()
    home.wait(10)

    (row,) = home.records
    assert row["device_states_before"] == {"light.hall": {"state": "off"}}
    assert row["device_states_after"] == {"light.hall": {"state": "on"}}


def test_a_target_that_does_not_exist_is_told_as_nothing(home) -> None:
    run(home, LIGHT_ON)

    assert home.records[0]["device_states_before"] == {"light.hall": None}


def test_scenes_and_automations_are_no_devices(home) -> None:
    run(home, {"action": "automation.turn_on", "target": {"entity_id": "automation.a"}})

    assert home.records[0]["device_states_before"] is None


def test_so_many_devices_are_described_and_no_more(home) -> None:
    run(home, {"action": "light.turn_on", "target": {"entity_id": [f"light.l{number}" for number in range(200)]}})

    assert len(home.records[0]["device_states_before"]) == 50


def test_the_environment_is_the_local_time_and_how_the_home_was_at_the_beginning(home) -> None:
    home.set("sun.sun", "above_horizon")
    home.set("zone.home", "2")
    run(home, LIGHT_ON, {"delay": 60})
    home.set("sun.sun", "below_horizon")
    home.crash()
    home.wait(100)

    assert home.states.state(EntityId("sun.sun")).state == "below_horizon"
    assert home.records[0]["environment_context"] == {
        "local_time": "2026-01-14T12:00:00+01:00",
        "weekday": "wed",
        "time_zone": "Europe/Berlin",
        "sun": "above_horizon",
        "persons_home": "2",
    }


def test_the_present_speaks_of_runs_in_the_columns_own_words(home) -> None:
    run(home, {"wait_template": "{{ false }}", "timeout": 5, "continue_on_timeout": False})
    home.wait(10)
    assert home.automations.present()["id-a"]["last_execution_status"] == "failed"

    home.set("binary_sensor.motion", "off")
    home.set("binary_sensor.motion", "on")
    home.call("automation.turn_off", "automation.a")
    home.crash()

    assert home.records[-1]["status"] == "cancelled"
    told = home.automations.present()["id-a"]
    assert (told["last_execution_status"], told["total_executions"]) == ("failed", 2)
