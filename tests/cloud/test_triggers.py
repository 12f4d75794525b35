"""Triggers that every table has: the time of a change, the log of states, and rows that go with what they belong to."""

import pytest
from psycopg import sql

from tests.cloud.rows import TABLES, acting, add_device, base_of, change, insert

# An alert that ages out leaves its number behind in the notifications, which age out before it.
LEFT_BEHIND = {("user_notifications", "related_alert_id")}
REFERENCES = {
    (column["references"]["table"], table, column["name"], column["references"]["on_delete"])
    for table, entry in TABLES.items()
    if entry["hypertable"]
    for column in entry["columns"]
    if column.get("references", {}).get("on_delete") in {"cascade", "set null"}
    and (table, column["name"]) not in LEFT_BEHIND
}
PARENTS = sorted({parent for parent, *_ in REFERENCES})


def states(db, device_id):
    return db.execute(
        "SELECT changed_fields, state, changed_by, change_source FROM ts.device_states WHERE device_id = %s ORDER BY created_at, id",
        (device_id,),
    ).fetchall()


def count(db, table, column, value):
    statement = sql.SQL("SELECT count(*) FROM {} WHERE {} = %s").format(base_of(table), sql.Identifier(column))
    return db.execute(statement, (value,)).fetchone()[0]


def new_parent(db, table, home_id):
    if table == "homes":
        return home_id
    has_home = any(column["name"] == "home_id" for column in TABLES[table]["columns"])
    return insert(db, table, **({"home_id": home_id} if has_home else {}))


def test_every_table_with_a_time_of_change_keeps_it(db):
    without = db.execute(
        "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'updated_at' AND NOT a.attisdropped"
        " WHERE n.nspname IN ('public', 'ts') AND c.relkind = 'r' AND c.relname NOT LIKE 'hub\\_%' AND NOT EXISTS ("
        "   SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgfoid = 'public.update_updated_at_column'::regproc)"
    ).fetchall()
    assert without == []


@pytest.mark.parametrize("table", ["rooms", "security_incidents"])
def test_a_change_moves_the_time_of_change(db, new_home, table):
    row_id = insert(db, table, home_id=new_home()[0], updated_at="2026-01-01T00:00:00Z")
    text = "name" if table == "rooms" else "title"
    change(db, table, row_id, **{text: "another"})
    statement = sql.SQL("SELECT updated_at > '2026-01-02' FROM {} WHERE id = %s").format(base_of(table))
    assert db.execute(statement, (row_id,)).fetchone() == (True,)


def test_a_change_of_a_device_without_a_hub_is_logged_with_what_changed(db, new_home):
    home_id, owner_id = new_home()
    device_id = add_device(db, home_id, settings={"level": 1, "color": "red"})
    with acting(db, {"sub": owner_id, "role": "authenticated"}):
        change(
            db, "devices", device_id, is_online=True, connectivity_status="online", settings={"level": 2, "mode": "eco"}
        )
    [(fields, state, who, source)] = states(db, device_id)
    assert fields == ["is_online", "connectivity_status", "settings.color", "settings.level", "settings.mode"]
    assert (state["is_online"], state["connectivity_status"], state["settings"]) == (
        True,
        "online",
        {"level": 2, "mode": "eco"},
    )
    assert (str(who), source) == (owner_id, "device_update")


def test_what_is_no_state_and_what_does_not_change_is_not_logged(db, new_home):
    device_id = add_device(db, new_home()[0], is_online=True)
    change(db, "devices", device_id, device_name="Other", is_online=True, last_seen_at="2026-03-01T12:00:00Z")
    assert states(db, device_id) == []


@pytest.mark.parametrize("broken", ["[1]", '"text"', "null", None])
def test_settings_of_any_shape_are_logged(db, new_home, broken):
    device_id = add_device(db, new_home()[0], settings={"level": 1})
    db.execute("UPDATE devices SET settings = %s::jsonb WHERE id = %s", (broken, device_id))
    [(fields, *_)] = states(db, device_id)
    assert fields == (["settings.level"] if broken is None else ["settings"])


def test_a_state_that_a_hub_tells_is_not_logged_a_second_time(hub, db):
    device_id = hub.add_device()
    hub.ingest(present={"devices": {device_id: {"is_online": True, "connectivity_status": "online"}}})
    assert db.execute("SELECT is_online FROM devices WHERE id = %s", (device_id,)).fetchone() == (True,)
    assert states(db, device_id) == []


def test_the_hypertables_references_are_the_contracts(db):
    found = {
        (parent, *row)
        for (parent,) in db.execute("SELECT unnest(%s::text[])", (PARENTS,)).fetchall()
        for row in db.execute("SELECT * FROM ts.references_to(%s)", (parent,)).fetchall()
    }
    assert found == REFERENCES


def test_every_hypertable_with_a_home_device_or_user_is_emptied_with_it(db):
    """By the contract's own references; what has such a column without one is named here, with its reason."""
    kept = {("audit_logs", "user_id")}  # who did it must be known after they have gone
    for table, entry in TABLES.items():
        for column in entry["columns"] if entry["hypertable"] else []:
            if column["name"] in {"home_id", "device_id", "user_id"}:
                assert (table, column["name"]) in kept | {row[1:3] for row in REFERENCES}, (table, column["name"])


@pytest.mark.parametrize("parent", PARENTS)
def test_rows_go_or_forget_when_their_parent_is_deleted(db, new_home, parent):
    home_id, _ = new_home()
    gone, stays = new_parent(db, parent, home_id), new_parent(db, parent, new_home()[0])
    references = [row for row in REFERENCES if row[0] == parent]
    for _, table, column, _ in references:
        for parent_id in (gone, stays):
            insert(db, table, **{column: parent_id})

    db.execute(sql.SQL("DELETE FROM {} WHERE id = %s").format(sql.Identifier(parent)), (gone,))

    for _, table, column, on_delete in references:
        assert count(db, table, column, gone) == 0, (table, column, on_delete)
        assert count(db, table, column, stays) >= 1, (table, column, on_delete)


def test_a_device_that_is_deleted_is_forgotten_by_an_incident_not_taken_along(db, new_home):
    home_id, _ = new_home()
    device_id = add_device(db, home_id)
    incident = insert(db, "security_incidents", home_id=home_id, device_id=device_id)
    db.execute("DELETE FROM devices WHERE id = %s", (device_id,))
    assert db.execute("SELECT device_id FROM ts.security_incidents WHERE id = %s", (incident,)).fetchone() == (None,)


def test_a_home_takes_the_rows_of_its_devices_along_also_those_of_another_home(db, new_home):
    home_id, device_ids = new_home()[0], []
    former_home = new_home()[0]
    for _ in range(8):
        device_ids.append(add_device(db, home_id))
        insert(db, "device_telemetry", device_id=device_ids[-1])
        insert(db, "device_error_logs", device_id=device_ids[-1], home_id=former_home, error_level="critical")
        insert(db, "diagnostic_issues", device_id=device_ids[-1], severity="critical", diagnostic_run_id=insert(
            db, "diagnostic_runs", device_id=device_ids[-1], home_id=home_id))  # fmt: skip
    assert count(db, "device_health_history", "device_id", device_ids[0]) == 1

    db.execute("DELETE FROM homes WHERE id = %s", (home_id,))

    for _, table, column, on_delete in sorted(REFERENCES):
        if column in {"device_id", "source_device_id"} and on_delete == "cascade":
            statement = sql.SQL("SELECT count(*) FROM {} WHERE {} = ANY (%s::uuid[])").format(
                base_of(table), sql.Identifier(column)
            )
            assert db.execute(statement, (device_ids,)).fetchone() == (0,), table
