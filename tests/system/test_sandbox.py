"""What the service may not do (deploy/nexa-hub.service) is refused by the kernel here too: the processes beside the agent live with it."""

import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from hub_agent.adapters.links.registry import LINKINGS

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(sys.platform != "linux", reason="a sandbox of Linux"),
]
# As SystemCallFilter=~@resources with SystemCallErrorNumber=EPERM, and MemoryDenyWriteExecute=yes, do it.
SANDBOX = """
import ctypes, platform, struct
libc = ctypes.CDLL(None, use_errno=True)
number = {"x86_64": 141, "aarch64": 140}[platform.machine()]  # setpriority
steps = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7FFF0000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("steps", ctypes.c_void_p)]
program = Program(len(steps), ctypes.addressof(code))
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, ctypes.byref(program), 0, 0) == 0
libc.prctl(65, 1, 0, 0, 0)  # not known to kernels before 6.3
import os
try:
    os.nice(1)
except PermissionError:
    pass
else:
    raise SystemExit("the sandbox is none")
"""


def _inside(program: str, *arguments: str, said: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    command = [sys.executable, "-c", SANDBOX + program, *arguments]
    return subprocess.run(
        command, input=said, capture_output=True, timeout=60, check=False, cwd=Path(__file__).parents[2]
    )


def _main_of(module: str) -> str:
    return f"import runpy; runpy.run_module({module!r}, run_name='__main__')"


def test_the_process_of_a_dialect_answers_inside_the_sandbox() -> None:
    place = LINKINGS["wled"]
    ping = orjson.dumps({"do": "ping", "id": 1}) + b"\n"

    answered = _inside(_main_of("hub_agent.adapters.links.host"), place.module, place.class_name, "1", said=ping)

    assert answered.returncode == 0, answered.stderr.decode()


def test_the_process_that_listens_to_the_network_lives_inside_the_sandbox() -> None:
    orders = {"mdns": False, "ssdp": False, "interfaces": [], "own": None, "pace": {}}

    ended = _inside(_main_of("hub_agent.adapters.neighbours.host"), said=orjson.dumps(orders) + b"\n")

    assert ended.returncode == 0, ended.stderr.decode()


def test_the_process_that_replays_the_past_begins_inside_the_sandbox() -> None:
    ended = _inside(_main_of("hub_agent.replay"), said=b"")

    assert b"PermissionError" not in ended.stderr, ended.stderr.decode()


@pytest.mark.parametrize("dialect", sorted(LINKINGS))
def test_the_library_of_each_dialect_loads_inside_the_sandbox(dialect: str) -> None:
    loaded = _inside(f"import importlib; importlib.import_module({LINKINGS[dialect].module!r})")

    assert loaded.returncode == 0, loaded.stderr.decode()
