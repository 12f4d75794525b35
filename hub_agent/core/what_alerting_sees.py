"""The home as alert rules see it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from hub_agent.core.alerting import Alerting
from hub_agent.core.healing import Healing
from hub_agent.core.healing.trouble import Trouble, matter_of
from hub_agent.core.inventory import Inventory
from hub_agent.core.states import States
from hub_agent.core.sync.definitions import Definitions
from hub_agent.model.device import Device, Entity
from hub_agent.model.effects import Effect
from hub_agent.model.healing import Symptom
from hub_agent.model.ids import DeviceId, EntityId, HomeId, NewId
from hub_agent.model.state import EntityState


class WhatAlertingSees:
    """Fills core.alerting.looking.Home."""

    def __init__(
        self, states: States, inventory: Inventory, definitions: Definitions, time_zone: Callable[[], str]
    ) -> None:
        self._states = states
        self._inventory = inventory
        self._definitions = definitions
        self._time_zone = time_zone

    def device(self, device_id: DeviceId) -> Device | None:
        return self._inventory.device(device_id)

    def devices(self) -> Iterable[Device]:
        return self._inventory.devices()

    def entity(self, entity_id: EntityId) -> Entity | None:
        return self._inventory.entity(entity_id)

    def state(self, entity_id: EntityId) -> EntityState | None:
        return self._states.state(entity_id)

    def is_available(self, device_id: DeviceId) -> bool | None:
        return self._inventory.presence(device_id).is_available

    def local(self, now: datetime) -> datetime:
        return now.astimezone(ZoneInfo(self._time_zone()))

    def matter_of(self, code: str) -> str:
        return matter_of(Symptom(code)) if code in set(Symptom) else code

    def members_of(self, group_id: str) -> frozenset[DeviceId]:
        group = self._definitions.get("device_group", group_id)
        members = group.fields.get("members") if group is not None else None
        told = members if isinstance(members, list | tuple) else ()
        return frozenset(DeviceId(each) for each in told if isinstance(each, str))


def alerting_on(
    home_id: HomeId,
    seen: WhatAlertingSees,
    new_id: NewId,
    channels: Mapping[str, str],
    answer_notice: Callable[[str, str, datetime], Sequence[Effect] | None],
) -> Callable[[Healing], Alerting]:
    """Alerting, but for what it has to know of healing."""
    return lambda healing: Alerting(
        home_id,
        seen,
        new_id,
        channels,
        is_held=lambda device_id: _is_held(healing, device_id),
        has_told=lambda alert_id: _has_told(healing, alert_id),
        answer_notice=answer_notice,
    )


def _is_held(healing: Healing, device_id: DeviceId) -> bool:
    """What it hangs on is the trouble, not the device itself."""
    watch = healing.watch(device_id)
    if watch is None:
        return False
    is_known = watch.trouble is not None and watch.trouble.held_by is not None
    return is_known or healing.shared.away_before(watch.device) is not None


def _has_told(healing: Healing, alert_id: str) -> bool:
    """Whether that alert, of a question or of what could not be mended, still stands."""
    troubles = (watch.trouble for each in healing.troubled() if (watch := healing.watch(each)) is not None)
    return any(trouble is not None and alert_id in _alerts_of(trouble) for trouble in troubles)


def _alerts_of(trouble: Trouble) -> set[object]:
    question = trouble.attempt.question if trouble.attempt else None
    return {each["id"] for each in (question, *(told.alert for told in trouble.told.values())) if each is not None}
