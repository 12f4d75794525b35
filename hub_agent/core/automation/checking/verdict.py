"""What was found, as a verdict: the record for the cloud, the answer for people, the issue on the page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hub_agent.core.automation.checking.finding import Aspect, Finding, Severity
from hub_agent.core.automation.rule import Rule
from hub_agent.core.automation.views import iso
from hub_agent.model.json import JsonObject, JsonValue, Row


class Health(StrEnum):
    """The central schema's words. BROKEN: it cannot run. FAILING: it runs, and fails. DEGRADED: a part of it does nothing."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    FAILING = "failing"
    BROKEN = "broken"


COST: Mapping[Severity, int] = {Severity.ERROR: 40, Severity.WARNING: 15, Severity.INFO: 2}
SCORE_MAX: Mapping[Health, int] = {Health.HEALTHY: 100, Health.DEGRADED: 85, Health.FAILING: 40, Health.BROKEN: 20}
INVALID = "invalid"
# These have issues of their own.
TOLD_ELSEWHERE = frozenset({INVALID, "entity_missing", "entity_unavailable", "loop_stopped"})
_RUNS = frozenset({Aspect.RUNS, Aspect.DEVICES})


@dataclass(frozen=True, slots=True)
class Verdict:
    automation_id: str
    entity_id: str
    name: str
    at: datetime
    findings: tuple[Finding, ...]
    is_old_spelling: bool = False

    @property
    def health(self) -> Health:
        errors = [each for each in self.findings if each.severity is Severity.ERROR]
        if any(each.aspect not in _RUNS for each in errors):
            return Health.BROKEN
        if errors:
            return Health.FAILING
        has_warning = any(each.severity is Severity.WARNING for each in self.findings)
        return Health.DEGRADED if has_warning else Health.HEALTHY

    @property
    def score(self) -> int:
        if any(each.code == INVALID for each in self.findings):
            return 0
        left = 100 - sum(COST[each.severity] for each in self.findings)
        return max(0, min(left, SCORE_MAX[self.health]))

    @property
    def issues(self) -> list[Finding]:
        return [each for each in self.findings if each.severity is not Severity.INFO]

    @property
    def warnings(self) -> list[Finding]:
        return [each for each in self.findings if each.severity is Severity.INFO]

    @property
    def repairs(self) -> dict[str, str]:
        """New entity ids by old ones."""
        fixes = (each.fix for each in self.findings)
        return {fix.old: fix.new for fix in fixes if fix is not None and fix.old is not None and fix.new is not None}

    @property
    def to_tell(self) -> list[Finding]:
        """What people are told of as an issue, and are not told of otherwise."""
        return [each for each in self.issues if each.code not in TOLD_ELSEWHERE]

    def is_valid(self, aspect: Aspect) -> bool:
        return not any(each.aspect is aspect or each.code == INVALID for each in self.issues)

    def fixes(self) -> list[JsonValue]:
        found: list[JsonValue] = []
        for each in self.findings:
            if each.fix is not None:
                body = {"code": each.code, "path": each.path, **each.fix.as_json()}
                if body not in found:
                    found.append(body)
        return found

    def signature(self) -> JsonObject:
        """Equal as long as nothing new was found. What grows (a count in a text) is nothing new."""
        told: list[JsonValue] = [[each.code, each.severity.value, each.path, each.entity_id] for each in self.findings]
        repairs: list[JsonValue] = [[old, new] for old, new in sorted(self.repairs.items())]
        return {"health": self.health.value, "score": self.score, "found": told, "repairs": repairs}

    def as_json(self) -> JsonObject:
        """As ports.Door.health says."""
        return {
            "automation_id": self.automation_id,
            "entity_id": self.entity_id,
            "name": self.name,
            "checked_at": iso(self.at),
            "health_status": self.health.value,
            "health_score": self.score,
            "issues": [each.as_json() for each in self.issues],
            "warnings": [each.as_json() for each in self.warnings],
            "recommended_fixes": self.fixes(),
            "can_auto_repair": bool(self.repairs),
            "has_old_spelling": self.is_old_spelling,
        }


def row_of(verdict: Verdict, row_id: str, *, repaired: bool | None) -> Row:
    """`repaired`: whether a repair that was made has helped; None if none was made."""
    gone = {each.entity_id for each in verdict.findings if each.code == "entity_unavailable"}
    is_lacking = any(each.code == "entity_missing" for each in verdict.issues)
    return {
        "id": row_id,
        "time": verdict.at,
        "automation_id": verdict.automation_id,
        "health_status": verdict.health.value,
        "health_score": verdict.score,
        "trigger_valid": verdict.is_valid(Aspect.TRIGGERS),
        "conditions_valid": verdict.is_valid(Aspect.CONDITIONS),
        "actions_valid": verdict.is_valid(Aspect.ACTIONS),
        "devices_accessible": not gone and not is_lacking,
        "issues_found": [each.as_json() for each in verdict.issues],
        "warnings": [each.as_json() for each in verdict.warnings],
        "recommended_fixes": verdict.fixes(),
        "can_auto_repair": bool(verdict.repairs),
        "auto_repair_attempted": repaired is not None,
        "auto_repair_success": repaired,
        "devices_offline": len(gone),
        "deprecated_features": verdict.is_old_spelling,
        "created_at": verdict.at,
    }


_OLD_KEYS = frozenset({"platform", "service", "service_template", "data_template", "event_data_template"})


def has_old_spelling(value: object) -> bool:
    """Keys that were renamed long ago. They work."""
    if isinstance(value, Mapping):
        return any(key in _OLD_KEYS or has_old_spelling(item) for key, item in value.items())
    return isinstance(value, Sequence) and not isinstance(value, str) and any(has_old_spelling(each) for each in value)


def invalid(rule: Rule) -> Finding:
    text = f"The rule cannot be understood: {rule.problem}"
    return Finding(INVALID, Severity.ERROR, Aspect.RULE, text)
