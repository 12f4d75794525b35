"""Every kind of definition that goes to hubs: which columns make a change, what comes of a deletion, who hears of the catalogue."""

import json
import uuid
from typing import Any

import psycopg
import pytest
from psycopg import sql

HOME_KINDS = (
    "home",
    "room",
    "device",
    "scene",
    "automation",
    "device_group",
    "alert_rule",
    "network_access_rule",
    "home_member",
)
CATALOGUE_KINDS = ("ecosystem", "brand", "device_model", "self_healing_action", "ml_model")

ROWS: dict[str, dict[str, Any]] = {
    "room": {"name": "Hall"},
    "device": {"device_name": "lamp", "device_type": "light"},
    "scene": {"name": "evening"},
    "automation": {"name": "rule", "automation_type": "trigger_based"},
    "device_group": {"name": "lamps"},
    "alert_rule": {"rule_name": "cold", "rule_type": "threshold", "conditions": {}},
    "network_access_rule": {"rule_name": "no cameras", "rule_type": "deny"},
    "ecosystem": {"provider": "nobody"},
    "device_model": {"model_name": "x", "device_type": "light"},
    "self_healing_action": {"action_type": "reboot"},
    "ml_model": {"model_type": "predictive_failure", "version": "1"},
}
UNIQUE = {
    "ecosystem": ("name", "slug"),
    "brand": ("name", "slug"),
    "device_model": ("model_number",),
    "self_healing_action": ("name",),
    "ml_model": ("name",),
}
# A value of each type that no default and no row above has.
OTHER = {
    "text": "other", "text[]": ["other"], "jsonb": {"other": 1}, "integer": 7, "integer[]": [7], "numeric": 0.5, "boolean": None,
    "timestamp with time zone": "2026-03-01T12:00:00+00:00", "date": "2026-03-01", "time without time zone": "07:00:00",
    "point": "(1,2)", "inet": "10.0.0.1", "cidr": "10.0.0.0/24", "macaddr": "02:00:00:00:00:01", "macaddr[]": ["02:00:00:00:00:01"],
}  # fmt: skip
CHOSEN = {
    "notification_channels": ["email"],
    "country": "SE",
    "device_type": "plug",
    "schedule_type": "cron",
    "severity": "info",
}


def kinds(db) -> dict[str, Any]:
    with db.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        return {one["entity_type"]: one for one in cursor.execute("SELECT * FROM hub_definition_kinds").fetchall()}


def new_person(db, name: str) -> str:
    person = str(uuid.uuid4())
    db.execute("INSERT INTO auth.users (id, email) VALUES (%s, %s)", (person, f"{person}@example.com"))
    db.execute("INSERT INTO users (id, email, full_name) VALUES (%s, %s, %s)", (person, f"{person}@example.com", name))
    return person


def insert(db, table: str, row: dict[str, Any]) -> str:
    names = sql.SQL(", ").join(map(sql.Identifier, row))
    statement = sql.SQL("INSERT INTO {0} ({1}) SELECT {1} FROM jsonb_populate_record(NULL::{0}, %s) RETURNING id")
    return str(db.execute(statement.format(sql.Identifier(table), names), (json.dumps(row),)).fetchone()[0])


def make(db, hub, kind: str) -> str:
    if kind == "home":
        return hub.home_id
    table, row = kinds(db)[kind]["target_table"], dict(ROWS.get(kind, {}))
    if kind in HOME_KINDS:
        row["home_id"] = hub.home_id
    if kind == "home_member":
        row |= {"user_id": new_person(db, "Ada"), "role": "guest"}
    if kind == "device_model":
        row["brand_id"] = make(db, hub, "brand")
    row |= {name: f"x{uuid.uuid4().hex}" for name in UNIQUE.get(kind, ())}
    return insert(db, table, row)


def version(db, kind: str, entity_id: str) -> tuple[int, bool] | None:
    return db.execute(
        "SELECT version, is_deleted FROM hub_definition_versions WHERE entity_type = %s AND entity_id = %s",
        (kind, entity_id),
    ).fetchone()


def types(db, table: str) -> dict[str, tuple[str, str | None]]:
    return {
        name: (kind, label)
        for name, kind, label in db.execute(
            "SELECT a.attname, format_type(a.atttypid, NULL),"
            " (SELECT max(enumlabel) FROM pg_enum e JOIN pg_type t ON t.oid = a.atttypid WHERE e.enumtypid IN (t.oid, t.typelem))"
            " FROM pg_attribute a WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped",
            (table,),
        ).fetchall()
    }


def other_value(db, table: str, column: str, now: Any) -> Any:
    kind, label = types(db, table)[column]
    checks = db.execute(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'c'", (table,)
    ).fetchall()
    listed = next((text for (text,) in checks if f"({column} = ANY" in text), None)
    if column in CHOSEN:
        return CHOSEN[column]
    if listed:
        return next(each for each in listed.split("'")[1::2] if each != now)
    if label is not None:
        return [label] if kind.endswith("[]") else label
    return OTHER.get(kind)


def parent_of(db, table: str, column: str) -> str | None:
    row = db.execute(
        "SELECT r.confrelid::regclass::text FROM pg_constraint r JOIN pg_attribute a ON a.attrelid = r.conrelid AND a.attnum = r.conkey[1]"
        " WHERE r.conrelid = %s::regclass AND r.contype = 'f' AND a.attname = %s",
        (table, column),
    ).fetchone()
    return row[0] if row else None


def change(db, hub, table: str, entity_id: str, column: str) -> None:
    """Another value than there is, whatever the column is."""
    kind, _ = types(db, table)[column]
    now = db.execute(
        sql.SQL("SELECT to_jsonb(t) -> %s FROM {} t WHERE id = %s").format(sql.Identifier(table)), (column, entity_id)
    ).fetchone()[0]
    parent = parent_of(db, table, column)
    if parent == "users":
        value: Any = new_person(db, "somebody")
    elif parent is not None:
        value = make(db, hub, next(name for name, one in kinds(db).items() if one["target_table"] == parent))
    elif kind in {"uuid", "uuid[]"}:
        value = str(uuid.uuid4()) if kind == "uuid" else [str(uuid.uuid4())]
    elif kind == "boolean":
        value = not now
    elif column in {"name", "slug", "model_number"}:
        value = f"other {uuid.uuid4()}"
    else:
        value = other_value(db, table, column, now)
    statement = sql.SQL("UPDATE {0} t SET {1} = r.{1} FROM jsonb_populate_record(NULL::{0}, %s) r WHERE t.id = %s")
    db.execute(
        statement.format(sql.Identifier(table), sql.Identifier(column)), (json.dumps({column: value}), entity_id)
    )


@pytest.mark.parametrize("kind", [*HOME_KINDS, *CATALOGUE_KINDS])
def test_what_people_and_the_cloud_decide_makes_one_version_a_column(hub, db, kind):
    declared = kinds(db)[kind]
    entity_id = make(db, hub, kind)
    for column in [*declared["people_columns"], *declared["cloud_columns"]]:
        if column in declared["joined_columns"]:
            continue
        before = version(db, kind, entity_id)
        change(db, hub, declared["target_table"], entity_id, column)
        assert version(db, kind, entity_id) == (before[0] + 1, False), column


@pytest.mark.parametrize("kind", [*HOME_KINDS, *CATALOGUE_KINDS])
def test_what_is_observed_or_described_makes_no_version_no_change_and_wakes_nobody(
    hub, db, kind, dsn, several_backends
):
    declared = kinds(db)[kind]
    entity_id = make(db, hub, kind)
    before = (version(db, kind, entity_id), status_of(db, entity_id))
    with psycopg.connect(dsn, autocommit=True) as listener:
        listener.execute("LISTEN nexa_hub_changes")
        for column in [*declared["observed_columns"], *declared["hub_columns"]]:
            change(db, hub, declared["target_table"], entity_id, column)
            if parent_of(db, declared["target_table"], column) is None:
                assert not [
                    each for each in listener.notifies(timeout=0, stop_after=1) if each.payload == hub.home_id
                ], column
            assert (version(db, kind, entity_id), status_of(db, entity_id)) == before, column


def status_of(db, entity_id: str) -> Any:
    return db.execute(
        "SELECT sync_status, local_version, remote_version, metadata, updated_at FROM ecosystem_sync_status WHERE entity_id = %s",
        (entity_id,),
    ).fetchall()


@pytest.mark.parametrize("kind", [kind for kind in (*HOME_KINDS, *CATALOGUE_KINDS) if kind != "home"])
def test_what_is_deleted_comes_down_as_a_tombstone(hub, db, kind):
    entity_id = make(db, hub, kind)
    assert {one["id"]: one["deleted"] for one in everything(hub)}[entity_id] is False
    db.execute(
        sql.SQL("DELETE FROM {} WHERE id = %s").format(sql.Identifier(kinds(db)[kind]["target_table"])), (entity_id,)
    )
    told = {one["id"]: one for one in everything(hub)}[entity_id]
    assert (told["deleted"], told["fields"]) == (True, {})


def everything(hub) -> list[dict[str, Any]]:
    changes, cursor, more = [], None, True
    while more:
        answer = hub.changes(cursor)
        changes += answer["changes"]
        cursor, more = answer["cursor"], answer["more"]
    return changes


@pytest.mark.parametrize("kind,column", [("home_member", "is_active"), ("ecosystem", "is_active"), ("brand", "is_active"),
                                         ("device_model", "is_supported"), ("self_healing_action", "is_active"), ("ml_model", "is_active")])  # fmt: skip
def test_what_is_switched_off_is_gone_for_hubs_until_it_is_switched_on(hub, db, kind, column):
    entity_id = make(db, hub, kind)
    for value, is_gone in ((False, True), (True, False)):
        statement = sql.SQL("UPDATE {} SET {} = %s WHERE id = %s")
        db.execute(
            statement.format(sql.Identifier(kinds(db)[kind]["target_table"]), sql.Identifier(column)),
            (value, entity_id),
        )
        told = {one["id"]: one for one in everything(hub)}[entity_id]
        assert (told["deleted"], told["fields"] == {}) == (is_gone, is_gone)


def test_a_make_that_only_hubs_told_of_goes_to_no_hub(hub, db):
    name = f"Maker {uuid.uuid4().hex[:8]}"
    hub.add_device(brand=name, model="M1")
    assert db.execute("SELECT is_active FROM brands WHERE name = %s", (name,)).fetchone() == (False,)
    assert not [
        one for one in everything(hub) if one["entity_type"] in CATALOGUE_KINDS and name in one["fields"].values()
    ]


def test_a_change_of_the_catalogue_comes_with_the_next_look_and_wakes_nobody(hub, db, dsn, several_backends):
    brand_id = make(db, hub, "brand")
    cursor = hub.changes()["cursor"]
    while (answer := hub.changes(cursor))["more"] or answer["cursor"] != cursor:
        cursor = answer["cursor"]
    with psycopg.connect(dsn, autocommit=True) as listener:
        listener.execute("LISTEN nexa_hub_changes")
        db.execute("UPDATE brands SET website = 'https://example.org' WHERE id = %s", (brand_id,))
        assert list(listener.notifies(timeout=0, stop_after=1)) == []
    assert [(one["id"], one["fields"]["website"]) for one in hub.changes(cursor)["changes"]] == [
        (brand_id, "https://example.org")
    ]


def test_secrets_and_addresses_of_people_never_come_down(hub, db):
    make(db, hub, "home_member")
    db.execute("UPDATE ecosystems SET oauth_config = '{\"client_secret\": \"hush\"}' WHERE slug = 'hue'")
    text = json.dumps(everything(hub))
    assert "@example.com" not in text
    assert "hush" not in text


def test_the_members_of_a_home_come_with_their_names_and_a_new_name_is_a_change(hub, db):
    person = new_person(db, "Ada")
    member_id = insert(
        db,
        "home_members",
        {"home_id": hub.home_id, "user_id": person, "role": "guest", "permissions": {"view": True, "control": True}},
    )
    cursor = hub.changes()["cursor"]
    told = {one["id"]: one["fields"] for one in everything(hub)}[member_id]
    assert told == {
        "user_id": person,
        "role": "guest",
        "permissions": {"view": True, "control": True},
        "display_name": "Ada",
    }

    db.execute("UPDATE users SET full_name = 'Ada L.', email = 'new@example.com' WHERE id = %s", (person,))
    assert [one["fields"]["display_name"] for one in hub.changes(cursor)["changes"] if one["id"] == member_id] == [
        "Ada L."
    ]
    cursor = hub.changes(cursor)["cursor"]
    db.execute("UPDATE users SET email = 'newer@example.com', last_login_at = now() WHERE id = %s", (person,))
    assert [one for one in hub.changes(cursor)["changes"] if one["id"] == member_id] == []
    db.execute("UPDATE users SET is_active = false WHERE id = %s", (person,))
    assert [one["deleted"] for one in hub.changes(cursor)["changes"] if one["id"] == member_id] == [True]


def test_the_home_says_whose_it_is(hub, db):
    db.execute("UPDATE users SET full_name = 'Grace' WHERE id = %s", (hub.owner_id,))
    answer = hub.changes()
    assert (answer["home"]["owner_id"], answer["home"]["owner_name"]) == (hub.owner_id, "Grace")
    assert answer["changes"][0]["fields"]["owner_name"] == "Grace"


def test_the_hub_may_change_what_people_say_of_their_home_and_nothing_else_of_it(hub, new_hub, db):
    zones = {"zones": [{"name": "Work"}]}
    answer = hub.define(
        "home",
        hub.home_id,
        1,
        name="Villa",
        metadata=zones,
        owner_id=str(uuid.uuid4()),
        latitude=1,
        coordinates="(1,1)",
    )
    assert (answer["status"], answer["version"]) == ("synced", 2)
    assert db.execute("SELECT name, metadata, owner_id::text, coordinates[0] FROM homes WHERE id = %s", (hub.home_id,)).fetchone() == (
        "Villa", zones, hub.owner_id, 59.3)  # fmt: skip
    assert "latitude" not in next(one["fields"] for one in hub.changes()["changes"] if one["entity_type"] == "home")
    stranger = new_hub()
    assert hub.define("home", stranger.home_id, 1, name="mine now")["status"] == "failed"
    assert hub.define("home", hub.home_id, 2, deleted=True)["status"] == "failed"


# Groups.


def members_of(db, group_id: str) -> set[str]:
    return {
        str(one)
        for (one,) in db.execute(
            "SELECT device_id FROM device_group_members WHERE group_id = %s", (group_id,)
        ).fetchall()
    }


def test_a_group_goes_up_and_down_with_its_members(hub, db):
    lamps, group_id = sorted(hub.add_device() for _ in range(3)), str(uuid.uuid4())
    answer = hub.define("device_group", group_id, name="lamps", members=lamps[:2])
    assert (answer["status"], answer["version"]) == ("synced", 1)
    assert members_of(db, group_id) == set(lamps[:2])
    cursor = hub.changes()["cursor"]
    db.execute("INSERT INTO device_group_members (group_id, device_id) VALUES (%s, %s)", (group_id, lamps[2]))
    assert [(one["version"], one["fields"]["members"]) for one in hub.changes(cursor)["changes"]] == [(2, lamps)]
    assert hub.define("device_group", group_id, 2, members=lamps[2:])["version"] == 3
    assert members_of(db, group_id) == set(lamps[2:])


def test_devices_of_others_are_left_out_of_a_group_and_the_answer_says_so(hub, new_hub, db):
    own, foreign, group_id = hub.add_device(), new_hub().add_device(), str(uuid.uuid4())
    answer = hub.define("device_group", group_id, name="lamps", members=[foreign, own, "nonsense"])
    assert (answer["status"], answer["fields"]["members"]) == ("synced", [own])
    assert members_of(db, group_id) == {own}


def test_a_group_whose_device_is_deleted_goes_on_without_it_and_has_it_again_when_it_comes_back(hub, db):
    lamps, group_id = sorted(hub.add_device() for _ in range(2)), str(uuid.uuid4())
    hub.define("device_group", group_id, name="lamps", members=lamps)
    cursor = hub.changes()["cursor"]
    assert hub.define("device", lamps[0], 1, deleted=True)["deleted"] is True
    told = {one["id"]: one for one in hub.changes(cursor)["changes"]}
    assert told[group_id]["fields"]["members"] == lamps[1:]
    # An edit made meanwhile keeps what it changed.
    assert hub.define("device_group", group_id, 1, members=lamps, name="all lamps")["fields"]["members"] == lamps[1:]
    hub.define("device", lamps[0], 2, device_name="lamp", device_type="light")
    assert {one["id"]: one for one in hub.changes(cursor)["changes"]}[group_id]["fields"]["members"] == lamps


def test_a_room_that_the_hub_deletes_tells_it_what_stood_in_it(hub):
    room_id = str(uuid.uuid4())
    hub.define("room", room_id, name="Hall")
    device_id = hub.add_device(room_id=room_id)
    cursor = hub.changes()["cursor"]
    hub.define("room", room_id, 1, deleted=True)
    assert [(one["id"], one["fields"]["room_id"]) for one in hub.changes(cursor)["changes"]] == [(device_id, None)]


def test_a_group_whose_name_is_taken_names_the_one_there_is(hub):
    first = str(uuid.uuid4())
    hub.define("device_group", first, name="lamps", members=[])
    answer = hub.define("device_group", str(uuid.uuid4()), name="lamps", members=[])
    assert (answer["status"], answer["existing"]) == ("failed", {"id": first, "version": 1})


def test_an_alert_rule_points_at_things_of_its_home_only(hub, new_hub, db):
    own, foreign = hub.add_device(), new_hub().add_device()
    rule = {"rule_name": "cold", "rule_type": "threshold", "conditions": {"below": 5}, "target_type": "device"}
    for target, expected in ((own, own), (foreign, None)):
        rule_id = str(uuid.uuid4())
        assert hub.define("alert_rule", rule_id, **rule, target_id=target, alert_count=99)["status"] == "synced"
        assert db.execute("SELECT target_id::text FROM alert_rules WHERE id = %s", (rule_id,)).fetchone() == (expected,)


@pytest.mark.parametrize("kind", ["network_access_rule", "home_member", *CATALOGUE_KINDS])
def test_what_only_comes_down_is_not_taken_from_a_hub(hub, db, kind):
    entity_id = make(db, hub, kind)
    assert hub.define(kind, entity_id, 1, name="mine", role="owner")["status"] == "failed"
    assert hub.define(kind, entity_id, 1, deleted=True)["status"] == "failed"
    assert version(db, kind, entity_id) == (1, False)


@pytest.mark.parametrize(
    "kind,name", [("device", "device_name"), ("device_group", "name"), ("scene", "name"), ("automation", "name")]
)
def test_the_sync_status_says_whether_both_agree_and_who_changed_what(hub, db, kind, name):
    entity_id = make(db, hub, kind)
    assert status_of(db, entity_id)[0][:3] == ("pending", 1, None)
    hub.changes(hub.changes()["cursor"])
    assert status_of(db, entity_id)[0][:3] == ("synced", 1, 1)
    hub.define(kind, entity_id, 1, **{name: "by hub"})
    status = status_of(db, entity_id)[0]
    assert status[:3] == ("synced", 2, 2)
    told = status[3]["last_change"]
    assert (told["where"], told["by"], told["columns"]) == ("hub", hub.id, [name])
    change(db, hub, kinds(db)[kind]["target_table"], entity_id, name)
    status = status_of(db, entity_id)[0]
    assert status[:3] == ("pending", 3, 2)
    assert (status[3]["last_change"]["where"], status[3]["last_change"]["columns"]) == ("cloud", [name])


def test_one_transaction_makes_one_version(hub, db):
    scene_id = hub.add_scene()
    with db.transaction():
        for n in range(3):
            db.execute("UPDATE scenes SET name = %s WHERE id = %s", (f"name {n}", scene_id))
    assert version(db, "scene", scene_id) == (2, False)
    kept = db.execute(
        "SELECT version, fields ->> 'name' FROM hub_definition_history WHERE entity_id = %s ORDER BY 1", (scene_id,)
    ).fetchall()
    assert kept == [(1, "evening"), (2, "name 2")]
