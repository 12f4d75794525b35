"""What people see and do of alerts: what is open, by which rules, over which channels."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from hub_agent.core.hub import Hub
from hub_agent.errors import NotFound, NotPossible
from hub_agent.model.action import CallAnswered
from hub_agent.model.ids import NewId
from hub_agent.model.inputs import AlertAnswered, ChannelTested, Input
from hub_agent.model.json import JsonObject


@dataclass(frozen=True, slots=True)
class Alerts:
    """Fills ports.Alerts. `ask` submits an input and waits for its answer."""

    hub: Hub
    new_id: NewId
    ask: Callable[[str, Input], Awaitable[CallAnswered | JsonObject]]

    def all(self) -> Sequence[JsonObject]:
        told = [*self.hub.monitoring.alerting.alerts(), *self.hub.notices.alerts()]
        return sorted(told, key=lambda each: str(each["time"]), reverse=True)

    def rules(self) -> Sequence[JsonObject]:
        return self.hub.monitoring.alerting.rules()

    def channels(self) -> Sequence[JsonObject]:
        return self.hub.monitoring.alerting.channels.shown()

    async def answer(self, alert_id: str, verb: str, by: str) -> JsonObject:
        known = [str(each["id"]) for each in self.all() if str(each["id"]).startswith(alert_id)]
        if len(known) != 1 or not alert_id:
            raise NotFound(
                f"There is no open alert '{alert_id}'." if not known else f"Several alerts begin with '{alert_id}'."
            )
        person = by if self.hub.definitions.get("home_member", by) is not None else None
        request_id = self.new_id()
        return await self._asked(request_id, AlertAnswered(known[0], verb, person, request_id))

    async def test(self, channel: str) -> JsonObject:
        if channel not in {each["name"] for each in self.channels()}:
            raise NotFound(f"There is no channel '{channel}' in the settings of this hub; see [notify.<name>] there.")
        request_id = self.new_id()
        return await self._asked(request_id, ChannelTested(channel, request_id))

    async def _asked(self, request_id: str, wanted: Input) -> JsonObject:
        answer = await self.ask(request_id, wanted)
        if isinstance(answer, CallAnswered):
            raise NotPossible(answer.error or "it was refused")
        if (error := answer.get("error")) is not None:
            raise NotPossible(str(error))
        return answer
