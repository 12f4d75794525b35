"""Looks at the home's own devices: which of a few ports are open, what a page says to everybody, whether a broker asks who comes.

Slow and polite: one connection at a time, a pause after each, nothing is sent but one harmless request, no password is tried. What comes back is
bounded in bytes and time, and only what is asked about is told on: neither banners nor pages are kept.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import ip_address
from typing import Final

import orjson

from hub_agent.adapters.neighbours.interfaces import own_addresses
from hub_agent.config import Config
from hub_agent.core.security import Ways
from hub_agent.errors import MirrorError
from hub_agent.model.definition import Definition
from hub_agent.model.inputs import Input
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.security import KnownIssues, Look, Page, Scanned
from hub_agent.ports import Done, Store

CONNECT_S_MAX: Final = 1.0
ANSWER_S_MAX: Final = 4.0
PAUSE_S: Final = 0.05
# A host that lets so many connections run into nothing, and none into anything, is not there.
SILENT_MAX: Final = 3
PAGE_BYTES_MAX: Final = 16 * 1024
TEXT_CHARS_MAX: Final = 2_000
ADDRESSES_MAX: Final = 4
MODELS_MAX: Final = 2_000
ISSUES_MAX: Final = 50


def ways_of(config: Config) -> Ways:
    """What of this hub others on the network can reach, as far as the settings tell."""
    mqtt = config.mqtt
    return Ways(
        scans=config.security.scan,
        page_host=config.web.host,
        page_port=config.web.port,
        broker_host=mqtt.host,
        broker_port=mqtt.port,
        broker_has_tls=mqtt.tls,
    )


class LookAround:
    """An errand. What was seen goes in as an input of its own, `Scanned`."""

    def __init__(
        self,
        store: Store,
        feed_back: Callable[[Input], None],
        addresses: Callable[[], Sequence[str]] = own_addresses,
        pause_s: float = PAUSE_S,
    ) -> None:
        """`addresses`: this machine's own on the home's network."""
        self._store = store
        self._feed_back = feed_back
        self._addresses = addresses
        self._pause_s = pause_s

    async def run(self, data: JsonObject, *, wants_response: bool) -> Done:
        del wants_response
        scan_id, targets = str(data.get("scan_id")), data.get("targets")
        try:
            models = await self._models()
            looks = [await self._look(each) for each in _mappings(targets)]
        except MirrorError as err:
            self._feed_back(Scanned(scan_id, (), error=str(err)))
            return Done(None)
        except Exception as err:
            self._feed_back(Scanned(scan_id, (), error=f"The look at the home failed: {type(err).__name__}"))
            raise
        self._feed_back(Scanned(scan_id, tuple(looks), models))
        return Done(None)

    async def _models(self) -> tuple[KnownIssues, ...]:
        """Of the catalogue's models those that have any."""
        brands = {each.id: str(each.fields.get("name")) for each in await self._store.catalogue("brand")}
        known: list[KnownIssues] = []
        for row in await self._store.catalogue("device_model"):
            issues, brand = _issues_of(row), brands.get(str(row.fields.get("brand_id")))
            if issues and brand is not None and len(known) < MODELS_MAX:
                names = dict.fromkeys(
                    str(row.fields[name]) for name in ("model_number", "model_name") if row.fields.get(name)
                )
                known += [KnownIssues(brand, name, issues) for name in names]
        return tuple(known)

    async def _look(self, target: Mapping[str, JsonValue]) -> Look:
        key, address = str(target["key"]), target.get("address")
        if isinstance(address, str):
            return await self._look_at(key, address, target)
        looks = [await self._look_at(key, each, target) for each in self._addresses()[:ADDRESSES_MAX]]
        return Look(
            key,
            is_there=any(each.is_there for each in looks),
            open_ports=tuple(sorted({port for each in looks for port in each.open_ports})),
            brokers=tuple(sorted({port for each in looks for port in each.brokers})),
        )

    async def _look_at(self, key: str, address: str, target: Mapping[str, JsonValue]) -> Look:
        is_there, silent = False, 0
        found: list[int] = []
        for port in _ports(target.get("ports")):
            answer = await _knock(address, port)
            await asyncio.sleep(self._pause_s)
            if answer is None:
                silent += 1
                if silent >= SILENT_MAX and not is_there:
                    return Look(key, is_there=False)
                continue
            is_there = True
            if answer:
                found.append(port)
        pages: dict[str, Page] = {}
        page_port, broker_port = target.get("page_port"), target.get("broker_port")
        if isinstance(page_port, int) and page_port in found:
            for path in _texts(target.get("asks")):
                page = await _ask(address, page_port, path)
                if page is not None:
                    pages[path] = page
        is_open = isinstance(broker_port, int) and broker_port in found and await _takes_anybody(address, broker_port)
        brokers = (broker_port,) if is_open and isinstance(broker_port, int) else ()
        return Look(key, is_there, tuple(found), pages, brokers)


async def _knock(address: str, port: int) -> bool | None:
    """Whether it is open; None: nobody answers."""
    try:
        async with asyncio.timeout(CONNECT_S_MAX):
            _, writer = await asyncio.open_connection(address, port)
    except ConnectionRefusedError:
        return False
    except (OSError, TimeoutError):
        return None
    await _close(writer)
    return True


async def _ask(address: str, port: int, path: str) -> Page | None:
    """One GET that follows nothing and believes nothing."""
    import httpx  # only when it is used: importing it takes time and memory that automations need first

    host = f"[{address.partition('%')[0]}]" if ip_address(address.partition("%")[0]).version == 6 else address
    headers = {"accept-encoding": "identity", "connection": "close", "user-agent": "nexa-hub"}
    try:
        async with (
            asyncio.timeout(ANSWER_S_MAX),
            httpx.AsyncClient(timeout=ANSWER_S_MAX, trust_env=False, follow_redirects=False) as client,
            client.stream("GET", f"http://{host}:{port}{path}", headers=headers) as response,
        ):
            body = bytearray()
            async for part in response.aiter_raw():
                body += part
                if len(body) > PAGE_BYTES_MAX:
                    break
    except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError):
        return None
    asks = response.status_code in {401, 403} or "www-authenticate" in response.headers
    return Page(response.status_code, asks, *_read(bytes(body[:PAGE_BYTES_MAX])))


def _read(body: bytes) -> tuple[JsonObject, str]:
    try:
        parsed = orjson.loads(body)
    except ValueError:
        return {}, body[:TEXT_CHARS_MAX].decode("utf-8", "replace")
    return (parsed, "") if isinstance(parsed, dict) else ({}, "")


async def _takes_anybody(address: str, port: int) -> bool:
    """Whether an MQTT broker takes a client that says no name and no password. It is left again at once."""
    client_id = f"nexa-look-{secrets.token_hex(4)}".encode()
    variable = b"\x00\x04MQTT\x04\x02\x00\x0a" + len(client_id).to_bytes(2, "big") + client_id
    try:
        async with asyncio.timeout(ANSWER_S_MAX):
            reader, writer = await asyncio.open_connection(address, port, limit=1024)
            try:
                writer.write(bytes([0x10, len(variable)]) + variable)
                await writer.drain()
                answer = await reader.readexactly(4)
                writer.write(b"\xe0\x00")
            finally:
                await _close(writer)
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False
    return answer[0] == 0x20 and answer[3] == 0


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    try:
        async with asyncio.timeout(CONNECT_S_MAX):
            await writer.wait_closed()
    except (OSError, TimeoutError):
        writer.transport.abort()


def _issues_of(row: Definition) -> tuple[JsonObject, ...]:
    said = row.fields.get("known_issues")
    return tuple(_mappings(said))[:ISSUES_MAX]


def _mappings(said: JsonValue) -> Iterable[JsonObject]:
    return [each for each in said if isinstance(each, Mapping)] if isinstance(said, list | tuple) else []


def _ports(said: JsonValue) -> Iterable[int]:
    return [each for each in said if isinstance(each, int)] if isinstance(said, list | tuple) else []


def _texts(said: JsonValue) -> Iterable[str]:
    return [each for each in said if isinstance(each, str)] if isinstance(said, list | tuple) else []
