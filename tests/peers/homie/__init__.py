"""Homie devices of libraries that others wrote, in a process of their own."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.peers.python import environment, interpreter

HERE = Path(__file__).parent


class Devices:
    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def said(self) -> dict[str, Any]:
        """What the next property that is set was set to."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the devices have ended"
        read: dict[str, Any] = json.loads(line)
        return read

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@contextmanager
def homie_devices(port: int) -> Iterator[Devices]:
    """On the broker at this port. Raises NotInstalled."""
    python = interpreter("3.11") or interpreter("3.12") or "python3"
    folder = environment(HERE / "requirements.txt", python)
    command = [str(folder / "bin" / "python"), "-W", "ignore", str(HERE / "devices.py"), str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Devices(process)
        finally:
            process.kill()
