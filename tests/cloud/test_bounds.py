"""What a hub may make of itself is bounded, however often it comes: the oldest goes, or the answer says no. Bounds are small here."""

import uuid

import pytest


@pytest.fixture
def bounded(db):
    """Sets bounds for the test alone: all of it is one transaction, which is taken back."""
    with db.transaction(force_rollback=True):

        def bounded(**bounds: int) -> None:
            db.execute("RESET role")
            for name, value in bounds.items():
                db.execute(
                    f"CREATE OR REPLACE FUNCTION hub_sync.{name}() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT {value}'"
                )

        yield bounded


def held(db, hub, table, columns="count(*)", condition="hub_id = %s"):
    db.execute("RESET role")
    return db.execute(f"SELECT {columns} FROM {table} WHERE {condition}", (hub.id,)).fetchall()


def test_of_many_gaps_the_newest_are_kept(bounded, db, hub):
    bounded(gaps_max=5)
    for first in range(1, 100, 10):
        hub.ingest(gaps=[{"stream": "device_states", "first": first, "last": first + 3}])
    assert sorted(held(db, hub, "hub_gaps", "first_seq")) == [(51,), (61,), (71,), (81,), (91,)]


def test_of_many_mirrors_and_epochs_the_last_are_kept_and_the_one_that_speaks(bounded, db, hub):
    bounded(lives_max=3)
    of_streams = {"device_states": {"first": 1, "rows": []}, "energy_usage": {"first": 1, "rows": []}}
    for epoch in range(1, 9):
        hub.epoch = epoch
        hub.ingest(streams=of_streams, lineage=[f"life {epoch}"])
    assert sorted(held(db, hub, "hub_lines", "epoch")) == [(5,), (6,), (7,), (8,)]
    marks = held(db, hub, "hub_marks", "epoch, stream")
    assert {stream for epoch, stream in marks if epoch == 8} == {"device_states", "energy_usage"}
    assert len(marks) == 5
    hub.mirror_id = "another"
    assert hub.ingest(streams=of_streams)["marks"] == {"device_states": 0, "energy_usage": 0}
    assert len(held(db, hub, "hub_marks")) == 1


def test_a_device_has_no_more_aliases_than_it_may_however_often_it_is_told(bounded, db, hub):
    device_id = hub.add_device()
    bounded(aliases_max=4)
    for turn in range(4):
        aliases = [{"kind": "mac", "value": f"{turn}:{n}"} for n in range(3)]
        definition = {"entity_type": "device", "id": device_id, "base_version": 1, "fields": {}, "aliases": aliases}
        assert hub.ingest(definitions=[definition])["definitions"][0]["status"] == "synced"
    db.execute("RESET role")
    (count,) = db.execute("SELECT count(*) FROM hub_device_aliases WHERE device_id = %s", (device_id,)).fetchone()
    assert count == 4


def test_a_home_has_no_more_definitions_than_it_may_and_those_it_has_go_on(bounded, db, hub):
    scene_id = hub.add_scene()
    db.execute("RESET role")
    (count,) = db.execute("SELECT count(*) FROM hub_definition_versions WHERE home_id = %s", (hub.home_id,)).fetchone()
    bounded(definitions_max=count + 1)
    gone = hub.add_scene()
    assert hub.define("scene", gone, 1, deleted=True)["status"] == "synced"
    answer = hub.define("scene", str(uuid.uuid4()), name="one more", device_states=[])
    assert (answer["status"], answer["version"]) == ("failed", None)
    assert answer["error"] == f"a home has no more than {count + 1} definitions, with the deleted ones"
    assert hub.define("scene", scene_id, 1, name="dusk")["status"] == "synced"
    assert hub.define("scene", gone, 1, name="back again")["status"] == "synced"


def test_what_nobody_knows_of_a_definition_is_kept_up_to_a_size(bounded, db, hub):
    scene_id = hub.add_scene()
    bounded(extra_bytes_max=1000)
    for key in "abcdef":
        hub.define("scene", scene_id, 1, **{key: uuid.uuid4().hex * 10})
    db.execute("RESET role")
    statement = "SELECT array_agg(k ORDER BY k) FROM hub_definition_versions v, jsonb_object_keys(v.extra) k WHERE v.entity_id = %s"
    assert db.execute(statement, (scene_id,)).fetchone() == (["a", "b", "c"],)


def test_letters_about_the_present_are_bounded_too(bounded, db, hub):
    devices = [hub.add_device() for _ in range(5)]
    bounded(dead_letters_max=3)
    nobodys = {str(uuid.uuid4()): {"is_online": "perhaps"} for _ in range(20)}
    hub.ingest(present={"devices": nobodys | {key: {"is_online": "perhaps"} for key in devices} | {"x": 7}})
    assert held(db, hub, "hub_dead_letters") == [(3,)]


def test_a_page_of_changes_is_bounded_by_what_it_weighs(hub, db, several_backends):
    scenes = [hub.add_scene(description="x" * 200_000) for _ in range(3)]
    db.execute(
        "CREATE OR REPLACE FUNCTION hub_sync.changes_bytes_max() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 450000'"
    )
    try:
        pages, cursor = [], None
        while not pages or pages[-1]["more"]:
            pages.append(hub.changes(cursor))
            cursor = pages[-1]["cursor"]
    finally:
        db.execute(
            "CREATE OR REPLACE FUNCTION hub_sync.changes_bytes_max() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 4194304'"
        )
    heard = [[one["id"] for one in page["changes"] if one["id"] in scenes] for page in pages]
    assert (len(heard), heard[0] + heard[1]) == (2, scenes)
