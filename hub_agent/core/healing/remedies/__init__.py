"""The remedies. A new one is one file here and its line in LADDER; its row in the central catalogue has the same name."""

from uuid import NAMESPACE_URL, uuid5

from hub_agent.core.healing.remedies import (
    ask_state,
    power_cycle_via_plug,
    reboot_device,
    reconfigure_through_bridge,
    resend_command,
    restart_bridge,
    tell_person,
)
from hub_agent.core.healing.remedy import Remedy

_CATALOGUE = uuid5(NAMESPACE_URL, "https://nexa.example/self_healing_actions")

# As they are chosen while nothing has been learned; `core/healing/choice.py` orders them.
LADDER: tuple[Remedy, ...] = (
    ask_state.REMEDY,
    resend_command.REMEDY,
    reconfigure_through_bridge.REMEDY,
    reboot_device.REMEDY,
    restart_bridge.REMEDY,
    power_cycle_via_plug.REMEDY,
    tell_person.REMEDY,
)
REMEDIES = {remedy.name: remedy for remedy in LADDER}
TELL_PERSON = tell_person.REMEDY
RESEND_COMMAND = resend_command.REMEDY


def action_id(remedy: Remedy) -> str:
    """The remedy's row in the central catalogue."""
    return str(uuid5(_CATALOGUE, remedy.name))
