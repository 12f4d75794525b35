"""Google Cast: what receivers say over their links.

Frames, kinds: `device` (comes first: who it is), `receiver` and `media` (the `status` of RECEIVER_STATUS and the first of MEDIA_STATUS, as they
come; `media` is null when nothing plays any more).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hub_agent.drivers.cast.asking import player_body
from hub_agent.drivers.cast.media import (
    APP_BY_NAME,
    application_of,
    media_attributes,
    receiver_attributes,
    state_of,
)
from hub_agent.drivers.given import at, mac_of, mapping, text
from hub_agent.drivers.playing import PLAYER, player_entity
from hub_agent.errors import NotPossible
from hub_agent.model.device import (
    Advertisement,
    Alias,
    Device,
    DeviceType,
    Entity,
    Origin,
    ProtocolType,
)
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import Frame, Request
from hub_agent.model.report import Decoded, EntityReport, Rejected, Reported

DIALECT: Final = "cast"
RECEIVERS_MAX: Final = 200
_HEX: Final = frozenset("0123456789abcdef")
# Of a message, what is read; the rest is not kept.
_OF_RECEIVER: Final = ("applications", "volume")
_OF_APPLICATION: Final = ("appId", "displayName", "isIdleScreen")
_OF_MEDIA: Final = ("playerState", "supportedMediaCommands", "repeatMode")
_OF_CONTENT: Final = ("contentId", "duration")
_OF_METADATA: Final = ("metadataType", "title", "artist", "albumArtist", "albumName", "seriesTitle")


@dataclass(slots=True)
class Receiver:
    uuid: str
    peer: str
    address: str | None = None
    receiver: JsonObject | None = None
    media: JsonObject | None = None


class Cast:
    dialect = DIALECT

    def __init__(self) -> None:
        self._receiver_by_peer: dict[str, Receiver] = {}

    def restore(self, devices: Iterable[Device]) -> tuple[str, ...]:
        for device in devices:
            peer = text(device.native, "peer")
            if peer is not None:
                self._keep(Receiver(device.origin.native_id, peer))
        return ()

    def release(self, device: Device) -> tuple[str, ...]:
        self._receiver_by_peer.pop(text(device.native, "peer") or "", None)
        return ()

    def unexplained(self) -> Sequence[Rejected]:
        return ()

    # Hearing.

    def hear(self, frame: Frame) -> Sequence[Decoded]:
        is_end = frame.kind == "media" and frame.body is None
        if not isinstance(frame.body, Mapping) and not is_end:
            return [_rejected(frame, "not_an_object", "a receiver says objects")]
        match frame.kind:
            case "device":
                return self._describe(frame)
            case "receiver" | "media":
                return self._status(frame)
        return [_rejected(frame, "unknown_kind", "nothing of this kind is known")]

    def _describe(self, frame: Frame) -> Sequence[Decoded]:
        uuid = uuid_of(at(frame.body, "uuid"))
        if uuid is None:
            return [_rejected(frame, "no_identity", "it does not say who it is")]
        receiver = self._receiver_by_peer.get(frame.peer)
        if receiver is None or receiver.uuid != uuid:
            receiver = Receiver(uuid, frame.peer)
            if not self._keep(receiver):
                return [_rejected(frame, "too_many", f"more than {RECEIVERS_MAX} receivers")]
        receiver.address = text(frame.body, "address")
        return [_advertisement(receiver, frame.body), *_report(receiver)]

    def _status(self, frame: Frame) -> Sequence[Decoded]:
        receiver = self._receiver_by_peer.get(frame.peer)
        if receiver is None:
            return [_rejected(frame, "not_described", "it has not said who it is")]
        if frame.kind == "receiver":
            receiver.receiver = _kept_of_receiver(frame.body)
            if application_of(receiver.receiver) is None:
                receiver.media = None
        else:
            receiver.media = _kept_of_media(frame.body, receiver.media)
        return _report(receiver)

    def _keep(self, receiver: Receiver) -> bool:
        if len(self._receiver_by_peer) >= RECEIVERS_MAX and receiver.peer not in self._receiver_by_peer:
            return False
        self._receiver_by_peer[receiver.peer] = receiver
        return True

    # Asking.

    def encode(self, device: Device, _entity: Entity, action: str, data: JsonObject) -> Sequence[Request]:
        peer = _peer(device)
        receiver = self._receiver_by_peer.get(peer)
        return [Request(DIALECT, peer, player_body(action, data, receiver.media if receiver else None))]

    def encode_refresh(self, device: Device) -> Sequence[Request]:
        return [Request(DIALECT, _peer(device), {"do": "refresh"})]

    def encode_reconfigure(self, _device: Device) -> Sequence[Request]:
        return ()


def uuid_of(value: JsonValue) -> str | None:
    """32 hexadecimal digits in lower case, with or without dashes."""
    plain = value[:40].replace("-", "").lower() if isinstance(value, str) else ""
    return plain if len(plain) == 32 and _HEX.issuperset(plain) else None


def _peer(device: Device) -> str:
    peer = text(device.native, "peer")
    if peer is None:
        raise NotPossible(f"{device.name} has not been met since it was set up.")
    return peer


def _advertisement(receiver: Receiver, body: JsonValue) -> Advertisement:
    model, kind = text(body, "model_name"), text(body, "cast_type")
    aliases = [Alias("cast", receiver.uuid)]
    # A group speaks from the address of one of its members, and is not that member.
    if kind != "group" and (mac := mac_of(at(body, "mac_address"))) is not None:
        aliases.insert(0, Alias("mac", mac))
    return Advertisement(
        Origin(DIALECT, receiver.uuid),
        tuple(aliases),
        text(body, "friendly_name") or model or "Cast receiver",
        (player_entity(sources=tuple(APP_BY_NAME), is_switched=True),),
        brand=text(body, "manufacturer"),
        model=model,
        device_type=DeviceType.SPEAKER,
        protocol=ProtocolType.WIFI,
        firmware_version=text(body, "firmware"),
        power_source="mains" if kind != "group" else None,
        native={"peer": receiver.peer, "cast_type": kind},
    )


def _report(receiver: Receiver) -> list[Decoded]:
    if receiver.receiver is None:
        return []
    attributes = receiver_attributes(receiver.receiver) | media_attributes(receiver.media)
    state = state_of(receiver.receiver, receiver.media)
    observed = {"ip_address": receiver.address} if receiver.address else {}
    return [Reported(Origin(DIALECT, receiver.uuid), (EntityReport(PLAYER, state, attributes),), observed)]


def _kept_of_receiver(body: JsonValue) -> JsonObject:
    kept: dict[str, JsonValue] = {"volume": _picked(at(body, "volume"), ("level", "muted"))}
    applications = at(body, "applications")
    if isinstance(applications, list | tuple) and applications:
        kept["applications"] = [_picked(applications[0], _OF_APPLICATION)]
    return kept


def _kept_of_media(body: JsonValue, before: JsonObject | None) -> JsonObject | None:
    """What is played is told when it begins, and left out of what is said of it afterwards."""
    if not mapping(body):
        return None
    content = at(body, "media")
    if content is None and before is not None and at(body, "playerState") != "IDLE":
        return {**before, **_picked(body, _OF_MEDIA)}
    inner = _picked(content, _OF_CONTENT) | {"metadata": _picked(at(content, "metadata"), _OF_METADATA)}
    return {**_picked(body, _OF_MEDIA), "media": inner if mapping(content) else None}


def _picked(body: JsonValue, names: Sequence[str]) -> dict[str, JsonValue]:
    """Plain values of these names, cut to a bearable length."""
    return {
        name: value[:255] if isinstance(value, str) else value
        for name in names
        if isinstance(value := at(body, name), bool | int | float | str)
    }


def _rejected(frame: Frame, code: str, reason: str) -> Rejected:
    return Rejected(DIALECT, f"{frame.peer} {frame.kind}"[:200], code, reason)
