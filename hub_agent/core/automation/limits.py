"""Open ranges of numbers, for the numeric_state trigger and condition."""

from collections.abc import Callable
from dataclasses import dataclass

from hub_agent.core.automation.reading import Fields, is_entity_id, kind_of, to_number
from hub_agent.core.automation.values import Variables, read_template
from hub_agent.core.automation.views import StateView
from hub_agent.core.automation.world import Outlook
from hub_agent.errors import DefinitionError, TemplateError
from hub_agent.model.json import JsonValue
from hub_agent.model.state import UNAVAILABLE, UNKNOWN, EntityState
from hub_agent.templating import Template, Templates

LIMIT_DOMAINS = ("input_number", "number", "sensor", "zone")


class NotANumber(Exception):
    """A value or limit that cannot be compared."""


@dataclass(frozen=True, slots=True)
class Range:
    """Strictly above and below. A limit is a number, or the entity that holds it."""

    above: float | str | None
    below: float | str | None
    attribute: str | None
    template: Template | None

    def holds(
        self, entity_id: str, seen: EntityState, outlook: Outlook, variables: Callable[[], Variables] = dict
    ) -> bool:
        """What is unavailable or absent is outside. Raises NotANumber."""
        return self.holds_value(self.value(entity_id, seen, variables), entity_id, outlook)

    def holds_value(self, value: JsonValue, entity_id: str, outlook: Outlook) -> bool:
        if value is None or (isinstance(value, str) and value in {UNAVAILABLE, UNKNOWN}):
            return False
        number = to_number(value)
        if number is None:
            raise NotANumber(f"{entity_id}: {value!r} is not a number")
        if self.below is not None:
            limit = _limit(self.below, outlook)
            if limit is None or number >= limit:
                return False
        if self.above is not None:
            limit = _limit(self.above, outlook)
            if limit is None or number <= limit:
                return False
        return True

    def value(self, entity_id: str, seen: EntityState, variables: Callable[[], Variables] = dict) -> JsonValue:
        if self.template is not None:
            try:
                return self.template.evaluate(**{**variables(), "state": StateView(entity_id, seen)})
            except TemplateError as err:
                raise NotANumber(str(err)) from err
        return seen.state if self.attribute is None else seen.attributes.get(self.attribute)


def _limit(limit: float | str, outlook: Outlook) -> float | None:
    if not isinstance(limit, str):
        return limit
    seen = outlook.see(limit)
    if seen is None:
        raise NotANumber(f"the limit {limit} does not exist")
    if seen.state in {UNAVAILABLE, UNKNOWN}:
        return None
    number = to_number(seen.state)
    if number is None:
        raise NotANumber(f"the limit {limit} is {seen.state!r}, not a number")
    return number


def read_range(fields: Fields, templates: Templates) -> Range:
    above = _read_limit(fields, "above")
    below = _read_limit(fields, "below")
    if above is None and below is None:
        raise DefinitionError("needs 'above' or 'below'", fields.where)
    if isinstance(above, float) and isinstance(below, float) and above > below:
        raise DefinitionError(f"nothing is above {above:g} and below {below:g}", fields.where)
    attribute = fields.text("attribute") if fields.has("attribute") else None
    template = None
    if fields.has("value_template"):
        template = read_template(fields.take("value_template"), templates, fields.path("value_template"))
    return Range(above, below, attribute, template)


def _read_limit(fields: Fields, key: str) -> float | str | None:
    if not fields.has(key):
        return None
    value = fields.take(key)
    number = to_number(value)
    if number is not None:
        return number
    if isinstance(value, str) and is_entity_id(value) and value.partition(".")[0] in LIMIT_DOMAINS:
        return value
    raise DefinitionError(
        f"must be a number or an entity that holds one, not {kind_of(value)} {value!r}", fields.path(key)
    )
