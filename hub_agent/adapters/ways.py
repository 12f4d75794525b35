"""Tries the ways to router, DNS, internet, cloud and broker. What is known already is not tried, and nobody is asked who is not configured."""

import asyncio
import ipaddress
import os
import socket
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from hub_agent.model.measured import Way, WaysMeasured, WayTo

PINGS = 3
PING_S, CONNECT_S, RESOLVE_S = 1.0, 3.0, 8.0
# One of these mostly answers at a router, be it by a no.
ROUTER_PORTS = (53, 80, 443)
_ROUTE_UP, _ROUTE_GATEWAY = 0x1, 0x2
_NEIGHBOUR_COMPLETE = 0x2
_NO_MAC = "00:00:00:00:00:00"


@dataclass(frozen=True, slots=True)
class CloudTold:
    """What the link to the cloud knows. One that refuses us is there."""

    is_online: bool
    is_refused: bool
    error: str | None


@dataclass(frozen=True, slots=True)
class Target:
    """Something on the internet that may be connected to."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Gateway:
    address: str
    interface: str


@dataclass(slots=True)
class _Reached:
    """What trying an address has shown."""

    is_answered: bool
    latency_ms: float | None = None
    loss_percent: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ends:
    """What is at the other ends. `cloud_told`: None where there is no cloud, or the hub is not part of a home yet."""

    broker: Target
    is_broker_connected: Callable[[], bool]
    cloud_url: str | None = None
    cloud_told: Callable[[], CloudTold | None] = lambda: None
    targets: Sequence[Target] = field(default_factory=tuple)
    broker_unit: str | None = None


class NetworkWays:
    """Fills ports.WaysMeter."""

    def __init__(self, ends: Ends, proc: Path = Path("/proc")) -> None:
        self._ends = ends
        self._proc = proc
        cloud = _target_of(ends.cloud_url)
        own = [] if cloud is None or is_near(cloud.host) else [cloud]
        self._targets = [*own, *ends.targets]
        self._addresses: dict[str, str] = {}

    async def measure(self) -> WaysMeasured:
        ways: dict[WayTo, Way] = {}
        told = self._ends.cloud_told()
        if told is not None and self._ends.cloud_url is not None:
            is_there = told.is_online or told.is_refused
            reason = "" if is_there else told.error or "it does not answer"
            ways[WayTo.CLOUD] = Way(self._ends.cloud_url, is_there, reason=reason)
        ways |= await self._router()
        if self._targets and told is not None and told.is_online and not self._ends.targets:
            # Whoever talks with the cloud has the internet, and it need not be asked for more.
            ways[WayTo.INTERNET] = Way(str(self._targets[0]), is_open=True)
        elif self._targets:
            ways |= await self._outside()
        ways[WayTo.BROKER] = await self._broker()
        return WaysMeasured(ways)

    # The router.

    async def _router(self) -> dict[WayTo, Way]:
        gateway = default_gateway(self._proc)
        if gateway is None:
            return {}  # no router, or one of IPv6 only: nothing to judge
        reached = await _ping(gateway.address)
        for port in () if reached.is_answered else ROUTER_PORTS:
            tried = await _connect(gateway.address, port)
            if tried.is_answered:
                reached = _Reached(True, tried.latency_ms, 0.0)
                break
            reached.reason = tried.reason
        mac = mac_of(gateway.address, self._proc)
        details = {"interface": gateway.interface}
        if mac is not None:
            details["mac"] = mac
        # One that answers nothing and is found on the wire all the same keeps to itself.
        is_open = reached.is_answered or mac is not None
        reason = "" if is_open else reached.reason
        return {WayTo.ROUTER: Way(gateway.address, is_open, reached.latency_ms, reached.loss_percent, reason, details)}

    # What is behind it.

    async def _outside(self) -> dict[WayTo, Way]:
        names = [target for target in self._targets if not _is_address(target.host)]
        reasons = [reason for target in names if (reason := await self._resolve(target)) is not None]
        ways: dict[WayTo, Way] = {}
        if names:
            is_open = len(reasons) < len(names)
            reason = "" if is_open else reasons[0]
            ways[WayTo.DNS] = Way(names[0].host, is_open, reason=reason, details={"name": names[0].host})
        tried: list[_Reached] = []
        for target in self._targets:
            address = target.host if _is_address(target.host) else self._addresses.get(target.host)
            if address is None:
                continue
            reached = await _connect(address, target.port)
            if reached.is_answered:
                return ways | {WayTo.INTERNET: Way(str(target), is_open=True, latency_ms=reached.latency_ms)}
            tried.append(reached)
        if tried:
            ways[WayTo.INTERNET] = Way(str(self._targets[0]), is_open=False, reason=tried[0].reason)
        return ways

    async def _resolve(self, target: Target) -> str | None:
        """Why its name is not found; None: it is, or the DNS server says that there is no such name."""
        try:
            async with asyncio.timeout(RESOLVE_S):
                found = await asyncio.get_running_loop().getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        except TimeoutError:
            return "the DNS server does not answer"
        except socket.gaierror as err:
            return (
                None if err.errno == socket.EAI_NONAME else (err.strerror or "the DNS server does not answer").lower()
            )
        except (OSError, UnicodeError) as err:
            return str(err)
        self._addresses[target.host] = str(found[0][4][0])
        return None

    # The broker.

    async def _broker(self) -> Way:
        """While it is connected it says so by itself; it is not disturbed."""
        ends = self._ends
        details = {"unit": ends.broker_unit} if ends.broker_unit and is_loopback(ends.broker.host) else {}
        if ends.is_broker_connected():
            return Way(str(ends.broker), is_open=True, details=details)
        reached = await _connect(ends.broker.host, ends.broker.port, is_no_an_answer=False)
        reason = "something listens there, but does not take us" if reached.is_answered else reached.reason
        return Way(str(ends.broker), is_open=False, reason=reason, details=details)


def default_gateway(proc: Path = Path("/proc")) -> Gateway | None:
    """Of IPv4, the one that the kernel prefers."""
    found: list[tuple[int, Gateway]] = []
    for line in _lines(proc / "net/route")[1:]:
        parts = line.split()
        with suppress(ValueError, IndexError, struct.error):
            flags, metric = int(parts[3], 16), int(parts[6])
            if parts[1] == "00000000" and flags & _ROUTE_UP and flags & _ROUTE_GATEWAY:
                address = socket.inet_ntoa(struct.pack("=I", int(parts[2], 16)))
                found.append((metric, Gateway(address, parts[0])))
    return min(found, key=lambda each: each[0])[1] if found else None


def mac_of(address: str, proc: Path = Path("/proc")) -> str | None:
    """As the kernel has it of the neighbour; None: it did not answer when it was asked for."""
    for line in _lines(proc / "net/arp")[1:]:
        parts = line.split()
        with suppress(ValueError, IndexError):
            if parts[0] == address and int(parts[2], 16) & _NEIGHBOUR_COMPLETE and parts[3] != _NO_MAC:
                return parts[3].lower()
    return None


def is_near(host: str) -> bool:
    """In the home's own network: no DNS server and no internet is on the way."""
    with suppress(ValueError):
        return not ipaddress.ip_address(host).is_global
    return "." not in host or host.endswith((".local", ".lan", ".home.arpa", ".internal"))


def is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def target_of(text: str) -> Target:
    """`HOST:PORT`. Raises ValueError."""
    parts = urlsplit(f"//{text}")
    if not parts.hostname or parts.port is None:
        raise ValueError("must be of the form HOST:PORT, such as 192.0.2.1:443")
    return Target(parts.hostname, parts.port)


def _target_of(url: str | None) -> Target | None:
    parts = urlsplit(url or "")
    if not parts.hostname:
        return None
    return Target(parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))


def _is_address(host: str) -> bool:
    with suppress(ValueError):
        ipaddress.ip_address(host)
        return True
    return False


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []


async def _connect(host: str, port: int, *, is_no_an_answer: bool = True) -> _Reached:
    """`is_no_an_answer`: somebody who refuses is there."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    try:
        async with asyncio.timeout(CONNECT_S):
            _, writer = await asyncio.open_connection(host, port)
    except ConnectionRefusedError:
        latency_ms = (loop.time() - began_s) * 1000
        return _Reached(is_no_an_answer, latency_ms if is_no_an_answer else None, reason="nobody listens there")
    except TimeoutError:
        return _Reached(False, reason="it does not answer")
    except socket.gaierror:
        return _Reached(False, reason="its name is not known")
    except (OSError, UnicodeError) as err:
        return _Reached(False, reason=_no_way(err))
    latency_ms = (loop.time() - began_s) * 1000
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return _Reached(True, latency_ms)


def _no_way(err: Exception) -> str:
    code = err.errno if isinstance(err, OSError) else None
    return os.strerror(code).lower() if code else str(err)


async def _ping(address: str) -> _Reached:
    """By an unprivileged ICMP socket, where this user may have one."""
    loop = asyncio.get_running_loop()
    try:
        asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
    except OSError:
        return _Reached(False, reason="it does not answer")
    latencies: list[float] = []
    reason = "it does not answer"
    with asking:
        asking.setblocking(False)
        for number in range(PINGS):
            began_s = loop.time()
            try:
                async with asyncio.timeout(PING_S):
                    await loop.sock_connect(asking, (address, 0))
                    await loop.sock_sendall(asking, _echo(number))
                    await loop.sock_recv(asking, 256)
            except TimeoutError:
                continue
            except OSError as err:
                reason = _no_way(err)
                continue
            latencies.append((loop.time() - began_s) * 1000)
    lost = 100.0 * (PINGS - len(latencies)) / PINGS
    return _Reached(bool(latencies), min(latencies, default=None), round(lost, 2), reason)


def _echo(number: int) -> bytes:
    """An ICMP echo request; the kernel fills in identifier and checksum of such a socket."""
    return struct.pack("!BBHHH", 8, 0, 0, 0, number) + b"nexa-hub"
