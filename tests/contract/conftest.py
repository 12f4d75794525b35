"""Two clouds for one suite: the twin in memory, and the real SQL behind the real gateway on a real PostgreSQL."""

import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import httpx
import psycopg
import pytest

from cloud_schema.gateway import create_app
from hub_agent.adapters.cloud import HttpCloud
from hub_agent.core.sync.envelope import Sender
from hub_agent.errors import CloudRefused
from hub_agent.ports import Cloud
from tests.cloud.conftest import IS_WASM, call, dsn, new_database, server_dsn  # noqa: F401 fixtures of the real database
from tests.contract.claimed import HubOf
from tests.fakes.cloud_twin import CloudTwin

SECRET = "a secret of the test gateway, long enough"


# What needs no database is not run a second time on another one.
collect_ignore = ["test_cloud_http.py", "test_cloud_tls.py"] if IS_WASM else []
SIDES = [*([] if IS_WASM else [pytest.param("twin")]), pytest.param("sql", marks=pytest.mark.heavy)]


class Side(Protocol):
    """A cloud with one home, and what its operators and people can do and see."""

    cloud: Cloud
    home_id: str

    def issue_claim_code(self) -> str: ...
    def put(self, kind: str, definition_id: str, fields: dict[str, Any]) -> None: ...
    def remove(self, kind: str, definition_id: str) -> None: ...
    def command(self, kind: str, payload: dict[str, Any]) -> str: ...
    def decide(
        self, kind: str, definition_id: str, side: str | None = None, fields: dict[str, str] | None = None
    ) -> dict[str, Any]: ...
    def lost(self, kind: str, definition_id: str) -> list[tuple[str, str, Any]]: ...
    def command_status(self, command_id: str) -> str: ...
    def count(self, stream: str) -> int: ...
    def values(self, stream: str, column: str) -> list[Any]: ...
    def lose(self, stream: str, at: datetime) -> None: ...
    def change(self, stream: str, at: datetime, column: str, value: Any) -> None: ...
    def dead_letters(self) -> list[tuple[str, int]]: ...
    def undated(self) -> list[tuple[str, int, int]]: ...
    def gaps(self) -> list[tuple[str, int, int]]: ...
    def sync_status(self, kind: str, definition_id: str) -> str | None: ...
    def presence(self, device_id: str) -> dict[str, Any]: ...
    def does_hub_measure_health(self) -> bool: ...
    def hits(self, rule_id: str) -> int: ...
    def copies(self, scene_id: str) -> dict[str, Any]: ...
    def case_revision(self, table: str, case_id: str) -> int | None: ...


@dataclass
class TwinSide:
    cloud: CloudTwin

    @property
    def home_id(self) -> str:
        return self.cloud.home_id

    def issue_claim_code(self) -> str:
        return self.cloud.issue_claim_code()

    def put(self, kind: str, definition_id: str, fields: dict[str, Any]) -> None:
        self.cloud.put(kind, definition_id, fields)

    def remove(self, kind: str, definition_id: str) -> None:
        self.cloud.remove(kind, definition_id)

    def command(self, kind: str, payload: dict[str, Any]) -> str:
        return self.cloud.command(kind, payload)

    def decide(
        self, kind: str, definition_id: str, side: str | None = None, fields: dict[str, str] | None = None
    ) -> dict[str, Any]:
        return self.cloud.decide(kind, definition_id, side, fields)

    def lost(self, kind: str, definition_id: str) -> list[tuple[str, str, Any]]:
        return self.cloud.definitions[kind, definition_id].lost

    def command_status(self, command_id: str) -> str:
        return self.cloud.commands[command_id].status

    def count(self, stream: str) -> int:
        return len(self.cloud.stored(stream))

    def values(self, stream: str, column: str) -> list[Any]:
        return sorted(row[column] for row in self.cloud.stored(stream))

    def lose(self, stream: str, at: datetime) -> None:
        self.cloud.rows[stream] = [each for each in self.cloud.rows[stream] if _time_of(stream, each.row) != at]

    def change(self, stream: str, at: datetime, column: str, value: Any) -> None:
        for each in self.cloud.rows[stream]:
            if _time_of(stream, each.row) == at:
                each.row[column] = value.isoformat() if isinstance(value, datetime) else value

    def dead_letters(self) -> list[tuple[str, int]]:
        return [(letter["stream"], letter["seq"]) for letter in self.cloud.dead_letters]

    def undated(self) -> list[tuple[str, int, int]]:
        return self.cloud.undated

    def gaps(self) -> list[tuple[str, int, int]]:
        return [(stream, first, last) for (_, _, stream, first, last) in self.cloud.gaps]

    def sync_status(self, kind: str, definition_id: str) -> str | None:
        known = self.cloud.definitions.get((kind, definition_id))
        return None if known is None or known.is_deleted else known.sync_status

    def hits(self, rule_id: str) -> int:
        return int(self.cloud.present["network_access_rules"].get(rule_id, {}).get("hit_count", 0))

    def presence(self, device_id: str) -> dict[str, Any]:
        return self.cloud.present["devices"].get(device_id, {})

    def does_hub_measure_health(self) -> bool:
        return self.cloud.hub_present.get("measures_health") is True

    def copies(self, scene_id: str) -> dict[str, Any]:
        return {
            name: (copy["sync_status"], copy.get("external_entity_id"))
            for name, copy in self.cloud.copies.get(scene_id, {}).items()
        }

    def case_revision(self, table: str, case_id: str) -> int | None:
        case = self.cloud.cases.get((table, case_id))
        return case["revision"] if case else None


def _time_column(stream: str) -> str:
    return "created_at" if stream == "device_states" else "time"


def _time_of(stream: str, row: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(row[_time_column(stream)])


TABLES = {
    "automation": "automations",
    "scene": "scenes",
    "device": "devices",
    "room": "rooms",
    "device_group": "device_groups",
    "alert_rule": "alert_rules",
    "network_access_rule": "network_access_rules",
    "home": "homes",
}


OF_DEVICES = "device_id IN (SELECT id FROM devices WHERE home_id = %s)"
OF_HOME = {
    "audit_logs": "metadata ->> 'told_by' = 'hub' AND metadata ->> 'home_id' = %s",
    **dict.fromkeys(("automation_executions", "automation_health_checks", "scene_activations"), "home_id = %s"),
}


class SqlSide:
    def __init__(self, db: psycopg.Connection, cloud: HttpCloud) -> None:
        self.db = db
        self.cloud = cloud
        self.home_id = str(uuid.uuid4())
        owner_id = str(uuid.uuid4())
        db.execute("INSERT INTO auth.users (id, email) VALUES (%s, %s)", (owner_id, f"{owner_id}@example.com"))
        db.execute("INSERT INTO users (id, email) VALUES (%s, %s)", (owner_id, f"{owner_id}@example.com"))
        db.execute("INSERT INTO homes (id, owner_id, name) VALUES (%s, %s, 'Home')", (self.home_id, owner_id))

    def issue_claim_code(self) -> str:
        return call(self.db, "service_role", {}, "hub_issue_claim_code_v1", {"home_id": self.home_id})["claim_code"]

    def put(self, kind: str, definition_id: str, fields: dict[str, Any]) -> None:
        table, row = TABLES[kind], json.dumps({"id": definition_id, "home_id": self.home_id, **fields})
        names = ", ".join(["id", "home_id", *fields])
        sets = ", ".join(f"{name} = excluded.{name}" for name in fields)
        self.db.execute(
            f"INSERT INTO {table} ({names}) SELECT {names} FROM jsonb_populate_record(NULL::{table}, %s::jsonb) "
            f"ON CONFLICT (id) DO UPDATE SET {sets}",
            (row,),
        )

    def remove(self, kind: str, definition_id: str) -> None:
        if kind in {"automation", "device"}:
            self.db.execute(f"UPDATE {TABLES[kind]} SET deleted_at = now() WHERE id = %s", (definition_id,))
        else:
            self.db.execute(f"DELETE FROM {TABLES[kind]} WHERE id = %s", (definition_id,))

    def command(self, kind: str, payload: dict[str, Any]) -> str:
        request = {"home_id": self.home_id, "kind": kind, "payload": payload, "expires_in_s": 600}
        return call(self.db, "service_role", {}, "hub_command_v1", request)["id"]

    def decide(
        self, kind: str, definition_id: str, side: str | None = None, fields: dict[str, str] | None = None
    ) -> dict[str, Any]:
        request = {"home_id": self.home_id, "entity_type": kind, "id": definition_id}
        request |= {"for": side} if side else {}
        request |= {"fields": fields} if fields else {}
        try:
            return call(self.db, "service_role", {}, "hub_decide_conflict_v1", request)
        except psycopg.Error as err:
            raise CloudRefused(str(err), code=err.diag.message_detail or "") from err

    def lost(self, kind: str, definition_id: str) -> list[tuple[str, str, Any]]:
        kept = self._one(
            "SELECT jsonb_agg(metadata -> 'lost') FROM ecosystem_sync_status WHERE entity_id = %s AND metadata ? 'lost'",
            definition_id,
        )
        return [(each["field"], each["of"], each["value"]) for lost in kept or [] for each in lost]

    def command_status(self, command_id: str) -> str:
        return self._one("SELECT status FROM hub_commands WHERE id = %s", command_id)

    def count(self, stream: str) -> int:
        return self._one(f"SELECT count(*) FROM {stream} WHERE {OF_HOME.get(stream, OF_DEVICES)}", self.home_id)

    def values(self, stream: str, column: str) -> list[Any]:
        rows = self.db.execute(
            f"SELECT {column} FROM {stream} WHERE device_id IN (SELECT id FROM devices WHERE home_id = %s)",
            (self.home_id,),
        )
        return sorted(row[0] for row in rows)

    def lose(self, stream: str, at: datetime) -> None:
        self.db.execute(
            f"DELETE FROM ts.{stream} WHERE {_time_column(stream)} = %s AND {OF_HOME.get(stream, OF_DEVICES)}",
            (at, self.home_id),
        )

    def change(self, stream: str, at: datetime, column: str, value: Any) -> None:
        self.db.execute(
            f"UPDATE ts.{stream} SET {column} = %s WHERE {_time_column(stream)} = %s AND {OF_HOME.get(stream, OF_DEVICES)}",
            (value, at, self.home_id),
        )

    def dead_letters(self) -> list[tuple[str, int]]:
        return self.db.execute(
            "SELECT stream, seq FROM hub_dead_letters WHERE home_id = %s ORDER BY id", (self.home_id,)
        ).fetchall()

    def undated(self) -> list[tuple[str, int, int]]:
        return self.db.execute(
            "SELECT stream, first_seq, last_seq FROM hub_undated WHERE home_id = %s", (self.home_id,)
        ).fetchall()

    def gaps(self) -> list[tuple[str, int, int]]:
        return self.db.execute(
            "SELECT stream, first_seq, last_seq FROM hub_gaps WHERE home_id = %s", (self.home_id,)
        ).fetchall()

    def sync_status(self, kind: str, definition_id: str) -> str | None:
        return self._one("SELECT max(sync_status) FROM ecosystem_sync_status WHERE entity_id = %s", definition_id)

    def hits(self, rule_id: str) -> int:
        return int(self._one("SELECT hit_count FROM network_access_rules WHERE id = %s", rule_id))

    def presence(self, device_id: str) -> dict[str, Any]:
        row = self.db.execute("SELECT is_online, battery_level FROM devices WHERE id = %s", (device_id,)).fetchone()
        return {"is_online": row[0], "battery_level": row[1]}

    def does_hub_measure_health(self) -> bool:
        row = self.db.execute("SELECT ts.does_hub_measure_health(%s)", (self.home_id,)).fetchone()
        return bool(row[0])

    def copies(self, scene_id: str) -> dict[str, Any]:
        rows = self.db.execute(
            "SELECT e.slug, s.sync_status, s.external_entity_id FROM ecosystem_sync_status s JOIN ecosystems e ON e.id = s.ecosystem_id"
            " WHERE s.entity_id = %s AND e.slug <> 'nexa_hub'",
            (scene_id,),
        ).fetchall()
        return {slug: (status, external_id) for slug, status, external_id in rows}

    def case_revision(self, table: str, case_id: str) -> int | None:
        return self._one("SELECT max(revision) FROM hub_case_revisions WHERE id = %s", case_id)

    def _one(self, query: str, value: str) -> Any:
        return self.db.execute(query, (value,)).fetchone()[0]


@pytest.fixture(params=SIDES)
async def side(request: pytest.FixtureRequest) -> AsyncIterator[Side]:
    if request.param == "twin":
        yield TwinSide(CloudTwin(lambda: datetime.now(UTC)))
        return
    dsn_now = request.getfixturevalue("dsn")
    app = create_app(dsn_now, SECRET)
    async with app.router.lifespan_context(app):
        cloud = HttpCloud("http://gateway.local", transport=httpx.ASGITransport(app))
        with psycopg.connect(dsn_now, autocommit=True) as db:
            yield SqlSide(db, cloud)
        await cloud.close()


@pytest.fixture
async def hub(side) -> HubOf:
    answer = await side.cloud.claim(
        side.issue_claim_code(), {"hub_name": "hall", "mirror_id": "mirror-1", "agent_version": "0.1.0"}
    )
    return HubOf(side, Sender(answer["hub_id"], "mirror-1", 1, "0.1.0"))
