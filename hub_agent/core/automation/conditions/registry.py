"""The kinds of conditions. A new kind is one new file and one line here."""

from collections.abc import Mapping

from hub_agent.core.automation.conditions.condition import Condition, TestReader
from hub_agent.core.automation.conditions.logic import read_and, read_not, read_or
from hub_agent.core.automation.conditions.numeric_state import read_numeric_state
from hub_agent.core.automation.conditions.state import read_state
from hub_agent.core.automation.conditions.sun import read_sun
from hub_agent.core.automation.conditions.template import TemplateTest, read_template_condition
from hub_agent.core.automation.conditions.time import read_time
from hub_agent.core.automation.conditions.trigger import read_trigger
from hub_agent.core.automation.conditions.zone import read_zone
from hub_agent.core.automation.device_words import condition_of_device, read_device_words, refused
from hub_agent.core.automation.reading import Fields, items_of
from hub_agent.core.automation.triggers.registry import read_enabled
from hub_agent.core.automation.triggers.trigger import Reader
from hub_agent.core.automation.values import read_template
from hub_agent.errors import DefinitionError
from hub_agent.model.json import JsonValue
from hub_agent.templating import is_template

CONDITIONS: Mapping[str, TestReader] = {
    "and": read_and,
    "not": read_not,
    "numeric_state": read_numeric_state,
    "or": read_or,
    "state": read_state,
    "sun": read_sun,
    "template": read_template_condition,
    "time": read_time,
    "trigger": read_trigger,
    "zone": read_zone,
}
SHORTHANDS = ("and", "or", "not")


def read_conditions(value: JsonValue, reader: Reader, where: str) -> tuple[Condition, ...]:
    """One or a list; a bare template string counts as one."""
    return tuple(read_condition(item, reader, f"{where}/{index}") for index, item in enumerate(items_of(value)))


def read_condition(item: JsonValue, reader: Reader, where: str) -> Condition:
    if isinstance(item, str):
        return _read_bare_template(item, reader, where)
    fields = Fields(item, where)
    fields.take("alias")
    is_enabled = read_enabled(fields, reader)
    for key in SHORTHANDS:
        if fields.has(key) and not fields.has("condition"):
            inner = Fields({"conditions": fields.take(key)}, where)
            fields.finish()
            return Condition(where, key, CONDITIONS[key](inner, reader, read_conditions), is_enabled)
    kind = fields.require("condition")
    if isinstance(kind, str) and is_template(kind):
        fields.finish()
        return Condition(where, "template", _read_bare_template(kind, reader, where).test, is_enabled)
    if kind == "device":
        given, entity_id = read_device_words(fields, "condition")
        words = condition_of_device(given, entity_id)
        if words is None:
            raise refused(given, "condition", where)
        return Condition(where, "device", read_condition(words, reader, where).test, is_enabled)
    read = CONDITIONS.get(kind) if isinstance(kind, str) else None
    if not isinstance(kind, str) or read is None:
        raise DefinitionError(
            f"'{kind}' is not a condition this hub knows ({', '.join(sorted({*CONDITIONS, 'device'}))})", where
        )
    test = read(fields, reader, read_conditions)
    fields.finish()
    return Condition(where, kind, test, is_enabled)


def _read_bare_template(source: str, reader: Reader, where: str) -> Condition:
    if not is_template(source):
        raise DefinitionError(f"{source!r} is neither a condition nor a template", where)
    return Condition(where, "template", TemplateTest(read_template(source, reader.templates, where)))
