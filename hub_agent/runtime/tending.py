"""What people see and do of the home's health: scores, troubles, remedies and what they declare."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hub_agent.core.healing.limits import Limits
from hub_agent.core.healing.remedies import REMEDIES
from hub_agent.core.healing.remedy import RISKS, wishes_of
from hub_agent.core.healing.wishes import changed_device, changed_home
from hub_agent.core.health.score import Score
from hub_agent.core.hub import Hub
from hub_agent.errors import NotFound, NotPossible
from hub_agent.model.action import CallAnswered
from hub_agent.model.definition import Definition
from hub_agent.model.device import Device
from hub_agent.model.healing import Symptom
from hub_agent.model.ids import DeviceId, NewId
from hub_agent.model.inputs import DefinitionArrived, Input, RemedyAnswered, RemedyWanted
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.ports import Clock, Store
from hub_agent.runtime.inbox import Inbox

HISTORY_MAX = 500
_HISTORY_READ_MAX = 5_000
_ENDS = {"completed": "it helped", "failed": "it did not help", "skipped": "it was not done", "requires_manual": "you were told"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tending:
    """Fills ports.Tending. `ask` submits an input and waits for its answer."""

    hub: Hub
    inbox: Inbox
    store: Store
    clock: Clock
    new_id: NewId
    issues: Callable[[], Sequence[Issue]]
    device_named: Callable[[str], Device]
    ask: Callable[[str, Input], Awaitable[CallAnswered | JsonObject]]

    # Seeing.

    def all(self) -> JsonObject:
        now = self.clock.now().wall
        health = self.hub.monitoring.health
        by_subject: dict[str, list[Issue]] = {}
        for issue in self.issues():
            by_subject.setdefault(issue.subject, []).append(issue)
        scores = health.scores(now)
        told = [self._summary(each, found, by_subject.pop(each.id, []), now) for each, found in scores]
        others: list[JsonValue] = [_issue(each) for found in by_subject.values() for each in found]
        home = health.of_home(scores)
        devices: list[JsonValue] = [*sorted(told, key=_urgency)]
        return {"home": {**home, "issues": others}, "devices": devices}

    def of(self, name: str) -> JsonObject:
        device = self.device_named(name)
        own = [each for each in self.issues() if each.subject == device.id]
        now = self.clock.now().wall
        health, found = self.hub.monitoring.health.told(device, now), self.hub.monitoring.health.score(device, now)
        plan = self.plan(name, None)["remedies"] if self._trouble(device) is not None else []
        return {**self._summary(device, found, own, now), **health, "plan": plan, "wishes": self.wishes(name)["wishes"]}

    def plan(self, name: str, symptom: str | None) -> JsonObject:
        device = self.device_named(name)
        if symptom is not None and symptom not in set(Symptom):
            raise NotFound(f"There is no symptom '{symptom}': {', '.join(sorted(Symptom))}.")
        if symptom is None and self._trouble(device) is None:
            words = f"Nothing is known to be wrong with {device.name}. What if: name a symptom, such as device_silent."
            raise NotPossible(words, "symptom")
        supposed = None if symptom is None else Symptom(symptom)
        remedies = self.hub.monitoring.healing.telling.plan(device, supposed, self.clock.now().wall)
        return {"device_id": device.id, "name": device.name, "symptom": symptom, "remedies": [*remedies]}

    def rates(self) -> Sequence[JsonObject]:
        return self.hub.monitoring.healing.telling.rates()

    async def history(self, name: str | None, limit: int) -> Sequence[JsonObject]:
        device = None if name is None else self.device_named(name)
        rows = await self.store.recent_cases("self_healing_executions", _HISTORY_READ_MAX)
        wanted = (row for row in rows if device is None or row.get("device_id") == device.id)
        newest_first = sorted(wanted, key=lambda row: str(row.get("time")), reverse=True)
        return [self._healing(row) for row in newest_first[: min(limit, HISTORY_MAX)]]

    def wishes(self, name: str | None) -> JsonObject:
        if name is None:
            wishes = self._home_metadata().get("healing")
            said = wishes if isinstance(wishes, Mapping) else {}
            limits = Limits.read(said)
            quiet = limits.quiet_hours
            hours = None if quiet is None else {"from": f"{quiet[0]:%H:%M}", "to": f"{quiet[1]:%H:%M}"}
            held: JsonObject = {
                "risk": limits.risk,
                "quiet_hours": hours,
                "devices_per_hour": limits.devices_per_hour,
            }
            return {"id": self.hub.home_id, "name": self.hub.home_name, "wishes": {**said, **held}, "risks": [*RISKS]}
        device = self.device_named(name)
        names = {}
        for key in ("powered_by", "hangs_on"):
            value = wishes_of(device).get(key)
            for each in [value] if isinstance(value, str) else value if isinstance(value, list | tuple) else []:
                other = self.hub.inventory.device(DeviceId(str(each)))
                names[str(each)] = other.name if other else None
        return {"id": device.id, "name": device.name, "wishes": wishes_of(device), "names": names}

    # Doing.

    async def wish(self, name: str | None, changes: JsonObject, back: Sequence[str], by: str) -> JsonObject:
        if name is None:
            metadata = changed_home(self._home_metadata(), changes, back)
            await self._edit("home", self.hub.home_id, {"metadata": metadata}, by)
            return self.wishes(None)
        device = self.device_named(name)
        settings = changed_device(device, self._with_ids(changes), self.hub.seen_by_monitors)
        await self._edit("device", device.id, {"settings": settings}, by)
        return self.wishes(device.id)

    async def answer(self, execution_id: str, *, is_approved: bool, by: str) -> JsonObject:
        known = self._waiting_like(execution_id)
        request_id = self.new_id()
        return await self._asked(request_id, RemedyAnswered(known, is_approved, request_id, by))

    async def attempt(self, name: str, remedy: str, *, is_forced: bool, by: str) -> JsonObject:
        device = self.device_named(name)
        if remedy not in REMEDIES:
            raise NotFound(f"There is no remedy '{remedy}': {', '.join(REMEDIES)}.")
        request_id = self.new_id()
        return await self._asked(request_id, RemedyWanted(device.id, remedy, request_id, is_forced, by))

    # How.

    async def _asked(self, request_id: str, asked: Input) -> JsonObject:
        answer = await self.ask(request_id, asked)
        if isinstance(answer, CallAnswered):
            raise NotPossible(answer.error or "It was refused.")
        return answer

    async def _edit(self, kind: str, definition_id: str, fields: JsonObject, by: str) -> None:
        edited = Definition(kind, definition_id, fields, modified_by=by)
        await self.inbox.submit([DefinitionArrived(edited, is_from_cloud=False, by=by)])

    def _home_metadata(self) -> JsonObject:
        home = next(iter(self.hub.definitions.of_kind("home")), None)
        metadata = home.fields.get("metadata") if home is not None else None
        return metadata if isinstance(metadata, Mapping) else {}

    def _with_ids(self, changes: JsonObject) -> JsonObject:
        """Devices may be named; what is kept are ids."""
        told = {**changes}
        if isinstance(plug := told.get("powered_by"), str):
            told["powered_by"] = self.device_named(plug).id
        if isinstance(names := told.get("hangs_on"), list | tuple):
            told["hangs_on"] = [self.device_named(str(each)).id for each in names]
        return told

    def _waiting_like(self, execution_id: str) -> str:
        """By the whole id or a unique beginning of it."""
        healing, now = self.hub.monitoring.healing, self.clock.now().wall
        troubles = [healing.telling.of(each, now) for each in healing.troubled()]
        attempts = [each["attempt"] for each in troubles if each is not None]
        waiting = [str(each["id"]) for each in attempts if isinstance(each, Mapping) and each["is_question"]]
        found = [each for each in waiting if execution_id and each.startswith(execution_id)]
        if len(found) != 1:
            what = "More than one question begins" if found else "No question waits for an answer that begins"
            raise NotFound(f"{what} with '{execution_id}'. List them with: nexa-hub health")
        return found[0]

    def _trouble(self, device: Device) -> JsonObject | None:
        return self.hub.monitoring.healing.telling.of(device.id, self.clock.now().wall)

    def _summary(self, device: Device, found: Score, issues: Sequence[Issue], now: datetime) -> JsonObject:
        trouble = self.hub.monitoring.healing.telling.of(device.id, now)
        presence = self.hub.inventory.presence(device.id)
        room = self.hub.rooms.by_id.get(device.room_id) if device.room_id else None
        return {
            "id": device.id,
            "name": device.name,
            "room": room.name if room else None,
            "device_type": device.device_type.value,
            "score": found.total,
            "state": _state(trouble, issues),
            "why": [each.text for each in found.factors],
            "battery_level": presence.battery_level,
            "issues": [_issue(each) for each in issues],
            "trouble": trouble,
        }

    def _healing(self, row: Mapping[str, object]) -> JsonObject:
        parameters, status = row.get("action_parameters"), str(row.get("status"))
        name = str(parameters.get("remedy")) if isinstance(parameters, Mapping) else "?"
        device = self.hub.inventory.device(DeviceId(str(row.get("device_id"))))
        remedy = REMEDIES.get(name)
        return {
            "id": str(row.get("id")),
            "at": _text(row.get("time")),
            "device_id": str(row.get("device_id")),
            "name": device.name if device else None,
            "issue": _text(row.get("issue_detected")),
            "remedy": name,
            "words": remedy.words if remedy else name,
            "status": status,
            "outcome": "it was over by itself" if _is_over(row) else _ENDS.get(status, "it is under way"),
            "is_resolved": row.get("issue_resolved") is True,
            "ended_at": _text(row.get("completed_at")),
            "error": _text(row.get("error_message")),
        }


def _is_over(row: Mapping[str, object]) -> bool:
    return row.get("status") == "skipped" and row.get("issue_resolved") is True


def _state(trouble: JsonObject | None, issues: Sequence[Issue]) -> str:
    """Asks | treated | held | troubled | well"""
    if trouble is None:
        return "troubled" if any(each.kind.severity != "info" for each in issues) else "well"
    attempt = trouble["attempt"]
    if isinstance(attempt, Mapping):
        return "asks" if attempt["is_question"] else "treated"
    return "held" if trouble["cause"] is not None else "troubled"


def _urgency(told: JsonObject) -> tuple[int, object, str]:
    order = ("asks", "troubled", "treated", "held", "well")
    return order.index(str(told["state"])), told["score"], str(told["name"]).casefold()


def _issue(issue: Issue) -> JsonObject:
    kind = issue.kind
    told: JsonObject = {"code": issue.code, "severity": kind.severity, "title": kind.title, "text": issue.text}
    return {**told, "since": issue.since.isoformat()}


def _text(value: object) -> str | None:
    return None if value is None else str(value)
