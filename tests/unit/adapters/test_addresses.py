"""Where libraries that know only IPv4 find a peer."""

import pytest

from hub_agent.adapters.links.addresses import ipv4_of
from hub_agent.errors import LinkLost
from hub_agent.model.link import Peer


@pytest.mark.parametrize(
    "hosts, found",
    [
        (("192.0.2.7", "192.0.2.8"), "192.0.2.7"),
        (("fe80::1%3", "localhost", "192.0.2.7"), "192.0.2.7"),
        (("fd00::7", "localhost"), "127.0.0.1"),
    ],
)
async def test_the_first_address_of_a_peer_counts_then_its_name(hosts: tuple[str, ...], found: str) -> None:
    assert await ipv4_of(Peer("cast", "k", "Living room", hosts)) == found


@pytest.mark.parametrize("hosts", [(), ("fd00::7",), ("nobody.invalid",)])
async def test_a_peer_without_such_an_address_cannot_be_reached(hosts: tuple[str, ...]) -> None:
    with pytest.raises(LinkLost, match="Living room has no IPv4 address"):
        await ipv4_of(Peer("cast", "k", "Living room", hosts))
