"""What devices of the later generations say by themselves, over whatever they say it: `{"method": "NotifyStatus", "params": {...}}`."""

from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.shelly.member import Member
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import Reported

EVENTS_MAX: Final = 32

_UPDATING: Final = frozenset({"ota_begin", "ota_progress"})


def notified(member: Member, notification: JsonObject) -> list[Reported] | None:
    """None if it is no notification."""
    method, params = given.text(notification, "method"), given.mapping(notification, "params")
    if method in {"NotifyStatus", "NotifyFullStatus"}:
        return [member.take(params)]
    if method != "NotifyEvent":
        return None
    reports: list[Reported] = []
    for event in given.listed(params, "events")[:EVENTS_MAX]:
        component, name = given.text(event, "component"), given.text(event, "event")
        if component is None or name is None:
            continue
        if component == "sys" and name.startswith("ota_"):
            reports.append(member.take({"sys": _updating(event, name)}))
        elif (pressed := member.press(component, name)) is not None:
            reports.append(pressed)
    return reports


def _updating(event: JsonValue, name: str) -> JsonObject:
    is_updating = name in _UPDATING
    return {"is_updating": is_updating, "update_percentage": given.number(event, "progress_percent")}
