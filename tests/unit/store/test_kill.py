"""A real process, committing in a loop, killed at any moment."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

from tests.unit.store.homes import at, drain, mirror_in

ROOT = Path(__file__).resolve().parents[3]
KILLS = 5

CHILD = """
import asyncio, sys
from pathlib import Path
from hub_agent.model.effects import Save
from tests.unit.store.homes import at, execution, light, temperature, counted_ids
from hub_agent.store.store import Mirror

async def main(folder):
    mirror = Mirror(folder / "mirror.db", new_id=counted_ids())
    remembered = await mirror.open(at())
    number = remembered.saved.get("room", {}).get("n", {"n": 0})["n"]
    while True:
        number += 1
        await mirror.commit([light("on", number, n=number), temperature(number, number), execution(number),
                             Save("room", "n", {"n": number})], at(number))
        sys.stdout.write(f"{number}\\n")
        sys.stdout.flush()

asyncio.run(main(Path(sys.argv[1])))
"""


def commit_until_killed(folder: Path, commits: int) -> int:
    """Answers the last number the child was told to be committed."""
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(folder)], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert child.stdout
    told = [int(child.stdout.readline()) for _ in range(commits)]
    os.kill(child.pid, signal.SIGKILL)
    told += [int(line) for line in child.stdout.read().split("\n")[:-1]]
    child.stdout.close()
    child.wait()
    return told[-1]


async def test_nothing_that_was_committed_is_lost_or_doubled_by_kill_9(tmp_path) -> None:
    chance = random.Random(7)
    kept = 0
    for _ in range(KILLS):
        told = commit_until_killed(tmp_path, chance.randrange(1, 120))
        mirror = mirror_in(tmp_path)
        remembered = await mirror.open(at(10_000))
        kept = remembered.saved["room"]["n"]["n"]
        assert kept in {told, told + 1}  # the one whose answer the kill cut off may be there
        assert remembered.states["light.lamp"].attributes == {"n": kept}
        assert remembered.findings == []
        mirror.abandon()
    mirror = mirror_in(tmp_path)
    await mirror.open(at(10_000))
    rows = await drain(mirror, "automation_executions")
    assert [row["id"] for _, row in rows] == [f"run-{n}" for n in range(1, kept + 1)]
    assert [number for number, _ in await drain(mirror, "device_states")] == list(range(1, kept + 1))
    await mirror.close(at(10_001))
