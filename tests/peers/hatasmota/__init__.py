"""HATasmota as a judge of what a device says and does."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.peers.python import environment, interpreter

HERE = Path(__file__).parent


class Hatasmota:
    """The judge's process: it ends with its input."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.entities: dict[str, str] = self._read()["entities"]

    def order(self, entity: str, do: str, *arguments: Any, until: str) -> dict[str, Any]:
        """What it knows of all entities once the device has answered so."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"entity": entity, "do": do, "with": arguments, "until": until}) + "\n")
        self._process.stdin.flush()
        states: dict[str, Any] = self._read()["states"]
        return states

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the judge has given up"
        read: dict[str, Any] = json.loads(line)
        return read


@contextmanager
def hatasmota(port: int, entities: int) -> Iterator[Hatasmota]:
    """Once it has met that many entities on the broker. Raises NotInstalled."""
    python = interpreter("3.11") or interpreter("3.12") or "python3"
    folder = environment(HERE / "requirements.txt", python)
    command = [str(folder / "bin" / "python"), str(HERE / "judge.py"), str(port), str(entities)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Hatasmota(process)
        finally:
            process.kill()
