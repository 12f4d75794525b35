"""The real mirror against the real SQL: what the cloud lost or changed of a home's records is back, once."""

import asyncio
import random
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from cloud_schema.gateway import create_app
from hub_agent.adapters.cloud import HttpCloud
from hub_agent.core.sync.account import Account
from hub_agent.core.sync.definitions import OwedDefinition
from hub_agent.core.sync.flow import Flow
from hub_agent.core.sync.lineage import begin_life
from hub_agent.model.effects import AppendRecord
from hub_agent.ports import Moment
from hub_agent.runtime.exchange import Exchange
from hub_agent.runtime.verifying import Verifier
from hub_agent.store.store import Mirror

NOW = datetime.now(UTC).replace(microsecond=123_457)


class Clock:
    def now(self) -> Moment:
        return Moment(NOW, asyncio.get_running_loop().time(), "boot", True)


def rows_of(lamp: str, rule: str, n: int) -> list[AppendRecord]:
    at = NOW - timedelta(hours=n * 2, microseconds=n)
    return [
        AppendRecord("device_telemetry", {"time": at, "device_id": lamp, "metric_type": "power", "value": n / 7, "unit": "W", "entity_id": "sensor.a"}),
        AppendRecord("device_telemetry", {"time": at, "device_id": lamp, "metric_type": "power", "value": -n, "unit": None}),
        AppendRecord("device_states", {"device_id": lamp, "entities": {"light.a": {"state": str(n), "attributes": {}}}, "changed_fields": ["light.a.state"], "change_source": "manual", "created_at": at}),
        AppendRecord("energy_usage", {"time": at, "device_id": lamp, "power_watts": 0.1 + n, "energy_kwh": None, "voltage": 230}),
        AppendRecord("automation_executions", {"id": str(uuid.uuid4()), "time": at, "automation_id": rule, "triggered_by": "manual", "status": "success", "started_at": at, "completed_at": at, "duration_ms": n, "error_message": "naïve\0\n" if n % 2 else None}),
        AppendRecord("device_error_logs", {"id": str(uuid.uuid4()), "time": at, "device_id": lamp, "error_level": "warning", "error_message": f"{n}"}),
        AppendRecord("network_metrics", {"time": at, "device_id": lamp, "signal_strength_dbm": -n, "ssid": "a b"}),
        AppendRecord("device_health_history", {"time": at, "device_id": lamp, "health_score": n}),
        AppendRecord("automation_health_checks", {"id": str(uuid.uuid4()), "time": at, "automation_id": rule, "health_status": "healthy", "health_score": 90, "trigger_valid": True, "conditions_valid": None}),
    ]  # fmt: skip


TABLES = ("device_telemetry", "device_states", "energy_usage", "automation_executions", "device_error_logs", "network_metrics", "device_health_history", "automation_health_checks")  # fmt: skip


@pytest.fixture
async def linked(dsn, new_home, call_as, tmp_path):
    """A mirror, an exchange and a verifier, claimed for a home."""
    home_id, _ = new_home()
    code = call_as("service_role", {}, "hub_issue_claim_code_v1", {"home_id": home_id})["claim_code"]
    app = create_app(dsn, "a secret of the test gateway, long enough")
    clock = Clock()
    async with app.router.lifespan_context(app):
        cloud = HttpCloud("http://gateway.local", transport=httpx.ASGITransport(app))
        mirror = Mirror(tmp_path / "mirror.db", inline=True)
        remembered = await mirror.open(clock.now())
        identity = remembered.identity
        answer = await cloud.claim(code, {"hub_name": "hall", "mirror_id": identity.mirror_id})
        lamp, rule = str(uuid.uuid4()), str(uuid.uuid4())
        owed = [
            OwedDefinition("device", lamp, None, {"device_name": "lamp", "device_type": "light"}),
            OwedDefinition("automation", rule, None, {"name": "r", "automation_type": "trigger_based", "triggers": [], "actions": []}),
        ]  # fmt: skip

        async def nothing(_inputs: Any) -> None:
            owed.clear()

        exchange = Exchange(
            cloud=cloud, store=mirror, clock=clock, agent_version="0.1.0",
            identity=type(identity)(answer["home_id"], answer["hub_id"], answer["secret"], identity.mirror_id, 1),
            owed=lambda _limit: list(owed), owed_count=lambda: len(owed), present=dict, submit=nothing, clock_confirmed=nothing, known_once=NOW,
            flow=Flow(),
            lineage=begin_life(None, epoch=1, incarnation="one", positions=[]), warned=lambda _warnings: None, account=Account(),
        )  # fmt: skip
        verifier = Verifier(
            cloud=cloud, store=mirror, clock=clock, exchange=exchange,
            flow=Flow(), turn=asyncio.Lock(), jitter=random.Random(1),
            is_online=lambda: True, is_busy=lambda: False, versions=dict, time_zone=lambda: UTC, submit=nothing, read_all=lambda: None,
        )  # fmt: skip
        yield mirror, exchange, verifier, lamp, rule
        await mirror.close(clock.now())
        await cloud.close()


async def test_whatever_the_cloud_lost_or_changed_is_back_once_in_every_table(linked, db):
    mirror, exchange, verifier, lamp, rule = linked
    for n in range(40):
        await mirror.commit(rows_of(lamp, rule, n), Clock().now())
    while any(each.waiting for each in await mirror.positions()):
        exchange.ask()
        await exchange.run()

    def of_home(table):
        column = "automation_id" if table.startswith("automation") else "device_id"
        one = rule if column == "automation_id" else lamp
        return sorted(
            str(row)
            for (row,) in db.execute(f"SELECT to_jsonb(t) - 'created_at' FROM ts.{table} t WHERE {column} = %s", (one,))
        )

    async def verified():
        return [each async for each in verifier.verify(8, None)][-1]["verified"]

    whole = {table: of_home(table) for table in TABLES}
    assert {table: len(rows) for table, rows in whole.items()} == dict.fromkeys(TABLES, 40) | {"device_telemetry": 80}
    clean = await verified()
    assert clean["is_agreed"]
    assert {
        each["stream"]: (each["differing_days"], each["missing"]) for each in clean["streams"] if each["records"]
    } == dict.fromkeys(TABLES, (0, 0))

    db.execute("DELETE FROM ts.device_telemetry WHERE device_id = %s AND value > 2", (lamp,))
    db.execute("UPDATE ts.device_telemetry SET value = 1e6 WHERE device_id = %s AND value BETWEEN 1 AND 1.5", (lamp,))
    db.execute(
        "DELETE FROM ts.device_states WHERE device_id = %s AND created_at > %s", (lamp, NOW - timedelta(hours=30))
    )
    db.execute("UPDATE ts.energy_usage SET power_watts = 0 WHERE device_id = %s AND power_watts < 5", (lamp,))
    db.execute(
        "UPDATE ts.automation_executions SET status = 'failed' WHERE automation_id = %s AND duration_ms < 9", (rule,)
    )
    db.execute("DELETE FROM ts.network_metrics WHERE device_id = %s", (lamp,))
    db.execute(
        "UPDATE ts.device_health_history SET health_score = 7 WHERE device_id = %s AND health_score = 30", (lamp,)
    )
    report = await verified()
    assert report["is_agreed"], report
    assert {table: of_home(table) for table in TABLES} == whole
    assert (
        sum(each["repaired"] for each in report["streams"]) == sum(each["missing"] for each in report["streams"]) > 80
    )
    assert "The cloud has them all." in (await verified())["text"]
