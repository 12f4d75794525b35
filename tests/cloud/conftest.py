"""A real PostgreSQL with the central schema; homes and hubs in it that call its functions as the gateway does."""

import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from cloud_schema.apply import apply, seed
from tests.cloud.servers import running_postgres
from tests.cloud.timescale.server import running_timescale

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.heavy)


@pytest.fixture(scope="session")
def server_dsn() -> Iterator[str]:
    """NEXA_TEST_DSN names a server to use instead; its user must be allowed to create databases and roles. If it has one
    database and one backend only, NEXA_TEST_SINGLE=1 says so, and what needs more is skipped by name. NEXA_TEST_TIMESCALE=1
    starts such a one: TimescaleDB as WASM.
    """
    if IS_WASM:
        with running_timescale() as made:
            yield made
        return
    if given := os.environ.get("NEXA_TEST_DSN"):
        yield given
        return
    with running_postgres() as made:
        yield made


IS_WASM = os.environ.get("NEXA_TEST_TIMESCALE") == "1"
# What touches no hypertable is not run a second time there.
collect_ignore = (
    [
        "test_catalogue.py",
        "test_changes.py",
        "test_claim.py",
        "test_command_line.py",
        "test_definition_kinds.py",
        "test_definitions.py",
        "test_notifier.py",
        "test_notifier_guards.py",
        "test_queue_parts.py",
        "test_search.py",
    ]
    + [str(path) for path in (HERE / "billing").glob("test_*.py") if path.name != "test_limits.py"]
    if IS_WASM
    else []
)
IS_SINGLE = IS_WASM or os.environ.get("NEXA_TEST_SINGLE") == "1"


@pytest.fixture
def several_backends():
    if IS_SINGLE:
        pytest.skip("needs a server with several backends")


@pytest.fixture(scope="session")
def new_database(server_dsn):
    """Makes an empty database and answers its connection string."""
    if IS_SINGLE:
        pytest.skip("needs a server on which databases can be made")
    made = []

    def make() -> str:
        name = f"nexa_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(server_dsn, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        made.append(name)
        return psycopg.conninfo.make_conninfo(server_dsn, dbname=name)

    yield make
    if "NEXA_TEST_DSN" not in os.environ:
        return
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        for name in made:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def dsn(server_dsn, request) -> str:
    made = server_dsn if IS_SINGLE else request.getfixturevalue("new_database")()
    apply(made, lambda _line: None)
    seed(made, lambda _line: None)
    return made


@pytest.fixture
def db(dsn) -> Iterator[psycopg.Connection]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


def call(connection: psycopg.Connection, role: str, claims: dict[str, Any], function: str, request: Any) -> Any:
    with connection.transaction():
        connection.execute(
            "SELECT set_config('role', %s, true), set_config('request.jwt.claims', %s, true)",
            (role, json.dumps({"role": role, **claims})),
        )
        statement = sql.SQL("SELECT public.{}(%s::jsonb)").format(sql.Identifier(function))
        return connection.execute(statement, (json.dumps(request),)).fetchone()[0]


@dataclass
class Hub:
    """A hub as the database sees it: it numbers its records and sends envelopes."""

    db: psycopg.Connection
    id: str
    home_id: str
    secret: str
    owner_id: str
    mirror_id: str
    epoch: int = 1
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def claims(self) -> dict[str, Any]:
        return {"hub_id": self.id, "home_id": self.home_id}

    def call(self, function: str, request: Any) -> Any:
        return call(self.db, "hub", self.claims, function, request)

    def envelope(self, **parts: Any) -> dict[str, Any]:
        return {"hub_id": self.id, "mirror_id": self.mirror_id, "epoch": self.epoch, **parts}

    def ingest(self, **parts: Any) -> dict[str, Any]:
        return self.call("hub_ingest_v1", self.envelope(**parts))

    def changes(self, cursor: str | None = None, **request: Any) -> dict[str, Any]:
        return self.call("hub_changes_v1", {"cursor": cursor, "wait_s": 0, **request})

    def define(
        self, entity_type: str, entity_id: str, base_version: int | None = None, *, deleted: bool = False, **fields: Any
    ):
        definition = {
            "entity_type": entity_type,
            "id": entity_id,
            "base_version": base_version,
            "fields": fields,
            "modified_at": "2026-03-01T12:00:00Z",
            "deleted": deleted,
        }
        return self.ingest(definitions=[definition])["definitions"][0]

    def add_device(self, **fields: Any) -> str:
        device_id = str(uuid.uuid4())
        answer = self.define("device", device_id, **({"device_name": "lamp", "device_type": "light"} | fields))
        assert answer["status"] == "synced", answer
        return device_id

    def add_automation(self, **fields: Any) -> str:
        automation_id = str(uuid.uuid4())
        answer = self.define(
            "automation",
            automation_id,
            **(
                {
                    "name": "hall light",
                    "automation_type": "trigger_based",
                    "triggers": [{"trigger": "sun"}],
                    "actions": [],
                }
                | fields
            ),
        )
        assert answer["status"] == "synced", answer
        return automation_id

    def add_scene(self, **fields: Any) -> str:
        scene_id = str(uuid.uuid4())
        assert (
            self.define("scene", scene_id, **({"name": "evening", "device_states": []} | fields))["status"] == "synced"
        )
        return scene_id

    def count(self, table: str) -> int:
        condition = (
            "home_id = %(home)s"
            if table not in {"device_states", "device_telemetry"}
            else "device_id IN (SELECT id FROM devices WHERE home_id = %(home)s)"
        )
        statement = sql.SQL("SELECT count(*) FROM {} WHERE " + condition).format(sql.Identifier(table))
        return self.db.execute(statement, {"home": self.home_id}).fetchone()[0]


@pytest.fixture
def new_home(db):
    def make() -> tuple[str, str]:
        owner_id, home_id = str(uuid.uuid4()), str(uuid.uuid4())
        db.execute("INSERT INTO auth.users (id, email) VALUES (%s, %s)", (owner_id, f"{owner_id}@example.com"))
        db.execute("INSERT INTO users (id, email) VALUES (%s, %s)", (owner_id, f"{owner_id}@example.com"))
        db.execute(
            "INSERT INTO homes (id, owner_id, name, timezone, coordinates) VALUES (%s, %s, 'Test home', 'Europe/Stockholm', point(59.3, 18.1))",
            (home_id, owner_id),
        )
        return home_id, owner_id

    return make


@pytest.fixture
def new_hub(db, new_home):
    def make() -> Hub:
        home_id, owner_id = new_home()
        code = call(db, "service_role", {}, "hub_issue_claim_code_v1", {"home_id": home_id})["claim_code"]
        mirror_id = str(uuid.uuid4())
        claimed = call(db, "anon", {}, "hub_claim_v1", {"claim_code": code, "hub_name": "hall", "mirror_id": mirror_id})
        return Hub(db, claimed["hub_id"], home_id, claimed["secret"], owner_id, mirror_id)

    return make


@pytest.fixture
def hub(new_hub) -> Hub:
    return new_hub()


@pytest.fixture
def call_as(db):
    """Calls a function as a role with claims, as the gateway does."""
    return lambda role, claims, function, request: call(db, role, claims, function, request)


@pytest.fixture
def read_as(db):
    """Reads as a person who is signed in: `read_as(user_id, statement, *values)`."""

    def read(user_id: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with db.transaction():
            claims = json.dumps({"role": "authenticated", "sub": user_id})
            db.execute(
                "SELECT set_config('role', 'authenticated', true), set_config('request.jwt.claims', %s, true)",
                (claims,),
            )
            return db.execute(statement, values).fetchall()

    return read
