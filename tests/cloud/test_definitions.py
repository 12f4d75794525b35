"""Definitions from the hub: versions, three-way merges, conflicts that are kept, and what is not the hub's to say."""

import uuid

import pytest


def row(db, table, entity_id, *columns):
    from psycopg import sql

    statement = sql.SQL("SELECT {} FROM {} WHERE id = %s").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(table)
    )
    return db.execute(statement, (entity_id,)).fetchone()


def sync_status(db, entity_id):
    return db.execute(
        "SELECT sync_status, local_version, remote_version FROM ecosystem_sync_status s JOIN ecosystems e ON e.id = s.ecosystem_id"
        " WHERE entity_id = %s AND e.slug = 'nexa_hub'",
        (entity_id,),
    ).fetchone()


def test_a_found_device_becomes_a_row_with_its_aliases(hub, db):
    device_id, room_id = str(uuid.uuid4()), str(uuid.uuid4())
    definitions = [
        {
            "entity_type": "device",
            "id": device_id,
            "base_version": None,
            "fields": {
                "device_name": "Ceiling",
                "device_type": "light",
                "room_id": room_id,
                "primary_protocol": "zigbee",
                "capabilities": {"entities": {}},
                "is_online": True,
            },
            "aliases": [
                {"kind": "zigbee_ieee", "value": "0x1"},
                {"kind": "zigbee_ieee", "value": "0x1"},
                {"kind": None},
            ],
        },
        {"entity_type": "room", "id": room_id, "base_version": None, "fields": {"name": "Kitchen"}},
    ]
    for _ in range(2):
        answers = hub.ingest(definitions=definitions)["definitions"]
        assert [(one["entity_type"], one["version"], one["status"]) for one in answers] == [
            ("room", 1, "synced"),
            ("device", 1, "synced"),
        ]
    assert row(db, "devices", device_id, "device_name", "primary_protocol", "is_online", "home_id")[:3] == (
        "Ceiling",
        "zigbee",
        True,
    )
    assert str(row(db, "devices", device_id, "room_id")[0]) == room_id
    assert db.execute("SELECT kind, value FROM hub_device_aliases WHERE device_id = %s", (device_id,)).fetchall() == [
        ("zigbee_ieee", "0x1")
    ]


def test_an_edit_on_the_newest_version_makes_the_next(hub, db):
    automation_id = hub.add_automation()
    answer = hub.define("automation", automation_id, 1, name="renamed")
    assert (answer["version"], answer["status"]) == (2, "synced")
    assert "fields" not in answer
    assert sync_status(db, automation_id) == ("synced", 2, 2)


def test_a_repeated_edit_whose_answer_was_lost_changes_nothing(hub):
    automation_id = hub.add_automation()
    for _ in range(3):
        answer = hub.define("automation", automation_id, 1, name="renamed", actions=[{"delay": 5}])
        assert (answer["version"], answer["status"]) == (2, "synced")


def test_different_fields_changed_on_both_sides_are_merged(hub, db):
    automation_id = hub.add_automation()
    db.execute("UPDATE automations SET name = 'by cloud' WHERE id = %s", (automation_id,))

    answer = hub.define("automation", automation_id, 1, name="hall light", actions=[{"delay": 5}])

    assert (answer["version"], answer["status"]) == (3, "synced")
    assert (answer["fields"]["name"], answer["fields"]["actions"]) == ("by cloud", [{"delay": 5}])
    assert row(db, "automations", automation_id, "name", "actions") == ("by cloud", [{"delay": 5}])


def test_the_answer_tells_what_changed_meanwhile_in_columns_that_were_not_sent(hub, db):
    automation_id = hub.add_automation()
    db.execute("UPDATE automations SET description = 'by cloud' WHERE id = %s", (automation_id,))
    answer = hub.define("automation", automation_id, 1, name="by hub")
    assert (answer["status"], answer["version"]) == ("synced", 3)
    assert (answer["fields"]["name"], answer["fields"]["description"]) == ("by hub", "by cloud")


def test_of_a_name_changed_on_both_sides_the_clouds_stays(hub, db):
    automation_id = hub.add_automation()
    db.execute("UPDATE automations SET name = 'by cloud' WHERE id = %s", (automation_id,))
    answer = hub.define("automation", automation_id, 1, name="by hub")
    assert (answer["status"], answer["version"], answer["fields"]["name"]) == ("synced", 2, "by cloud")


def test_actions_changed_on_both_sides_wait_for_a_person_and_both_are_kept(hub, db):
    automation_id = hub.add_automation()
    db.execute("""UPDATE automations SET actions = '[{"delay": 1}]' WHERE id = %s""", (automation_id,))

    answer = hub.define("automation", automation_id, 1, actions=[{"delay": 2}], name="by hub")

    assert (answer["status"], answer["disputed"], answer["version"]) == ("conflict", ["actions"], 3)
    assert row(db, "automations", automation_id, "actions", "name") == ([{"delay": 1}], "by hub")
    assert sync_status(db, automation_id) == ("conflict", 3, 1)
    kept = db.execute(
        "SELECT metadata -> 'conflict' -> 'fields' -> 'actions' FROM ecosystem_sync_status WHERE entity_id = %s",
        (automation_id,),
    ).fetchone()[0]
    assert kept == {"hub": [{"delay": 2}], "cloud": [{"delay": 1}], "base": []}


@pytest.mark.parametrize("who,delay", [("cloud", 3), ("hub", 2)])
def test_a_conflict_ends_when_someone_decides(hub, db, who, delay):
    automation_id = hub.add_automation()
    db.execute("""UPDATE automations SET actions = '[{"delay": 1}]' WHERE id = %s""", (automation_id,))
    version = hub.define("automation", automation_id, 1, actions=[{"delay": 2}])["version"]

    if who == "cloud":
        db.execute("""UPDATE automations SET actions = '[{"delay": 3}]' WHERE id = %s""", (automation_id,))
        assert sync_status(db, automation_id)[0] == "pending"
    else:
        assert hub.define("automation", automation_id, version, actions=[{"delay": 2}])["status"] == "synced"
        assert sync_status(db, automation_id)[0] == "synced"
    assert row(db, "automations", automation_id, "actions")[0] == [{"delay": delay}]
    assert db.execute(
        "SELECT metadata ? 'conflict' FROM ecosystem_sync_status WHERE entity_id = %s", (automation_id,)
    ).fetchone() == (False,)


def test_a_conflict_stays_while_other_columns_change(hub, db):
    automation_id = hub.add_automation()
    db.execute("""UPDATE automations SET actions = '[{"delay": 1}]' WHERE id = %s""", (automation_id,))
    version = hub.define("automation", automation_id, 1, actions=[{"delay": 2}])["version"]

    db.execute("UPDATE automations SET name = 'by cloud' WHERE id = %s", (automation_id,))
    assert sync_status(db, automation_id)[0] == "conflict"
    version = hub.define("automation", automation_id, version + 1, description="by hub")["version"]
    assert sync_status(db, automation_id)[0] == "conflict"
    hub.define("automation", automation_id, version, actions=[{"delay": 1}])
    assert sync_status(db, automation_id)[0] == "synced"


@pytest.mark.parametrize("resolution,expected", [("nexa_wins", [{"delay": 1}]), ("ecosystem_wins", [{"delay": 2}])])
def test_a_conflict_follows_the_resolution_that_was_set(hub, db, resolution, expected):
    automation_id = hub.add_automation()
    db.execute(
        "UPDATE ecosystem_sync_status SET conflict_resolution = %s WHERE entity_id = %s", (resolution, automation_id)
    )
    db.execute("""UPDATE automations SET actions = '[{"delay": 1}]' WHERE id = %s""", (automation_id,))
    assert hub.define("automation", automation_id, 1, actions=[{"delay": 2}])["status"] == "synced"
    assert row(db, "automations", automation_id, "actions")[0] == expected


def test_a_device_found_again_without_a_base_takes_over_what_people_set(hub, db):
    device_id = hub.add_device()
    db.execute("UPDATE devices SET device_name = 'Reading lamp' WHERE id = %s", (device_id,))
    answer = hub.define("device", device_id, None, device_name="0x00124b00", device_type="light")
    assert (answer["status"], answer["version"], answer["fields"]["device_name"]) == ("synced", 2, "Reading lamp")


def test_what_only_the_hub_describes_makes_no_version(hub, db):
    device_id = hub.add_device()
    answer = hub.define(
        "device", device_id, 1, device_name="lamp", capabilities={"entities": {"light.a": {}}}, power_source="wired"
    )
    assert answer["version"] == 1
    assert row(db, "devices", device_id, "capabilities", "power_source") == ({"entities": {"light.a": {}}}, "wired")


def test_brand_and_model_are_found_in_the_catalogue_by_name(hub, db):
    name = f"IKEA {uuid.uuid4()}"
    brand_id = db.execute(
        "INSERT INTO brands (name, slug) VALUES (%s, %s) RETURNING id", (name, name.lower())
    ).fetchone()[0]
    model_id = db.execute(
        "INSERT INTO device_models (brand_id, model_number, model_name, device_type) VALUES (%s, 'LED1545G12', 'Bulb', 'light') RETURNING id",
        (brand_id,),
    ).fetchone()[0]
    device_id = hub.add_device(brand=name.upper(), model="led1545g12")
    assert row(db, "devices", device_id, "brand_id", "device_model_id") == (brand_id, model_id)


def test_keys_that_are_no_columns_are_kept(hub):
    device_id = hub.add_device(model="X1", native={"ieee": "0x1"})
    fields = next(one["fields"] for one in hub.changes()["changes"] if one["id"] == device_id)
    assert (fields["model"], fields["native"]) == ("X1", {"ieee": "0x1"})


def test_a_bad_definition_fails_alone(hub):
    good = str(uuid.uuid4())
    answers = hub.ingest(
        definitions=[
            {
                "entity_type": "device",
                "id": str(uuid.uuid4()),
                "base_version": None,
                "fields": {"device_name": "x", "device_type": "spaceship"},
            },
            {"entity_type": "user", "id": str(uuid.uuid4()), "fields": {}},
            {"entity_type": "home", "id": str(uuid.uuid4()), "base_version": 1, "fields": {"name": "Mine"}},
            {"entity_type": "room", "id": "kitchen", "fields": {"name": "Kitchen"}},
            "nonsense",
            {"entity_type": "room", "id": good, "base_version": None, "fields": {"name": "Kitchen"}},
        ]
    )["definitions"]
    assert {one["id"]: one["status"] for one in answers}[good] == "synced"
    assert sorted(one["status"] for one in answers) == ["failed"] * 5 + ["synced"]


def test_a_definition_that_is_too_large_fails_alone(hub):
    answer = hub.define(
        "automation", str(uuid.uuid4()), name="x", automation_type="scheduled", description="x" * 300_000
    )
    assert (answer["status"], answer["version"]) == ("failed", None)
    assert hub.add_automation()


def test_a_definition_of_another_home_cannot_be_taken(hub, new_hub, db):
    stranger = new_hub()
    device_id = stranger.add_device()
    answer = hub.define("device", device_id, 1, device_name="mine now", device_type="light")
    assert (answer["status"], answer["error"]) == ("failed", "this id is taken by another home")
    assert row(db, "devices", device_id, "device_name") == ("lamp",)


def test_a_room_of_another_home_is_left_out(hub, new_hub, db):
    room_id = str(uuid.uuid4())
    new_hub().define("room", room_id, name="Vault")
    answer = hub.define("device", str(uuid.uuid4()), None, device_name="spy", device_type="other", room_id=room_id)
    assert (answer["status"], answer["fields"]["room_id"]) == ("synced", None)


def test_a_room_whose_name_is_taken_names_the_one_there_is(hub):
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    hub.define("room", first, name="Hall")
    answer = hub.define("room", second, name="Hall")
    assert (answer["status"], answer["existing"]) == ("failed", {"id": first, "version": 1})


@pytest.mark.parametrize("kind", ["device", "automation", "scene"])
def test_what_the_hub_deletes_is_gone_and_may_come_back(hub, kind):
    fields = {
        "device": {"device_name": "lamp", "device_type": "light"},
        "automation": {"name": "a", "automation_type": "scheduled"},
        "scene": {"name": "s"},
    }[kind]
    entity_id = str(uuid.uuid4())
    hub.define(kind, entity_id, **fields)
    for _ in range(2):
        answer = hub.define(kind, entity_id, 1, deleted=True)
        assert (answer["status"], answer["version"], answer["deleted"]) == ("synced", 2, True)
    answer = hub.define(kind, entity_id, 2, **fields)
    assert (answer["status"], answer.get("deleted")) == ("synced", None)
    assert answer["version"] >= 3


def test_a_deletion_of_what_has_changed_since_is_a_conflict(hub, db):
    scene_id = hub.add_scene()
    db.execute("UPDATE scenes SET name = 'by cloud' WHERE id = %s", (scene_id,))
    answer = hub.define("scene", scene_id, 1, deleted=True)
    assert (answer["status"], answer["fields"]["name"]) == ("conflict", "by cloud")


def test_an_edit_of_what_the_cloud_has_deleted_is_a_conflict(hub, db):
    scene_id = hub.add_scene()
    db.execute("DELETE FROM scenes WHERE id = %s", (scene_id,))
    answer = hub.define("scene", scene_id, 1, name="still here")
    assert (answer["status"], answer["deleted"], answer["version"]) == ("conflict", True, 2)


def test_of_old_versions_a_bounded_number_is_kept(hub, db):
    scene_id = hub.add_scene()
    for n in range(1, 30):
        hub.define("scene", scene_id, n, name=f"name {n}")
    assert db.execute(
        "SELECT min(version), max(version) FROM hub_definition_history WHERE entity_id = %s", (scene_id,)
    ).fetchone() == (11, 30)
