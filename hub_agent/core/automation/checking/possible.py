"""Which states an entity can have at all, as far as that is certain."""

from collections.abc import Mapping, Sequence

from hub_agent.core.automation.checking.home import Home
from hub_agent.core.automation.reading import to_number
from hub_agent.model.ids import EntityId
from hub_agent.model.state import UNAVAILABLE, UNKNOWN

ALWAYS = frozenset({UNAVAILABLE, UNKNOWN})
_ON_OFF = frozenset({"on", "off"})
_MOVING = frozenset({"open", "closed", "opening", "closing", "stopped"})

STATES_BY_DOMAIN: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(
        (
            "automation",
            "binary_sensor",
            "fan",
            "humidifier",
            "input_boolean",
            "light",
            "remote",
            "schedule",
            "script",
            "siren",
            "switch",
            "update",
        ),
        _ON_OFF,
    ),
    "cover": _MOVING,
    "valve": _MOVING,
    "lock": frozenset({"locked", "unlocked", "locking", "unlocking", "jammed", "opening", "open"}),
    "sun": frozenset({"above_horizon", "below_horizon"}),
    "timer": frozenset({"idle", "active", "paused"}),
}
CHOICES = frozenset({"select", "input_select"})

# The bounds of numbers that have them by their meaning.
_PERCENT = (0.0, 100.0)
RANGE_BY_ATTRIBUTE: Mapping[str, tuple[float, float]] = {
    "battery_level": _PERCENT,
    "brightness": (0.0, 255.0),
    "current_humidity": _PERCENT,
    "current_position": _PERCENT,
    "current_tilt_position": _PERCENT,
    "percentage": _PERCENT,
    "volume_level": (0.0, 1.0),
}
PERCENT_CLASSES = frozenset({"battery", "humidity", "moisture"})
_NUMBERS = frozenset({"int", "float"})


def possible_states(entity_id: str, home: Home) -> frozenset[str] | None:
    """None when nothing is certain; so too when the entity has been seen otherwise."""
    domain = entity_id.partition(".")[0]
    found = STATES_BY_DOMAIN.get(domain)
    if domain in CHOICES:
        found = _options(entity_id, home)
    seen = home.state(EntityId(entity_id))
    if found is None or (seen is not None and seen.state not in found | ALWAYS):
        return None
    return found | ALWAYS


def is_numeric(entity_id: str, home: Home) -> bool:
    """Its state is always a number, while it is there."""
    entity = home.entity(EntityId(entity_id))
    if entity is None or entity.domain != "sensor":
        return False
    capabilities = list(entity.capabilities.values())
    seen = home.state(EntityId(entity_id))
    is_seen_so = seen is None or seen.state in ALWAYS or to_number(seen.state) is not None
    return len(capabilities) == 1 and capabilities[0].type in _NUMBERS and is_seen_so


def possible_range(entity_id: str, attribute: str | None, home: Home) -> tuple[float, float] | None:
    """Between which numbers it lies, as far as both ends are known."""
    found = _stated_range(entity_id, home) if attribute is None else RANGE_BY_ATTRIBUTE.get(attribute)
    seen = home.state(EntityId(entity_id))
    if found is None or seen is None:
        return found
    number = to_number(seen.state if attribute is None else seen.attributes.get(attribute))
    return found if number is None or found[0] <= number <= found[1] else None


def _stated_range(entity_id: str, home: Home) -> tuple[float, float] | None:
    entity = home.entity(EntityId(entity_id))
    if entity is None:
        return None
    capabilities = [each for each in entity.capabilities.values() if each.type in _NUMBERS]
    if len(capabilities) != 1:
        return None
    capability = capabilities[0]
    if capability.min is not None and capability.max is not None:
        return (capability.min, capability.max)
    is_percent = capability.unit == "%" and entity.device_class in PERCENT_CLASSES
    return _PERCENT if is_percent else None


def _options(entity_id: str, home: Home) -> frozenset[str] | None:
    seen = home.state(EntityId(entity_id))
    told = None if seen is None else seen.attributes.get("options")
    if isinstance(told, Sequence) and not isinstance(told, str) and told:
        return frozenset(str(each) for each in told)
    entity = home.entity(EntityId(entity_id))
    capabilities = [] if entity is None else [each for each in entity.capabilities.values() if each.options]
    return frozenset(capabilities[0].options) if len(capabilities) == 1 else None
