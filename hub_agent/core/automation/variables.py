"""Blocks of `variables`."""

from collections.abc import Container, Mapping

from hub_agent.core.automation.reading import Fields
from hub_agent.core.automation.values import Value, Variables, read_value
from hub_agent.model.json import JsonValue
from hub_agent.templating import Templates


def read_variables(value: JsonValue, templates: Templates, where: str) -> tuple[tuple[str, Value], ...]:
    if value is None:
        return ()
    fields = Fields(value, where)
    return tuple((name, read_value(fields.take(name), templates, f"{where}/{name}")) for name in fields.names())


def render_variables(
    variables: tuple[tuple[str, Value], ...], seen: Mapping[str, object], *, without: Container[str] = ()
) -> dict[str, object]:
    """In order: a later one sees the earlier ones. Those in `without` have been given already. Raises TemplateError."""
    found: dict[str, object] = {}

    def visible() -> Variables:
        return {**seen, **found}

    for name, value in variables:
        if name not in without:
            found[name] = value.get(visible)
    return found
