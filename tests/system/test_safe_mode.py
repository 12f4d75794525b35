"""An agent that keeps failing goes on without what is optional, says so everywhere, and goes back by itself or by hand."""

import json
import os
import socket
import sqlite3
from contextlib import closing

import pytest

from hub_agent.agent import EXIT_AGAIN
from hub_agent.runtime.lives import FAILED_MAX
from tests.fakes.broker import EmbeddedBroker
from tests.system.conftest import STOP_WITHIN_S, Hub, LampBoard, automation, publish_to, scene, wait_for

pytestmark = pytest.mark.heavy

EVENING = scene("Evening", lamp_1="on")
MOTION = automation(
    "Motion",
    triggers=[{"trigger": "state", "entity_id": "binary_sensor.hall_motion", "to": "on"}],
    actions=[{"action": "light.turn_on", "target": {"entity_id": "light.lamp_3"}}],
)


def test_an_agent_that_fails_in_something_optional_lives_without_it(
    hub: Hub, board: LampBoard, broker: EmbeddedBroker
) -> None:
    hub.remember(EVENING, MOTION)
    # They are not to blame: the agent ran well with them.
    with closing(sqlite3.connect(hub.state_dir / "mirror.db")) as mirror:
        mirror.execute("INSERT INTO ran_well SELECT 1, max(entry) FROM definition_history")
        mirror.commit()
    hub.program = "tests.fakes.faulty_agent"
    for _ in range(FAILED_MAX):
        assert hub.spawn({"FAULT": "forecasts fail"}).wait(60) == 1
    assert "a fault in a forecast" in hub.log()

    hub.start({"FAULT": "forecasts fail"})
    hub.wait_for_state("light.lamp_1", "off")

    assert hub.cli("scenes", "activate", "Evening").returncode == 0
    publish_to(broker.port, "lamps/motion", "ON")
    wait_for(lambda: board.states["lamp_3"] == "ON", told=hub.log)
    mode = hub.get("status")["safe_mode"]
    assert mode["failed"] == FAILED_MAX
    assert "forecasts" in mode["left_out"]
    assert "nexa-hub safe-mode leave" in hub.issues()["safe_mode"]
    assert "SAFE MODE since" in hub.cli("status").stdout
    assert "it runs in safe mode" in hub.cli("doctor", "--config", str(hub.settings_file)).stdout
    assert json.loads(hub.cli("safe-mode", "--json").stdout) == mode
    assert hub.cli("forecasts").returncode == 0, "there are none, and that is no failure"


def test_lives_that_are_cut_off_count_and_safe_mode_is_left_by_hand(
    hub: Hub, board: LampBoard, notified: socket.socket
) -> None:
    del board
    # As one that is killed by the kernel for its memory, or by a fault of a library.
    for _ in range(FAILED_MAX):
        hub.start()
        hub.kill()
    running = hub.start({"NOTIFY_SOCKET": notified.getsockname()}).process
    assert running is not None
    assert hub.get("status")["safe_mode"] is not None

    assert "with everything" in hub.cli("safe-mode", "leave").stdout

    assert running.wait(STOP_WITHIN_S) == EXIT_AGAIN, "systemd starts it again"
    hub.start()
    assert hub.get("status")["safe_mode"] is None
    assert "safe_mode" not in hub.issues()
    assert "runs with everything" in hub.cli("safe-mode").stdout
    assert hub.cli("safe-mode", "leave").returncode != 0
    assert os.path.getsize(hub.state_dir / "lives") < 100  # noqa: PTH202 a size
