"""What is asked of a replay: the rule, the window, and what of the home stands in no record."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from hub_agent.core.automation.as_of import read_instant, read_since
from hub_agent.core.hub import Hub
from hub_agent.errors import NotPossible
from hub_agent.model.definition import Definition
from hub_agent.model.ids import EntityId
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.state import EntityState
from hub_agent.ports import Clock, Replayer

WINDOW_MAX = timedelta(days=31)
SCRIPTS_MAX = 500
# A rule that is not the home's yet goes by this id.
GIVEN_ID = "given"


class Replays:
    def __init__(self, hub: Hub, clock: Clock, replayer: Replayer) -> None:
        self._hub = hub
        self._clock = clock
        self._replayer = replayer

    async def of_known(self, definition: Definition, since: str, until: str | None) -> AsyncGenerator[JsonObject, None]:
        request = {**self._request(since, until), "definition": _plain(definition), "is_known": True}
        async for said in self._replayer.replay({**request, "scripts": self._scripts(())}):
            yield said

    async def of_given(self, given: JsonObject, since: str, until: str | None) -> AsyncGenerator[JsonObject, None]:
        """`given`: {"fields", "scripts"}; its scripts go before those of the home."""
        fields: Any = given["fields"]
        scripts: Any = given.get("scripts") or ()
        request = {**self._request(since, until), "definition": {"id": GIVEN_ID, "fields": fields}, "is_known": False}
        async for said in self._replayer.replay({**request, "scripts": self._scripts(scripts)}):
            yield said

    def _request(self, since: str, until: str | None) -> dict[str, JsonValue]:
        now = self._clock.now().wall
        place = self._hub.place
        try:
            begin = read_since(since, now, place.time_zone)
            end = now if until is None else read_instant(until, now, place.time_zone)
        except ValueError as err:
            raise NotPossible(str(err)) from err
        if begin >= end:
            raise NotPossible("The window is empty: it begins after it ends.")
        if end - begin > WINDOW_MAX:
            raise NotPossible(f"A replay goes over {WINDOW_MAX.days} days at most.")
        return {
            "since": begin.isoformat(),
            "until": end.isoformat(),
            "place": asdict(place),
            "targets": self._targets(),
            "present": self._present(),
        }

    def _scripts(self, given: Sequence[JsonObject]) -> list[JsonValue]:
        own: list[JsonValue] = [
            {"id": f"{GIVEN_ID}/{number}", "fields": fields} for number, fields in enumerate(given[:SCRIPTS_MAX])
        ]
        known = [each for each in self._hub.definitions.of_kind("automation") if _is_script(each)]
        return own + [_plain(each) for each in known[:SCRIPTS_MAX]]

    def _targets(self) -> JsonObject:
        """What a target that names a device or a room stands for."""
        devices: dict[str, JsonValue] = {}
        rooms: dict[str, list[JsonValue]] = {}
        for device in self._hub.inventory.devices():
            entity_ids: list[JsonValue] = [entity.id for entity in device.entities]
            devices[device.id] = entity_ids
            if device.room_id is not None:
                rooms.setdefault(device.room_id, []).extend(entity_ids)
        return {"device_id": devices, "area_id": rooms}

    def _present(self) -> JsonObject:
        """What belongs to no device is in no record: it is taken as it is now."""
        states = self._hub.states
        return {
            entity_id: _parts(state)
            for entity_id in states.entity_ids()
            if self._hub.inventory.entity(EntityId(entity_id)) is None
            and (state := states.state(entity_id)) is not None
        }


def _plain(definition: Definition) -> JsonObject:
    return {"id": definition.id, "fields": definition.fields}


def _is_script(definition: Definition) -> bool:
    metadata = definition.fields.get("metadata")
    return isinstance(metadata, Mapping) and metadata.get("kind") == "script"


def _parts(state: EntityState) -> list[JsonValue]:
    return [state.state, state.attributes, _iso(state.changed_at), _iso(state.updated_at)]


def _iso(at: datetime) -> str:
    return at.isoformat()
