"""What is shown of what was met on the network: things that are connected, that need something, or that nothing here can talk to."""

from collections.abc import Iterable, Sequence

from hub_agent.core.discovery import Known, Thing
from hub_agent.model.device import Device, DeviceType, Room
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import LinkStatus, PeerFound

_STATUS_WORDS = {
    LinkStatus.CONNECTING: "connecting",
    LinkStatus.UP: "connected",
    LinkStatus.ASLEEP: "asleep",
    LinkStatus.DOWN: "lost",
    LinkStatus.NEEDS: "needs",
}


def shown(things: Iterable[Thing], devices: Iterable[Device], rooms: Sequence[Room]) -> list[JsonObject]:
    """As ports.Door.discovered says. What needs a person comes first, then what is connected, then what nobody here speaks."""
    devices_by_peer: dict[tuple[str, str], list[Device]] = {}
    device_by_alias: dict[tuple[str, str], Device] = {}
    for device in devices:
        peer = device.native.get("peer")
        if isinstance(peer, str):
            devices_by_peer.setdefault((device.origin.dialect, peer), []).append(device)
        device_by_alias |= {(alias.kind, alias.value): device for alias in device.aliases}
    told = []
    for thing in things:
        peer_id = (thing.known.peer.dialect, thing.known.peer.key) if thing.known else None
        served = devices_by_peer.get(peer_id, []) if peer_id else []
        others = {
            found.id: found
            for alias in sorted(thing.aliases, key=lambda alias: (alias.kind, alias.value))
            if (found := device_by_alias.get((alias.kind, alias.value))) is not None
        }
        told.append(_thing(thing, served or list(others.values()), rooms))
    return sorted(told, key=lambda each: (_RANK[str(each["status"])], str(each["name"]).casefold(), str(each["id"])))


_RANK = {
    "needs": 0,
    "lost": 1,
    "connecting": 2,
    "connected": 3,
    "asleep": 3,
    "served": 4,
    "unsupported": 5,
    "ignored": 6,
}


def _thing(thing: Thing, devices: Sequence[Device], rooms: Sequence[Room]) -> JsonObject:
    known, best = thing.known, _best(thing.announcements)
    name = (best.name if best else None) or (known.peer.name if known else "")
    hosts = known.peer.hosts if known else best.hosts if best else ()
    port = known.peer.port if known else best.port if best else None
    need = known.need if known and known.status is LinkStatus.NEEDS else None
    devices_ids: list[JsonValue] = [device.id for device in devices]
    services: list[JsonValue] = [found.service for found in thing.announcements]
    return {
        "id": f"{known.peer.dialect}/{known.peer.key}" if known else best.service if best else "",
        "name": name,
        "brand": _said(thing, "brand"),
        "model": _said(thing, "model"),
        "device_type": best.device_type.value if best else DeviceType.OTHER.value,
        "ecosystem": _said(thing, "ecosystem"),
        "dialect": known.peer.dialect if known else None,
        "address": _address(hosts, port),
        "status": _status(known, devices),
        "reason": known.reason if known and known.status is not LinkStatus.UP else None,
        "needs": {"kind": need.kind.value, "text": need.text, "fields": list(need.fields)} if need else None,
        "suggested_room": suggested_room(name, rooms),
        "devices": devices_ids,
        "services": services,
    }


def _status(known: Known | None, devices: Sequence[Device]) -> str:
    if known is None:
        return "served" if devices else "unsupported"
    return "ignored" if known.is_ignored else _STATUS_WORDS[known.status]


def _best(announcements: Sequence[PeerFound]) -> PeerFound | None:
    """The one that says most."""
    return max(
        announcements,
        key=lambda found: (
            found.dialect is not None,
            found.device_type is not DeviceType.OTHER,
            found.model is not None,
        ),
        default=None,
    )


def _said(thing: Thing, name: str) -> str | None:
    best = _best(thing.announcements)
    ordered = [best, *thing.announcements] if best else []
    return next((said for found in ordered if (said := getattr(found, name)) is not None), None)


def _address(hosts: Sequence[str], port: int | None) -> str | None:
    if not hosts:
        return None
    host = f"[{hosts[0]}]" if ":" in hosts[0] else hosts[0]
    return f"{host}:{port}" if port else host


def suggested_room(name: str, rooms: Iterable[Room]) -> str | None:
    """The room whose name is in the thing's own; the longest, where several are."""
    words = f" {' '.join(name.casefold().replace('_', ' ').replace('-', ' ').split())} "
    fitting = [room.name for room in rooms if f" {room.name.casefold()} " in words]
    return max(fitting, key=lambda room: (len(room), room), default=None)
