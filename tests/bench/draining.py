"""python -m tests.bench.draining MIRROR URL: the real uplink over a mirror until all is sent, in a process of its own; what it cost as JSON."""

import asyncio
import json
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from hub_agent.adapters.clock import SystemClock
from hub_agent.adapters.cloud import HttpCloud
from hub_agent.core.sync.lineage import begin_life
from hub_agent.model.effects import Effect
from hub_agent.model.inputs import Input
from hub_agent.runtime.uplink import Uplink
from hub_agent.store.store import Mirror

LOOK_S = 0.05


async def drained(path: Path, url: str) -> dict[str, float]:
    clock = SystemClock()
    await clock.confirm(0.0)
    mirror = Mirror(path)
    identity = (await mirror.open(clock.now())).identity

    async def keep(effects: Sequence[Effect]) -> None:
        await mirror.commit(effects, clock.now())

    async def submit(_inputs: Sequence[Input]) -> None:
        await keep(())

    async def ignore(*_told: object) -> None:
        return None

    waiting = sum(position.waiting for position in await mirror.positions())
    lineage = begin_life(None, epoch=identity.epoch, incarnation="bench", positions=await mirror.positions())
    uplink = Uplink(
        cloud=HttpCloud(url, hub_id=identity.hub_id, secret=identity.secret),
        store=mirror,
        clock=clock,
        jitter=random.Random(1),
        identity=identity,
        address=url,
        agent_version="0.1.0",
        hub_name="bench",
        claim_code=None,
        owed=lambda _most: (),
        owed_count=lambda: 0,
        present=lambda: {"devices": {}, "automations": {}, "scenes": {}, "hub": {"waiting": {}}},
        submit=submit,
        claimed=ignore,
        clock_confirmed=ignore,
        changed=lambda _change: None,
        lineage=lineage,
    )
    before_kb, begun, processor = resident_kb(), time.perf_counter(), time.process_time()
    running = asyncio.create_task(uplink.run())
    uplink.wake()
    while any(position.waiting for position in await mirror.positions()):
        if running.done():
            running.result()
        await asyncio.sleep(LOOK_S)
    told = {
        "rows": waiting,
        "seconds": time.perf_counter() - begun,
        "processor_s": time.process_time() - processor,
        "resident_before_mb": before_kb / 1024,
        "resident_peak_mb": resident_kb("VmHWM") / 1024,
    }
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await mirror.close(clock.now())
    return told


def resident_kb(name: str = "VmRSS", pid: int | str = "self") -> int:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1])


if __name__ == "__main__":
    print(json.dumps(asyncio.run(drained(Path(sys.argv[1]), sys.argv[2]))))
