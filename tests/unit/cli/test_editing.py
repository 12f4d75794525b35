"""Scenes, and what hub and cloud dispute, on the command line."""

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.door import KITCHEN, RULE, FakeDoor
from tests.fakes.editing import CONFLICT
from tests.unit.cli.test_times import AT_HOME


def test_conflicts_are_told_side_by_side_and_decided(nexa: Any, door: FakeDoor) -> None:
    said = nexa("sync", "conflicts")
    for words in ("Hall: on", "cloud (by Ada)", f"hub (by the page, {AT_HOME})"):
        assert words in said.out
    assert nexa("sync", "conflicts", "--json").json() == [CONFLICT]
    said = nexa("sync", "decide", "Evening", "cloud")
    assert said.out.startswith("Evening: device_states as the cloud has it.")
    assert nexa("sync", "conflicts").out == "Hub and cloud agree about everything.\n"
    said = nexa("sync", "decide", "Evening", "hub", "--field", "name")
    assert (said.code, "No conflict waits" in said.err) == (1, True)
    assert door.asked[-1][1] == {"name": "Evening", "side": None, "fields": {"name": "hub"}}
    assert nexa("sync", "decide", "Evening", "both").code == 2


def test_a_lost_value_is_shown_and_put_back(nexa: Any, door: FakeDoor) -> None:
    assert "abc  Evening: name, as the hub had it" in nexa("sync", "lost").out
    assert nexa("sync", "lost", "--put-back", "abc").out == "Evening: name is put back.\n"
    assert nexa("sync", "lost").out == "No value had to give way.\n"
    assert nexa("sync", "lost", "--forget", "abc").code == 1


def test_a_scene_is_made_edited_and_deleted(nexa: Any, door: FakeDoor) -> None:
    assert nexa("scenes", "new", "Late", "--room", "Kitchen", "--now", "light.hall").code == 0
    assert door.asked[-1][1] == {"name": "Late", "room_id": KITCHEN, "desired": {"light.hall": "now"}}
    wanted = ("--set", "light.hall=on,brightness=128", "--leave", "light.porch", "--name", "Later", "--no-favorite")
    assert nexa("scenes", "edit", "Late", *wanted, "--room", "").out == "Later: changed\n"
    assert door.asked[-1][1] == {
        "name": "Later",
        "is_favorite": False,
        "room_id": None,
        "desired": {"light.hall": {"state": "on", "attributes": {"brightness": 128}}, "light.porch": None},
    }
    assert nexa("scenes", "edit", "Late").code == 2
    assert nexa("scenes", "edit", "Late", "--set", "light.hall").code == 2
    assert nexa("scenes", "delete", "Late").out == "Late: deleted\n"


def test_streams_without_records_are_left_out(nexa: Any, door: FakeDoor) -> None:
    assert door.is_online
    said = nexa("sync", "status").out
    assert [line.split()[0] for line in said.splitlines() if line.startswith(("device_", "STREAM"))] == ["STREAM", "device_states"]  # fmt: skip


def test_an_automation_is_switched_paused_and_run(nexa: Any, door: FakeDoor) -> None:
    name = "Hall light with motion"
    assert nexa("automations", "off", name).out == f"{name}: off\n"
    assert nexa("automations", "list", "--json").json()[0]["is_enabled"] is False
    assert nexa("automations", "on", name).code == 0
    assert door.asked[-1][1] == {"name": name, "is_enabled": True, "is_paused": False}
    assert "paused until" in nexa("automations", "pause", name, "--until", "2h").out
    assert "paused until" in nexa("automations", "list").out
    assert nexa("automations", "pause", name).out == f"{name}: paused until it is switched on\n"
    for wrong in ("soon", "2001-01-01 07:30"):
        assert nexa("automations", "pause", name, "--until", wrong).code == 2
    assert nexa("automations", "run", name).out == f"{name}: ran\n"
    door.automating.ran = "conditions_not_met"
    refused = nexa("automations", "run", name, "--conditions")
    assert (refused.code, "conditions do not hold" in refused.out) == (1, True)


def test_an_automation_is_made_of_a_file_and_what_is_wrong_is_said_with_its_line(
    nexa: Any, door: FakeDoor, tmp_path: Path
) -> None:
    file = tmp_path / "late.yaml"
    file.write_text("alias: Late\ntriggers:\n- trigger: time\n  at: noon\nactions:\n- delay: 1\n")
    said = nexa("automations", "add", str(file))
    assert (said.code, f"{file}:4: triggers/0/at: " in said.err) == (1, True)
    file.write_text("alias: Late\ntriggers:\n- trigger: time\n  at: '23:00'\nactions:\n- delay: 1\n")
    assert nexa("automations", "add", str(file), "--check").code == 0
    assert door.asked == []
    assert nexa("automations", "add", str(file)).out.startswith("Late: made (")
    assert nexa("automations", "show", "Late").out.startswith("alias: Late\n")


def test_an_automation_is_edited_deleted_and_brought_back(
    nexa: Any, door: FakeDoor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "Hall light with motion"
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i "s/minutes: 5/minutes: 7/" "$1"\n')
    editor.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(editor))
    assert nexa("automations", "edit", name).out == f"{name}: changed\n"
    assert door.automating.fields[RULE]["actions"][1] == {"delay": {"minutes": 7}}
    assert nexa("automations", "edit", name).out == f"{name}: unchanged\n"
    assert nexa("automations", "undo", name).out == f"{name}: as it was before\n"
    assert "back with: nexa-hub automations undo" in nexa("automations", "delete", name).out
    assert nexa("automations", "show", name).code == 1
