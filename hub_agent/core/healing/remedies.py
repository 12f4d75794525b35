"""The ladder of remedies, gentlest first. A new remedy is one entry here and one line in `room.py` that does it."""

from datetime import timedelta
from uuid import NAMESPACE_URL, uuid5

from hub_agent.model.device import Device
from hub_agent.model.healing import Remedy, Symptom

_MINUTE = timedelta(minutes=1)
_OF_A_DEVICE = frozenset({Symptom.SILENT, Symptom.UNAVAILABLE, Symptom.UNCONFIRMED})
_CATALOGUE = uuid5(NAMESPACE_URL, "https://nexa.example/self_healing_actions")

ASK_STATE = Remedy(
    "ask_state",
    action_type="repair",
    risk="low",
    symptoms=_OF_A_DEVICE,
    cooldown=5 * _MINUTE,
    attempts_max=3,
    verify_within=timedelta(seconds=10),
    verification="report",
    needs_awake=True,
)
RESEND_COMMAND = Remedy(
    "resend_command",
    action_type="repair",
    risk="low",
    symptoms=frozenset({Symptom.UNCONFIRMED}),
    cooldown=_MINUTE,  # shorter than a command stays wanted: it may be sent again once its device has been revived
    attempts_max=2,
    verify_within=2 * _MINUTE,  # longer than any command lives: its end comes first
    verification="expected_state",
    needs_command=True,
)
RECONFIGURE = Remedy(
    "reconfigure_through_bridge",
    action_type="reconfigure",
    risk="low",
    symptoms=_OF_A_DEVICE,
    cooldown=60 * _MINUTE,
    attempts_max=1,
    verify_within=_MINUTE,
    verification="report",
    needs_awake=True,
    needs_bridge=True,
)
TELL_PERSON = Remedy(
    "tell_person",
    action_type="repair",
    risk="low",
    symptoms=frozenset(Symptom),
    cooldown=12 * 60 * _MINUTE,
    attempts_max=1,
    verify_within=timedelta(0),
    verification="person",
)

LADDER: tuple[Remedy, ...] = (ASK_STATE, RESEND_COMMAND, RECONFIGURE, TELL_PERSON)
REMEDIES = {remedy.name: remedy for remedy in LADDER}

WORDS = {
    "ask_state": "asking for its state",
    "resend_command": "sending the command again",
    "reconfigure_through_bridge": "setting it up afresh through its bridge",
}


def action_id(remedy: Remedy) -> str:
    """The remedy's row in the central catalogue."""
    return str(uuid5(_CATALOGUE, remedy.name))


def is_battery(device: Device) -> bool:
    """Runs on a battery, as far as one can tell: it sleeps, and cannot be asked."""
    if device.power_source:
        return "batter" in device.power_source.lower()
    return any(entity.device_class == "battery" for entity in device.entities)
