"""`template`: a template gives the text `true`."""

from dataclasses import dataclass

from hub_agent.core.automation.conditions.condition import ConditionError, ConditionsReader, Scope
from hub_agent.core.automation.reading import Fields
from hub_agent.core.automation.triggers.trigger import Reader
from hub_agent.core.automation.values import is_true_text, read_template
from hub_agent.errors import TemplateError
from hub_agent.model.automation import Outcome
from hub_agent.templating import Template


@dataclass(frozen=True, slots=True)
class TemplateTest:
    template: Template

    def judge(self, scope: Scope) -> Outcome:
        try:
            text = self.template.render(**scope.variables())
        except TemplateError as err:
            raise ConditionError(str(err)) from err
        scope.seen["text"] = text[:200]
        return Outcome.TRUE if is_true_text(text) else Outcome.FALSE


def read_template_condition(fields: Fields, reader: Reader, _conditions: ConditionsReader) -> TemplateTest:
    where = fields.path("value_template")
    return TemplateTest(read_template(fields.require("value_template"), reader.templates, where))
