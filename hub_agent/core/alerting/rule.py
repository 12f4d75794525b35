"""An alert rule, read from a row of `alert_rules`. What may stand in its JSON: cloud_schema/contract/alert-rules.md."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from enum import StrEnum
from typing import Final

from hub_agent.errors import DefinitionError
from hub_agent.model.definition import Definition
from hub_agent.model.json import JsonObject, JsonValue

SEVERITIES: Final = ("info", "warning", "error", "critical")
PRIORITIES: Final = ("low", "normal", "high", "urgent")
CONDITIONS_MAX: Final = 20
NAMES_MAX: Final = 50
TEXT_CHARS_MAX: Final = 200
COOLDOWN: Final = timedelta(minutes=15)
OFFLINE_FOR: Final = timedelta(minutes=10)
# What devices share is found within that time: sooner, each child of a dead bridge would have an alert of its own.
OFFLINE_FOR_MIN: Final = timedelta(minutes=2)
BATTERY_BELOW: Final = 20.0
PROBABLE: Final = 0.6
REPEAT_MIN: Final = timedelta(minutes=5)
MINUTES_MAX: Final = 60 * 24 * 30


class When(StrEnum):
    OFFLINE = "offline"
    BATTERY = "battery"
    METRIC = "metric"
    ISSUE = "issue"
    AUTOMATION_FAILED = "automation_failed"
    HEALING = "healing"
    SECURITY = "security"
    PREDICTION = "prediction"
    ANOMALY = "anomaly"


# Which of them a rule means that does not say `when`, by its `rule_type`; None: it has to say.
RULE_TYPES: Final[Mapping[str, When | None]] = {
    "device_state": None,
    "threshold": When.METRIC,
    "anomaly": When.ANOMALY,
    "security": When.SECURITY,
    "predictive": When.PREDICTION,
}
TARGETS: Final = frozenset({"home", "room", "device", "group"})
# The alert is as severe as what it tells of, or as the rule says, whichever is worse.
OF_THEIR_OWN_SEVERITY: Final = frozenset(
    {When.ISSUE, When.AUTOMATION_FAILED, When.HEALING, When.SECURITY, When.PREDICTION, When.ANOMALY}
)
HEALING_STATUSES: Final = frozenset({"waits", "failed", "completed"})


@dataclass(frozen=True, slots=True)
class Condition:
    """`lasts`: for how long it has to be so. Of a metric `above` or `below`; it is over when it has come back by `hysteresis`."""

    when: When
    lasts: timedelta = timedelta(0)
    metric: str | None = None
    entity_id: str | None = None
    above: float | None = None
    below: float | None = None
    hysteresis: float = 0.0
    codes: frozenset[str] = frozenset()
    severities: frozenset[str] = frozenset()
    statuses: frozenset[str] = frozenset()
    automation_id: str | None = None
    probability: float = PROBABLE


@dataclass(frozen=True, slots=True)
class Rule:
    """`key`: the id of its row, or `builtin/<name>`. Any one of its conditions is enough. `severity` None: as what it tells of."""

    key: str
    name: str
    conditions: tuple[Condition, ...]
    severity: str | None = None
    priority: str = "normal"
    target_type: str = "home"
    target_id: str | None = None
    device_types: frozenset[str] = frozenset()
    channels: tuple[str, ...] = ("all",)
    cooldown: timedelta = COOLDOWN
    per_day_max: int | None = None
    quiet: tuple[time, time] | None = None
    repeat: timedelta | None = None
    is_enabled: bool = True
    is_builtin: bool = False

    @property
    def row_id(self) -> str | None:
        return None if self.is_builtin else self.key

    def has(self, when: When) -> bool:
        return any(each.when is when for each in self.conditions)

    @property
    def is_for_all(self) -> bool:
        return self.target_type == "home" and not self.device_types

    def is_quiet(self, at: time) -> bool:
        if self.quiet is None or self.severity == "critical":
            return False
        begin, end = self.quiet
        return begin <= at < end if begin <= end else at >= begin or at < end

    def severity_of(self, condition: Condition, own: str = "warning") -> str:
        if self.severity is None:
            return own
        if condition.when not in OF_THEIR_OWN_SEVERITY:
            return self.severity
        return max(self.severity, own, key=SEVERITIES.index)


# What the watch over security finds; who was refused is told by its incident.
EXPOSED: Final = frozenset({"home_exposed", "access_rule_not_enforced"})

BUILTIN: Final = (
    Rule("builtin/healing", "What healing could not mend", (Condition(When.HEALING, statuses=frozenset({"waits", "failed"})),), is_builtin=True),
    Rule("builtin/critical", "Something critical is wrong with the hub",
         (Condition(When.ISSUE, severities=frozenset({"critical"}), lasts=timedelta(minutes=1)),), is_builtin=True),
    Rule("builtin/battery", "A battery is low", (Condition(When.BATTERY, below=BATTERY_BELOW, hysteresis=5.0, lasts=timedelta(minutes=10)),), is_builtin=True),
    Rule("builtin/security", "Security", (Condition(When.SECURITY, severities=frozenset({"warning", "error", "critical"})),), is_builtin=True),
    Rule("builtin/exposed", "Something in the home is open to everybody", (Condition(When.ISSUE, codes=EXPOSED),), is_builtin=True),
    Rule("builtin/prediction", "Something will fail soon", (Condition(When.PREDICTION),), is_builtin=True),
)  # fmt: skip


def read_rule(definition: Definition) -> Rule:
    """A DefinitionError says why it cannot be used."""
    fields = definition.fields
    rule_type = fields.get("rule_type")
    if rule_type not in RULE_TYPES:
        raise DefinitionError(f"rule_type is {_shown(rule_type)}; it may be {', '.join(RULE_TYPES)}")
    metadata = _object(fields.get("metadata"), "metadata")
    bounds = _object(fields.get("threshold_config"), "threshold_config")
    target_type = fields.get("target_type") or "home"
    target_id = fields.get("target_id")
    if target_type not in TARGETS:
        raise DefinitionError(f"target_type is {_shown(target_type)}; it may be {', '.join(sorted(TARGETS))}")
    if target_type != "home" and not isinstance(target_id, str):
        raise DefinitionError(f"its {target_type} is not there any more, or was never named")
    quiet = _clock(fields.get("quiet_hours_start")), _clock(fields.get("quiet_hours_end"))
    per_day_max, repeat = fields.get("max_alerts_per_day"), metadata.get("repeat_minutes")
    return Rule(
        key=definition.id,
        name=str(fields.get("rule_name") or "A rule")[:TEXT_CHARS_MAX],
        conditions=_conditions(fields.get("conditions"), RULE_TYPES[str(rule_type)], bounds),
        severity=_choice(fields.get("severity") or "warning", SEVERITIES, "severity"),
        priority=_choice(fields.get("priority") or "normal", PRIORITIES, "priority"),
        target_type=str(target_type),
        target_id=target_id if isinstance(target_id, str) else None,
        device_types=frozenset(_texts(metadata.get("device_types"), "metadata.device_types")),
        channels=_texts(fields.get("notification_channels", ("push",)), "notification_channels"),
        cooldown=_minutes(fields.get("cooldown_minutes"), COOLDOWN, "cooldown_minutes"),
        per_day_max=None if per_day_max is None else int(_number(per_day_max, "max_alerts_per_day")),
        quiet=None if quiet[0] is None or quiet[1] is None else (quiet[0], quiet[1]),
        repeat=None if repeat is None else max(REPEAT_MIN, _minutes(repeat, REPEAT_MIN, "metadata.repeat_minutes")),
        is_enabled=fields.get("is_enabled") is not False,
    )


def _conditions(value: JsonValue, meant: When | None, bounds: JsonObject) -> tuple[Condition, ...]:
    bodies = [value] if isinstance(value, Mapping) else value
    if (
        isinstance(bodies, str)
        or not isinstance(bodies, list | tuple)
        or not all(isinstance(each, Mapping) for each in bodies)
    ):
        raise DefinitionError("conditions is not a list of objects")
    if not 1 <= len(bodies) <= CONDITIONS_MAX:
        raise DefinitionError(f"it has {len(bodies)} conditions; 1 to {CONDITIONS_MAX} may be")
    return tuple(_condition({**bounds, **_object(each, "conditions")}, meant) for each in bodies)


def _condition(body: JsonObject, meant: When | None) -> Condition:
    named = body.get("when", When.METRIC if "metric" in body or "entity_id" in body else meant)
    try:
        when = When(str(named))
    except ValueError:
        raise DefinitionError(f"a condition's `when` is {_shown(named)}; it may be {', '.join(When)}") from None
    lasts = _minutes(body.get("for_minutes"), OFFLINE_FOR if when is When.OFFLINE else timedelta(0), "for_minutes")
    match when:
        case When.OFFLINE:
            return Condition(when, lasts=max(lasts, OFFLINE_FOR_MIN))
        case When.BATTERY:
            below = _number(body.get("below", BATTERY_BELOW), "below")
            return Condition(when, lasts=lasts, below=below, hysteresis=5.0)
        case When.METRIC:
            return _metric(body, lasts)
        case When.HEALING:
            statuses = frozenset(_texts(body.get("status", ("waits", "failed")), "status"))
            if not statuses <= HEALING_STATUSES:
                raise DefinitionError(f"status may be {', '.join(sorted(HEALING_STATUSES))}")
            return Condition(when, statuses=statuses)
        case When.PREDICTION:
            return Condition(when, probability=_number(body.get("probability", PROBABLE), "probability"))
    automation_id = body.get("automation_id")
    severities = frozenset(_texts(body.get("severities", ()), "severities"))
    if not severities <= set(SEVERITIES):
        raise DefinitionError(f"severities may be {', '.join(SEVERITIES)}")
    codes = frozenset(_texts(body.get("codes", ()), "codes"))
    if when is When.ISSUE and not codes and not severities:
        raise DefinitionError("a condition on issues names neither codes nor severities")
    named_id = automation_id if isinstance(automation_id, str) else None
    return Condition(when, lasts=lasts, codes=codes, severities=severities, automation_id=named_id)


def _metric(body: JsonObject, lasts: timedelta) -> Condition:
    metric, entity_id = body.get("metric"), body.get("entity_id")
    if not isinstance(metric, str) and not isinstance(entity_id, str):
        raise DefinitionError("a condition names neither a metric nor an entity")
    above = None if body.get("above") is None else _number(body["above"], "above")
    below = None if body.get("below") is None else _number(body["below"], "below")
    if (above is None) == (below is None):
        raise DefinitionError("a condition on a number needs either `above` or `below`")
    hysteresis = abs(_number(body.get("hysteresis", 0), "hysteresis"))
    named = metric if isinstance(metric, str) else None, entity_id if isinstance(entity_id, str) else None
    return Condition(When.METRIC, lasts, named[0], named[1], above, below, hysteresis)


def _object(value: JsonValue, name: str) -> JsonObject:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise DefinitionError(f"{name} is not an object")
    return value


def _texts(value: JsonValue, name: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (value[:TEXT_CHARS_MAX],)
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise DefinitionError(f"{name} is not a list of texts")
    return tuple(str(each)[:TEXT_CHARS_MAX] for each in value[:NAMES_MAX])


def _number(value: JsonValue, name: str) -> float:
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise DefinitionError(f"{name} is {_shown(value)}, which is no number")
    return number


def _minutes(value: JsonValue, default: timedelta, name: str) -> timedelta:
    if value is None:
        return default
    minutes = _number(value, name)
    if not 0 <= minutes <= MINUTES_MAX:
        raise DefinitionError(f"{name} is {_shown(value)}; it may be 0 to {MINUTES_MAX}")
    return timedelta(minutes=minutes)


def _choice(value: JsonValue, choices: tuple[str, ...], name: str) -> str:
    if value not in choices:
        raise DefinitionError(f"{name} is {_shown(value)}; it may be {', '.join(choices)}")
    return str(value)


def _clock(value: JsonValue) -> time | None:
    if value is None:
        return None
    try:
        return time.fromisoformat(str(value)).replace(tzinfo=None)
    except ValueError:
        raise DefinitionError(f"quiet hours: {_shown(value)} is no time of day") from None


def _shown(value: JsonValue) -> str:
    return f"“{str(value)[:60]}”"
