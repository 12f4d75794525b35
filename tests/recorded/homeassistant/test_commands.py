"""How commands are written on the wire, by Home Assistant's documented behaviour."""

import json

import pytest

from hub_agent.errors import NotPossible
from hub_agent.model.report import Publication

LIGHT = {"cmd_t": "box/set", "stat_t": "box/state"}
FULL_LIGHT = {
    **LIGHT,
    "bri_cmd_t": "box/bri",
    "bri_scl": 100,
    "clr_temp_cmd_t": "box/ct",
    "rgb_cmd_t": "box/rgb",
    "fx_cmd_t": "box/fx",
    "fx_list": ["rainbow"],
}


@pytest.mark.parametrize(
    "component,config,action,data,sent",
    [
        ("switch", {"cmd_t": "s"}, "switch.turn_on", {}, [("s", "ON")]),
        ("switch", {"cmd_t": "s", "pl_off": '{"on":false}'}, "switch.turn_off", {}, [("s", '{"on":false}')]),
        ("switch", {"cmd_t": "s", "cmd_tpl": '{"relay": "{{ value|lower }}"}'}, "switch.turn_on", {}, [("s", '{"relay": "on"}')]),
        ("light", FULL_LIGHT, "light.turn_on", {}, [("box/set", "ON")]),
        ("light", FULL_LIGHT, "light.turn_off", {}, [("box/set", "OFF")]),
        ("light", FULL_LIGHT, "light.turn_on", {"brightness": 128}, [("box/bri", "50"), ("box/set", "ON")]),
        ("light", FULL_LIGHT, "light.turn_on", {"brightness": 1}, [("box/bri", "1"), ("box/set", "ON")]),
        ("light", FULL_LIGHT, "light.turn_on", {"brightness_pct": 20}, [("box/bri", "20"), ("box/set", "ON")]),
        ("light", FULL_LIGHT, "light.turn_on", {"brightness": 0}, [("box/set", "OFF")]),
        ("light", FULL_LIGHT, "light.turn_on", {"color_temp_kelvin": 4000}, [("box/ct", "250"), ("box/set", "ON")]),
        ("light", FULL_LIGHT, "light.turn_on", {"color_temp": 370}, [("box/ct", "370"), ("box/set", "ON")]),
        ("light", {**FULL_LIGHT, "clr_temp_k": True}, "light.turn_on", {"color_temp_kelvin": 4000}, [("box/ct", "4000"), ("box/set", "ON")]),
        ("light", FULL_LIGHT, "light.turn_on", {"color_temp_kelvin": 9000}, [("box/ct", "153"), ("box/set", "ON")]),
        ("light", FULL_LIGHT, "light.turn_on", {"rgb_color": [255, 128, 0]}, [("box/rgb", "255,128,0"), ("box/set", "ON")]),
        ("light", FULL_LIGHT, "light.turn_on", {"hs_color": [120, 100]}, [("box/rgb", "0,255,0"), ("box/set", "ON")]),
        ("light", FULL_LIGHT, "light.turn_on", {"color_name": "red"}, [("box/rgb", "255,0,0"), ("box/set", "ON")]),
        ("light", FULL_LIGHT, "light.turn_on", {"effect": "rainbow"}, [("box/fx", "rainbow"), ("box/set", "ON")]),
        ("light", {**FULL_LIGHT, "on_cmd_type": "first"}, "light.turn_on", {"brightness": 255}, [("box/set", "ON"), ("box/bri", "100")]),
        ("light", {**FULL_LIGHT, "on_cmd_type": "brightness"}, "light.turn_on", {}, [("box/bri", "100")]),
        ("light", {**LIGHT, "rgb_cmd_t": "box/rgb"}, "light.turn_on", {"rgb_color": [255, 0, 0], "brightness": 128}, [("box/rgb", "128,0,0"), ("box/set", "ON")]),
        ("light", {**LIGHT, "rgb_cmd_t": "box/rgb"}, "light.turn_on", {"brightness": 51}, [("box/rgb", "51,51,51"), ("box/set", "ON")]),
        ("light", {**LIGHT, "rgb_cmd_t": "box/rgb", "rgb_cmd_tpl": "[{{red}},{{green}},{{blue}}]"}, "light.turn_on", {"rgb_color": [1, 2, 3]}, [("box/rgb", "[1,2,3]"), ("box/set", "ON")]),
        ("light", {**LIGHT, "hs_cmd_t": "box/hs"}, "light.turn_on", {"hs_color": [30, 40]}, [("box/hs", "30,40"), ("box/set", "ON")]),
        ("light", {**LIGHT, "bri_cmd_t": "b", "rgbw_cmd_t": "w"}, "light.turn_on", {"rgbw_color": [1, 2, 3, 4]}, [("w", "1,2,3,4"), ("box/set", "ON")]),
        ("light", {**LIGHT, "schema": "template", "cmd_on_tpl": "on{%if brightness is defined%},{{brightness}}{%endif%}", "cmd_off_tpl": "off", "bri_tpl": "x"}, "light.turn_on", {"brightness": 9}, [("box/set", "on,9")]),
        ("light", {**LIGHT, "schema": "template", "cmd_on_tpl": "on", "cmd_off_tpl": "off{{transition}}"}, "light.turn_off", {"transition": 2}, [("box/set", "off2")]),
        ("cover", {"cmd_t": "c"}, "cover.open_cover", {}, [("c", "OPEN")]),
        ("cover", {"cmd_t": "c"}, "cover.stop_cover", {}, [("c", "STOP")]),
        ("cover", {"cmd_t": "c", "pl_cls": "down"}, "cover.close_cover", {}, [("c", "down")]),
        ("cover", {"set_pos_t": "p"}, "cover.close_cover", {}, [("p", "0")]),
        ("cover", {"cmd_t": "c", "set_pos_t": "p"}, "cover.set_cover_position", {"position": 30}, [("p", "30")]),
        ("cover", {"cmd_t": "c", "set_pos_t": "p", "pos_open": 0, "pos_clsd": 255}, "cover.set_cover_position", {"position": 80}, [("p", "51")]),
        ("cover", {"cmd_t": "c", "set_pos_t": "p", "set_pos_tpl": '{ "position_l6": {{ position }} }'}, "cover.set_cover_position", {"position": 30}, [("p", '{ "position_l6": 30 }')]),
        ("cover", {"cmd_t": "c", "tilt_cmd_t": "t", "tilt_max": 10}, "cover.set_cover_tilt_position", {"tilt_position": 50}, [("t", "5")]),
        ("lock", {"cmd_t": "l"}, "lock.lock", {}, [("l", "LOCK")]),
        ("lock", {"cmd_t": "l", "cmd_tpl": "{{value}}:{{code}}"}, "lock.unlock", {"code": "1234"}, [("l", "UNLOCK:1234")]),
        ("climate", {"temp_cmd_t": "t"}, "climate.set_temperature", {"temperature": 21.5}, [("t", "21.5")]),
        ("climate", {"temp_cmd_t": "t"}, "climate.set_temperature", {"temperature": 21.0}, [("t", "21")]),
        ("climate", {"temp_cmd_t": "t", "temp_unit": "F", "min_temp": 40, "max_temp": 90}, "climate.set_temperature", {"temperature": 20}, [("t", "68")]),
        ("climate", {"temp_cmd_t": "t", "mode_cmd_t": "m"}, "climate.set_temperature", {"temperature": 20, "hvac_mode": "heat"}, [("m", "heat"), ("t", "20")]),
        ("climate", {"mode_cmd_t": "m", "modes": ["off", "heat"]}, "climate.turn_on", {}, [("m", "heat")]),
        ("climate", {"mode_cmd_t": "m", "modes": ["off", "heat"]}, "climate.turn_off", {}, [("m", "off")]),
        ("climate", {"pow_cmd_t": "p", "mode_cmd_t": "m"}, "climate.turn_off", {}, [("p", "OFF")]),
        ("climate", {"pr_mode_cmd_t": "p", "pr_modes": ["eco"]}, "climate.set_preset_mode", {"preset_mode": "eco"}, [("p", "eco")]),
        ("climate", {"fan_mode_cmd_t": "f"}, "climate.set_fan_mode", {"fan_mode": "low"}, [("f", "low")]),
        ("fan", {"cmd_t": "f", "pct_cmd_t": "p", "spd_rng_max": 4}, "fan.turn_on", {"percentage": 50}, [("f", "ON"), ("p", "2")]),
        ("fan", {"cmd_t": "f", "pct_cmd_t": "p"}, "fan.set_percentage", {"percentage": 0}, [("f", "OFF")]),
        ("fan", {"cmd_t": "f", "pct_cmd_t": "p", "spd_rng_max": 4, "pct_cmd_tpl": "{{ {0:'off', 1:'low', 2:'medium'}[value] | default('') }}"}, "fan.set_percentage", {"percentage": 25}, [("p", "low")]),
        ("fan", {"cmd_t": "f", "osc_cmd_t": "o"}, "fan.oscillate", {"oscillating": True}, [("o", "oscillate_on")]),
        ("number", {"cmd_t": "n", "min": 0, "max": 30}, "number.set_value", {"value": 12.0}, [("n", "12")]),
        ("number", {"cmd_t": "n", "cmd_tpl": '{{{"value":value}|tojson}}'}, "number.set_value", {"value": "12.5"}, [("n", '{"value": 12.5}')]),
        ("select", {"cmd_t": "s", "ops": ["a", "b"]}, "select.select_option", {"option": "b"}, [("s", "b")]),
        ("button", {"cmd_t": "b"}, "button.press", {}, [("b", "PRESS")]),
        ("text", {"cmd_t": "t"}, "text.set_value", {"value": "hello"}, [("t", "hello")]),
        ("scene", {"cmd_t": "s", "pl_on": "go"}, "scene.turn_on", {}, [("s", "go")]),
        ("update", {"stat_t": "v", "cmd_t": "u", "pl_inst": "install"}, "update.install", {}, [("u", "install")]),
        ("siren", {"cmd_t": "s"}, "siren.turn_on", {"duration": 5}, [("s", '{"state":"ON","duration":5}')]),
        ("siren", {"cmd_t": "s", "cmd_tpl": "{{value}} {{tone|default('x')}}", "cmd_off_tpl": "quiet"}, "siren.turn_off", {}, [("s", "quiet")]),
        ("humidifier", {"cmd_t": "h", "hum_cmd_t": "t"}, "humidifier.set_humidity", {"humidity": 45}, [("t", "45")]),
        ("vacuum", {"cmd_t": "v"}, "vacuum.return_to_base", {}, [("v", "return_to_base")]),
        ("valve", {"cmd_t": "v"}, "valve.open_valve", {}, [("v", "OPEN")]),
        ("valve", {"cmd_t": "v", "pos": True}, "valve.set_valve_position", {"position": 25}, [("v", "25")]),
        ("alarm_control_panel", {"cmd_t": "a", "stat_t": "s"}, "alarm_control_panel.alarm_arm_away", {}, [("a", "ARM_AWAY")]),
        ("water_heater", {"mode_cmd_t": "m"}, "water_heater.set_operation_mode", {"operation_mode": "eco"}, [("m", "eco")]),
        ("lawn_mower", {"dock_cmd_t": "d"}, "lawn_mower.dock", {}, [("d", "dock")]),
        ("notify", {"cmd_t": "n"}, "notify.send_message", {"message": "hi"}, [("n", "hi")]),
    ],
)  # fmt: skip
def test_a_command_is_written_as_home_assistant_writes_it(home, component, config, action, data, sent) -> None:  # noqa: PLR0917 - a row of the table
    home.announce(component, config)
    assert home.tell(action, **data) == sent


JSON_LIGHT = {**LIGHT, "schema": "json", "bri_scl": 254, "sup_clrm": ["xy", "color_temp"], "brightness": True}


@pytest.mark.parametrize(
    "config,data,body",
    [
        ({}, {}, {"state": "ON"}),
        ({}, {"brightness": 255, "transition": 2}, {"state": "ON", "brightness": 254, "transition": 2}),
        ({}, {"color_temp_kelvin": 2700}, {"state": "ON", "color_temp": 370}),
        ({"clr_temp_k": True}, {"color_temp_kelvin": 2700}, {"state": "ON", "color_temp": 2700}),
        ({}, {"xy_color": [0.3, 0.4]}, {"state": "ON", "color": {"x": 0.3, "y": 0.4}}),
        ({"sup_clrm": ["rgb"]}, {"rgb_color": [1, 2, 3]}, {"state": "ON", "color": {"r": 1, "g": 2, "b": 3}}),
        ({"sup_clrm": ["hs"]}, {"hs_color": [30, 50]}, {"state": "ON", "color": {"h": 30, "s": 50}}),
        (
            {"sup_clrm": ["rgbw"]},
            {"rgbw_color": [1, 2, 3, 4]},
            {"state": "ON", "color": {"r": 1, "g": 2, "b": 3, "w": 4}},
        ),
        ({"effect": True, "fx_list": ["blink"]}, {"effect": "blink"}, {"state": "ON", "effect": "blink"}),
        ({}, {"brightness": 0}, {"state": "OFF"}),
    ],
)
def test_a_light_of_the_json_schema_is_told_in_one_body(home, config, data, body) -> None:
    home.announce("light", {**JSON_LIGHT, **config})
    ((topic, payload),) = home.tell("light.turn_on", **data)
    assert (topic, json.loads(payload)) == ("box/set", body)


def test_a_light_that_is_dimmed_by_its_on_command_comes_back_as_bright_as_it_was(home) -> None:
    home.announce("light", {**FULL_LIGHT, "on_cmd_type": "brightness", "bri_stat_t": "box/bri/state"})
    home.say("box/bri/state", "30")
    assert home.tell("light.turn_on") == [("box/bri", "30")]


def test_qos_and_retain_are_as_the_device_wants_them(home) -> None:
    home.announce("switch", {"cmd_t": "s", "ret": True, "qos": 1})
    device = home.devices["box"]
    assert home.publications(device, device.entities[0], "switch.turn_on", {}) == [Publication("s", b"ON", 1, True)]


def test_what_has_no_state_topic_can_be_told_but_not_confirmed(home) -> None:
    home.announce("switch", {"cmd_t": "s"})
    assert home.devices["box"].entities[0].capabilities["on"].access == "w"


@pytest.mark.parametrize(
    "component,config,action,data,words",
    [
        ("sensor", {"stat_t": "t"}, "sensor.turn_on", {}, "can only be read"),
        ("switch", {"cmd_t": "s"}, "switch.explode", {}, "turn_off, turn_on"),
        ("number", {"cmd_t": "n", "max": 10}, "number.set_value", {"value": 11}, "between 1 and 10"),
        ("number", {"cmd_t": "n"}, "number.set_value", {"value": "warm"}, "must be a number"),
        ("select", {"cmd_t": "s", "ops": ["a"]}, "select.select_option", {"option": "b"}, "one of a"),
        ("light", LIGHT, "light.turn_on", {"color_temp_kelvin": 3000}, "no colour temperature"),
        ("light", JSON_LIGHT, "light.turn_on", {"rgb_color": [1, 2]}, "3 numbers"),
        ("climate", {"temp_cmd_t": "t"}, "climate.set_temperature", {"temperature": 60}, "between 7 and 35"),
        ("cover", {"pos_t": "p"}, "cover.open_cover", {}, "cannot do"),
        ("button", {"cmd_t": "b", "cmd_tpl": "{{ 1 / 0 }}"}, "button.press", {}, "own template"),
        (
            "alarm_control_panel",
            {"cmd_t": "a", "stat_t": "s", "code": "1"},
            "alarm_control_panel.alarm_disarm",
            {"code": "2"},
            "code is wrong",
        ),
    ],
)
def test_what_a_device_cannot_do_is_said_in_words(home, component, config, action, data, words) -> None:  # noqa: PLR0917 - a row of the table
    home.announce(component, config)
    with pytest.raises(NotPossible, match=words):
        home.tell(action, **data)


def test_an_optimistic_switch_says_its_state_and_is_not_waited_for(home) -> None:
    home.announce("switch", {"cmd_t": "c", "stat_t": "s", "opt": True})
    (entity,) = home.devices["box"].entities
    assert entity.capabilities["on"].access == "w"
    assert home.say("s", "ON")[0] == "on"
