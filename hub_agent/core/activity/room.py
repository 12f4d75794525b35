"""The list of what happened: a monitor that sees commands end, devices change by themselves, healing and alerts; and what people did.

A rule that goes mad, or a device that flaps, must not fill the card: of one thing by one doer so many entries an hour are told.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Final, Protocol

from hub_agent.core.activity import words
from hub_agent.core.activity.words import HEALER, THE_HUB
from hub_agent.core.auditing import Deed
from hub_agent.core.monitor import Given, Monitor
from hub_agent.model.action import CommandSettled
from hub_agent.model.activity import Happened, Who, say
from hub_agent.model.device import Device, Entity
from hub_agent.model.effects import Announce, AppendCase, Effect, NoteActivity, SaveTrace
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.model.inputs import ActivityTold, Input
from hub_agent.model.json import JsonObject
from hub_agent.model.scene import SceneEnded
from hub_agent.model.state import UNAVAILABLE, UNKNOWN, Cause, StateChanged

ALIKE_PER_HOUR: Final = 12
PER_HOUR: Final = 600
DEVICES_MAX: Final = 50
NAMED_MAX: Final = 3
# Those that somebody presses, turns or opens at the device itself.
_OWN_DOMAINS: Final = frozenset(
    {"light", "switch", "fan", "cover", "lock", "valve", "media_player", "siren", "alarm_control_panel"}
)
_UNSEEN: Final = frozenset({UNAVAILABLE, UNKNOWN, ""})
_HOUR: Final = timedelta(hours=1)
_RUN_ENDS: Final = {"success": None, "partial": words.PARTLY, "timeout": words.TOO_LONG}


class Home(Protocol):
    def devices(self) -> Iterable[Device]: ...

    def device(self, device_id: DeviceId) -> Device | None: ...

    def is_commanded(self, entity_id: EntityId) -> bool: ...


class Activity(Monitor):
    INPUTS: ClassVar[frozenset[type]] = frozenset({ActivityTold})

    def __init__(
        self, home: Home, automation_of: Callable[[str], tuple[str, str] | None], remedy_of: Callable[[str], str]
    ) -> None:
        """`automation_of`: id and name of the automation that a run is of. `remedy_of`: its words."""
        self._home = home
        self._automation_of = automation_of
        self._remedy_of = remedy_of
        self._names: dict[DeviceId, str] = {}
        self._runs: dict[str, tuple[str, str]] = {}
        self._counts: dict[tuple[str, ...], int] = {}
        self._counted_since: datetime | None = None

    def restore(self, saved: Mapping[str, JsonObject], now: datetime) -> Sequence[Given]:
        del saved, now
        self._names = {each.id: each.name for each in self._home.devices()}
        return ()

    # What others tell.

    def take(self, happened: Input, now: datetime) -> Sequence[Given]:
        """Who came in, settings: what happens at the doors."""
        assert isinstance(happened, ActivityTold)
        return self.note(happened.happened, now)

    def note(self, happened: Happened, now: datetime, *alike: str) -> list[Effect]:
        """`alike`: by what it is the same as others; as a rule its words."""
        if self._counted_since is None or not timedelta(0) <= now - self._counted_since < _HOUR:
            self._counted_since = now
            self._counts.clear()
        key = (happened.kind, happened.who.kind, happened.who.id, *(alike or (happened.phrase.text,)))
        count = self._counts[key] = self._counts.get(key, 0) + 1
        if count > ALIKE_PER_HOUR or len(self._counts) > PER_HOUR:
            return []
        if count == ALIKE_PER_HOUR:
            happened = Happened(happened.kind, happened.who, happened.phrase, happened.devices, words.AND_SO_ON)
        return [NoteActivity(happened), Announce("activity", {"kind": happened.kind})]

    def of_deed(self, deed: Deed, name: str, now: datetime) -> Sequence[Effect]:
        """What a person did, but commands and scenes: these are told when they have ended."""
        who = words.person(deed.by)
        details = deed.details or {}
        match deed.what:
            case "call" if deed.table in {"devices", "scenes"}:
                return ()
            case "press":
                return ()
            case "call":
                return self.note(Happened("automation", who, say(words.CALLED, action=str(details.get("action")))), now)
            case "scan":
                return self.note(Happened("security", who, say(words.SCANNED)), now)
            case "approve" | "refuse":
                phrase = say(words.APPROVED if deed.what == "approve" else words.REFUSED)
                return self.note(Happened("healing", who, phrase), now)
            case "try":
                device_id = str(details.get("device_id"))
                phrase = say(words.TRIED, device=self._name(DeviceId(device_id)))
                return self.note(Happened("healing", who, phrase, (device_id,)), now)
            case "forget" | "ignore":
                return self.note(Happened("device", who, say(words.FORGOT, name=str(details.get("key")))), now)
            case "add" if "dialect" in details:
                return self.note(Happened("device", who, say(words.ADDED, name=str(details.get("key")))), now)
        return self.note(self.edited(who, deed.what, deed.table, deed.record_id, name), now)

    @staticmethod
    def edited(who: Who, what: str, table: str, record_id: str | None, name: str) -> Happened:
        sentence = {
            "add": words.MADE,
            "delete": words.DELETED,
            "decide": words.DECIDED,
            "repair": words.REPAIRED,
        }.get(what, words.CHANGED)
        devices = (record_id,) if table == "devices" and record_id else ()
        return Happened("definition", who, say(sentence, thing=words.thing(table, name)), devices)

    def of_trace(self, trace: SaveTrace, now: datetime) -> Sequence[Given]:
        """A run has ended; what was refused by its conditions is no news."""
        status, name = str(trace.body.get("status")), str(trace.body.get("automation"))
        self._runs[trace.run_id] = (trace.automation_id, name)
        if len(self._runs) > 64:
            del self._runs[next(iter(self._runs))]
        if status not in {*_RUN_ENDS, "failed"}:
            return ()
        failed = _RUN_ENDS.get(status, str(trace.body.get("error") or words.FAILED))
        who = words.automation(trace.automation_id, name)
        return self.note(Happened("automation", who, say(words.RAN), failed=failed), now)

    def scene_ended(self, ended: SceneEnded, now: datetime) -> Sequence[Given]:
        who = self._who(ended.cause) or THE_HUB
        names = ", ".join(ended.failed[:NAMED_MAX])
        failed = say(words.NOT_FOLLOWED, devices=names) if ended.failed else None
        phrase = say(words.SCENE_PRESSED, scene=ended.name)
        return self.note(Happened("scene", who, phrase, ended.devices[:DEVICES_MAX], failed), now)

    # What is seen.

    def handle_settled(self, settled: CommandSettled, device: Device, now: datetime) -> Sequence[Given]:
        command = settled.command
        if settled.outcome == "superseded":
            return ()
        who = self._who(command.cause)
        if who is None:
            return ()
        failed = None if settled.is_success else settled.error or words.UNANSWERED
        entity = next((each for each in device.entities if each.id == command.entity_id), None)
        phrase = words.done(command, _named(device, entity))
        told = Happened("command", who, phrase, (device.id,), failed)
        return self.note(told, now, command.entity_id, command.action)

    def _who(self, cause: Cause) -> Who | None:
        """None: healing tells of itself as a whole, a scene too."""
        match cause.kind:
            case "manual":
                return words.person(cause.by)
            case "automation":
                known = self._runs.get(cause.id) or self._automation_of(cause.id)
                return words.automation(*known) if known else words.automation("", None)
            case "cloud":
                return words.cloud(cause.by)
            case "self_healing" | "scene":
                return None
        return THE_HUB

    def handle_change(self, changed: StateChanged, device: Device, now: datetime) -> Sequence[Given]:
        new, old = changed.new, changed.old
        if new is None:
            return ()
        if old is None:
            return self._met(device, now)
        if new.state == old.state or new.state in _UNSEEN or old.state in _UNSEEN:
            return ()
        domain = changed.entity_id.partition(".")[0]
        if domain not in _OWN_DOMAINS and domain != "binary_sensor":
            return ()
        if changed.cause is not None and changed.cause.kind != "ecosystem":
            return ()
        if self._home.is_commanded(changed.entity_id):
            return ()
        return self._by_itself(changed, device, domain, now)

    def _by_itself(self, changed: StateChanged, device: Device, domain: str, now: datetime) -> Sequence[Given]:
        entity = next((each for each in device.entities if each.id == changed.entity_id), None)
        if entity is None or entity.category is not None or changed.new is None:
            return ()
        state = changed.new.state
        if domain == "binary_sensor":
            both = words.BY_BINARY_CLASS.get(entity.device_class or "")
            sentence = None if both is None or state not in {"on", "off"} else both[state == "off"]
        else:
            sentence = words.BY_STATE.get(state)
        if sentence is None:
            return ()
        told = Happened("device", words.itself(device.id), say(sentence, device=_named(device, entity)), (device.id,))
        return self.note(told, now, changed.entity_id)

    def _met(self, device: Device, now: datetime) -> Sequence[Given]:
        if self._names.get(device.id) == device.name:
            return ()
        is_new = device.id not in self._names
        self._names[device.id] = device.name
        if not is_new:
            return ()
        return self.note(Happened("device", THE_HUB, say(words.BEGAN_ANEW, device=device.name), (device.id,)), now)

    def handle_removed(self, device_id: DeviceId, now: datetime) -> Sequence[Given]:
        name = self._names.pop(device_id, None)
        if name is None:
            return ()
        return self.note(Happened("device", THE_HUB, say(words.GONE, device=name), (device_id,)), now)

    def handle_case(self, case: AppendCase, now: datetime) -> Sequence[Given]:
        row = case.row
        if case.table == "alerts" and case.revision == 1:
            devices = (str(row["source_device_id"]),) if row.get("source_device_id") else ()
            return self.note(Happened("alert", THE_HUB, say(words.TOLD, title=str(row.get("title"))), devices), now)
        if case.table == "self_healing_executions" and row.get("status") in {"completed", "failed"}:
            parameters = row.get("action_parameters")
            remedy = str(parameters.get("remedy")) if isinstance(parameters, Mapping) else "?"
            device_id = str(row.get("device_id"))
            sentence = words.HEALED if row.get("status") == "completed" else words.NOT_HEALED
            phrase = say(sentence, remedy=self._remedy_of(remedy), device=self._name(DeviceId(device_id)))
            return self.note(Happened("healing", HEALER, phrase, (device_id,)), now, case.id, str(row.get("status")))
        return ()

    def _name(self, device_id: DeviceId) -> str:
        device = self._home.device(device_id)
        return device.name if device is not None else self._names.get(device_id, "a device")


def _named(device: Device, entity: Entity | None) -> str:
    return device.name if entity is None or not entity.name else f"{device.name} {entity.name}"
