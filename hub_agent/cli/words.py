"""Values of traces and replays in the words of the command line."""

import json

from hub_agent.cli.link import Json


def short(value: Json) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 160 else f"{text[:157]}..."


def trigger_words(trigger: Json) -> str:
    """As `sensor.power: 904 -> 0.6 (below 5.0, for 0:00:10)`; what is of another kind is shown whole."""
    if not trigger.get("entity_id") or "to_state" not in trigger:
        return short(trigger)
    limits = ", ".join(f"{key} {trigger[key]}" for key in ("above", "below", "for") if trigger.get(key) is not None)
    changed = f"{trigger['entity_id']}: {trigger.get('from_state')} -> {trigger['to_state']}"
    return f"{changed} ({limits})" if limits else changed
