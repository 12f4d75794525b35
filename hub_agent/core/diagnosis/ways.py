"""The far end: the hub itself, the network, the broker, the cloud. What is wrong with them the hub's issues say."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from hub_agent.core.diagnosis.facts import Facts
from hub_agent.core.diagnosis.step import Status, Step
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject

# Which issues are about which of the ways.
_WAY_BY_CODE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "cloud_refused": "cloud",
        "cloud_unreachable": "cloud",
        "hub_doubled": "cloud",
        "broker_unreachable": "broker",
        "router_unreachable": "network",
        "dns_failing": "network",
        "internet_unreachable": "network",
        "disk_full": "hub",
        "disk_nearly_full": "hub",
        "mirror_salvaged": "hub",
        "mirror_unwritable": "hub",
        "mirror_damaged": "hub",
        "hub_hot": "hub",
        "hub_under_voltage": "hub",
        "hub_memory_low": "hub",
        "hub_slow": "hub",
        "hub_restarting": "hub",
        "card_wearing": "hub",
        "clock_untrusted": "hub",
    }
)
_SERIOUS: Final = frozenset({"error", "critical"})
_ADVICE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "hub": "Look at the hub with: nexa-hub doctor",
        "network": "Look at the router: its power, its cables, then restart it.",
        "broker": "Start the broker again: sudo systemctl restart mosquitto",
        "cloud": "Nothing needs to be done in the home: it goes on without. Look with: nexa-hub sync",
    }
)
_FINE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "hub": "Nothing is wrong with the hub itself.",
        "network": "Nothing is known to be wrong with the network.",
        "broker": "The broker is there.",
        "cloud": "Nothing is known to be wrong with the way to the cloud.",
    }
)


def way_of(issue: Issue) -> str | None:
    """Which of the ways an issue is about."""
    return _WAY_BY_CODE.get(issue.code)


def look_at_ways(facts: Facts, issues: Iterable[Issue], wanted: Sequence[str]) -> list[Step]:
    by_way: dict[str, list[Issue]] = {}
    for issue in issues:
        if (way := way_of(issue)) is not None:
            by_way.setdefault(way, []).append(issue)
    return [_look(way, facts, by_way.get(way, [])) for way in wanted]


def _look(way: str, facts: Facts, issues: Sequence[Issue]) -> Step:
    measured: JsonObject = facts.measured(way)
    if way == "broker" and facts.is_broker_there() is False and not issues:
        return Step("broker", Status.FAILED, "There is no connection to the broker.", advice=_ADVICE["broker"])
    if not issues:
        if way == "broker" and facts.is_broker_there() is None:
            return Step("broker", Status.UNKNOWN, "Whether the broker is there is not known yet.")
        return Step(way, Status.OK, _FINE[way], measured)
    worst = next((issue for issue in issues if issue.kind.severity in _SERIOUS), issues[0])
    text = " ".join(issue.text for issue in issues[:3])
    status = Status.FAILED if worst.kind.severity in _SERIOUS else Status.WARNING
    return Step(way, status, text, measured, advice=_ADVICE[way], code=worst.code, severity=worst.kind.severity)
