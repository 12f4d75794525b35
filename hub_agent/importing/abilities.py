"""Which actions and kinds of entities this hub has. The importer's verdict follows from these tables; nothing else knows them.

When a dialect or a part of the core learns something, its row here changes, and rules that were refused run.
"""

import re
import sys
from collections.abc import Mapping
from enum import Enum
from typing import Final

from hub_agent.core.actions import ACTIONS, is_reload
from hub_agent.core.relative import RESOLVERS


class Ability(Enum):
    """What comes of a call of an action on this hub."""

    DONE = "done"
    # Becomes a notice of the hub's own, wherever it was meant to go.
    NOTICE = "notice"
    # Done if the configuration of the hub allows it by name.
    ALLOWED = "allowed"
    # Nothing here does it. It says, shows or writes something down: a rule without it does the same to the home.
    ASIDE = "aside"
    # Nothing here does it.
    NONE = "none"


_SWITCHED = frozenset({"turn_on", "turn_off", "toggle"})
DEVICE_ACTIONS: Final[Mapping[str, frozenset[str]]] = {
    "alarm_control_panel": frozenset(
        {f"alarm_{verb}" for verb in ("disarm", "arm_home", "arm_away", "arm_night", "arm_vacation", "trigger")}
        | {"alarm_arm_custom_bypass"}
    ),
    "button": frozenset({"press"}),
    "climate": frozenset(
        {"set_temperature", "set_hvac_mode", "set_preset_mode", "set_fan_mode", "set_swing_mode", "set_humidity"}
        | _SWITCHED
    ),
    "cover": frozenset(
        {"open_cover", "close_cover", "stop_cover", "set_cover_position", "toggle", "turn_on", "turn_off"}
        | {"open_cover_tilt", "close_cover_tilt", "stop_cover_tilt", "set_cover_tilt_position", "toggle_cover_tilt"}
    ),
    "date": frozenset({"set_value"}),
    "datetime": frozenset({"set_value"}),
    "fan": _SWITCHED
    | {"set_percentage", "set_preset_mode", "oscillate", "set_direction", "increase_speed", "decrease_speed"},
    "humidifier": _SWITCHED | {"set_humidity", "set_mode"},
    "lawn_mower": frozenset({"start_mowing", "pause", "dock"}),
    "light": _SWITCHED,
    "lock": frozenset({"lock", "unlock", "open"}),
    "media_player": ACTIONS["media_player"] - {"browse_media", "search_media", "select_sound_mode"},
    "number": frozenset({"set_value"}),
    "select": frozenset(f"select_{each}" for each in ("option", "next", "previous", "first", "last")),
    "siren": _SWITCHED,
    "switch": _SWITCHED,
    "text": frozenset({"set_value"}),
    "time": frozenset({"set_value"}),
    "update": frozenset({"install"}),
    "vacuum": frozenset({"start", "stop", "pause", "start_pause", "return_to_base", "clean_spot", "locate"})
    | {"set_fan_speed", "send_command"},
    "valve": frozenset({"open_valve", "close_valve", "stop_valve", "set_valve_position", "toggle"}),
    "water_heater": frozenset({"set_temperature", "set_operation_mode", "turn_on", "turn_off"}),
}
# Zigbee2MQTT brings no others of the kinds above; devices announced by Home Assistant discovery bring all.
OF_ZIGBEE2MQTT: Final = frozenset(
    {"button", "climate", "cover", "fan", "light", "lock", "number", "select", "siren", "switch", "text"}
)
# Kinds that no dialect over MQTT brings.
OF_LINKS_ONLY: Final[Mapping[str, str]] = {"media_player": "Sonos, Cast"}
OWN_ACTIONS: Final[Mapping[str, frozenset[str]]] = {
    "automation": _SWITCHED | {"trigger", "reload"},
    "homeassistant": _SWITCHED
    | {"update_entity", "check_config", "save_persistent_states", "reload_all", "reload_core_config"}
    | {"reload_config_entry", "reload_custom_templates"},
    "logbook": frozenset({"log"}),
    "mqtt": frozenset({"publish"}),
    "persistent_notification": frozenset({"create", "dismiss", "dismiss_all", "mark_read"}),
    "scene": frozenset({"turn_on", "apply", "create", "delete", "reload"}),
    "script": _SWITCHED | {"reload"},
    "system_log": frozenset({"write", "clear"}),
}
_NOTICES: Final = frozenset({"notify"})
_ALLOWED: Final = frozenset({"rest_command", "shell_command"})
# Pictures are kept where the settings say, and nowhere without them.
PICTURES: Final = frozenset({"camera.snapshot", "image.snapshot"})
_ASIDE: Final = frozenset(
    {
        "assist_satellite",
        "browser_mod",
        "camera",
        "conversation",
        "frontend",
        "logger",
        "recorder",
        "telegram_bot",
        "tts",
    }
)
# Actions of self-made devices, per kind; kinds without actions hold only what follows from others.
HELPER_ACTIONS: Final[Mapping[str, frozenset[str]]] = {
    "counter": frozenset({"increment", "decrement", "reset", "set_value"}),
    "group": frozenset(),
    "input_boolean": _SWITCHED,
    "input_button": frozenset({"press"}),
    "input_datetime": frozenset({"set_datetime"}),
    "input_number": frozenset({"set_value", "increment", "decrement"}),
    "input_select": frozenset(
        {"select_option", "select_next", "select_previous", "select_first", "select_last", "set_options"}
    ),
    "input_text": frozenset({"set_value"}),
    "person": frozenset(),
    "schedule": frozenset(),
    "timer": frozenset({"start", "pause", "cancel", "finish", "change"}),
}
# Kinds of entities that dialects bring, and that the hub makes itself.
BROUGHT: Final = frozenset(
    {
        "alarm_control_panel",
        "binary_sensor",
        "button",
        "camera",
        "climate",
        "cover",
        "date",
        "datetime",
        "device_tracker",
        "event",
        "fan",
        "humidifier",
        "image",
        "lawn_mower",
        "light",
        "lock",
        "media_player",
        "number",
        "scene",
        "select",
        "sensor",
        "siren",
        "switch",
        "text",
        "time",
        "update",
        "vacuum",
        "valve",
        "water_heater",
    }
)
# Kinds that Home Assistant has, and that no dialect brings today: what reads them waits for a device of the kind, as for any that is not there yet.
WAITED_FOR: Final = frozenset(
    {
        *("air_quality", "assist_satellite", "calendar", "conversation", "geo_location"),
        *("image_processing", "plant", "remote", "stt", "todo", "tts", "wake_word", "weather"),
    }
)
MADE_HERE: Final = frozenset({"automation", "scene", "script", "sun", "zone", *HELPER_ACTIONS})
# Events that the hub fires of its own accord.
FIRED_HERE: Final = frozenset(
    (
        *(f"timer.{each}" for each in ("started", "restarted", "paused", "cancelled", "finished", "changed")),
        *("homeassistant_start", "homeassistant_started", "homeassistant_stop", "state_changed"),
        *("automation_triggered", "call_service", "script_started"),
    )
)
# Triggers that the core knows, and that nothing on a hub ever sets off.
UNHEARD_TRIGGERS: Final[Mapping[str, str]] = {}
# What an action takes from its data; only such actions as take less than Home Assistant's do.
IGNORED_DATA: Final[Mapping[str, frozenset[str]]] = {
    "light.turn_on": frozenset({"profile", "white_value"}),
}
SCRIPT_VERBS: Final = OWN_ACTIONS["script"]


def is_never_here(domain: str) -> bool:
    """Whether no entity of the kind is on this hub today: neither brought by a dialect nor made here."""
    return domain not in BROUGHT and domain not in MADE_HERE


def is_never_at_all(domain: str) -> bool:
    """Whether it is no kind of device either, so that no dialect will ever bring one."""
    return is_never_here(domain) and domain not in WAITED_FOR


_NAME: Final = re.compile(r"^[a-z0-9_]+\.[a-z0-9_]+$")
# `light.turn_{{ ... }}`, `{{ ... }}.turn_on`: what is known of it before it runs.
_KNOWN_DOMAIN: Final = re.compile(r"^\s*([a-z0-9_]+)\.")


def ability(action: str) -> Ability:
    """Of an action in plain words, `domain.verb`. `script.<name>` is asked elsewhere."""
    domain, _, verb = action.partition(".")
    if is_reload(action):
        return Ability.DONE
    if domain in OWN_ACTIONS and verb in OWN_ACTIONS[domain]:
        return Ability.DONE
    if domain in DEVICE_ACTIONS:
        return Ability.DONE if verb in DEVICE_ACTIONS[domain] or action in RESOLVERS else Ability.NONE
    if domain in _NOTICES:
        return Ability.DONE if action == "notify.persistent_notification" else Ability.NOTICE
    if domain in _ALLOWED or action in PICTURES:
        return Ability.ALLOWED
    if domain in HELPER_ACTIONS:
        return Ability.DONE if verb in HELPER_ACTIONS[domain] else Ability.NONE
    return Ability.ASIDE if domain in _ASIDE else Ability.NONE


def domain_of(action: str) -> str | None:
    """The domain, also of a template that begins with one; None where only the run can tell."""
    found = _KNOWN_DOMAIN.match(action)
    return found[1] if found else None


def ability_of_domain(domain: str) -> Ability:
    """Of an action whose verb is a template: as good as the domain's best."""
    if domain in DEVICE_ACTIONS or domain in OWN_ACTIONS or HELPER_ACTIONS.get(domain):
        return Ability.DONE
    return ability(f"{domain}.{domain}")


def is_plain_action(action: str) -> bool:
    return _NAME.match(action) is not None


def as_document() -> str:
    """ACTIONS.md, for people; a test holds it to these tables."""
    lines = [
        "# Actions",
        "",
        "Which actions rules may call on this hub, and who carries them out. What a certain device does not offer it refuses, in words.",
        "This page is made: `python -m hub_agent.importing.abilities > hub_agent/importing/ACTIONS.md`.",
        "",
        "| kind | actions | carried out by |",
        "| --- | --- | --- |",
    ]
    for domain, verbs in sorted(DEVICE_ACTIONS.items()):
        dialects = "Zigbee2MQTT, Home Assistant discovery" if domain in OF_ZIGBEE2MQTT else "Home Assistant discovery"
        dialects = OF_LINKS_ONLY.get(domain, dialects)
        more = {name.partition(".")[2] for name in RESOLVERS if name.startswith(f"{domain}.")}
        lines.append(f"| `{domain}` | {', '.join(sorted(verbs | more))} | {dialects} |")
    for domain, verbs in sorted(HELPER_ACTIONS.items()):
        if verbs:
            lines.append(f"| `{domain}` | {', '.join(sorted(verbs))} | self-made devices |")
    for domain, verbs in sorted(OWN_ACTIONS.items()):
        lines.append(f"| `{domain}` | {', '.join(sorted(verbs))} | the hub |")
    lines += (
        f"| `{domain}` | {', '.join(sorted(ACTIONS[domain]))} | no dialect yet |"
        for domain in sorted(ACTIONS.keys() - DEVICE_ACTIONS.keys() - {"camera", "image"})
    )
    lines += [
        "| `script` | the name of a script | the hub |",
        "",
        "`reload` of anything is done, with nothing to do: definitions are live as soon as they change.",
        "",
        "`notify.<name>` goes to the channel of that name in the settings (`[notify.<name>]`), every other `notify` to all channels; each",
        "is also a notice on the page and an alert. `rest_command.<name>` and `shell_command.<name>` do what the settings allow by that name.",
        "`camera.snapshot` and `image.snapshot` keep the picture that a device publishes over MQTT, in the folder that the settings allow",
        "(`camera.folder`); the other actions of cameras are refused.",
        "",
        f"Left out of an imported rule, which then runs without them: {_named(_ASIDE)}.",
        "",
        "Everything else is unknown here: a rule that does mostly such things is not imported.",
    ]
    return "\n".join(lines) + "\n"


def _named(domains: frozenset[str]) -> str:
    return ", ".join(f"`{domain}`" for domain in sorted(domains))


if __name__ == "__main__":
    sys.stdout.write(as_document())
