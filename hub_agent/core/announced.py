"""What the page is told at once."""

from hub_agent.model.action import CommandSettled
from hub_agent.model.effects import Announce
from hub_agent.model.state import StateChanged


def announced_state(change: StateChanged) -> Announce:
    new = change.new
    body: dict[str, object] = {"entity_id": change.entity_id, "state": new.state if new else None}
    if new:
        body["attributes"] = new.attributes
        body["changed_at"] = new.changed_at
    return Announce("state", body)


def announced_command(settled: CommandSettled) -> Announce:
    command = settled.command
    return Announce(
        "command",
        {"entity_id": command.entity_id, "action": command.action, "outcome": settled.outcome, "error": settled.error},
    )
