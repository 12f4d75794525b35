"""Sonos: each player over a link of its own; what those in a group play is what their coordinator plays.

Frames of a link, kinds: `description` (comes first), `rendering_control` and `av_transport` (variables of the UPnP services, as events tell
them), `topology` (who plays with whom), `favourites`, `battery`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from hub_agent.drivers.given import flag, listed, mapping, number, text
from hub_agent.drivers.playing import PLAYER
from hub_agent.drivers.sonos.asking import player_body, sound_body
from hub_agent.drivers.sonos.media import attributes_of, kept_of, state_of
from hub_agent.drivers.sonos.player import DIALECT, Description, Player, described
from hub_agent.errors import NotPossible
from hub_agent.model.action import NATIVE_MEMBERS
from hub_agent.model.device import Device, Entity, Origin
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import Frame, Request
from hub_agent.model.report import Decoded, EntityReport, Rejected, Reported

# A household has 32 at most; what somebody sends us must not grow without bound.
PLAYERS_MAX: Final = 128
FAVOURITES_MAX: Final = 100


class Sonos:
    dialect = DIALECT

    def __init__(self) -> None:
        self._player_by_uid: dict[str, Player] = {}
        self._uid_by_peer: dict[str, str] = {}
        # Everybody in a group -> all of it, the coordinator first.
        self._group_by_uid: dict[str, tuple[str, ...]] = {}
        self._hearers: Mapping[str, Callable[[Player, JsonValue], Iterator[Decoded]]] = {
            "rendering_control": self._hear_sounds,
            "av_transport": self._hear_transport,
            "topology": self._hear_topology,
            "favourites": self._hear_favourites,
            "battery": self._hear_battery,
        }

    def restore(self, devices: Iterable[Device]) -> tuple[str, ...]:
        for device in devices:
            uid, peer = text(device.native, "uid"), text(device.native, "peer")
            if uid is not None and peer is not None:
                self._keep(Player(Description(uid, peer, device.name, text(device.native, "model"))))
        return ()

    def release(self, device: Device) -> tuple[str, ...]:
        player = self._player_by_uid.pop(device.origin.native_id, None)
        if player is not None:
            self._uid_by_peer.pop(player.description.peer, None)
        return ()

    def unexplained(self) -> Sequence[Rejected]:
        return ()

    # Hearing.

    def hear(self, frame: Frame) -> Sequence[Decoded]:
        if not isinstance(frame.body, list | tuple if frame.kind == "favourites" else Mapping):
            return [self._rejected(frame, "wrong_shape", "this is not how a player says it")]
        if frame.kind == "description":
            return self._describe(frame)
        hear = self._hearers.get(frame.kind)
        if hear is None:
            return [self._rejected(frame, "unknown_kind", "nothing of this kind is known")]
        player = self._player_by_uid.get(self._uid_by_peer.get(frame.peer, ""))
        if player is None:
            return [self._rejected(frame, "not_described", "it has not said who it is")]
        return list(hear(player, frame.body))

    def _describe(self, frame: Frame) -> Sequence[Decoded]:
        it = described(frame.body, frame.peer)
        if it is None:
            return [self._rejected(frame, "no_identity", "the description names no player")]
        known = self._player_by_uid.get(it.uid)
        if known is None and len(self._player_by_uid) >= PLAYERS_MAX:
            return [self._rejected(frame, "too_many", f"more than {PLAYERS_MAX} players")]
        player = known or Player(it)
        player.description = it
        player.address = text(frame.body, "address")
        self._keep(player)
        player.told = None
        return [*self._advertise(player), *self._report(player)]

    def _keep(self, player: Player) -> None:
        it = player.description
        if len(self._player_by_uid) < PLAYERS_MAX or it.uid in self._player_by_uid:
            self._player_by_uid[it.uid] = player
            self._uid_by_peer = {peer: uid for peer, uid in self._uid_by_peer.items() if uid != it.uid} | {
                it.peer: it.uid
            }

    def _hear_sounds(self, player: Player, body: JsonValue) -> Iterator[Decoded]:
        player.hear_sounds(mapping(body))
        yield from self._advertise(player)
        yield from self._report(player)

    def _hear_transport(self, player: Player, body: JsonValue) -> Iterator[Decoded]:
        player.hear_transport(kept_of(mapping(body)))
        for uid in self._followers_of(player.description.uid):
            yield from self._report(self._player_by_uid[uid])

    def _hear_topology(self, _player: Player, body: JsonValue) -> Iterator[Decoded]:
        if not listed(body, "groups"):
            return  # somebody is always in a group, be it alone
        groups: dict[str, tuple[str, ...]] = {}
        for group in listed(body, "groups")[:PLAYERS_MAX]:
            coordinator = text(group, "coordinator")
            members = [uid for each in listed(group, "members")[:PLAYERS_MAX] if (uid := text(each, "uid")) is not None]
            if coordinator is None:
                continue
            whole = tuple(dict.fromkeys((coordinator, *sorted(members))))
            groups |= dict.fromkeys(whole, whole)
            if len(groups) > PLAYERS_MAX:
                break
        before, self._group_by_uid = self._group_by_uid, groups
        for uid, player in sorted(self._player_by_uid.items()):
            if before.get(uid) != groups.get(uid):
                yield from self._report(player)

    def _hear_favourites(self, player: Player, body: JsonValue) -> Iterator[Decoded]:
        titles = [title for each in listed(body)[:FAVOURITES_MAX] if (title := text(each, "title")) is not None]
        player.hear_favourites(tuple(titles))
        yield from self._advertise(player)
        yield from self._report(player)

    def _hear_battery(self, player: Player, body: JsonValue) -> Iterator[Decoded]:
        level = number(body, "level")
        if level is not None and 0 <= level <= 100:
            player.battery = round(level)
            player.is_charging = flag(body, "charging")
            yield from self._advertise(player)
            yield from self._report(player)

    # Telling.

    def _advertise(self, player: Player) -> Iterator[Decoded]:
        """Half of a stereo pair, a subwoofer and a bridge are no players for people."""
        advertisement = player.advertisement()
        if player.description.is_visible and advertisement != player.told:
            player.told = advertisement
            yield advertisement

    def _report(self, player: Player) -> Iterator[Decoded]:
        if not player.description.is_visible:
            return
        reports: list[EntityReport] = []
        coordinator = self._coordinator_of(player)
        if coordinator.transport or player.sounds:
            reports.append(self._player_report(player, coordinator))
        reports += player.sound_reports()
        observed: dict[str, JsonValue] = {}
        if player.address is not None:
            observed["ip_address"] = player.address
        if player.battery is not None:
            reports.append(EntityReport("battery", str(player.battery)))
            observed["battery_level"] = player.battery
        if player.is_charging is not None:
            reports.append(EntityReport("charging", "on" if player.is_charging else "off"))
        if reports:
            yield Reported(Origin(DIALECT, player.description.uid), tuple(reports), observed)

    def _player_report(self, player: Player, coordinator: Player) -> EntityReport:
        attributes = player.sound_attributes()
        attributes["group_members"] = list(self._group_by_uid.get(player.description.uid, (player.description.uid,)))
        attributes["source_list"] = list(player.sources)
        state = None
        if coordinator.transport:
            state = state_of(coordinator.transport)
            attributes |= attributes_of(coordinator.transport, player.favourites)
        return EntityReport(PLAYER, state, attributes)

    def _coordinator_of(self, player: Player) -> Player:
        group = self._group_by_uid.get(player.description.uid)
        return player if group is None else self._player_by_uid.get(group[0], player)

    def _followers_of(self, uid: str) -> list[str]:
        """Those that play what it plays, and itself, as far as they are known here."""
        group = self._group_by_uid.get(uid, (uid,))
        following = group if group[0] == uid else (uid,)
        return [each for each in following if each in self._player_by_uid]

    def _rejected(self, frame: Frame, code: str, reason: str) -> Rejected:
        return Rejected(DIALECT, f"{frame.peer} {frame.kind}"[:200], code, reason)

    # Asking.

    def encode(self, device: Device, entity: Entity, action: str, data: JsonObject) -> Sequence[Request]:
        if entity.key != PLAYER:
            return [_request(device, sound_body(entity.key, action, data))]
        if action == "media_player.join":
            return self._join(device, data)
        return [_request(device, player_body(action, data, self._player_of(device)))]

    def _join(self, device: Device, data: JsonObject) -> Sequence[Request]:
        """Those that shall join are asked, not the one whom they join."""
        members = [uid for each in listed(data, NATIVE_MEMBERS) if (uid := str(each)) != device.origin.native_id]
        known = [self._player_by_uid[uid] for uid in members if uid in self._player_by_uid]
        if not known:
            raise NotPossible("`group_members` names no other Sonos player of this home.")
        body: JsonObject = {"do": "join", "coordinator": device.origin.native_id}
        return [Request(DIALECT, player.description.peer, body) for player in known]

    def _player_of(self, device: Device) -> Player:
        uid = device.origin.native_id
        return self._player_by_uid.get(uid) or Player(Description(uid, _peer(device), device.name, device.model))

    def encode_refresh(self, device: Device) -> Sequence[Request]:
        return [_request(device, {"do": "refresh"})]

    def encode_reconfigure(self, _device: Device) -> Sequence[Request]:
        return ()


def _peer(device: Device) -> str:
    peer = text(device.native, "peer")
    if peer is None:
        raise NotPossible(f"{device.name} has not been met since it was set up.")
    return peer


def _request(device: Device, body: JsonObject) -> Request:
    return Request(DIALECT, _peer(device), body)
