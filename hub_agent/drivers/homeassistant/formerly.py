"""Options that Home Assistant has given another name since: devices are updated less often than it is, and still announce the old ones."""

from collections.abc import Mapping
from typing import Final

from hub_agent.model.json import JsonValue

_NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    "climate": {
        "hold_modes": "preset_modes",
        "hold_command_topic": "preset_mode_command_topic",
        "hold_command_template": "preset_mode_command_template",
        "hold_state_topic": "preset_mode_state_topic",
        "hold_state_template": "preset_mode_value_template",
    },
    # Speeds with names are what presets are today.
    "fan": {
        "speeds": "preset_modes",
        "speed_command_topic": "preset_mode_command_topic",
        "speed_state_topic": "preset_mode_state_topic",
        "speed_value_template": "preset_mode_value_template",
    },
}


def rename(kind: str, config: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """The same configuration in today's words. What is said in both counts in today's."""
    names = _NAMES.get(kind)
    if names is None or not any(key in names for key in config):
        return config
    renamed = {names[key]: value for key, value in config.items() if key in names}
    return renamed | {key: value for key, value in config.items() if key not in names}
