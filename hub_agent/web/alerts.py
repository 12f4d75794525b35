"""Alerts in the API: what is open, answers to it, the rules and the channels."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request, Response

from hub_agent.ports import Door
from hub_agent.web.answers import OrjsonResponse, by_whom
from hub_agent.web.routes import API, api_router
from hub_agent.web.shapes import Asked, Shape

Name = Annotated[str, Path(max_length=64)]


class AlertAnswer(Shape):
    """An open alert. `rules`: the keys of the rules that told it."""

    id: str
    time: str
    alert_type: str
    severity: Literal["info", "warning", "error", "critical"]
    priority: str
    title: str
    message: str
    status: Literal["active", "acknowledged"]
    source_device_id: str | None
    source_type: str | None
    source_id: str | None
    context: dict[str, object]
    suggested_actions: list[str]
    acknowledged_at: str | None
    resolved_at: str | None
    rules: list[str]
    channels: list[str]
    is_notice: bool


class AlertRuleAnswer(Shape):
    """`when`: what its conditions are about. `reason`: why it is broken."""

    id: str
    name: str
    when: list[str]
    severity: str | None
    target: str | None
    is_builtin: bool
    status: Literal["in force", "off", "broken"]
    reason: str | None


class ChannelAnswer(Shape):
    """`failing`: why messages do not get through."""

    name: str
    kind: str
    waiting: int
    failing: str | None


class AlertAnsweredRequest(Asked):
    answer: Literal["acknowledge", "resolve", "dismiss"]


class AlertAnsweredAnswer(Shape):
    id: str
    status: str


class TestedAnswer(Shape):
    sent: bool


def alerts(door: Door) -> APIRouter:
    router = api_router("alerts", f"{API}/alerts")

    @router.get("", response_model=list[AlertAnswer])
    async def open_alerts() -> Response:
        """What is open, the newest first; also what rules said with `notify` (`is_notice`)."""
        return OrjsonResponse(door.alerts.all())

    @router.get("/rules", response_model=list[AlertRuleAnswer])
    async def alert_rules() -> Response:
        """Which rules are in force, and which are broken and why."""
        return OrjsonResponse(door.alerts.rules())

    @router.get("/channels", response_model=list[ChannelAnswer])
    async def channels() -> Response:
        """Where messages may go, and whether they get through."""
        return OrjsonResponse(door.alerts.channels())

    @router.post("/channels/{name}/test", response_model=TestedAnswer)
    async def try_channel(name: Name) -> Response:
        """Sends a message there at once, and says what came of it."""
        return OrjsonResponse(await door.alerts.test(name))

    @router.post("/{alert_id}", response_model=AlertAnsweredAnswer)
    async def answer_alert(alert_id: Name, body: AlertAnsweredRequest, request: Request) -> Response:
        """Acknowledge it (no reminders), resolve it or dismiss it. It stays quiet until its cause was over, or it becomes worse."""
        return OrjsonResponse(await door.alerts.answer(alert_id, body.answer, by_whom(request)))

    return router
