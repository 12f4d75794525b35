"""Finds in a template what the hub's sandbox has not: functions, and templates in other files. Its filters and tests the loader checks."""

import re
from collections.abc import Iterator
from typing import Final

import jinja2
from jinja2 import nodes

from hub_agent.core.automation.world import Outlook
from hub_agent.errors import TemplateError
from hub_agent.model.automation import Place
from hub_agent.model.ids import EntityId
from hub_agent.model.state import EntityState
from hub_agent.templating import Templates

_PARSER: Final = jinja2.Environment(extensions=["jinja2.ext.loopcontrols", "jinja2.ext.do"], autoescape=True)


class _NoHome:
    def state(self, _entity_id: EntityId, /) -> EntityState | None:
        return None

    def entity_ids(self) -> tuple[EntityId, ...]:
        return ()


def hub_templates() -> Templates:
    """As a home has them, without a home."""
    return Outlook(_NoHome(), Place(), lambda: "00000000-0000-4000-8000-000000000000").templates


class TemplateCheck:
    def __init__(self, templates: Templates) -> None:
        self._templates = templates
        self._is_known: dict[str, bool] = {}

    def faults(self, source: str) -> Iterator[str]:
        """In words. A template that cannot be read has none here: the loader says what is wrong with it."""
        try:
            tree = _PARSER.parse(source)
        except (jinja2.TemplateError, RecursionError, ValueError):
            return
        if any(_asks_for_context(each) for each in tree.find_all(nodes.Getattr)):
            yield "the template asks what caused an earlier state (its context), which this hub does not tell"
        own = {each.name for each in tree.find_all(nodes.Macro)}
        own |= {each.name for each in tree.find_all(nodes.Name) if each.ctx in {"store", "param"}}
        own |= set(self._imported(tree))
        asked: dict[str, None] = {}
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name not in own:
                asked[call.node.name] = None
        for name in asked:
            if not self._knows(name):
                yield f"the template calls {name}(), which this hub has not"

    def hollow(self, source: str) -> list[str]:
        """Functions that it calls, and that are always answered here as by a home that has nothing of the kind."""
        return sorted(set(_HOLLOW.findall(source)))

    def files(self, source: str) -> list[str]:
        """Files of other templates that it takes parts from."""
        if "import" not in source and "include" not in source and "extends" not in source:
            return []
        try:
            tree = _PARSER.parse(source)
        except (jinja2.TemplateError, RecursionError, ValueError):
            return []
        found = [
            *(each.template for each in tree.find_all(nodes.FromImport)),
            *(each.template for each in tree.find_all(nodes.Import)),
            *(each.template for each in tree.find_all(nodes.Include)),
            *(each.template for each in tree.find_all(nodes.Extends)),
        ]
        return [str(each.value) if isinstance(each, nodes.Const) else "?" for each in found]

    def _imported(self, tree: nodes.Template) -> Iterator[str]:
        for each in tree.find_all(nodes.FromImport):
            for name in each.names:
                yield name if isinstance(name, str) else name[1]
        for imported in tree.find_all(nodes.Import):
            yield imported.target

    def _knows(self, name: str) -> bool:
        if name not in self._is_known:
            try:
                answer = self._templates.compile(f"{{{{ {name} is defined and true }}}}").render()
            except TemplateError:
                answer = ""
            self._is_known[name] = answer == "True"
        return self._is_known[name]


def _asks_for_context(node: nodes.Getattr) -> bool:
    """`trigger.from_state.context`: only of the state that set off the trigger is it known."""
    return node.attr == "context" and isinstance(node.node, nodes.Getattr) and node.node.attr in _STATES


# Floors, labels, configuration entries and integrations are Home Assistant's own.
_HOLLOW: Final = re.compile(
    r"(?<![\w.])((?:floor_\w+|label_\w+|config_entry_\w+|floors|labels|issues?|integration_entities|is_hidden_entity)) *\("
)
_STATES: Final = frozenset({"from_state", "old_state"})
