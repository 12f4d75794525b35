"""What a rule certainly does as soon as it runs: which entities it sets to what."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hub_agent.core.automation.actions.call import CallAct
from hub_agent.core.automation.actions.flow import SequenceAct
from hub_agent.core.automation.actions.parallel import ParallelAct
from hub_agent.core.automation.program import TOP, Program, Step

# What a toggle makes of an entity is the other of two.
TOGGLED = "toggled"

SWITCHED = frozenset({"fan", "humidifier", "input_boolean", "light", "remote", "siren", "switch"})
STATE_BY_VERB: Mapping[str, str] = {"turn_on": "on", "turn_off": "off", "toggle": TOGGLED}
STATE_BY_ACTION: Mapping[str, str] = {
    "cover.open_cover": "open",
    "cover.close_cover": "closed",
    "lock.lock": "locked",
    "lock.unlock": "unlocked",
    "valve.open_valve": "open",
    "valve.close_valve": "closed",
}
OPTION_ACTIONS = frozenset({"input_select.select_option", "select.select_option"})


@dataclass(frozen=True, slots=True)
class Sets:
    path: str
    entity_id: str
    state: str


def what_it_sets(program: Program) -> list[Sets]:
    """Up to its first wait or choice: what comes then depends on more than the rule."""
    return list(_of_block(TOP, program, []))


def _of_block(name: str, program: Program, ended: list[bool]) -> Iterator[Sets]:
    block = program.blocks.get(name)
    for step in block.steps if block is not None else ():
        if ended:
            return
        if step.is_enabled:
            yield from _of_step(step, program, ended)


def _of_step(step: Step, program: Program, ended: list[bool]) -> Iterator[Sets]:
    match step.act:
        case CallAct(ready=ready):
            if ready is not None:
                yield from _of_call(step.path, *ready)
        case SequenceAct(block):
            yield from _of_block(block, program, ended)
        case ParallelAct(branches):
            for branch in branches:
                yield from _of_block(branch, program, [])
            ended.append(True)
        case _ if step.kind in {"event", "variables"}:
            return
        case _:
            ended.append(True)


def _of_call(path: str, action: str, target: tuple[str, ...], data: Mapping[str, object]) -> Iterator[Sets]:
    domain, _, verb = action.partition(".")
    for entity_id in target:
        own = entity_id.partition(".")[0]
        state = STATE_BY_ACTION.get(action)
        if own in SWITCHED and domain in {own, "homeassistant"}:
            state = STATE_BY_VERB.get(verb)
        elif action in OPTION_ACTIONS and isinstance(data.get("option"), str):
            state = str(data["option"])
        if state is not None:
            yield Sets(path, entity_id, state)
