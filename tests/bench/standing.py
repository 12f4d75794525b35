"""What the agent costs while it does nothing, and how soon it is there."""

import statistics
import subprocess
import sys
import time
from pathlib import Path

from tests.bench.agent import AgentProcess
from tests.bench.reaction import Bench
from tests.bench.table import Measure

# What any agent of this kind loads: an MQTT client, a validator for its settings, a web server. Nothing of ours.
BARE = "import asyncio, sqlite3, paho.mqtt.client, pydantic, orjson, uvicorn, fastapi, httpx"
REST_S = 8.0


def start(bench: Bench) -> Measure:
    """`bench.agent` is not running; its mirror knows the home."""
    floors = [_timed("pass") for _ in range(3)]
    times = []
    for _ in range(3 if bench.is_quick else 7):
        times.append(bench.agent.start())
        bench.agent.wait_for_doors()
        bench.agent.stop()
    size = bench.size
    return Measure(
        "start to automations live", statistics.median(times), "s", statistics.median(floors), at_most=1,
        note=f"process start to READY=1 with {size.devices} devices and {size.automations} automations in the mirror; best {min(times):.2f} s; floor: python -c pass",
    )  # fmt: skip


def memory(agent: AgentProcess, *, is_quick: bool) -> list[Measure]:
    """`agent` has just started; its page has been asked for, its cloud does not answer."""
    for path in ("/", "/api/v1/status"):
        agent.ask_raw(path)
    time.sleep(3 if is_quick else REST_S)
    rss, pss = agent.memory_mib("Rss"), agent.memory_mib("Pss")
    note = f"RSS after start with page and cloud configured; PSS {pss:.1f} MiB; floor: a bare Python with the libraries imported"
    return [Measure("memory", rss, "MiB", _bare_memory_mib(agent.python), at_most=95, note=note)]


def memory_after_work(agent: AgentProcess) -> Measure:
    return Measure("memory after all of this", agent.memory_mib("Rss"), "MiB")


def _timed(code: str) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - begun


def _bare_memory_mib(python: Path) -> float:
    code = f"{BARE}; print(open('/proc/self/statm').read().split()[1])"
    pages = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout
    return int(pages) * 4096 / 1024**2
