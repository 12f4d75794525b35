"""Is it so now? What a rule's condition says of one subject: a device, an entity, an issue."""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, Protocol

from hub_agent.core.alerting.cause import Cause, Check, of_device
from hub_agent.core.alerting.rule import EXPOSED, Condition, Rule, When
from hub_agent.core.alerting.words import number
from hub_agent.model.device import Device, Entity
from hub_agent.model.healing import Symptom
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject
from hub_agent.model.state import UNAVAILABLE, UNKNOWN, EntityState

OFFLINE_CODES: Final = frozenset({Symptom.SILENT.value, Symptom.UNAVAILABLE.value})
HEALED: Final = frozenset(symptom.value for symptom in Symptom)
BATTERY: Final = "battery"
BATTERY_CODES: Final = frozenset({Symptom.BATTERY_LOW.value, Symptom.BATTERY_CRITICAL.value})
AUTOMATION_CODES: Final = frozenset({"automation_invalid", "automation_unhealthy", "automation_loop"})
# Conditions on something that can be looked at again at any time.
LEVELS: Final = frozenset({When.OFFLINE, When.BATTERY, When.METRIC, When.ISSUE, When.AUTOMATION_FAILED})
OF_ENTITIES: Final = frozenset({When.BATTERY, When.METRIC})
_CONNECTIVITY: Final = frozenset({"broker_unreachable", "dialect_troubled", "cloud_refused"})
# Told by their rows, in `security_incidents`.
_INCIDENTS: Final = frozenset({"security_incident", "security_noted"})
_ENERGY: Final = frozenset({"power", "energy", "current", "voltage", "apparent_power"})

Issues = Mapping[tuple[str, str], Issue]


class Home(Protocol):
    def device(self, device_id: DeviceId) -> Device | None: ...

    def devices(self) -> Iterable[Device]: ...

    def entity(self, entity_id: EntityId) -> Entity | None: ...

    def state(self, entity_id: EntityId) -> EntityState | None: ...

    def is_available(self, device_id: DeviceId) -> bool | None: ...

    def local(self, now: datetime) -> datetime: ...

    def matter_of(self, code: str) -> str:
        """Under which healing tells what is wrong: whatever keeps a device out of reach is one matter."""

    def members_of(self, group_id: str) -> frozenset[DeviceId]: ...


def covers(rule: Rule, device: Device | None, home: Home) -> bool:
    if rule.is_for_all:
        return True
    if device is None or (rule.device_types and device.device_type.value not in rule.device_types):
        return False
    match rule.target_type:
        case "device":
            return device.id == rule.target_id
        case "room":
            return device.room_id == rule.target_id
        case "group":
            return device.id in home.members_of(str(rule.target_id))
    return True


def is_about(condition: Condition, entity: Entity) -> bool:
    """Of conditions on entities."""
    if condition.when is When.BATTERY:
        return entity.device_class == "battery" and entity.domain in {"sensor", "binary_sensor"}
    if condition.entity_id is not None:
        return entity.id == condition.entity_id
    return entity.domain in {"sensor", "number"} and (
        condition.metric in entity.capabilities or condition.metric == entity.device_class
    )


def subjects(condition: Condition, home: Home, issues: Issues) -> list[str]:
    match condition.when:
        case When.OFFLINE:
            return [each.id for each in home.devices()]
        case When.BATTERY | When.METRIC:
            return [entity.id for each in home.devices() for entity in each.entities if is_about(condition, entity)]
        case When.ISSUE | When.AUTOMATION_FAILED:
            return [f"{code}/{subject}" for code, subject in issues]
    return []


def look(check: Check, subject: str, home: Home, issues: Issues, *, is_told: bool) -> Cause | bool | None:
    """The cause, if it is so; False if not; None if nobody knows. `is_told`: of what is told the end lies further off."""
    match check.condition.when:
        case When.OFFLINE:
            return _offline(check, DeviceId(subject), home, issues)
        case When.BATTERY | When.METRIC:
            return _of_entity(check, EntityId(subject), home, is_told=is_told)
        case When.ISSUE | When.AUTOMATION_FAILED:
            code, _, about = subject.partition("/")
            return _of_issue(check, issues.get((code, about)), home)
    return False


def key_of_device(code: str, device_id: str, home: Home) -> str:
    """One matter of a device is one alert, whoever found it."""
    return f"{BATTERY if code in BATTERY_CODES else home.matter_of(code)}/{device_id}"


def _offline(check: Check, device_id: DeviceId, home: Home, issues: Issues) -> Cause | bool:
    rule = check.rule
    device = home.device(device_id)
    if device is None or not covers(rule, device, home):
        return False
    issue = next((issues[code, device_id] for code in sorted(OFFLINE_CODES) if (code, device_id) in issues), None)
    if home.is_available(device_id) is not False and issue is None:
        return False
    text = f"{device.name} does not answer." if issue is None else issue.text
    title = f"{device.name} cannot be reached"
    key, columns = key_of_device(Symptom.UNAVAILABLE, device_id, home), of_device(device_id, name=device.name)
    cause_id, severity = check.cause_id(device_id), rule.severity_of(check.condition)
    return Cause(cause_id, key, rule.key, "device_offline", severity, title, text, columns)


def _of_entity(check: Check, entity_id: EntityId, home: Home, *, is_told: bool) -> Cause | bool | None:
    rule, condition = check.rule, check.condition
    entity = home.entity(entity_id)
    device = home.device(entity.device_id) if entity else None
    if entity is None or device is None or not is_about(condition, entity) or not covers(rule, device, home):
        return False
    state = home.state(entity_id)
    if state is None or state.state in {UNAVAILABLE, UNKNOWN}:
        return None
    if condition.when is When.BATTERY and entity.domain == "binary_sensor":
        return _battery(check, device, entity, None) if state.state == "on" else False
    value = _number(state.state)
    if value is None:
        return None
    if not _is_beyond(condition, value, is_told=is_told):
        return False
    if condition.when is When.BATTERY:
        return _battery(check, device, entity, value)
    return _metric(check, device, entity, value)


def _is_beyond(condition: Condition, value: float, *, is_told: bool) -> bool:
    way_back = condition.hysteresis if is_told else 0.0
    if condition.above is not None:
        return value > condition.above - way_back
    return condition.below is not None and value < condition.below + way_back


def _battery(check: Check, device: Device, entity: Entity, level: float | None) -> Cause:
    rule, cause_id = check.rule, check.cause_id(entity.id)
    text = (
        f"The battery of {device.name} is {'low' if level is None else f'at {number(level)} %'}. Replace or charge it."
    )
    columns = {**of_device(device.id, name=device.name, battery_level=level), "suggested_actions": ["check_battery"]}
    severity, title = rule.severity_of(check.condition), f"The battery of {device.name} is low"
    return Cause(cause_id, f"{BATTERY}/{device.id}", rule.key, "battery_low", severity, title, text, columns)


def _metric(check: Check, device: Device, entity: Entity, value: float) -> Cause:
    rule, condition, cause_id = check.rule, check.condition, check.cause_id(entity.id)
    metric = condition.metric or next(iter(entity.capabilities), entity.name or "value")
    unit = f" {entity.unit}" if entity.unit else ""
    is_above = condition.above is not None
    bound = condition.above if condition.above is not None else condition.below
    assert bound is not None
    text = (
        f"{device.name}: {metric.replace('_', ' ')} is {number(value)}{unit}, "
        f"{'above' if is_above else 'below'} {number(bound)}{unit}."
    )
    context = of_device(device.id, name=device.name, entity_id=entity.id, metric=metric, value=value, bound=bound)
    kind = "energy_anomaly" if metric in _ENERGY or entity.device_class in _ENERGY else "notice"
    return Cause(
        cause_id, f"{rule.key}/{entity.id}", rule.key, kind, rule.severity_of(condition), rule.name, text, context
    )


def is_meant(condition: Condition, code: str, severity: str, subject: str) -> bool:
    if condition.when is When.AUTOMATION_FAILED:
        return code in AUTOMATION_CODES and condition.automation_id in {None, subject}
    if condition.codes and code not in condition.codes:
        return False
    return not condition.severities or severity in condition.severities


def _of_issue(check: Check, issue: Issue | None, home: Home) -> Cause | bool:
    rule, condition = check.rule, check.condition
    if issue is None or not is_meant(condition, issue.code, issue.kind.severity, issue.subject):
        return False
    if issue.code in HEALED and not condition.lasts:
        return False  # it is being mended: healing tells when that was of no use
    if issue.code in _INCIDENTS:
        return False
    device = home.device(DeviceId(issue.subject))
    if not covers(rule, device, home):
        return False
    severity = rule.severity_of(condition, issue.kind.severity)
    context = {"issue": issue.code, "subject": issue.subject, **issue.details}
    columns: JsonObject = {"source_type": "system", "context": context}
    cause_id = check.cause_id(f"{issue.code}/{issue.subject}")
    kind, key = "notice", f"issue/{issue.code}/{issue.subject}"
    if issue.code in AUTOMATION_CODES:
        kind, key = "automation_failure", f"automation/{issue.subject}"
        columns = {"source_type": "automation", "source_id": issue.subject, "context": context, "actionable": True}
    elif issue.code in EXPOSED:
        kind = "security_vulnerability"
        columns = {"source_type": "security", "context": context, "actionable": True}
    elif device is not None:
        kind, key = "connectivity_issue", key_of_device(issue.code, device.id, home)
        columns = {**of_device(device.id), "context": context}
    elif issue.code in _CONNECTIVITY:
        kind = "connectivity_issue"
    return Cause(cause_id, key, rule.key, kind, severity, issue.kind.title, issue.text, columns)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
