"""What there is to be called: actions that the language knows for devices, and words for what this hub does not do.

`importing/ACTIONS.md` tells people which of them a dialect brings. Here it is decided how a refusal is worded: that there is no such
action, that nothing here offers it, or that a hub does not do it for a rule.
"""

from collections.abc import Mapping
from typing import Final

_SWITCHED: Final = frozenset({"turn_on", "turn_off", "toggle"})
_ALARM: Final = ("disarm", "arm_home", "arm_away", "arm_night", "arm_vacation", "arm_custom_bypass", "trigger")

# All actions of these kinds of entities in Home Assistant's vocabulary.
ACTIONS: Final[Mapping[str, frozenset[str]]] = {
    "alarm_control_panel": frozenset(f"alarm_{verb}" for verb in _ALARM),
    "button": frozenset({"press"}),
    "camera": frozenset({"turn_on", "turn_off", "enable_motion_detection", "disable_motion_detection"})
    | {"snapshot", "play_stream", "record"},
    "climate": _SWITCHED
    | {"set_temperature", "set_hvac_mode", "set_preset_mode", "set_fan_mode", "set_humidity", "set_aux_heat"}
    | {"set_swing_mode", "set_swing_horizontal_mode"},
    "cover": _SWITCHED
    | {"open_cover", "close_cover", "stop_cover", "set_cover_position", "toggle_cover_tilt"}
    | {"open_cover_tilt", "close_cover_tilt", "stop_cover_tilt", "set_cover_tilt_position"},
    "date": frozenset({"set_value"}),
    "datetime": frozenset({"set_value"}),
    "fan": _SWITCHED
    | {"set_percentage", "set_preset_mode", "oscillate", "set_direction", "increase_speed", "decrease_speed"},
    "humidifier": _SWITCHED | {"set_humidity", "set_mode"},
    "image": frozenset({"snapshot"}),
    "lawn_mower": frozenset({"start_mowing", "pause", "dock"}),
    "light": _SWITCHED,
    "lock": frozenset({"lock", "unlock", "open"}),
    "media_player": _SWITCHED
    | {"volume_up", "volume_down", "volume_set", "volume_mute", "select_source", "select_sound_mode", "play_media"}
    | {f"media_{verb}" for verb in ("play", "pause", "play_pause", "stop", "next_track", "previous_track", "seek")}
    | {"clear_playlist", "shuffle_set", "repeat_set", "join", "unjoin", "browse_media", "search_media"},
    "number": frozenset({"set_value"}),
    "remote": _SWITCHED | {"send_command", "learn_command", "delete_command"},
    "select": frozenset(f"select_{verb}" for verb in ("option", "next", "previous", "first", "last")),
    "siren": _SWITCHED,
    "switch": _SWITCHED,
    "text": frozenset({"set_value"}),
    "time": frozenset({"set_value"}),
    "tts": frozenset({"speak", "clear_cache"}),
    "update": frozenset({"install", "skip", "clear_skipped"}),
    "vacuum": _SWITCHED
    | {"start", "stop", "pause", "start_pause", "return_to_base", "clean_spot", "locate", "set_fan_speed"}
    | {"send_command"},
    "valve": frozenset({"open_valve", "close_valve", "stop_valve", "set_valve_position", "toggle"}),
    "water_heater": _SWITCHED | {"set_temperature", "set_operation_mode", "set_away_mode"},
}

# Nothing is to be done for these, and nothing is missing: definitions are live as soon as they change, states are always kept.
NOTHING_TO_DO: Final = frozenset(
    {
        "homeassistant.check_config",
        "homeassistant.reload_all",
        "homeassistant.reload_config_entry",
        "homeassistant.reload_core_config",
        "homeassistant.reload_custom_templates",
        "homeassistant.save_persistent_states",
        "system_log.clear",
    }
)

_BY_SERVICE: Final = "the hub is stopped and started by its service (systemctl restart nexa-hub), not by rules"
_NO_PICTURES: Final = "pictures are kept only where the settings allow it (camera.folder)"
_NO_SPEECH: Final = "there is no text to speech on this hub; a player can play a recorded message by its address (media_player.play_media)"
_NO_LIBRARY: Final = "nothing on this hub looks through what a player could play; play_media takes an address"
_REFUSED: Final[Mapping[str, str]] = {
    "homeassistant.restart": _BY_SERVICE,
    "homeassistant.stop": _BY_SERVICE,
    "homeassistant.set_location": "where the home is stands on its row of the central schema, or under [home] in the settings; rules do not move it",
    "logger.set_level": "how much is logged is set by agent.log_level in the settings",
    "logger.set_default_level": "how much is logged is set by agent.log_level in the settings",
    "camera.snapshot": _NO_PICTURES,
    "camera.record": "nothing on this hub records films",
    "camera.play_stream": "nothing on this hub shows pictures of cameras",
    "image.snapshot": _NO_PICTURES,
    "media_player.browse_media": _NO_LIBRARY,
    "media_player.search_media": _NO_LIBRARY,
}

# What a device may be asked to do, if it can.
OF_DEVICES: Final = frozenset(
    f"{domain}.{verb}" for domain, verbs in ACTIONS.items() for verb in verbs if domain != "tts"
).difference(_REFUSED)


def refusal(action: str) -> str | None:
    """Why the hub does not do it for anybody; None where it depends on the device."""
    if action in _REFUSED:
        return f"{action}: {_REFUSED[action]}"
    return f"{action}: {_NO_SPEECH}" if action.startswith("tts.") else None


def is_reload(action: str) -> bool:
    """Of anything: what is defined here is live already."""
    return action.endswith(".reload")


def unknown_verb(action: str) -> str | None:
    """In words, that a kind of entity knows no such action; None where it does, or where the kind itself is not known."""
    domain, _, verb = action.partition(".")
    known = ACTIONS.get(domain)
    if known is None or verb in known:
        return None
    return f"there is no action {action}; {domain} knows {', '.join(sorted(known))}"
