"""The downlink: everything once, nothing lost behind a transaction in flight, no echo."""

import uuid

import psycopg
import pytest


def by_id(answer):
    return {one["id"]: one for one in answer["changes"]}


# Of no home: what the seed brings. Comes behind the home's own.
CATALOGUE = {"ecosystem", "brand", "device_model", "self_healing_action", "ml_model"}


def test_without_a_cursor_everything_comes_in_an_order_that_can_be_applied(hub):
    room_id = str(uuid.uuid4())
    hub.define("room", room_id, name="Hall")
    device_id, scene_id, automation_id = hub.add_device(room_id=room_id), hub.add_scene(), hub.add_automation()

    answer = hub.changes()

    assert [one["id"] for one in answer["changes"]][:5] == [hub.home_id, room_id, device_id, scene_id, automation_id]
    assert {one["entity_type"] for one in answer["changes"][5:]} <= CATALOGUE
    assert answer["more"] is False
    home = answer["changes"][0]
    assert home["entity_type"] == "home"
    assert home["fields"]["coordinates"] == {"latitude": 59.3, "longitude": 18.1}
    assert answer["home"]["timezone"] == "Europe/Stockholm"
    assert by_id(answer)[device_id]["fields"]["room_id"] == room_id
    assert by_id(answer)[device_id]["version"] == 1
    assert "is_online" not in by_id(answer)[device_id]["fields"]


def test_aliases_come_down_to_a_hub_that_starts_anew(hub):
    device_id = str(uuid.uuid4())
    definition = {
        "entity_type": "device",
        "id": device_id,
        "fields": {"device_name": "a", "device_type": "light"},
        "aliases": [{"kind": "mac", "value": "aa"}],
    }
    hub.ingest(definitions=[definition])
    assert by_id(hub.changes())[device_id]["aliases"] == [{"kind": "mac", "value": "aa"}]


def test_after_a_cursor_only_what_changed_comes(hub, db):
    scene_id = hub.add_scene()
    cursor = hub.changes()["cursor"]
    assert hub.changes(cursor)["changes"] == []

    db.execute("UPDATE scenes SET name = 'late' WHERE id = %s", (scene_id,))

    answer = hub.changes(cursor)
    assert [(one["id"], one["version"], one["fields"]["name"]) for one in answer["changes"]] == [(scene_id, 2, "late")]
    assert hub.changes(answer["cursor"])["changes"] == []


def test_a_hub_does_not_hear_its_own_edit_and_its_successor_does(hub):
    scene_id = hub.add_scene()
    cursor = hub.changes()["cursor"]
    hub.define("scene", scene_id, 1, name="mine")
    answer = hub.changes(cursor)
    assert answer["changes"] == []
    assert answer["cursor"] != cursor

    hub.mirror_id = "a new disk"
    hub.ingest()
    assert by_id(hub.changes(cursor))[scene_id]["fields"]["name"] == "mine"


def test_a_merge_is_heard_by_the_hub_that_made_it(hub, db):
    scene_id = hub.add_scene()
    cursor = hub.changes()["cursor"]
    db.execute("UPDATE scenes SET name = 'by cloud' WHERE id = %s", (scene_id,))
    hub.define("scene", scene_id, 1, name="evening", icon="moon")
    assert by_id(hub.changes(cursor))[scene_id]["fields"]["name"] == "by cloud"


def test_what_is_observed_is_no_change(hub):
    device_id, automation_id, scene_id = hub.add_device(), hub.add_automation(), hub.add_scene()
    cursor = hub.changes()["cursor"]
    hub.ingest(
        present={
            "devices": {device_id: {"is_online": True, "battery_level": 3}},
            "automations": {automation_id: {"total_executions": 7}},
            "scenes": {scene_id: {"activation_count": 7}},
        }
    )
    answer = hub.changes(cursor)
    assert (answer["changes"], answer["cursor"]) == ([], cursor)


def test_a_change_still_in_flight_is_not_overtaken(hub, db, dsn, several_backends):
    slow, quick = hub.add_scene(name="slow"), hub.add_scene(name="quick")
    cursor = hub.changes()["cursor"]
    with psycopg.connect(dsn) as other:
        other.execute("UPDATE scenes SET name = 'slow, changed' WHERE id = %s", (slow,))
        db.execute("UPDATE scenes SET name = 'quick, changed' WHERE id = %s", (quick,))

        answer = hub.changes(cursor)
        assert answer["changes"] == []
        assert answer["cursor"] == cursor
        other.commit()

    assert by_id(hub.changes(cursor)).keys() == {slow, quick}


def test_a_hub_that_polls_while_others_write_misses_nothing(hub, dsn, several_backends):
    scenes = [hub.add_scene(name=f"scene {n}") for n in range(8)]
    cursor = hub.changes()["cursor"]
    heard: dict[str, str] = {}

    def poll():
        nonlocal cursor
        answer = hub.changes(cursor)
        cursor = answer["cursor"]
        heard.update({one["id"]: one["fields"]["name"] for one in answer["changes"]})

    connections = [psycopg.connect(dsn) for _ in range(4)]
    # Transactions overlap and end in another order than they began; the hub polls at every step.
    for turn, scene_id in enumerate(scenes):
        writer = connections[(turn * 3) % 4]
        writer.execute("UPDATE scenes SET name = %s WHERE id = %s", (f"changed {turn}", scene_id))
        poll()
        connections[(turn * 3 + 2) % 4].commit()
        poll()
    for writer in connections:
        writer.commit()
        writer.close()
    poll()
    assert heard == {scene_id: f"changed {turn}" for turn, scene_id in enumerate(scenes)}


@pytest.mark.parametrize(
    "kind,table", [("scene", "scenes"), ("room", "rooms"), ("device", "devices"), ("automation", "automations")]
)
def test_a_deletion_leaves_a_tombstone(hub, db, kind, table):
    entity_id = str(uuid.uuid4())
    fields = {"device_name": "x", "device_type": "light", "automation_type": "scheduled", "name": "x"}
    hub.define(kind, entity_id, **fields)
    cursor = hub.changes()["cursor"]
    db.execute(psycopg.sql.SQL("DELETE FROM {} WHERE id = %s").format(psycopg.sql.Identifier(table)), (entity_id,))
    change = by_id(hub.changes(cursor))[entity_id]
    assert (change["deleted"], change["version"], change["fields"]) == (True, 2, {})


def test_a_soft_deletion_is_a_deletion(hub, db):
    automation_id = hub.add_automation()
    cursor = hub.changes()["cursor"]
    db.execute("UPDATE automations SET deleted_at = now() WHERE id = %s", (automation_id,))
    assert by_id(hub.changes(cursor))[automation_id]["deleted"] is True


def test_pages_together_are_the_whole_of_ones_own_definitions_too(hub):
    scenes = {hub.add_scene(name=f"scene {n}") for n in range(7)}
    hub.ingest(
        definitions=[
            {"entity_type": "room", "id": str(uuid.uuid4()), "fields": {"name": f"room {n}"}} for n in range(5)
        ]
    )
    seen, cursor, more = [], None, True
    while more:
        answer = hub.changes(cursor, limits={"changes_max": 3})
        assert len(answer["changes"]) <= 3
        seen += [(one["entity_type"] in CATALOGUE, one["id"]) for one in answer["changes"]]
        cursor, more = answer["cursor"], answer["more"]
    own = [entity_id for is_of_catalogue, entity_id in seen if not is_of_catalogue]
    assert len(seen) == len(set(seen)) > len(own) == 13
    assert scenes < set(own)
    assert [is_of_catalogue for is_of_catalogue, _ in seen] == sorted(is_of_catalogue for is_of_catalogue, _ in seen)
    hub.add_scene(name="mine")
    assert hub.changes(cursor)["changes"] == []


def test_an_edit_in_the_cloud_is_pending_until_the_hub_has_taken_it_over(hub, db):
    automation_id = hub.add_automation()
    cursor = hub.changes()["cursor"]
    status = "SELECT sync_status, local_version, remote_version FROM ecosystem_sync_status WHERE entity_id = %s"

    db.execute("UPDATE automations SET is_enabled = false WHERE id = %s", (automation_id,))
    assert db.execute(status, (automation_id,)).fetchone() == ("pending", 2, 1)
    cursor = hub.changes(cursor)["cursor"]
    assert db.execute(status, (automation_id,)).fetchone() == ("pending", 2, 1)
    hub.changes(cursor)
    assert db.execute(status, (automation_id,)).fetchone() == ("synced", 2, 2)


def test_a_change_says_which_person_made_it_and_so_does_the_answer_to_what_came_too_late(hub, db, read_as):
    scene_id = hub.add_scene()
    cursor = hub.changes()["cursor"]
    db.execute("UPDATE users SET full_name = 'Ada Lovelace' WHERE id = %s", (hub.owner_id,))
    read_as(hub.owner_id, "UPDATE scenes SET name = 'dusk' WHERE id = %s RETURNING id", scene_id)
    change = by_id(hub.changes(cursor))[scene_id]
    assert (change["fields"]["name"], change["modified_by"]) == ("dusk", "Ada Lovelace")
    answer = hub.define("scene", scene_id, 1, name="night")
    assert (answer["fields"]["name"], answer["modified_by"]) == ("dusk", "Ada Lovelace")
    # The operator has no name, and the hub is no person.
    db.execute("UPDATE scenes SET name = 'noon' WHERE id = %s", (scene_id,))
    assert by_id(hub.changes(cursor))[scene_id]["modified_by"] is None


def test_every_automation_and_scene_has_a_sync_row_whoever_made_it(hub, db):
    by_hub = {hub.add_automation(), hub.add_scene()}
    by_cloud = {
        str(
            db.execute(
                "INSERT INTO scenes (home_id, name) VALUES (%s, 'cloud') RETURNING id", (hub.home_id,)
            ).fetchone()[0]
        )
    }
    rows = db.execute(
        "SELECT entity_id::text, sync_status FROM ecosystem_sync_status WHERE home_id = %s", (hub.home_id,)
    ).fetchall()
    assert dict(rows) == dict.fromkeys(by_hub, "synced") | dict.fromkeys(by_cloud, "pending")


def test_a_home_hears_nothing_of_another(hub, new_hub):
    cursor = hub.changes()["cursor"]
    other = new_hub()
    other.add_scene()
    assert hub.changes(cursor)["changes"] == []


@pytest.mark.parametrize("cursor", ["x", "1.2", "1.2.3", "-1.0.00000000-0000-0000-0000-000000000000", ""])
def test_a_malformed_cursor_is_refused(hub, cursor):
    with pytest.raises(psycopg.Error) as error:
        hub.changes(cursor)
    assert (error.value.sqlstate, error.value.diag.message_detail) == ("PT400", "cursor_malformed")


def test_a_cursor_from_before_the_database_was_restored_reads_everything_again(hub):
    scene_id = hub.add_scene()
    answer = hub.changes("9000000000000000000.9.00000000-0000-0000-0000-000000000000")
    assert scene_id in by_id(answer)
    assert not answer["cursor"].startswith("9000000000000000000")
