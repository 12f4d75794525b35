"""What rules do to each other: loops and opposite orders found by looking, loops stopped and fights seen as they happen."""

from .conftest import LIGHT_ON, MOTION, Home, entity

LIGHT_OFF = {"action": "light.turn_off", "target": {"entity_id": "light.hall"}}


def on(entity_id, state="on", **more):
    return {"trigger": "state", "entity_id": entity_id, "to": state, **more}


def turn(entity_id, verb="on"):
    return {"action": f"{entity_id.partition('.')[0]}.turn_{verb}", "target": {"entity_id": entity_id}}


def ping_pong(home, **more) -> None:
    home.load("ping", triggers=[on("light.hall")], actions=[LIGHT_OFF], **more)
    home.load("pong", triggers=[on("light.hall", "off")], actions=[LIGHT_ON], **more)


# Found by looking.


def test_two_rules_that_undo_each_other_go_round(home) -> None:
    ping_pong(home)

    found = home.found("ping")["loop"]
    assert found["text"] == "'ping', 'pong' trigger each other without end."
    assert "loop" in home.found("pong")
    assert home.status("ping") == "degraded"


def test_a_loop_over_three_rules_is_found_and_who_only_listens_is_not_in_it(home) -> None:
    home.load("a", triggers=[on("switch.a")], actions=[turn("switch.b"), turn("switch.a", "off")])
    home.load("b", triggers=[on("switch.b")], actions=[turn("switch.c"), turn("switch.b", "off")])
    home.load("c", triggers=[on("switch.c")], actions=[turn("switch.a"), turn("switch.c", "off")])
    home.load("bystander", triggers=[on("switch.b")], actions=[turn("switch.d")])

    assert all("loop" in home.found(name) for name in "abc")
    assert home.report_of("a")["issues"][-1]["automations"]
    assert "trigger each other" in home.found("a")["loop"]["text"]


def test_a_toggle_that_triggers_itself_goes_round(home) -> None:
    home.load(
        triggers=[{"trigger": "state", "entity_id": "light.hall"}],
        actions=[{"action": "light.toggle", "target": {"entity_id": "light.hall"}}],
    )

    assert home.found()["loop"]["text"] == "It triggers itself without end."


def test_rules_that_come_to_rest_do_not_go_round(home) -> None:
    home.load("both", triggers=[on("light.hall")], actions=[turn("switch.a")])
    home.load("back", triggers=[on("switch.a")], actions=[LIGHT_ON])

    assert "loop" not in home.found("both")
    assert "loop" not in home.found("back")


def test_what_waits_or_has_conditions_is_not_certain_to_go_round(home) -> None:
    dark = {"condition": "state", "entity_id": "light.hall", "state": ["on", "off"]}
    ping_pong(home, conditions=[dark])
    assert home.found("ping") == {}

    home.load("ping", triggers=[on("light.hall")], actions=[{"delay": 5}, LIGHT_OFF])
    home.load("pong", triggers=[on("light.hall", "off", **{"for": 5})], actions=[LIGHT_ON])
    assert home.found("ping") == {}


def test_a_rule_that_holds_on_first_does_not_go_round(home) -> None:
    home.load("ping", triggers=[on("light.hall")], actions=[LIGHT_OFF])
    home.load("pong", triggers=[on("light.hall", "off", **{"for": 5})], actions=[LIGHT_ON])

    assert home.found("ping") == {}


def test_a_rule_that_listens_to_another_change_does_not_go_round(home) -> None:
    home.load("ping", triggers=[on("light.hall")], actions=[LIGHT_OFF])
    home.load("pong", triggers=[on("light.hall", "off", **{"from": "unavailable"})], actions=[LIGHT_ON])
    home.load("pang", triggers=[on("light.hall", "unknown")], actions=[LIGHT_ON])

    assert home.found("ping") == {}


def test_a_rule_that_is_off_takes_no_part(home) -> None:
    home.load("ping", triggers=[on("light.hall")], actions=[LIGHT_OFF])
    home.load("pong", triggers=[on("light.hall", "off")], actions=[LIGHT_ON], is_enabled=False)

    assert home.found("ping") == {}


def test_opposite_orders_at_the_same_moment_are_told_of_both(home) -> None:
    home.load("day", actions=[LIGHT_ON])
    home.load("night", actions=[LIGHT_OFF])

    assert home.found("day")["conflict"]["text"] == (
        "At the same moment it sets light.hall to on and 'night' sets it to off."
    )
    assert home.found("night")["conflict"]["entity_id"] == "light.hall"


def test_the_same_order_twice_is_no_conflict(home) -> None:
    home.load("day", actions=[LIGHT_ON])
    home.load("night", actions=[LIGHT_ON])

    assert home.found("day") == {}


def test_another_moment_or_another_condition_is_no_conflict(home) -> None:
    home.load("day", triggers=[MOTION], actions=[LIGHT_ON])
    home.load("gone", triggers=[{**MOTION, "to": "off"}], actions=[LIGHT_OFF])
    home.load("later", triggers=[{**MOTION, "for": 5}], actions=[LIGHT_OFF])
    night = {"condition": "time", "after": "22:00", "before": "06:00"}
    home.load("night", triggers=[MOTION], conditions=[night], actions=[LIGHT_OFF])
    home.load("slow", triggers=[MOTION], actions=[{"delay": 60}, LIGHT_OFF])

    assert [name for name in ("day", "gone", "later", "night", "slow") if home.found(name)] == []


def test_when_one_of_two_is_changed_the_other_is_looked_at_again(home) -> None:
    home.load("day", actions=[LIGHT_ON])
    home.load("night", actions=[LIGHT_OFF])
    home.wait(minutes=5)
    assert "automation_unhealthy" in home.issues_of("day")

    home.load("night", actions=[LIGHT_ON])
    home.wait(minutes=5)
    assert home.issues_of("day") == {}
    assert home.rows_of("day")[-1]["health_status"] == "healthy"


# Loops, stopped.


def runs_of(home, name) -> int:
    found = [each for each in home.hub.automations.described() if each["name"] == name]
    return home.hub.automations.present().get(found[0]["id"], {}).get("total_executions", 0)


def test_a_loop_is_stopped_and_told(home) -> None:
    ping_pong(home)
    home.set("light.hall", "on")

    assert 20 <= runs_of(home, "ping") <= 30
    assert "'ping' and 'pong' set each other off without end" in home.issues_of("ping")["automation_loop"]
    assert "automation_loop" in home.issues_of("pong")
    home.wait(minutes=1)
    assert "loop_stopped" in home.found("ping")
    assert home.status("ping") == "failing"


def test_while_a_loop_is_stopped_its_rules_run_for_people(home) -> None:
    ping_pong(home)
    home.set("light.hall", "on")
    home.set("light.hall", "unknown")
    before = runs_of(home, "ping")
    home.set("light.hall", "on")

    assert runs_of(home, "ping") == before + 1


def test_the_stop_is_over_after_ten_minutes(home) -> None:
    ping_pong(home)
    home.set("light.hall", "on")
    home.wait(minutes=11)

    assert home.issues_of("ping").keys() == {"automation_unhealthy"}  # found by looking, too
    home.set("light.hall", "unknown")
    home.set("light.hall", "on")
    assert "automation_loop" in home.issues_of("ping")


def test_a_loop_whose_devices_take_their_time_is_stopped_within_minutes(home) -> None:
    """A lamp that answers after two seconds, undone by the other rule each time."""
    home.outside.is_obeyed = False
    ping_pong(home)
    home.set("light.hall", "on")
    for _ in range(200):
        home.answer("light.hall", after_s=2)

    assert "automation_loop" in home.issues_of("ping")
    assert runs_of(home, "ping") + runs_of(home, "pong") <= 55


def test_a_loop_over_a_real_lamp_ends_after_a_minute() -> None:
    """Each order becomes a command, and the lamp's own report sets off the other rule."""
    home = Home(has_devices=True)
    home.meet("lamp", entity("light", "light", object_id="hall"))
    home.report("lamp", "light", "off")
    ping_pong(home)
    home.report("lamp", "light", "on")
    orders = 0
    while home.obey("lamp", "light"):
        orders += 1
        assert orders < 60

    assert orders >= 49
    assert {"automation_loop"} <= home.issues_of("ping").keys() & home.issues_of("pong").keys()


def test_rules_that_wait_before_they_answer_may_go_on_for_ever(home) -> None:
    home.load("ping", triggers=[on("light.hall")], actions=[{"delay": 5}, LIGHT_OFF])
    home.load("pong", triggers=[on("light.hall", "off")], actions=[{"delay": 5}, LIGHT_ON])
    home.set("light.hall", "on")
    home.wait(hours=2)

    assert home.issues_of("ping") == {}
    assert runs_of(home, "ping") > 600


def test_a_rule_that_counts_up_by_triggering_itself_may_go_on(home) -> None:
    home.set("sensor.step", "0")
    home.load(
        triggers=[{"trigger": "state", "entity_id": "sensor.step"}],
        conditions=["{{ states('sensor.step') | int < 200 }}"],
        actions=[{"action": "test.count", "target": {"entity_id": "sensor.step"}}],
        mode="queued",
    )
    home.outside.counts = True
    home.set("sensor.step", "1")

    assert home.hub.states.state("sensor.step").state == "200"
    assert home.issues_of() == {}


def test_many_rules_that_one_rule_sets_off_are_no_loop(home) -> None:
    home.set("switch.all", "off")
    home.load("first", triggers=[MOTION], actions=[turn("switch.all")])
    for number in range(80):
        home.load(f"rule{number}", triggers=[on("switch.all")], actions=[LIGHT_ON], mode="parallel")
    home.set("binary_sensor.motion", "on")

    assert runs_of(home, "rule79") == 1
    assert home.issues == {}


def test_events_that_call_each_other_are_stopped_too(home) -> None:
    home.load("ping", triggers=[{"trigger": "event", "event_type": "a"}], actions=[{"event": "b"}])
    home.load("pong", triggers=[{"trigger": "event", "event_type": "b"}], actions=[{"event": "a"}], mode="queued")
    home.fire("a")

    assert "automation_loop" in home.issues_of("ping")
    assert runs_of(home, "ping") < 60


def test_what_one_input_sets_off_without_end_is_stopped_although_it_never_repeats(home) -> None:
    """It counts on and on: the hub drops the rest, and the rule no longer answers to itself."""
    home.set("sensor.step", "0")
    home.load(
        triggers=[{"trigger": "state", "entity_id": "sensor.step"}],
        actions=[{"action": "test.count", "target": {"entity_id": "sensor.step"}}],
        mode="parallel",
    )
    home.outside.counts = True
    home.set("sensor.step", "1")

    assert "automation_loop" in home.issues_of()


# Fights, seen.


def fight(home, rounds: int, pause_s: float = 60) -> None:
    home.set("switch.a", "off")
    home.set("switch.b", "off")
    home.load("ann", triggers=[on("switch.a")], actions=[LIGHT_ON])
    home.load("bob", triggers=[on("switch.b")], actions=[LIGHT_OFF])
    for _ in range(rounds):
        for name in ("switch.a", "switch.b"):
            home.set(name, "on")
            home.set(name, "off")
            home.wait(1)
        home.wait(pause_s)


def test_two_rules_that_undo_each_others_orders_again_and_again_fight(home) -> None:
    fight(home, 4)

    found = home.found("ann")["fight"]
    assert "'bob' set light.hall to opposite states within 5 seconds" in found["text"]
    assert found["automations"] == home.report_of("bob")["issues"][0]["automations"] or found["automations"]
    home.wait(minutes=5)
    assert "automation_unhealthy" in home.issues_of("bob")


def test_a_fight_is_over_after_a_day_without_one(home) -> None:
    fight(home, 4)
    home.wait(days=2)

    assert home.found("ann") == {}
    assert home.issues_of("bob") == {}


def test_now_and_then_is_no_fight(home) -> None:
    fight(home, 3)
    assert home.found("ann") == {}

    fight(home, 6, pause_s=1800)
    assert home.found("ann") == {}


def test_a_lamp_that_goes_on_and_off_with_time_between_is_what_lamps_do(home) -> None:
    home.load("lit", triggers=[MOTION], actions=[LIGHT_ON])
    home.load("dark", triggers=[{**MOTION, "to": "off", "for": 10}], actions=[LIGHT_OFF])
    for _ in range(50):
        home.set("binary_sensor.motion", "on")
        home.wait(20)
        home.set("binary_sensor.motion", "off")
        home.wait(20)

    assert home.found("lit") == {}
    assert home.found("dark") == {}


def test_a_script_that_undoes_what_its_caller_did_belongs_to_it(home) -> None:
    home.load_script("dark", LIGHT_OFF)
    home.load(triggers=[MOTION], actions=[LIGHT_ON, {"action": "script.dark"}])
    for _ in range(10):
        home.set("binary_sensor.motion", "on")
        home.set("binary_sensor.motion", "off")
        home.wait(30)

    assert home.found() == {}
