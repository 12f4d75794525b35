"""The agent is killed again and again while rules run: each run ends once, and its steps come in order."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.fakes.broker import EmbeddedBroker
from tests.fakes.home.dials import Dials, complaints, definitions, ended_runs, interrupted
from tests.system.conftest import Hub, Powered

pytestmark = pytest.mark.heavy

RUNS = 50
SEED = 20261122
LONGEST_LIFE_S = 2.5
QUEUE_EMPTY_WITHIN_S = 120


@pytest.fixture
def dials(broker: EmbeddedBroker) -> Iterator[Dials]:
    turned = Dials(SEED, RUNS, pause_s=(2, 8))
    powered = Powered(broker.port, turned)
    yield turned
    powered.off()


def test_fifty_runs_that_are_killed_on_the_way_end_once_and_do_what_they_were_to_do_in_order(
    hub: Hub, dials: Dials
) -> None:
    hub.remember(*definitions())
    hub.start()
    dice = random.Random(SEED)
    deaths: list[datetime] = []
    while not dials.counted_enough.wait(dice.uniform(0.0, LONGEST_LIFE_S)):
        hub.kill()
        deaths.append(datetime.now(UTC))
        hub.start()
    hub.wait(lambda: not any(rule["running"] for rule in hub.get("automations")), QUEUE_EMPTY_WITHIN_S)
    hub.stop()

    ended = ended_runs(hub.records("automation_executions"))
    wrong = complaints(dials.told, ended, deaths)
    assert not wrong, "\n".join(wrong)
    assert len(ended) >= RUNS
    assert interrupted(ended, deaths) >= RUNS // 2
    assert "Traceback" not in hub.log()
