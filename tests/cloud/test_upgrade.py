"""Databases of every released schema: after an upgrade they are what a new installation is, and nothing of theirs is lost."""

from pathlib import Path

import psycopg
import pytest

from cloud_schema import versions
from cloud_schema.apply import ApplyError, apply
from tests.cloud.conftest import IS_WASM, Hub
from tests.cloud.fingerprint import differences, fingerprint

RELEASED = sorted((Path(__file__).parents[1] / "databases").glob("cloud_*.sql"))
TOMORROW = versions.schema_version() + 1


def restored(dsn, released) -> str:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(released.read_text())
    return dsn


@pytest.fixture(scope="module", params=RELEASED, ids=lambda path: path.stem)
def upgraded(new_database, request):
    dsn = restored(new_database(), request.param)
    lines: list[str] = []
    summary = apply(dsn, lines.append)
    return dsn, int(request.param.stem.split("_")[1]), summary, lines


@pytest.fixture(scope="module")
def fresh(new_database):
    dsn = new_database()
    apply(dsn, lambda _line: None)
    return dsn


@pytest.fixture
def tomorrows(tmp_path, monkeypatch):
    """The next release's migrations: ours, and steps of the test's."""
    for path in versions.MIGRATIONS.glob("*.sql"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(versions, "MIGRATIONS", tmp_path)

    def write(step: str, text: str) -> None:
        (tmp_path / f"{TOMORROW:04}_tomorrow.{step}.sql").write_text(text)

    return write


def version_rows(dsn):
    with psycopg.connect(dsn, row_factory=psycopg.rows.dict_row) as connection:
        return connection.execute("SELECT * FROM hub_schema_versions ORDER BY version").fetchall()


def test_there_is_a_database_of_each_released_schema():
    kept = [int(path.stem.split("_")[1]) for path in RELEASED]
    assert kept == list(range(1, len(kept) + 1))
    # Today's is added when it is released.
    assert len(kept) in {versions.schema_version() - 1, versions.schema_version()}


def test_an_upgraded_database_is_what_a_new_one_is(upgraded, fresh):
    found = differences(fingerprint(upgraded[0]), fingerprint(fresh))
    assert not found, "\nSay it in cloud_schema/migrations (its README says how):\n" + "\n".join(found)


@pytest.mark.skipif(not IS_WASM, reason="needs TimescaleDB with its community features")
@pytest.mark.parametrize("released", RELEASED, ids=lambda path: path.stem)
def test_a_plain_database_that_moved_to_timescaledb_becomes_what_a_new_one_is_there(dsn, released):
    from tests.cloud.timescale.server import running_timescale

    with running_timescale() as moved:
        apply(restored(moved, released), lambda _line: None)
        found = differences(fingerprint(moved), fingerprint(dsn))
        assert not found, "\n".join(found)
        with psycopg.connect(moved) as db:
            for table in ("device_telemetry", "energy_usage", "alerts"):
                assert db.execute(f"SELECT count(*) FROM ts.{table}").fetchone() == (1,)


def test_an_upgrade_says_from_where_to_where_and_records_it(upgraded):
    dsn, before, summary, lines = upgraded
    assert f"Schema {before} is here: upgrading to {versions.schema_version()}." in lines
    assert (summary.schema_before, summary.schema, summary.warnings) == (before, versions.schema_version(), [])
    rows = version_rows(dsn)
    assert [row["version"] for row in rows] == list(range(1, versions.schema_version() + 1))
    assert all(row["applied_at"] is not None for row in rows)
    assert rows[-1]["renewed_by_program"] == versions.program_version()


def test_after_an_upgrade_the_homes_are_there_and_their_hubs_go_on(upgraded):
    with psycopg.connect(upgraded[0], autocommit=True) as db:
        hub_id, home_id, epoch = db.execute("SELECT id::text, home_id::text, epoch FROM hub_hubs").fetchone()
        assert db.execute("SELECT name FROM homes").fetchall() == [("Old home",)]
        device_id = db.execute("SELECT id::text FROM devices").fetchone()[0]
        hub = Hub(db, hub_id, home_id, "", "", "old-mirror", epoch)
        tables = (
            "device_telemetry",
            "device_states",
            "energy_usage",
            "automation_executions",
            "scene_activations",
            "alerts",
        )
        assert [db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables] == [1] * 6
        row = {"time": "2026-03-02T12:00:00Z", "device_id": device_id, "metric_type": "temperature", "value": 21}
        stream = {"first": 1, "rows": [row | {"time": "2026-03-01T12:00:00Z", "value": 20}, row]}
        answer = hub.ingest(streams={"device_telemetry": stream})
        assert (answer["marks"]["device_telemetry"], answer["refused"]) == (2, [])
        assert db.execute("SELECT array_agg(value ORDER BY time) FROM device_telemetry").fetchone()[0] == [20, 21]
        changes = hub.changes()["changes"]
        assert {"device", "automation", "scene"} <= {change["entity_type"] for change in changes}


def test_an_upgrade_that_is_killed_goes_on_at_the_next_call(new_database, fresh):
    dsn = restored(new_database(), RELEASED[0])

    def kill_at_the_functions(line):
        if "11_grants" in line:
            with psycopg.connect(dsn, autocommit=True) as db:
                db.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'nexa-cloud' AND datname = current_database()"
                )

    with pytest.raises(ApplyError, match="the connection was lost"):
        apply(dsn, kill_at_the_functions)
    lines: list[str] = []
    summary = apply(dsn, lines.append)
    assert lines[0].endswith("did not end: going on with it.")
    assert summary.schema_before == 1
    found = differences(fingerprint(dsn), fingerprint(fresh))
    assert not found, "\n".join(found)


def test_steps_that_ran_never_run_again(upgraded, tomorrows):
    dsn = upgraded[0]
    tomorrows("pre", "-- notes: a column\nALTER TABLE hub_limits ADD COLUMN of_tomorrow integer;")
    tomorrows(
        "post",
        "-- gateway_version_min: 9.1\n-- agent_version_min: 0.10.1\nUPDATE hub_limits SET pause_s = pause_s + 1;",
    )
    with psycopg.connect(dsn, autocommit=True) as db:
        db.execute("UPDATE hub_limits SET pause_s = 0, agent_version_min = '0.9'")
        apply(dsn, lambda _line: None)
        apply(dsn, lambda _line: None)
        assert db.execute("SELECT pause_s, agent_version_min FROM hub_limits").fetchone() == (1, "0.10.1")
        newest = version_rows(dsn)[-1]
        assert (newest["name"], newest["notes"], newest["gateway_version_min"]) == ("tomorrow", "a column", "9.1")

        tomorrows("post", "SELECT 'edited'")
        with pytest.raises(ApplyError, match=r"tomorrow\.post\.sql is not what ran in this database"):
            apply(dsn, lambda _line: None)
        db.execute("ALTER TABLE hub_limits DROP COLUMN of_tomorrow")
        db.execute("UPDATE hub_limits SET pause_s = 0, agent_version_min = NULL")
        db.execute("DELETE FROM hub_schema_versions WHERE version = %s", (TOMORROW,))


def test_a_raised_minimum_is_not_lowered_by_a_step(fresh, tomorrows):
    tomorrows("post", "-- agent_version_min: 0.9\nSELECT 1")
    with psycopg.connect(fresh, autocommit=True) as db:
        db.execute("UPDATE hub_limits SET agent_version_min = '0.10'")
        apply(fresh, lambda _line: None)
        assert db.execute("SELECT agent_version_min FROM hub_limits").fetchone() == ("0.10",)
        db.execute("UPDATE hub_limits SET agent_version_min = NULL")
        db.execute("DELETE FROM hub_schema_versions WHERE version = %s", (TOMORROW,))


def test_an_upgrade_that_fails_goes_on_where_it_stopped_once_it_is_mended(fresh, tomorrows):
    tomorrows("pre", "ALTER TABLE hub_limits ADD COLUMN of_tomorrow integer;")
    tomorrows("post", "UPDATE hub_limits SET of_tomorrow = 1; INSERT INTO nowhere VALUES (1);")
    with pytest.raises(ApplyError, match=r'tomorrow\.post\.sql: relation "nowhere" does not exist'):
        apply(fresh, lambda _line: None)
    assert version_rows(fresh)[-1]["applied_at"] is None
    tomorrows("post", "UPDATE hub_limits SET of_tomorrow = coalesce(of_tomorrow, 0) + 1;")
    lines: list[str] = []
    apply(fresh, lines.append)
    assert lines[0].endswith("did not end: going on with it.")
    with psycopg.connect(fresh, autocommit=True) as db:
        assert db.execute("SELECT of_tomorrow FROM hub_limits").fetchone() == (1,)
        db.execute("ALTER TABLE hub_limits DROP COLUMN of_tomorrow")
        db.execute("DELETE FROM hub_schema_versions WHERE version = %s", (TOMORROW,))


def test_a_database_of_a_newer_program_is_left_alone(fresh):
    with psycopg.connect(fresh, autocommit=True) as db:
        db.execute(
            "INSERT INTO hub_schema_versions (version, name, applied_at, applied_by_program) VALUES (%s, 'later', now(), '9.0')",
            (TOMORROW,),
        )
        with pytest.raises(ApplyError, match=r"installed by a newer nexa-cloud \(9.0\).*Upgrade the program"):
            apply(fresh, lambda _line: None)
        db.execute("DELETE FROM hub_schema_versions WHERE version = %s", (TOMORROW,))


@pytest.mark.parametrize("name", ["0003.sql", "0009_gap.pre.sql"])
def test_a_misnamed_or_missing_step_is_found_before_a_database_is_touched(fresh, tomorrows, name):
    (versions.MIGRATIONS / name).write_text("SELECT 1")
    with pytest.raises(AssertionError, match=r"is not named|have a gap"):
        apply(fresh, lambda _line: None)
