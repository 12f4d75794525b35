"""What could not be stored: named with a reason, kept once, tried again when somebody has put right what was in the way."""

import json
import uuid
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.cloud.test_command_line import nexa_cloud

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def reading(device_id, n, **more):
    at = (NOON + timedelta(seconds=n)).isoformat()
    return {"time": at, "device_id": device_id, "metric_type": "temperature", "value": n, "unit": "celsius", **more}


def letters_of(hub):
    return hub.db.execute(
        "SELECT stream, seq, reason, times FROM hub_dead_letters WHERE hub_id = %s ORDER BY id", (hub.id,)
    ).fetchall()


def replay(call_as, hub, **request):
    return call_as("service_role", {}, "hub_replay_dead_letters_v1", {"hub_id": hub.id, **request})


@pytest.fixture
def late_device(hub):
    """Its records came before it did: two of four were refused."""
    known, late = hub.add_device(), str(uuid.uuid4())
    rows = [reading(known, 1), reading(late, 2), reading(known, 3), reading(late, 4)]
    assert len(hub.ingest(streams={"device_telemetry": {"first": 1, "rows": rows}})["refused"]) == 2
    return late


def test_what_was_refused_goes_in_once_what_was_missing_is_there(hub, call_as, late_device):
    assert replay(call_as, hub)["stored"] == 0
    hub.define("device", late_device, device_name="late", device_type="light")

    looked = replay(call_as, hub, dry_run=True)
    assert ([one["is_stored"] for one in looked["letters"]], hub.count("device_telemetry")) == ([True, True], 2)
    assert len(letters_of(hub)) == 2

    answer = replay(call_as, hub)
    assert (answer["tried"], answer["stored"], answer["more"]) == (2, 2, False)
    assert (hub.count("device_telemetry"), letters_of(hub)) == (4, [])
    assert replay(call_as, hub) == {"tried": 0, "stored": 0, "letters": [], "more": False}


def test_a_replay_counts_as_the_hubs_own_words_and_the_cloud_adds_nothing_of_its_own(hub, call_as, db):
    automation_id = str(uuid.uuid4())
    runs = [
        {"time": at, "automation_id": automation_id, "status": "failed", "started_at": at}
        for at in (f"2026-03-01T12:00:0{n}Z" for n in range(6))
    ]
    assert len(hub.ingest(streams={"automation_executions": {"first": 1, "rows": runs}})["refused"]) == 6
    fields = {"name": "late", "automation_type": "trigger_based", "triggers": [], "actions": []}
    hub.define("automation", automation_id, **fields)
    assert replay(call_as, hub)["stored"] == 6
    # Where a hub is, it counts its runs itself, and says what they mean.
    counted = "SELECT coalesce(total_executions, 0), coalesce(failure_count, 0) FROM automations WHERE id = %s"
    assert db.execute(counted, (automation_id,)).fetchone() == (0, 0)
    assert [hub.count(table) for table in ("automation_executions", "automation_health_checks", "alerts")] == [6, 0, 0]


def test_a_letter_that_is_still_bad_stays_and_its_neighbours_go_in(hub, call_as, late_device):
    hub.ingest(streams={"device_telemetry": {"first": 5, "rows": [reading(late_device, 5, value="warm")]}})
    hub.define("device", late_device, device_name="late", device_type="light")
    answer = replay(call_as, hub, stream="device_telemetry")
    assert [(one["seq"], one["is_stored"]) for one in answer["letters"]] == [(2, True), (4, True), (5, False)]
    assert [(seq, reason[:22]) for _, seq, reason, _ in letters_of(hub)] == [(5, "a value cannot be read")]


def test_only_the_letters_that_are_named_are_tried(hub, new_hub, call_as, late_device):
    other = new_hub()
    other.ingest(streams={"device_telemetry": {"first": 1, "rows": [reading(str(uuid.uuid4()), 1)]}})
    hub.define("device", late_device, device_name="late", device_type="light")
    [first, second] = [one["id"] for one in replay(call_as, hub, dry_run=True)["letters"]]
    assert replay(call_as, hub, ids=[second])["stored"] == 1
    assert replay(call_as, hub, after=first)["tried"] == 0
    assert replay(call_as, hub, stream="device_states")["tried"] == 0
    home = call_as("service_role", {}, "hub_replay_dead_letters_v1", {"home_id": hub.home_id, "limit": 1})
    assert (home["stored"], home["more"]) == (1, True)
    assert len(letters_of(other)) == 1


def test_a_row_that_is_there_already_is_not_doubled_by_its_letter(hub, call_as, late_device):
    hub.define("device", late_device, device_name="late", device_type="light")
    repair = {"lane": "repair", "seqs": [2], "rows": [reading(late_device, 2)]}
    before = hub.db.execute("SELECT to_jsonb(l) FROM hub_dead_letters l WHERE hub_id = %s AND seq = 2", (hub.id,))
    [letter] = before.fetchone()
    assert hub.ingest(streams={"device_telemetry": repair})["refused"] == []
    assert [seq for _, seq, _, _ in letters_of(hub)] == [4]
    hub.db.execute(
        "INSERT INTO hub_dead_letters OVERRIDING SYSTEM VALUE SELECT * FROM jsonb_populate_record(NULL::hub_dead_letters, %s)",
        (json.dumps(letter),),
    )
    assert replay(call_as, hub)["stored"] == 2
    assert hub.count("device_telemetry") == 4


def test_the_same_bad_row_sent_again_makes_no_second_letter(hub, late_device):
    for _ in range(2):
        repair = {"lane": "repair", "seqs": [1, 2], "rows": [reading(late_device, 1), reading(late_device, 2)]}
        assert len(hub.ingest(streams={"device_telemetry": repair})["refused"]) == 2
    assert [(seq, times) for _, seq, _, times in letters_of(hub)] == [(2, 3), (4, 1), (1, 2)]


def test_a_case_is_tried_again_too_and_an_older_one_gives_way(hub, call_as):
    device, case_id = str(uuid.uuid4()), str(uuid.uuid4())
    row = {"device_id": device, "update_status": "pending"}
    case = {"table": "firmware_updates", "id": case_id, "time": NOON.isoformat(), "revision": 1, "row": row}
    for revision in (1, 1, 2):
        hub.ingest(cases=[case | {"revision": revision}])
    assert [(stream, times) for stream, _, _, times in letters_of(hub)] == [("firmware_updates", 3)]
    hub.define("device", device, device_name="late", device_type="light")
    assert replay(call_as, hub)["stored"] == 1
    assert hub.db.execute("SELECT revision FROM hub_case_revisions WHERE id = %s", (case_id,)).fetchall() == [(2,)]


def test_what_cannot_be_tried_says_so(hub, call_as):
    device = hub.add_device()
    hub.ingest(
        streams={
            "dreams": {"first": 1, "rows": [{}]},
            "device_states": {"first": 1, "rows": [{"device_id": device, "state": {"x": "y" * 20000}}]},
        },
        present={"devices": {device: {"battery_level": 900}}},
    )
    found = {one["stream"]: one["reason"] for one in replay(call_as, hub)["letters"]}
    assert found == {
        "dreams": "it cannot be sent again from here",
        "device_states": "it was too large to be kept",
        "present/device": "it cannot be sent again from here",
    }


def test_a_stream_that_nobody_knows_has_one_letter_that_counts(hub):
    for _ in range(3):
        answer = hub.ingest(streams={"dreams": {"first": 1, "rows": [{"a": 1}]}})
    assert answer["refused"] == [{"stream": "dreams", "seq": None, "reason": "stream_unknown"}]
    assert letters_of(hub) == [("dreams", None, "stream_unknown", 3)]


@pytest.mark.parametrize("role", ["hub", "anon", "authenticated"])
def test_only_operators_replay(hub, call_as, role):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        call_as(role, hub.claims | {"sub": hub.owner_id}, "hub_replay_dead_letters_v1", {})


def at(**ahead):
    return (datetime.now(UTC) + timedelta(**ahead)).isoformat()


def undated(hub):
    return hub.db.execute(
        "SELECT stream, first_seq, last_seq, from_at, to_at FROM hub_undated WHERE hub_id = %s ORDER BY first_seq",
        (hub.id,),
    ).fetchall()


@pytest.mark.parametrize("form", ["rows", "columns"])
def test_a_row_from_the_future_is_set_aside_unless_nobody_knew_the_time(hub, form):
    device = hub.add_device()
    times = [at(minutes=50), at(minutes=70), at(days=4000)]
    told = [reading(device, n, time=when) for n, when in enumerate(times)]
    body = told if form == "rows" else {name: [row[name] for row in told] for name in told[0]}

    answer = hub.ingest(streams={"device_telemetry": {"first": 1, form: body}})
    assert [(one["seq"], one["reason"]) for one in answer["refused"]] == [
        (2, "it is dated more than 01:00:00 ahead"),
        (3, "it is dated more than 01:00:00 ahead"),
    ]
    answer = hub.ingest(streams={"device_telemetry": {"first": 4, "clock_trusted": False, form: body}})
    assert [(one["seq"], one["reason"]) for one in answer["refused"]] == [(6, "it is dated more than 10 years ahead")]
    assert hub.count("device_telemetry") == 3
    assert [row[:3] for row in undated(hub)] == [("device_telemetry", 4, 6)]


def test_stretches_of_unconfirmed_times_grow_together_and_are_bounded(hub):
    device = hub.add_device()

    def send(first, count, **more):
        rows = [reading(device, n) for n in range(first, first + count)]
        hub.ingest(streams={"device_telemetry": {"first": first, "rows": rows, **more}})

    send(1, 3, clock_trusted=False)
    send(2, 4, clock_trusted=False)
    send(6, 1)
    send(7, 2, clock_trusted=False)
    second = timedelta(seconds=1)
    assert undated(hub) == [
        ("device_telemetry", 1, 5, NOON + second, NOON + 5 * second),
        ("device_telemetry", 7, 8, NOON + 7 * second, NOON + 8 * second),
    ]
    hub.db.execute(
        "INSERT INTO hub_undated (hub_id, mirror_id, epoch, stream, first_seq, last_seq, home_id, received_at)"
        " SELECT %s, 'old', 1, 'x', n, n, %s, now() - interval '1 day' FROM generate_series(1, 1000) n",
        (hub.id, hub.home_id),
    )
    send(9, 1)
    send(10, 1, clock_trusted=False)
    assert len(undated(hub)) == 1000
    assert ("device_telemetry", 10, 10) in [row[:3] for row in undated(hub)]


def overview(hub):
    row = hub.db.execute("SELECT to_jsonb(o) FROM hub_sync_overview o WHERE hub_id = %s", (hub.id,)).fetchone()[0]
    streams = hub.db.execute("SELECT stream, to_jsonb(p) FROM hub_stream_positions p WHERE hub_id = %s", (hub.id,))
    return row, dict(streams.fetchall())


def test_an_operator_sees_how_far_each_stream_has_come_what_was_shed_and_what_refused(hub, late_device):
    said = {"last": 40, "acknowledged": 4, "waiting": 30, "oldest_at": "2026-03-01T11:00:00Z"}
    lies = {"last": "many", "waiting": -1, "oldest_at": "long ago", "more": {}}
    gap = {"stream": "device_telemetry", "first": 5, "last": 10, "count": 6, "reason": "the disk was nearly full"}
    rule = hub.add_automation()
    hub.db.execute("UPDATE ecosystem_sync_status SET sync_status = 'conflict' WHERE entity_id = %s", (rule,))
    hub.ingest(
        agent_version="1.2.3",
        clock={"trusted": True},
        gaps=[gap | {"from": "2026-02-01T00:00:00Z", "to": "2026-02-02T00:00:00Z"}],
        present={"hub": {"streams": {"device_telemetry": said, "device_states": lies, "dreams": said}}},
    )
    row, streams = overview(hub)
    assert row | {"last_seen_at": "", "last_ingest_at": "", "claimed_at": ""} == {
        "home_id": hub.home_id,
        "hub_id": hub.id,
        "hub_name": "hall",
        "agent_version": "1.2.3",
        "claimed_at": "",
        "retired_at": None,
        "last_seen_at": "",
        "last_ingest_at": "",
        "is_clock_trusted": True,
        "mirror_id": hub.mirror_id,
        "epoch": 1,
        "waiting": 30,
        "oldest_waiting_at": "2026-03-01T11:00:00+00:00",
        "shed": 6,
        "refused": 2,
        "undated": 0,
        "in_conflict": 1,
        "pending": 0,
        "failed": 0,
        "commands_waiting": 0,
    }
    telemetry = streams["device_telemetry"]
    assert (telemetry["mark"], telemetry["made"], telemetry["waiting"]) == (10, 40, 30)
    assert (telemetry["shed"], telemetry["shed_reasons"]) == (6, ["the disk was nearly full"])
    assert (telemetry["refused"], telemetry["newest_refusal"]) == (2, "device_id is not known in this home")
    assert [streams["device_states"][name] for name in ("made", "waiting", "oldest_waiting_at")] == [None] * 3
    assert "dreams" not in streams


def test_the_people_of_a_home_see_its_link_and_nobody_elses(hub, new_home, read_as):
    _, stranger = new_home()
    for view in ("hub_sync_overview", "hub_stream_positions"):
        assert {row[0] for row in read_as(hub.owner_id, f"SELECT home_id::text FROM {view}")} == {hub.home_id}
        assert read_as(stranger, f"SELECT * FROM {view}") == []


def test_the_operators_commands_say_it_in_words_and_as_json(dsn, hub, late_device):
    told = nexa_cloud("hubs", dsn, "--home", hub.home_id)
    assert told.returncode == 0, told.stderr
    assert "hall" in told.stdout
    assert "2 refused" in told.stdout
    document = json.loads(nexa_cloud("hubs", dsn, "--home", hub.home_id, "--json").stdout)
    assert [one["hub_id"] for one in document["hubs"]] == [hub.id]
    assert {one["stream"]: one["refused"] for one in document["hubs"][0]["streams"]}["device_telemetry"] == 2

    of_all = json.loads(nexa_cloud("hubs", dsn, "--json").stdout)["hubs"]
    assert [("streams" in one, one["refused"]) for one in of_all if one["hub_id"] == hub.id] == [(False, 2)]

    listed = nexa_cloud("dead-letters", "list", dsn, "--home", hub.home_id)
    assert listed.stdout.count("device_id is not known in this home") == 2
    [one, two] = json.loads(nexa_cloud("dead-letters", "list", dsn, "--home", hub.home_id, "--json").stdout)["letters"]
    assert (one["seq"], two["seq"], one["body"]["value"]) == (2, 4, 2)

    hub.define("device", late_device, device_name="late", device_type="light")
    assert "2 would go in" in nexa_cloud("dead-letters", "replay", dsn, "--home", hub.home_id, "--dry-run").stdout
    replayed = json.loads(nexa_cloud("dead-letters", "replay", dsn, "--id", str(one["id"]), "--json").stdout)
    assert (replayed["tried"], replayed["stored"]) == (1, 1)
    assert "1 went in, 0 are still refused" in nexa_cloud("dead-letters", "replay", dsn, "--home", hub.home_id).stdout
    assert "No dead letters" in nexa_cloud("dead-letters", "list", dsn, "--home", hub.home_id).stdout


def test_the_operator_is_told_of_two_machines_with_one_identity(dsn, db, hub):
    assert "two machines" not in nexa_cloud("hubs", dsn, "--home", hub.home_id).stdout
    db.execute("UPDATE hub_hubs SET doubled_at = now() WHERE id = %s", (hub.id,))
    assert "two machines live under its identity" in nexa_cloud("hubs", dsn, "--home", hub.home_id).stdout


def test_a_replay_of_everything_must_be_meant(dsn):
    refused = nexa_cloud("dead-letters", "replay", dsn)
    assert (refused.returncode, "--all" in refused.stderr) == (2, True)


def test_a_home_without_a_hub_has_none_to_show(dsn, new_home):
    home_id, _ = new_home()
    told = nexa_cloud("hubs", dsn, "--home", home_id)
    assert (told.returncode, told.stdout) == (0, "No hub.\n")
    wrong = nexa_cloud("hubs", dsn, "--home", "the red one")
    assert (wrong.returncode, wrong.stderr) == (1, "Error: the red one is no id.\n")
