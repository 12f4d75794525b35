"""What people do on the hub leaves an entry; what rules and the cloud do leaves none here."""

from datetime import timedelta
from typing import Any

import pytest

from hub_agent.core.auditing import VALUES_LENGTH_MAX
from hub_agent.model.action import Call
from hub_agent.model.definition import Definition
from hub_agent.model.ids import AutomationId, CallId, EntityId, SceneId
from hub_agent.model.inputs import (
    CallRequested,
    CloudCommand,
    ConflictDecided,
    DefinitionArrived,
    DeviceEdited,
    Input,
    LostAnswered,
    PeerForgotten,
    PeerWanted,
    RepairWanted,
    ScenePressed,
)
from hub_agent.model.security import ScanWanted
from hub_agent.model.state import Cause
from tests.unit.core.test_hub import NOON, SCENE_ID, Living, lamp

ANNA = "6a204bd8-9a3b-4f6f-8f0e-0a4e3c1d2b1c"


@pytest.fixture
def home() -> Living:
    living = Living()
    living.tell(lamp("Lamp"))
    living.records.clear()
    return living


def entries(home: Living, *inputs: Input) -> list[dict[str, Any]]:
    home.records.clear()
    home.tell(*inputs)
    return [dict(each.row) for each in home.records if each.stream == "audit_logs"]


def lamp_id(home: Living) -> str:
    return next(str(device.id) for device in home.hub.inventory.devices() if device.name == "Lamp")


def called(by: str | None, kind: str = "manual", action: str = "light.turn_on", **data: Any) -> CallRequested:
    return CallRequested(Call(CallId("call-1"), action, (EntityId("light.lamp"),), data, Cause(kind, "x", by)))


def scene(**fields: Any) -> Definition:
    whole = {"name": "Evening", "device_states": [], **fields}
    return Definition("scene", SCENE_ID, whole)


def test_what_somebody_sets_says_who_and_what(home: Living) -> None:
    [entry] = entries(home, called("page", brightness=7, code="1234"))
    assert entry.pop("id")
    assert entry == {
        "time": NOON,
        "user_id": None,
        "action": "UPDATE",
        "table_name": "devices",
        "record_id": lamp_id(home),
        "old_values": None,
        "new_values": {"brightness": 7, "code": "***"},
        "changed_fields": ["brightness", "code"],
        "metadata": {"what": "call", "by": "page", "action": "light.turn_on", "target": ["light.lamp"]},
    }


def test_a_member_of_the_home_is_named_by_id_and_nobody_else(home: Living) -> None:
    member = Definition("home_member", "m1", {"user_id": ANNA, "role": "member", "display_name": "Anna"}, 1)
    home.tell(DefinitionArrived(member, is_from_cloud=True))
    assert [each["user_id"] for by in (ANNA, "Anna", None) for each in entries(home, called(by))] == [ANNA, None, None]


@pytest.mark.parametrize("kind", ["automation", "scene", "cloud", "self_healing"])
def test_what_is_not_done_by_a_person_here_leaves_no_entry(home: Living, kind: str) -> None:
    assert entries(home, called("whoever", kind)) == []


def test_a_cloud_command_and_what_comes_from_the_cloud_leave_none(home: Living) -> None:
    command = CloudCommand("c1", "device.set", {"entity_id": "light.lamp", "values": {"on": True}})
    assert entries(home, command, DefinitionArrived(scene(), is_from_cloud=True)) == []


def test_an_edit_tells_what_was_changed_and_how_it_was(home: Living) -> None:
    [added] = entries(home, DefinitionArrived(scene(), is_from_cloud=False, by="import"))
    assert (added["action"], added["table_name"], added["record_id"]) == ("INSERT", "scenes", SCENE_ID)
    assert (added["metadata"], added["changed_fields"]) == ({"what": "add", "by": "import"}, None)

    [edited] = entries(home, DefinitionArrived(scene(name="Night"), is_from_cloud=False, by="Anna"))
    assert (edited["old_values"], edited["new_values"]) == ({"name": "Evening"}, {"name": "Night"})
    assert (edited["action"], edited["changed_fields"]) == ("UPDATE", ["name"])
    assert entries(home, DefinitionArrived(scene(name="Night"), is_from_cloud=False)) == []

    gone = Definition("scene", SCENE_ID, {}, is_deleted=True)
    [deleted] = entries(home, DefinitionArrived(gone, is_from_cloud=False))
    assert (deleted["action"], deleted["old_values"]["name"], deleted["new_values"]) == ("DELETE", "Night", None)
    assert entries(home, DefinitionArrived(gone, is_from_cloud=False)) == []


def test_what_is_long_is_named_and_not_told_whole(home: Living) -> None:
    home.tell(DefinitionArrived(scene(), is_from_cloud=False))
    long = scene(description="x" * VALUES_LENGTH_MAX)
    [entry] = entries(home, DefinitionArrived(long, is_from_cloud=False))
    assert (entry["new_values"], entry["changed_fields"]) == (None, ["description"])


def test_scenes_devices_repairs_and_things_of_the_network_each_have_their_entry(home: Living) -> None:
    home.tell(DefinitionArrived(scene(), is_from_cloud=False))
    device = next(each for each in home.hub.inventory.devices() if each.name == "Lamp")
    told = entries(
        home,
        ScenePressed(SceneId(SCENE_ID), Cause("manual", "r1", "Anna"), "manual", "r1"),
        DeviceEdited(device.id, name="Reading lamp", by="Anna"),
        PeerWanted("hue", "bridge-1", by="Anna"),
        PeerForgotten("hue", "bridge-1", is_ignored=True, by="Anna"),
        RepairWanted(AutomationId("rule"), "r2", by="Anna"),
        ScanWanted("r3", by="Anna"),
        ConflictDecided("scene", SCENE_ID, {"device_states": True}, by="Anna"),
        LostAnswered("scene", SCENE_ID, "name", NOON, is_put_back=True, by="Anna"),
    )
    assert [(each["metadata"]["what"], each["action"], each["table_name"], each["record_id"]) for each in told] == [
        ("press", "UPDATE", "scenes", SCENE_ID),
        ("edit", "UPDATE", "devices", device.id),
        ("add", "INSERT", "devices", None),
        ("ignore", "DELETE", "devices", None),
        ("repair", "UPDATE", "automations", "rule"),
        ("scan", "INSERT", "security_scans", None),
        ("decide", "UPDATE", "scenes", SCENE_ID),
        ("put back", "UPDATE", "scenes", SCENE_ID),
    ]
    assert {each["metadata"]["by"] for each in told} == {"Anna"}
    assert told[1]["new_values"] == {"device_name": "Reading lamp"}


def test_entries_have_ids_of_their_own_that_a_replay_finds_again(home: Living) -> None:
    first, second = entries(home, called("a")), entries(home, called("a"))
    assert first[0]["id"] == second[0]["id"]
    home.now += timedelta(seconds=1)
    assert entries(home, called("a"))[0]["id"] != first[0]["id"]
