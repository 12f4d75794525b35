"""systemd hears nothing any more once the loop, the mirror or a task of the real agent is not alive, and the log says which."""

import os
import signal
import socket

import pytest

from tests.system.conftest import Hub

pytestmark = pytest.mark.heavy

# Where nothing was said for so long, systemd would end the agent.
WATCHDOG_S = 4.0


@pytest.mark.parametrize(
    "fault, told",
    [
        ("the loop hangs", "in _block"),
        ("the mirror hangs", "the mirror has not answered for"),
        ("the page is lost", "the task page is gone"),
    ],
)
def test_a_fault_ends_the_feeding_and_is_named(hub: Hub, notified: socket.socket, fault: str, told: str) -> None:
    hub.program = "tests.fakes.faulty_agent"
    systemd = {"NOTIFY_SOCKET": notified.getsockname(), "WATCHDOG_USEC": str(int(WATCHDOG_S * 1_000_000))}
    hub.start({"FAULT": fault, **systemd})
    assert notified.recv(100) == b"READY=1"
    assert notified.recv(100) == b"WATCHDOG=1"
    assert notified.recv(100) == b"WATCHDOG=1"
    assert hub.process is not None

    os.kill(hub.process.pid, signal.SIGUSR1)

    hub.wait(lambda: told in hub.log())
    notified.settimeout(WATCHDOG_S)
    with pytest.raises(TimeoutError):
        # One may have been on its way.
        assert [notified.recv(100), notified.recv(100)] == []
