"""A rule is tried on what a real agent has recorded, from its command line, while it runs the home."""

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub_agent.model.effects import AppendRecord
from hub_agent.ports import Moment
from hub_agent.store.store import Mirror
from tests.fakes.broker import EmbeddedBroker
from tests.system.conftest import Hub, LampBoard, automation, publish_to

pytestmark = pytest.mark.heavy

MOTION = {"trigger": "state", "entity_id": "binary_sensor.hall_motion", "to": "on"}
LIT = automation(
    "Hall light",
    triggers=[MOTION],
    actions=[{"action": "light.turn_on", "target": {"entity_id": "light.lamp_1"}}],
)
NOT_YET = """\
alias: Not here yet
triggers:
  - trigger: state
    entity_id: binary_sensor.hall_motion
    to: "off"
actions:
  - action: light.turn_off
    target:
      entity_id: light.lamp_2
"""
PAST_CHANGES = 50_000
# Of an answer of the agent: this long, or on a busy machine this share of what the going through takes.
LATE_S_MAX = 0.5
LATE_SHARE_MAX = 1 / 8


def test_a_rule_is_tried_by_its_name_and_from_a_file(
    hub: Hub, board: LampBoard, broker: EmbeddedBroker, tmp_path: Path
) -> None:
    hub.remember(LIT)
    hub.start()
    hub.wait_for_state("light.lamp_1", "off")
    for state in ("ON", "OFF"):
        publish_to(broker.port, "lamps/motion", state)
        hub.wait_for_state("binary_sensor.hall_motion", state.lower())
    hub.wait(lambda: len(hub.get("runs")) == 1)

    def known() -> bool:
        """What has just happened is recorded within a second."""
        answer = json.loads(hub.cli("automations", "replay", "Hall light", "--since", "1h", "--json").stdout)
        return bool(answer["counts"]["both_ran"] == 1)

    hub.wait(known)
    table = hub.cli("automations", "replay", "Hall light")
    assert table.returncode == 0, table.stderr
    assert "it would have run once; it ran once, 1 of them when it would have." in table.stdout
    assert "light.turn_on light.lamp_1" in table.stdout

    file = tmp_path / "rule.yaml"
    file.write_text(NOT_YET)
    said = hub.cli("automations", "replay", str(file), "--since", "1h")
    assert said.returncode == 0, said.stderr
    assert "Not here yet, " in said.stdout
    assert "binary_sensor.hall_motion: on -> off: light.turn_off light.lamp_2" in said.stdout
    assert board.commands_to("lamp_2") == []

    then = hub.cli("automations", "explain", "Hall light", "--at", datetime.now(UTC).isoformat())
    assert then.returncode == 0, then.stderr
    assert "binary_sensor.hall_motion is 'off'" in then.stdout


def test_the_home_is_answered_while_a_week_is_gone_through(hub: Hub, board: LampBoard) -> None:
    del board
    a_busy_week(hub)
    hub.remember(LIT)
    hub.start()
    answers: list[str] = []
    asked = threading.Thread(
        target=lambda: answers.append(hub.cli("automations", "replay", "Hall light", "--json").stdout)
    )
    asked.start()
    asked_at, slowest = time.monotonic(), 0.0
    while asked.is_alive():
        begun = time.monotonic()
        hub.get("status")
        slowest = max(slowest, time.monotonic() - begun)
    asked.join()
    took = time.monotonic() - asked_at
    answer = json.loads(answers[0])

    assert answer["changes"] >= PAST_CHANGES - 1
    assert answer["counts"]["would_run"] == PAST_CHANGES // 1000
    assert slowest < max(LATE_S_MAX, took * LATE_SHARE_MAX)


def a_busy_week(hub: Hub) -> None:
    """In the mirror before the agent starts: a lamp that goes on and off, and motion every thousandth time."""
    begun = datetime.now(UTC) - timedelta(days=6)
    step = timedelta(days=5) / PAST_CHANGES

    async def write(mirror: Mirror, moment: Moment) -> None:
        for first in range(0, PAST_CHANGES, 500):
            rows = [row(begun + number * step, number) for number in range(first, first + 500)]
            then = Moment(begun + (first + 500) * step, moment.monotonic_s, moment.boot_id, is_trusted=True)
            await mirror.commit(rows, then)

    hub.state_dir.mkdir(exist_ok=True)
    hub._with_mirror(write)


def row(at: datetime, number: int) -> AppendRecord:
    is_motion = number % 500 == 0
    entity_id = "binary_sensor.hall_motion" if is_motion else f"light.lamp_{number % 300}"
    state = "on" if (number // 500 if is_motion else number) % 2 else "off"
    told = {"state": state, "attributes": {"brightness": number % 255}, "changed_at": at}
    return AppendRecord(
        "device_states",
        {
            "id": f"00000000-0000-4000-8000-{number:012d}",
            "device_id": entity_id,
            "entities": {entity_id: told},
            "changed_fields": [f"{entity_id}.state"],
            "change_source": "ecosystem",
            "created_at": at,
        },
    )
