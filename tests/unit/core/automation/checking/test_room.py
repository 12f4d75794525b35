"""When rules are looked at, what is recorded of it, and what people are told."""

import itertools
from datetime import timedelta

from hub_agent.model.inputs import ClockStepped

from .conftest import LIGHT_ON, MOTION

PORCH = {"action": "light.turn_on", "target": {"entity_id": "light.porch"}}
NEVER = {**MOTION, "to": "open"}


def test_a_new_rule_is_looked_at_soon_and_recorded_once(home) -> None:
    home.load()
    home.wait(hours=12)

    (row,) = home.rows_of()
    assert row["time"] - timedelta(seconds=10) < row["created_at"]
    assert {name: row[name] for name in ("health_status", "health_score", "issues_found", "can_auto_repair")} == {
        "health_status": "healthy",
        "health_score": 100,
        "issues_found": [],
        "can_auto_repair": False,
    }
    assert all(row[name] for name in ("trigger_valid", "conditions_valid", "actions_valid", "devices_accessible"))


def test_once_a_day_it_is_recorded_again(home) -> None:
    home.load()
    home.wait(days=3, minutes=1)

    assert len(home.rows_of()) == 4


def test_something_new_is_recorded_when_it_is_found_and_when_it_is_over(home) -> None:
    home.load()
    home.wait(minutes=10)
    home.remove("light.hall")
    home.wait(minutes=10)
    home.set("light.hall", "off")
    home.wait(minutes=10)

    assert [row["health_status"] for row in home.rows_of()] == ["healthy", "degraded", "healthy"]
    assert home.rows_of()[1]["actions_valid"] is False


def test_the_column_of_the_part_that_is_wrong_says_so(home) -> None:
    home.load(triggers=[NEVER])
    home.wait(minutes=1)

    row = home.rows_of()[-1]
    assert (row["trigger_valid"], row["conditions_valid"], row["actions_valid"]) == (False, True, True)
    assert row["issues_found"][0]["code"] == "trigger_never_fires"
    assert row["health_score"] <= 20


def test_a_rule_that_cannot_be_understood_is_broken_with_no_points(home) -> None:
    home.load(triggers=[{"trigger": "moon"}])
    home.wait(minutes=1)

    row = home.rows_of()[-1]
    assert (row["health_status"], row["health_score"], row["trigger_valid"]) == ("broken", 0, False)
    assert "'moon'" in row["issues_found"][0]["text"]


def test_the_old_spelling_works_and_is_noted(home) -> None:
    row = {"triggers": [{"platform": "state", "entity_id": "binary_sensor.motion"}], "actions": [LIGHT_ON]}
    home.load(**row)
    home.wait(minutes=1)

    assert home.rows_of()[-1]["deprecated_features"] is True
    assert home.status() == "healthy"


def test_people_are_told_until_it_is_over(home) -> None:
    home.load(triggers=[NEVER])
    home.wait(minutes=1)
    assert "binary_sensor.motion never becomes 'open'" in home.issues_of()["automation_unhealthy"]

    home.load(triggers=[MOTION])
    home.wait(minutes=1)
    assert home.issues_of() == {}


def test_what_has_an_issue_of_its_own_is_told_once(home) -> None:
    home.load(actions=[PORCH])
    home.load("other", triggers=[{"trigger": "moon"}])
    home.wait(minutes=10)

    assert set(home.issues_of()) == {"entity_missing"}
    assert set(home.issues_of("other")) == {"automation_invalid"}


def test_of_a_rule_that_is_gone_nothing_is_kept(home) -> None:
    home.load(triggers=[NEVER])
    home.wait(minutes=1)
    home.unload("rule")
    home.wait(days=2)

    assert home.issues_of() == {}
    assert home.saved["checks"] == {}
    assert len(home.rows_of()) == 1


def test_after_a_restart_nothing_is_recorded_twice(home) -> None:
    home.load(triggers=[NEVER])
    home.wait(minutes=10)
    home.restart()
    home.wait(minutes=30)

    assert len(home.rows_of()) == 1
    assert "automation_unhealthy" in home.issues_of()


def test_devices_have_a_moment_to_come_back_after_a_start(home) -> None:
    home.load()
    home.wait(minutes=10)
    home.restart()
    home.remove("light.hall")
    home.wait(minutes=1)
    home.set("light.hall", "off")
    home.wait(minutes=30)

    assert len(home.rows_of()) == 1


def test_many_rules_are_looked_at_a_few_at_a_time(home) -> None:
    for number in range(60):
        home.load(f"rule{number}")
    home.wait(5)
    seen = []
    for _ in range(4):
        seen.append(len(home.rows))
        home.wait(1)

    assert seen[0] <= 5
    assert all(later - earlier <= 25 for earlier, later in itertools.pairwise(seen))
    home.wait(60)
    assert len(home.rows) == 60


def test_a_clock_that_is_set_does_not_bring_a_day_of_looks(home) -> None:
    home.load()
    home.wait(minutes=10)
    home.now += timedelta(days=30)
    home.tell(ClockStepped(timedelta(days=30), is_trusted=True))
    home.wait(minutes=10)

    assert len(home.rows_of()) == 1


def test_the_cloud_is_told_how_each_rule_is(home) -> None:
    rule_id = home.load(triggers=[NEVER])
    home.wait(minutes=1)

    told = home.hub.present()["automations"][rule_id]
    assert told["health_status"] == "broken"
    assert told["last_health_check_at"].startswith("2026-01-14")


# Repairs.


def test_a_renamed_entity_is_put_right_when_a_person_asks(home) -> None:
    home.set("light.ceiling_kitchen", "off")
    action = {
        "action": "light.turn_on",
        "alias": "light.kitchen_ceiling on",
        "target": {"entity_id": "light.kitchen_ceiling, light.hall"},
    }
    home.load(actions=[action], conditions=["{{ not is_state('light.kitchen_ceiling', 'on') }}"])
    home.wait(minutes=1)

    assert home.repair("rule")["repaired"] == [{"replaced": "light.kitchen_ceiling", "by": "light.ceiling_kitchen"}]
    home.wait(minutes=1)
    (definition,) = home.hub.definitions.of_kind("automation")
    assert definition.fields["actions"][0]["target"]["entity_id"] == "light.ceiling_kitchen, light.hall"
    assert definition.fields["actions"][0]["alias"] == "light.kitchen_ceiling on"
    assert definition.fields["conditions"] == ["{{ not is_state('light.ceiling_kitchen', 'on') }}"]
    last = home.rows_of()[-1]
    assert (last["auto_repair_attempted"], last["auto_repair_success"], last["health_status"]) == (
        True,
        True,
        "healthy",
    )


def test_what_comes_under_a_new_name_is_offered_soon(home) -> None:
    home.load(actions=[{"action": "light.turn_on", "target": {"entity_id": "light.kitchen_ceiling"}}])
    home.wait(minutes=5)
    assert home.rows_of()[-1]["can_auto_repair"] is False

    home.set("light.ceiling_kitchen", "off")
    home.wait(minutes=5)
    assert [row["can_auto_repair"] for row in home.rows_of()] == [False, True]


def test_nothing_is_changed_before_a_person_asks(home) -> None:
    home.set("light.ceiling_kitchen", "off")
    home.load(actions=[{"action": "light.turn_on", "target": {"entity_id": "light.kitchen_ceiling"}}])
    home.wait(days=2)

    (definition,) = home.hub.definitions.of_kind("automation")
    assert definition.fields["actions"][0]["target"]["entity_id"] == "light.kitchen_ceiling"
    assert home.rows_of()[-1]["auto_repair_attempted"] is False
    assert home.rows_of()[-1]["can_auto_repair"] is True


def test_where_nothing_can_be_repaired_nothing_is_changed(home) -> None:
    home.load(actions=[PORCH])
    home.wait(minutes=1)

    assert home.repair("rule")["repaired"] == []
    home.wait(minutes=1)
    assert len(home.rows_of()) == 1


def test_a_longer_name_that_begins_alike_is_left_alone(home) -> None:
    home.set("light.ceiling_kitchen", "off")
    home.set("light.kitchen_ceiling_2", "off")
    targets = ["light.kitchen_ceiling", "light.kitchen_ceiling_2"]
    home.load(actions=[{"action": "light.turn_on", "target": {"entity_id": targets}}])
    home.repair("rule")

    (definition,) = home.hub.definitions.of_kind("automation")
    assert definition.fields["actions"][0]["target"]["entity_id"] == [
        "light.ceiling_kitchen",
        "light.kitchen_ceiling_2",
    ]
