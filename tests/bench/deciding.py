"""In one process, without broker and mirror: what deciding alone costs."""

import time
from datetime import UTC, datetime, timedelta

import orjson

from hub_agent.model.effects import SendCommand
from hub_agent.model.inputs import CommandSent
from tests.bench.home import BASE, KnownHome, Size, report
from tests.bench.table import Measure

MADE_UP_HOME = "00000000-0000-4000-8000-000000000001"


def automations_a_second(size: Size, *, is_quick: bool) -> Measure:
    """A motion sensor's message in, the lamp's command out, sent, and confirmed by the lamp: decoded and decided, again and again."""
    now = datetime.now(UTC)
    home = KnownHome(size, MADE_UP_HOME, now)
    rounds = 10 if is_quick else 60
    rates = []
    fired = 0
    for turn in range(rounds):
        begun, before = time.perf_counter(), fired
        payload = orjson.dumps(report("Motion", turn + 1))
        for pair in range(size.pairs):
            now += timedelta(milliseconds=1)
            fired += _follow(home, pair, payload, now)
            home.effects.clear()
        rates.append((fired - before) / (time.perf_counter() - begun))
    assert fired == rounds * size.pairs, fired
    best = sorted(rates)[-len(rates) // 4 :]
    return Measure(
        "automations fired, core alone", sum(best) / len(best), "runs/s", at_least=4000,
        note=f"decode, trigger, run, command, confirmation; best quarter of {rounds} rounds of {size.pairs} (mean of all: {sum(rates) / len(rates):,.0f})",
    )  # fmt: skip


def _follow(home: KnownHome, pair: int, payload: bytes, now: datetime) -> int:
    commands = [e for e in home.hear(f"{BASE}/Motion {pair}", payload, now) if isinstance(e, SendCommand)]
    for sent in commands:
        home.effects += home.hub.handle(CommandSent(sent.command.id), now)
        is_on = sent.command.action.endswith("turn_on")
        said = {"state": "ON", "brightness": 153} if is_on else {"state": "OFF"}
        home.hear(f"{BASE}/Lamp {pair}", orjson.dumps(said), now)
    return len(commands)
