"""Values of definitions as people read them: one line for each part, with the names of devices."""

from collections.abc import Callable, Mapping, Sequence

from hub_agent.model.json import JsonValue

LINE_LENGTH_MAX = 200
FIELDS = {
    "device_states": "what the devices do",
    "triggers": "what starts it",
    "conditions": "what must be so",
    "actions": "what it does",
    "execution_mode": "one after another or at once",
    "schedule_type": "its schedule",
    "schedule_config": "when its schedule says",
    "room_id": "its room",
    "is_enabled": "whether it is on",
    "is_paused": "whether it is paused",
    "device_name": "its name",
}

NameOf = Callable[[str], str | None]


def label(field: str) -> str:
    return FIELDS.get(field, field.replace("_", " "))


def name_in(fields: Mapping[str, JsonValue], definition_id: str) -> str:
    """What people call a definition."""
    return str(fields.get("name") or fields.get("device_name") or fields.get("rule_name") or definition_id)


def wording(field: str, value: JsonValue, name_of: NameOf) -> list[str]:
    if value is None or value in ([], {}, ""):
        return ["nothing"]
    if field == "device_states" and isinstance(value, Sequence) and not isinstance(value, str):
        return [line for device in value for line in _device(device, name_of)]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_cut(_flat(each, name_of)) for each in value]
    return [_cut(_flat(value, name_of))]


def _device(device: JsonValue, name_of: NameOf) -> list[str]:
    wanted = device.get("desired_state") if isinstance(device, Mapping) else None
    if not isinstance(wanted, Mapping):
        return [_cut(_flat(device, name_of))]
    return [_cut(f"{name_of(str(entity)) or entity}: {_state(state, name_of)}") for entity, state in wanted.items()]


def _state(state: JsonValue, name_of: NameOf) -> str:
    if not isinstance(state, Mapping):
        return _flat(state, name_of)
    attributes = state.get("attributes")
    beside = {name: value for name, value in state.items() if name not in {"state", "attributes"}}
    more = {**beside, **(attributes if isinstance(attributes, Mapping) else {})}
    return ", ".join([_flat(state.get("state"), name_of), *(_pair(name, more[name], name_of) for name in more)])


def _pair(name: str, value: JsonValue, name_of: NameOf) -> str:
    return f"{name.replace('_', ' ')} {_flat(value, name_of)}"


def _flat(value: JsonValue, name_of: NameOf) -> str:
    if isinstance(value, Mapping):
        return ", ".join(_pair(name, each, name_of) for name, each in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return name_of(value) or value
    if isinstance(value, Sequence):
        return " · ".join(_flat(each, name_of) for each in value)
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _cut(line: str) -> str:
    return line if len(line) <= LINE_LENGTH_MAX else f"{line[: LINE_LENGTH_MAX - 1]}…"
