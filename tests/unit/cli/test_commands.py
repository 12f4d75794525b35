"""Each command against a running agent: what it prints, as text and as JSON, and how it ends."""

import json

import pytest

from tests.fakes.door import AT, KITCHEN, LAMP, RULE, RUN
from tests.unit.cli.conftest import ME


@pytest.mark.parametrize(
    "words, shown",
    [
        (["status"], ["Test Home", "127.0.0.1:1883: connected", "running for 1 h 1 min", "60 MiB", "9 devices"]),
        (["devices"], ["NAME", "Living Room Lamp", "available", "Power 93.36 W"]),
        (["devices", "list"], ["Blind"]),
        (["scenes", "list"], ["Movie night", "All off", "success", "zigbee2mqtt, hue: failed (the bridge is full)"]),
        (["automations", "list"], ["Hall light with motion", "restart", "there is no light.gone"]),
        (["automations", "runs"], ["10000000", "conditions_not_met", "20002"]),
        (["automations", "trace", RUN[:8]], ["Hall light with motion: success", "light.turn_on", "20 s"]),
        (
            ["automations", "explain", "hall light with motion"],
            [
                "Hall light with motion: Trigger 1 (state)",
                "- Condition 1 (state)",
                "conditions_not_met (trace 20000000)",
            ],
        ),
        (["issues"], ["Nothing is wrong."]),
        (["sync", "status"], ["Online", "device_states"]),
    ],
)
def test_what_is_read_is_shown(nexa, door, words, shown) -> None:
    said = nexa(*words)
    assert (said.code, said.err) == (0, "")
    for text in shown:
        assert text in said.out


@pytest.mark.parametrize(
    "words, path",
    [
        (["status"], "status"),
        (["devices"], "devices"),
        (["devices", "list"], "devices"),
        (["scenes", "list"], "scenes_now"),
        (["automations", "list"], "automations_now"),
        (["sync", "status"], "sync_status"),
        (["issues"], "issues_now"),
    ],
)
def test_json_is_what_the_agent_answered(nexa, door, words, path) -> None:
    said = nexa(*words, "--json")
    expected = getattr(door, path)
    shown = said.json()
    if path == "status":
        assert shown.pop("page")["tls"] == "off"  # what the page itself knows
    assert shown == (expected() if callable(expected) else expected)
    assert said.code == 0


def test_runs_are_of_one_automation_by_any_of_its_names(nexa, door) -> None:
    for name in ("hall LIGHT with motion", "automation.hall_light", RULE):
        assert len(nexa("automations", "runs", name, "--limit", "2", "--json").json()) == 2
    assert nexa("automations", "runs", "Broken", "--json").json() == []


def test_a_trace_is_found_by_the_beginning_of_its_id(nexa, door) -> None:
    assert nexa("automations", "trace", RUN[:8], "--json").json()["run_id"] == RUN


def test_a_trace_tells_of_each_step_what_it_did_and_how_long_it_took(nexa, door) -> None:
    steps = [
        {"path": "actions/0", "kind": "variables", "at": AT, "result": "set", "names": ["x", "y"]},
        {"path": "actions/1", "kind": "event", "at": AT, "result": "fired", "event": "supper"},
        {
            "path": "actions/2",
            "kind": "action",
            "at": AT,
            "action": "light.turn_on",
            "data": {"a": 1},
            "duration_ms": 40,
        },
        {"path": "actions/3", "kind": "action", "at": AT, "action": "light.turn_off", "duration_ms": 7},
        {"path": "actions/4", "kind": "stop", "at": AT, "result": "stopped", "reason": "enough"},
    ]
    door.traces[0]["steps"] = steps
    out = nexa("automations", "trace", RUN).out

    endings = ["set x, y", "fired supper", '- {"a": 1} (40 ms)', "- (7 ms)", "stopped enough"]
    lines = [" ".join(line.split()) for line in out.splitlines()[-5:]]
    assert [line.endswith(ending) for line, ending in zip(lines, endings, strict=True)] == [True] * 5


def test_an_explanation_is_about_now_or_about_a_time(nexa, door) -> None:
    now = nexa("automations", "explain", "automation.hall_light", "--json").json()
    then = nexa("automations", "explain", RULE, "--at", "2026-01-14 07:30").out

    assert (now["is_past"], now["reasons"][0]["code"]) == (False, "state_differs")
    assert "not known: Whether the rule was on then." in then


def test_a_check_names_what_is_wrong_and_what_would_help(nexa, door) -> None:
    out = nexa("automations", "check").out

    assert "Broken: degraded (85 of 100)" in out
    assert (
        "- warning: It names light.gone, which this home does not have. (actions/0/target/entity_id and 1 more place)"
        in out
    )
    assert "nexa-hub automations repair 'Broken'" in out
    assert nexa("automations", "check", RULE, "--json").json()["health_status"] == "healthy"


def test_where_nothing_is_wrong_a_check_says_so(nexa, door) -> None:
    door.automations_now = door.automations_now[:1]

    assert nexa("automations", "check").out == "Nothing is wrong with any automation.\n"


def test_a_repair_tells_what_it_did_or_that_it_can_do_nothing(nexa, door) -> None:
    assert nexa("automations", "repair", "Broken").out == "light.gone is light.back now.\n"
    assert "nothing that can be put right by itself" in nexa("automations", "repair", RULE).out


def test_a_rule_with_a_slash_in_its_name_can_be_asked_for(nexa, door) -> None:
    door.automations_now[0]["name"] = "Lamp on/off?"
    assert nexa("automations", "explain", "Lamp on/off?").out.startswith("Lamp on/off?: Trigger 1")


def test_issues_are_told_and_end_with_one(nexa, door) -> None:
    door.issues_now = [
        {
            "code": "device_silent",
            "severity": "warning",
            "title": "Silent",
            "text": "The lamp is silent.",
            "subject": LAMP,
            "since": AT,
        }
    ]
    said = nexa("issues")
    assert said.code == 1
    assert "WARNING  The lamp is silent." in said.out


def test_an_empty_home_says_what_to_do(nexa, door) -> None:
    door.devices_now, door.scenes_now = [], []
    assert "nexa-hub doctor" in nexa("devices").out
    assert "nexa-hub scenes new" in nexa("scenes", "list").out


def test_a_scene_is_activated_by_name(nexa, door) -> None:
    said = nexa("scenes", "activate", "movie night")
    assert (said.code, said.out) == (0, "Movie night: 2 of 2 devices, 120 ms\n")
    assert door.asked == [("scene", "movie night", ME)]


def test_a_scene_that_a_lamp_did_not_follow_ends_with_one(nexa, door) -> None:
    door.unreachable = {"light.living_room_lamp"}
    said = nexa("scenes", "activate", "All off")
    assert said.code == 1
    assert "2 of 3 devices" in said.out
    assert "Living Room Lamp: did not answer" in said.out
    assert nexa("scenes", "activate", "All off", "--json").json()["status"] == "partial"


def test_a_scene_whose_devices_still_move_is_on_its_way(nexa, door) -> None:
    door.is_slow = True
    said = nexa("scenes", "activate", "Movie night")
    assert (said.code, said.out) == (0, "Movie night: It was sent; the devices have not answered yet.\n")


def test_a_scene_that_is_not_there_is_told_with_those_that_are(nexa, door) -> None:
    said = nexa("scenes", "activate", "Moive")
    assert (said.code, said.out) == (1, "")
    assert "no scene 'Moive'" in said.err
    assert "'Movie night'" in said.err


@pytest.mark.parametrize(
    "written, read",
    [
        ("on=true", {"on": True}),
        ("on=False", {"on": False}),
        ("on=on", {"on": "on"}),
        ("brightness=40", {"brightness": 40}),
        ("brightness=-4", {"brightness": -4}),
        ("brightness=4.5", {"brightness": 4.5}),
        ("brightness=nan", {"brightness": "nan"}),
        ("brightness=1e999", {"brightness": "1e999"}),
        ("brightness=1_000", {"brightness": "1_000"}),
        ("color_temp=", {"color_temp": ""}),
        ("color_temp=a=b", {"color_temp": "a=b"}),
    ],
)
def test_values_are_read_as_what_they_look_like(nexa, door, written, read) -> None:
    can = door.devices_now[0]["entities"][0]["capabilities"]
    for name in read:
        assert name in can
    nexa("devices", "set", "light.living_room_lamp", written)
    if written != "color_temp=" and not any(isinstance(value, str) for value in read.values()):
        assert door.asked == [("set", {"name": "light.living_room_lamp", **read}, ME)]
    else:
        assert door.asked[0][1] == {"name": "light.living_room_lamp", **read}


def test_several_values_are_set_at_once_and_the_outcome_is_told(nexa, door) -> None:
    said = nexa("devices", "set", "Living Room Lamp", "on=true", "brightness=40", "transition=2", "--json")
    assert said.json() == {"commands": [{"entity_id": "light.living_room_lamp", "outcome": "confirmed", "error": None}]}
    assert door.asked[0][1] == {"name": "Living Room Lamp", "on": True, "brightness": 40, "transition": 2}
    assert nexa("devices", "set", "Living Room Lamp", "on=false").out == "light.living_room_lamp: confirmed\n"


def test_a_device_that_does_not_follow_ends_with_one(nexa, door) -> None:
    door.unreachable = {"light.living_room_lamp"}
    said = nexa("devices", "set", "light.living_room_lamp", "on=true")
    assert said.code == 1
    assert "unconfirmed (the device did not report it)" in said.out


def test_what_a_device_cannot_do_is_told(nexa, door) -> None:
    said = nexa("devices", "set", "lock.front_door", "brightness=4")
    assert said.code == 1
    assert "cannot set brightness" in said.err


def test_a_device_is_renamed_and_placed(nexa, door) -> None:
    assert nexa("devices", "rename", "Living Room Lamp", "Big Lamp").out == "Living Room Lamp is now: Big Lamp\n"
    assert nexa("devices", "place", "Big Lamp", "kitchen").out == "Big Lamp stands in: Kitchen\n"
    assert door.asked[1][1] == {"device": "Big Lamp", "name": None, "room_id": KITCHEN}


def test_figures_are_printed_for_whoever_collects_them(nexa, door) -> None:
    said = nexa("metrics")
    assert said.code == 0
    assert 'nexa_hub_commands_total{outcome="confirmed"} 7\n' in said.out


def test_the_pairing_code_is_shown(nexa, door) -> None:
    code, _, *told = nexa("pair").out.splitlines()
    assert (len(code), code.isdecimal()) == (6, True)
    asked = nexa("pair", "--json").json()
    assert asked["code"].isdecimal()
    assert told[1:] == [f"  {page}pair#{code}" for page in asked["pages"]]


def test_the_pairing_code_can_be_scanned(nexa, door, monkeypatch) -> None:
    monkeypatch.setenv("NEXA_WEB_HOST", "192.168.1.5")
    plain, drawn = nexa("pair", "--no-qr").out, nexa("pair", "--qr").out
    assert "  http://192.168.1.5:8380/pair#" in plain
    assert "▀" not in plain
    assert len([line for line in drawn.splitlines() if "▀" in line or "▄" in line]) > 10


@pytest.mark.parametrize(
    "words, told",
    [
        (["devices", "rename", "ghost", "x"], "no device 'ghost'"),
        (["devices", "place", "Blind", "Attic"], "There is no room 'Attic'. This home has: Living Room, Kitchen"),
        (["automations", "runs", "ghost"], "no automation 'ghost'"),
        (["automations", "trace", "ffff"], "no run 'ffff'"),
        (["automations", "explain", "brokn"], "no automation 'brokn'. Did you mean 'Broken'?"),
        (["automations", "explain", "Broken", "--at", "never"], "'never' is not a time such as 07:30"),
        (["devices", "set", "ghost", "on=true"], "no device or entity 'ghost'"),
    ],
)
def test_what_is_not_there_ends_with_one(nexa, door, words, told) -> None:
    said = nexa(*words)
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("nexa-hub: ")
    assert told in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["devices", "set", "x"],
        ["devices", "set", "x", "on"],
        ["devices", "set", "x", "=1"],
        ["automations", "runs", "--limit", "0"],
        ["scenes", "activate"],
        ["completion", "cmd"],
        ["decode", "/no/such/file"],
    ],
)
def test_wrong_usage_ends_with_two(nexa, home, words) -> None:
    said = nexa(*words)
    assert (said.code, said.out) == (2, "")
    assert "Error" in said.err or "nexa-hub:" in said.err


def test_the_version_and_the_help_ask_nobody(nexa, home) -> None:
    assert nexa("--version").out.startswith("nexa-hub, version 0.")
    for word in ("run", "status", "devices", "scenes", "automations", "sync", "simulate", "decode", "doctor"):
        assert word in nexa("--help").out
        assert nexa(word, "--help").code == 0


def test_the_settings_in_force_are_shown_without_secrets(nexa, home, monkeypatch) -> None:
    monkeypatch.setenv("NEXA_CLOUD_CLAIM_CODE", "ABCD-1234")
    assert f"agent.state_dir = {home}" in nexa("config").out
    assert "ABCD" not in nexa("config").out
    settings = nexa("config", "--json").json()
    assert settings["cloud"]["claim_code"] == "(set)"
    assert "# port = 8380" in nexa("config", "--default").out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_for_the_shell(nexa, home, shell) -> None:
    assert "_NEXA_HUB_COMPLETE" in nexa("completion", shell).out


def test_completion_knows_the_commands(nexa, home, monkeypatch) -> None:
    monkeypatch.setenv("_NEXA_HUB_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "nexa-hub dev")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert nexa().out.strip() == "plain,devices"


def test_text_that_is_not_ascii_is_printed_as_it_is(nexa, door) -> None:
    door.devices_now[0]["name"] = "Küche 💡"
    assert "Küche 💡" in nexa("devices", "--json").out
    assert json.loads(nexa("devices", "--json").out)[0]["name"] == "Küche 💡"
