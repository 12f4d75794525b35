"""Each kind holds what it may hold, as Home Assistant shows it, over a restart."""

import pytest

SETTINGS = {
    "input_boolean": {},
    "input_number": {"min": 10, "max": 20, "step": 2.5, "unit_of_measurement": "°C"},
    "input_select": {"options": ["home", "away", "asleep"]},
    "input_text": {"min": 2, "max": 5, "pattern": "[a-z]*"},
    "input_datetime": {"has_date": True, "has_time": True},
    "input_button": {},
    "counter": {"initial": 3, "step": 2, "minimum": 0, "maximum": 8},
    "timer": {"duration": "00:05:00"},
}


@pytest.mark.parametrize(
    "verb, data, state",
    [
        ("input_boolean.turn_on", {}, "on"),
        ("input_boolean.turn_off", {}, "off"),
        ("input_boolean.toggle", {}, "on"),
        ("input_number.set_value", {"value": 12.25}, "12.25"),
        ("input_number.set_value", {"value": "13"}, "13.0"),
        ("input_number.increment", {}, "12.5"),
        ("input_number.decrement", {}, "10.0"),
        ("input_select.select_option", {"option": "asleep"}, "asleep"),
        ("input_select.select_next", {}, "away"),
        ("input_select.select_previous", {}, "asleep"),
        ("input_select.select_previous", {"cycle": False}, "home"),
        ("input_select.select_last", {}, "asleep"),
        ("input_select.select_first", {}, "home"),
        ("input_select.set_options", {"options": ["a", "b"]}, "a"),
        ("input_select.set_options", {"options": ["b", "home"]}, "home"),
        ("input_text.set_value", {"value": "abc"}, "abc"),
        ("input_datetime.set_datetime", {"date": "2026-02-01"}, "2026-02-01 00:00:00"),
        ("input_datetime.set_datetime", {"time": "07:30"}, "2026-01-14 07:30:00"),
        ("input_datetime.set_datetime", {"date": "2026-02-01", "time": "07:30:15"}, "2026-02-01 07:30:15"),
        ("input_datetime.set_datetime", {"datetime": "2026-02-01 07:30:00"}, "2026-02-01 07:30:00"),
        ("input_datetime.set_datetime", {"timestamp": 1768392000}, "2026-01-14 13:00:00"),
        ("input_button.press", {}, "2026-01-14T11:00:00+00:00"),
        ("counter.increment", {}, "5"),
        ("counter.decrement", {}, "1"),
        ("counter.set_value", {"value": 8}, "8"),
        ("counter.reset", {}, "3"),
    ],
)
def test_what_it_is_told_it_holds_also_after_a_restart(home, verb, data, state):
    entity_id = f"{verb.partition('.')[0]}.x"
    home.define(entity_id, **SETTINGS[verb.partition(".")[0]])
    assert home.call(verb, entity_id, **data) is None
    assert home.state(entity_id) == state
    attributes = home.hub.states.state(entity_id).attributes
    for keeps_states in (True, False):
        home.restart(keeps_states=keeps_states)
        assert home.state(entity_id) == state
        assert home.hub.states.state(entity_id).attributes == attributes


@pytest.mark.parametrize(
    "verb, data, words",
    [
        ("input_number.set_value", {"value": 20.5}, "20.5 is not between 10 and 20"),
        ("input_number.set_value", {"value": "warm"}, "value must be a number"),
        ("input_number.set_value", {}, "value must be a number"),
        ("input_number.set_value", {"value": True}, "value must be a number"),
        ("input_number.set_value", {"value": "nan"}, "value must be a number"),
        ("input_number.press", {}, "does not know input_number.press"),
        ("input_select.select_option", {"option": "gone"}, '"gone" is none of home, away, asleep'),
        ("input_select.set_options", {"options": []}, "options must be a list"),
        ("input_select.set_options", {"options": ["a", "a"]}, "options must be a list"),
        ("input_text.set_value", {"value": "a"}, "2 to 5 characters, not 1"),
        ("input_text.set_value", {"value": "abcdef"}, "2 to 5 characters, not 6"),
        ("input_text.set_value", {"value": "ABC"}, "does not have the form [a-z]*"),
        ("input_datetime.set_datetime", {"date": "2026-02-30"}, "is no date"),
        ("input_datetime.set_datetime", {"time": "25:00"}, "is no time"),
        ("input_datetime.set_datetime", {"timestamp": 1e30}, "is no date and time"),
        ("input_datetime.set_datetime", {}, "give date, time, datetime or timestamp"),
        ("counter.set_value", {"value": 9}, "9 is not a whole number of at least 0 and at most 8"),
        ("counter.set_value", {"value": 1.5}, "is not a whole number"),
        ("timer.start", {"duration": "soon"}, "is no duration"),
        ("timer.start", {"duration": "-00:01:00"}, "is no duration"),
        ("timer.change", {"duration": 5}, "it does not run"),
    ],
)
def test_what_it_may_not_hold_is_refused_in_words_and_changes_nothing(home, verb, data, words):
    entity_id = f"{verb.partition('.')[0]}.x"
    home.define(entity_id, **SETTINGS[verb.partition(".")[0]])
    before = home.state(entity_id)
    assert words in home.call(verb, entity_id, **data)
    assert home.state(entity_id) == before


@pytest.mark.parametrize(
    "domain, settings, words",
    [
        ("input_boolean", {"initial": "yes"}, "settings/initial: must be true or false"),
        ("input_number", {"min": 1}, "settings/max: is needed"),
        ("input_number", {"min": 1, "max": "much"}, "settings/max: must be a number"),
        ("input_number", {"min": 1, "max": 5, "step": 0}, "settings/step: must be more than 0"),
        ("input_number", {"min": 1, "max": 5, "initial": 6}, "settings/initial: must be between 1 and 5"),
        ("input_number", {"min": 1, "max": 5, "mode": "knob"}, "settings/mode: must be one of slider, box"),
        ("input_select", {}, "settings/options: must be a list"),
        ("input_select", {"options": ["a"], "initial": "b"}, "settings/initial: must be one of the options"),
        ("input_text", {"max": 256}, "settings/max: must be between min, which is 0, and 255"),
        ("input_text", {"pattern": "("}, "settings/pattern"),
        ("input_text", {"pattern": "(a+)+"}, "settings/pattern"),
        ("input_text", {"min": 3, "initial": "ab"}, "settings/initial: the text must have 3 to 100 characters"),
        ("input_datetime", {}, "settings/has_date: it needs has_date or has_time"),
        ("input_datetime", {"has_time": True, "initial": "noon"}, "settings/initial"),
        ("counter", {"minimum": 5, "maximum": 4}, "settings/maximum"),
        ("counter", {"initial": 1.5}, "settings/initial: must be a whole number"),
        ("timer", {"duration": "long"}, "settings/duration"),
        ("timer", {"duration": {"parsecs": 3}}, "settings/duration"),
    ],
)
def test_what_cannot_be_set_up_is_said_with_its_place(home, domain, settings, words):
    home.define(f"{domain}.x", **settings)
    assert words in home.issues["device_invalid"]
    assert home.state(f"{domain}.x") is None


@pytest.mark.parametrize(
    "domain, settings, state",
    [
        ("input_boolean", {}, "off"),
        ("input_boolean", {"initial": True}, "on"),
        ("input_number", {"min": -5, "max": 5}, "-5.0"),
        ("input_number", {"min": -5, "max": 5, "initial": 0}, "0.0"),
        ("input_select", {"options": ["a", "b"]}, "a"),
        ("input_select", {"options": ["a", "b"], "initial": "b"}, "b"),
        ("input_text", {}, "unknown"),
        ("input_text", {"initial": "hello"}, "hello"),
        ("input_datetime", {"has_date": True}, "2026-01-14"),
        ("input_datetime", {"has_time": True}, "00:00:00"),
        ("input_datetime", {"has_time": True, "initial": "06:15"}, "06:15:00"),
        ("input_button", {}, "unknown"),
        ("counter", {}, "0"),
        ("timer", {}, "idle"),
    ],
)
def test_it_begins_with_what_is_given_or_usual(home, domain, settings, state):
    home.define(f"{domain}.x", **settings)
    assert home.issues == {}
    assert home.state(f"{domain}.x") == state


@pytest.mark.parametrize(
    "entity_id, settings, told, after",
    [
        ("input_boolean.x", {"initial": False}, ("turn_on", {}), "off"),
        ("input_number.x", {"min": 0, "max": 9, "initial": 4}, ("set_value", {"value": 7}), "4.0"),
        ("input_select.x", {"options": ["a", "b"], "initial": "a"}, ("select_next", {}), "a"),
        ("input_text.x", {"initial": "so"}, ("set_value", {"value": "else"}), "so"),
        ("input_datetime.x", {"has_time": True, "initial": "06:15"}, ("set_datetime", {"time": "07:00"}), "06:15:00"),
        ("counter.x", {"initial": 4}, ("increment", {}), "5"),
        ("counter.x", {"initial": 4, "restore": False}, ("increment", {}), "4"),
        ("timer.x", {"duration": 60, "restore": False}, ("start", {}), "idle"),
    ],
)
def test_each_start_begins_with_what_is_given_for_it(home, entity_id, settings, told, after):
    home.define(entity_id, **settings)
    verb, data = told
    assert home.call(f"{entity_id.partition('.')[0]}.{verb}", entity_id, **data) is None
    home.restart()
    assert home.state(entity_id) == after


def test_a_number_stops_at_its_bounds(home):
    home.define("input_number.x", min=0, max=1, step=0.75)
    states = []
    for verb in ("increment", "increment", "decrement", "decrement"):
        home.call(f"input_number.{verb}", "input_number.x")
        states.append(home.state("input_number.x"))
    assert states == ["0.75", "1.0", "0.25", "0.0"]


def test_a_choice_set_up_anew_forgets_the_options_it_was_given(home):
    home.define("input_select.x", options=["a", "b"])
    home.call("input_select.set_options", "input_select.x", options=["b", "c"])
    home.call("input_select.select_option", "input_select.x", option="c")
    assert home.attribute("input_select.x", "options") == ["b", "c"]
    home.define("input_select.x", options=["b", "d"])
    assert home.attribute("input_select.x", "options") == ["b", "d"]
    assert home.state("input_select.x") == "b"


def test_a_date_shows_its_parts_and_its_instant_in_the_time_zone_of_the_home(home):
    home.define("input_datetime.x", has_date=True, has_time=True, initial="2026-01-14 13:00:00")
    shown = [home.attribute("input_datetime.x", name) for name in ("year", "month", "day", "hour", "timestamp")]
    assert shown == [2026, 1, 14, 13, 1768392000.0]


def test_a_time_ignores_a_date_it_does_not_hold(home):
    home.define("input_datetime.x", has_time=True)
    assert home.call("input_datetime.set_datetime", "input_datetime.x", datetime="2026-02-01 07:30:00") is None
    assert home.state("input_datetime.x") == "07:30:00"
    assert "it holds a time" in home.call("input_datetime.set_datetime", "input_datetime.x", date="2026-02-01")
