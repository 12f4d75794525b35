"""What messages of devices mean, by Home Assistant's documented behaviour."""

from typing import Any

import pytest

from hub_agent.model.report import AvailabilityReported, Rejected, Reported

ON_OFF = {"state_topic": "box/state", "command_topic": "box/set"}


@pytest.mark.parametrize(
    "payload,state",
    [
        ("21.5", "21.5"),
        ("-3", "-3"),
        ("nan", "unknown"),
        ("inf", "unknown"),
        ("None", "unknown"),
        ("unavailable", "unknown"),
    ],
)
def test_a_numeric_sensor_says_numbers_or_that_it_does_not_know(home, payload, state) -> None:
    home.announce("sensor", {"stat_t": "box/t", "dev_cla": "temperature", "unit_of_meas": "°C"})
    assert home.say("box/t", payload) == (state, {})


def test_a_numeric_sensor_has_one_capability_named_for_what_it_measures(home) -> None:
    home.announce("sensor", {"stat_t": "a", "dev_cla": "temperature", "unit_of_meas": "°C"}, "a")
    home.announce("sensor", {"stat_t": "b", "name": "Filter Life", "unit_of_meas": "h"}, "b")
    first, second = home.devices["box"].entities
    assert [(name, one.type, one.unit) for name, one in first.capabilities.items()] == [("temperature", "float", "°C")]
    assert [(name, one.type, one.unit) for name, one in second.capabilities.items()] == [("filter_life", "float", "h")]


def test_what_is_no_number_is_rejected_with_its_reason(home) -> None:
    home.announce("sensor", {"stat_t": "box/t", "unit_of_meas": "W"})
    (rejected,) = home.hear("box/t", "lots")
    assert isinstance(rejected, Rejected)
    assert rejected.code == "not_understood"
    assert "'lots' is not a number" in rejected.reason


def test_a_message_without_the_value_of_an_entity_says_nothing_about_it(home) -> None:
    home.announce("sensor", {"stat_t": "box", "val_tpl": "{{ value_json.temperature }}", "unit_of_meas": "°C"}, "t")
    home.announce("sensor", {"stat_t": "box", "val_tpl": "{{ value_json.deep.humidity }}", "unit_of_meas": "%"}, "h")
    home.announce(
        "sensor", {"stat_t": "box", "val_tpl": "{{ value_json.batt | is_defined }}", "unit_of_meas": "%"}, "b"
    )
    assert home.hear("box", {"other": 1}) == []
    (report,) = home.reports("box", {"temperature": 20})
    assert (report.key, report.state) == ("sensor.t", "20")


def test_a_message_that_is_not_json_where_a_template_needs_it_is_rejected(home) -> None:
    home.announce("sensor", {"stat_t": "box", "val_tpl": "{{ value_json.deep.humidity }}", "unit_of_meas": "%"})
    (rejected,) = home.hear("box", '{"Temperature":nan}')
    assert isinstance(rejected, Rejected)
    assert rejected.code == "template_failed"


def test_one_topic_feeds_many_entities_in_one_report(home) -> None:
    for name in ("a", "b", "c"):
        home.announce("sensor", {"stat_t": "box", "val_tpl": f"{{{{ value_json.{name} }}}}", "unit_of_meas": "W"}, name)
    (reported,) = home.hear("box", {"a": 1, "b": 2, "c": 3})
    assert isinstance(reported, Reported)
    assert [(report.key, report.state) for report in reported.entities] == [
        ("sensor.a", "1"),
        ("sensor.b", "2"),
        ("sensor.c", "3"),
    ]


def test_battery_signal_and_address_are_observed_of_the_device(home) -> None:
    home.announce("sensor", {"stat_t": "box/b", "dev_cla": "battery", "unit_of_meas": "%"}, "b")
    home.announce("sensor", {"stat_t": "box/s", "dev_cla": "signal_strength", "unit_of_meas": "dBm"}, "s")
    home.announce("sensor", {"stat_t": "box/ip", "name": "WiFi IP"}, "ip")
    (address,) = home.hear("box/ip", "192.168.1.7")
    assert isinstance(address, Reported)
    assert address.observed == {"ip_address": "192.168.1.7"}
    (battery,) = home.hear("box/b", "87.4")
    (signal,) = home.hear("box/s", "-61")
    assert isinstance(battery, Reported)
    assert isinstance(signal, Reported)
    assert (battery.observed, signal.observed) == ({"battery_level": 87}, {"signal_strength": -61})


def test_wildcards_in_state_topics_are_followed(home) -> None:
    home.announce("sensor", {"stat_t": "+/+/BTtoMQTT/A4C1", "val_tpl": "{{ value_json.tempc }}", "unit_of_meas": "°C"})
    assert home.driver.wants("home/gateway/BTtoMQTT/A4C1")
    assert not home.driver.wants("home/gateway/BTtoMQTT/B5")
    assert home.say("home/gateway/BTtoMQTT/A4C1", {"tempc": 19.2}) == ("19.2", {})


def test_json_attributes_become_attributes_but_never_overwrite_ours(home) -> None:
    home.announce(
        "sensor", {"stat_t": "box/t", "json_attr_t": "box/a", "json_attr_tpl": "{{ value_json.more | tojson }}"}
    )
    assert home.say("box/a", {"more": {"rpm": 900, "entity_id": "x.y", "state": "z"}}) == (None, {"rpm": 900})


@pytest.mark.parametrize("payload,state", [("1", "on"), ("0", "off"), ("None", "unknown")])
def test_a_binary_sensor_has_its_own_words(home, payload, state) -> None:
    home.announce("binary_sensor", {"stat_t": "box/m", "pl_on": 1, "pl_off": "0", "off_delay": 30, "dev_cla": "motion"})
    assert home.say("box/m", payload) == (state, {})


def test_a_switch_may_report_other_words_than_it_is_told(home) -> None:
    home.announce("switch", {**ON_OFF, "state_on": "running", "state_off": "stopped"})
    assert home.say("box/state", "running") == ("on", {})
    assert isinstance(home.hear("box/state", "ON")[0], Rejected)


def test_a_light_of_the_default_schema_scales_what_it_says(home) -> None:
    home.announce(
        "light",
        {**ON_OFF, "bri_stat_t": "box/bri", "bri_cmd_t": "box/bri/set", "bri_scl": 100, "clr_temp_stat_t": "box/ct", "clr_temp_cmd_t": "box/ct/set", "rgb_stat_t": "box/rgb", "rgb_cmd_t": "box/rgb/set", "fx_stat_t": "box/fx", "fx_list": ["rainbow"], "fx_cmd_t": "box/fx/set"},
    )  # fmt: skip
    assert home.say("box/state", "ON") == ("on", {})
    assert home.say("box/bri", "40") == (None, {"brightness": 102})
    assert home.say("box/ct", "250") == (None, {"color_temp_kelvin": 4000, "color_mode": "color_temp"})
    assert home.say("box/rgb", "255,128,0") == (None, {"rgb_color": [255, 128, 0], "color_mode": "rgb"})
    assert home.say("box/fx", "rainbow") == (None, {"effect": "rainbow"})
    capabilities = home.devices["box"].entities[0].capabilities
    assert {name: (one.unit, one.min, one.max) for name, one in capabilities.items()} == {
        "on": (None, None, None),
        "brightness": ("%", 0, 100),
        "color_temp": ("K", 2000, 6535),
        "color": (None, None, None),
        "effect": (None, None, None),
    }


def test_a_light_of_the_json_schema_says_all_in_one_body(home) -> None:
    home.announce(
        "light",
        {
            **ON_OFF,
            "schema": "json",
            "brightness": True,
            "bri_scl": 254,
            "sup_clrm": ["xy", "color_temp"],
            "effect": True,
        },
    )
    body = {
        "state": "ON",
        "brightness": 127,
        "color_mode": "xy",
        "color": {"x": 0.3, "y": 0.4},
        "color_temp": 370,
        "linkquality": 9,
    }
    assert home.say("box/state", body) == (
        "on",
        {"brightness": 128, "color_mode": "xy", "color_temp_kelvin": 2703, "xy_color": [0.3, 0.4]},
    )
    assert home.say("box/state", {"state": None}) == ("unknown", {})


def test_a_light_of_the_template_schema_is_read_by_its_templates(home) -> None:
    home.announce(
        "light",
        {**ON_OFF, "schema": "template", "cmd_on_tpl": "on", "cmd_off_tpl": "off", "stat_tpl": "{{ value.split(',')[0] }}", "bri_tpl": "{{ value.split(',')[1] }}", "r_tpl": "{{ value.split(',')[2] }}", "g_tpl": "{{ value.split(',')[3] }}", "b_tpl": "{{ value.split(',')[4] }}"},
    )  # fmt: skip
    assert home.say("box/state", "on,100,255,0,10") == (
        "on",
        {"brightness": 100, "rgb_color": [255, 0, 10], "color_mode": "rgb"},
    )


@pytest.mark.parametrize(
    "says,state,attributes",
    [
        ([("box/pos", "0")], None, {"current_position": 0}),
        ([("box/state", "opening")], "opening", {}),
        ([("box/pos", "30"), ("box/state", "stopped")], "open", {}),
        ([("box/pos", "0"), ("box/state", "stopped")], "closed", {}),
        ([("box/state", "closing"), ("box/state", "stopped")], "closed", {}),
        ([("box/tilt", "50")], None, {"current_tilt_position": 50}),
    ],
)
def test_a_cover_knows_where_it_rests(home, says, state, attributes) -> None:
    home.announce("cover", {**ON_OFF, "pos_t": "box/pos", "tilt_status_t": "box/tilt"})
    for topic, payload in says[:-1]:
        home.say(topic, payload)
    assert home.say(*says[-1]) == (state, attributes)


def test_a_cover_without_a_state_topic_lives_by_its_position(home) -> None:
    home.announce("cover", {"command_topic": "box/set", "pos_t": "box/pos", "pos_open": 0, "pos_clsd": 255})
    assert home.say("box/pos", "255") == ("closed", {"current_position": 0})
    assert home.say("box/pos", "51") == ("open", {"current_position": 80})


def test_a_climate_takes_each_of_its_qualities_from_its_own_template(home) -> None:
    home.announce(
        "climate",
        {"mode_stat_t": "box", "mode_stat_tpl": "{{ value_json.mode }}", "modes": ["off", "heat"], "mode_cmd_t": "box/mode", "temp_stat_t": "box", "temp_stat_tpl": "{{ value_json.target }}", "temp_cmd_t": "box/target", "curr_temp_t": "box", "curr_temp_tpl": "{{ value_json.now }}", "act_t": "box", "act_tpl": "{{ {'idle': 'idle', 'heat': 'heating'}[value_json.running] }}"},
    )  # fmt: skip
    assert home.say("box", {"mode": "heat", "target": 21, "now": 19.5, "running": "heat"}) == (
        "heat",
        {"temperature": 21, "current_temperature": 19.5, "hvac_action": "heating"},
    )


def test_a_climate_in_fahrenheit_is_read_in_celsius(home) -> None:
    home.announce(
        "climate", {"temp_stat_t": "box/t", "temp_cmd_t": "box/t/set", "temp_unit": "F", "min_temp": 50, "max_temp": 86}
    )
    assert home.say("box/t", "68") == (None, {"temperature": 20})
    target = home.devices["box"].entities[0].capabilities["target_temperature"]
    assert (target.unit, target.min, target.max) == ("°C", 10, 30)


def test_a_fan_says_its_speed_in_percent(home) -> None:
    home.announce(
        "fan",
        {
            **ON_OFF,
            "pct_stat_t": "box/speed",
            "pct_cmd_t": "box/speed/set",
            "spd_rng_min": 1,
            "spd_rng_max": 4,
            "osc_stat_t": "box/osc",
        },
    )
    assert home.say("box/speed", "2") == (None, {"percentage": 50})
    assert home.say("box/speed", "None") == (None, {"percentage": None})
    assert home.say("box/osc", "oscillate_on") == (None, {"oscillating": True})


@pytest.mark.parametrize(
    "payload,state", [("LOCKED", "locked"), ("UNLOCKING", "unlocking"), ("JAMMED", "jammed"), ("None", "unknown")]
)
def test_a_lock_says_what_it_does(home, payload, state) -> None:
    home.announce("lock", ON_OFF)
    assert home.say("box/state", payload) == (state, {})


def test_an_event_is_one_only_when_it_happens(home) -> None:
    home.announce(
        "event",
        {
            "stat_t": "box",
            "evt_typ": ["single", "double"],
            "val_tpl": "{{ {'event_type': value_json.action} | to_json }}",
        },
    )
    assert home.say("box", {"action": "double"}) == (None, {"event_type": "double"})
    assert home.hear("box", {"action": "double"}, retained=True) == []
    assert isinstance(home.hear("box", {"action": "triple"})[0], Rejected)


def test_a_device_trigger_is_an_event_of_one_type(home) -> None:
    home.announce(
        "device_automation",
        {"atype": "trigger", "topic": "box/b", "payload": "short", "type": "button_short_press", "subtype": "button_1"},
    )
    assert home.say("box/b", "short") == (None, {"event_type": "button_short_press", "subtype": "button_1"})
    assert home.hear("box/b", "long") == []


@pytest.mark.parametrize(
    "payload,state",
    [
        ({"installed_version": "1.0", "latest_version": "1.1"}, "on"),
        ({"installed_version": "1.1", "latest_version": "1.1"}, "off"),
        ("1.0", "unknown"),
    ],
)
def test_an_update_is_on_while_a_newer_version_waits(home, payload, state) -> None:
    home.announce("update", {"stat_t": "box/v"})
    assert home.say("box/v", payload)[0] == state


def test_small_kinds_of_entities_say_their_states(home) -> None:
    home.announce("number", {**ON_OFF, "min": 0, "max": 50}, "n")
    home.announce("select", {"stat_t": "box/mode", "cmd_t": "box/mode/set", "ops": ["eco", "boost"]}, "s")
    home.announce("text", {"stat_t": "box/text", "cmd_t": "box/text/set"}, "t")
    home.announce("device_tracker", {"stat_t": "box/where", "pl_home": "here"}, "d")
    home.announce("siren", {"stat_t": "box/siren", "cmd_t": "box/siren/set"}, "si")
    home.announce("humidifier", {"stat_t": "box/hum", "cmd_t": "x", "hum_cmd_t": "y", "hum_stat_t": "box/target"}, "h")
    home.announce("vacuum", {"stat_t": "box/vac", "cmd_t": "box/vac/set"}, "v")
    home.announce("valve", {"stat_t": "box/valve", "cmd_t": "z", "pos": True}, "va")
    home.announce("alarm_control_panel", {"stat_t": "box/alarm", "cmd_t": "box/alarm/set"}, "a")
    home.announce("water_heater", {"mode_stat_t": "box/heater", "modes": ["eco", "off"]}, "w")
    home.announce("lawn_mower", {"act_stat_t": "box/mower"}, "l")
    said = [
        ("box/state", "12.50", "12.5"), ("box/mode", "boost", "boost"), ("box/text", "hi", "hi"), ("box/where", "here", "home"),
        ("box/siren", '{"state": "ON", "tone": "loud"}', "on"), ("box/hum", "OFF", "off"), ("box/vac", '{"state": "cleaning", "fan_speed": "max"}', "cleaning"),
        ("box/valve", "40", "open"), ("box/alarm", "armed_away", "armed_away"), ("box/heater", "eco", "eco"), ("box/mower", "docked", "docked"),
    ]  # fmt: skip
    assert [home.say(topic, payload)[0] for topic, payload, _ in said] == [state for _, _, state in said]


@pytest.mark.parametrize(
    "mode,says,reachable",
    [
        ("latest", [("box/1", "online")], True),
        ("latest", [("box/1", "online"), ("box/2", "offline")], False),
        ("all", [("box/1", "online"), ("box/2", "online")], True),
        ("all", [("box/1", "online"), ("box/2", "offline")], False),
        ("any", [("box/1", "offline"), ("box/2", "online")], True),
        ("any", [("box/1", "offline"), ("box/2", "offline")], False),
    ],
)
def test_availability_of_several_topics_counts_by_its_mode(home, mode, says, reachable) -> None:
    home.announce("switch", {**ON_OFF, "avty": [{"t": "box/1"}, {"t": "box/2"}], "avty_mode": mode})
    for topic, payload in says:
        decoded = home.hear(topic, payload)
    assert decoded == [AvailabilityReported(home.devices["box"].origin, reachable)]


def test_availability_is_undecided_until_all_topics_have_spoken(home) -> None:
    home.announce("switch", {**ON_OFF, "avty": [{"t": "box/1"}, {"t": "box/2"}], "avty_mode": "all"})
    assert home.hear("box/1", "online") == []


def test_availability_has_templates_and_words_of_its_own(home) -> None:
    home.announce(
        "switch",
        {
            **ON_OFF,
            "avty_t": "box/status",
            "avty_tpl": "{%if value_json.mqtt.connected%}yes{%else%}no{%endif%}",
            "pl_avail": "yes",
            "pl_not_avail": "no",
        },
    )
    origin = home.devices["box"].origin
    assert home.hear("box/status", {"mqtt": {"connected": True}}) == [AvailabilityReported(origin, True)]
    assert home.hear("box/status", {"mqtt": {"connected": False}}) == [AvailabilityReported(origin, False)]
    assert home.hear("box/status", "garbage") == []


def test_entities_that_are_reachable_apart_are_told_apart(home) -> None:
    home.announce("switch", {**ON_OFF, "avty_t": "box/1"}, "a")
    home.announce("sensor", {"stat_t": "box/t", "avty_t": "box/2"}, "b")
    origin = home.devices["box"].origin
    assert home.hear("box/1", "offline") == [
        AvailabilityReported(origin, True),
        AvailabilityReported(origin, False, "switch.a"),
    ]


def test_a_payload_that_is_not_text_is_rejected_unless_the_encoding_says_so(home) -> None:
    home.announce("sensor", {"stat_t": "box/a"}, "a")
    assert isinstance(home.hear("box/a", b"\xff\xfe")[0], Rejected)
    home.announce("sensor", {"stat_t": "box/b", "encoding": "", "val_tpl": "{{ value | unpack('b') }}"}, "b")
    assert home.say("box/b", b"\xff") == ("-1", {})


def test_a_message_of_ten_megabytes_is_rejected(home) -> None:
    home.announce("sensor", {"stat_t": "box/a"})
    (rejected,) = home.hear("box/a", b"x" * 10_000_000)
    assert isinstance(rejected, Rejected)
    assert rejected.code == "too_large"


def test_a_template_may_look_at_the_entity_itself(home) -> None:
    home.announce(
        "sensor",
        {"stat_t": "box", "unit_of_meas": "kWh", "val_tpl": "{{ [value | float, this.state | float(0)] | max }}"},
    )
    assert [home.say("box", each)[0] for each in ("5", "3", "6")] == ["5.0", "5.0", "6.0"]


def test_a_template_may_ask_for_the_time_it_is_given(home) -> None:
    home.announce(
        "sensor",
        {
            "stat_t": "box",
            "dev_cla": "timestamp",
            "val_tpl": "{{(as_timestamp(now())-value_json.uptime)|timestamp_local}}",
        },
    )
    assert home.say("box", {"uptime": 3600}) == ("2026-01-01T11:00:00+00:00", {})


def _lapses(home: Any, topic: str, payload: Any) -> list[tuple[float, str]]:
    (report,) = home.reports(topic, payload)
    return [(lapse.after_s, lapse.state) for lapse in report.lapses]


def test_a_sensor_that_expires_says_for_how_long_its_state_holds(home) -> None:
    home.announce("sensor", {"stat_t": "a", "exp_aft": 60})
    assert _lapses(home, "a", "1") == [(60, "unavailable")]


def test_a_motion_sensor_with_an_off_delay_holds_its_on_for_so_long(home) -> None:
    home.announce("binary_sensor", {"stat_t": "a", "off_delay": 5, "expire_after": 60})
    assert _lapses(home, "a", "ON") == [(60, "unavailable"), (5, "off")]
    assert _lapses(home, "a", "OFF") == [(60, "unavailable")]


def test_a_sensor_without_either_holds_for_ever(home) -> None:
    home.announce("binary_sensor", {"stat_t": "a"})
    assert _lapses(home, "a", "ON") == []


def test_a_time_that_is_none_is_refused(home) -> None:
    for key in ("expire_after", "off_delay"):
        (rejected,) = [
            each for each in home.announce("binary_sensor", {"stat_t": "a", key: -1}) if isinstance(each, Rejected)
        ]
        assert (rejected.code, key in rejected.reason) == ("key_wrong", True)
