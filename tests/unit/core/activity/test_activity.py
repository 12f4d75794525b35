"""What happened and who did it: over a whole hub, in sentences."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hub_agent.core.activity.room import ALIKE_PER_HOUR
from hub_agent.core.activity.words import all_words, person
from hub_agent.model.action import Call
from hub_agent.model.activity import Happened, say
from hub_agent.model.definition import Definition
from hub_agent.model.effects import AppendCase, NoteActivity
from hub_agent.model.ids import CallId, EntityId, SceneId
from hub_agent.model.inputs import (
    ActivityTold,
    CallRequested,
    CommandSent,
    DefinitionArrived,
    DeviceEdited,
    PeerForgotten,
    RemedyAnswered,
    ScenePressed,
)
from hub_agent.model.report import DeviceGone, EntityReport, Origin, Reported
from hub_agent.model.security import ScanWanted
from hub_agent.model.state import Cause
from tests.unit.core.test_hub import NOON, SCENE_ID, Living, evening, lamp

LAMP = Origin("zigbee2mqtt", "Lamp")


@pytest.fixture
def home() -> Living:
    living = Living()
    living.tell(lamp("Lamp"), reported("off"))
    return living


def reported(state: str, origin: Origin = LAMP) -> Reported:
    return Reported(origin, (EntityReport("main", state),))


def noted(home: Living, *inputs: Any) -> list[Happened]:
    return [each.happened for each in home.tell(*inputs) if isinstance(each, NoteActivity)]


def said(home: Living, *inputs: Any) -> list[str]:
    return [str(each.as_json()["text"]) for each in noted(home, *inputs)]


def done(home: Living, wanted: Any, *reports: Any) -> list[Happened]:
    """Told after all of it: the commands are sent, the devices report."""
    told = noted(home, wanted, *(CommandSent(each) for each in [*home.commands]))
    return told + noted(home, *(CommandSent(each) for each in [*home.commands]), *reports)


def call(by: str | None = "Anna", action: str = "light.turn_on", **cause: Any) -> CallRequested:
    why = Cause(cause.get("kind", "manual"), cause.get("id", "x"), by)
    return CallRequested(Call(CallId(f"call-{by}-{action}"), action, (EntityId("light.lamp"),), {}, why))


def scene(name: str = "Evening", **fields: Any) -> Definition:
    wish = {"entity_id": "light.lamp", "state": "on"}
    return Definition("scene", SCENE_ID, {"name": name, "device_states": [wish], **fields})


def test_a_command_is_told_when_the_device_has_done_it_with_who_wanted_it(home: Living) -> None:
    assert said(home, call("Anna")) == []
    [command_id] = home.commands
    [told] = noted(home, CommandSent(command_id), reported("on"))
    assert told.as_json()["text"] == "Anna switched Lamp on"
    assert (told.kind, told.who.kind, told.who.id, told.failed) == ("command", "person", "Anna", None)
    assert len(told.devices) == 1
    [told] = done(home, call("local", "light.turn_off"), reported("off"))
    assert told.as_json()["text"] == "Somebody at the command line switched Lamp off"
    [told] = done(home, call("local: pi"), reported("on"))
    assert told.as_json()["text"] == "pi, at the command line, switched Lamp on"


def test_a_command_that_nobody_answers_says_so(home: Living) -> None:
    home.tell(call("Anna"))
    [command] = home.commands.values()
    home.tell(CommandSent(command.id))
    told = [each.happened for each in home.wait(120) if isinstance(each, NoteActivity)]
    assert [(each.kind, bool(each.failed)) for each in told if each.kind == "command"] == [("command", True)]


def test_what_somebody_does_at_the_device_itself_is_told_and_what_was_asked_for_is_not_told_twice(home: Living) -> None:
    [told] = noted(home, reported("on"))
    assert told.as_json()["text"] == "Lamp was switched on at the device or its own app"
    assert told.who.kind == "device"
    assert noted(home, reported("on")) == []
    assert len(done(home, call("Anna", "light.turn_off"), reported("off"))) == 1


def test_a_scene_is_one_line_with_its_devices(home: Living) -> None:
    home.tell(evening("lamp"))
    told = done(home, ScenePressed(SceneId(SCENE_ID), Cause("manual", "r", "Anna"), "manual", "r"), reported("on"))
    assert [each.as_json()["text"] for each in told] == ["Anna activated the scene “Evening”"]
    assert len(told[0].devices) == 1


def test_what_is_made_changed_and_deleted_names_it_and_whoever_did_it(home: Living) -> None:
    made = DefinitionArrived(scene(), is_from_cloud=False, by="Anna")
    changed = DefinitionArrived(scene("Late"), is_from_cloud=False, by="Ben")
    same = DefinitionArrived(scene("Late"), is_from_cloud=False, by="Ben")
    gone = DefinitionArrived(Definition("scene", SCENE_ID, {}, is_deleted=True), is_from_cloud=False, by=None)
    assert said(home, made, changed, same, gone) == [
        "Anna made the scene “Evening”",
        "Ben changed the scene “Evening”",
        "Somebody deleted the scene “Late”",
    ]
    assert said(home, DefinitionArrived(scene("Back"), is_from_cloud=True)) == ["The cloud made the scene “Back”"]


def test_devices_that_come_and_go_and_are_named_are_told(home: Living) -> None:
    assert said(home, lamp("Porch")) == ["Porch is new"]
    device_id = next(each.id for each in home.hub.inventory.devices() if each.name == "Porch")
    assert said(home, DeviceEdited(device_id, "Garden", None, "Anna")) == ["Anna changed the device “Porch”"]
    assert said(home, DeviceGone(Origin("zigbee2mqtt", "Porch"))) == ["Porch is gone"]


def test_a_device_that_is_known_is_not_new_after_a_restart(home: Living) -> None:
    assert [each for each in home.crash() if isinstance(each, NoteActivity)] == []
    assert said(home, lamp("Lamp"), reported("off")) == []


def test_other_deeds_of_people_are_told(home: Living) -> None:
    assert said(
        home,
        ScanWanted("r", "Anna"),
        RemedyAnswered("e", True, "r", "Anna"),
        PeerForgotten("hue", "bb", False, "Anna"),
    ) == ["Anna had the home looked at", "Anna approved a remedy", "Anna let go of bb"]


def test_what_only_the_doors_know_is_told_by_them(home: Living) -> None:
    told = ActivityTold(Happened("access", person("Anna's phone"), say("{who} was let in")))
    assert said(home, told) == ["Anna's phone was let in"]


def test_alerts_and_remedies_are_told_once(home: Living) -> None:
    device_id = next(each.id for each in home.hub.inventory.devices() if each.name == "Lamp")
    activity = home.hub.monitoring.activity
    row = {"status": "completed", "issue_resolved": True, "device_id": device_id}
    healed = AppendCase("self_healing_executions", "e", 2, {**row, "action_parameters": {"remedy": "ask_state"}})
    [told, _] = activity.handle_case(healed, NOON)
    assert isinstance(told, NoteActivity)
    assert told.happened.as_json()["text"] == "Self-healing tried “asking for its state” on Lamp: it helped"
    alert = AppendCase("alerts", "a", 1, {"title": "Lamp is away", "source_device_id": device_id})
    [told, _] = activity.handle_case(alert, NOON)
    assert isinstance(told, NoteActivity)
    assert told.happened.as_json()["text"] == "The hub told: Lamp is away"
    assert activity.handle_case(AppendCase("alerts", "a", 2, {"title": "Lamp is away"}), NOON) == ()


def test_a_device_that_flaps_fills_nothing(home: Living) -> None:
    flaps = [reported("on" if each % 2 else "off") for each in range(1, 200)]
    told = noted(home, *flaps)
    assert len(told) == ALIKE_PER_HOUR
    assert told[-1].failed == "This goes on; for an hour no more of it is told"
    home.now += timedelta(hours=1, seconds=1)
    assert len(noted(home, *flaps)) == ALIKE_PER_HOUR


def test_every_sentence_can_be_said_in_german() -> None:
    file = Path(__file__).parents[4] / "hub_agent/web/static/languages/hub.de.json"
    german = json.loads(file.read_text(encoding="utf-8"))
    assert sorted(each for each in all_words() if each != "{name}" and each not in german) == []
