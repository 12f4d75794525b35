"""What was used, for the doors; and what a person says that a meter measures."""

from collections.abc import Callable
from datetime import date
from typing import get_args

from hub_agent.core.energy.meters import ROLES, role_of, with_role
from hub_agent.core.energy.telling import Asked, Metered, Period, told
from hub_agent.core.hub import Hub
from hub_agent.errors import NotPossible
from hub_agent.model.definition import Definition
from hub_agent.model.device import Device
from hub_agent.model.inputs import DefinitionArrived
from hub_agent.model.json import JsonObject
from hub_agent.ports import Clock
from hub_agent.runtime.inbox import Inbox

PERIODS: tuple[Period, ...] = get_args(Period)


class Energy:
    """Fills ports.Energy."""

    def __init__(self, hub: Hub, inbox: Inbox, clock: Clock, device_named: Callable[[str], Device]) -> None:
        self._hub = hub
        self._inbox = inbox
        self._clock = clock
        self._device_named = device_named

    def told(self, period: str, day: str | None) -> JsonObject:
        if period not in PERIODS:
            raise NotPossible(f"Energy is told by {', '.join(PERIODS)}, not by '{period}'.", "period")
        room, now = self._hub.monitoring.energy, self._clock.now().wall
        room.settle(now)
        asked = Asked(period, self._day(day), room.zone, now)
        return told(room.book, self._metered(), asked)

    async def set_role(self, name: str, role: str, by: str) -> JsonObject:
        device = self._device_named(name)
        chosen = next((each for each in ROLES if each == role), None)
        if chosen is None:
            raise NotPossible(f"A meter measures one of: {', '.join(ROLES)}.", "role")
        if device.id not in self._hub.monitoring.energy.metered:
            raise NotPossible(f"{device.name} measures no energy.")
        edited = Definition("device", device.id, {"settings": with_role(device.settings, chosen)}, modified_by=by)
        await self._inbox.submit([DefinitionArrived(edited, is_from_cloud=False, by=by)])
        return {"id": device.id, "name": device.name, "role": role_of(self._device_named(device.id))}

    def _metered(self) -> list[Metered]:
        """Those that are there, and those that were, as long as what they used is known."""
        room = self._hub.monitoring.energy
        known = {each.id: each for each in self._hub.inventory.devices()}
        there = room.metered | {each for each in room.book.devices() if each in known}
        found = [Metered(each, known[each].name, role_of(known[each])) for each in there if each in known]
        return [*found, *(Metered(each, "", "device") for each in room.book.devices() if each not in known)]

    def _day(self, day: str | None) -> date:
        room = self._hub.monitoring.energy
        if day is None:
            return self._clock.now().wall.astimezone(room.zone).date()
        try:
            told_day = date.fromisoformat(day)
        except ValueError:
            told_day = date.min
        if not 2000 <= told_day.year <= 2200:
            raise NotPossible(f"'{day}' is no day; a day is written like 2026-01-14.", "day")
        return told_day
