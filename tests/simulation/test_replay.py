"""What a rule really did in a simulated house is what a replay of that house's records says it would have done."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import async_solipsism
import orjson
import pytest

from hub_agent.model.definition import Definition
from hub_agent.replay import Request, replayed
from tests.simulation.house import House
from tests.simulation.world import CALM, START

# The house is claimed and learns its rules in its first seconds.
SINCE = START + timedelta(minutes=2)


# The second one lives past the sunset.
@pytest.mark.parametrize("seed, hours", [(1, 0.2), (2, 0.6)])
def test_a_replay_of_a_houses_records_gives_the_runs_that_its_rules_really_made(seed, hours, tmp_path) -> None:
    house = live(seed, hours, tmp_path)
    runs = 0
    for rule in rules_of(house):
        answer = replay(house, rule, SINCE + timedelta(hours=hours))
        unlike = [line for line in answer["lines"] if is_run(line["would"]) is not is_run(line["did"])]

        assert unlike == [], rule.fields["name"]
        assert answer["not_replayed"] == []
        runs += answer["counts"]["both_ran"]
    assert runs > 30


def live(seed: int, hours: float, folder: Path) -> House:
    loop = async_solipsism.EventLoop()
    asyncio.set_event_loop(loop)
    try:

        async def through() -> House:
            house = House(seed, folder)
            await house.run(0, CALM, hours * 3600 + 120)
            return house

        return loop.run_until_complete(through())
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        asyncio.set_event_loop(None)
        loop.close()


def rules_of(house: House) -> Iterable[Definition]:
    assert house.core is not None
    return house.core.hub.definitions.of_kind("automation")


def replay(house: House, rule: Definition, until: Any) -> Any:
    body = {
        "mirror": str(house.path),
        "since": SINCE.isoformat(),
        "until": until.isoformat(),
        "place": {"time_zone": "Europe/Berlin", "latitude": 52.52, "longitude": 13.405, "elevation": 0.0},
        "definition": {"id": rule.id, "fields": rule.fields},
        "is_known": True,
    }
    *_, last = replayed(Request.from_json(orjson.loads(orjson.dumps(body))))
    return last["replay"]


def is_run(told: Any) -> bool:
    return told is not None and told["status"] not in {"conditions_not_met", "dropped", "error"}
