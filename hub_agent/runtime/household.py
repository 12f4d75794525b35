"""The home itself for the doors: its name, where it lies, which time holds in it."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from hub_agent.core.hub import Hub
from hub_agent.errors import NotPossible
from hub_agent.model.definition import Definition
from hub_agent.model.inputs import DefinitionArrived
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.runtime.inbox import Inbox

NAME_MAX = 100


class Household:
    """Fills ports.Household."""

    def __init__(self, hub: Hub, inbox: Inbox) -> None:
        self._hub = hub
        self._inbox = inbox

    def told(self) -> JsonObject:
        hub = self._hub
        return {
            "id": hub.home_id,
            "name": hub.home_name,
            "timezone": hub.place.time_zone,
            "latitude": hub.place.latitude,
            "longitude": hub.place.longitude,
            "elevation": hub.place.elevation,
        }

    async def edit(self, changes: JsonObject, by: str) -> JsonObject:
        fields = self._fields(changes)
        if fields:
            edited = Definition("home", self._hub.home_id, fields, modified_by=by)
            await self._inbox.submit([DefinitionArrived(edited, is_from_cloud=False, by=by)])
        return self.told()

    def _fields(self, changes: JsonObject) -> dict[str, JsonValue]:
        fields: dict[str, JsonValue] = {}
        if "name" in changes:
            name = str(changes["name"]).strip()
            if not 0 < len(name) <= NAME_MAX:
                raise NotPossible(f"A name has 1 to {NAME_MAX} characters.", "name")
            fields["name"] = name
        if "timezone" in changes:
            fields["timezone"] = _zone(str(changes["timezone"]))
        if "latitude" in changes or "longitude" in changes:
            latitude, longitude = changes.get("latitude"), changes.get("longitude")
            if not isinstance(latitude, int | float) or not isinstance(longitude, int | float):
                raise NotPossible("Where the home lies is a latitude and a longitude.", "latitude")
            fields["coordinates"] = f"({latitude:.6f},{longitude:.6f})"
        if "elevation" in changes:
            home = next(iter(self._hub.definitions.of_kind("home")), None)
            metadata = home.fields.get("metadata") if home is not None else None
            known = metadata if isinstance(metadata, Mapping) else {}
            fields["metadata"] = {**known, "elevation": changes["elevation"]}
        return fields


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        raise NotPossible(f"There is no time zone '{name}'; one is named like Europe/Berlin.", "timezone") from None
