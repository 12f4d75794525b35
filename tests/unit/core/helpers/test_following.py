"""Groups and persons are what those they follow are; a schedule is what the clock says; zones count who is in them."""

from datetime import UTC, datetime

import pytest

from hub_agent.model.definition import Definition
from hub_agent.model.ids import EntityId
from hub_agent.model.inputs import DefinitionArrived, StateSet

SPRING_FORWARD = datetime(2026, 3, 28, 23, tzinfo=UTC)  # midnight in Berlin, of the day that has 23 hours


def put(home, entity_id, state, **attributes):
    home.tell(StateSet(EntityId(entity_id), state, attributes))


def settle_in(home, *zones):
    fields = {"name": "Villa", "timezone": "Europe/Berlin", "coordinates": "(52.5,13.4)", "metadata": {"zones": zones}}
    row = Definition("home", "the-home", fields, next(home.versions) * 10, fields)
    home.tell(DefinitionArrived(row, is_from_cloud=True))


# Groups.


def test_a_group_is_on_while_one_of_it_is(home):
    home.define("input_boolean.a")
    home.define("input_boolean.b")
    home.define("group.both", "Both", entities=["input_boolean.a", "input_boolean.b"])
    assert home.state("group.both") == "off"
    home.call("input_boolean.turn_on", "input_boolean.b")
    assert home.state("group.both") == "on"
    assert home.attribute("group.both", "entity_id") == ["input_boolean.a", "input_boolean.b"]
    assert home.attribute("group.both", "friendly_name") == "Both"
    home.call("input_boolean.turn_off", "input_boolean.b")
    assert home.state("group.both") == "off"


def test_a_group_that_needs_all_is_on_while_all_of_it_are(home):
    home.define("group.lamps", entities=["light.a", "light.b"], all=True)
    put(home, "light.a", "on")
    assert home.state("group.lamps") == "on", "who is not there is not asked"
    put(home, "light.b", "off")
    assert home.state("group.lamps") == "off"
    put(home, "light.b", "on")
    assert home.state("group.lamps") == "on"
    put(home, "light.b", "unavailable")
    assert home.state("group.lamps") == "off"


@pytest.mark.parametrize(
    "members, state",
    [
        ({"cover.a": "closed", "cover.b": "open"}, "open"),
        ({"cover.a": "closed"}, "closed"),
        ({"person.a": "home", "person.b": "Work"}, "home"),
        ({"device_tracker.a": "not_home"}, "not_home"),
        ({"lock.a": "locked", "lock.b": "unlocked"}, "unlocked"),
        ({"media_player.a": "playing"}, "on"),
        ({"climate.a": "heat"}, "on"),
        ({"person.a": "home", "light.a": "off"}, "on"),
        ({"person.a": "not_home", "light.a": "off"}, "off"),
        ({"light.a": "unavailable"}, "off"),
        ({}, "unknown"),
    ],
)
def test_a_group_speaks_as_its_members_do(home, members, state):
    for entity_id, each in members.items():
        put(home, entity_id, each)
    home.define("group.g", entities=[*members, "light.absent"])
    assert home.state("group.g") == state


def test_a_group_of_groups_follows_at_once_and_one_that_holds_itself_comes_to_rest(home):
    home.define("group.inner", entities=["person.a", "group.outer"])
    home.define("group.outer", entities=["group.inner"])
    put(home, "person.a", "home")
    assert (home.state("group.inner"), home.state("group.outer")) == ("home", "home")


def test_what_is_told_to_a_group_is_told_to_its_members(home):
    home.define("input_boolean.a")
    home.define("input_boolean.b")
    home.define("input_number.n", min=0, max=9)
    home.define("group.inner", entities=["input_boolean.b", "input_number.n"])
    home.define("group.all", entities=["input_boolean.a", "group.inner"])
    assert home.call("input_boolean.turn_on", "group.all") is None
    assert (home.state("input_boolean.a"), home.state("input_boolean.b")) == ("on", "on")
    home.call("group.turn_off", "group.inner")
    assert (home.state("input_boolean.a"), home.state("input_boolean.b")) == ("on", "off")
    home.call("homeassistant.turn_on", "group.inner")
    assert home.state("input_boolean.b") == "on"


def test_groups_that_hold_each_other_are_told_once(home):
    home.define("input_boolean.a")
    home.define("group.one", entities=["group.two", "input_boolean.a"])
    home.define("group.two", entities=["group.one"])
    assert home.call("input_boolean.toggle", "group.one", "group.two") is None
    assert home.state("input_boolean.a") == "on"


def test_all_means_all_that_the_action_is_for(home):
    home.define("input_boolean.a")
    home.define("input_boolean.b")
    assert home.call("input_boolean.turn_on", "all") is None
    assert (home.state("input_boolean.a"), home.state("input_boolean.b")) == ("on", "on")


def test_a_group_without_members_is_refused(home):
    home.define("group.g", "G", entities=[])
    assert home.issues["device_invalid"] == "G: settings/entities: must name the members of the group"


def test_a_group_that_is_gone_follows_no_longer(home):
    home.define("group.g", entities=["light.a"])
    home.arrive("group.g", {}, is_deleted=True)
    put(home, "light.a", "on")
    assert home.state("group.g") is None


def test_a_group_is_what_its_members_are_also_after_a_restart(home):
    home.define("group.g", entities=["input_boolean.z"])
    home.define("input_boolean.z")
    home.call("input_boolean.turn_on", "input_boolean.z")
    home.restart(keeps_states=False)
    assert home.state("group.g") == "on"


# Persons and zones.


def test_a_person_at_home_is_where_the_home_is(home):
    home.define("person.ada", "Ada", device_trackers=["device_tracker.router"], user_id="u1")
    assert home.state("person.ada") == "unknown"
    put(home, "device_tracker.router", "home", source_type="router")
    assert home.state("person.ada") == "home"
    assert home.attribute("person.ada", "latitude") == 52.5
    assert home.attribute("person.ada", "source") == "device_tracker.router"
    assert home.attribute("person.ada", "user_id") == "u1"
    assert home.attribute("person.ada", "device_trackers") == ["device_tracker.router"]


def test_the_router_knows_best_who_is_home_and_the_position_who_is_not(home):
    home.define("person.ada", device_trackers=["device_tracker.router", "device_tracker.phone"])
    put(home, "device_tracker.phone", "not_home", source_type="gps", latitude=48.1, longitude=11.5, gps_accuracy=20)
    put(home, "device_tracker.router", "home", source_type="router")
    assert home.state("person.ada") == "home"
    put(home, "device_tracker.router", "not_home", source_type="router")
    assert home.state("person.ada") == "not_home"
    assert home.attribute("person.ada", "source") == "device_tracker.phone"
    assert home.attribute("person.ada", "gps_accuracy") == 20
    put(home, "device_tracker.phone", "unavailable")
    assert home.attribute("person.ada", "source") == "device_tracker.router"


def test_a_person_in_a_zone_has_its_name_and_is_counted_there(home):
    big = {"name": "City", "latitude": 48.1, "longitude": 11.5, "radius": 9000}
    work = {"name": "My Work", "latitude": 48.1, "longitude": 11.5, "radius": 200, "icon": "mdi:briefcase"}
    settle_in(home, big, work)
    home.define("person.ada", device_trackers=["device_tracker.phone"])
    put(home, "device_tracker.phone", "not_home", latitude=48.1005, longitude=11.5, gps_accuracy=10)
    assert home.state("person.ada") == "My Work"
    assert (home.state("zone.my_work"), home.state("zone.city"), home.state("zone.home")) == ("1", "0", "0")
    assert home.attribute("zone.my_work", "persons") == ["person.ada"]
    assert home.attribute("zone.my_work", "icon") == "mdi:briefcase"
    home.restart()
    assert (home.state("person.ada"), home.state("zone.my_work")) == ("My Work", "1")
    put(home, "device_tracker.phone", "not_home", latitude=52.5, longitude=13.4, gps_accuracy=10)
    assert (home.state("person.ada"), home.state("zone.my_work"), home.state("zone.home")) == ("home", "0", "1")


def test_zones_that_are_taken_from_the_home_are_gone_and_the_home_may_be_one_of_them(home):
    settle_in(home, {"name": "Work", "latitude": 48.1, "longitude": 11.5})
    assert home.attribute("zone.work", "radius") == 100
    settle_in(
        home, {"object_id": "home", "name": "Hut", "latitude": 1, "longitude": 2, "radius": 5}, {"name": "nowhere"}
    )
    assert home.state("zone.work") is None
    assert (home.attribute("zone.home", "friendly_name"), home.attribute("zone.home", "radius")) == ("Hut", 5)
    home.restart()
    assert home.attribute("zone.home", "friendly_name") == "Hut"


# Schedules.


def test_a_schedule_follows_the_clock_of_the_home(home):
    wednesday = [{"from": "13:00:00", "to": "14:00:00", "data": {"mode": "warm"}}, {"from": "22:00", "to": "24:00:00"}]
    home.define("schedule.heat", "Heat", wednesday=wednesday, thursday=[{"from": "00:00", "to": "06:30"}])
    assert home.state("schedule.heat") == "off"
    assert home.attribute("schedule.heat", "next_event") == "2026-01-14T13:00:00+01:00"
    home.wait(3600)
    assert (home.state("schedule.heat"), home.attribute("schedule.heat", "mode")) == ("on", "warm")
    home.wait(3600)
    assert (home.state("schedule.heat"), home.attribute("schedule.heat", "mode")) == ("off", None)
    home.wait(10 * 3600 + 60)
    assert home.state("schedule.heat") == "on", "one day ends where the other begins"
    home.restart(7 * 3600, keeps_states=False)
    assert home.state("schedule.heat") == "off", "it ended while the hub was away"
    assert home.attribute("schedule.heat", "next_event") == "2026-01-21T13:00:00+01:00"


def test_a_time_until_24_00_lasts_until_the_day_ends(home):
    home.define("schedule.late", wednesday=[{"from": "22:00", "to": "24:00"}])
    home.wait(12 * 3600 - 1)
    assert home.state("schedule.late") == "on"
    home.wait(1)
    assert home.state("schedule.late") == "off"


def test_a_schedule_on_the_day_of_23_hours_begins_when_its_time_first_exists(home):
    home.wait((SPRING_FORWARD - home.now).total_seconds())
    home.define("schedule.early", sunday=[{"from": "02:30", "to": "04:00"}])
    home.wait(2 * 3600 - 1)
    assert home.state("schedule.early") == "off"
    home.wait(1)
    assert home.state("schedule.early") == "on"
    home.wait(3600)
    assert home.state("schedule.early") == "off"


def test_a_schedule_sees_a_clock_that_is_set_and_another_time_zone(home):
    home.define("schedule.noon", wednesday=[{"from": "14:00", "to": "15:00"}])
    home.step_clock(2 * 3600)
    assert home.state("schedule.noon") == "on"
    fields = {"name": "Villa", "timezone": "Europe/London"}
    home.tell(DefinitionArrived(Definition("home", "h", fields, 10_000, fields), is_from_cloud=True))
    assert home.state("schedule.noon") == "off"


@pytest.mark.parametrize(
    "day, words",
    [
        ([{"from": "08:00", "to": "07:00"}], "not after it begins"),
        ([{"from": "08:00", "to": "10:00"}, {"from": "09:00", "to": "11:00"}], "overlap"),
        ([{"from": "8 o'clock", "to": "10:00"}], "no time such as"),
        ("always", "must be a list"),
        ([{"from": "08:00", "to": "10:00", "data": 3}], "no mapping"),
        (["08:00"], "must hold times"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused_in_words(home, day, words):
    home.define("schedule.s", monday=day)
    assert words in home.issues["device_invalid"]


# The sun.


def test_the_sun_is_an_entity_that_tells_what_comes_next(home):
    assert home.state("sun.sun") == "above_horizon"
    setting = home.attribute("sun.sun", "next_setting")
    assert setting.startswith("2026-01-14T15:2")
    assert home.attribute("sun.sun", "rising") is True, "not yet noon by the sun"
    assert 0 < home.attribute("sun.sun", "elevation") < 20
    home.wait((datetime.fromisoformat(setting) - home.now).total_seconds() - 1)
    assert home.state("sun.sun") == "above_horizon"
    home.wait(1)
    assert home.state("sun.sun") == "below_horizon"
    assert home.attribute("sun.sun", "next_setting") > setting


def test_where_the_sun_stands_is_told_only_when_a_rule_has_named_it(home):
    at_noon = home.attribute("sun.sun", "elevation")
    home.wait(600)
    assert home.attribute("sun.sun", "elevation") == at_noon
    row = {
        "name": "dusk",
        "triggers": [{"trigger": "numeric_state", "entity_id": "sun.sun", "attribute": "elevation", "below": -4}],
        "actions": [{"event": "dusk"}],
    }
    home.tell(DefinitionArrived(Definition("automation", "dusk", row, 9000, row), is_from_cloud=True))
    home.wait(600)
    assert home.attribute("sun.sun", "elevation") != at_noon
    home.wait(6 * 3600)
    assert [name for name, _ in home.events] == ["dusk"]


def test_a_zone_or_sun_that_somebody_else_writes_is_theirs_from_then_on(home):
    put(home, "sun.sun", "below_horizon")
    put(home, "zone.home", "7")
    home.define("person.ada", device_trackers=["device_tracker.router"])
    put(home, "device_tracker.router", "home")
    home.wait(24 * 3600)
    home.restart(keeps_states=True)
    assert (home.state("sun.sun"), home.state("zone.home")) == ("below_horizon", "7")
