"""A hub that has claimed its home, and speaks to whatever cloud it is given."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hub_agent.core.sync.definitions import OwedDefinition
from hub_agent.core.sync.envelope import ClockReading, Envelope, Sender
from hub_agent.ports import RecordBatch

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class HubOf:
    side: Any
    sender: Sender
    boots: int = 0

    async def ingest(self, **parts: Any) -> Any:
        self.boots += 1
        clock = ClockReading(True, "boot", self.boots * 1000, NOON)
        return await self.side.cloud.ingest(Envelope(self.sender, clock, **parts).encode())

    async def define(
        self, kind: str, definition_id: str, base_version: int | None = None, *, is_deleted: bool = False, **fields: Any
    ):
        owed = OwedDefinition(kind, definition_id, base_version, fields, (), NOON, is_deleted)
        return (await self.ingest(definitions=(owed,)))["definitions"][0]

    async def add_device(self) -> str:
        device_id = str(uuid.uuid4())
        assert (await self.define("device", device_id, device_name="lamp", device_type="light"))["status"] == "synced"
        return device_id

    async def add_rule(self, **fields: Any) -> str:
        rule_id = str(uuid.uuid4())
        whole = {
            "name": "rule",
            "automation_type": "trigger_based",
            "triggers": [],
            "actions": [],
            "description": "old",
        }
        assert (await self.define("automation", rule_id, **(whole | fields)))["status"] == "synced"
        return rule_id

    async def all_changes(self) -> Any:
        return await self.side.cloud.changes(None, 0)


def reading(device_id: str, n: int, value: Any = 1.0) -> dict[str, Any]:
    return {
        "time": NOON + timedelta(seconds=n),
        "device_id": device_id,
        "metric_type": "temperature",
        "value": value,
        "unit": "celsius",
    }


def readings(device_id: str, first: int, count: int) -> RecordBatch:
    return RecordBatch("device_telemetry", first, [reading(device_id, n) for n in range(first, first + count)])
