"""Over the broker: how soon a lamp follows its motion sensor, how fast a burst is worked off, when a scene is out."""

import statistics
import time
from dataclasses import dataclass

from tests.bench.agent import AgentProcess
from tests.bench.home import BASE, Size
from tests.bench.peers import Peer
from tests.bench.table import Measure

FLOOR = "bench_floor"
BURST = 30_000
# How often the agent is asked how far it is: often enough to tell the time, seldom enough not to cost any.
POLL_S = 0.04


@dataclass(frozen=True, slots=True)
class Bench:
    port: int
    agent: AgentProcess
    size: Size
    is_quick: bool


def latency(bench: Bench) -> list[Measure]:
    """Few messages, each a motion sensor's; then 1,000 a second, one in ten a motion sensor's."""
    seconds = 4 if bench.is_quick else 15
    floor = Peer("echo", port=bench.port, base=FLOOR, first=0)
    try:
        calm_floor = _rhythm(bench, FLOOR, 25, 1, seconds)
        calm = _rhythm(bench, BASE, 25, 1, seconds)
        busy_floor = _rhythm(bench, FLOOR, 1000, 10, seconds)
        busy = _rhythm(bench, BASE, 1000, 10, seconds)
    finally:
        floor.end()
    lost = calm["sent"] - calm["answered"] + busy["sent"] - busy["answered"]
    note = f"at {busy['rate']:.0f} messages/s, of which {busy['rate'] / 10:.0f} set off an automation; worst {busy['max'] * 1000:.1f} ms"
    if lost:
        note += f"; {lost} OF {calm['sent'] + busy['sent']} COMMANDS DID NOT COME"
    return [
        Measure("event to command, median", calm["median"] * 1000, "ms", calm_floor["median"] * 1000, ratio_at_most=2),
        Measure("event to command, p99", calm["p99"] * 1000, "ms", calm_floor["p99"] * 1000),
        Measure("the same at 1,000 messages/s, median", busy["median"] * 1000, "ms", busy_floor["median"] * 1000),
        Measure("the same at 1,000 messages/s, p99", busy["p99"] * 1000, "ms", busy_floor["p99"] * 1000, 10, note=note),
    ]


def _rhythm(bench: Bench, base: str, rate: int, every: int, seconds: float):
    return Peer(
        "rhythm", port=bench.port, base=base, rate=rate, every=every, seconds=seconds, pairs=bench.size.pairs
    ).answer()


def burst(bench: Bench) -> Measure:
    receiver = Peer("receiver", port=bench.port, base=FLOOR, count=BURST)
    sender = Peer("burst", port=bench.port, base=FLOOR, count=BURST, pairs=bench.size.pairs)
    receiver.go()
    sender.go()
    floor_s = receiver.answer()
    sender.end()
    rates = [_burst_rate(bench) for _ in range(1 if bench.is_quick else 3)]
    note = f"{BURST:,} reports at once, each a change; runs: " + ", ".join(f"{rate:,.0f}" for rate in rates)
    return Measure("burst worked off, mirror on", max(rates), "messages/s", BURST / floor_s, at_least=10_000, note=note)


def _burst_rate(bench: Bench) -> float:
    sender = Peer("burst", port=bench.port, base=BASE, count=BURST, pairs=bench.size.pairs)
    before = bench.agent.handled()
    begun = time.perf_counter()
    sender.go()
    while (handled := bench.agent.handled()) < before + BURST:
        assert time.perf_counter() - begun < 120, (before, handled)
        time.sleep(POLL_S)
    took_s = time.perf_counter() - begun
    sender.end()
    return BURST / took_s


def firing(bench: Bench) -> Measure:
    settings = {"port": bench.port, "pairs": bench.size.pairs, "rounds": 5 if bench.is_quick else 20}
    floor = Peer("echo", port=bench.port, base=FLOOR, first=0)
    try:
        floor_rate = Peer("firing", base=FLOOR, **settings).answer()
    finally:
        floor.end()
    rate = Peer("firing", base=BASE, **settings).answer()
    return Measure(
        "automations fired, over the broker", rate, "runs/s", floor_rate,
        note=f"{bench.size.pairs} motion sensors at once, until every lamp has its command and said so; the mirror keeps runs, traces and commands",
    )  # fmt: skip


def scene(bench: Bench) -> Measure:
    times = 5 if bench.is_quick else 20
    first = bench.size.pairs
    settings = {"port": bench.port, "times": times, "socket": str(bench.agent.socket), "first": first}
    floor = Peer("echo", port=bench.port, base=FLOOR, first=first)
    try:
        floor_s = Peer("press", base=FLOOR, **settings).answer()
    finally:
        floor.end()
    took_s = Peer("press", base=BASE, scene="Fifty", **settings).answer()
    return Measure(
        "scene of 50 lights, last command out", statistics.median(took_s) * 1000, "ms", statistics.median(floor_s) * 1000, 8,
        note=f"from the request at the agent's socket to the 50th command at a listener; worst of {times}: {max(took_s) * 1000:.1f} ms",
    )  # fmt: skip
