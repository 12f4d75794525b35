"""What has to hold before a remedy is tried."""

from datetime import datetime, timedelta
from typing import Protocol

from hub_agent.core.healing.remedies import RESEND_COMMAND, is_battery
from hub_agent.core.healing.trouble import Trouble, Unconfirmed
from hub_agent.core.healing.watch import Watch
from hub_agent.model.device import Device
from hub_agent.model.healing import Remedy
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.model.state import EntityState

RESEND_WITHIN = timedelta(minutes=2)


class Home(Protocol):
    """What healing reads of the home."""

    def device(self, device_id: DeviceId) -> Device | None: ...

    def state(self, entity_id: EntityId) -> EntityState | None: ...

    def is_commanded(self, entity_id: EntityId) -> bool:
        """Whether a command for it is under way."""


def is_in_bounds(remedy: Remedy, watch: Watch, trouble: Trouble, now: datetime) -> bool:
    """Attempts of this trouble, turn in this pass of the ladder, cooldown on this device."""
    if remedy.name in trouble.passed or trouble.attempts.get(remedy.name, 0) >= remedy.attempts_max:
        return False
    tried_at = watch.tried_at.get(remedy.name)
    return tried_at is None or now - tried_at >= remedy.cooldown


def is_fitting(remedy: Remedy, watch: Watch, trouble: Trouble) -> bool:
    """What sleeps cannot be asked."""
    return bool(remedy.symptoms.intersection(trouble.symptoms)) and not (
        remedy.needs_awake and is_battery(watch.device)
    )


def is_still_wanted(command: Unconfirmed | None, home: Home, now: datetime) -> bool:
    """Fresh, not replaced by a newer one, and nobody changed the thing since: no light is better than one three hours late."""
    if command is None or now - command.sent_at > RESEND_WITHIN or home.is_commanded(command.entity_id):
        return False
    state = home.state(command.entity_id)
    return state is None or state.changed_at <= command.sent_at


def resend_due(watch: Watch, trouble: Trouble, home: Home, now: datetime) -> datetime | None:
    """When only its cooldown forbids to send the command again, and it will still be wanted then: worth waiting for."""
    tried_at, command = watch.tried_at.get(RESEND_COMMAND.name), trouble.command
    if tried_at is None or command is None or RESEND_COMMAND.name in trouble.passed:
        return None
    due = tried_at + RESEND_COMMAND.cooldown
    has_attempts = trouble.attempts.get(RESEND_COMMAND.name, 0) < RESEND_COMMAND.attempts_max
    if due <= now or not has_attempts or due - command.sent_at > RESEND_WITHIN:
        return None
    return due if is_still_wanted(command, home, now) else None
