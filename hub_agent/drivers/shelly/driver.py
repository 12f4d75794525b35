"""What links to devices say, by the kind of frame. All bodies are objects, as they were on the wire.

- `device`: everything when it is met, `{"shelly", "settings", "status", "components"}`
- `status`: all of /status (first generation) or Shelly.GetStatus
- `notify`: what the second generation and later send by themselves, `{"method": "NotifyStatus", "params": {...}}`
- `coiot`: what the first generation sends by itself, `{"G": [[0, id, value], ...]}`
"""

from collections.abc import Iterable, Sequence
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.shelly import coiot, gen1, writing
from hub_agent.drivers.shelly.member import DIALECT, Description, Member, restored
from hub_agent.drivers.shelly.notifying import notified
from hub_agent.errors import NotPossible
from hub_agent.model.device import Device, Entity
from hub_agent.model.json import JsonObject
from hub_agent.model.link import Frame, Request
from hub_agent.model.report import Decoded, Rejected

MEMBERS_MAX: Final = 2_000


class Shelly:
    dialect: Final = DIALECT

    def __init__(self) -> None:
        self._members_by_peer: dict[str, Member] = {}

    def restore(self, devices: Iterable[Device]) -> tuple[str, ...]:
        for device in devices:
            member = restored(device)
            if member is not None:
                self._members_by_peer[member.peer] = member
        return ()

    def hear(self, frame: Frame) -> Sequence[Decoded]:
        if not isinstance(frame.body, dict):
            return [_rejected(frame, "not_an_object", "an object was expected")]
        if frame.kind == "device":
            return self._meet(frame, frame.body)
        member = self._members_by_peer.get(frame.peer)
        if member is None:
            return [_rejected(frame, "unknown_device", "it has not said yet what it is")]
        if frame.kind == "status":
            status = gen1.components_of(frame.body) if member.generation == 1 else frame.body
            return [member.take(status)]
        if frame.kind == "notify":
            return _notified(member, frame)
        if frame.kind == "coiot":
            return [member.take(coiot.changes_of(frame.body, member.statuses))]
        return [_rejected(frame, "unknown_kind", f"{frame.kind[:40]!r} is no kind of frame")]

    def _meet(self, frame: Frame, body: JsonObject) -> list[Decoded]:
        description = Description(body)
        if description.mac is None:
            return [_rejected(frame, "no_mac", "it does not say its MAC address")]
        if frame.peer not in self._members_by_peer and len(self._members_by_peer) >= MEMBERS_MAX:
            return [_rejected(frame, "too_many", f"more than {MEMBERS_MAX} devices are not kept")]
        entities = description.entities()
        natives = [(entity.key, entity.native) for entity in entities]
        member = Member(frame.peer, description.mac, description.generation, natives)
        known = self._members_by_peer.get(frame.peer)
        if known is not None and known.origin == member.origin:
            member.remember(known)
        member.run(description.version)
        self._members_by_peer[frame.peer] = member
        return [description.advertisement(frame.peer, entities), member.take(description.status)]

    def unexplained(self) -> Sequence[Rejected]:
        return ()

    def encode(self, device: Device, entity: Entity, action: str, data: JsonObject) -> Sequence[Request]:
        generation = _generation(device)
        kind, verb = given.text(entity.native, "kind"), action.partition(".")[2]
        if (kind, verb) == ("reboot", "press"):
            return [_request(device, writing.reboot(generation))]
        if (kind, verb) == ("update", "install"):
            return [_request(device, writing.install(generation))]
        member = self._members_by_peer.get(_peer(device))
        component = given.text(entity.native, "component") or ""
        status = member.status(component) if member is not None else given.NOTHING
        try:
            return [_request(device, writing.write(entity.native, entity.domain, action, data, status))]
        except NotPossible as error:
            raise NotPossible(f"{device.name}: {error}") from error

    def encode_refresh(self, device: Device) -> Sequence[Request]:
        return [_request(device, writing.refresh(_generation(device)))]

    def encode_reconfigure(self, _device: Device) -> Sequence[Request]:
        return ()

    def release(self, device: Device) -> tuple[str, ...]:
        self._members_by_peer.pop(given.text(device.native, "peer") or "", None)
        return ()


def _notified(member: Member, frame: Frame) -> Sequence[Decoded]:
    reports = notified(member, given.mapping(frame.body))
    if reports is None:
        method = given.text(frame.body, "method")
        return [_rejected(frame, "unknown_method", f"{method!r:.60} is no notification")]
    return reports


def _peer(device: Device) -> str:
    peer = given.text(device.native, "peer")
    if peer is None:
        raise NotPossible(f"{device.name}: how it is reached is not known yet.")
    return peer


def _generation(device: Device) -> int:
    return int(given.number(device.native, "generation") or 2)


def _request(device: Device, body: JsonObject) -> Request:
    return Request(DIALECT, _peer(device), body)


def _rejected(frame: Frame, code: str, reason: str) -> Rejected:
    return Rejected(DIALECT, f"{frame.peer} {frame.kind}"[:120], code, reason)
