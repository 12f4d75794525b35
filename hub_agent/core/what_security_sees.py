"""The home as its security sees it."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from hub_agent.core.discovery import Discovery, Thing
from hub_agent.core.inventory import Inventory
from hub_agent.core.security.home import Met
from hub_agent.core.security.known_issues import version_of
from hub_agent.core.states import States
from hub_agent.core.time_of_day import zone
from hub_agent.model.device import HUB_ORIGIN, Device
from hub_agent.model.ids import DeviceId
from hub_agent.model.link import LinkStatus, PeerFound

# Firmware of ESPHome from this year on says in its announcement whether its API is encrypted.
ENCRYPTION_SAID_SINCE: Final = (2023,)


class WhatSecuritySees:
    """Fills core.security.home.SecuredHome."""

    def __init__(
        self, states: States, inventory: Inventory, discovery: Discovery, time_zone: Callable[[], str]
    ) -> None:
        self._states = states
        self._inventory = inventory
        self._discovery = discovery
        self._time_zone = time_zone

    def devices(self) -> Iterable[Device]:
        return self._inventory.devices()

    def device(self, device_id: DeviceId) -> Device | None:
        return self._inventory.device(device_id)

    def hub(self) -> Device | None:
        known = self._inventory.find(HUB_ORIGIN)
        return known.device if known is not None else None

    def addresses_of(self, device: Device) -> Sequence[str]:
        """As it says itself, else where its peer is: only of the peer's own device, not of what is behind a bridge."""
        said = self._inventory.presence(device.id).ip_address
        peer = device.native.get("peer")
        known = self._discovery.known(device.origin.dialect, peer) if isinstance(peer, str) else None
        hosts = known.peer.hosts if known is not None and device.via is None else ()
        return [*([said] if said else []), *hosts]

    def firmware_of(self, device: Device) -> str | None:
        return self._inventory.presence(device.id).firmware_version or device.firmware_version

    def update_waits_since(self, device: Device) -> datetime | None:
        offered = [self._states.state(entity.id) for entity in device.entities if entity.domain == "update"]
        return min((each.changed_at for each in offered if each is not None and each.state == "on"), default=None)

    def is_encrypted(self, device: Device) -> bool | None:
        """An ESPHome node says so in what it announces, if it is not too old to say it."""
        version = version_of(self.firmware_of(device))
        if device.origin.dialect != "esphome" or version is None or version < ENCRYPTION_SAID_SINCE:
            return None
        macs = {alias.value for alias in device.aliases if alias.kind == "mac"}
        said = [found for found in self._discovery.announcements("esphome") if macs & _macs(found)]
        return any("api_encryption" in found.txt for found in said) if said else None

    def met(self) -> Iterable[Met]:
        known = {alias.value for device in self._inventory.devices() for alias in device.aliases if alias.kind == "mac"}
        for thing in self._discovery.things():
            for mac in sorted({alias.value for alias in thing.aliases if alias.kind == "mac"}):
                yield Met(mac, _name(thing), _address(thing), mac in known or _is_decided(thing))

    def time_zone(self) -> ZoneInfo:
        return zone(self._time_zone())


def _macs(found: PeerFound) -> set[str]:
    return {alias.value for alias in found.aliases if alias.kind == "mac"}


def _is_decided(thing: Thing) -> bool:
    """Talked to, or a person does not want it."""
    known = thing.known
    return known is not None and (known.is_ignored or known.status in {LinkStatus.UP, LinkStatus.ASLEEP})


def _name(thing: Thing) -> str:
    return next((found.name for found in thing.announcements if found.name), "")


def _address(thing: Thing) -> str | None:
    return next((host for found in thing.announcements for host in found.hosts), None)
