"""Automations that name something gone with one sure replacement: healing is told of them one after the other."""

from datetime import UTC, datetime
from typing import Any

from hub_agent.core.repairs import Repairs
from hub_agent.model.effects import IssueCleared, IssueRaised
from hub_agent.model.healing import Noticed, Passed, Symptom
from hub_agent.model.ids import DeviceId
from hub_agent.model.issue import Issue

NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)
HUB = DeviceId("hub")


class Rules:
    def __init__(self) -> None:
        self.broken: dict[str, tuple[dict[str, Any], dict[str, str]]] = {}
        self.repairs = Repairs(lambda: HUB, lambda rule, _now: self.broken.get(rule, ({}, {})))

    def unhealthy(self, rule: str) -> list[Any]:
        issue = Issue("automation_unhealthy", rule, NOON, {"name": rule.title(), "reason": "light.old is gone"})
        assert list(self.repairs.handle_issue(IssueRaised(issue), NOON)) == []
        return self.look()

    def look(self) -> list[Any]:
        due = self.repairs.get_timer()
        return [] if due is None else list(self.repairs.handle_timer(due))

    def healthy(self, rule: str) -> list[Any]:
        return list(self.repairs.handle_issue(IssueCleared("automation_unhealthy", rule), NOON))


def told(given: list[Any]) -> list[Any]:
    return [each.details["automation_id"] if isinstance(each, Noticed) else type(each).__name__ for each in given]


def test_one_after_the_other_is_told_until_none_is_left() -> None:
    rules = Rules()
    rules.broken = {each: ({"triggers": []}, {"light.old": "light.new"}) for each in ("a", "b")}
    assert told(rules.unhealthy("a")) == ["a"]
    assert told(rules.unhealthy("b")) == []
    assert rules.repairs.current(NOON) == ("a", {"triggers": []})
    assert told(rules.healthy("a")) == ["Passed", "b"]
    assert rules.healthy("b") == [Passed(HUB, Symptom.REFERENCE)]
    assert rules.repairs.current(NOON) is None


def test_what_nothing_can_be_done_about_is_not_told() -> None:
    rules = Rules()
    assert rules.unhealthy("a") == []
    rules.broken["a"] = ({"triggers": []}, {"light.old": "light.new"})
    assert told(rules.unhealthy("a")) == ["a"]
    del rules.broken["a"]
    assert told(rules.look()) == ["Passed"], "the replacement is gone as well"


def test_what_takes_its_place_may_come_later_and_when_all_is_well_nothing_is_looked_at() -> None:
    rules = Rules()
    assert rules.unhealthy("a") == []
    rules.broken["a"] = ({"triggers": []}, {"light.old": "light.new"})
    assert told(rules.look()) == ["a"]
    assert rules.look() == []
    rules.healthy("a")
    assert rules.repairs.get_timer() is None
