"""What the page, the API and the command line may see and do, over the one hub in memory."""

import asyncio
import contextlib
import os
import resource
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path

from hub_agent.core.automation.as_of import Recorded, read_instant
from hub_agent.core.capabilities import calls_for
from hub_agent.core.device_fields import connectivity, entity_as_shown
from hub_agent.core.hub import Hub
from hub_agent.errors import MirrorError, NotFound, NotPossible
from hub_agent.model.action import Call, CallAnswered
from hub_agent.model.device import Device, Entity, Room
from hub_agent.model.ids import CallId, DeviceId, EntityId, NewId, RoomId, SceneId
from hub_agent.model.inputs import (
    CallRequested,
    DefinitionArrived,
    DeviceEdited,
    Input,
    RepairWanted,
    ScenePressed,
    WebhookCalled,
)
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.state import Cause
from hub_agent.ports import Broker, Clock, Keeping, Links, Replayer, Store, Told
from hub_agent.runtime.activity import Activity
from hub_agent.runtime.alerts import Alerts
from hub_agent.runtime.automating import Automating
from hub_agent.runtime.changes import Changes
from hub_agent.runtime.deciding import Deciding
from hub_agent.runtime.defined import Defined
from hub_agent.runtime.diagnosing import Diagnosing
from hub_agent.runtime.discovering import Discovering
from hub_agent.runtime.editing import Editing
from hub_agent.runtime.effects import Effects
from hub_agent.runtime.energy import Energy
from hub_agent.runtime.guarding import Guarding
from hub_agent.runtime.household import Household
from hub_agent.runtime.imported import Imported
from hub_agent.runtime.inbox import Inbox
from hub_agent.runtime.replaying import Replays
from hub_agent.runtime.tending import Tending

# Longer than any command waits for its confirmation, except what moves (covers, locks): that is told when it comes.
ANSWER_S_MAX = 6.5

RUNS_MAX = 500
# Of a name that is not there, so many others are offered.
NEAR_MAX = 3


class HubDoor:
    """Fills ports.Door."""

    def __init__(
        self,
        *,
        hub: Hub,
        inbox: Inbox,
        effects: Effects,
        changes: Changes,
        store: Store,
        broker: Broker,
        links: Links,
        dialects: Sequence[str],
        clock: Clock,
        replayer: Replayer,
        new_id: NewId,
        broker_address: str,
        sync_status: Callable[[], JsonObject],
        verify: Callable[[int, str | None], AsyncGenerator[JsonObject, None]] | None = None,
        claim: Callable[[str], Awaitable[None]] | None = None,
        handled: Callable[[], int],
        figures: Callable[[], JsonObject],
        version: str,
        keeping: Keeping,
        safe_mode: JsonObject | None = None,
        leave_safe_mode: Callable[[], None] = lambda: None,
    ) -> None:
        self._hub = hub
        self._inbox = inbox
        self._effects = effects
        self._changes = changes
        self._store = store
        self._broker = broker
        self._discovering = Discovering(hub, inbox, links, changes, dialects)
        self._defined = Defined(hub, store, inbox)
        self._clock = clock
        self._deciding = Deciding(hub, inbox)
        self._editing = Editing(hub, inbox, new_id)
        self._automating = Automating(hub, inbox, store, clock, new_id, self._ask, self._automation_named)
        self._diagnosing = Diagnosing(hub, inbox, effects, changes, new_id)
        self._alerts = Alerts(hub, new_id, self._ask)
        self._tending = Tending(hub, inbox, store, clock, new_id, effects.issues, self._device_named, self._ask)
        self._guarding = Guarding(hub, clock, inbox.put, self._ask, new_id)
        self.keeping = keeping
        self.household = Household(hub, inbox)
        self.activity = Activity(store, inbox.put)
        self._energy = Energy(hub, inbox, clock, self._device_named)
        self._replays = Replays(hub, clock, replayer)
        self._new_id = new_id
        self._broker_address = broker_address
        self._sync_status = sync_status
        self._verify = verify
        self._claim = claim
        self._handled = handled
        self._figures = figures
        self._version = version
        self._safe_mode = safe_mode
        self._leave_safe_mode = leave_safe_mode
        self._started = clock.now()

    # Seeing.

    def status(self) -> JsonObject:
        moment = self._clock.now()
        hub = self._hub
        return {
            "agent": {
                "version": self._version,
                "pid": os.getpid(),
                "started_at": self._started.wall.isoformat(),
                "uptime_s": round(moment.monotonic_s - self._started.monotonic_s, 1),
                "memory_bytes": _memory_bytes(),
            },
            "home": {"id": hub.home_id, "name": hub.home_name, "timezone": hub.place.time_zone},
            "broker": {"address": self._broker_address, "is_connected": self._broker.is_connected},
            "cloud": self._sync_status(),
            "counts": {
                "devices": len(list(hub.inventory.devices())),
                "entities": hub.inventory.entity_count(),
                "automations": len(hub.definitions.of_kind("automation")),
                "scenes": len(hub.definitions.of_kind("scene")),
                "issues": len(self._effects.issues()),
            },
            "clock": {"now": moment.wall.isoformat(), "is_trusted": moment.is_trusted},
            "inbox": {
                "waiting": len(self._inbox),
                "handled": self._handled(),
                "rejected": sum(seen.count for seen in hub.misunderstandings.all()),
            },
            "safe_mode": self._safe_mode,
            "vitals": hub.monitoring.vitals.as_json(),
            "ways": hub.monitoring.reachability.as_json(),
        }

    def figures(self) -> JsonObject:
        return self._figures()

    def devices(self) -> Sequence[JsonObject]:
        devices = sorted(self._hub.inventory.devices(), key=lambda device: (device.name.casefold(), device.id))
        return [self._as_shown(device) for device in devices]

    def discovered(self) -> Sequence[JsonObject]:
        return self._discovering.shown()

    def rooms(self) -> Sequence[JsonObject]:
        rooms: Iterable[Room] = self._hub.rooms.by_id.values()
        in_order = sorted(rooms, key=lambda room: (room.sort_order, room.name.casefold()))
        return [{"id": room.id, "name": room.name, "sort_order": room.sort_order} for room in in_order]

    def scenes(self) -> Sequence[JsonObject]:
        return self._scenes()

    def automations(self) -> Sequence[JsonObject]:
        checks, beside = self._hub.checks, self._automating.beside()
        return [
            {**each, "health": checks.health_of(str(each["id"])), **beside.get(str(each["id"]), {})}
            for each in self._hub.automations.described()
        ]

    def issues(self) -> Sequence[JsonObject]:
        return [
            {
                "code": issue.code,
                "severity": issue.kind.severity,
                "title": issue.kind.title,
                "text": issue.text,
                "subject": issue.subject,
                "since": issue.since.isoformat(),
            }
            for issue in self._effects.issues()
        ]

    def notices(self) -> Sequence[JsonObject]:
        return self._hub.notices.shown()

    def sync_status(self) -> JsonObject:
        return self._sync_status()

    def verify(self, days: int, stream: str | None) -> AsyncGenerator[JsonObject, None]:
        if self._verify is None:
            raise NotPossible("This hub has no cloud to be compared with: cloud.url is not set.")
        return self._verify(days, stream)

    async def claim(self, code: str, by: str) -> None:
        if self._claim is None:
            raise NotPossible("This hub knows no cloud that it could be part of: cloud.url is not set.")
        del by  # that the hub has joined is told
        await self._claim(code)

    def conflicts(self) -> Sequence[JsonObject]:
        return self._deciding.conflicts()

    def lost(self) -> Sequence[JsonObject]:
        return self._deciding.lost()

    def rejected(self) -> Sequence[JsonObject]:
        seen = sorted(self._hub.misunderstandings.all(), key=lambda each: (-each.count, each.rejected.topic))
        return [
            {
                "dialect": each.rejected.dialect,
                "topic": each.rejected.topic,
                "code": each.rejected.code,
                "reason": each.rejected.reason,
                "count": each.count,
                "last_at": each.last_at.isoformat(),
            }
            for each in seen
        ]

    async def runs(self, automation_id: str | None, limit: int) -> Sequence[JsonObject]:
        return [_run_as_shown(body) for body in await self._store.runs(automation_id, min(limit, RUNS_MAX))]

    async def trace(self, run_id: str) -> JsonObject:
        body = await self._store.trace(run_id)
        if body is None:
            raise NotFound(f"There is no run '{run_id}'. List the runs with: nexa-hub automations runs")
        return body

    async def explain(self, name: str, at: str | None) -> JsonObject:
        automation_id = self._automation_named(name)
        traces = await self._store.runs(automation_id, RUNS_MAX)
        now = self._clock.now().wall
        try:
            asked = None if at is None else read_instant(at, now, self._hub.place.time_zone)
        except ValueError as err:
            raise NotPossible(str(err)) from err
        recorded = None
        if asked is not None:
            with contextlib.suppress(MirrorError):  # without the records it says what it can
                recorded = Recorded(*await self._store.states_at(asked))
        told = self._hub.automations.explained(automation_id, traces, now, asked, recorded)
        if told is None:
            raise NotFound(f"There is no automation '{name}' any more.")
        return told

    def health(self, name: str) -> JsonObject:
        told = self._hub.checks.report(self._automation_named(name), self._clock.now().wall)
        if told is None:
            raise NotFound(f"There is no automation '{name}' any more.")
        return told

    def health_of_all(self) -> Sequence[JsonObject]:
        return self._hub.checks.unhealthy(self._clock.now().wall)

    def forecasts(self) -> JsonObject:
        return {**self._hub.monitoring.forecasts.answer(), "at": self._clock.now().wall.isoformat()}

    def diagnoses(self) -> Sequence[JsonObject]:
        return self._diagnosing.made()

    def diagnose(self, name: str | None) -> AsyncGenerator[JsonObject, None]:
        return self._diagnosing.diagnose(None if name is None else self._device_named(name).id)

    def replay(self, rule: str | JsonObject, since: str, until: str | None) -> AsyncGenerator[JsonObject, None]:
        if not isinstance(rule, str):
            return self._replays.of_given(rule, since, until)
        definition = self._hub.definitions.get("automation", self._automation_named(rule))
        if definition is None:
            raise NotFound(f"There is no automation '{rule}' any more.")
        return self._replays.of_known(definition, since, until)

    @property
    def automating(self) -> Automating:
        return self._automating

    @property
    def alerts(self) -> Alerts:
        return self._alerts

    @property
    def tending(self) -> Tending:
        return self._tending

    @property
    def guarding(self) -> Guarding:
        return self._guarding

    @property
    def energy(self) -> Energy:
        return self._energy

    def changes(self, after: str | None = None) -> AsyncGenerator[Told, None]:
        return self._changes.follow(after)

    # Doing.

    async def call(self, action: str, target: Sequence[str], data: JsonObject, by: str) -> JsonObject:
        entity_ids = tuple(entity_id for name in target for entity_id in self._entities_named(name, action))
        return await self._call(action, entity_ids, data, by)

    async def set_device(self, name: str, values: Mapping[str, JsonValue], by: str) -> JsonObject:
        entity = self._settable(name, values)
        commands: list[JsonValue] = []
        for action, data in calls_for(entity, values):
            answer = await self._call(action, (entity.id,), data, by)
            told = answer.get("commands")
            commands += told if isinstance(told, list) else []
        return {"commands": commands}

    async def activate_scene(self, name: str, by: str, source: str = "manual") -> JsonObject:
        scene_id = SceneId(self._scene_named(name))
        request_id = self._new_id()
        pressed = ScenePressed(scene_id, Cause("manual", request_id, by), source, request_id)
        answer = await self._ask(request_id, pressed)
        if isinstance(answer, CallAnswered):
            raise NotPossible(answer.error or "the scene could not be activated")
        return answer

    async def add_discovered(self, name: str, given: Mapping[str, str], by: str) -> JsonObject:
        return await self._discovering.add(name, given, by)

    async def forget_discovered(self, name: str, *, is_ignored: bool, by: str) -> None:
        await self._discovering.forget(name, is_ignored=is_ignored, by=by)

    async def edit_device(self, device_id: str, name: str | None, room_id: str | None, by: str) -> JsonObject:
        device = self._device_named(device_id)
        if room_id is not None and RoomId(room_id) not in self._hub.rooms.by_id:
            raise NotFound(f"There is no room '{room_id}'.")
        edited = DeviceEdited(device.id, name, RoomId(room_id) if room_id else None, by)
        await self._inbox.submit([edited])
        return self._as_shown(self._device_named(device.id))

    async def decide(self, name: str, side: str | None, fields: Mapping[str, str], by: str) -> JsonObject:
        return await self._deciding.decide(name, side, fields, by)

    async def answer_lost(self, lost_id: str, *, is_put_back: bool, by: str) -> JsonObject:
        return await self._deciding.answer_lost(lost_id, is_put_back=is_put_back, by=by)

    async def edit_scene(self, name: str, changes: JsonObject, desired: Mapping[str, JsonValue], by: str) -> JsonObject:
        return await self._editing.edit_scene(self._scene_named(name), changes, desired, by)

    async def new_scene(self, given: JsonObject, desired: Mapping[str, JsonValue], by: str) -> JsonObject:
        return await self._editing.new_scene(given, desired, by)

    async def delete_scene(self, name: str, by: str) -> None:
        await self._editing.delete_scene(self._scene_named(name), by)

    async def edit_automation(self, name: str, changes: JsonObject, by: str) -> JsonObject:
        return await self._editing.edit_automation(self._automation_named(name), changes, by)

    async def repair(self, name: str, by: str) -> JsonObject:
        request_id = self._new_id()
        answer = await self._ask(request_id, RepairWanted(self._automation_named(name), request_id, by))
        if isinstance(answer, CallAnswered):
            raise NotPossible(answer.error or "the automation could not be repaired")
        return answer

    async def definitions(self, kind: str) -> Sequence[JsonObject]:
        return await self._defined.all(kind)

    async def definition(self, kind: str, name: str) -> JsonObject:
        return await self._defined.one(kind, name)

    async def definition_history(self, kind: str, name: str) -> Sequence[JsonObject]:
        return await self._defined.history(kind, name)

    async def undo_definition(self, kind: str, name: str, entry: int | None, by: str) -> JsonObject:
        return await self._defined.undo(kind, name, entry, by)

    async def import_definitions(self, definitions: Sequence[JsonObject], by: str) -> JsonObject:
        arrived, told = Imported(self._hub.definitions, self._hub.home_id).take(definitions)
        await self._inbox.submit([DefinitionArrived(definition, is_from_cloud=False, by=by) for definition in arrived])
        return {"imported": told}

    def leave_safe_mode(self, by: str) -> None:
        if self._safe_mode is None:
            raise NotPossible("The hub is not in safe mode: it runs with everything.")
        del by  # the restart is told
        self._leave_safe_mode()

    async def webhook(self, called: WebhookCalled) -> bool:
        is_known = self._hub.automations.has_webhook(called.webhook_id)
        # Rules run also while the mirror cannot be written.
        with contextlib.suppress(MirrorError):
            await self._inbox.submit([called])
        return is_known

    # How.

    async def _call(self, action: str, target: tuple[EntityId, ...], data: JsonObject, by: str) -> JsonObject:
        call_id = CallId(self._new_id())
        call = Call(call_id, action, target, data, Cause("manual", call_id, by))
        answer = await self._ask(call_id, CallRequested(call))
        if isinstance(answer, CallAnswered):
            raise NotPossible(answer.error or f"{action} was refused")
        return answer

    async def _ask(self, request_id: str, asked: Input) -> CallAnswered | JsonObject:
        answered = self._effects.expect(request_id)
        try:
            # Done is done, also while the mirror cannot be written: the answer counts.
            with contextlib.suppress(MirrorError):
                await self._inbox.submit([asked])
            async with asyncio.timeout(ANSWER_S_MAX):
                return await answered
        except TimeoutError:
            return {"commands": [], "status": "pending", "text": "It was sent; the devices have not answered yet."}
        finally:
            answered.cancel()

    def _as_shown(self, device: Device) -> JsonObject:
        presence = self._hub.inventory.presence(device.id)
        room = self._hub.rooms.by_id.get(device.room_id) if device.room_id else None
        return {
            "id": device.id,
            "name": device.name,
            "room": room.name if room else None,
            "room_id": device.room_id,
            "brand": device.brand,
            "model": device.model,
            "device_type": device.device_type.value,
            "protocol": device.protocol.value if device.protocol else None,
            "dialect": device.origin.dialect,
            "availability": _availability(connectivity(presence)),
            "last_seen_at": _iso(presence.last_seen_at),
            "battery_level": presence.battery_level,
            "signal_strength": presence.signal_strength,
            "entities": [entity_as_shown(entity, self._hub.states.state(entity.id)) for entity in device.entities],
        }

    def _device_named(self, name: str) -> Device:
        device = self._hub.inventory.device(DeviceId(name))
        if device is not None:
            return device
        wanted = _plain(name)
        found = [each for each in self._hub.inventory.devices() if _plain(each.name) == wanted]
        if len(found) == 1:
            return found[0]
        if found:
            raise NotFound(f"There are {len(found)} devices named '{name}'; use the id.")
        raise NotFound(f"There is no device '{name}'. List them with: nexa-hub devices")

    def _entities_of(self, name: str) -> Sequence[Entity]:
        entity = self._hub.inventory.entity(EntityId(name))
        if entity is not None:
            return [entity]
        with contextlib.suppress(NotFound):
            return self._device_named(name).entities
        found = [
            entity
            for device in self._hub.inventory.devices()
            for entity in device.entities
            if _plain(entity.id.partition(".")[2]) == _plain(name)
        ]
        if not found:
            raise NotFound(f"There is no device or entity '{name}'. List them with: nexa-hub devices")
        return found

    def _entities_named(self, name: str, action: str) -> list[EntityId]:
        if self._hub.states.state(EntityId(name)) is not None:
            return [EntityId(name)]
        domain = action.partition(".")[0]
        entities = [entity for entity in self._entities_of(name) if domain in {entity.domain, "homeassistant"}]
        if not entities:
            raise NotPossible(f"'{name}' has nothing that knows {action}.")
        return [entity.id for entity in entities]

    def _settable(self, name: str, values: Mapping[str, JsonValue]) -> Entity:
        """The entity of that name which knows all of the capabilities."""
        entities = self._entities_of(name)
        writable = [entity for entity in entities if any("w" in each.access for each in entity.capabilities.values())]
        fitting = [entity for entity in writable if values.keys() - {"transition"} <= entity.capabilities.keys()]
        if fitting:
            return min(fitting, key=lambda entity: (entity.category is not None, entity.id))
        known = sorted({key for entity in writable for key, each in entity.capabilities.items() if "w" in each.access})
        wrong = ", ".join(sorted(values))
        raise NotPossible(f"'{name}' cannot set {wrong}; it knows: {', '.join(known) or 'nothing that can be set'}.")

    def _automation_named(self, name: str) -> str:
        known = self._hub.automations.described()
        for key in ("id", "entity_id"):
            for each in known:
                if each[key] == name:
                    return str(each["id"])
        found = [each for each in known if _plain(str(each["name"])) == _plain(name)]
        if len(found) > 1:
            raise NotFound(f"There are {len(found)} automations named '{name}'; use the id.")
        if found:
            return str(found[0]["id"])
        near = _near(name, [str(each["name"]) for each in known])
        hint = f"Did you mean {near}?" if near else "List them with: nexa-hub automations list"
        raise NotFound(f"There is no automation '{name}'. {hint}")

    def _scenes(self) -> list[JsonObject]:
        shown: list[JsonObject] = []
        for scene in self._hub.scenes.scenes():
            definition = self._hub.definitions.get("scene", scene.row_id) if scene.row_id else None
            if definition is None or scene.row_id is None:
                continue
            history = self._hub.scenes.history(scene.row_id)
            shown.append(
                {
                    "id": scene.row_id,
                    "entity_id": scene.entity_id,
                    "name": scene.name,
                    "room_id": definition.fields.get("room_id"),
                    "description": definition.fields.get("description"),
                    "icon": definition.fields.get("icon"),
                    "color": definition.fields.get("color"),
                    "devices": len({wish.device_key for wish in scene.desired}),
                    "status": self._hub.definitions.status("scene", scene.row_id),
                    "copies": [*self._hub.stored_scenes.of(scene.row_id)],
                    "last_activated_at": _iso(history.last_activated_at),
                    "last_status": history.last_status,
                    "activation_count": history.activation_count,
                }
            )
        return sorted(shown, key=lambda scene: str(scene["name"]).casefold())

    def _scene_named(self, name: str) -> str:
        scenes = self._scenes()
        for wanted_key in ("id", "entity_id"):
            for scene in scenes:
                if scene.get(wanted_key) == name:
                    return str(scene["id"])
        found = [scene for scene in scenes if _plain(str(scene["name"])) == _plain(name)]
        if len(found) == 1:
            return str(found[0]["id"])
        known = ", ".join(f"'{scene['name']}'" for scene in scenes) or "none yet"
        raise NotFound(f"There is no scene '{name}'. This home has: {known}.")


def _plain(name: str) -> str:
    return name.strip().casefold().replace(" ", "_")


def _near(name: str, names: Sequence[str]) -> str:
    """Names that may have been meant: spelled alike, or holding what was said."""
    by_plain = {_plain(each): each for each in names}
    close = get_close_matches(_plain(name), by_plain, NEAR_MAX, 0.6)
    close += [each for each in by_plain if _plain(name) in each and each not in close]
    return " or ".join(f"'{by_plain[each]}'" for each in close[:NEAR_MAX])


def _availability(status: str) -> str:
    return {"online": "available", "offline": "unavailable"}.get(status, "unknown")


def _iso(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None


def _memory_bytes() -> int:
    """The process's resident memory; its peak where /proc is missing."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _run_as_shown(body: JsonObject) -> JsonObject:
    return {
        "id": body.get("run_id"),
        "automation_id": body.get("automation_id"),
        "automation": body.get("automation"),
        "status": body.get("status"),
        "started_at": body.get("started_at"),
        "completed_at": body.get("completed_at"),
        "duration_ms": body.get("duration_ms"),
        "triggered_by": body.get("triggered_by"),
        "trigger": body.get("trigger"),
    }
