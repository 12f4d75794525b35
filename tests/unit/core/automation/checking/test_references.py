"""What a rule names and the home does not have, or cannot reach."""

from .conftest import LIGHT_ON, MOTION, entity

ACT = {"action": "light.turn_on"}


def test_of_a_rule_whose_names_are_all_there_nothing_is_found(home) -> None:
    home.load()

    assert home.found() == {}
    assert home.report_of()["health_score"] == 100


def test_a_missing_entity_is_named_with_its_place(home) -> None:
    home.load(actions=[LIGHT_ON, {**ACT, "target": {"entity_id": ["light.hall", "light.porch"]}}])

    found = home.found()["entity_missing"]
    assert (found["path"], found["entity_id"]) == ("actions/1/target/entity_id", "light.porch")
    assert home.status() == "degraded"


def test_when_nothing_is_left_that_could_trigger_it_the_rule_is_broken(home) -> None:
    home.load(triggers=[{**MOTION, "entity_id": ["binary_sensor.a", "binary_sensor.b"]}])

    assert home.status() == "broken"


def test_when_another_trigger_is_left_it_is_degraded(home) -> None:
    home.load(triggers=[{**MOTION, "entity_id": "binary_sensor.a"}, {"trigger": "time", "at": "07:00"}])

    assert home.status() == "degraded"


def test_a_condition_that_needs_what_is_missing_never_passes(home) -> None:
    home.load(conditions=[{"condition": "state", "entity_id": "input_boolean.gone", "state": "on"}])

    assert home.status() == "broken"


def test_a_condition_with_an_alternative_still_passes(home) -> None:
    gone = {"condition": "state", "entity_id": "input_boolean.gone", "state": "on"}
    there = {"condition": "state", "entity_id": "light.hall", "state": "off"}
    home.load(conditions=[{"or": [gone, there]}])

    assert home.status() == "degraded"


def test_what_a_template_asks_for_by_name_may_be_absent_on_purpose(home) -> None:
    home.load(conditions=["{{ is_state('input_boolean.guests', 'on') or states('light.hall') == 'off' }}"])

    assert home.found()["entity_missing"]["severity"] == "info"
    assert home.status() == "healthy"


def test_names_that_a_template_makes_up_are_not_known(home) -> None:
    home.load(actions=[{**ACT, "target": {"entity_id": "{{ 'light.' ~ trigger.id }}"}}])

    assert home.found() == {}


def test_a_disabled_step_names_nothing(home) -> None:
    home.load(actions=[LIGHT_ON, {**ACT, "enabled": False, "target": {"entity_id": "light.porch"}}])

    assert home.found() == {}


def test_a_missing_script_is_one_that_is_called(home) -> None:
    home.load_script("dim", LIGHT_ON)
    home.load(actions=[{"action": "script.dim"}, {"action": "script.turn_on", "target": {"entity_id": "script.glow"}}])

    assert home.found()["script_missing"]["entity_id"] == "script.glow"
    assert len(home.found()) == 1


def test_a_scene_that_another_rule_makes_is_not_missing(home) -> None:
    home.load("maker", actions=[{"action": "scene.create", "data": {"scene_id": "before", "entities": {}}}])
    home.load(actions=[{"scene": "scene.before"}])

    assert home.found() == {}


def test_a_scene_that_nobody_makes_is_missing(home) -> None:
    home.load(actions=[{"scene": "scene.before"}])

    assert "scene_missing" in home.found()


def test_devices_rooms_and_zones_that_are_not_there_are_told(home) -> None:
    home.load(
        triggers=[{"trigger": "zone", "entity_id": "light.hall", "zone": "zone.work"}],
        actions=[{**ACT, "target": {"device_id": "d1", "area_id": "r1"}}],
    )

    assert set(home.found()) == {"device_missing", "room_missing", "zone_missing"}


def test_the_number_of_a_device_beside_its_entity_says_nothing_here(home) -> None:
    home.load(
        actions=[{"device_id": "0123", "domain": "light", "type": "turn_on", "entity_id": "light.gone"}],
    )

    assert set(home.found()) == {"entity_missing"}


def test_the_home_is_a_zone_and_data_for_an_action_names_no_device(home) -> None:
    home.load(
        triggers=[{"trigger": "zone", "entity_id": "light.hall", "zone": "zone.home"}],
        actions=[{"action": "camera.record", "data": {"device_id": "of its own"}}],
    )

    assert home.found() == {}


def test_what_cannot_be_reached_for_ten_minutes_is_told_with_since_when(home) -> None:
    home.load()
    home.set("light.hall", "unavailable")
    since = home.now.isoformat()
    home.wait(minutes=9)
    assert home.found() == {}

    home.wait(minutes=1)
    assert home.found()["entity_unavailable"]["since"] == since
    assert home.found()["entity_unavailable"]["aspect"] == "devices"


def test_what_comes_back_is_forgotten(home) -> None:
    home.load()
    home.set("light.hall", "unavailable")
    home.wait(hours=1)
    home.set("light.hall", "off")

    assert home.found() == {}


# Actions.


def test_an_action_that_there_is_not_is_told_with_what_may_be_meant(home) -> None:
    home.load(actions=[{"action": "light.turn_of", "target": {"entity_id": "light.hall"}}])

    assert home.found()["action_unknown"]["text"] == "This hub knows no action light.turn_of."
    assert home.report_of()["recommended_fixes"][0]["text"] == "Did you mean light.turn_off?"


def test_of_actions_that_others_bring_nothing_is_known(home) -> None:
    actions = ("rest_command.ping", "notify.family", "light.turn_on", "LIGHT.TOGGLE", "{{ 'light.glow' }}")
    home.load(actions=[{"action": each} for each in actions])

    assert home.found() == {}


# What it may be called now.


def test_the_same_part_of_a_device_under_another_id_is_put_in_its_place(home) -> None:
    home.meet("lamp", entity("light", "light", object_id="porch"))
    home.load(actions=[{**ACT, "target": {"entity_id": "light.porch"}}])
    home.wait(minutes=5)
    home.meet("lamp")
    home.meet("lamp", entity("light_main", "light", object_id="veranda_ceiling"))

    fix = home.report_of()["recommended_fixes"][0]
    assert (fix["is_automatic"], fix["replace"], fix["by"]) == (True, "light.porch", "light.veranda_ceiling")


def test_of_several_parts_that_may_be_meant_none_is_taken(home) -> None:
    home.meet("lamp", entity("light", "light", object_id="porch"))
    home.load(actions=[{**ACT, "target": {"entity_id": "light.porch"}}])
    home.wait(minutes=5)
    home.meet("lamp")
    home.meet("lamp", entity("l1", "light", object_id="red"), entity("l2", "light", object_id="blue"))

    assert home.report_of()["recommended_fixes"] == []


def test_the_same_words_in_another_order_are_the_same_name(home) -> None:
    home.set("light.ceiling_kitchen", "off")
    home.load(actions=[{**ACT, "target": {"entity_id": "light.kitchen_ceiling"}}])

    assert home.report_of()["can_auto_repair"] is True


def test_what_only_looks_alike_is_for_a_person_to_decide(home) -> None:
    home.set("light.kitchen_ceilings", "off")
    home.load(actions=[{**ACT, "target": {"entity_id": "light.kitchen_ceiling"}}])

    fix = home.report_of()["recommended_fixes"][0]
    assert fix["text"].startswith("Did it become light.kitchen_ceilings?")
    assert not fix["is_automatic"]


def test_another_number_is_another_lamp(home) -> None:
    home.set("light.desk_1", "off")
    home.load(actions=[{**ACT, "target": {"entity_id": "light.desk_2"}}])

    assert home.report_of()["recommended_fixes"] == []


def test_the_record_counts_what_cannot_be_reached(home) -> None:
    home.load()
    home.set("light.hall", "unavailable")
    home.wait(minutes=11)

    assert home.rows_of()[-1]["devices_offline"] == 1
    assert home.rows_of()[-1]["devices_accessible"] is False
