"""Two homes with a row in every table, and the people who come near them. Made from the catalogue and the contract."""

import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

import cloud_schema
from tests.cloud.access import expected

HERE = Path(__file__).parent
CONTRACT = json.loads((Path(cloud_schema.__file__).parent / "contract" / "contract.json").read_text())
SIDES = ("own", "foreign")

# Memberships of the own home: role, permissions, is_active.
MEMBERS: dict[str, tuple[str, dict[str, Any], bool]] = {
    "home_admin": ("admin", {}, True),
    "viewer": ("member", {"view": True, "control": False, "configure": False}, True),
    "blind": ("member", {"view": False}, True),
    "controller": ("member", {"view": True, "control": True}, True),
    "configurer": ("member", {"view": True, "configure": True}, True),
    "guest": ("guest", {"view": True}, True),
    "inactive": ("admin", {"view": True, "control": True, "configure": True}, False),
    "switched_off": ("admin", {"view": True, "control": True, "configure": True}, True),
    "installer": ("member", {"configure": True}, True),
    "roommate": ("member", {"view": True}, True),
}
USER_ROLES = {"installer": "installer", "support": "support", "admin": "admin", "partner": "oem_partner"}
PEOPLE = ["owner", "stranger", *MEMBERS, "support", "admin", "partner", "newcomer"]
# Who tries: roommate and newcomer are only there to be tried on.
PERSONAS = [
    "anon",
    "unnamed",
    *(person for person in PEOPLE if person not in {"roommate", "newcomer"}),
    "hub",
    "service_role",
]
CLIENTS = [persona for persona in PERSONAS if persona != "service_role"]

# Which table's row an id without a foreign key belongs to.
LINKS = {
    "home_id": "homes",
    "device_id": "devices",
    "source_device_id": "devices",
    "automation_id": "automations",
    "scene_id": "scenes",
    "action_id": "self_healing_actions",
    "ml_model_id": "ml_models",
    "partner_id": "oem_partners",
    "hub_id": "hub_hubs",
}
# What a valid row needs beyond what its types say.
VALUES: dict[str, dict[str, Any]] = {
    "hub_hubs": {"retired_at": "now"},
    "hub_commands": {"kind": "backup"},
    "hub_catalogue_reports": {"table_name": "brands"},
    "hub_gaps": {"first_seq": 1, "last_seq": 2, "count": 2},
    "hub_undated": {"first_seq": 1, "last_seq": 2},
    "hub_definition_history": {"entity_type": "room"},
    "hub_definition_versions": {"entity_type": "room"},
    "security_scans": {"status": "pending"},
    "user_notifications": {"status": "sent"},
    "users": {"role": "homeowner"},
    "user_integrations": {"access_token": "sealed:v1:00000000:" + "a" * 40},
    "b2b_revenue": {"nexa_share": 0},
    "oem_api_keys": {"api_key_hash": lambda: uuid.uuid4().hex * 2},
    "user_subscriptions": {"current_period_end": "tomorrow"},
    "invoices": {"status": "draft"},
}
# What makes a catalogue's row one that is no longer in use.
OUT_OF_USE = {"device_models": {"is_supported": False}}
CATALOGUE = [
    "brands",
    "device_models",
    "ecosystems",
    "ml_models",
    "self_healing_actions",
    "notification_templates",
    "subscription_plans",
    "coupons",
]
KEYS = ["id", "device_id", "home_id", "hub_id", "user_id", "entity_id", "subscription_id"]


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    is_required: bool
    references: str | None
    allowed: tuple[str, ...]


@dataclass
class World:
    db: psycopg.Connection
    ids: dict[str, str]
    rows: dict[tuple[str, str], dict[str, Any]]
    columns: dict[str, list[Column]]

    def claims_of(self, persona: str) -> tuple[str, str]:
        """The database role and the claims with which a persona comes."""
        if persona == "service_role":
            return "service_role", json.dumps({"role": "service_role"})
        if persona == "anon":
            return "anon", json.dumps({"role": "anon"})
        if persona == "hub":
            hub = self.rows["hub_hubs", "own"]["id"]
            return "hub", json.dumps({"role": "hub", "hub_id": str(hub), "home_id": self.ids["home own"]})
        return "authenticated", json.dumps({"role": "authenticated"} | {"sub": self.ids.get(persona)})

    def attempts(self, persona: str, statements: list[sql.Composable]) -> list[str]:
        role, claims = self.claims_of(persona)
        texts = [statement.as_string(self.db) for statement in statements]
        row = self.db.execute("SELECT pg_temp.attempts(%s, %s, %s)", (role, claims, texts)).fetchone()
        return row[0]

    def attempt(self, persona: str, statement: str, *values: Any) -> str:
        """One statement, with literals for its placeholders."""
        text = sql.SQL(statement).format(*(sql.Literal(value) for value in values))
        return self.attempts(persona, [text])[0]

    def key(self, relation: str, side: str) -> sql.Composable:
        """The condition that finds the side's row."""
        names = {column.name for column in self.columns[relation]}
        row = self.rows.get((relation, side), {})
        if relation == "hub_support_homes":
            row = {"id": self.ids[f"home {side}"]}
        for name in (name for name in KEYS if name in names):
            value = row.get(name) or self._link(name, side)
            if value is not None:
                return sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(value))
        return sql.SQL("true")

    def fresh(self, relation: str, side: str) -> dict[str, Any]:
        """A row that could be added beside the one that is there."""
        row = self._row(relation, side)
        if relation == "users":
            row["id"] = str(uuid.uuid4())
        if relation == "home_members":
            row["user_id"] = self.ids["newcomer"]
        if relation == "device_group_members":
            row["device_id"] = self.ids[f"spare device {side}"]
        if relation == "user_notification_preferences":
            row["home_id"] = self.ids[f"home {side}"]
        return row

    def add(self, relation: str, side: str, **values: Any) -> dict[str, Any]:
        row = self._row(relation, side) | values
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING *").format(
            sql.Identifier("public", relation),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(sql.Literal(value) for value in row.values()),
        )
        cursor = self.db.execute(statement)
        names = [column.name for column in cursor.description]
        return dict(zip(names, cursor.fetchone(), strict=True))

    def _link(self, column: str, side: str) -> Any:
        if column in {"user_id", "owner_id"}:
            return self.ids["owner" if side == "own" else "stranger"]
        table = LINKS.get(column)
        return self.rows.get((table, side), {}).get("id") if table else None

    def _row(self, relation: str, side: str) -> dict[str, Any]:
        row: dict[str, Any] = {}
        for column in self.columns[relation]:
            linked = self._link(column.name, side)
            if column.name in VALUES.get(relation, {}):
                value = VALUES[relation][column.name]
                row[column.name] = value() if callable(value) else value
            elif linked is not None and relation != "user_notification_preferences":
                row[column.name] = linked
            elif column.is_required and column.references and (column.references, side) in self.rows:
                row[column.name] = self.rows[column.references, side]["id"]
            elif linked is not None and column.name == "user_id":
                row[column.name] = linked
            elif column.is_required:
                row[column.name] = _some(column)
        return row


def _some(column: Column) -> Any:
    """Any valid value of the column's type."""
    if column.allowed:
        return column.allowed[0]
    if column.type.startswith("timestamp") or column.type == "date":
        return "now"
    if column.type in {"integer", "bigint", "double precision", "smallint"} or column.type.startswith("numeric"):
        return 1
    return {
        "uuid": lambda: str(uuid.uuid4()),
        "jsonb": lambda: Jsonb({}),
        "boolean": lambda: True,
        "bytea": lambda: uuid.uuid4().bytes,
        "text[]": lambda: ["a"],
        "xid8": lambda: "1",
    }.get(column.type, lambda: f"{column.name} {uuid.uuid4()}")()


def _read_columns(db: psycopg.Connection) -> dict[str, list[Column]]:
    allowed = {
        (table, column["name"]): tuple(column.get("allowed_values", ()))
        for table, entry in CONTRACT["tables"].items()
        for column in entry["columns"]
    }
    columns: dict[str, list[Column]] = {}
    for table, name, kind, is_required, references, labels in db.execute((HERE / "columns.sql").read_text()):
        values = allowed.get((table, name)) or tuple(labels or ())
        columns.setdefault(table, []).append(Column(name, kind, is_required, references, values))
    return columns


def build(db: psycopg.Connection) -> World:
    """All of it, in the transaction that the connection is in."""
    db.execute((HERE / "attempt.sql").read_text())
    # The rows' own rules are other tests' business, and some forbid what is tried here.
    db.execute("SET LOCAL session_replication_role = replica")
    world = World(db, {person: str(uuid.uuid4()) for person in PEOPLE}, {}, _read_columns(db))
    for person, person_id in world.ids.items():
        address = f"{person_id}@example.com"
        db.execute("INSERT INTO auth.users (id, email) VALUES (%s, %s)", (person_id, address))
        db.execute(
            "INSERT INTO users (id, email, role, is_active) VALUES (%s, %s, %s, %s)",
            (person_id, address, USER_ROLES.get(person, "homeowner"), person != "switched_off"),
        )
    for side in SIDES:
        for table in _parents_first(db):
            world.rows[table, side] = _first_row(world, table, side)
            if table == "homes":
                world.ids[f"home {side}"] = str(world.rows[table, side]["id"])
        world.ids[f"spare device {side}"] = str(world.add("devices", side)["id"])
    for person, (role, permissions, is_active) in MEMBERS.items():
        row = world.add(
            "home_members",
            "own",
            user_id=world.ids[person],
            role=role,
            permissions=Jsonb(permissions),
            is_active=is_active,
        )
        if person == "roommate":
            world.rows["home_members", "own"] = row
    db.execute("SET LOCAL session_replication_role = origin")
    db.execute("SELECT refresh_materialized_views()")
    return world


def _first_row(world: World, table: str, side: str) -> dict[str, Any]:
    if table == "users":
        return {"id": world.ids["owner" if side == "own" else "stranger"]}
    if not {column.name for column in world.columns[table]} & set(KEYS) and _has_rows(world, table):
        return {}  # the schema's own settings
    more: dict[str, Any] = {}
    if table == "home_members":
        more = {"user_id": world.ids["newcomer"]} if side == "foreign" else {"user_id": world.ids["owner"]}
    if table == "oem_partners":
        more = {"metadata": Jsonb({"user_ids": [world.ids["partner"] if side == "own" else str(uuid.uuid4())]})}
    if table in CATALOGUE and side == "foreign":
        more = OUT_OF_USE.get(table, {"is_active": False})
    return world.add(table, side, **more)


def _has_rows(world: World, table: str) -> bool:
    statement = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier("public", table))
    return world.db.execute(statement).fetchone()[0]


def _parents_first(db: psycopg.Connection) -> list[str]:
    """The tables that take rows, each after those its columns point to."""
    known, _closed = expected.read()
    found = db.execute((HERE / "parents.sql").read_text())
    parents = {name: set(above) for name, above in found if name in known}
    ordered: list[str] = []
    while parents:
        ready = sorted(name for name, above in parents.items() if above <= set(ordered))
        assert ready, parents
        ordered += ready
        parents = {name: above for name, above in parents.items() if name not in ready}
    return ordered
