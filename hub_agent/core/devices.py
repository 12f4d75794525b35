"""The devices of the home: met, described, reporting, available or gone; and the rows people edit.

Everything that makes or ends a device, or changes a state of one, goes through here; the records and announcements of a change are made
in one place.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from hub_agent.core.announced import announced_state
from hub_agent.core.automation.registry import room_called
from hub_agent.core.commands import Commands
from hub_agent.core.device_fields import connectivity, definition_fields
from hub_agent.core.expectation import assumed_after
from hub_agent.core.first_look import FirstLook
from hub_agent.core.given import Given
from hub_agent.core.inventory import Inventory, Known
from hub_agent.core.joining import with_entities
from hub_agent.core.monitoring import Monitoring
from hub_agent.core.rooms import Rooms
from hub_agent.core.self_made import DIALECT, SelfMade, is_self_made
from hub_agent.core.states import States
from hub_agent.core.sync.definitions import DefinitionChanged, Definitions
from hub_agent.core.telemetry import records_of
from hub_agent.model.action import Command
from hub_agent.model.definition import Definition
from hub_agent.model.device import BROKER_ORIGIN, HUB_ORIGIN, Advertisement, Alias, Device, DeviceType, Entity, Origin
from hub_agent.model.effects import Announce, Durability, IssueCleared, IssueRaised, SaveDevice, Warn
from hub_agent.model.healing import Symptom
from hub_agent.model.ids import DeviceId, EntityId, NewId, RoomId
from hub_agent.model.inputs import DeviceEdited, StateSet
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonValue
from hub_agent.model.link import LinkChanged, LinkStatus
from hub_agent.model.report import AvailabilityReported, Refused, Rejected, Reported
from hub_agent.model.state import UNAVAILABLE, UNKNOWN, StateChanged


class Devices:
    def __init__(
        self,
        *,
        states: States,
        inventory: Inventory,
        commands: Commands,
        monitoring: Monitoring,
        definitions: Definitions,
        rooms: Rooms,
        self_made: SelfMade,
        new_id: NewId,
    ) -> None:
        self._states = states
        self._inventory = inventory
        self._commands = commands
        self._monitoring = monitoring
        self._definitions = definitions
        self._rooms = rooms
        self._self_made = self_made
        self._new_id = new_id
        self.first_look = FirstLook()
        self._broker_away_since: datetime | None = None

    # Reports.

    def report(self, report: Reported, now: datetime) -> Sequence[Given]:
        known = self._inventory.find(report.origin)
        if known is None:
            return []
        given: list[Given] = []
        changes: list[tuple[Entity, StateChanged]] = []
        for said in report.entities:
            entity = known.entity_by_key.get(said.key)
            if entity is None:
                continue
            state_text = now.isoformat() if entity.domain == "event" and said.state is None else said.state
            is_pending = self._commands.has_pending(entity.id)
            cause = self._commands.cause_of(entity.id) if is_pending else None
            attributes = said.attributes
            if entity.domain == "media_player":
                attributes = with_entities(attributes, report.origin.dialect, self._inventory)
            change = self._states.report(entity.id, state_text, attributes, now, cause)
            if change is not None:
                changes.append((entity, change))
            if is_pending and not report.retained and (state := self._states.state(entity.id)) is not None:
                given += self._commands.handle_state(entity.id, state, now)
        if not report.retained:
            self.first_look.forget(known.device.id)
            self._inventory.see(known.device, report.observed, now)
            given += self._monitoring.handle_report(known.device, now)
        if changes:
            given += self._changed(known.device, changes)
        return given

    def _changed(self, device: Device, changes: list[tuple[Entity, StateChanged]]) -> list[Given]:
        given: list[Given] = [*records_of(device, changes, self._new_id)]
        for _, change in changes:
            given += (announced_state(change), change)
        return given

    def availability(self, said: AvailabilityReported, now: datetime) -> Sequence[Given]:
        known = self._inventory.find(said.origin)
        if known is None:
            return []
        if said.key is not None:
            entities = [entity for entity in known.device.entities if entity.key == said.key]
            return self._set_available(known.device, entities, is_available=said.is_available, now=now)
        self._inventory.set_available(known.device.id, is_available=said.is_available)
        given: list[Given] = []
        for device in (known.device, *self._inventory.children_of(known.device.id)):
            presence = self._inventory.presence(device.id)
            is_available = presence.is_available is not False
            given += self._set_available(device, device.entities, is_available=is_available, now=now)
            if is_available:
                # A bridge that has lost its memory says nothing of its devices until somebody asks.
                self._look_if_unknown(device, now)
            given.append(Announce("device", {"id": device.id, "availability": connectivity(presence)}))
        given += self._monitoring.handle_availability(known.device, now, is_available=said.is_available)
        return given

    def refused(self, said: Refused, now: datetime) -> list[Given]:
        """What was asked of it fails with its own words. Where nobody waits for an answer, they are in the log."""
        known = self._inventory.find(said.origin)
        if known is None:
            return []
        meant = [entity.id for entity in known.device.entities if not said.keys or entity.key in said.keys]
        complained = self._monitoring.handle_complaint(said, known.device, now)
        given: list[Given] = [*self._commands.handle_refused(meant, said.reason, now)]
        given = given or [Warn(f"refused:{known.device.id}", f"{known.device.name}: {said.reason}")]
        return [*given, *complained]

    def rejected(self, said: Rejected, now: datetime) -> Sequence[Given]:
        known = None if said.origin is None else self._inventory.find(said.origin)
        return () if known is None else self._monitoring.handle_complaint(said, known.device, now)

    def link_changed(self, changed: LinkChanged, now: datetime) -> list[Given]:
        """Nobody behind a link that is lost can be reached. A peer that only sleeps can be, in its time."""
        if changed.status in {LinkStatus.CONNECTING, LinkStatus.ASLEEP}:
            return []
        is_up = changed.status is LinkStatus.UP
        reached = {
            device.id: device
            for device in self._inventory.devices()
            if device.origin.dialect == changed.dialect and device.native.get("peer") == changed.peer
        }
        given: list[Given] = []
        for device in reached.values():
            # Those behind a bridge follow it.
            if device.via not in reached:
                given += self.availability(AvailabilityReported(device.origin, is_available=is_up), now)
        return given

    def _set_available(
        self, device: Device, entities: Sequence[Entity], *, is_available: bool, now: datetime
    ) -> list[Given]:
        changes = [
            (entity, change)
            for entity in entities
            if (change := self._states.set_available(entity.id, is_available=is_available, now=now)) is not None
        ]
        return self._changed(device, changes) if changes else []

    def set_state(self, wanted: StateSet, now: datetime) -> list[Given]:
        change = self._states.write(
            wanted.entity_id, wanted.state, wanted.attributes, now, wanted.cause, is_forced=wanted.is_forced
        )
        entity = self._inventory.entity(wanted.entity_id)
        device = self._inventory.device(entity.device_id) if entity else None
        if change and entity and device:
            return self._changed(device, [(entity, change)])
        return [announced_state(change), change] if change else []

    def assume(self, command: Command, now: datetime) -> list[Given]:
        """Nobody will ever say what became of it: what was commanded is taken for done."""
        entity = self._inventory.entity(command.entity_id)
        assumed = assumed_after(command.action, command.data, entity) if entity is not None else {}
        old = self._states.state(command.entity_id)
        if not assumed or (old is not None and old.state == UNAVAILABLE):
            return []
        state = assumed.pop("state", None)
        attributes = {**(old.attributes if old else {}), **assumed, "assumed_state": True}
        text = state if isinstance(state, str) else None
        return self.set_state(StateSet(command.entity_id, text, attributes, cause=command.cause), now)

    def state_removed(self, entity_id: EntityId, now: datetime) -> list[Given]:
        change = self._states.remove(entity_id, now)
        return [announced_state(change), change] if change else []

    # Met, and gone.

    def advertise_self(self, now: datetime) -> list[Given]:
        me = Advertisement(
            HUB_ORIGIN, (Alias("hub", "hub"),), "NEXA hub", device_type=DeviceType.HUB, brand="NEXA", model="nexa-hub"
        )
        broker = Advertisement(BROKER_ORIGIN, (Alias("hub", "broker"),), "MQTT broker", via=HUB_ORIGIN)
        given = [*self.advertised(me, now), *self.advertised(broker, now)]
        if (known := self._inventory.find(HUB_ORIGIN)) is not None:
            self._inventory.set_available(known.device.id, is_available=True)
            self._inventory.see(known.device, {}, now)
        return given

    def advertised(self, advertisement: Advertisement, now: datetime) -> list[Given]:
        result = self._inventory.advertise(advertisement, now)
        given: list[Given] = [*result.effects]
        if result.issue:
            given.append(IssueRaised(result.issue))
        device = result.device
        if device is None:
            return given
        for entity in result.removed:
            given += self.state_removed(entity.id, now)
        if device.room_id is None and advertisement.suggested_area:
            room_id, made = self._rooms.named(advertisement.suggested_area, now)
            device = self._inventory.edit(device.id, name=None, room_id=room_id)
            given += made
        self._monitoring.healing.handle_described(device)
        given += self._define_device(device, now)
        appeared = self.make_known(device, now)
        if appeared:
            given += self._changed(device, appeared)
        if result.is_new:
            given.append(Announce("device", {"id": device.id, "name": device.name, "is_new": True}))
        elif result.effects:
            given.append(Announce("device", {"id": device.id, "name": device.name}))
        return given

    def make_known(self, device: Device, now: datetime) -> list[tuple[Entity, StateChanged]]:
        """Entities that have no state yet get one. A device that can be commanded is asked what it is."""
        appeared = [
            (entity, change)
            for entity in device.entities
            if self._states.state(entity.id) is None
            and (change := self._states.report(entity.id, None, {}, now, None)) is not None
        ]
        self._look_if_unknown(device, now)
        return appeared

    def _look_if_unknown(self, device: Device, now: datetime) -> None:
        is_unknown = any(
            (state := self._states.state(entity.id)) is not None
            and state.state == UNKNOWN
            # What only takes commands (a button, a scene) never says how it is.
            and any(capability.access == "rw" for capability in entity.capabilities.values())
            for entity in device.entities
        )
        if is_unknown and device.origin.dialect != DIALECT:
            self.first_look.want(device.id, now)

    def _define_device(self, device: Device, now: datetime) -> list[Given]:
        aliases = tuple((alias.kind, alias.value) for alias in device.aliases)
        changed = self._definitions.edit(
            "device", device.id, definition_fields(device), now, aliases, durability=Durability.LAZY
        )
        # The inventory said it: it need not be told.
        return [each for each in changed if not isinstance(each, DefinitionChanged)]

    def gone(self, origin: Origin, key: str | None, now: datetime) -> list[Given]:
        known = self._inventory.find(origin)
        entities, effects = self._inventory.remove(origin, key)
        given: list[Given] = [*effects]
        for entity in entities:
            given += self.state_removed(entity.id, now)
        if known and self._inventory.device(known.device.id) is None:
            self.first_look.forget(known.device.id)
            given += self._monitoring.handle_removed(known.device.id, now)
            given += [
                each
                for each in self._definitions.delete("device", known.device.id, now, durability=Durability.COMMIT)
                if not isinstance(each, DefinitionChanged)
            ]
            given.append(Announce("device", {"id": known.device.id, "is_gone": True}))
        return given

    def broker_availability(self, now: datetime, *, is_available: bool, reason: str = "") -> list[Given]:
        """Also of each try that fails: it may have another reason."""
        known: Known | None = self._inventory.find(BROKER_ORIGIN)
        subject = BROKER_ORIGIN.native_id if known is None else known.device.id
        code = Symptom.BROKER_UNREACHABLE.value
        self._broker_away_since = None if is_available else self._broker_away_since or now
        issue = IssueRaised(Issue(code, subject, self._broker_away_since or now, {"reason": reason}))
        given: list[Given] = [IssueCleared(code, subject) if is_available else issue]
        if known is None or not self._inventory.set_available(known.device.id, is_available=is_available):
            return given
        if is_available:
            self._inventory.see(known.device, {}, now)
        status = connectivity(self._inventory.presence(known.device.id))
        return [*given, Announce("device", {"id": known.device.id, "availability": status})]

    # What people say of them.

    def edit(self, edited: DeviceEdited, now: datetime) -> list[Given]:
        if self._inventory.device(edited.device_id) is None:
            return []
        fields: dict[str, JsonValue] = {}
        if edited.name is not None:
            fields["device_name"] = edited.name
        if edited.room_id is not None:
            fields["room_id"] = edited.room_id
        return [*self._definitions.edit("device", edited.device_id, fields, now)]

    def define(self, device_id: DeviceId, definition: Definition | None, now: datetime) -> Sequence[Given]:
        if definition is not None:
            if is_self_made(definition):
                return self.define_self_made(definition, now)
            return self._define_known_device(device_id, definition)
        device = self._inventory.device(device_id)
        if device is None or device.origin.dialect != DIALECT:
            return []  # deleted in the cloud it stays, while it is met here
        return [*self._self_made.forget(device), *self.gone(device.origin, None, now)]

    def define_self_made(self, definition: Definition, now: datetime, *, is_start: bool = False) -> list[Given]:
        given: list[Given] = [*self._self_made.define(definition, now, is_start=is_start)]
        device = self._inventory.device(DeviceId(definition.id))
        if device is not None:
            given += self._define_device(device, now)
            given.append(Announce("device", {"id": device.id, "name": device.name}))
        return given

    def _define_known_device(self, device_id: DeviceId, definition: Definition) -> Sequence[Given]:
        """Somebody renamed the device, put it into another room, or has declared something of it (`settings`: what feeds it ...)."""
        device = self._inventory.device(device_id)
        if device is None:
            return []
        name, room_id = definition.fields.get("device_name"), definition.fields.get("room_id")
        new_name = name if isinstance(name, str) and name and name != device.name else None
        new_room = RoomId(room_id) if isinstance(room_id, str) and room_id != device.room_id else None
        settings = definition.fields.get("settings")
        said = settings if isinstance(settings, Mapping) and settings != device.settings else None
        if new_name is None and new_room is None and said is None:
            return []
        from_now_on = self._inventory.edit(device_id, name=new_name, room_id=new_room, settings=said)
        self._monitoring.healing.handle_described(from_now_on)
        return [SaveDevice(from_now_on), Announce("device", {"id": device_id, "name": from_now_on.name})]

    def entities_of(self, kind: str, name: str) -> Sequence[EntityId] | None:
        """What a target that names a device or a room stands for."""
        if kind == "device_id":
            device = self._inventory.device(DeviceId(name))
            return None if device is None else [entity.id for entity in device.entities]
        room = room_called(self._rooms.by_id.values(), name) if kind == "area_id" else None
        if room is None:
            return None
        found = (device for device in self._inventory.devices() if device.room_id == room.id)
        return [entity.id for device in found for entity in device.entities]
