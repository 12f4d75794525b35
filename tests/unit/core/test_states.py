from datetime import UTC, datetime, timedelta

from hub_agent.core.states import States
from hub_agent.model.ids import EntityId

NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)
LAMP = EntityId("light.lamp")


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_the_first_report_makes_the_entity_appear() -> None:
    change = States().report(LAMP, "on", {"brightness": 10}, NOON, None)

    assert change is not None
    assert change.old is None
    assert change.new is not None
    assert (change.new.state, change.new.attributes) == ("on", {"brightness": 10})


def test_saying_the_same_again_is_no_change() -> None:
    states = States()
    states.report(LAMP, "on", {"brightness": 10}, NOON, None)

    assert states.report(LAMP, "on", {"brightness": 10}, later(1), None) is None


def test_a_report_is_merged_into_what_is_known_and_none_removes_an_attribute() -> None:
    states = States()
    states.report(LAMP, "on", {"brightness": 10, "effect": "blink"}, NOON, None)
    states.report(LAMP, None, {"brightness": 20, "effect": None}, later(1), None)

    state = states.state(LAMP)
    assert state is not None
    assert state.attributes == {"brightness": 20}


def test_an_attribute_alone_does_not_move_the_time_of_the_last_change() -> None:
    states = States()
    states.report(LAMP, "on", {"brightness": 10}, NOON, None)
    states.report(LAMP, "on", {"brightness": 11}, later(5), None)

    state = states.state(LAMP)
    assert state is not None
    assert (state.changed_at, state.updated_at) == (NOON, later(5))


def test_one_and_true_are_different_attributes() -> None:
    states = States()
    states.report(LAMP, "on", {"flag": 1}, NOON, None)

    assert states.report(LAMP, "on", {"flag": True}, later(1), None) is not None


def test_what_was_said_before_and_during_unavailability_is_shown_when_the_device_is_back() -> None:
    states = States()
    states.report(LAMP, "on", {"brightness": 10}, NOON, None)
    gone = states.set_available(LAMP, is_available=False, now=later(1))
    assert gone is not None
    assert gone.new is not None
    assert (gone.new.state, gone.new.attributes) == ("unavailable", {})

    assert states.report(LAMP, None, {"brightness": 30}, later(2), None) is None
    back = states.set_available(LAMP, is_available=True, now=later(3))

    assert back is not None
    assert back.new is not None
    assert (back.new.state, back.new.attributes) == ("on", {"brightness": 30})


def test_being_unavailable_twice_is_one_change() -> None:
    states = States()
    states.report(LAMP, "on", {}, NOON, None)
    states.set_available(LAMP, is_available=False, now=later(1))

    assert states.set_available(LAMP, is_available=False, now=later(2)) is None


def test_a_device_unavailable_before_a_restart_is_unknown_when_it_is_back() -> None:
    before = States()
    before.report(LAMP, "on", {}, NOON, None)
    before.set_available(LAMP, is_available=False, now=later(1))
    after = States()
    state = before.state(LAMP)
    assert state is not None
    after.restore({LAMP: state})

    back = after.set_available(LAMP, is_available=True, now=later(9))

    assert back is not None
    assert back.new is not None
    assert back.new.state == "unknown"


def test_a_forced_write_announces_an_equal_state() -> None:
    states = States()
    states.write(LAMP, "on", {}, NOON)

    assert states.write(LAMP, "on", {}, later(1)) is None
    assert states.write(LAMP, "on", {}, later(1), is_forced=True) is not None
