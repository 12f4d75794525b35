"""What a hub foresees, in the cloud: taken as it is, alerts and scores left to the hub, people's words on its advice left to people."""

import json
import random
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest

from hub_agent.core.forecasts import rows as forecast_rows
from hub_agent.core.forecasts.models import BATTERY
from hub_agent.model.effects import AppendCase
from hub_agent.model.record import CASES
from tests.fakes.batteries import alkaline
from tests.fakes.foreseen_home import DAY, HOUR, ForeseenHome, device, entity

LOOK = timedelta(minutes=5)


def wire(case: AppendCase) -> dict[str, Any]:
    row = json.loads(json.dumps(forecast_rows.as_json(dict(case.row))))
    time = row[CASES[case.table].time_column]
    return {"table": case.table, "id": case.id, "time": time, "revision": case.revision, "row": row}


@pytest.fixture(scope="module")
def told() -> tuple[str, str, list[dict[str, Any]]]:
    """All that a home tells in seven weeks: two devices, and what became of them."""
    plug_id, lamp_id = str(uuid.uuid4()), str(uuid.uuid4())
    power = entity(plug_id, "sensor.plug_power", "power", "W")
    plug = device(plug_id, entity(plug_id, "switch.plug"), power)
    lamp = device(lamp_id, entity(lamp_id, "light.lamp"), room="r")
    motion = entity(plug_id, "binary_sensor.motion", "motion")
    home = ForeseenHome(plug, lamp, device(str(uuid.uuid4()), motion, room="r"), step=LOOK)
    home.set("switch.plug", "on")
    home.set("binary_sensor.motion", "off")
    chance, levels = random.Random(1), alkaline(1, 60)

    def lived(now: datetime) -> None:
        home.set("sensor.plug_power", str(round(chance.gauss(50, 4))))
        home.set("light.lamp", "on" if 9 <= now.hour < 16 else "off")

    home.before_look = lived
    for day in range(48):
        home.see(lamp_id, battery_level=levels[day], is_available=True)
        home.live(DAY)
    home.before_look = lambda _now: home.set("sensor.plug_power", "300")
    home.live(8 * HOUR)
    return plug_id, lamp_id, [wire(each) for each in home.told]


@pytest.fixture
def home_told(hub, told):
    """The same, of devices of this hub's home."""
    plug_id, lamp_id, cases = told
    text = json.dumps(cases).replace(plug_id, hub.add_device()).replace(lamp_id, hub.add_device())
    return [{**case, "id": fresh, "row": {**case["row"], "id": fresh}} for case, fresh in _fresh(json.loads(text))]


def _fresh(cases):
    """Ids of their own for each test, the same for all revisions of a case; the log has that of its prediction."""
    salt = uuid.uuid4()
    return [(case, str(uuid.uuid5(salt, case["id"]))) for case in cases]


def count(db, table: str, home_id: str) -> int:
    return db.execute(f"SELECT count(*) FROM {table} WHERE home_id = %s", (home_id,)).fetchone()[0]


def test_all_that_a_hub_foresees_is_taken_as_it_is(hub, db, home_told):
    tables = {case["table"] for case in home_told}
    assert tables == {
        "failure_predictions", "ml_predictions_log", "anomaly_detections", "ai_insights", "device_usage_patterns",
    }  # fmt: skip
    assert hub.ingest(cases=home_told)["refused"] == []
    for table in (
        "failure_predictions",
        "ts.ml_predictions_log",
        "ts.anomaly_detections",
        "ai_insights",
        "device_usage_patterns",
    ):
        assert count(db, table, hub.home_id) >= 1, table
    [(model, version, log)] = db.execute(
        "SELECT p.ml_model_id::text, p.model_version, l.prediction_type FROM failure_predictions p JOIN ts.ml_predictions_log l USING (id) WHERE p.home_id = %s",
        (hub.home_id,),
    ).fetchall()
    assert (model, version, log) == (BATTERY.id, BATTERY.version, "battery_death")


def test_the_cloud_raises_no_alert_for_what_the_hub_foresees(hub, db, home_told):
    hub.ingest(cases=home_told)
    assert count(db, "ts.alerts", hub.home_id) == 0


def test_advice_that_a_person_dismissed_stays_dismissed_whatever_the_hub_says_of_it(hub, db, home_told):
    hub.ingest(cases=home_told)
    advice = next(case for case in home_told if case["table"] == "ai_insights")
    db.execute("UPDATE ai_insights SET status = 'dismissed' WHERE id = %s", (advice["id"],))
    again = {**advice, "revision": 2_000_000_000, "row": {**advice["row"], "title": "Said again", "status": "new"}}
    assert hub.ingest(cases=[again])["refused"] == []
    assert db.execute("SELECT title, status FROM ai_insights WHERE id = %s", (advice["id"],)).fetchone() == (
        "Said again",
        "dismissed",
    )


def test_a_prediction_of_a_model_that_is_none_is_refused_alone(hub, home_told):
    good = [case for case in home_told if case["table"] == "failure_predictions"]
    stray = {**good[0], "id": str(uuid.uuid4())}
    stray["row"] = {**stray["row"], "id": stray["id"], "ml_model_id": str(uuid.uuid4())}
    [refused] = hub.ingest(cases=[*good, stray])["refused"]
    assert refused["id"] == stray["id"]
    assert "ml_model_id" in refused["reason"]
