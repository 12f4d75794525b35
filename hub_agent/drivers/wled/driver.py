"""What a link to a strip says, by the kind of frame.

- `device`: everything when it is met, `{"state", "info", "effects", "palettes", "presets"}`
- `update`: what has changed, `{"state", "info"}`, each as a whole
"""

from collections.abc import Iterable, Sequence
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.vocabulary import device_type_of
from hub_agent.drivers.wled import writing
from hub_agent.drivers.wled.entities import Strip, entities_of
from hub_agent.drivers.wled.reading import read
from hub_agent.errors import NotPossible
from hub_agent.model.device import AdvertisedEntity, Advertisement, Alias, Device, Entity, Origin, ProtocolType
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import Frame, Request
from hub_agent.model.report import Decoded, Rejected, Reported

DIALECT: Final = "wled"
MEMBERS_MAX: Final = 500
_KEPT: Final = ("on", "bri", "nl", "udpn")


class Member:
    """One strip. Of its state only what steps and toggles need is kept."""

    def __init__(self, mac: str, natives: Iterable[tuple[str, JsonObject]]) -> None:
        self.origin = Origin(DIALECT, mac)
        self.state: JsonObject = given.NOTHING
        self._natives = tuple(natives)

    def take(self, state: JsonObject, info: JsonObject) -> Reported:
        self.state = {name: _small(state[name]) for name in _KEPT if name in state}
        reports = [read(key, native, state, info) for key, native in self._natives]
        return Reported(self.origin, tuple(report for report in reports if report is not None), _observed(info))


def _small(value: JsonValue) -> JsonValue:
    body = given.mapping(value)
    if body:
        return {name: body[name] for name in ("on", "send", "recv") if isinstance(body.get(name), bool)}
    return value if isinstance(value, bool | int | float) else None


def _observed(info: JsonObject) -> dict[str, JsonValue]:
    signal = given.number(info, "wifi", "signal")
    observed: dict[str, JsonValue] = {}
    if signal is not None and 0 <= signal <= 100:
        observed["signal_strength"] = round(signal)
    for name, field in (("ip_address", "ip"), ("firmware_version", "ver")):
        said = given.text(info, field)
        if said is not None:
            observed[name] = said
    return observed


class Wled:
    dialect: Final = DIALECT

    def __init__(self) -> None:
        self._members_by_peer: dict[str, Member] = {}

    def restore(self, devices: Iterable[Device]) -> tuple[str, ...]:
        for device in devices:
            peer, mac = given.text(device.native, "peer"), given.mac_of(device.origin.native_id)
            if peer is not None and mac is not None:
                self._members_by_peer[peer] = Member(mac, ((each.key, each.native) for each in device.entities))
        return ()

    def hear(self, frame: Frame) -> Sequence[Decoded]:
        if not isinstance(frame.body, dict):
            return [_rejected(frame, "not_an_object", "an object was expected")]
        if frame.kind == "device":
            return self._meet(frame, frame.body)
        if frame.kind != "update":
            return [_rejected(frame, "unknown_kind", f"{frame.kind[:40]!r} is no kind of frame")]
        member = self._members_by_peer.get(frame.peer)
        if member is None:
            return [_rejected(frame, "unknown_device", "it has not said yet what it is")]
        return [member.take(given.mapping(frame.body, "state"), given.mapping(frame.body, "info"))]

    def _meet(self, frame: Frame, body: JsonObject) -> list[Decoded]:
        strip = Strip(body)
        if strip.mac is None:
            return [_rejected(frame, "no_mac", "it does not say its MAC address")]
        if frame.peer not in self._members_by_peer and len(self._members_by_peer) >= MEMBERS_MAX:
            return [_rejected(frame, "too_many", f"more than {MEMBERS_MAX} devices are not kept")]
        entities = entities_of(strip)
        member = Member(strip.mac, [(entity.key, entity.native) for entity in entities])
        self._members_by_peer[frame.peer] = member
        return [_advertisement(strip, strip.mac, frame.peer, entities), member.take(strip.state, strip.info)]

    def unexplained(self) -> Sequence[Rejected]:
        return ()

    def encode(self, device: Device, entity: Entity, action: str, data: JsonObject) -> Sequence[Request]:
        peer = _peer(device)
        member = self._members_by_peer.get(peer)
        state = member.state if member is not None else given.NOTHING
        try:
            body = writing.write(entity.native, entity.domain, action, data, state)
        except NotPossible as error:
            raise NotPossible(f"{device.name}: {error}") from error
        return [Request(DIALECT, peer, body)]

    def encode_refresh(self, device: Device) -> Sequence[Request]:
        """Nothing is asked to change, and all is answered."""
        return [Request(DIALECT, _peer(device), {})]

    def encode_reconfigure(self, _device: Device) -> Sequence[Request]:
        return ()

    def release(self, device: Device) -> tuple[str, ...]:
        self._members_by_peer.pop(given.text(device.native, "peer") or "", None)
        return ()


def _advertisement(strip: Strip, mac: str, peer: str, entities: tuple[AdvertisedEntity, ...]) -> Advertisement:
    product = given.text(strip.info, "product")
    return Advertisement(
        origin=Origin(DIALECT, mac),
        aliases=(Alias("mac", mac),),
        name=given.text(strip.info, "name") or "WLED",
        entities=entities,
        brand=given.text(strip.info, "brand") or "WLED",
        model=given.text(strip.info, "arch") if product in {None, "FOSS"} else product,
        device_type=device_type_of(entities),
        protocol=ProtocolType.WIFI,
        firmware_version=given.text(strip.info, "ver"),
        power_source="wired",
        native={"peer": peer},
    )


def _peer(device: Device) -> str:
    peer = given.text(device.native, "peer")
    if peer is None:
        raise NotPossible(f"{device.name}: how it is reached is not known yet.")
    return peer


def _rejected(frame: Frame, code: str, reason: str) -> Rejected:
    return Rejected(DIALECT, f"{frame.peer} {frame.kind}"[:120], code, reason)
