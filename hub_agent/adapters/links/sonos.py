"""Links to Sonos players, with SoCo (MIT). SoCo blocks, so each link has a few threads of its own; every request of it has a timeout.

Events come to a port of ours that SoCo opens. Where none arrive (a firewall, another network) the player is asked every few seconds instead.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import requests
import soco
from lxml import etree
from soco import config, events
from soco.data_structures import DidlObject
from soco.data_structures_entry import from_didl_string
from soco.exceptions import NotSupportedException, SoCoException, SoCoUPnPException

from hub_agent.adapters.links.addresses import ipv4_of
from hub_agent.adapters.links.link import Line, NoPairing, NoSearch
from hub_agent.adapters.links.words import why_lost
from hub_agent.errors import LinkLost, NotPossible, OperatingError
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import Peer

PORT: Final = 1400
# What its mDNS announcement names is the port of another interface (HTTPS).
_PORTS_OF_OTHERS: Final = frozenset({443, 1443})
REQUEST_S_MAX: Final = 5.0
POLL_S: Final = 10.0
POLL_BLIND_S: Final = 4.0
SUBSCRIPTION_S: Final = 1200
THREADS: Final = 3
# A question that something happened under is asked again so often.
ASK_AGAIN_MAX: Final = 3
# So many polls pass between two looks at what seldom changes.
POLLS_PER_LOOK: Final = 30
FAVOURITES_MAX: Final = 100
DESCRIPTION_BYTES_MAX: Final = 256 * 1024

config.REQUEST_TIMEOUT = REQUEST_S_MAX

_T = TypeVar("_T")
_INSTANCE: Final = [("InstanceID", 0)]
_PARSER: Final = etree.XMLParser(resolve_entities=False, no_network=True)
_DEVICE: Final = "{urn:schemas-upnp-org:device-1-0}"
_DESCRIBED: Final = {
    "zone_name": "roomName",
    "model_name": "modelName",
    "model_number": "modelNumber",
    "serial_number": "serialNum",
    "software_version": "softwareVersion",
    "display_version": "displayVersion",
    "hardware_version": "hardwareVersion",
}
_FIELDS: Final = ("title", "creator", "album", "album_art_uri", "stream_content")
_KINDS: Final = {"AVTransport": "av_transport", "RenderingControl": "rendering_control"}
_RADIO: Final = (
    "x-sonosapi-stream:",
    "x-sonosapi-radio:",
    "x-sonosapi-hls:",
    "x-rincon-mp3radio:",
    "hls-radio:",
    "aac:",
)
# https://docs.sonos.com and the UPnP AVTransport service: what people can do something about.
_UPNP_WORDS: Final = {
    "402": "the player does not take this value",
    "701": "the player cannot do this now: it has nothing to play, or what it plays does not allow it",
    "711": "there is no such place in what it plays",
    "714": "the player does not play media of this type",
    "716": "the player found nothing at this address",
    "800": "the player is not the one that leads its group",
}


_EARS: Final[list[Any]] = []


class _EventServer(events.EventServer):  # type: ignore[misc]  # a library without types
    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        _EARS.append(self)


events.EventServer = _EventServer


class SonosLinking(NoPairing, NoSearch):
    def __init__(self, poll_s: float = POLL_S, poll_blind_s: float = POLL_BLIND_S) -> None:
        self._poll_s = poll_s
        self._poll_blind_s = poll_blind_s

    def open(self, peer: Peer, line: Line) -> "SonosLink":
        return SonosLink(peer, line, self._poll_s, self._poll_blind_s)


class _Ear:
    """Stands where SoCo wants a queue: events go to the loop, from whatever thread they come."""

    def __init__(self, loop: asyncio.AbstractEventLoop, heard: Callable[[Any], None]) -> None:
        self._loop = loop
        self._heard = heard

    def put(self, event: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(self._heard, event)


class SonosLink:
    def __init__(self, peer: Peer, line: Line, poll_s: float, poll_blind_s: float) -> None:
        self._peer = peer
        self._line = line
        self._poll_s = poll_s
        self._poll_blind_s = poll_blind_s
        self._player: Any = None
        self._workers: ThreadPoolExecutor | None = None
        self._subscriptions: list[Any] = []
        self._wake = asyncio.Event()
        self._hears_events = False
        self._is_regrouped = False
        self._lost: str | None = None
        # By kind: how many events of it came.
        self._events: Counter[str] = Counter()

    # Running.

    async def run(self) -> None:
        host = await ipv4_of(self._peer)
        self._workers = workers = ThreadPoolExecutor(THREADS, thread_name_prefix="sonos")
        self._hears_events, self._is_regrouped, self._lost = False, False, None
        try:
            self._player = soco.SoCo(host, _port_of(self._peer))
            await self._do(_forget_groups)
            await self._say_everything()
            self._line.up()
            await self._subscribe()
            await self._stay()
        finally:
            subscriptions, self._subscriptions = self._subscriptions, []
            self._player = None
            workers.submit(_unsubscribe, subscriptions)
            workers.shutdown(wait=False)

    async def _stay(self) -> None:
        polls = 0
        while self._lost is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._poll_s if self._hears_events else self._poll_blind_s):
                    await self._wake.wait()
            self._wake.clear()
            if self._is_regrouped:
                self._is_regrouped = False
                self._line.say("topology", await self._do(_topology))
                continue
            polls += 1
            if polls % POLLS_PER_LOOK == 0:
                await self._say_everything()
            elif self._hears_events:
                self._line.say("av_transport", await self._do(_alive))
            else:
                await self._say_state()
        raise LinkLost(f"{self._peer.name}: {self._lost}")

    async def _say_everything(self) -> None:
        self._line.say("description", await self._do(_description))
        await self._say_state()
        self._line.say("favourites", await self._do(_favourites))
        if (battery := await self._do(_battery)) is not None:
            self._line.say("battery", battery)

    async def _say_state(self) -> None:
        self._line.say("topology", await self._do(_topology))
        await self._say_as_it_is("rendering_control", _rendering)
        await self._say_as_it_is("av_transport", _transport)

    async def _say_as_it_is(self, kind: str, asked: Callable[[Any], JsonObject]) -> None:
        """It is asked for one thing after the other: where an event came meanwhile, the answer is older than the event."""
        for _ in range(ASK_AGAIN_MAX):
            before = self._events[kind]
            said = await self._do(asked)
            if self._events[kind] == before:
                break
        else:
            return  # events say it
        self._line.say(kind, said)

    async def _subscribe(self) -> None:
        """What cannot be subscribed to is asked for."""
        ear = _Ear(asyncio.get_running_loop(), self._heard)
        player = self._player
        for service in (player.avTransport, player.renderingControl, player.zoneGroupTopology, player.deviceProperties):
            try:
                subscription = await self._do(partial(_subscription, service, ear))
            except LinkLost:
                return
            subscription.auto_renew_fail = self._renewal_failed
            self._subscriptions.append(subscription)

    def _renewal_failed(self, _error: Exception) -> None:
        """From a thread of SoCo's."""
        self._lost = "it no longer tells what happens"

    def _heard(self, event: Any) -> None:
        self._hears_events = True
        service = event.service.service_type
        if service in _KINDS:
            self._events[_KINDS[service]] += 1
            self._line.say(_KINDS[service], {name: _plain(value) for name, value in event.variables.items()})
        elif service == "ZoneGroupTopology":
            self._is_regrouped = True
            self._wake.set()
        elif (battery := _battery_of(event.variables.get("more_info"))) is not None:
            self._line.say("battery", battery)

    # Asking.

    async def ask(self, body: JsonObject) -> None:
        player = self._player
        if player is None:
            raise LinkLost(f"There is no connection to {self._peer.name}.")
        if body.get("do") == "refresh":
            await self._say_everything()
            return
        deed = _DEEDS.get(str(body.get("do")))
        if deed is None:
            raise NotPossible(f"A Sonos player is not asked to {body.get('do')}.")
        await self._do(lambda it: deed(it, body), refused=NotPossible)
        if not self._hears_events:
            self._wake.set()

    async def _do(self, work: Callable[[Any], _T], refused: type[OperatingError] = LinkLost) -> _T:
        """In a thread. Raises `refused` where the player says no, LinkLost where it does not answer."""
        if self._workers is None or self._player is None:
            raise LinkLost(f"There is no connection to {self._peer.name}.")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._workers, work, self._player)
        except OperatingError:
            raise
        except SoCoUPnPException as err:
            raise refused(_UPNP_WORDS.get(str(err.error_code), f"the player refused: {str(err)[:120]}")) from err
        except SoCoException as err:
            raise refused(f"the player cannot do this now ({type(err).__name__}: {str(err)[:120]})") from err
        except requests.RequestException as err:
            raise LinkLost(f"{self._peer.name} cannot be reached: {why_lost(err)}.") from err
        except Exception as err:  # SoCo lets through whatever its parsers raise
            raise LinkLost(f"{self._peer.name} answered what is not understood ({type(err).__name__}).") from err


# Where it is.


def _port_of(peer: Peer) -> int:
    with contextlib.suppress(ValueError):
        if (port := urlsplit(peer.txt.get("location", "")).port) is not None:
            return port
    return peer.port if peer.port is not None and peer.port not in _PORTS_OF_OTHERS else PORT


# What it says. All of these run in threads.


def _description(player: Any) -> JsonObject:
    with requests.get(f"{player.base_url}/xml/device_description.xml", timeout=REQUEST_S_MAX, stream=True) as answer:
        answer.raise_for_status()
        document = etree.fromstring(answer.raw.read(DESCRIPTION_BYTES_MAX, decode_content=True), _PARSER)
    device = document.find(f"{_DEVICE}device")
    if device is None:
        raise LinkLost("its description describes no device")
    said: dict[str, JsonValue] = {name: device.findtext(_DEVICE + tag) for name, tag in _DESCRIBED.items()}
    said["uid"] = (device.findtext(f"{_DEVICE}UDN") or "").removeprefix("uuid:")
    said["mac_address"] = (device.findtext(f"{_DEVICE}serialNum") or "").partition(":")[0]
    said["address"] = player.ip_address
    said["is_visible"] = player in player.visible_zones or player not in player.all_zones
    return said


def _forget_groups(player: Any) -> None:
    """SoCo remembers a household, also of players that have got other addresses since."""
    player.zone_group_state.clear_cache()


def _topology(player: Any) -> JsonObject:
    groups: list[JsonValue] = []
    for group in player.all_groups:
        members: list[JsonValue] = [{"uid": each.uid, "name": each.player_name} for each in group if each.is_visible]
        if group.coordinator is not None:
            groups.append({"coordinator": group.coordinator.uid, "members": members})
    return {"groups": groups}


def _rendering(player: Any) -> JsonObject:
    said: dict[str, JsonValue] = {
        "volume": {"Master": player.volume},
        "mute": {"Master": int(player.mute)},
        "bass": player.bass,
        "treble": player.treble,
        "loudness": {"Master": int(player.loudness)},
    }
    with contextlib.suppress(SoCoException):
        if player.is_soundbar:
            said["night_mode"] = int(bool(player.night_mode))
            said["dialog_level"] = int(bool(player.dialog_mode))
    return said


def _transport(player: Any) -> JsonObject:
    """As an event would tell it."""
    service = player.avTransport
    info, position = service.GetTransportInfo(_INSTANCE), service.GetPositionInfo(_INSTANCE)
    media, settings = service.GetMediaInfo(_INSTANCE), service.GetTransportSettings(_INSTANCE)
    return {
        "transport_state": info.get("CurrentTransportState"),
        "current_play_mode": settings.get("PlayMode"),
        "current_track_uri": position.get("TrackURI"),
        "current_track_duration": position.get("TrackDuration"),
        "current_track_meta_data": _didl(position.get("TrackMetaData")),
        "av_transport_uri": media.get("CurrentURI"),
        "enqueued_transport_uri_meta_data": _didl(media.get("CurrentURIMetaData")),
    }


def _alive(player: Any) -> JsonObject:
    """Little, so that it may be asked often: it is there, and plays or does not."""
    return {"transport_state": player.avTransport.GetTransportInfo(_INSTANCE).get("CurrentTransportState")}


def _favourites(player: Any) -> JsonValue:
    try:
        found = list(player.music_library.get_sonos_favorites(max_items=FAVOURITES_MAX))
    except SoCoException:
        return []  # not every model and firmware has them
    return [{"title": each.title, "uri": _address_of(each)} for each in found]


def _battery(player: Any) -> JsonObject | None:
    try:
        said = player.get_battery_info(timeout=REQUEST_S_MAX)
    except (NotSupportedException, ConnectionError, TimeoutError):
        return None
    return {"level": said.get("Level"), "charging": said.get("PowerSource") not in {None, "BATTERY"}}


def _battery_of(more_info: object) -> JsonObject | None:
    """`BattPct:98,BattChg:NOT_CHARGING,BattTmp:25`"""
    if not isinstance(more_info, str) or "BattPct" not in more_info:
        return None
    pairs = dict(part.partition(":")[::2] for part in more_info[:500].split(","))
    return {"level": pairs.get("BattPct"), "charging": pairs.get("BattChg") == "CHARGING"}


def _plain(value: Any) -> JsonValue:
    if isinstance(value, DidlObject):
        return {name: str(said) for name in _FIELDS if (said := getattr(value, name, None))}
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    return value if isinstance(value, str | int | float | bool) else None


def _didl(text: Any) -> JsonValue:
    if not isinstance(text, str) or not text.startswith("<DIDL-Lite"):
        return ""
    with contextlib.suppress(Exception):  # metadata of a service that SoCo does not know: the state is told without it
        return _plain(from_didl_string(text)[0])
    return ""


# What it is asked. All of these run in threads.


def _head(player: Any) -> Any:
    """What plays is decided by the one that leads the group."""
    group = player.group
    return group.coordinator if group is not None and group.coordinator is not None else player


def _address_of(item: Any) -> str | None:
    return item.resources[0].uri if item.resources else None


def _titled(items: Any, title: object, words: str) -> Any:
    found = next((each for each in items if each.title == title), None)
    if found is None:
        raise NotPossible(f'It has no {words} called "{str(title)[:80]}".')
    return found


def _favourite(player: Any, body: JsonObject) -> None:
    item = _titled(player.music_library.get_sonos_favorites(max_items=FAVOURITES_MAX), body.get("title"), "favourite")
    address = _address_of(item) or ""
    head = _head(player)
    if address.startswith(_RADIO):
        head.play_uri(address, meta=item.resource_meta_data or "", title=item.title)
    else:
        _play_list(head, item.reference)


def _playlist(player: Any, body: JsonObject) -> None:
    _play_list(_head(player), _titled(player.get_sonos_playlists(), body.get("title"), "playlist"))


def _play_list(head: Any, item: Any) -> None:
    head.clear_queue()
    head.add_to_queue(item)
    head.play_from_queue(0)


def _play_address(player: Any, body: JsonObject) -> None:
    _head(player).play_uri(str(body["address"]), force_radio=body.get("is_radio") is True)


def _queue_address(player: Any, body: JsonObject) -> None:
    _head(player).add_uri_to_queue(str(body["address"]), as_next=body.get("next") is True)


def _join(player: Any, body: JsonObject) -> None:
    address = f"x-rincon:{body['coordinator']}"
    player.avTransport.SetAVTransportURI([*_INSTANCE, ("CurrentURI", address), ("CurrentURIMetaData", "")])
    player.zone_group_state.clear_cache()


def _line_in(player: Any, _body: JsonObject) -> None:
    player.switch_to_line_in()
    player.play()


def _sound(player: Any, body: JsonObject) -> None:
    name = {"dialog_level": "dialog_mode"}.get(str(body["name"]), str(body["name"]))
    if name not in {"bass", "treble", "loudness", "night_mode", "dialog_mode"}:
        raise NotPossible(f"A Sonos player has no {name}.")
    setattr(player, name, body["value"])


def _play_mode(player: Any, body: JsonObject) -> None:
    _head(player).play_mode = body["mode"]


def _volume(player: Any, body: JsonObject) -> None:
    player.volume = body["percent"]


def _mute(player: Any, body: JsonObject) -> None:
    player.mute = body["on"] is True


_DEEDS: Final[Mapping[str, Callable[[Any, JsonObject], object]]] = {
    "play": lambda player, _body: _head(player).play(),
    "pause": lambda player, _body: _head(player).pause(),
    "stop": lambda player, _body: _head(player).stop(),
    "next": lambda player, _body: _head(player).next(),
    "previous": lambda player, _body: _head(player).previous(),
    "seek": lambda player, body: _head(player).seek(body["position"]),
    "clear_queue": lambda player, _body: _head(player).clear_queue(),
    "unjoin": lambda player, _body: player.unjoin(),
    "tv": lambda player, _body: player.switch_to_tv(),
    "volume_by": lambda player, body: player.set_relative_volume(body["percent"]),
    "volume": _volume,
    "mute": _mute,
    "play_mode": _play_mode,
    "favourite": _favourite,
    "playlist": _playlist,
    "play_address": _play_address,
    "queue_address": _queue_address,
    "join": _join,
    "line_in": _line_in,
    "sound": _sound,
}


def _subscription(service: Any, ear: _Ear, _player: Any) -> Any:
    return service.subscribe(requested_timeout=SUBSCRIPTION_S, auto_renew=True, event_queue=ear)


def _unsubscribe(subscriptions: list[Any]) -> None:
    for each in subscriptions:
        each.unsubscribe(strict=False)
    # SoCo stops listening with the last subscription, and leaves the port to the garbage collector.
    if not events.event_listener.is_running:
        while _EARS:
            _EARS.pop().server_close()
