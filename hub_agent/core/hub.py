"""The core as one state machine: it knows all rooms and carries what one yields to the others.

What happens inside (a call, an event, a changed state) is routed at once, so that one input gives all of its effects in one answer.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeAlias

from hub_agent.core.activity.deeds import Deeds
from hub_agent.core.announced import announced_command
from hub_agent.core.asked import Asked
from hub_agent.core.auditing import Audit
from hub_agent.core.automation.checking.room import Checks
from hub_agent.core.automation.engine import AGAIN, Automations
from hub_agent.core.automation.told_events import call_made
from hub_agent.core.cloud_commands import CloudCommands
from hub_agent.core.commands import Commands
from hub_agent.core.device_fields import present_of, update_entities
from hub_agent.core.device_groups import DeviceGroups
from hub_agent.core.devices import Devices
from hub_agent.core.discovery import Discovery
from hub_agent.core.dispatching import Dispatch
from hub_agent.core.given import Given
from hub_agent.core.helpers import Helpers
from hub_agent.core.inventory import Inventory
from hub_agent.core.lapses import Lapses
from hub_agent.core.not_understood import Misunderstandings
from hub_agent.core.notices import Notices
from hub_agent.core.outside import Outside
from hub_agent.core.place import placed
from hub_agent.core.rooms import Rooms
from hub_agent.core.scenes import Scenes
from hub_agent.core.scenes.stored import StoredScenes
from hub_agent.core.security import Ways
from hub_agent.core.self_made import SelfMade, is_self_made
from hub_agent.core.services import DeviceServices, Services
from hub_agent.core.set_aside import SetAside
from hub_agent.core.states import States
from hub_agent.core.sync.definitions import DefinitionChanged, Definitions
from hub_agent.core.watched import monitoring_of, seen_of
from hub_agent.core.what_checks_see import WhatChecksSee
from hub_agent.core.what_templates_see import WhatTemplatesSee
from hub_agent.core.zones_and_sun import ZonesAndSun
from hub_agent.model.action import Call, CallAnswered, Command, CommandSettled
from hub_agent.model.automation import Place
from hub_agent.model.definition import Definition, Former
from hub_agent.model.device import Advertisement, Device, Origin
from hub_agent.model.effects import (
    Announce,
    Answer,
    AppendCase,
    CallOutside,
    Effect,
    IssueCleared,
    IssueRaised,
    SaveTrace,
    SendCommand,
    Warn,
)
from hub_agent.model.healing import Noticed, Passed
from hub_agent.model.ids import AutomationId, DeviceId, EntityId, HomeId, NewId, RoomId, SceneId
from hub_agent.model.inputs import (
    BrokerConnected,
    BrokerLost,
    CallRequested,
    ClockStepped,
    CloudCommand,
    CommandNotSent,
    CommandSent,
    ConflictDecided,
    DefinitionArrived,
    DefinitionsForgotten,
    DefinitionTaken,
    DeviceEdited,
    EventFired,
    Input,
    LostAnswered,
    OfMonitors,
    PeerForgotten,
    PeerWanted,
    RemedyAnswered,
    RemedyWanted,
    RepairWanted,
    RoomEdited,
    ScenePressed,
    StateRemoved,
    StateSet,
    TopicHeard,
    WebhookCalled,
)
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import DialectTroubled, LinkChanged, LinkStatus, PeerFound, PeerGone
from hub_agent.model.report import (
    AvailabilityReported,
    DeviceGone,
    EntityGone,
    Inquire,
    Refused,
    Rejected,
    Reported,
    Restarted,
    SceneNotKept,
    ScenesKept,
    Subscribe,
    Unsubscribe,
)
from hub_agent.model.scene import SceneEnded, SceneKeeper, SceneSettled
from hub_agent.model.state import EntityState, StateChanged

# Everything that one input may set off inside before it counts as a loop of rules that trigger each other; at the start, what each rule may.
CASCADE_MAX = 10_000
CASCADE_OF_EACH_MAX = 10

# Presences are kept now and then; what was observed comes back with the next report anyway.
PRESENCE_EVERY = timedelta(minutes=5)


class Timed(Protocol):
    """What all rooms have in common that do something when it is time."""

    def get_timer(self) -> datetime | None: ...

    def handle_timer(self, now: datetime) -> Sequence[Given]: ...


# Effects that somebody here looks at before they leave.
NOTED = frozenset({SendCommand, Answer, SaveTrace, IssueRaised, IssueCleared, AppendCase})

Taker: TypeAlias = Callable[[Any, datetime], Iterable[Given]]


class Hub:
    """Fills runtime.loop.Decider."""

    def __init__(
        self,
        *,
        home_id: HomeId,
        place: Place,
        new_id: NewId,
        services: Services | None = None,
        outside: Mapping[str, JsonObject] | None = None,
        channels: Mapping[str, str] | None = None,
        brings: Callable[[EntityId], bool] | None = None,
        keepers: Mapping[str, SceneKeeper] | None = None,
        are_copies_wanted: bool = True,
        ways: Ways | None = None,
    ) -> None:
        """`outside`: the commands that the settings allow, see core.outside. `channels`: where messages may go, each with its kind, see core.channels.

        `brings`: which zones there are, and whether the sun; all if it is not said. `keepers`: dialects whose bridges may keep copies of scenes.
        `ways`: what of the hub itself can be reached, and whether it looks at its home, see core.security.
        """
        self.home_id = home_id
        self.home_name = "Home"
        self.place = place
        self.states = States()
        self.inventory = Inventory(home_id)
        self.discovery = Discovery(self.inventory.is_served_otherwise)
        self.commands = Commands(new_id)
        self.definitions = Definitions()
        self.set_aside = SetAside()
        self.rooms = Rooms(home_id, self.definitions)
        self.misunderstandings = Misunderstandings()
        self.notices = Notices(home_id, new_id, channels or {})
        self.seen_by_monitors = seen_of(self)
        self.monitoring = monitoring_of(self, self.seen_by_monitors, self._device_of, ways or Ways(), new_id)
        self.zones_and_sun = ZonesAndSun(self.states, place, brings)
        self.helpers = Helpers(lambda: self.place.time_zone, self.zones_and_sun)
        self.device_groups = DeviceGroups(self.inventory, self.helpers)
        self.devices = Devices(
            states=self.states,
            inventory=self.inventory,
            commands=self.commands,
            monitoring=self.monitoring,
            definitions=self.definitions,
            rooms=self.rooms,
            self_made=SelfMade(self.inventory, self.helpers),
            new_id=new_id,
        )
        self.lapses = Lapses(self._tell)
        registry = WhatTemplatesSee(self.inventory, self.rooms)
        self.automations = Automations(self.states, new_id, place, self.devices.entities_of, registry)
        self.stored_scenes = StoredScenes(self.inventory, keepers or {}, is_wanted=are_copies_wanted)
        self.scenes = Scenes(self.states, new_id, self._name_of, self.stored_scenes.recalls)
        seen = WhatChecksSee(self.states, self.inventory, self.rooms)
        self.checks = Checks(seen, self.automations.rules, self.automations.chains, new_id)
        asked = Outside(outside or {}, self.automations.render)
        own = DeviceServices(self.inventory, self.states, self.commands, asked, self.notices)
        self._dispatch = Dispatch(
            automations=self.automations,
            scenes=self.scenes,
            helpers=self.helpers,
            services=services or own,
            inventory=self.inventory,
            states=self.states,
        )
        self._asked = Asked()
        audit = Audit(home_id, self.definitions, self._device_with)
        self._deeds = Deeds(audit, self.monitoring.activity, self.definitions, self._name_of)
        self._cloud_commands = CloudCommands(
            self.automations.entity_id_of, self.monitoring.alerting.answer, self.monitoring.healing.handle_answer
        )
        self._presence_due_at: datetime | None = None
        # In the order in which they are asked what is due.
        self._timed: tuple[Timed, ...] = (
            self.commands,
            self.zones_and_sun,
            self.helpers,
            self.automations,
            self.scenes,
            self.stored_scenes,
            self.monitoring,
            self.devices.first_look,
            self.lapses,
            self.checks,
            self.discovery,
        )
        # By the kind itself: asked one after another whether it is this or that takes long where so much passes.
        self._taker_by_kind: Mapping[type, Taker] = {
            StateChanged: self._state_changed,
            Call: self._call,
            CallAnswered: self._call_answered,
            CommandSettled: self._settled,
            EventFired: self.automations.handle,
            SceneSettled: self.automations.handle,
            SceneEnded: self.monitoring.activity.scene_ended,
            StateSet: self.devices.set_state,
            StateRemoved: lambda removed, now: self.devices.state_removed(removed.entity_id, now),
            DefinitionChanged: lambda changed, now: self.set_aside.take(changed, self._define, now),
            DefinitionArrived: self._take,
            Noticed: self.monitoring.noticed,
            Passed: self.monitoring.passed,
        }

    # Starting.

    def restore(
        self,
        *,
        devices: Iterable[Device],
        states: Mapping[str, EntityState],
        saved: Mapping[str, Mapping[str, JsonObject]],
        commands: Sequence[Command],
        definitions: Iterable[Definition],
        cloud_commands_done: Iterable[str],
        last_alive_at: datetime | None,
        now: datetime,
        suspects: Iterable[Former] = (),
    ) -> list[Effect]:
        """Takes up what the mirror remembers, and goes on where it was. `suspects`: see core/set_aside.py."""
        self.states.restore(states)
        self.inventory.restore(devices, saved.get("inventory", {}))
        self.definitions.restore(definitions, saved)
        self._presence_due_at = now + PRESENCE_EVERY
        given: list[Given] = [*self.discovery.restore(saved.get("discovery", {}))]
        given += self.set_aside.restore(saved.get("set_aside", {}), now)
        given += self.set_aside.suspect(suspects, now)
        for device in self.inventory.devices():
            # Every entity has a state, from the first moment on; what is not known is `unknown`.
            self.devices.make_known(device, now)
        for kind in ("home", "room", "scene", "automation"):
            for definition in self.definitions.of_kind(kind):
                given += self.set_aside.load(definition, self._define, now)
        given += self.zones_and_sun.begin(saved.get("zones_and_sun", {}), now)
        self.helpers.restore(saved.get("helpers", {}))
        self.notices.restore(saved.get("notices", {}))
        for definition in self.definitions.of_kind("device"):
            running = self.set_aside.running(definition)
            if running is not None and is_self_made(running):
                given += self.devices.define_self_made(running, now, is_start=True)
        self.device_groups.restore(saved.get("device_groups", {}))
        for definition in self.definitions.of_kind("device_group"):
            given += self.set_aside.load(definition, self._define, now)
        given += self.commands.restore(commands, now)
        self.stored_scenes.restore(saved.get("stored_scenes", {}), now)
        given += self.scenes.restore(saved.get("scenes", {}), now)
        watched_by = (each for kind in sorted(self.monitoring.kinds) for each in self.definitions.of_kind(kind))
        given += self.monitoring.restore(saved, watched_by, now)
        given += self.automations.restore(saved.get("automation", {}), now, last_alive_at)
        self.checks.restore(saved.get("checks", {}))
        self.lapses.restore(saved.get("lapses", {}), now)
        under_way = saved.get("cloud_commands", {})
        given += self._cloud_commands.restore(cloud_commands_done, under_way, self.scenes.is_under_way)
        return self._route(given, now)

    def start(self, now: datetime) -> list[Effect]:
        """The home is live: the hub and its broker become devices, time triggers are armed, `start` triggers fire."""
        given: list[Given] = [*self.devices.advertise_self(now), *self.automations.appear(now)]
        appeared = self._route(given, now)
        started: list[Given] = [*self.automations.start(now)]
        self.checks.start(now)
        return [*appeared, *self._route(started, now)]

    # What rooms may know of the home.

    def _name_of(self, device_id: DeviceId) -> str | None:
        device = self.inventory.device(device_id)
        return device.name if device else None

    def _device_of(self, entity_id: EntityId) -> Device | None:
        device_id = self._device_with(entity_id)
        return None if device_id is None else self.inventory.device(device_id)

    def _device_with(self, entity_id: EntityId) -> DeviceId | None:
        entity = self.inventory.entity(entity_id)
        return entity.device_id if entity else None

    def stop(self, now: datetime) -> list[Effect]:
        """The hub is about to stop: `shutdown` triggers fire."""
        return self._route([*self.automations.stop(now), *self.monitoring.handle_stop(now)], now)

    # Inputs.

    @property
    def listens_to_topics(self) -> bool:
        return self.automations.listens_to_topics

    def handle(self, happened: Input, now: datetime) -> list[Effect]:
        if isinstance(happened, Reported):
            ended = self.lapses.handle(happened, now)
            reported = self.devices.report(happened, now)
            return self._route([*ended, *reported] if ended else reported, now)
        told = self._deeds.before(happened, now)
        return [*self._route(self._take(happened, now), now), *told]

    def get_timer(self) -> datetime | None:
        soonest = self._presence_due_at
        for room in self._timed:
            due = room.get_timer()
            if due is not None and (soonest is None or due < soonest):
                soonest = due
        return soonest

    def handle_timer(self, now: datetime) -> list[Effect]:
        given: list[Given] = []
        for room in self._timed:
            due = room.get_timer()
            if due is not None and due <= now:
                given += room.handle_timer(now)
        if self._presence_due_at is not None and self._presence_due_at <= now:
            self._presence_due_at = now + PRESENCE_EVERY
            given.append(self.inventory.presences())
            given += self.misunderstandings.calmed(now)
            for subject, last_word in self.inventory.calmed(now):
                given += [IssueCleared("device_flooding", subject), *self.devices.advertised(last_word, now)]
        return self._route(given, now)

    def present(self) -> JsonObject:
        """What is so now, for the cloud: an upsert, never a version."""
        devices: dict[str, JsonValue] = {
            device.id: present_of(device, self.inventory.presence(device.id), self._updates_of(device))
            | self.monitoring.present_of(device.id)
            for device in self.inventory.devices()
        }
        automations = self.checks.with_health(self.automations.present())
        return {
            "devices": devices,
            "automations": automations,
            "scenes": self.scenes.present(),
            "copies": self.stored_scenes.present(),
            "network_access_rules": self.monitoring.security.present_of_rules(),
        }

    def _updates_of(self, device: Device) -> dict[EntityId, EntityState]:
        states = {each: self.states.state(each) for each in update_entities(device)}
        return {each: state for each, state in states.items() if state is not None}

    def _tell(self, told: Reported | AvailabilityReported, now: datetime) -> Sequence[Given]:
        return self.devices.report(told, now) if isinstance(told, Reported) else self.devices.availability(told, now)

    # Each input.

    def _take(self, happened: Input, now: datetime) -> Sequence[Given]:
        if (take := self.monitoring.taker_by_input.get(type(happened))) is not None:
            return take(happened, now)
        if isinstance(happened, OfMonitors):
            return []  # whose monitor is not there
        match happened:
            case StateSet(entity_id) | StateRemoved(entity_id) if self.zones_and_sun.is_own(entity_id):
                return [*self.zones_and_sun.give_up(entity_id), happened]
            case StateSet() | StateRemoved() | EventFired() | CallAnswered():
                return [happened]
            case Advertisement():
                given = self.devices.advertised(happened, now)
                if given and (known := self.inventory.find(happened.origin)) is not None:
                    self.stored_scenes.handle_device(known.device, now)
                    return [*given, *self.device_groups.device_changed(known.device.id, now)]
                return given
            case AvailabilityReported():
                return self.devices.availability(happened, now)
            case Refused():
                return self.devices.refused(happened, now)
            case ScenesKept(origin) | SceneNotKept(origin):
                return self._copies_told(happened, origin, now)
            case DeviceGone(origin):
                return self._gone(origin, None, now)
            case EntityGone(origin, key):
                return self._gone(origin, key, now)
            case Rejected():
                return [*self.misunderstandings.handle(happened, now), *self.devices.rejected(happened, now)]
            case CommandSent():
                return self.commands.handle_sent(happened, now)
            case CommandNotSent():
                return self.commands.handle_not_sent(happened, now)
            case TopicHeard() | WebhookCalled():
                return self.automations.handle(happened, now)
            case CallRequested(call):
                self._asked.expect(call.id)
                return [call]
            case ScenePressed():
                return self.scenes.press(happened, now)
            case DefinitionArrived(definition, True):
                return self.definitions.arrived(definition, now, happened.disputed)
            case DefinitionArrived(definition):
                return self._edited(definition, now)
            case ConflictDecided():
                return self.definitions.decide(
                    happened.kind, happened.id, happened.is_for_hub_by_field, now, by=happened.by
                )
            case LostAnswered():
                return self._lost_answered(happened, now)
            case DefinitionTaken():
                return self.definitions.taken(happened, now)
            case DefinitionsForgotten(keys):
                return self.definitions.forgotten(keys)
            case DeviceEdited():
                return self.devices.edit(happened, now)
            case RepairWanted():
                return self._repair(happened, now)
            case RoomEdited(room):
                return self.rooms.edit(room, now)
            case CloudCommand():
                return self._cloud_command(happened, now)
            case BrokerConnected():
                return self._broker_connected(now)
            case BrokerLost(reason):
                return self._broker_lost(reason, now)
            case PeerFound():
                return self.discovery.handle_found(happened, now)
            case PeerGone():
                return self.discovery.handle_gone(happened, now)
            case LinkChanged():
                return self._link_changed(happened, now)
            case DialectTroubled(dialect, reason) if reason is not None:
                return [IssueRaised(Issue("dialect_troubled", dialect, now, {"dialect": dialect, "reason": reason}))]
            case DialectTroubled(dialect):
                return [IssueCleared("dialect_troubled", dialect)]
            case PeerWanted():
                return self.discovery.want(happened)
            case PeerForgotten():
                return self.discovery.forget(happened)
            case ClockStepped(by):
                return self._clock_stepped(happened, by, now)
            case Subscribe() | Unsubscribe() | Inquire() | Reported() | Restarted() | RemedyAnswered() | RemedyWanted():
                return []  # taken above, or nothing for this room

    def _gone(self, origin: Origin, key: str | None, now: datetime) -> Sequence[Given]:
        known = self.inventory.find(origin)
        given = self.devices.gone(origin, key, now)
        return given if known is None else [*given, *self.device_groups.device_changed(known.device.id, now)]

    # The broker and the clock.

    def _broker_connected(self, now: datetime) -> list[Given]:
        given: list[Given] = [*self.commands.handle_connected(now)]
        given += self.monitoring.handle_connected(now)
        given += self.devices.broker_availability(now, is_available=True)
        return given

    def _broker_lost(self, reason: str, now: datetime) -> list[Given]:
        away = self.devices.broker_availability(now, is_available=False, reason=reason)
        return [*away, *self.monitoring.handle_disconnected(now)]

    def _link_changed(self, changed: LinkChanged, now: datetime) -> list[Given]:
        given: list[Given] = [*self.discovery.handle_link(changed, now)]
        given += self.devices.link_changed(changed, now)
        if changed.status is LinkStatus.UP:
            given += self.commands.handle_connected(now)
        return given

    def _copies_told(self, told: ScenesKept | SceneNotKept, origin: Origin, now: datetime) -> Sequence[Given]:
        known = self.inventory.find(origin)
        if known is None:
            return []
        if isinstance(told, ScenesKept):
            return self.stored_scenes.handle_kept(told, known.device, now)
        return self.stored_scenes.handle_not_kept(told, known.device, now)

    def _clock_stepped(self, stepped: ClockStepped, by: timedelta, now: datetime) -> list[Given]:
        given: list[Given] = [*self.commands.handle_clock_step(by)]
        given += self.zones_and_sun.handle_clock_step(now)
        given += self.helpers.handle_clock_step(by, now)
        given += self.automations.handle(stepped, now)
        self.scenes.handle_clock_step(by)
        self.stored_scenes.handle_clock_step(by)
        self.devices.first_look.handle_clock_step(by)
        self.lapses.handle_clock_step(by)
        self.monitoring.handle_clock_step(by)
        self.checks.handle_clock_step(by)
        self.discovery.handle_clock_step(by)
        if self._presence_due_at is not None:
            self._presence_due_at += by
        return given

    # Definitions.

    def _edited(self, definition: Definition, now: datetime) -> Sequence[Given]:
        if definition.is_deleted:
            return self.definitions.delete(definition.kind, definition.id, now)
        by = definition.modified_by
        return self.definitions.edit(definition.kind, definition.id, definition.fields, now, by=by)

    def _lost_answered(self, answered: LostAnswered, now: datetime) -> Sequence[Given]:
        wanted = (answered.kind, answered.id, answered.field, answered.at)
        for lost in self.definitions.lost.all():
            if (lost.kind, lost.id, lost.field, lost.at) == wanted:
                return self.definitions.answer_lost(lost, now, is_put_back=answered.is_put_back, by=answered.by)
        return []

    def _repair(self, wanted: RepairWanted, now: datetime) -> list[Given]:
        """An edit like any other; the next look at the rule says whether it has helped."""
        fields, new_by_old = self.checks.repair(wanted.automation_id, now)
        given: list[Given] = [*self.definitions.edit("automation", wanted.automation_id, fields, now)] if fields else []
        replaced: list[JsonValue] = [{"replaced": old, "by": new} for old, new in sorted(new_by_old.items())]
        return [*given, Answer(wanted.request_id, {"automation_id": wanted.automation_id, "repaired": replaced})]

    def _define(self, changed: DefinitionChanged, now: datetime) -> Sequence[Given]:
        """Another definition holds from now on: the room that lives by it is told."""
        if changed.kind in self.monitoring.kinds:
            watched = self.monitoring.handle_definition(changed.kind, changed.id, changed.definition, now)
            return [*self._define_here(changed, now), *watched]
        return self._define_here(changed, now)

    def _define_here(self, changed: DefinitionChanged, now: datetime) -> Sequence[Given]:
        definition = changed.definition
        match changed.kind:
            case "home":
                return self._define_home(definition, now)
            case "room":
                return self.rooms.define(RoomId(changed.id), definition)
            case "device":
                defined = self.devices.define(DeviceId(changed.id), definition, now)
                return [*defined, *self.device_groups.device_changed(DeviceId(changed.id), now)]
            case "device_group":
                return self.device_groups.define(changed.id, definition, now)
            case "scene" if definition is None:
                self.stored_scenes.unload(SceneId(changed.id), now)
                gone = Announce("scene", {"id": changed.id, "is_gone": True})
                return [*self.scenes.unload(SceneId(changed.id), now), gone]
            case "scene":
                assert definition is not None  # the case above took the rest
                loaded = self.scenes.load(definition, now)
                if (scene := self.scenes.scene(SceneId(changed.id))) is not None:
                    self.stored_scenes.load(scene, now)
                return [*loaded, Announce("scene", {"id": changed.id, "name": definition.fields.get("name")})]
            case "automation" if definition is None:
                return [*self.automations.unload(AutomationId(changed.id), now), *self.checks.forget(changed.id)]
            case "automation":
                assert definition is not None  # the case above took the rest
                self.checks.changed(changed.id, now)
                sun = self.zones_and_sun.note_rule(definition.fields, now)
                return [*sun, *self.automations.load(definition, now)]
        return []

    def _define_home(self, definition: Definition | None, now: datetime) -> Sequence[Given]:
        if definition is None:
            return []
        self.home_name = str(definition.fields.get("name") or self.home_name)
        self.place = placed(self.place, definition.fields)
        given: list[Given] = [*self.zones_and_sun.set_home(self.place, definition.fields, now)]
        given += self.automations.set_home(self.place, now)
        given += self.helpers.handle_home(now)
        return [*given, Announce("home", {"name": self.home_name})]

    def _cloud_command(self, command: CloudCommand, now: datetime) -> list[Given]:
        given: list[Given] = []
        for each in self._cloud_commands.take(command, now):
            if isinstance(each, ScenePressed | CallRequested | DefinitionArrived | OfMonitors):
                given += self._take(each, now)
                continue
            if isinstance(each, CallOutside):
                self._asked.expect(each.call.id)
            given.append(each)
        return given

    # Routing.

    def _route(self, given: Iterable[Given], now: datetime) -> list[Effect]:
        effects: list[Effect] = []
        takers = self._taker_by_kind
        # Grows while it is gone through: what one yields comes behind what waits already.
        waiting = list(given)
        steps_max = max(CASCADE_MAX, len(waiting) * CASCADE_OF_EACH_MAX)
        for each in waiting:
            kind = type(each)
            take = takers.get(kind)
            if take is None:
                if kind in NOTED:
                    waiting += self._leave(each, effects, now)
                else:
                    effects.append(each)  # type: ignore[arg-type]  # what nobody takes is an effect
                continue
            waiting += take(each, now)
            if len(waiting) > steps_max:
                text = f"One input set off more than {steps_max} steps: automations seem to trigger each other. The rest was dropped."
                effects.append(Warn("cascade", text))
                for told in self.automations.stop_loops(now):
                    self._leave(told, effects, now)
                break
        # Runs that wait for an answer from outside; those answered meanwhile need not be kept.
        effects += self.automations.unsaved()
        return effects

    def _leave(self, each: Any, effects: list[Effect], now: datetime) -> Sequence[Given]:
        """What leaves is looked at by those whom it concerns; they may have something to say to it."""
        match each:
            case SaveTrace():  # most of them
                self.checks.note_trace(each)
                effects.append(each)
                return self.monitoring.activity.of_trace(each, now)
            case SendCommand(command):
                self._asked.note_command(command)
                effects.append(each)
            case Answer() if each.request_id in self._cloud_commands:
                effects += self._cloud_commands.end(each)
            case IssueRaised(issue):
                self.checks.note_issue(issue)
                effects.append(each)
                return self.monitoring.handle_issue(each, now)
            case IssueCleared():
                effects.append(each)
                return self.monitoring.handle_issue(each, now)
            case AppendCase() if self.monitoring.alerting.adopts(each):
                return self.monitoring.alerting.adopt(each, now)
            case AppendCase():
                effects.append(each)
                return self.monitoring.handle_case(each, now)
            case _:
                effects.append(each)
        return ()

    def _state_changed(self, changed: StateChanged, now: datetime) -> Sequence[Given]:
        self.checks.note_change(changed, now)
        followed: Sequence[Given] = self.helpers.handle_state(changed, now)
        if changed.entity_id.startswith("person."):
            followed = [*followed, *self.zones_and_sun.people_moved()]
        noticed = self.monitoring.handle_change(changed, now)
        given = self.automations.handle(changed, now)
        return [*followed, *noticed, *given] if followed or noticed else given

    def _call(self, call: Call, now: datetime) -> Sequence[Given]:
        if self.automations.listens_to_calls and call.action != AGAIN:
            return [call_made(call), *self._dispatch.dispatch(call, now)]
        return self._dispatch.dispatch(call, now)

    def _call_answered(self, answered: CallAnswered, now: datetime) -> Sequence[Given]:
        if answered.call_id in self._asked:
            return self._asked.handle_answered(answered)
        if answered.call_id in self.notices:
            return self.notices.handle_answered(answered, now)
        if (watched := self.monitoring.handle_answered(answered, now)) is not None:
            return watched
        of_scenes = self.scenes.handle_answered(answered, now)
        given = self.automations.handle(answered, now)
        return [*given, *of_scenes] if of_scenes else given

    def _settled(self, settled: CommandSettled, now: datetime) -> list[Given]:
        command = settled.command
        device = self.inventory.device(command.device_id)
        given: list[Given] = [announced_command(settled)]
        given += self.devices.assume(command, now) if settled.outcome == "sent" else []
        given += self.monitoring.handle_settled(settled, device, now)
        if command.call_id in self._asked:
            return [*given, *self._asked.handle_settled(settled)]
        given += self.automations.handle(settled, now)
        given += self.scenes.handle_settled(settled, now)
        return given
