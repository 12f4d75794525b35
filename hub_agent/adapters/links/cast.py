"""Links to Google Cast receivers, with PyChromecast (MIT). It has a thread for each connection; what it is asked for blocks, in threads of ours.

What a receiver says is passed on as it comes; how a receiver reconnects is the host's business, so PyChromecast tries once.
"""

import asyncio
import contextlib
import json
import ssl
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar
from uuid import UUID

from pychromecast import Chromecast
from pychromecast.controllers import BaseController
from pychromecast.controllers.receiver import CastStatus
from pychromecast.error import NotConnected, PyChromecastError, RequestFailed, RequestTimeout
from pychromecast.models import CastInfo, HostServiceInfo
from pychromecast.socket_client import ConnectionStatus, ConnectionStatusListener

from hub_agent.adapters.links.addresses import ipv4_of
from hub_agent.adapters.links.link import Line, NoPairing, NoSearch
from hub_agent.errors import LinkLost, NotPossible, OperatingError
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import Peer

PORT: Final = 8009
PORT_OF_DESCRIPTION: Final = 8443
CONNECT_S_MAX: Final = 10.0
ANSWER_S_MAX: Final = 8.0
DESCRIPTION_S_MAX: Final = 4.0
DESCRIPTION_BYTES_MAX: Final = 256 * 1024
THREADS: Final = 2
# A receiver that nobody touches says nothing for days. PyChromecast's heartbeat watches the connection; this is for what may have been missed.
LOOK_S: Final = 60.0
DEFAULT_APP: Final = "CC1AD845"
IDLE_APP: Final = "E8C28D3C"

_T = TypeVar("_T")
_RECEIVER: Final = "urn:x-cast:com.google.cast.receiver"
_MEDIA: Final = "urn:x-cast:com.google.cast.media"
_GONE: Final = frozenset({"LOST", "FAILED", "DISCONNECTED"})


class CastLinking(NoPairing, NoSearch):
    def __init__(self, look_s: float = LOOK_S) -> None:
        self._look_s = look_s

    def open(self, peer: Peer, line: Line) -> "CastLink":
        return CastLink(peer, line, self._look_s)


class _Ear(BaseController):
    """Hears what is said on a channel, from PyChromecast's thread."""

    def __init__(self, namespace: str, heard: Callable[[JsonObject], None]) -> None:
        super().__init__(namespace)
        self._heard = heard

    def receive_message(self, _message: object, data: dict[str, Any]) -> bool:
        self._heard(data)
        return True


class _Watch(ConnectionStatusListener):
    def __init__(self, changed: Callable[[str], None]) -> None:
        self._changed = changed

    def new_connection_status(self, status: ConnectionStatus) -> None:
        self._changed(status.status)


class CastLink:
    def __init__(self, peer: Peer, line: Line, look_s: float) -> None:
        self._look_s = look_s
        self._peer = peer
        self._line = line
        self._cast: Chromecast | None = None
        self._workers: ThreadPoolExecutor | None = None
        self._is_up = False
        self._is_lost = False
        self._news = asyncio.Event()

    async def run(self) -> None:
        host = await ipv4_of(self._peer)
        self._is_up, self._is_lost = False, False
        self._workers = workers = ThreadPoolExecutor(THREADS, thread_name_prefix="cast")
        loop = asyncio.get_running_loop()
        described = await loop.run_in_executor(workers, _description, self._peer, host)
        self._cast = cast = _chromecast(self._peer, host, str(described["cast_type"]))
        try:
            self._listen(cast, loop)
            self._line.say("device", described)
            cast.start()
            await self._news_within(CONNECT_S_MAX)
            if not self._is_up:
                raise LinkLost(f"{self._peer.name} does not answer.")
            while not self._is_lost and cast.socket_client.is_alive():
                if not await self._news_within(self._look_s):
                    await self._do(lambda it: _refresh(it, {}))
            raise LinkLost(f"{self._peer.name} ended the connection.")
        finally:
            self._cast = None
            workers.submit(_close, cast)
            workers.shutdown(wait=False)

    async def _news_within(self, seconds: float) -> bool:
        """Whether the connection has come up, or was lost, meanwhile."""
        self._news.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()
        return self._news.is_set()

    def _listen(self, cast: Chromecast, loop: asyncio.AbstractEventLoop) -> None:
        def into_loop(heard: Callable[[Any], None]) -> Callable[[Any], None]:
            def pass_on(said: Any) -> None:
                with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
                    loop.call_soon_threadsafe(heard, said)

            return pass_on

        cast.register_handler(_Ear(_RECEIVER, into_loop(self._hear_receiver)))
        cast.register_handler(_Ear(_MEDIA, into_loop(self._hear_media)))
        cast.register_connection_listener(_Watch(into_loop(self._hear_connection)))

    def _hear_connection(self, status: str) -> None:
        if status in _GONE:
            self._is_lost = True
            self._news.set()

    def _hear_receiver(self, data: JsonObject) -> None:
        if data.get("type") == "RECEIVER_STATUS":
            self._line.say("receiver", data.get("status"))
            if not self._is_up:
                self._is_up = True
                self._line.up()
                self._news.set()

    def _hear_media(self, data: JsonObject) -> None:
        if data.get("type") == "MEDIA_STATUS":
            statuses = data.get("status")
            self._line.say("media", statuses[0] if isinstance(statuses, list) and statuses else None)

    async def ask(self, body: JsonObject) -> None:
        deed = _DEEDS.get(str(body.get("do")))
        if deed is None:
            raise NotPossible(f"A Cast receiver is not asked to {body.get('do')}.")
        await self._do(lambda cast: deed(cast, body))

    async def _do(self, work: Callable[[Chromecast], _T]) -> _T:
        if self._workers is None or self._cast is None:
            raise LinkLost(f"There is no connection to {self._peer.name}.")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._workers, work, self._cast)
        except OperatingError:
            raise
        except (RequestTimeout, NotConnected, OSError) as err:
            raise LinkLost(f"{self._peer.name} does not answer.") from err
        except RequestFailed as err:
            raise NotPossible("nothing plays there that could do this") from err
        except PyChromecastError as err:
            raise NotPossible(f"the receiver refused: {str(err)[:160]}") from err


# Where it is, and what.


def _chromecast(peer: Peer, host: str, cast_type: str) -> Chromecast:
    port = peer.port or PORT
    try:
        uuid = UUID(peer.txt.get("id", peer.key))
    except ValueError:
        uuid = UUID(int=0)  # a person gave its address: who it is, it says itself
    info = CastInfo({HostServiceInfo(host, port)}, uuid, peer.txt.get("md"), peer.name, host, port, cast_type, None)
    return Chromecast(info, tries=1, timeout=CONNECT_S_MAX, retry_wait=1.0)


def _description(peer: Peer, host: str) -> dict[str, JsonValue]:
    """As it announces itself, and what it tells over HTTPS, if it does. A group has the address of one of its members."""
    is_group = (peer.port or PORT) != PORT
    told = {} if is_group else _told(host)
    device = _mapping(told.get("device_info"))
    shows = _mapping(device.get("capabilities")).get("display_supported") is not False
    return {
        "uuid": peer.txt.get("id") or device.get("ssdp_udn") or peer.key,
        "friendly_name": peer.txt.get("fn") or told.get("name") or peer.name,
        "model_name": peer.txt.get("md") or device.get("model_name"),
        "manufacturer": device.get("manufacturer"),
        "mac_address": device.get("mac_address"),
        "firmware": _mapping(told.get("build_info")).get("cast_build_revision"),
        "cast_type": "group" if is_group else "cast" if shows else "audio",
        "address": host,
    }


def _told(host: str) -> JsonObject:
    """Receivers sign their own certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    address = f"https://{host}:{PORT_OF_DESCRIPTION}/setup/eureka_info?params=device_info,name,build_info"
    try:
        with urllib.request.urlopen(address, timeout=DESCRIPTION_S_MAX, context=context) as answer:
            return _mapping(json.loads(answer.read(DESCRIPTION_BYTES_MAX)))
    except (OSError, ValueError, RecursionError):
        return {}


def _mapping(value: JsonValue) -> JsonObject:
    return value if isinstance(value, Mapping) else {}


def _close(cast: Chromecast) -> None:
    client = cast.socket_client
    with contextlib.suppress(TimeoutError, RuntimeError):  # it never began, or does not end
        cast.disconnect(ANSWER_S_MAX)
    if client.is_alive():
        return  # its thread may still be using them
    # What PyChromecast leaves open where it never came to be connected.
    for each in (*client.socketpair, client.selector, client.socket):
        if each is not None:
            each.close()


# What it is asked. All of these run in threads.


def _volume_by(cast: Chromecast, body: JsonObject) -> None:
    status = cast.status
    now = status.volume_level if isinstance(status, CastStatus) else 0.0
    cast.set_volume(max(0.0, min(1.0, now + _number(body["level"]))), timeout=ANSWER_S_MAX)


def _number(value: JsonValue) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotPossible(f"{value!r:.40} is no number")
    return float(value)


def _turn_on(cast: Chromecast, _body: JsonObject) -> None:
    """What is on stays; a television is switched on by an application that begins."""
    if cast.app_id in {None, IDLE_APP}:
        cast.start_app(DEFAULT_APP, timeout=ANSWER_S_MAX)


def _play_address(cast: Chromecast, body: JsonObject) -> None:
    title = body.get("title")
    cast.media_controller.play_media(
        str(body["address"]),
        str(body["content_type"]),
        title=title if isinstance(title, str) else None,
        stream_type="BUFFERED",
        enqueue=body.get("enqueue") is True,
    )
    cast.media_controller.block_until_active(ANSWER_S_MAX)


def _repeat(cast: Chromecast, body: JsonObject) -> None:
    controller = cast.media_controller
    if controller.status.media_session_id is None:
        raise NotPossible("nothing plays there that could be repeated")
    command = {"type": "QUEUE_UPDATE", "repeatMode": str(body["mode"])}
    controller.send_message({**command, "mediaSessionId": controller.status.media_session_id}, inc_session_id=True)


def _refresh(cast: Chromecast, _body: JsonObject) -> None:
    cast.socket_client.receiver_controller.update_status()
    if cast.media_controller.is_active:
        cast.media_controller.update_status()


_DEEDS: Final[Mapping[str, Callable[[Chromecast, JsonObject], object]]] = {
    "volume": lambda cast, body: cast.set_volume(_number(body["level"]), timeout=ANSWER_S_MAX),
    "mute": lambda cast, body: cast.set_volume_muted(body["on"] is True, timeout=ANSWER_S_MAX),
    "play": lambda cast, _body: cast.media_controller.play(ANSWER_S_MAX),
    "pause": lambda cast, _body: cast.media_controller.pause(ANSWER_S_MAX),
    "stop": lambda cast, _body: cast.media_controller.stop(ANSWER_S_MAX),
    "next": lambda cast, _body: cast.media_controller.queue_next(ANSWER_S_MAX),
    "previous": lambda cast, _body: cast.media_controller.queue_prev(ANSWER_S_MAX),
    "seek": lambda cast, body: cast.media_controller.seek(_number(body["position"]), timeout=ANSWER_S_MAX),
    "launch": lambda cast, body: cast.start_app(str(body["app_id"]), timeout=ANSWER_S_MAX),
    "quit": lambda cast, _body: cast.quit_app(ANSWER_S_MAX),
    "volume_by": _volume_by,
    "turn_on": _turn_on,
    "play_address": _play_address,
    "repeat": _repeat,
    "refresh": _refresh,
}
