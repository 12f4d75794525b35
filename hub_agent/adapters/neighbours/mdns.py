"""mDNS: what announces itself is browsed for and looked up, and the hub announces itself. Runs in the process of `host.py`."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import zeroconf
from zeroconf import IPVersion, ServiceStateChange
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from hub_agent.adapters.neighbours.interfaces import Interfaces, best_first, look
from hub_agent.drivers.identification import HIDDEN_TYPES, SERVICE_TYPES
from hub_agent.drivers.identification.txt import plain_txt
from hub_agent.model.link import Service, ServiceGone

log = logging.getLogger(__name__)

HUB_TYPE: Final = "_nexa-hub._tcp.local."
ALL_TYPES: Final = "_services._dns-sd._udp.local."
# Types that no table knows: so many of them are browsed for.
OTHER_TYPES_MAX: Final = 60
# A home has some hundred; more than this is a fault or a hostile neighbour. What comes after them is not heard.
SERVICES_MAX: Final = 2_000
# One loud kind does not hide the others.
SERVICES_A_TYPE_MAX: Final = 500
HOSTS_MAX: Final = 8
LOOK_UPS_AT_ONCE: Final = 16
LABEL_BYTES_MAX: Final = 63

# Of DNS: a query; addresses of both kinds; the class.
_QUERY: Final = 0
_ADDRESSES: Final = (1, 28)
_INTERNET: Final = 1

Heard: TypeAlias = Service | ServiceGone
_Key: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds. `settle`: after a change, old addresses are still said for a moment. `confirm`: how often those that are known are looked up
    again: one that was switched off says no goodbye. `misses`: it is gone after so many without an answer.
    """

    answer: float = 3.0
    settle: float = 1.5
    interfaces: float = 10.0
    confirm: float = 120.0
    misses: int = 2


@dataclass(frozen=True, slots=True)
class Own:
    """How the hub announces itself. `id`: what stays when its name changes."""

    name: str
    id: str
    port: int
    txt: dict[str, str]


@dataclass(slots=True)
class _Known:
    said: Service
    misses: int = 0


@dataclass(slots=True)
class _Following:
    """A service that is being looked up; `again`: it changed meanwhile."""

    task: "asyncio.Task[None]"
    again: bool = False


@dataclass(slots=True)
class Mdns:
    say: Callable[[Heard], None]
    only: Sequence[str] = ()
    own: Own | None = None
    pace: Pace = field(default_factory=Pace)
    # Set by whoever wants to know now where everybody is.
    look_now: asyncio.Event = field(default_factory=asyncio.Event)
    _zeroconf: AsyncZeroconf | None = None
    _interfaces: Interfaces = field(default_factory=Interfaces)
    _announced: AsyncServiceInfo | None = None
    _browsers: list[AsyncServiceBrowser] = field(default_factory=list)
    _other_types: set[str] = field(default_factory=set)
    _known: dict[_Key, _Known] = field(default_factory=dict)
    _following: dict[_Key, _Following] = field(default_factory=dict)
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LOOK_UPS_AT_ONCE))
    # Names by type, of what is known or looked up.
    _taken: dict[str, set[str]] = field(default_factory=dict)
    # For whom there was no room, the latest: they are looked up when there is.
    _left_out: dict[_Key, None] = field(default_factory=dict)

    async def run(self) -> None:
        """Until cancelled; then it says goodbye."""
        try:
            await self._begin()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._announce())
                group.create_task(self._follow_interfaces())
                group.create_task(self._confirm())
        finally:
            await self._end()

    async def _begin(self) -> None:
        while not self._open():  # noqa: ASYNC110 the kernel tells nobody here
            await asyncio.sleep(self.pace.interfaces)
        assert self._zeroconf is not None
        handlers = [self._changed]
        self._browsers.append(AsyncServiceBrowser(self._zeroconf.zeroconf, list(SERVICE_TYPES), handlers=handlers))
        self._browsers.append(AsyncServiceBrowser(self._zeroconf.zeroconf, ALL_TYPES, handlers=[self._type_heard]))

    def _open(self) -> bool:
        self._interfaces = look(self.only)
        if not self._interfaces.ipv4 and not self._interfaces.ipv6:
            return False
        try:
            self._zeroconf = AsyncZeroconf(interfaces=_sockets(self._interfaces), ip_version=_version(self._interfaces))
        except (OSError, RuntimeError) as err:
            log.warning("mDNS cannot listen yet: %s", err)
            return False
        return True

    async def _end(self) -> None:
        for following in list(self._following.values()):
            following.task.cancel()
        await asyncio.gather(*(each.task for each in self._following.values()), return_exceptions=True)
        if self._zeroconf is not None:
            for browser in self._browsers:
                await browser.async_cancel()
            # Says goodbye for what is registered.
            await self._zeroconf.async_unregister_all_services()
            await self._zeroconf.async_close()

    # Interfaces come and go.

    async def _follow_interfaces(self) -> None:
        assert self._zeroconf is not None
        while True:
            await asyncio.sleep(self.pace.interfaces)
            now = look(self.only)
            if now == self._interfaces or (not now.ipv4 and not now.ipv6):
                continue
            try:
                await self._zeroconf.zeroconf.async_update_interfaces(_sockets(now), _version(now))
            except (OSError, RuntimeError, zeroconf.Error) as err:
                log.warning("mDNS does not listen on the new interfaces yet: %s", err)
                continue
            self._interfaces = now
            await self._announce_again()

    # The hub itself.

    async def _announce(self) -> None:
        if self.own is None:
            return
        assert self._zeroconf is not None
        label = _label(self.own.name)
        self._announced = AsyncServiceInfo(
            HUB_TYPE,
            f"{label}.{HUB_TYPE}",
            port=self.own.port,
            properties={"id": self.own.id, **self.own.txt},
            # A host name of our own: the machine's may be announced by somebody else on it.
            server=f"nexa-hub-{self.own.id[:8].lower()}.local.",
            parsed_addresses=list(self._interfaces.own),
        )
        try:
            await (await self._zeroconf.async_register_service(self._announced, allow_name_change=True))
        except (zeroconf.Error, OSError) as err:
            log.warning("The hub could not announce itself: %s", err)

    async def _announce_again(self) -> None:
        assert self._zeroconf is not None
        if self._announced is None:
            return
        before = self._announced
        self._announced = AsyncServiceInfo(
            HUB_TYPE,
            before.name,
            port=before.port,
            properties=before.text,
            server=before.server,
            parsed_addresses=list(self._interfaces.own),
        )
        try:
            await (await self._zeroconf.async_update_service(self._announced))
        except (zeroconf.Error, OSError) as err:
            log.warning("The hub could not announce its new address: %s", err)

    # What is heard. zeroconf calls by keyword.

    def _type_heard(
        self,
        zeroconf: zeroconf.Zeroconf,
        service_type: str,  # noqa: ARG002 the library's shape
        name: str,
        state_change: ServiceStateChange,
    ) -> None:
        kind = name.lower()
        is_known = kind in SERVICE_TYPES or kind in HIDDEN_TYPES or kind in self._other_types
        if is_known or state_change is ServiceStateChange.Removed or len(self._other_types) >= OTHER_TYPES_MAX:
            return
        self._other_types.add(kind)
        try:
            self._browsers.append(AsyncServiceBrowser(zeroconf, name, handlers=[self._changed]))
        except (_zeroconf_error, ValueError):
            log.debug("%s is no type of a service.", name)

    def _changed(
        self,
        zeroconf: zeroconf.Zeroconf,  # noqa: ARG002 the library's shape
        service_type: str,
        name: str,
        state_change: ServiceStateChange,
    ) -> None:
        key = (service_type, name)
        if self._announced is not None and name == self._announced.name:
            return
        if state_change is ServiceStateChange.Removed:
            self._lose(key)
        elif key in self._following:
            self._following[key].again = True
        elif self._has_room(key):
            self._start_following(key, again=state_change is ServiceStateChange.Updated)
        else:
            self._leave_out(key)

    def _has_room(self, key: _Key) -> bool:
        kind, name = key
        taken = self._taken.get(kind, set())
        everywhere = len(self._known) + len(self._following)
        return name in taken or (len(taken) < SERVICES_A_TYPE_MAX and everywhere < SERVICES_MAX)

    def _leave_out(self, key: _Key) -> None:
        if not self._left_out:
            log.warning("More services announce themselves than are looked up (%s): some have to wait.", key[0])
        self._left_out[key] = None
        if len(self._left_out) > SERVICES_MAX:
            del self._left_out[next(iter(self._left_out))]

    def _start_following(self, key: _Key, *, again: bool) -> None:
        self._taken.setdefault(key[0], set()).add(key[1])
        self._following[key] = _Following(asyncio.create_task(self._follow(key)), again)

    async def _follow(self, key: _Key) -> None:
        """Looks a service up, and again as long as it changes."""
        try:
            while True:
                await self._look_up(key)
                following = self._following.get(key)
                if following is None or not following.again:
                    return
                following.again = False
                await asyncio.sleep(self.pace.settle)
        finally:
            self._following.pop(key, None)
            if key not in self._known:
                self._free(key)

    def _free(self, key: _Key) -> None:
        kind, name = key
        taken = self._taken.get(kind, set())
        taken.discard(name)
        if not taken:
            self._taken.pop(kind, None)

    async def _look_up(self, key: _Key) -> None:
        """From what has been heard, or asked for."""
        assert self._zeroconf is not None
        async with self._turns:
            try:
                info = AsyncServiceInfo(*key)
                is_there = await info.async_request(self._zeroconf.zeroconf, self.pace.answer * 1000)
            except (zeroconf.Error, OSError, ValueError) as err:
                log.debug("%s could not be looked up: %s", key[1], err)
                return
        service = self._service(key, info) if is_there else None
        known = self._known.get(key)
        if service is None:
            self._missed(key)
        elif known is None:
            self._known[key] = _Known(service)
            self.say(service)
        else:
            known.misses = 0
            if known.said != service:
                known.said = service
                self.say(service)

    def _service(self, key: _Key, info: AsyncServiceInfo) -> Service | None:
        hosts = best_first(info.parsed_scoped_addresses(IPVersion.All), self._interfaces)
        if not hosts:
            return None
        kind, name = key
        return Service(
            via="mdns",
            kind=kind,
            name=name.removesuffix(f".{kind}"),
            hosts=hosts[:HOSTS_MAX],
            port=info.port,
            hostname=info.server,
            txt=plain_txt(info.properties),
        )

    async def _confirm(self) -> None:
        """What was switched off says no goodbye; its own announcement would hold for more than an hour."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.pace.confirm):
                    await self.look_now.wait()
                self._ask_for_addresses()
                await asyncio.sleep(self.pace.settle)
            self.look_now.clear()
            waiting = [key for key in self._known if key not in self._following]
            await asyncio.gather(*(self._look_up(key) for key in waiting))
            for key in [key for key in reversed(self._left_out) if self._has_room(key)]:
                if self._has_room(key):
                    del self._left_out[key]
                    self._start_following(key, again=False)

    def _ask_for_addresses(self) -> None:
        """What is remembered of them may be old: whoever has moved says so now, and is looked up then."""
        assert self._zeroconf is not None
        question = zeroconf.DNSOutgoing(_QUERY)  # type: ignore[attr-defined]  # the library's own, and there
        for host in {known.said.hostname for known in self._known.values() if known.said.hostname}:
            for kind in _ADDRESSES:
                question.add_question(zeroconf.DNSQuestion(host, kind, _INTERNET))  # type: ignore[attr-defined]
        with contextlib.suppress(OSError, zeroconf.Error):
            self._zeroconf.zeroconf.async_send(question)

    def _missed(self, key: _Key) -> None:
        known = self._known.get(key)
        if known is None:
            return
        known.misses += 1
        if known.misses >= self.pace.misses:
            self._lose(key)

    def _lose(self, key: _Key) -> None:
        following = self._following.pop(key, None)
        if following is not None and following.task is not asyncio.current_task():
            following.task.cancel()
        self._left_out.pop(key, None)
        self._free(key)
        if self._known.pop(key, None) is not None:
            kind, name = key
            self.say(ServiceGone("mdns", kind, name.removesuffix(f".{kind}")))


_zeroconf_error: Final = zeroconf.Error


def _sockets(interfaces: Interfaces) -> list[str | int]:
    return [*interfaces.ipv4, *interfaces.ipv6]


def _version(interfaces: Interfaces) -> IPVersion:
    if not interfaces.ipv6:
        return IPVersion.V4Only
    return IPVersion.All if interfaces.ipv4 else IPVersion.V6Only


def _label(name: str) -> str:
    """The name as one label of DNS."""
    plain = name.replace(".", " ").strip() or "nexa-hub"
    return plain.encode()[:LABEL_BYTES_MAX].decode(errors="ignore")
