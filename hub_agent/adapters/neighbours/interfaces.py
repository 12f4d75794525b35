"""Which networks this machine is in, as far as neighbours are concerned."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

import ifaddr

# Networks of containers, virtual machines and tunnels: nobody at home is there.
_NOT_THE_HOMES: Final = re.compile(
    r"^(lo|docker|br-|veth|virbr|vmnet|vboxnet|tun|tap|wg|tailscale|zt|cni|flannel|podman)"
)
INTERFACES_MAX: Final = 16


@dataclass(frozen=True, slots=True)
class Interfaces:
    """`ipv4`: an address for each interface that has one; `ipv6`: the indexes of those that speak it. `own`: what others can reach us at."""

    ipv4: tuple[str, ...] = ()
    ipv6: tuple[int, ...] = ()
    own: tuple[str, ...] = ()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    def is_near(self, address: str) -> bool:
        plain = ip_address(address.partition("%")[0])
        return plain.is_link_local or any(plain in network for network in self.networks)


def look(only: Sequence[str] = ()) -> Interfaces:
    """`only`: names of interfaces, if the settings say which (then also those that are left out otherwise)."""
    ipv4: list[str] = []
    ipv6: list[int] = []
    own: list[str] = []
    networks: list[IPv4Network | IPv6Network] = []
    for adapter in ifaddr.get_adapters():
        name = str(adapter.name)
        if (name not in only) if only else _NOT_THE_HOMES.match(name) is not None:
            continue
        for each in adapter.ips:
            address = ip_address(each.ip[0] if isinstance(each.ip, tuple) else each.ip)
            networks.append(ip_network(f"{address}/{each.network_prefix}", strict=False))
            if isinstance(address, IPv4Address):
                ipv4.append(str(address))
            elif adapter.index is not None and adapter.index not in ipv6:
                ipv6.append(adapter.index)
            if not address.is_link_local and not (address.is_loopback and not only):
                own.append(str(address))
    return Interfaces(
        tuple(ipv4[:INTERFACES_MAX]),
        tuple(ipv6[:INTERFACES_MAX]),
        tuple(sorted(set(own))[:INTERFACES_MAX]),
        tuple(networks),
    )


def own_addresses() -> tuple[str, ...]:
    """At which of them others in the home's network can reach this machine: IPv4 only, where such networks are."""
    return tuple(each for each in look().own if ":" not in each)


def best_first(addresses: Sequence[str], interfaces: Interfaces) -> tuple[str, ...]:
    """Those in a network of ours before others, IPv4 before IPv6, an address that needs its interface named last. Always in the same order."""

    def rank(address: str) -> tuple[bool, bool, int, str]:
        plain = ip_address(address.partition("%")[0])
        return (plain.version == 6 and plain.is_link_local, not interfaces.is_near(address), plain.version, address)

    whole = {_with_interface(address, interfaces) for address in addresses}
    return tuple(sorted((address for address in whole if address is not None), key=rank))


def _with_interface(address: str, interfaces: Interfaces) -> str | None:
    """An IPv6 address that holds for one cable only is of no use without it; heard over IPv4 it may come without."""
    if "%" in address or ":" not in address or not ip_address(address).is_link_local:
        return address
    return f"{address}%{interfaces.ipv6[0]}" if len(interfaces.ipv6) == 1 else None
