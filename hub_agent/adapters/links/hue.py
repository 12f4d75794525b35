"""The Hue bridge by CLIP version 2, over HTTPS with its stream of events. README: hub_agent/drivers/hue.

A bridge's certificate is signed by its maker or by itself, and names the bridge's id. It is taken on trust once, when the button is pressed,
and kept with the key: from then on nothing is said to anybody who does not show exactly that certificate.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import httpx
import orjson

from hub_agent.adapters.links.link import Line, NoSearch
from hub_agent.adapters.links.words import why_lost
from hub_agent.errors import LinkLost, NotPossible, PersonNeeded
from hub_agent.model.json import JsonObject
from hub_agent.model.link import NeedKind, Peer

PORT: Final = 443
CONNECT_S_MAX: Final = 10.0
ANSWER_S_MAX: Final = 15.0
# The stream may be silent for hours: so often the bridge is asked whether it is there, and so often that, everything is asked for over a new stream.
ASK_AGAIN_S: Final = 60.0
ROUNDS_A_STREAM: Final = 10
EVENT_BYTES_MAX: Final = 4 * 1024 * 1024
# A bridge takes some ten commands a second and says 429 or 503 to more.
TRIES_MAX: Final = 6
BUSY_S: Final = 0.3

APP_KEY: Final = "app_key"
CERTIFICATE: Final = "certificate"
_NAME: Final = "nexa_hub#hub"
_NOT_PRESSED: Final = 101
# X509_V_FLAG_NO_CHECK_TIME: it is the one certificate or not, and a hub that has just started may not know the time.
_ANY_TIME: Final = 0x200000


class HueLinking(NoSearch):
    def open(self, peer: Peer, line: Line) -> "HueLink":
        return HueLink(peer, line)

    async def pair(self, peer: Peer, _given: Mapping[str, str]) -> Mapping[str, str]:
        host, certificate = await _meet(peer)
        async with _client(peer, host, certificate) as client:
            answer = await _asked(client, peer, "POST", "/api", {"devicetype": _NAME, "generateclientkey": True})
        said: Any = answer[0] if isinstance(answer, list) and answer and isinstance(answer[0], dict) else {}
        key = _at(said, "success", "username")
        if isinstance(key, str):
            return {APP_KEY: key, CERTIFICATE: certificate}
        if _at(said, "error", "type") == _NOT_PRESSED:
            raise _button(f"Press the round button on {peer.name}, then pair within half a minute.")
        raise LinkLost(f"{peer.name} did not give a key: {str(_at(said, 'error', 'description'))[:200]}")


class HueLink:
    """Opens the stream of events, asks for everything, and passes on what the stream says."""

    def __init__(self, peer: Peer, line: Line) -> None:
        self._peer = peer
        self._line = line
        self._client: httpx.AsyncClient | None = None

    async def run(self) -> None:
        key, certificate = self._line.secrets.get(APP_KEY), self._line.secrets.get(CERTIFICATE)
        if key is None or certificate is None:
            raise _button(f"Press the round button on {self._peer.name}, then pair.")
        host = await _reached(self._peer)
        async with _client(self._peer, host, certificate, key) as client:
            try:
                while True:
                    await self._follow(client)
            finally:
                self._client = None

    async def _follow(self, client: httpx.AsyncClient) -> None:
        """One stream of events, until it is renewed. Its silence is told from the bridge's by asking."""
        stream = await self._open(client)
        reading = asyncio.create_task(self._pass_on(stream))
        try:
            await self._say_all(client)
            self._client = client
            self._line.up()
            for _ in range(ROUNDS_A_STREAM):
                await asyncio.wait({reading}, timeout=ASK_AGAIN_S)
                if reading.done():
                    await reading
                    raise LinkLost(f"{self._peer.name} ended the connection.")
                await _asked(client, self._peer, "GET", "/clip/v2/resource/bridge")
        except httpx.HTTPError as err:
            raise _lost(self._peer, err) from err
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            await stream.aclose()

    async def _open(self, client: httpx.AsyncClient) -> httpx.Response:
        wanted = client.build_request(
            "GET",
            "/eventstream/clip/v2",
            headers={"Accept": "text/event-stream"},
            timeout=httpx.Timeout(CONNECT_S_MAX, read=None),
        )
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                stream = await client.send(wanted, stream=True)
        except httpx.HTTPError as err:
            raise _lost(self._peer, err) from err
        except TimeoutError as err:
            raise LinkLost(f"{self._peer.name} did not answer in time.") from err
        _check(self._peer, stream)
        return stream

    async def _pass_on(self, stream: httpx.Response) -> None:
        async for events in _events(stream):
            self._line.say("events", {"events": events})

    async def _say_all(self, client: httpx.AsyncClient) -> None:
        answer = await _asked(client, self._peer, "GET", "/clip/v2/resource")
        self._line.say("resources", {"data": answer["data"] if isinstance(answer, dict) else []})

    async def ask(self, body: JsonObject) -> None:
        client = self._client
        if client is None:
            raise LinkLost(f"{self._peer.name} is not connected.")
        path = f"/clip/v2/resource/{_word(body, 'type')}"
        match body.get("do"):
            case "put":
                await self._told(client, "PUT", f"{path}/{_word(body, 'id')}", body.get("body"))
            case "delete":
                await self._told(client, "DELETE", f"{path}/{_word(body, 'id')}")
            case "post":
                await self._make(client, path, body)
            case "refresh":
                await self._say_all(client)
            case other:
                raise NotPossible(f"a Hue bridge cannot be asked to {other!r:.40}.")

    async def _make(self, client: httpx.AsyncClient, path: str, body: JsonObject) -> None:
        """`group_first`: the group that it is to be in is made before."""
        wanted, group = body.get("body"), body.get("group_first")
        if isinstance(group, Mapping) and isinstance(wanted, Mapping):
            answer = await self._told(client, "POST", "/clip/v2/resource/zone", group)
            made: dict[str, Any] = next(iter(answer.get("data") or ()), {})
            wanted = {**wanted, "group": {"rid": made.get("rid"), "rtype": "zone"}}
        await self._told(client, "POST", path, wanted)

    async def _told(self, client: httpx.AsyncClient, method: str, path: str, body: object = None) -> dict[str, Any]:
        answer = await _asked(client, self._peer, method, path, body)
        faults = answer.get("errors") if isinstance(answer, dict) else None
        if faults:
            raise NotPossible(f"{self._peer.name}: {str(faults[0].get('description'))[:200]}")
        return answer if isinstance(answer, dict) else {}


async def _asked(client: httpx.AsyncClient, peer: Peer, method: str, path: str, body: object = None) -> Any:
    """The answer's JSON; asked again while the bridge has too much to do."""
    for attempt in range(1, TRIES_MAX + 1):
        try:
            content = None if body is None else orjson.dumps(body)
            answer = await client.request(method, path, content=content)
        except httpx.HTTPError as err:
            raise _lost(peer, err) from err
        if answer.status_code not in {429, 503}:
            break
        await asyncio.sleep(BUSY_S * attempt)
    if answer.status_code in {429, 503}:
        raise NotPossible(f"{peer.name} has too much to do; try again later.")
    _check(peer, answer)
    try:
        return orjson.loads(answer.content)
    except orjson.JSONDecodeError as err:
        raise LinkLost(f"{peer.name} answered something that is not JSON.") from err


def _check(peer: Peer, answer: httpx.Response) -> None:
    if answer.status_code in {401, 403}:
        raise _button(f"{peer.name} no longer knows this hub: press its round button, then pair.")
    if answer.status_code == 404 and "/clip/v2" in str(answer.url) and answer.url.path.count("/") <= 3:
        raise LinkLost(
            f"{peer.name} does not speak version 2 of its interface: it has to be a square bridge with new firmware."
        )
    if answer.status_code >= 500:
        raise LinkLost(f"{peer.name} has a fault of its own (HTTP {answer.status_code}).")


async def _events(stream: httpx.Response) -> AsyncIterator[list[Any]]:
    """Server-sent events: what stands behind `data:` until an empty line."""
    data: list[str] = []
    size = 0
    async for line in stream.aiter_lines():
        if line.startswith("data:"):
            size += len(line)
            if size > EVENT_BYTES_MAX:
                raise LinkLost("an event of the bridge is larger than any should be.")
            data.append(line[5:].strip())
        elif not line and data:
            try:
                events = orjson.loads("\n".join(data))
            except orjson.JSONDecodeError:
                events = None
            data, size = [], 0
            if isinstance(events, list) and events:
                yield events


# Who is there.


def _client(peer: Peer, host: str, certificate: str, key: str | None = None) -> httpx.AsyncClient:
    headers = {"Content-Type": "application/json"} | ({"hue-application-key": key} if key is not None else {})
    return httpx.AsyncClient(
        base_url=f"https://{host if ':' not in host else f'[{host}]'}:{peer.port or PORT}",
        verify=_trusting(certificate),
        headers=headers,
        timeout=httpx.Timeout(ANSWER_S_MAX, connect=CONNECT_S_MAX),
        # No proxy of the environment stands between the hub and a bridge in the same house.
        trust_env=False,
    )


def _trusting(certificate: str) -> ssl.SSLContext:
    """Nothing but this certificate, whoever has signed it and whatever address it is shown at."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(cadata=certificate)
    context.verify_flags |= ssl.VerifyFlags(ssl.VERIFY_X509_PARTIAL_CHAIN | _ANY_TIME)
    return context


async def _reached(peer: Peer) -> str:
    """The first of its addresses that takes a connection."""
    for host in peer.hosts:
        try:
            async with asyncio.timeout(CONNECT_S_MAX):
                _, writer = await asyncio.open_connection(host, peer.port or PORT)
        except (OSError, TimeoutError):
            continue
        writer.close()
        return host
    raise LinkLost(f"{peer.name} could not be reached.")


async def _meet(peer: Peer) -> tuple[str, str]:
    """An address, and the certificate shown there, if it is of the bridge that was announced."""
    host = await _reached(peer)
    unknown = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unknown.check_hostname = False
    # Only to see the certificate: nothing is said over this connection.
    unknown.verify_mode = ssl.CERT_NONE
    shown = await _certificate(peer, host, unknown)
    certificate = ssl.DER_cert_to_PEM_cert(shown[0])
    _, about = await _certificate(peer, host, _trusting(certificate))
    named = [value.lower() for part in about.get("subject", ()) for name, value in part if name == "commonName"]
    is_id = len(peer.key) == 16 and all(digit in "0123456789abcdef" for digit in peer.key)
    if is_id and peer.key not in named:
        raise LinkLost(f"At the address of {peer.name} another bridge answers ({', '.join(named)[:60]}).")
    return host, certificate


async def _certificate(peer: Peer, host: str, context: ssl.SSLContext) -> tuple[bytes, dict[str, Any]]:
    try:
        async with asyncio.timeout(CONNECT_S_MAX):
            _, writer = await asyncio.open_connection(host, peer.port or PORT, ssl=context)
    except (OSError, TimeoutError) as err:
        raise LinkLost(f"{peer.name} shows no certificate that can be used.") from err
    connection: ssl.SSLObject = writer.get_extra_info("ssl_object")
    der, about = connection.getpeercert(binary_form=True), connection.getpeercert()
    writer.close()
    return der or b"", dict(about or {})


def _lost(peer: Peer, err: httpx.HTTPError) -> Exception:
    if "CERTIFICATE_VERIFY_FAILED" in str(err):
        return _button(
            f"{peer.name} shows another certificate than when it was paired. If it was reset or replaced, press its button and pair it again."
        )
    return LinkLost(f"{peer.name} could not be talked to: {why_lost(err)}.")


def _button(text: str) -> PersonNeeded:
    return PersonNeeded(text, NeedKind.BUTTON)


def _word(body: JsonObject, name: str) -> str:
    """A part of an address: letters, digits and dashes."""
    value = body.get(name)
    return (
        "".join(letter for letter in str(value) if letter.isalnum() or letter in "-_")[:64] if value is not None else ""
    )


def _at(body: Any, *path: str) -> object:
    for name in path:
        body = body.get(name) if isinstance(body, dict) else None
    return body
