"""The remedies. A new one is one file here and its line in LADDER; its row in the central catalogue has the same name."""

from uuid import NAMESPACE_URL, uuid5

from hub_agent.core.healing.remedies import (
    ask_state,
    free_disk,
    power_cycle_via_plug,
    reboot_device,
    reconfigure_through_bridge,
    reconnect_broker,
    reconnect_link,
    rediscover,
    reinterview,
    repair_automation,
    resend_command,
    restart_agent,
    restart_bridge,
    restart_dialect,
    restart_unit,
    restore_settings,
    salvage_mirror,
    tell_person,
)
from hub_agent.core.healing.remedy import Remedy

_CATALOGUE = uuid5(NAMESPACE_URL, "https://nexa.example/self_healing_actions")

# As they are chosen while nothing has been learned; `core/healing/choice.py` orders them.
LADDER: tuple[Remedy, ...] = (
    ask_state.REMEDY,
    resend_command.REMEDY,
    reconnect_link.REMEDY,
    rediscover.REMEDY,
    restore_settings.REMEDY,
    repair_automation.REMEDY,
    reconfigure_through_bridge.REMEDY,
    reinterview.REMEDY,
    reboot_device.REMEDY,
    restart_bridge.REMEDY,
    power_cycle_via_plug.REMEDY,
    restart_dialect.REMEDY,
    reconnect_broker.REMEDY,
    restart_unit.REMEDY,
    free_disk.REMEDY,
    salvage_mirror.REMEDY,
    restart_agent.REMEDY,
    tell_person.REMEDY,
)
REMEDIES = {remedy.name: remedy for remedy in LADDER}
ASK_STATE = ask_state.REMEDY
TELL_PERSON = tell_person.REMEDY
RESEND_COMMAND = resend_command.REMEDY


def action_id(remedy: Remedy) -> str:
    """The remedy's row in the central catalogue."""
    return str(uuid5(_CATALOGUE, remedy.name))
