"""The real agent as a child process, and what the kernel says of it."""

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

START_S_MAX = 30.0
STOP_S_MAX = 20.0

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "deploy/requirements-dialects.txt"
UNIT = ROOT / "deploy/nexa-hub.service"


class AgentProcess:
    """`folder` holds its mirror, settings and socket. A cloud is configured, at an address where nobody answers."""

    def __init__(self, folder: Path, broker_port: int, page_port: int, *, with_cloud: bool = True) -> None:
        self.folder = folder
        self.socket = folder / "agent.sock"
        cloud = '[cloud]\nurl = "http://127.0.0.1:9"\nclaim_code = "ABCD-EFGH-JKLM"\n' if with_cloud else ""
        (folder / "settings.toml").write_text(
            f'[agent]\nstate_dir = "{folder}"\nsocket = "{self.socket}"\nlog_level = "warning"\n'
            f'[web]\nhost = "127.0.0.1"\nport = {page_port}\n[mqtt]\nport = {broker_port}\n'
            f"[discovery]\nmdns = false\nssdp = false\nsearch = false\n"
            f'[home]\ntimezone = "Europe/Berlin"\nlatitude = 52.5\nlongitude = 13.4\n{cloud}',
            encoding="utf-8",
        )
        self._process: subprocess.Popen[bytes] | None = None
        # As it is installed: compiled once, with the packages of the lock and the unit's environment.
        self._program = installed(folder / "installed")
        self._environ = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        self._environ |= {"PYTHONPYCACHEPREFIX": str(folder / "bytecode"), **unit_environment()}

    def compile(self) -> None:
        """One start and stop, after which nothing needs compiling."""
        self.start()
        self.wait_for_doors()
        self.stop()

    @property
    def python(self) -> Path:
        return self._program.with_name("python")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> float:
        """Answers the seconds from the start of the process until it says that automations are live."""
        address = self.folder / "notify.sock"
        address.unlink(missing_ok=True)
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified,
            (self.folder / "agent.log").open("ab") as log,
        ):
            notified.bind(str(address))
            notified.settimeout(START_S_MAX)
            begun = time.perf_counter()
            self._process = subprocess.Popen(
                [self._program, "run", "--config", self.folder / "settings.toml"],
                env={**self._environ, "NOTIFY_SOCKET": str(address)},
                stdout=log,
                stderr=log,
            )
            while b"READY=1" not in notified.recv(4096):
                pass
            return time.perf_counter() - begun

    def wait_for_doors(self) -> None:
        """Until the command line is answered and the broker is there."""
        deadline = time.monotonic() + START_S_MAX
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.status()["broker"]["is_connected"]:
                    return
            time.sleep(0.05)
        raise TimeoutError(f"The agent does not answer; see {self.folder / 'agent.log'}")

    def status(self) -> Any:
        return self.ask("GET", "/api/v1/status")

    def handled(self) -> int:
        return int(self.status()["inbox"]["handled"])

    def ask(self, method: str, path: str) -> Any:
        connection = UnixHttp(self.socket)
        try:
            connection.request(method, path, body="{}" if method == "POST" else None, headers={"content-type": "application/json"})  # fmt: skip
            answer = connection.getresponse()
            body = json.loads(answer.read())
        finally:
            connection.close()
        assert answer.status == 200, body
        return body

    def ask_raw(self, path: str) -> None:
        """Only so that it has been asked for."""
        connection = UnixHttp(self.socket)
        connection.request("GET", path)
        connection.getresponse().read()
        connection.close()

    def memory_mib(self, field: str) -> float:
        """`Rss` or `Pss`, as the kernel adds them up."""
        for line in Path(f"/proc/{self.pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            name, _, value = line.partition(":")
            if name == field:
                return int(value.split()[0]) / 1024
        raise KeyError(field)

    def written_bytes(self) -> int:
        return written_bytes(self.pid)

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def installed(folder: Path) -> Path:
    """`nexa-hub` in an environment that has what the lock of a hub names and nothing of what tests need: what is there by chance, libraries load."""
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    places = {ROOT / "hub_agent"}
    for name in re.findall(r"^([\w.-]+)==", LOCK.read_text(encoding="utf-8"), re.MULTILINE):
        with contextlib.suppress(metadata.PackageNotFoundError):  # of other systems
            places |= _places(metadata.distribution(name))
    for place in places:
        (packages / place.name).symlink_to(place)
    program = folder / "bin/nexa-hub"
    shutil.copyfile(Path(sys.executable).with_name("nexa-hub"), program)
    lines = program.read_text(encoding="utf-8").split("\n", 1)
    program.write_text(f"#!{folder / 'bin/python'}\n{lines[1]}", encoding="utf-8")
    program.chmod(0o755)
    return program


def _places(distribution: metadata.Distribution) -> set[Path]:
    """Each folder and file of it that lies in site-packages itself."""
    site = Path(str(distribution.locate_file("")))
    names = {each.parts[0] for each in distribution.files or () if each.parts[0] not in {"..", "__pycache__"}}
    return {site / name for name in names if not name.endswith(".pth")}


def unit_environment() -> dict[str, str]:
    (line,) = re.findall(r"^Environment=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)
    return dict(each.split("=", 1) for each in line.split())


class UnixHttp(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=15)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


@contextlib.contextmanager
def running(agent: AgentProcess) -> Iterator[AgentProcess]:
    try:
        agent.start()
        agent.wait_for_doors()
        yield agent
    finally:
        agent.stop()


def written_bytes(pid: int) -> int:
    """What a process made the kernel write to disks, in whole pages, checkpoints included (Linux)."""
    for line in Path(f"/proc/{pid}/io").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(": ")
        if name == "write_bytes":
            return int(value)
    return 0
