"""Who changed what, from where, and how it was before."""

import json
import uuid

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from psycopg.types.json import Jsonb

from tests.cloud.rows import TABLES, acting, add_device, change, insert
from tests.cloud.servers import Served

STRUCK_OUT = "***"


def audit(db, record_id, action=None):
    rows = db.execute(
        "SELECT action, table_name, old_values, new_values, changed_fields, user_id::text, host(ip_address), user_agent, metadata"
        " FROM ts.audit_logs WHERE record_id = %s ORDER BY time, id",
        (record_id,),
    )
    names = ["action", "table", "old", "new", "changed", "user", "address", "agent", "metadata"]
    found = [dict(zip(names, row, strict=True)) for row in rows]
    return [one for one in found if action in {None, one["action"]}]


def choices(db):
    return {
        name: (choice, unseen, reason)
        for name, choice, unseen, reason in db.execute("SELECT * FROM ts.audit_choices()").fetchall()
    }


@pytest.fixture
def home(new_home):
    return new_home()


def test_every_table_has_been_decided_about(db):
    """A new table fails here until ts.audit_choices() says whether people change it, or why it is left out."""
    tables = db.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public'"
        " AND c.relkind IN ('r', 'p') AND c.relname NOT LIKE 'hub\\_%'"
        " AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')"
    ).fetchall()
    decided = choices(db)
    assert {name for (name,) in tables} == set(decided)
    for name, (choice, unseen, reason) in decided.items():
        assert choice in {"audited", "always", "left out"}
        assert (reason is not None) == (choice == "left out"), name
        assert set(unseen) <= {column["name"] for column in TABLES[name]["columns"]}, name


def test_what_is_audited_has_its_trigger_and_nothing_else_has(db):
    found = db.execute(
        "SELECT t.tgrelid::regclass::text, t.tgname FROM pg_trigger t WHERE t.tgfoid = 'public.audit_trigger'::regproc"
    ).fetchall()
    audited = {name for name, (choice, *_) in choices(db).items() if choice != "left out"}
    assert {table.removeprefix("public.") for table, _ in found} == audited
    assert all(name == f"audit_{table.removeprefix('public.')}_trigger" for table, name in found)


@pytest.mark.parametrize("table", [name for name, entry in TABLES.items() if not entry["hypertable"]])
def test_each_kind_of_row_leaves_its_trace_when_it_comes_changes_and_goes(db, home, table):
    has_home = any(column["name"] == "home_id" for column in TABLES[table]["columns"])
    row_id = insert(db, table, **({"home_id": home[0]} if has_home else {}))
    if choices(db)[table][0] == "left out":
        assert audit(db, row_id) == []
        return
    column = next(
        one["name"]
        for one in TABLES[table]["columns"]
        if one["name"] in {"created_at", "redeemed_at"}  # every table has one of them, and nothing depends on it
    )
    change(db, table, row_id, **{column: "2020-02-02T00:00:00Z"})
    [changed] = audit(db, row_id, "UPDATE")
    assert changed["changed"] == [column]
    assert changed["new"] == {column: "2020-02-02T00:00:00+00:00"}
    if table == "payment_transactions":  # payments are kept as long as who paid
        db.execute("DELETE FROM users WHERE id = (SELECT user_id FROM payment_transactions WHERE id = %s)", (row_id,))
    else:
        db.execute(psycopg.sql.SQL("DELETE FROM {} WHERE id = %s").format(psycopg.sql.Identifier(table)), (row_id,))
    [gone] = audit(db, row_id, "DELETE")
    assert (gone["table"], gone["old"]["id"], gone["new"]) == (table, str(row_id), None)


def test_an_insert_says_who_did_it_and_from_where(db, home):
    home_id, owner_id = home
    claims = {"sub": owner_id, "role": "authenticated"}
    headers = {"x-forwarded-for": "203.0.113.7, 10.0.0.1", "user-agent": "Nexa/3 (iOS)"}
    with acting(db, claims, headers):
        room_id = insert(db, "rooms", home_id=home_id, name="Hall")
    [row] = audit(db, room_id)
    assert (row["action"], row["user"], row["address"], row["agent"]) == (
        "INSERT",
        owner_id,
        "203.0.113.7",
        "Nexa/3 (iOS)",
    )
    assert row["metadata"] == {"role": "authenticated", "home_id": home_id}
    assert (row["old"], row["new"]["name"]) == (None, "Hall")


def test_an_update_tells_only_what_changed_before_and_after(db, home):
    room_id = insert(db, "rooms", home_id=home[0], name="Hall", sort_order=1)
    change(db, "rooms", room_id, name="Study", sort_order=1, room_type="office")
    [row] = audit(db, room_id, "UPDATE")
    assert (row["old"], row["new"]) == ({"name": "Hall", "room_type": None}, {"name": "Study", "room_type": "office"})
    assert row["changed"] == ["name", "room_type"]


def test_an_update_that_changes_nothing_and_one_that_is_rolled_back_leave_no_trace(db, home):
    room_id = insert(db, "rooms", home_id=home[0], name="Hall")
    change(db, "rooms", room_id, name="Hall")
    with db.transaction(force_rollback=True):
        change(db, "rooms", room_id, name="Study")
    assert audit(db, room_id, "UPDATE") == []


@pytest.mark.parametrize(
    "headers,address",
    [
        ({"x-forwarded-for": "2001:db8::1"}, "2001:db8::1"),
        ({"x-forwarded-for": "'; DROP TABLE users; --"}, None),
        ({"x-forwarded-for": ""}, None),
        ({"x-forwarded-for": "999.1.1.1"}, None),
        ({}, None),
        ("{not json", None),
        ('"text"', None),
        ("[1, 2]", None),
    ],
)
def test_what_a_caller_puts_into_headers_never_costs_the_change(db, home, headers, address):
    own = db.execute("SELECT host(inet_client_addr())").fetchone()[0]
    with acting(db, {"sub": home[1]}, headers):
        room_id = insert(db, "rooms", home_id=home[0], name="Hall")
    assert [row["address"] for row in audit(db, room_id)] == [address or own]


def test_a_long_user_agent_is_cut(db, home):
    with acting(db, {}, {"user-agent": "x" * 9000}):
        room_id = insert(db, "rooms", home_id=home[0], name="Hall")
    assert len(audit(db, room_id)[0]["agent"]) == 500


def test_secrets_are_struck_out_but_their_change_is_seen(db, home):
    _, owner_id = home
    brand = insert(db, "brands", oauth_config=Jsonb({"client_secret": "hush"}))
    change(db, "brands", brand, oauth_config={"client_secret": "other"})
    created, changed = audit(db, brand)
    assert created["new"]["oauth_config"] == STRUCK_OUT
    assert (changed["old"], changed["new"]) == ({"oauth_config": STRUCK_OUT}, {"oauth_config": STRUCK_OUT})

    partner = insert(db, "oem_partners", api_key_prefix="nx_12", webhook_url="https://example.com/hook/s3cret")
    key = insert(
        db,
        "oem_api_keys",
        partner_id=partner,
        key_prefix="nx_12",
        expires_at="2026-03-01T12:00:00Z",
    )
    assert (
        audit(db, partner)[0]["new"] | {"api_key_prefix": "nx_12", "webhook_url": STRUCK_OUT}
        == audit(db, partner)[0]["new"]
    )
    assert audit(db, key)[0]["new"] | {"api_key_hash": STRUCK_OUT, "key_prefix": "nx_12"} == audit(db, key)[0]["new"]
    assert audit(db, key)[0]["new"]["expires_at"].startswith("2026-03-01")

    preferences = {
        "notify": {"urls": {"push": ["ntfy://me:pw@example.com"]}},
        "list": [{"wifi_password": "pw"}, {"api_token": 12345}],
        "home_page": "see https://me:pw@example.com/a",
        "theme": "dark",
    }
    change(db, "users", owner_id, preferences=preferences)
    told = audit(db, owner_id, "UPDATE")[-1]["new"]["preferences"]
    assert told == {
        "notify": {"urls": STRUCK_OUT},
        "list": [{"wifi_password": STRUCK_OUT}, {"api_token": STRUCK_OUT}],
        "home_page": "see https://***@example.com/a",
        "theme": "dark",
    }
    assert "pw" not in json.dumps(audit(db, owner_id))


def test_tokens_of_ecosystems_are_never_told(db):
    statement = "SELECT ts.masked_where_needed(%s)"
    row = {
        "access_token": "a",
        "refresh_token": "b",
        "token_expires_at": "2026",
        "token_expiry": "2026",
        "scope": ["x"],
    }
    told = db.execute(statement, (Jsonb(row),)).fetchone()[0]
    assert told == row | {"access_token": STRUCK_OUT, "refresh_token": STRUCK_OUT}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["a", "b", "password", "apiKey", "client_secret", "refresh_token"]), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def struck_out(document):
    if isinstance(document, list):
        return [struck_out(one) for one in document]
    if not isinstance(document, dict):
        return document
    return {
        key: value if value is None or isinstance(value, bool) else STRUCK_OUT if len(key) > 1 else struck_out(value)
        for key, value in document.items()
    }


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(document=JSON)
def test_however_deep_a_secret_lies_it_is_struck_out_and_the_rest_is_as_it_was(db, document):
    told = db.execute("SELECT ts.masked_where_needed(%s)", (Jsonb(document),)).fetchone()[0]
    assert told == struck_out(document)


def test_what_is_observed_or_counted_is_no_edit(hub, db):
    device_id, automation_id, scene_id = hub.add_device(), hub.add_automation(), hub.add_scene()
    hub.ingest(
        present={
            "devices": {device_id: {"is_online": True, "battery_level": 50, "health_score": 40}},
            "automations": {automation_id: {"total_executions": 3, "health_status": "degraded"}},
            "scenes": {scene_id: {"activation_count": 3}},
        }
    )
    assert db.execute("SELECT battery_level FROM devices WHERE id = %s", (device_id,)).fetchone() == (50,)
    for row_id in (device_id, automation_id, scene_id):
        assert [row["action"] for row in audit(db, row_id)] == ["INSERT"]
    rule = insert(db, "alert_rules", home_id=hub.home_id, conditions=Jsonb({}))
    change(db, "alert_rules", rule, alert_count=3)
    change(db, "users", hub.owner_id, last_login_at="2026-03-01T12:00:00Z")
    assert [row["action"] for row in audit(db, rule)] == ["INSERT"]
    assert audit(db, hub.owner_id, "UPDATE") == []


def test_what_a_hub_defines_is_told_with_the_hub(hub, db):
    device_id = hub.add_device(device_name="lamp")
    hub.define("device", device_id, 1, device_name="Ceiling lamp", device_type="light")
    created, changed = audit(db, device_id)
    for row in (created, changed):
        assert row["user"] is None
        assert row["metadata"] == {"role": "hub", "hub_id": hub.id, "home_id": hub.home_id}
    assert changed["new"] == {"device_name": "Ceiling lamp"}


def test_what_a_person_changes_under_their_own_rights_is_told_and_logged(db, home):
    """They may write neither the audit nor the state log: the triggers do, with their owner's rights."""
    home_id, owner_id = home
    device_id = add_device(db, home_id)
    with acting(db, {"sub": owner_id, "role": "authenticated"}, role="authenticated"):
        change(db, "devices", device_id, device_name="Desk lamp", settings={"level": 2})
    [row] = audit(db, device_id, "UPDATE")
    assert (row["user"], row["metadata"]["role"]) == (owner_id, "authenticated")
    assert row["changed"] == ["device_name", "settings"]
    logged = db.execute("SELECT changed_by::text FROM ts.device_states WHERE device_id = %s", (device_id,)).fetchall()
    assert logged == [(owner_id,)]


async def test_a_hub_that_comes_through_the_gateway_is_told_with_its_address(db, dsn, hub, several_backends):
    room_id = str(uuid.uuid4())
    room = {
        "entity_type": "room",
        "id": room_id,
        "base_version": None,
        "fields": {"name": "Hall"},
        "modified_at": "2026-03-01T12:00:00Z",
    }
    async with Served(dsn) as http:
        token = (await http.post("/rpc/hub_token_v1", json={"hub_id": hub.id, "secret": hub.secret})).json()["token"]
        headers = {"Authorization": f"Bearer {token}", "User-Agent": "nexa-hub/1.0"}
        answer = await http.post("/rpc/hub_ingest_v1", json=hub.envelope(definitions=[room]), headers=headers)
    assert answer.json()["definitions"][0]["status"] == "synced"
    [row] = audit(db, room_id)
    assert (row["address"], row["agent"], row["metadata"]["hub_id"]) == ("127.0.0.1", "nexa-hub/1.0", hub.id)


def test_a_user_that_is_deleted_keeps_the_rows_of_what_they_did(db, new_home):
    home_id, owner_id = new_home()
    with acting(db, {"sub": owner_id, "role": "authenticated"}):
        change(db, "homes", home_id, name="Villa")
    db.execute("DELETE FROM auth.users WHERE id = %s", (owner_id,))
    assert [row["user"] for row in audit(db, home_id, "UPDATE")] == [owner_id]
    assert [row["old"]["email"] for row in audit(db, owner_id, "DELETE")] == [f"{owner_id}@example.com"]
    # The home went with its owner, and says so itself.
    assert [row["old"]["name"] for row in audit(db, home_id, "DELETE")] == ["Villa"]


def test_a_home_that_is_deleted_is_one_row_not_hundreds(db, new_home):
    home_id, _ = new_home()
    room_id = insert(db, "rooms", home_id=home_id)
    device_ids = [add_device(db, home_id, room_id=room_id) for _ in range(5)]
    insert(db, "automations", home_id=home_id)
    before = db.execute("SELECT count(*) FROM ts.audit_logs WHERE metadata ->> 'home_id' = %s", (home_id,)).fetchone()[
        0
    ]
    db.execute("DELETE FROM homes WHERE id = %s", (home_id,))
    after = db.execute("SELECT count(*) FROM ts.audit_logs WHERE metadata ->> 'home_id' = %s", (home_id,)).fetchone()[0]
    assert after - before == 1
    assert len(audit(db, home_id, "DELETE")) == 1
    assert audit(db, device_ids[0], "DELETE") == []


def test_a_device_that_loses_its_room_is_told_by_the_room(db, new_home):
    home_id, _ = new_home()
    room_id = insert(db, "rooms", home_id=home_id)
    device_id = add_device(db, home_id, room_id=room_id)
    db.execute("DELETE FROM rooms WHERE id = %s", (room_id,))
    assert audit(db, device_id, "UPDATE") == []
    assert len(audit(db, room_id, "DELETE")) == 1


def test_one_that_a_person_takes_out_of_its_room_is_told(db, new_home):
    home_id, owner_id = new_home()
    device_id = add_device(db, home_id, room_id=insert(db, "rooms", home_id=home_id))
    with acting(db, {"sub": owner_id}):
        change(db, "devices", device_id, room_id=None)
    assert [row["changed"] for row in audit(db, device_id, "UPDATE")] == [["room_id"]]


def test_money_is_told_even_when_it_goes_with_its_user(db, new_home):
    _, owner_id = new_home()
    plan = insert(db, "subscription_plans")
    subscription = insert(db, "user_subscriptions", user_id=owner_id, plan_id=plan)
    change(db, "user_subscriptions", subscription, api_calls_this_period=5)
    db.execute("DELETE FROM users WHERE id = %s", (owner_id,))
    assert [row["action"] for row in audit(db, subscription)] == ["INSERT", "DELETE"]


def test_nobody_writes_the_audit_by_hand(db, new_home):
    _, owner_id = new_home()
    for role in ("anon", "authenticated", "hub"):
        with (
            pytest.raises(psycopg.errors.InsufficientPrivilege),
            acting(db, {"sub": owner_id, "role": role}, role=role),
        ):
            db.execute("INSERT INTO audit_logs (action, table_name) VALUES ('DELETE', 'homes')")
