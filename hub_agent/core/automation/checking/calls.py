"""Calls of actions that this hub does not know."""

from collections.abc import Iterator
from difflib import get_close_matches

from hub_agent.core.actions import ACTIONS, is_reload, unknown_verb
from hub_agent.core.automation.actions.call import CallAct
from hub_agent.core.automation.checking.finding import Aspect, Finding, Fix, Severity
from hub_agent.core.automation.program import Program
from hub_agent.core.automation.values import Constant


def find_calls(program: Program) -> Iterator[Finding]:
    """Only of kinds of entities whose actions are all known; what a template names is not."""
    for block in program.blocks.values():
        for step in block.steps:
            if step.is_enabled and isinstance(step.act, CallAct) and isinstance(step.act.action, Constant):
                yield from _look_at(str(step.act.action.value).lower(), step.path)


def _look_at(action: str, path: str) -> Iterator[Finding]:
    if unknown_verb(action) is None or is_reload(action):
        return
    domain, _, verb = action.partition(".")
    near = get_close_matches(verb, sorted(ACTIONS[domain]), 1)
    fix = Fix(f"Did you mean {domain}.{near[0]}?") if near else None
    text = f"This hub knows no action {action}."
    yield Finding("action_unknown", Severity.WARNING, Aspect.ACTIONS, text, path, fix=fix)
