"""Calls that name a group, or `all`: what they mean on this hub."""

from collections.abc import Iterable
from dataclasses import replace

from hub_agent.core.states import States
from hub_agent.model.action import Call
from hub_agent.model.ids import EntityId

GROUP = "group."
ALL = "all"

# As a group has no commands of its own, these are for its members.
_FOR_MEMBERS = frozenset({"group.turn_on", "group.turn_off", "group.toggle"})


def names_many(call: Call) -> bool:
    return any(each == ALL or each.startswith(GROUP) for each in call.target)


def with_members(call: Call, states: States) -> Call:
    """A group stands for its members, and theirs; `all` for all entities that the action is for."""
    action = f"homeassistant.{call.action.partition('.')[2]}" if call.action in _FOR_MEMBERS else call.action
    domain = action.partition(".")[0]
    found: dict[EntityId, None] = {}
    opened: set[EntityId] = set()
    waiting = list(call.target)
    while waiting:
        each = waiting.pop(0)
        if each == ALL:
            waiting += sorted(known for known in states.entity_ids() if known.startswith(f"{domain}."))
        elif not each.startswith(GROUP):
            found[each] = None
        elif each not in opened:
            opened.add(each)
            waiting += _members(each, states, domain)
    return replace(call, action=action, target=tuple(found))


def _members(group: EntityId, states: States, domain: str) -> Iterable[EntityId]:
    """Of a group of all sorts `light.turn_on` means the lights."""
    seen = states.state(group)
    named = None if seen is None else seen.attributes.get("entity_id")
    if not isinstance(named, list | tuple):
        return ()
    members = [EntityId(str(each)) for each in named]
    return [each for each in members if domain == "homeassistant" or each.startswith((f"{domain}.", GROUP))]
