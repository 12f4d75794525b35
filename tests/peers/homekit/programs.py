"""The accessories that tests talk to, as programs of their own: HAP-python and homebridge."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.peers.python import environment

HERE = Path(__file__).parent
CODE = "031-45-154"
START_S_MAX = 30


class HapBridge:
    """Lives until its stdin ends, so it dies with its test."""

    def __init__(self, program: asyncio.subprocess.Process, port: int) -> None:
        self.port = port
        self.pairing_id = ""
        self._program = program

    async def change(self, of: str, what: str, to: Any) -> None:
        assert self._program.stdin is not None
        self._program.stdin.write(json.dumps({"of": of, "what": what, "to": to}).encode() + b"\n")
        await self._program.stdin.drain()

    async def said(self) -> dict[str, Any]:
        """The next thing that it tells programs: a value that a controller has set."""
        assert self._program.stdout is not None
        async with asyncio.timeout(START_S_MAX):
            while not (said := _read(await self._program.stdout.readline())):
                pass
        return said

    async def kill(self) -> None:
        if self._program.returncode is None:
            self._program.kill()
        await self._program.wait()


def _read(line: bytes) -> dict[str, Any]:
    """Empty for what it says to people."""
    assert line, "the bridge ended"
    return dict(json.loads(line)) if line.startswith(b"{") else {}


@asynccontextmanager
async def hap_bridge(folder: Path, port: int) -> AsyncIterator[HapBridge]:
    python = environment(HERE / "hap_python.txt", sys.executable) / "bin" / "python"
    program = await asyncio.create_subprocess_exec(
        python,
        HERE / "hap_bridge.py",
        str(port),
        str(folder / "state.json"),
        CODE,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    bridge = HapBridge(program, port)
    try:
        bridge.pairing_id = (await bridge.said())["id"].lower()
        yield bridge
    finally:
        await bridge.kill()
