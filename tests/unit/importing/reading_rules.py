"""A second reading of rules, small and plain: what a condition says of a world that does not change, and what a template makes of it.

Written from the language alone, so that it knows nothing of how the hub decides. What it cannot be sure of is NotPlain.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import jinja2
import jinja2.sandbox


class NotPlain(Exception):
    pass


class Failed(Exception):
    """An error of a condition or a template: it does not hold, and `not` does not make it hold."""


# Where a template asks for more than these, or of what the simulation itself changes.
_BEYOND = re.compile(
    r"random|\bthis\b|last_changed|last_updated|context|expand|script\.|automation\.|scene\.|sun\.|zone\.|relative_time|import|\bwait\b"
    r"|states\s*\||states\.\w+\s*\||area|device_id|device_attr|label|integration|closest|distance|\.for\b|state_with_unit|rounded"
)
_ASKED = re.compile(r"['\"]([a-z_]+\.[a-z0-9_]+)['\"]|states\.([a-z_]+\.[a-z0-9_]+)")
_COMPARED = re.compile(r"(?:==|!=)\s*['\"]([^'\"]*)['\"]|is_state\(\s*['\"][^'\"]+['\"]\s*,\s*['\"]([^'\"]*)['\"]")
_TRUE = {"true", "yes", "on", "enable", "1"}


@dataclass
class World:
    """`now` while the rule runs. No entity has attributes."""

    now: datetime
    states: Mapping[str, str]
    trigger: Mapping[str, Any]
    variables: dict[str, Any] = field(default_factory=dict)


class _Silent(jinja2.Undefined):
    """As Home Assistant has it: what is not there is nothing, and what is asked of nothing is an error."""


def _float(value: Any, *default: Any) -> float:
    try:
        return float(value)
    except (ValueError, TypeError):
        if default:
            return default[0]  # type: ignore[no-any-return]
        raise Failed from None


def _int(value: Any, *default: Any) -> int:
    try:
        return int(float(value)) if not isinstance(value, int) else value
    except (ValueError, TypeError, OverflowError):
        if default:
            return default[0]  # type: ignore[no-any-return]
        raise Failed from None


def _environment(world: World) -> jinja2.Environment:
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(undefined=_Silent)

    def states(entity_id: str) -> str:
        if entity_id == "sensor.time":
            return world.now.strftime("%H:%M")
        return world.states.get(entity_id.lower(), "unknown")

    def is_state(entity_id: str, wanted: Any) -> bool:
        found = world.states.get(entity_id.lower())
        return found is not None and (found in wanted if isinstance(wanted, list) else found == wanted)

    def state_attr(_entity_id: str, _name: str) -> None:
        return None

    environment.globals = {
        "state_attr": state_attr,
        "states": states,
        "is_state": is_state,
        "float": _float,
        "int": _int,
        "now": lambda: world.now,
    }
    environment.globals |= {"range": range, "namespace": jinja2.utils.Namespace}
    environment.filters |= {"float": _float, "int": _int}
    return environment


def name_of(entity_id: str) -> str:
    """Of an entity that nobody has named."""
    return entity_id.partition(".")[2].replace("_", " ")


def rendered(template: str, world: World) -> str:
    if _BEYOND.search(template) or "attributes" in template or "states." in template:
        raise NotPlain
    try:
        return _environment(world).from_string(template).render(trigger=world.trigger, **world.variables).strip()
    except (
        jinja2.TemplateSyntaxError,
        jinja2.TemplateAssertionError,
        jinja2.UndefinedError,
        jinja2.sandbox.SecurityError,
        TypeError,
    ) as err:
        raise NotPlain from err
    except (Failed, ValueError, ZeroDivisionError) as err:
        raise Failed from err


def is_template(value: Any) -> bool:
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def filled(value: Any, world: World) -> Any:
    """Every template in it rendered. What becomes a list or a mapping is left to others."""
    if isinstance(value, Mapping):
        return {key: filled(item, world) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, world) for item in value]
    if isinstance(value, str) and value.startswith("!"):
        raise NotPlain
    if not is_template(value):
        return value
    text = rendered(value, world)
    if not text or _is_more_than_text(text):
        raise NotPlain
    return text


def _is_more_than_text(text: str) -> bool:
    """A list, a truth, a number in an odd spelling: what is read as one of Python's own is no text any more."""
    if re.fullmatch(r"-?\d+(\.\d+)?", text):
        return False
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text[0] in "[{("
    return True


# Conditions. True or False; Failed where it is an error.


def holds(condition: Any, world: World) -> bool:
    if is_template(condition):
        return rendered(condition, world).lower() == "true"
    if not isinstance(condition, Mapping) or "enabled" in condition:
        raise NotPlain
    keys = set(condition) - {"condition", "alias"}
    match condition.get("condition"):
        case "template" if keys == {"value_template"}:
            return holds(condition["value_template"], world)
        case "and" if keys == {"conditions"}:
            return all_hold(condition["conditions"], world)
        case "or" if keys == {"conditions"}:
            return any_holds(condition["conditions"], world)
        case "not" if keys == {"conditions"}:
            return not any_holds(condition["conditions"], world)
        case "state" if keys == {"entity_id", "state"}:
            return all(_is_in_state(each, condition["state"], world) for each in _listed(condition["entity_id"]))
        case "numeric_state" if {"entity_id"} < keys <= {"entity_id", "above", "below"}:
            return all(_is_within(each, condition, world) for each in _listed(condition["entity_id"]))
        case "trigger" if keys == {"id"}:
            return world.trigger["id"] in [str(each) for each in _listed(condition["id"])]
        case "time" if keys and keys <= {"after", "before", "weekday"}:
            return _is_the_time(condition, world.now)
        case None if keys in ({"and"}, {"or"}, {"not"}):
            kind = keys.pop()
            return holds({"condition": kind, "conditions": condition[kind]}, world)
        case text if is_template(text) and not keys:
            return holds(text, world)
    raise NotPlain


def all_hold(conditions: Any, world: World) -> bool:
    """One that is false wins over one that is an error."""
    found = _answers(conditions, world)
    if False in found:
        return False
    if None in found:
        raise Failed
    return True


def any_holds(conditions: Any, world: World) -> bool:
    found = _answers(conditions, world)
    if True in found:
        return True
    if None in found:
        raise Failed
    return False


def passes(conditions: Any, world: World) -> bool:
    """At the top an error is as good as false."""
    try:
        return all_hold(conditions, world)
    except Failed:
        return False


def _answers(conditions: Any, world: World) -> list[bool | None]:
    found: list[bool | None] = []
    for each in conditions if isinstance(conditions, list) else [conditions]:
        try:
            found.append(holds(each, world))
        except Failed:
            found.append(None)
    return found


def _is_in_state(entity_id: str, wanted: Any, world: World) -> bool:
    if entity_id not in world.states:
        raise Failed
    named = _listed(wanted)
    if any(not isinstance(each, str) or each.startswith("input_") for each in named):
        raise NotPlain
    return world.states[entity_id] in named


def _is_within(entity_id: str, limits: Mapping[str, Any], world: World) -> bool:
    if entity_id not in world.states:
        raise Failed
    state = world.states[entity_id]
    if state in {"unavailable", "unknown"}:
        return False
    try:
        value = float(state)
        above, below = (None if limits.get(key) is None else float(limits[key]) for key in ("above", "below"))
    except ValueError as err:
        raise NotPlain from err
    return (above is None or value > above) and (below is None or value < below)


def _is_the_time(condition: Mapping[str, Any], now: datetime) -> bool:
    days = condition.get("weekday")
    if days is not None and now.strftime("%a").lower() not in _listed(days):
        return False
    if "after" not in condition and "before" not in condition:
        return True
    after = _clock(condition.get("after", "00:00:00"))
    before = _clock(condition["before"]) if "before" in condition else timedelta(days=1)
    at = timedelta(hours=now.hour, minutes=now.minute, seconds=now.second)
    if any(abs(at - each) < timedelta(seconds=5) for each in (after, before)):
        raise NotPlain
    return after <= at < before if after < before else not before <= at < after


def _clock(value: Any) -> timedelta:
    if not isinstance(value, str) or not re.fullmatch(r"\d\d?:\d\d(:\d\d)?", value):
        raise NotPlain
    parts = [int(each) for each in value.split(":")]
    return timedelta(hours=parts[0], minutes=parts[1], seconds=sum(parts[2:]))


def _listed(value: Any) -> list[Any]:
    found = value if isinstance(value, list) else [value]
    return [
        part.strip() if isinstance(part, str) else part
        for each in found
        for part in (each.split(",") if isinstance(each, str) else [each])
    ]


# Of which states the rule speaks, so that worlds can be made in which it goes one way or the other.


def spoken_of(value: Any) -> dict[str, set[str]]:
    """Entities, each with the states it is compared with."""
    found: dict[str, set[str]] = {}
    for entity_id, state in _spoken(value):
        found.setdefault(entity_id, set()).add(state)
    return found


def _spoken(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for each in value:
            yield from _spoken(each)
    elif isinstance(value, Mapping):
        if value.get("condition") == "state" and "entity_id" in value:
            for entity_id in _listed(value["entity_id"]):
                for state in _listed(value.get("state")):
                    yield entity_id, str(state)
        if value.get("condition") == "numeric_state" and "entity_id" in value:
            for entity_id in _listed(value["entity_id"]):
                for key, inside in (("above", 1.0), ("below", -1.0)):
                    if isinstance(value.get(key), int | float | str) and re.fullmatch(
                        r"-?\d+(\.\d+)?", str(value[key])
                    ):
                        yield entity_id, str(float(value[key]) + inside)
                        yield entity_id, str(float(value[key]) - inside)
        for item in value.values():
            yield from _spoken(item)
    elif is_template(value):
        states = {one or other for one, other in _COMPARED.findall(value)} | {"on", "off", "7"}
        for one, other in _ASKED.findall(value):
            for state in states:
                yield one or other, state
