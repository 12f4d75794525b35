"""The kinds of triggers. A new kind is one new file and one line here."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from hub_agent.core.automation.device_words import Words, read_device_words, refused, trigger_of_device
from hub_agent.core.automation.reading import Fields, items_of, read_boolean
from hub_agent.core.automation.triggers.event import read_event
from hub_agent.core.automation.triggers.homeassistant import read_homeassistant
from hub_agent.core.automation.triggers.mqtt import read_mqtt
from hub_agent.core.automation.triggers.numeric_state import read_numeric_state
from hub_agent.core.automation.triggers.state import read_state
from hub_agent.core.automation.triggers.sun import read_sun
from hub_agent.core.automation.triggers.template import read_template_trigger
from hub_agent.core.automation.triggers.time import read_time
from hub_agent.core.automation.triggers.time_pattern import read_time_pattern
from hub_agent.core.automation.triggers.trigger import OnlyARunKnows, Reader, SourceReader, Trigger
from hub_agent.core.automation.triggers.webhook import read_webhook
from hub_agent.core.automation.triggers.zone import read_zone
from hub_agent.core.automation.values import read_value
from hub_agent.core.automation.variables import read_variables
from hub_agent.errors import DefinitionError
from hub_agent.model.json import JsonValue
from hub_agent.templating import is_template

TRIGGERS: Mapping[str, SourceReader] = {
    "event": read_event,
    "homeassistant": read_homeassistant,
    "mqtt": read_mqtt,
    "numeric_state": read_numeric_state,
    "state": read_state,
    "sun": read_sun,
    "template": read_template_trigger,
    "time": read_time,
    "time_pattern": read_time_pattern,
    "webhook": read_webhook,
    "zone": read_zone,
}

TRIGGERS_MAX = 200


def read_triggers(value: JsonValue, reader: Reader, where: str) -> tuple[Trigger, ...]:
    triggers = tuple(
        _read_trigger(item, index, reader, path) for index, (path, item) in enumerate(_flatten(value, where))
    )
    if len(triggers) > TRIGGERS_MAX:
        raise DefinitionError(f"has more than {TRIGGERS_MAX} triggers", where)
    return triggers


@dataclass(frozen=True, slots=True)
class LateTrigger:
    """A trigger that cannot be read before there is a run."""

    where: str
    index: int
    item: JsonValue

    def read(self, reader: Reader) -> Trigger:
        """Raises DefinitionError."""
        return _read_trigger(self.item, self.index, reader, self.where)


def read_waited_triggers(
    value: JsonValue, reader: Reader, where: str
) -> tuple[tuple[Trigger, ...], tuple[LateTrigger, ...]]:
    """Those of `wait_for_trigger`: their templates see what the run knows."""
    before = replace(reader, is_before_run=True)
    found: list[Trigger] = []
    late: list[LateTrigger] = []
    for index, (path, item) in enumerate(_flatten(value, where)):
        try:
            found.append(_read_trigger(item, index, before, path))
        except OnlyARunKnows:
            late.append(LateTrigger(path, index, item))
    if len(found) + len(late) > TRIGGERS_MAX:
        raise DefinitionError(f"has more than {TRIGGERS_MAX} triggers", where)
    return tuple(found), tuple(late)


def _flatten(value: JsonValue, where: str) -> Iterator[tuple[str, JsonValue]]:
    """An item may itself be `{triggers: [...]}`, which is merged in."""
    for index, item in enumerate(items_of(value)):
        path = f"{where}/{index}"
        if isinstance(item, Mapping) and set(item) == {"triggers"}:
            yield from _flatten(item["triggers"], f"{path}/triggers")
        else:
            yield path, item


def _read_trigger(item: JsonValue, index: int, reader: Reader, where: str) -> Trigger:
    fields = Fields(item, where)
    platform = fields.one_of("trigger", "platform")
    if not isinstance(platform, str):
        raise DefinitionError("does not say which 'trigger' it is", where)
    if platform == "device":
        fields = _in_plain_words(fields, where)
        read = TRIGGERS.get(str(fields.take("trigger")))
    else:
        read = TRIGGERS.get(platform)
    if read is None:
        raise DefinitionError(
            f"'{platform}' is not a trigger this hub knows ({', '.join(sorted({*TRIGGERS, 'device'}))})", where
        )
    own_id = fields.take("id")
    alias = fields.take("alias")
    is_enabled = read_enabled(fields, reader)
    variables = read_variables(fields.take("variables"), reader.templates, fields.path("variables"))
    source = read(fields, reader)
    fields.finish()
    name = str(index) if own_id is None else str(own_id)
    return Trigger(where, index, name, None if alias is None else str(alias), platform, source, is_enabled, variables)


def _in_plain_words(fields: Fields, where: str) -> Fields:
    """A device's trigger as one of the other kinds, with what every trigger has."""
    common: Words = {key: fields.take(key) for key in ("id", "alias", "enabled", "variables") if fields.has(key)}
    given, entity_id = read_device_words(fields, "trigger")
    words = trigger_of_device(given, entity_id)
    if words is None:
        raise refused(given, "trigger", where)
    return Fields({**words, **common}, where)


def read_enabled(fields: Fields, reader: Reader) -> bool:
    """`enabled`: true, false, or a template that is rendered once."""
    if not fields.has("enabled"):
        return True
    value, where = fields.take("enabled"), fields.path("enabled")
    if isinstance(value, str) and is_template(value):
        return bool(reader.limited(read_value(value, reader.templates, where), where))
    return read_boolean(value, where)
