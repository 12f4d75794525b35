"""Stands in for systemd, and for agents of two versions, where an upgrade is tried: real processes, a real mirror, a real socket.

As `systemctl` on the PATH it knows the few words that deploy/upgrade says. `versions` makes what an installation leaves in /opt/nexa-hub.
"""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import UnixStreamServer

AGENT = "nexa-hub.service"
UPGRADE = Path(__file__).parents[2] / "deploy/upgrade"


def put_on_path(folder: Path) -> None:
    folder.mkdir()
    program = folder / "systemctl"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" systemctl "$@"\n')
    program.chmod(0o755)


def make_version(
    root: Path,
    name: str,
    schema: int,
    *,
    is_sick: bool = False,
    is_frail: bool = False,
    cannot_migrate: bool = False,
) -> None:
    """`is_sick`: its agent ends at once. `is_frail`: it runs in safe mode, as the well ones do where lives are written down."""
    version = root / "opt/nexa-hub" / name
    (version / "bin").mkdir(parents=True)
    (version / "share/systemd").mkdir(parents=True)
    (version / "share/schema").write_text(f"{schema}\n")
    (version / "share/systemd" / AGENT).write_text(f"# of {name}\n")
    _program(
        version / "bin/nexa-hub",
        "agent",
        "sick" if is_sick else "frail" if is_frail else "well",
        str(schema),
        str(root),
    )
    _program(version / "bin/python", "python", "cannot" if cannot_migrate else "can", str(schema))


def _program(path: Path, *words: str) -> None:
    quoted = " ".join(f'"{word}"' for word in (sys.executable, __file__, *words))
    path.write_text(f'#!/bin/sh\nexec {quoted} "$@"\n')
    path.chmod(0o755)


def pull_the_plug(root: Path) -> None:
    """All processes are gone at once."""
    for file in (root / "run").glob("*.pid"):
        _kill(file)


def boot(root: Path) -> None:
    """What starts by itself: the agent, and what goes on with an upgrade, where there is one."""
    subprocess.run(["systemctl", "start", AGENT], check=True)
    if (root / "opt/nexa-hub/upgrade.json").exists():
        subprocess.run(["systemctl", "start", "nexa-hub-upgrade.service"], check=True)


def fill(folder: Path) -> None:
    """Not a byte more goes onto this disk."""
    with suppress(OSError), (folder / "filler").open("ab", buffering=0) as filler:
        for size in (4096, 1):
            with suppress(OSError):
                while filler.write(bytes(size)):
                    pass


def _systemctl(root: Path, word: str, *options: str) -> None:
    units = [each for each in options if each.endswith(".service")]
    if word == "stop":
        for unit in units:
            _kill(root / "run" / f"{unit}.pid")
        if "NEXA_FAKE_FILL" in os.environ:
            fill(Path(os.environ["NEXA_FAKE_FILL"]))
    elif word in {"start", "restart"}:
        for unit in units:
            _start(root, unit)
    elif word == "show":
        print(f"ActiveState={'active' if _is_alive(root / 'run' / f'{units[0]}.pid') else 'failed'}\nNRestarts=0")


def _start(root: Path, unit: str) -> None:
    pid = root / "run" / f"{unit}.pid"
    if _is_alive(pid):
        return
    if unit == AGENT:
        command = [str(root / "opt/nexa-hub/current/bin/nexa-hub")]
    else:
        command = [sys.executable, str(UPGRADE), "--root", str(root), "resume"]
    with (root / "run" / f"{unit}.log").open("a") as log:
        started = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
    pid.write_text(str(started.pid))


def _is_alive(file: Path) -> bool:
    try:
        pid = int(file.read_text())
        # The one that started it may not have asked how it ended.
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (OSError, ValueError):
        return False


def _kill(file: Path) -> None:
    if _is_alive(file):
        pid = int(file.read_text())
        os.kill(pid, signal.SIGKILL)
        while _is_alive(file):
            os.sched_yield()
    file.unlink(missing_ok=True)


def _python(can: str, schema: int, words: list[str]) -> None:
    """Of the version's Python only what an upgrade asks of it."""
    if words[:2] == ["-m", "hub_agent.store.migrate"]:
        if can == "cannot":
            sys.exit("Step 4 cannot be done: no such table: lamps")
        _bring(Path(words[2]), schema)
    elif words[:3] == ["-m", "hub_agent", "config"] and "nonsense" in Path(words[-1]).read_text():
        sys.exit("Unknown setting nonsense.")


def _bring(mirror: Path, schema: int) -> None:
    with closing(sqlite3.connect(mirror)) as connection, connection:
        (there,) = connection.execute("SELECT coalesce(max(number), 0) FROM migrations").fetchone()
        if there > schema:
            sys.exit(f"the mirror was written by a newer agent ({there}, not {schema})")
        connection.executemany("INSERT INTO migrations VALUES (?)", [(each,) for each in range(there + 1, schema + 1)])


def _agent(health: str, schema: int, root: Path) -> None:
    mirror = root / "var/lib/nexa-hub/mirror.db"
    _bring(mirror, schema)
    with closing(sqlite3.connect(mirror)) as connection, connection:
        connection.execute("INSERT INTO written VALUES (?)", (schema,))
    if health == "sick":
        sys.exit(1)
    is_safe = health == "frail" or (mirror.parent / "lives").exists()
    safe_mode = {"failed": 3, "left_out": ["forecasts", "the cloud"]} if is_safe else None
    socket = root / "run/nexa-hub/nexa-hub.sock"
    socket.unlink(missing_ok=True)

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"broker": {"is_connected": True}, "safe_mode": safe_mode}).encode())

        def address_string(self) -> str:
            return "socket"

    UnixStreamServer(str(socket), Answer).serve_forever()


if __name__ == "__main__":
    role, *rest = sys.argv[1:]
    if role == "systemctl":
        _systemctl(Path(os.environ["NEXA_FAKE_ROOT"]), *rest)
    elif role == "python":
        _python(rest[0], int(rest[1]), rest[2:])
    else:
        _agent(rest[0], int(rest[1]), Path(rest[2]))
