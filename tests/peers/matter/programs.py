"""A Matter device and a Matter server, each in a network namespace of its own: they meet over mDNS and IPv6."""

import ctypes.util
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.peers.namespaces import Namespace, two_namespaces
from tests.peers.npm import NODE, npm_ci
from tests.peers.python import environment, interpreter

HERE = Path(__file__).parent
LOCK = HERE / "matter-server.txt"
PYTHON = "3.12"
PORT = 5580
# Where the SDK keeps its settings: fixed in it.
SDK_DATA = Path("/data")

# The authorities of the SDK's test certificates, for the server to trust. With `.version` it does not ask the internet for others.
_AUTHORITIES = """
import * as authorities from "./node_modules/@matter/protocol/dist/esm/certificate/ChipPAAuthorities.js"
import { writeFileSync } from "node:fs"
for (const name of ["TestCert_PAA_NoVID_Cert", "TestCert_PAA_FFF1_Cert"])
  writeFileSync(`${process.argv[1]}/${name}.der`, authorities[name])
writeFileSync(`${process.argv[1]}/.version`, "1")
"""


def tools() -> Path:
    """The server's environment. Where it cannot be had, the test says that it did not run."""
    python = interpreter(PYTHON)
    if python is None:
        pytest.skip(f"not run: the Matter server needs Python {PYTHON}, which is not on this machine")
    if ctypes.util.find_library("nl-route-3") is None:
        pytest.skip("not run: the Matter server needs libnl-route-3-200 (apt), which is not on this machine")
    if not SDK_DATA.exists():
        try:
            SDK_DATA.mkdir()
        except OSError:
            pytest.skip(f"not run: the Matter server needs a folder {SDK_DATA}, which cannot be made here")
    return environment(LOCK, python)


@dataclass
class Home:
    """`theirs`: the device's namespace; `ours`: the server's, and the hub's."""

    theirs: Namespace
    ours: Namespace
    folder: Path
    codes: dict[str, str] = field(default_factory=dict)
    _device: "subprocess.Popen[str] | None" = None
    _server: "subprocess.Popen[bytes] | None" = None

    def start_device(self) -> None:
        """Until it can be reached, or commissioned; it keeps what it is over a restart."""
        command = [NODE, HERE / "device.mjs", self.folder / "device", self.theirs.interfaces[0]]
        self._device = self.theirs.start(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._device.stdout is not None
        self.codes = json.loads(self._device.stdout.readline())

    def set(self, kind: str, **state: Any) -> None:
        self._say({"on": kind, "set": state})

    def press(self, kind: str) -> None:
        self._say({"on": kind, "press": True})

    def _say(self, deed: dict[str, Any]) -> None:
        assert self._device is not None
        assert self._device.stdin is not None
        self._device.stdin.write(json.dumps(deed) + "\n")
        self._device.stdin.flush()

    def kill_device(self) -> None:
        if self._device is not None:
            self._device.kill()
            self._device.communicate()
            self._device = None

    def start_server(self) -> None:
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        into_own_mounts = ["unshare", "--mount", "sh", "-c", 'mount --bind "$1" "$2" && shift 2 && exec "$@"', "sh"]
        server = [
            tools() / "bin" / "matter-server",
            *("--storage-path", self.folder / "server"),
            *("--paa-root-cert-dir", self.folder / "authorities"),
            *("--primary-interface", self.ours.interfaces[0]),
            *("--listen-address", self.ours.ipv4[0]),
            *("--port", str(PORT)),
        ]
        with (self.folder / "server.log").open("ab") as log:
            self._server = self.ours.start(
                [*into_own_mounts, data, SDK_DATA, *server], stdout=log, stderr=subprocess.STDOUT
            )

    def kill_server(self) -> None:
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None


@contextmanager
def matter_home() -> Iterator[Home]:
    tools()
    npm_ci(HERE)
    with ExitStack() as undo:
        theirs, ours = undo.enter_context(two_namespaces())
        folder = Path(tempfile.mkdtemp(prefix="matter-"))
        undo.callback(shutil.rmtree, folder, ignore_errors=True)
        authorities = folder / "authorities"
        authorities.mkdir()
        (folder / "server").mkdir()
        write = [NODE, "--input-type=module", "--eval", _AUTHORITIES, authorities]
        subprocess.run(write, cwd=HERE, check=True, timeout=60)
        home = Home(theirs, ours, folder)
        undo.callback(home.kill_device)
        undo.callback(home.kill_server)
        home.start_server()
        home.start_device()
        yield home
