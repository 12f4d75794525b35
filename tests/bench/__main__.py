"""python -m tests.bench [--quick] [--json] [--only WORD]: measures the agent, and bare parts beside it in the same run.
python -m tests.bench cloud [--quick] [--json] [--dsn DSN]: the central schema, see tests/bench/cloud.py.
python -m tests.bench queue [--quick] [--json]: arrivals through a queue, see tests/bench/queueing.py.
python -m tests.bench verify [--quick] [--json] [--dsn DSN]: comparing hub and cloud, see tests/bench/verifying.py.
python -m tests.bench sync [--quick] [--json] [--only WORD]: the link between hub and cloud, see tests/bench/sync.py.

Nothing is asserted: figures depend on the machine and on what else it does. Ratios depend on it less.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from hub_agent.adapters.clock import SystemClock
from tests.bench import (
    cloud,
    deciding,
    discovering,
    disk,
    offline,
    queueing,
    reaction,
    rules,
    standing,
    sync,
    verifying,
)
from tests.bench.agent import AgentProcess, running
from tests.bench.home import Size, fill_mirror
from tests.bench.reaction import Bench
from tests.bench.table import Measure, render
from tests.fakes.broker import EmbeddedBroker, free_port

NAMES = (
    "core",
    "rules",
    "loading",
    "year",
    "records",
    "start",
    "memory",
    "bytes",
    "latency",
    "scene",
    "firing",
    "burst",
    "flood",
    "discovery",
    "day",
    "offline",
)


def main() -> None:
    if sys.argv[1:2] == ["cloud"]:
        cloud.main(sys.argv[2:])
        return
    if sys.argv[1:2] == ["queue"]:
        queueing.main(sys.argv[2:])
        return
    if sys.argv[1:2] == ["verify"]:
        verifying.main(sys.argv[2:])
        return
    if sys.argv[1:2] == ["sync"]:
        sync.main(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter runs, rougher figures")
    parser.add_argument("--json", action="store_true", help="for a program")
    parser.add_argument("--only", action="append", choices=NAMES, help="only this (may be repeated)")
    options = parser.parse_args()
    chosen = set(options.only or NAMES)
    with disk.folder_on_disk() as folder:
        measures = list(_measured(Path(folder), chosen, is_quick=options.quick))
    if options.json:
        told = {"load_average": os.getloadavg(), "measures": [measure.as_json() for measure in measures]}
        print(json.dumps(told, indent=2))
    else:
        print(render(measures))
        print(
            f"\nPython {sys.version.split()[0]}, {os.cpu_count()} cores, load average at the end {os.getloadavg()[0]:.1f}"
        )


def _measured(folder: Path, chosen: set[str], *, is_quick: bool) -> Iterator[Measure]:
    size = Size()
    if "core" in chosen:
        yield _say(deciding.automations_a_second(size, is_quick=is_quick))
    yield from _measured_rules(folder, chosen, is_quick=is_quick)
    if "records" in chosen:
        yield _say(disk.records(_made(folder / "records"), is_quick=is_quick))
    if "day" in chosen:
        yield from map(_say, disk.megabytes_a_day(_made(folder / "day"), is_quick=is_quick))
    if "offline" in chosen:
        yield from map(_say, offline.year_offline(_made(folder / "offline"), is_quick=is_quick))
    if "discovery" in chosen:
        yield from map(_say, discovering.discovery(_made(folder / "discovery"), is_quick=is_quick))
    if not chosen - {"core", "rules", "loading", "year", "records", "day", "offline", "discovery"}:
        return
    broker = EmbeddedBroker(_made(folder / "broker"), free_port()).start()
    try:
        yield from _measured_over_broker(_made(folder / "agent"), broker.port, chosen, size, is_quick=is_quick)
    finally:
        broker.stop()


def _measured_rules(folder: Path, chosen: set[str], *, is_quick: bool) -> Iterator[Measure]:
    if "rules" in chosen:
        yield from map(_say, rules.events(is_quick=is_quick))
        yield _say(rules.saved_run(is_quick=is_quick))
    if "loading" in chosen:
        yield from map(_say, rules.loading())
    if "year" in chosen:
        yield _say(rules.year(_made(folder / "year"), is_quick=is_quick))


def _measured_over_broker(
    folder: Path, port: int, chosen: set[str], size: Size, *, is_quick: bool
) -> Iterator[Measure]:
    asyncio.run(fill_mirror(folder / "mirror.db", size, SystemClock().now()))
    agent = AgentProcess(folder, port, free_port())
    agent.compile()
    bench = Bench(port, agent, size, is_quick)
    if "start" in chosen:
        yield _say(standing.start(bench))
    if not chosen & {"memory", "latency", "scene", "firing", "burst", "bytes", "flood"}:
        return
    steps: dict[str, Callable[[], Iterator[Measure]]] = {
        "memory": lambda: iter(standing.memory(agent, is_quick=is_quick)),
        "bytes": lambda: iter([disk.bytes_per_change(bench)]),  # before a burst leaves its checkpoints to be made
        "latency": lambda: iter(reaction.latency(bench)),
        "scene": lambda: iter([reaction.scene(bench)]),
        "firing": lambda: iter([reaction.firing(bench)]),
        "burst": lambda: iter([reaction.burst(bench)]),
        "flood": lambda: iter(discovering.flood(bench)),
    }
    with running(agent):
        for name, step in steps.items():
            if name in chosen:
                for measure in step():
                    yield _say(measure)
        yield _say(standing.memory_after_work(agent))


def _say(measure: Measure) -> Measure:
    """It takes minutes: what is known so far goes to standard error."""
    print(f"  {measure.name}: {measure.figure:.4g} {measure.unit}", file=sys.stderr, flush=True)
    return measure


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


if __name__ == "__main__":
    main()
