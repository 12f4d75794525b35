"""The agent is killed at any moment, the cloud is cut off: what was waited for happens, and everything is recorded once."""

import random
import time
from collections.abc import Iterator

import pytest

from tests.fakes.broker import EmbeddedBroker
from tests.system.conftest import Cloud, Hub, LampBoard, Powered, automation, publish_to, scene, wait_for

pytestmark = pytest.mark.heavy

KILLS = 12
SEED = 20260301
WAIT_S = 1.0
COMMAND_TO_LIVE_S = 30.0

EVENING = scene("Evening", lamp_1="on", lamp_2="on")
LINGER = automation(
    "Linger",
    triggers=[{"trigger": "state", "entity_id": "binary_sensor.hall_motion", "to": "on"}],
    actions=[
        {"action": "light.turn_on", "target": {"entity_id": "light.lamp_3"}},
        {"delay": {"seconds": WAIT_S}},
        {"action": "light.turn_off", "target": {"entity_id": "light.lamp_3"}},
    ],
    metadata={"mode": "restart"},
)
# Somebody forgot the light: it goes off by itself.
FORGOTTEN = automation(
    "Forgotten",
    triggers=[{"trigger": "state", "entity_id": "light.lamp_2", "to": "on", "for": {"seconds": WAIT_S}}],
    actions=[{"action": "light.turn_off", "target": {"entity_id": "light.lamp_2"}}],
)


@pytest.fixture
def board(broker: EmbeddedBroker) -> Iterator[LampBoard]:
    lamps = LampBoard(rhythm_s=0.02)
    powered = Powered(broker.port, lamps)
    yield lamps
    powered.off()


def test_killed_at_any_moment_nothing_is_forgotten_and_all_is_recorded_once(
    hub: Hub, board: LampBoard, broker: EmbeddedBroker, cloud: Cloud
) -> None:
    _join_home(hub, cloud)
    dice = random.Random(SEED)
    for _ in range(KILLS):
        publish_to(broker.port, "lamps/motion", "OFF")
        publish_to(broker.port, "lamps/motion", "ON")
        hub.post("scenes/Evening/activate") if dice.random() < 0.5 else None
        time.sleep(dice.uniform(0.0, 2 * WAIT_S))
        hub.kill()
        hub.start()
    wait_for(lambda: board.states["lamp_3"] == "OFF" and board.states["lamp_2"] == "OFF", told=hub.log)

    assert "Traceback" not in hub.log()
    _assert_all_is_stored_once(hub, cloud)
    hub.wait(lambda: not any(each["running"] for each in hub.get("automations")))
    runs = [run["id"] for run in hub.get("runs?limit=500") if run["completed_at"]]
    executions = [str(row[0]) for row in cloud.rows("SELECT id FROM automation_executions")]
    assert len(set(executions)) == len(executions)
    assert len(set(runs)) == len(runs)


def test_while_the_cloud_is_away_the_home_works_and_what_waited_arrives_once(
    hub: Hub, board: LampBoard, broker: EmbeddedBroker, cloud: Cloud
) -> None:
    _join_home(hub, cloud)
    before = cloud.rows("SELECT count(*) FROM scene_activations")[0][0]
    cloud.stop()
    hub.wait(lambda: not hub.get("sync")["is_online"], 40)
    assert hub.post("scenes/Evening/activate")["status"] == "success"
    publish_to(broker.port, "lamps/motion", "ON")
    wait_for(lambda: board.commands_to("lamp_3") == ["ON", "OFF"], told=hub.log)
    hub.wait(lambda: hub.get("sync")["waiting"] > 0)
    assert "Offline: the home goes on." in hub.cli("sync", "status").stdout
    cloud.start()
    hub.wait(lambda: hub.get("sync")["is_online"], 60)

    _assert_all_is_stored_once(hub, cloud)
    assert cloud.rows("SELECT count(*) FROM scene_activations")[0][0] == before + 1


def test_a_command_is_not_repeated_after_it_has_expired(hub: Hub, board: LampBoard, broker: EmbeddedBroker) -> None:
    hub.start()
    hub.wait_for_state("light.lamp_1", "off")
    board.dead.add("lamp_1")
    told = hub.post("devices/lamp_1/set", {"values": {"on": True}})
    hub.kill()
    said = len(board.commands_to("lamp_1"))
    time.sleep(COMMAND_TO_LIVE_S + 1)
    hub.start()
    hub.wait_for_state("light.lamp_2", "off")
    publish_to(broker.port, "lamps/lamp_2", "ON", retain=True)
    hub.wait_for_state("light.lamp_2", "on")

    assert told["commands"] == [] or told["commands"][0]["outcome"] != "confirmed"
    assert len(board.commands_to("lamp_1")) == said


def test_a_wrong_claim_code_is_said_and_the_home_goes_on(hub: Hub, board: LampBoard, cloud: Cloud) -> None:
    del board
    hub.settings["cloud"] = {"url": cloud.url, "claim_code": "0000-0000-0000"}
    hub.start()
    hub.wait_for_state("light.lamp_1", "off")
    hub.wait(lambda: "not known" in hub.get("sync")["text"])

    shown = hub.cli("sync", "status")

    assert "not part of a home in the cloud yet" in shown.stdout
    assert "not known" in shown.stdout
    assert "not known" in hub.issues()["cloud_refused"]
    assert hub.log().count("not known") <= 2, "said once by the link and once as an issue, not at each try"
    assert hub.post("devices/lamp_1/set", {"values": {"on": True}})["commands"][0]["outcome"] == "confirmed"
    assert "not known" in hub.cli("doctor", "--config", str(hub.settings_file)).stdout


def _join_home(hub: Hub, cloud: Cloud) -> None:
    for table in ("automations", "scenes"):
        cloud.rows(f"WITH gone AS (DELETE FROM {table} RETURNING 1) SELECT count(*) FROM gone")
    code = cloud.found_home(EVENING, LINGER, FORGOTTEN)
    hub.settings["cloud"] = {"url": cloud.url, "claim_code": code}
    hub.start()
    hub.wait(lambda: hub.get("sync")["is_claimed"], 30)
    hub.wait(lambda: hub.is_live() and len(hub.get("automations")) == 2 and len(hub.get("scenes")) == 1, 30)
    hub.wait_for_state("light.lamp_1", "off")


def _assert_all_is_stored_once(hub: Hub, cloud: Cloud) -> None:
    hub_id = hub.get("sync")["hub_id"]
    marks = f"SELECT stream, max(mark) FROM hub_marks WHERE hub_id = '{hub_id}' GROUP BY 1"
    made = {each["stream"]: each["last"] for each in hub.get("sync")["streams"] if each["last"]}
    hub.wait(lambda: all(dict(cloud.rows(marks)).get(stream, 0) >= last for stream, last in made.items()), 60)

    assert {"device_telemetry", "device_states", "automation_executions", "scene_activations"} <= made.keys()
    assert cloud.rows(f"SELECT stream, reason FROM hub_gaps WHERE hub_id = '{hub_id}'") == []
    assert cloud.rows(f"SELECT stream, seq, reason FROM hub_dead_letters WHERE hub_id = '{hub_id}'") == []
    for stream in made:
        [(stored, different, mark)] = cloud.rows(
            f"SELECT count(*), count(DISTINCT to_jsonb(t)),"
            f" (SELECT max(mark) FROM hub_marks WHERE stream = '{stream}' AND hub_id = '{hub_id}')"
            f" FROM {stream} t WHERE {_of_hub(stream, hub_id)}"
        )
        assert stored == different == mark, stream


def _of_hub(stream: str, hub_id: str) -> str:
    """Which rows are this hub's: those of its home."""
    if stream == "audit_logs":
        return f"metadata ->> 'told_by' = 'hub' AND metadata ->> 'hub_id' = '{hub_id}'"
    home = f"(SELECT home_id FROM hub_hubs WHERE id = '{hub_id}')"
    owner = {
        "automation_executions": "automation_id IN (SELECT id FROM automations",
        "automation_health_checks": "automation_id IN (SELECT id FROM automations",
        "scene_activations": "scene_id IN (SELECT id FROM scenes",
    }.get(stream, "device_id IN (SELECT id FROM devices")
    return f"{owner} WHERE home_id = {home})"
