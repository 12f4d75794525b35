"""Blueprints that come with Home Assistant and lie in no folder of a person's: what they do, in this hub's words."""

from collections.abc import Mapping
from typing import Final

from hub_agent.model.json import JsonValue
from hub_agent.written.placed import BlueprintInput, Place, PlacedList, PlacedMap
from hub_agent.written.yaml_reader import Budget, read_yaml

_MOTION_LIGHT: Final = """
blueprint:
  input:
    motion_entity:
    light_target:
    no_motion_wait: {default: 120}
mode: restart
max_exceeded: silent
triggers: {trigger: state, entity_id: !input motion_entity, from: "off", to: "on"}
actions:
  - {action: light.turn_on, target: !input light_target}
  - wait_for_trigger: {trigger: state, entity_id: !input motion_entity, from: "on", to: "off"}
  - delay: !input no_motion_wait
  - {action: light.turn_off, target: !input light_target}
"""

_LEAVING_ZONE: Final = """
blueprint:
  input:
    person_entity:
    zone_entity:
    notify_device:
triggers: {trigger: state, entity_id: !input person_entity}
variables:
  left: !input zone_entity
  left_name: "{{ 'home' if left == 'zone.home' else state_attr(left, 'friendly_name') }}"
conditions: "{{ trigger.from_state.state == left_name and trigger.to_state.state != left_name }}"
actions:
  - action: notify.mobile_app
    data: {message: "{{ state_attr(trigger.entity_id, 'friendly_name') }} has left {{ state_attr(left, 'friendly_name') }}"}
"""

_TEXTS: Final[Mapping[str, str]] = {
    "automation/homeassistant/motion_light.yaml": _MOTION_LIGHT,
    "automation/homeassistant/notify_leaving_zone.yaml": _LEAVING_ZONE,
}


def known_blueprint(kind: str, path: str, place: Place) -> PlacedMap | None:
    """All of it stands at the place where it is used: there is no file to point at."""
    text = _TEXTS.get(f"{kind}/{path}")
    if text is None:
        return None
    found = _moved(read_yaml(text, path, _input, Budget()), place)
    return found if isinstance(found, PlacedMap) else None


def _input(_tag: str, text: str, _place: Place, _depth: int) -> JsonValue:
    """The one tag that they hold."""
    return BlueprintInput(text.strip())


def _moved(value: JsonValue, place: Place) -> JsonValue:
    if isinstance(value, PlacedMap):
        mapping = PlacedMap(place)
        for key, item in value.items():
            mapping.put(key, _moved(item, place), place)
        return mapping
    if isinstance(value, PlacedList):
        items = PlacedList(place)
        for item in value:
            items.put(_moved(item, place), place)
        return items
    return value
