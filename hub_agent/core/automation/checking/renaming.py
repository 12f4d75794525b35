"""Which entity a name that is gone may mean now."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

from hub_agent.core.automation.checking.finding import Fix
from hub_agent.core.automation.checking.home import Home
from hub_agent.model.device import Entity
from hub_agent.model.ids import DeviceId, EntityId

SIMILAR = 0.8
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Was:
    """What an entity was when it was last there: which part of which device."""

    device_id: str
    key: str
    device_class: str | None


def fix_for(entity_id: str, was: Was | None, home: Home) -> Fix | None:
    """The same part of the same device is certain, and so is the same name in another order; what only looks alike is for a person."""
    certain = _on_its_device(entity_id, was, home) or _reordered(entity_id, home)
    if certain is not None:
        return Fix(f"Replace {entity_id} by {certain}.", entity_id, certain)
    similar = _similar(entity_id, home)
    return None if similar is None else Fix(f"Did it become {similar}? Then replace {entity_id} by {similar}.")


def _on_its_device(entity_id: str, was: Was | None, home: Home) -> str | None:
    device = None if was is None else home.device(DeviceId(was.device_id))
    if was is None or device is None:
        return None
    domain = entity_id.partition(".")[0]
    alike = [each for each in device.entities if each.domain == domain and each.id != entity_id]
    for each in alike:
        if each.key == was.key:
            return each.id
    same_class = [each for each in alike if each.device_class == was.device_class]
    return same_class[0].id if len(same_class) == 1 else None


def _reordered(entity_id: str, home: Home) -> str | None:
    """`sensor.temperature_kitchen` for `sensor.kitchen_temperature`."""
    words = _words(entity_id)
    size = len(entity_id)
    found = [each for each in _of_domain(entity_id, home) if len(each) == size and _words(each) == words]
    return found[0] if len(found) == 1 else None


def _similar(entity_id: str, home: Home) -> str | None:
    """Numbers must be the same: `light.desk_2` is not `light.desk_1`."""
    numbers = _DIGITS.findall(entity_id)
    matcher = SequenceMatcher(b=entity_id.partition(".")[2])
    best, score = None, SIMILAR
    for each in _of_domain(entity_id, home):
        matcher.set_seq1(each.partition(".")[2])
        is_near = matcher.real_quick_ratio() > score and matcher.quick_ratio() > score and matcher.ratio() > score
        if is_near and _DIGITS.findall(each) == numbers:
            best, score = each, matcher.ratio()
    return best


def _of_domain(entity_id: str, home: Home) -> list[EntityId]:
    head = f"{entity_id.partition('.')[0]}."
    return sorted(each for each in home.entity_ids() if each.startswith(head) and each != entity_id)


def _words(entity_id: str) -> list[str]:
    return sorted(entity_id.partition(".")[2].split("_"))


def was_of(entity: Entity) -> Was:
    return Was(entity.device_id, entity.key, entity.device_class)
