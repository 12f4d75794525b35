"""What people are told when something on the network cannot be talked to."""

import asyncio
import errno
import socket
from importlib import import_module

import pytest

from hub_agent.adapters.links.link import Line, Linking
from hub_agent.adapters.links.registry import LINKINGS
from hub_agent.adapters.links.words import why_lost
from hub_agent.errors import LinkLost
from hub_agent.model.link import Peer

# A pairing of HomeKit's that leads nowhere.
PAIRING = '{"AccessoryPairingID": "AA:BB:CC:DD:EE:FF", "AccessoryLTPK": "00", "iOSPairingId": "x", "iOSDeviceLTSK": "00", "iOSDeviceLTPK": "00"}'
NO_WORDS_OF_PEOPLE = ("[", "(", "Errno", "Error", "family=", "Exception")


@pytest.mark.parametrize("dialect", ["esphome", "homekit", "matter", "sonos", "wled", "zwave"])
async def test_a_device_that_is_switched_off_is_told_in_plain_words(dialect: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    linking: Linking = getattr(import_module(LINKINGS[dialect].module), LINKINGS[dialect].class_name)()
    line = Line(say=lambda *_: None, up=lambda: None, keep=lambda _: None, secrets={"pairing": PAIRING})
    link = linking.open(Peer(dialect, "aabbccddeeff", "Kitchen Lamp", ("127.0.0.1",), port), line)

    with pytest.raises(LinkLost) as lost:
        async with asyncio.timeout(60):
            await link.run()

    assert "nothing answers at its address" in str(lost.value)
    assert [word for word in NO_WORDS_OF_PEOPLE if word in str(lost.value)] == []


@pytest.mark.parametrize(
    "error, words",
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "nothing answers at its address"),
        (OSError(errno.EHOSTUNREACH, "no route"), "there is no way to its address"),
        (ConnectionResetError(), "it ended the connection"),
        (TimeoutError(), "it did not answer in time"),
        (socket.gaierror(-2, "unknown"), "its name is not known on the network"),
        (ExceptionGroup("all", [OSError(errno.ENETUNREACH, "down")]), "there is no way to its address"),
        (ValueError("<AddrInfo>"), "the connection failed"),
    ],
)
def test_what_a_library_wraps_is_found(error: Exception, words: str) -> None:
    wrapped = RuntimeError("of a library: [AddrInfo(family=2)]")
    wrapped.__cause__ = error

    assert why_lost(wrapped) == words


def test_errors_that_go_round_end() -> None:
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one

    assert why_lost(one) == "the connection failed"
