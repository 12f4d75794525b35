"""Links to LIFX devices over UDP. They push nothing: they are asked now and then, and at once after a command."""

import asyncio
import contextlib
import ipaddress
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, groupby
from typing import Any, ClassVar, Final, cast

import ifaddr
from lifx.color import HSBK
from lifx.devices import Device, InfraredLight, Light, MultiZoneLight
from lifx.exceptions import LifxError, LifxUnsupportedCommandError, LifxUnsupportedDeviceError
from lifx.network.discovery.udp import discover_devices
from lifx.protocol import packets
from lifx.protocol.base import Packet

from hub_agent.adapters.links.addresses import ipv4_of
from hub_agent.adapters.links.link import Line, Link, NoPairing
from hub_agent.adapters.links.words import why_lost
from hub_agent.errors import LinkLost, NotPossible
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import Peer

PORT: Final = 56700
POLL_S: Final = 10.0
# After an answer that did not come.
RETRY_S: Final = 1.0
MISSED_MAX: Final = 3
ANSWER_S_MAX: Final = 3.0
CONNECT_S_MAX: Final = 20.0
# Signal, group and names are looked at every so many rounds.
SELDOM: Final = 12
SWEEP_S: Final = 6.0
SWEEPS_EVERY_S: Final = 120.0
SWEEPS_AT_ONCE: Final = 8
RELAYS_MAX: Final = 4
_SERIAL_CHARS: Final = 12


# The library leaves out what switches say; https://lan.developer.lifx.com/docs/querying-the-device-for-data#relay-packets


@dataclass
class GetRelay(Packet):
    PKT_TYPE: ClassVar[int] = 816
    STATE_TYPE: ClassVar[int] = 818
    _fields: ClassVar[list[dict[str, Any]]] = [{"name": "RelayIndex", "type": "uint8", "size_bytes": 1}]
    _packet_kind: ClassVar[str] = "GET"
    _requires_ack: ClassVar[bool] = False
    _requires_response: ClassVar[bool] = False
    relay_index: int


@dataclass
class SetRelay(Packet):
    PKT_TYPE: ClassVar[int] = 817
    _fields: ClassVar[list[dict[str, Any]]] = [
        {"name": "RelayIndex", "type": "uint8", "size_bytes": 1},
        {"name": "Level", "type": "uint16", "size_bytes": 2},
    ]
    _packet_kind: ClassVar[str] = "SET"
    _requires_ack: ClassVar[bool] = True
    _requires_response: ClassVar[bool] = False
    relay_index: int
    level: int


@dataclass
class StateRelay(Packet):
    PKT_TYPE: ClassVar[int] = 818
    _fields: ClassVar[list[dict[str, Any]]] = SetRelay._fields
    _packet_kind: ClassVar[str] = "STATE"
    _requires_ack: ClassVar[bool] = False
    _requires_response: ClassVar[bool] = False
    relay_index: int
    level: int


packets.PACKET_REGISTRY.setdefault(StateRelay.PKT_TYPE, StateRelay)


class LifxLinking(NoPairing):
    """`addresses`: where to call to; by default all that hear a broadcast of one of our interfaces."""

    def __init__(self, addresses: Callable[[], Iterable[str]] | None = None, port: int = PORT) -> None:
        self._addresses = addresses or broadcast_addresses
        self._port = port

    def open(self, peer: Peer, line: Line) -> Link:
        return LifxLink(peer, line)

    async def search(self, found: Callable[[Peer], None]) -> None:
        while True:
            addresses = sorted(set(self._addresses()))[:SWEEPS_AT_ONCE]
            await asyncio.gather(*(self._sweep(address, found) for address in addresses))
            await asyncio.sleep(SWEEPS_EVERY_S)

    async def _sweep(self, address: str, found: Callable[[Peer], None]) -> None:
        # An interface that cannot broadcast hides nobody behind the others.
        with contextlib.suppress(LifxError, OSError):
            async for device in discover_devices(timeout=SWEEP_S, broadcast_address=address, port=self._port):
                found(Peer("lifx", device.serial, f"LIFX {device.serial[-6:]}", (device.ip,), device.port))


def broadcast_addresses() -> list[str]:
    networks = [
        ipaddress.ip_network(f"{ip.ip}/{ip.network_prefix}", strict=False)
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
        if ip.is_IPv4
    ]
    return [
        str(network.broadcast_address) for network in networks if not network.is_loopback and network.prefixlen < 31
    ]


class LifxLink:
    def __init__(self, peer: Peer, line: Line) -> None:
        self._peer = peer
        self._line = line
        self._device: Device[Any] | None = None
        self._relays = 0
        self._said: JsonValue = None
        self._is_due = asyncio.Event()
        # Two requests at once to one device confuse it.
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_S_MAX):
                device = await self._connect()
        except (LifxError, OSError, TimeoutError, ValueError) as err:
            raise self._lost(err) from err
        try:
            async with asyncio.timeout(CONNECT_S_MAX), self._turn:
                await self._introduce(device)
                await self._say_state(device, is_thorough=True)
            self._device = device
            self._line.up()
            await self._keep_asking(device)
        except (LifxError, OSError, TimeoutError) as err:
            raise self._lost(err) from err
        finally:
            self._device = None
            with contextlib.suppress(LifxError, OSError):
                await device.close()

    async def _connect(self) -> Device[Any]:
        host = await ipv4_of(self._peer)
        serial = self._peer.key if _is_serial(self._peer.key) else None
        port = self._peer.port or PORT
        try:
            light: Device[Any] = await Light.connect(host, serial, port, timeout=ANSWER_S_MAX)
        except LifxUnsupportedDeviceError:
            # It has relays and no lamp.
            if serial is None:
                found: Device[Any] = await Device.from_ip(host, port=port, timeout=ANSWER_S_MAX)
                serial = found.serial
                await found.close()
            switch: Device[Any] = Device(serial, host, port, timeout=ANSWER_S_MAX)
            levels = [await self._relay(switch, index) for index in range(RELAYS_MAX)]
            self._relays = sum(level is not None for level in levels)
            return switch
        return light

    async def _keep_asking(self, device: Device[Any]) -> None:
        missed = 0
        for turn in count(1):
            waits_s = RETRY_S if missed else POLL_S
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(waits_s):
                    await self._is_due.wait()
            self._is_due.clear()
            is_thorough = turn % SELDOM == 0
            try:
                async with self._turn:
                    if is_thorough:
                        await self._introduce(device)
                    await self._say_state(device, is_thorough=is_thorough)
            except (LifxError, TimeoutError):
                missed += 1
                if missed >= MISSED_MAX:
                    raise
            else:
                missed = 0

    async def _introduce(self, device: Device[Any]) -> None:
        """What it is; said anew when that has changed."""
        firmware = await device.get_host_firmware()
        await device.ensure_capabilities()
        product, light = device.capabilities, device if isinstance(device, Light) else None
        low, high = (light.min_kelvin, light.max_kelvin) if light is not None else (None, None)
        body: dict[str, JsonValue] = {
            "serial": device.serial,
            "mac": await device.get_mac_address(),
            "model": product.name if product is not None else None,
            "label": await device.get_label(),
            "group": (await device.get_group()).label,
            "location": (await device.get_location()).label,
            "firmware": f"{firmware.version_major}.{firmware.version_minor}",
            "has": {
                "light": light is not None,
                "color": product is not None and product.has_color,
                "warmth": low is not None and high is not None and low < high,
                "infrared": isinstance(device, InfraredLight),
            },
            "kelvin_min": low,
            "kelvin_max": high,
            "zones": await device.get_zone_count() if isinstance(device, MultiZoneLight) else 0,
            "relays": self._relays,
            "address": device.ip,
        }
        if body != self._said:
            self._said = body
            self._line.say("device", body)

    async def _say_state(self, device: Device[Any], *, is_thorough: bool) -> None:
        body: dict[str, JsonValue] = {}
        if isinstance(device, Light):
            color, power, _ = await device.get_color()
            body |= {"power": power, "color": _plain(color)}
        if isinstance(device, InfraredLight):
            body["infrared"] = await device.get_infrared()
        if self._relays:
            body["relays"] = [await self._relay(device, index) for index in range(self._relays)]
        if is_thorough:
            # Not all firmware has it.
            with contextlib.suppress(LifxUnsupportedCommandError):
                wifi = await device.get_wifi_info()
                body["rssi"] = wifi.rssi if wifi.rssi_unit == "dBm" else None
        self._line.say("state", body)

    async def _relay(self, device: Device[Any], index: int) -> int | None:
        answer = await device.connection.request(GetRelay(relay_index=index))
        return answer.level if isinstance(answer, StateRelay) else None

    async def ask(self, body: JsonObject) -> None:
        device = self._device
        if device is None:
            raise LinkLost(f"{self._peer.name} is not connected.")
        try:
            async with self._turn:
                await self._do(device, body)
        except LifxUnsupportedCommandError as err:
            raise NotPossible(f"{self._peer.name} cannot do that.") from err
        except (LifxError, OSError, TimeoutError) as err:
            raise self._lost(err) from err
        except (TypeError, ValueError, KeyError) as err:
            raise NotPossible(f"{self._peer.name} cannot be told so: {str(err)[:200]}") from err
        finally:
            # Also after a command that nobody answered: whether it is still there is known sooner.
            self._is_due.set()

    async def _do(self, device: Device[Any], body: JsonObject) -> None:
        fields = cast("dict[str, Any]", body)
        match fields.get("do"):
            case "light" if isinstance(device, Light):
                await self._light(device, fields)
            case "flash" if isinstance(device, Light):
                await _flash(device, float(fields["period_s"]), int(fields["times"]))
            case "infrared" if isinstance(device, InfraredLight):
                await device.set_infrared(float(fields["level"]))
            case "relay":
                level = 65535 if fields["on"] is True else 0
                packet = SetRelay(relay_index=int(fields["index"]), level=level)
                if not await device.connection.request(packet):
                    raise NotPossible(f"{self._peer.name} has no such relay.")
            case "reboot":
                await device.set_reboot()
            case "refresh":
                return
            case _:
                raise NotPossible(f"{self._peer.name} cannot do that.")

    async def _light(self, light: Light, fields: Mapping[str, Any]) -> None:
        duration_s = float(fields["duration_s"])
        if fields["on"] is not True:
            await light.set_power(level=False, duration=duration_s)
        else:
            now, power, _ = await light.get_color()
            wanted = fields.get("color") or {}
            # What is dark takes its new colour at once, and then brightens.
            shown_s = duration_s if power else 0.0
            if wanted:
                color = _merged(now, wanted)
                zones = fields.get("zones")
                if zones and isinstance(light, MultiZoneLight):
                    for first, last in _runs(zones):
                        await light.set_color_zones(first, last, color, shown_s)
                else:
                    await light.set_color(color, shown_s)
            if not power:
                await light.set_power(level=True, duration=duration_s)
        if duration_s:
            asyncio.get_running_loop().call_later(duration_s, self._is_due.set)

    def _lost(self, error: Exception) -> LinkLost:
        if isinstance(error, TimeoutError | LifxError) and not str(error).startswith("Invalid"):
            return LinkLost(f"{self._peer.name} does not answer.")
        return LinkLost(f"{self._peer.name} cannot be reached: {why_lost(error)}.")


async def _flash(light: Light, period_s: float, times: int) -> None:
    """Seen also if the lamp is off: then it is lit as long as it flashes."""
    color, power, _ = await light.get_color()
    if not power:
        await light.set_power(level=True)
    other = HSBK(color.hue, color.saturation, 0.1 if color.brightness > 0.5 else 1.0, color.kelvin)
    await light.pulse(other, period=period_s, cycles=times)
    if not power:
        await asyncio.sleep(period_s * times)
        await light.set_power(level=False)


def _merged(now: HSBK, wanted: Mapping[str, Any]) -> HSBK:
    return HSBK(
        hue=float(wanted.get("hue", now.hue)),
        saturation=float(wanted.get("saturation", now.saturation)),
        brightness=float(wanted.get("brightness", now.brightness)),
        kelvin=int(wanted.get("kelvin", now.kelvin)),
    )


def _runs(zones: Sequence[int]) -> list[tuple[int, int]]:
    """[0, 1, 2, 5] -> (0, 2), (5, 5)."""
    runs = [[zone for _, zone in run] for _, run in groupby(enumerate(zones), lambda pair: pair[1] - pair[0])]
    return [(run[0], run[-1]) for run in runs]


def _plain(color: HSBK) -> JsonObject:
    return {"hue": color.hue, "saturation": color.saturation, "brightness": color.brightness, "kelvin": color.kelvin}


def _is_serial(text: str) -> bool:
    return len(text) == _SERIAL_CHARS and all(letter in "0123456789abcdef" for letter in text)
