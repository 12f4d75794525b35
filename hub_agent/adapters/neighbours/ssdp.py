"""SSDP, for the few that announce themselves in no other way. Runs in the process of `host.py`; needs the extra `upnp`."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_address
from typing import Final, TypeAlias
from urllib.parse import urlsplit

import httpx
from async_upnp_client.const import SsdpSource
from async_upnp_client.ssdp_listener import SsdpDevice, SsdpDeviceTracker, SsdpListener
from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from hub_agent.adapters.neighbours.interfaces import Interfaces, look
from hub_agent.drivers.identification import SEARCH_TARGETS
from hub_agent.drivers.identification.txt import plain_txt
from hub_agent.model.link import Service, ServiceGone

log = logging.getLogger(__name__)

SEARCH_S: Final = 300.0
DEVICES_MAX: Final = 500
# Of all that the library remembers; then it begins anew.
TRACKED_MAX: Final = 2_000
DESCRIPTION_BYTES_MAX: Final = 128 * 1024
DESCRIPTION_S_MAX: Final = 5.0
DESCRIPTIONS_AT_ONCE: Final = 4
# What a description may say of a device, besides what its headers do.
_TOLD: Final = frozenset(
    {
        "friendlyname",
        "manufacturer",
        "modelname",
        "modelnumber",
        "serialnumber",
        "udn",
        "roomname",
        "softwareversion",
        "firmwareversion",
        "macaddress",
    }
)
_HEADERS: Final = ("server", "hue-bridgeid", "location")

Heard: TypeAlias = Service | ServiceGone


@dataclass(slots=True)
class Ssdp:
    say: Callable[[Heard], None]
    only: Sequence[str] = ()
    search_s: float = SEARCH_S
    # Set by whoever wants to know now who is there.
    look_now: asyncio.Event = field(default_factory=asyncio.Event)
    _tracker: SsdpDeviceTracker = field(default_factory=SsdpDeviceTracker)
    _known: dict[tuple[str, str], str] = field(default_factory=dict)
    _reading: set["asyncio.Task[None]"] = field(default_factory=set)
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(DESCRIPTIONS_AT_ONCE))

    async def run(self) -> None:
        """Until cancelled. Networks that come later are listened to at the next search."""
        listeners: dict[str, SsdpListener] = {}
        try:
            while True:
                await self._follow(listeners, look(self.only))
                self._lose_the_silent()
                if len(self._tracker.devices) > TRACKED_MAX:
                    self._tracker.devices.clear()
                for listener in listeners.values():
                    with contextlib.suppress(OSError):
                        await listener.async_search()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self.search_s):
                        await self.look_now.wait()
                self.look_now.clear()
        finally:
            for listener in listeners.values():
                await listener.async_stop()
            for task in self._reading:
                task.cancel()
            await asyncio.gather(*self._reading, return_exceptions=True)

    async def _follow(self, listeners: dict[str, SsdpListener], interfaces: Interfaces) -> None:
        for address in set(listeners) - set(interfaces.ipv4):
            await listeners.pop(address).async_stop()
        for address in interfaces.ipv4:
            if address in listeners or IPv4Address(address).is_loopback:
                continue
            listener = SsdpListener(async_callback=self._changed, source=(address, 0), device_tracker=self._tracker)
            try:
                await listener.async_start()
            except OSError as err:
                log.warning("SSDP is not heard at %s: %s", address, err)
            else:
                listeners[address] = listener

    async def _changed(self, device: SsdpDevice, kind: str, source: SsdpSource) -> None:
        if source is SsdpSource.ADVERTISEMENT_BYEBYE:
            # Told once, for whatever part of the device said goodbye first.
            self._lose(device.udn)
            return
        if kind not in SEARCH_TARGETS and not kind.lower().startswith("urn:belkin:device:"):
            return
        which = (kind, device.udn)
        location = device.location
        if not location or self._known.get(which) == location or len(self._known) >= DEVICES_MAX:
            return
        self._known[which] = location
        headers = device.combined_headers(kind)
        said = {name: str(value) for name in _HEADERS if (value := headers.get(name))}
        said["location"] = location
        from_address = str(headers.get("_host") or "")
        task = asyncio.create_task(self._describe(which, location, from_address, said))
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    def _lose(self, udn: str) -> None:
        for which in [each for each in self._known if each[1] == udn]:
            del self._known[which]
            self.say(ServiceGone("ssdp", *which))

    def _lose_the_silent(self) -> None:
        """Those whose last word no longer holds."""
        self._tracker.purge_devices()
        present = {device.udn for device in self._tracker.devices.values()}
        for udn in {udn for _, udn in self._known} - present:
            self._lose(udn)

    async def _describe(self, which: tuple[str, str], location: str, from_address: str, said: dict[str, str]) -> None:
        kind, udn = which
        host = _near_host(location, from_address)
        if host is None:
            log.debug("%s does not describe itself at its own address.", udn)
            return
        async with self._turns:
            told = await _description(location)
        if which in self._known:
            port = urlsplit(location).port or 80
            self.say(Service("ssdp", kind, udn, (host,), port, None, plain_txt(said | told)))


def _near_host(location: str, from_address: str) -> str | None:
    """Where it describes itself, if that is where it spoke from: nobody may send us to read somewhere else."""
    try:
        parts = urlsplit(location)
        host = ip_address(parts.hostname or "")
        is_its_own = parts.scheme == "http" and str(host) == str(ip_address(from_address))
    except ValueError:
        return None
    return str(host) if is_its_own else None


async def _description(location: str) -> dict[str, str]:
    """What the root device says of itself, if it says it soon and shortly."""
    try:
        async with (
            asyncio.timeout(DESCRIPTION_S_MAX),
            httpx.AsyncClient(follow_redirects=False, trust_env=False) as client,
            client.stream("GET", location) as answer,
        ):
            body = b""
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > DESCRIPTION_BYTES_MAX:
                    return {}
        return _read(body)
    except (TimeoutError, OSError, httpx.HTTPError, httpx.InvalidURL) as err:
        log.debug("%s was not read: %s", location, err)
        return {}


def _read(body: bytes) -> dict[str, str]:
    try:
        root = ElementTree.fromstring(body)
    except (ElementTree.ParseError, DefusedXmlException, ValueError):
        return {}
    device = next((each for each in root if each.tag.rpartition("}")[2] == "device"), None)
    if device is None:
        return {}
    said = {each.tag.rpartition("}")[2].lower(): (each.text or "").strip() for each in device}
    return {key: value for key, value in said.items() if key in _TOLD and value}
