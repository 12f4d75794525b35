"""`variables`: names for later steps."""

from dataclasses import dataclass

from hub_agent.core.automation.actions.builder import Builder
from hub_agent.core.automation.interpreter import Execution
from hub_agent.core.automation.reading import Fields
from hub_agent.core.automation.values import Value
from hub_agent.core.automation.variables import read_variables


@dataclass(frozen=True, slots=True)
class VariablesAct:
    """In order: a later one sees the earlier ones."""

    variables: tuple[tuple[str, Value], ...]

    def enter(self, at: Execution) -> None:
        for name, value in self.variables:
            at.assign(name, at.get(value, may_go_on=False))
        at.note("variables", "set", names=[name for name, _ in self.variables])


def read_variables_step(fields: Fields, builder: Builder) -> VariablesAct:
    return VariablesAct(read_variables(fields.take("variables"), builder.reader.templates, fields.path("variables")))
