"""The life of a command: pending, delivered (and again), done; or too late."""

import psycopg
import pytest


def send(call_as, hub, kind="scene.activate", role="service_role", claims=None, **request):
    return call_as(
        role,
        claims or {},
        "hub_command_v1",
        {"home_id": hub.home_id, "kind": kind, "payload": {"scene_id": "s"}, "expires_in_s": 60, **request},
    )


def status(db, command_id):
    return db.execute("SELECT status FROM hub_commands WHERE id = %s", (command_id,)).fetchone()[0]


def test_a_command_is_delivered_and_done(hub, call_as, db):
    command = send(call_as, hub)
    assert command["status"] == "pending"

    delivered = hub.changes()["commands"]
    assert [(one["id"], one["kind"], one["payload"]) for one in delivered] == [
        (command["id"], "scene.activate", {"scene_id": "s"})
    ]
    assert status(db, command["id"]) == "delivered"

    hub.ingest(commands_done=[{"id": command["id"], "status": "done", "result": {"status": "success"}}])
    assert db.execute("SELECT status, result FROM hub_commands WHERE id = %s", (command["id"],)).fetchone() == (
        "done",
        {"status": "success"},
    )


def test_a_delivered_command_comes_again_after_a_while_until_it_is_done(hub, call_as, db):
    command = send(call_as, hub)
    assert len(hub.changes()["commands"]) == 1
    assert hub.changes()["commands"] == []

    db.execute("UPDATE hub_commands SET delivered_at = now() - interval '31 seconds' WHERE id = %s", (command["id"],))
    assert len(hub.changes()["commands"]) == 1

    hub.ingest(commands_done=[{"id": command["id"], "status": "failed", "result": {"error": "no such scene"}}])
    db.execute("UPDATE hub_commands SET delivered_at = now() - interval '31 seconds' WHERE id = %s", (command["id"],))
    assert hub.changes()["commands"] == []
    hub.ingest(commands_done=[{"id": command["id"], "status": "done"}])
    assert status(db, command["id"]) == "failed"


def test_an_expired_command_is_not_delivered(hub, call_as, db):
    command = send(call_as, hub)
    db.execute("UPDATE hub_commands SET expires_at = now() WHERE id = %s", (command["id"],))
    assert hub.changes()["commands"] == []
    assert status(db, command["id"]) == "expired"


def test_a_command_done_in_time_and_told_late_counts_as_done(hub, call_as, db):
    command = send(call_as, hub)
    hub.changes()
    db.execute("UPDATE hub_commands SET expires_at = now() WHERE id = %s", (command["id"],))
    hub.changes()
    hub.ingest(commands_done=[{"id": command["id"], "status": "done"}])
    assert status(db, command["id"]) == "done"


def test_a_hub_cannot_finish_or_see_another_homes_command(hub, new_hub, call_as, db):
    command = send(call_as, hub)
    stranger = new_hub()
    assert stranger.changes()["commands"] == []
    stranger.ingest(commands_done=[{"id": command["id"], "status": "done"}, {"id": "nonsense", "status": "done"}, 7])
    assert status(db, command["id"]) == "pending"


def test_old_commands_are_forgotten(hub, call_as, db):
    old = send(call_as, hub)
    db.execute("UPDATE hub_commands SET expires_at = now() - interval '31 days' WHERE id = %s", (old["id"],))
    new = send(call_as, hub)
    assert db.execute("SELECT id::text FROM hub_commands WHERE home_id = %s", (hub.home_id,)).fetchall() == [
        (new["id"],)
    ]


def test_who_may_control_the_home_may_send(hub, call_as, new_home, db):
    _, guest_id = new_home()
    as_guest = {"role": "authenticated", "claims": {"sub": guest_id}}
    assert send(call_as, hub, role="authenticated", claims={"sub": hub.owner_id})["id"]
    with pytest.raises(psycopg.Error, match="may not control"):
        send(call_as, hub, **as_guest)

    db.execute("INSERT INTO home_members (home_id, user_id) VALUES (%s, %s)", (hub.home_id, guest_id))
    with pytest.raises(psycopg.Error, match="may not control"):
        send(call_as, hub, **as_guest)

    db.execute(
        """UPDATE home_members SET permissions = '{"view": true, "control": true}' WHERE user_id = %s""", (guest_id,)
    )
    assert send(call_as, hub, **as_guest)["id"]
    with pytest.raises(psycopg.Error, match="may not control"):
        send(call_as, hub, kind="upgrade", **as_guest)


def test_a_kind_that_is_not_known_is_refused(hub, call_as):
    with pytest.raises(psycopg.errors.CheckViolation):
        send(call_as, hub, kind="self.destruct")


def test_too_many_waiting_commands_are_refused(hub, call_as, db):
    db.execute(
        "INSERT INTO hub_commands (home_id, kind, expires_at) SELECT %s, 'diagnose', now() + interval '1 hour' FROM generate_series(1, 1000)",
        (hub.home_id,),
    )
    with pytest.raises(psycopg.Error) as error:
        send(call_as, hub)
    assert error.value.sqlstate == "PT429"
    assert len(hub.changes()["commands"]) == 50


def test_reconciling_names_the_days_and_versions_that_differ(hub):
    device_id, scene_id = hub.add_device(), hub.add_scene()
    rows = [
        {"time": f"2026-03-0{day}T12:00:00Z", "device_id": device_id, "metric_type": "power", "value": 1}
        for day in (1, 1, 2)
    ]
    hub.ingest(streams={"device_telemetry": {"first": 1, "rows": rows}})
    answer = hub.call(
        "hub_reconcile_v1",
        {
            "epoch": 1,
            "streams": {
                "device_telemetry": {
                    "days": {"2026-03-01": {"count": 2}, "2026-03-02": {"count": 2}, "2026-03-03": {"count": 1}}
                }
            },
            "definitions": {"device": {device_id: 1}, "scene": {scene_id: 7}},
        },
    )
    days = answer["streams"]["device_telemetry"]["days"]
    assert {day: {name: told[name] for name in ("count", "differs")} for day, told in days.items()} == {
        "2026-03-01": {"count": 2, "differs": False},
        "2026-03-02": {"count": 1, "differs": True},
        "2026-03-03": {"count": 0, "differs": True},
    }
    assert {one["id"]: one["version"] for one in answer["definitions"]} == {scene_id: 1, hub.home_id: 1}
