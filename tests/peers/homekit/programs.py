"""The accessories that tests talk to, as programs of their own: HAP-python and homebridge."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.peers.namespaces import Namespace
from tests.peers.npm import NODE, npm_ci, with_node_on_the_path
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


BRIDGE_NAME = "Homebridge 4F2A"


def homebridge_installed() -> Path:
    """To be asked where there is a way out."""
    return npm_ci(HERE / "homebridge")


def homebridge(modules: Path, folder: Path, namespace: Namespace) -> "subprocess.Popen[bytes]":
    """Announces itself by ciao in the namespace; it ends with us."""
    config = {
        "bridge": {
            "name": BRIDGE_NAME,
            "username": "0E:11:22:33:44:55",
            "port": 51888,
            "pin": CODE,
            "advertiser": "ciao",
            "bind": list(namespace.interfaces),
        },
        "platforms": [
            {
                "platform": "HomebridgeDummy",
                "name": "Dummy",
                "accessories": [
                    {"id": "lamp", "name": "Dummy lamp", "type": "Lightbulb", "isDimmer": True, "defaultState": "off"},
                    {"id": "lock", "name": "Dummy lock", "type": "LockMechanism", "defaultLockState": "locked"},
                    {"id": "blind", "name": "Dummy blind", "type": "WindowCovering", "defaultPosition": "closed"},
                    {
                        "id": "heat",
                        "name": "Dummy heating",
                        "type": "Thermostat",
                        "defaultThermostatState": "off",
                        "defaultTemperature": 20,
                    },
                ],
            }
        ],
    }
    (folder / "config.json").write_text(json.dumps(config))
    program = modules / "homebridge" / "bin" / "homebridge.js"
    command = [NODE, program, "-U", folder, "-P", modules, "-I", "-C"]
    quiet = subprocess.DEVNULL
    return namespace.start(command, cwd=folder, stdin=quiet, stdout=quiet, stderr=quiet, env=with_node_on_the_path())
