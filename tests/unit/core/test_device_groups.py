"""Groups of devices: one target, whoever made them, whatever becomes of their members."""

import itertools
from typing import Any

from hub_agent.model.action import Call
from hub_agent.model.definition import Definition
from hub_agent.model.device import AdvertisedEntity
from hub_agent.model.effects import SendCommand
from hub_agent.model.ids import CallId, EntityId
from hub_agent.model.inputs import CallRequested, DefinitionArrived
from hub_agent.model.report import DeviceGone
from tests.unit.core.test_hub import BRIDGE, MANUAL, ON_OFF, Living, lamp

GROUP_ID = "96096096-0000-4000-8000-000000000001"


class Grouped(Living):
    def __init__(self) -> None:
        super().__init__()
        self.versions = itertools.count(2)
        self.tell(BRIDGE, lamp("Desk"), lamp("Shelf"), lamp("Fan", "fan"))

    def device_id(self, name: str) -> str:
        return next(each.id for each in self.devices.values() if each.name == name)

    def group(self, *names: str, **fields: Any) -> None:
        members = sorted(map(self.device_id, names))
        self.arrives(Definition("device_group", GROUP_ID, {"name": "Reading corner", "members": members, **fields}))

    def arrives(self, definition: Definition) -> None:
        row = Definition(
            definition.kind, definition.id, definition.fields, next(self.versions), is_deleted=definition.is_deleted
        )
        self.tell(DefinitionArrived(row, is_from_cloud=True))

    def call(self, action: str, target: str) -> set[str]:
        call = Call(CallId("call"), action, (EntityId(target),), {}, MANUAL)
        told = self.tell(CallRequested(call))
        return {each.command.entity_id for each in told if isinstance(each, SendCommand)}

    def members(self, group: str = "group.reading_corner") -> list[str] | None:
        state = self.hub.states.state(EntityId(group))
        return None if state is None else [str(each) for each in state.attributes["entity_id"]]


def test_a_group_is_one_target_and_is_on_while_one_of_its_devices_is() -> None:
    home = Grouped()
    home.group("Desk", "Shelf", "Fan")
    assert home.call("light.turn_on", "group.reading_corner") == {"light.desk", "light.shelf"}
    assert home.call("homeassistant.turn_on", "group.reading_corner") == {"light.desk", "light.shelf", "fan.fan"}
    home.report("Desk", "off")
    home.report("Shelf", "on")
    assert home.state("group.reading_corner") == "on"


def test_only_what_a_device_is_there_for_belongs_to_its_group() -> None:
    home = Grouped()
    plug = lamp("Plug", "switch")
    extra = (
        AdvertisedEntity("power", "sensor"),
        AdvertisedEntity("led", "switch", category="config", capabilities=ON_OFF),
    )
    home.tell(lamp("Plug", "switch", entities=(*plug.entities, *extra)))
    home.group("Plug")
    assert home.members() == ["switch.plug"]


def test_a_group_follows_its_devices_as_they_go_and_come_back() -> None:
    home = Grouped()
    home.group("Desk", "Shelf")
    home.tell(DeviceGone(lamp("Desk").origin))
    assert home.members() == ["light.shelf"]
    home.tell(lamp("Desk"))
    assert sorted(home.members() or []) == ["light.desk", "light.shelf"]


def test_a_group_keeps_its_entity_when_it_is_renamed_and_after_a_restart() -> None:
    home = Grouped()
    home.group("Desk")
    home.group("Desk", "Shelf", name="Corner")
    home.crash()
    assert sorted(home.members() or []) == ["light.desk", "light.shelf"]
    assert home.members("group.corner") is None


def test_a_group_that_is_deleted_is_gone_and_its_name_is_free() -> None:
    home = Grouped()
    home.group("Desk")
    home.arrives(Definition("device_group", GROUP_ID, {}, is_deleted=True))
    assert home.members() is None
    home.arrives(Definition("device_group", GROUP_ID[:-1] + "2", {"name": "Reading corner", "members": []}))
    assert home.members() == []


def test_two_groups_of_one_name_are_two_entities() -> None:
    home = Grouped()
    home.group("Desk")
    home.arrives(
        Definition(
            "device_group", GROUP_ID[:-1] + "2", {"name": "Reading Corner!", "members": [home.device_id("Shelf")]}
        )
    )
    assert (home.members(), home.members("group.reading_corner_2")) == (["light.desk"], ["light.shelf"])


def test_members_that_make_no_sense_are_passed_over() -> None:
    home = Grouped()
    home.arrives(
        Definition("device_group", GROUP_ID, {"name": None, "members": [1, None, {}, "nobody", home.device_id("Desk")]})
    )
    assert home.members("group.group") == ["light.desk"]
    home.arrives(Definition("device_group", GROUP_ID, {"name": "x", "members": "Desk"}))
    assert home.members("group.group") == []
