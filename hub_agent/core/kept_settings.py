"""What the settings of devices were last set to from here, so that a device that has lost them can be told again."""

import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from hub_agent.core.monitor import Given, Monitor
from hub_agent.model.action import CommandSettled
from hub_agent.model.device import Device
from hub_agent.model.effects import Durability, Save
from hub_agent.model.healing import SettingTold
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.model.json import JsonObject

ROOM: Final = "kept_settings"
DEVICES_MAX: Final = 500
SETTINGS_MAX: Final = 50


class KeptSettings(Monitor):
    """Also of a device that has left: it may come back. The longest unchanged are forgotten first."""

    room = ROOM

    def __init__(self) -> None:
        self._told_by_device: dict[DeviceId, dict[EntityId, SettingTold]] = {}

    def of(self, device: Device) -> Sequence[SettingTold]:
        """Of those of its settings that it still has."""
        told = self._told_by_device.get(device.id, {})
        return [told[each.id] for each in device.entities if each.id in told]

    def handle_settled(self, settled: CommandSettled, device: Device, _now: datetime) -> Sequence[Given]:
        command = settled.command
        if settled.outcome != "confirmed" or command.cause.kind == "self_healing":
            return ()
        if not any(each.id == command.entity_id and each.category == "config" for each in device.entities):
            return ()
        told = self._told_by_device.pop(device.id, {})
        told.pop(command.entity_id, None)
        told[command.entity_id] = SettingTold(command.entity_id, command.action, command.data)
        if len(told) > SETTINGS_MAX:
            del told[next(iter(told))]
        self._told_by_device[device.id] = told
        return [self._save(device.id), *self._make_room()]

    def restore(self, saved: Mapping[str, JsonObject], _now: datetime) -> Sequence[Given]:
        for device_id, body in saved.items():
            told: dict[EntityId, SettingTold] = {}
            for entity_id, each in body.items():
                with contextlib.suppress(KeyError, TypeError, AttributeError):
                    told[EntityId(entity_id)] = _told(entity_id, each)
            self._told_by_device[DeviceId(device_id)] = told
        return ()

    def _make_room(self) -> list[Given]:
        if len(self._told_by_device) <= DEVICES_MAX:
            return []
        oldest = next(iter(self._told_by_device))
        del self._told_by_device[oldest]
        return [Save(ROOM, oldest, None, Durability.LAZY)]

    def _save(self, device_id: DeviceId) -> Save:
        told = self._told_by_device[device_id].values()
        body: JsonObject = {each.entity_id: {"action": each.action, "data": each.data} for each in told}
        return Save(ROOM, device_id, body, Durability.LAZY)


def _told(entity_id: str, body: object) -> SettingTold:
    if not isinstance(body, Mapping) or not isinstance(body["action"], str) or not isinstance(body["data"], Mapping):
        raise TypeError("not a setting")
    return SettingTold(EntityId(entity_id), body["action"], body["data"])
