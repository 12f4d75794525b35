"""The rooms of the house: found by name, made when a device says where it is."""

from datetime import datetime

from hub_agent.core.given import Given
from hub_agent.core.inventory import room_id_in
from hub_agent.core.sync.definitions import Definitions
from hub_agent.model.definition import Definition
from hub_agent.model.device import Room
from hub_agent.model.effects import Announce, Durability
from hub_agent.model.ids import HomeId, RoomId
from hub_agent.model.json import JsonObject


class Rooms:
    def __init__(self, home_id: HomeId, definitions: Definitions) -> None:
        self._home_id = home_id
        self._definitions = definitions
        self.by_id: dict[RoomId, Room] = {}

    def named(self, name: str, now: datetime) -> tuple[RoomId, list[Given]]:
        wanted = name.strip().casefold()
        for room in self.by_id.values():
            if room.name.casefold() == wanted:
                return room.id, []
        room_id = room_id_in(self._home_id, name)
        # A device says it again; the id comes of the name.
        made = self._definitions.edit("room", room_id, {"name": name.strip()}, now, durability=Durability.LAZY)
        return room_id, [*made]

    def edit(self, room: Room, now: datetime) -> list[Given]:
        fields: JsonObject = {"name": room.name, "room_type": room.room_type, "sort_order": room.sort_order}
        return [*self._definitions.edit("room", room.id, fields, now)]

    def define(self, room_id: RoomId, definition: Definition | None) -> list[Given]:
        if definition is None:
            self.by_id.pop(room_id, None)
        else:
            order, room_type = definition.fields.get("sort_order"), definition.fields.get("room_type")
            self.by_id[room_id] = Room(
                room_id,
                str(definition.fields.get("name") or "Room"),
                room_type if isinstance(room_type, str) else None,
                order if isinstance(order, int) else 0,
            )
        return [Announce("home", {"room_id": room_id})]
