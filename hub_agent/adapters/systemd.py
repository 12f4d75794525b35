"""sd_notify(3): one datagram to the socket that systemd names. Without systemd nothing happens."""

import contextlib
import os
import socket
from collections.abc import Mapping


class SystemdNotifier:
    """Fills ports.Notifier."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        if self._address.startswith("@"):
            self._address = "\0" + self._address[1:]
        watchdog_us = environ.get("WATCHDOG_USEC", "")
        self.watchdog_s = int(watchdog_us) / 1_000_000 if watchdog_us.isdecimal() else None

    @property
    def is_there(self) -> bool:
        """Whether the agent runs as a service, which is started again when it ends."""
        return bool(self._address)

    def ready(self) -> None:
        self._tell("READY=1")

    def status(self, text: str) -> None:
        self._tell(f"STATUS={text}")

    def alive(self) -> None:
        # Repeated soon: that nobody reads it for a while must not hold up the home.
        self._tell("WATCHDOG=1", socket.MSG_DONTWAIT)

    def stopping(self) -> None:
        self._tell("STOPPING=1")

    def _tell(self, message: str, flags: int = 0) -> None:
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.sendto(message.encode(), flags, self._address)
