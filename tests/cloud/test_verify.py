"""`verify` names each thing that somebody breaks; that it finds nothing in a fresh database is the contract test in test_schema.py."""

import json

import psycopg
import pytest
from psycopg import sql

from cloud_schema.verify import verdict_on
from tests.cloud.test_command_line import nexa_cloud


@pytest.fixture(scope="module")
def whole(dsn):
    with psycopg.connect(dsn, autocommit=True) as connection:
        return verdict_on(connection)


BREAKS = {
    "ALTER TABLE rooms DROP COLUMN floor_level CASCADE": "missing column rooms.floor_level",
    "ALTER TABLE rooms ADD COLUMN smell text": "extra column rooms.smell",
    "ALTER TABLE rooms ALTER COLUMN sort_order SET DEFAULT 7": "wrong default rooms.sort_order",
    "ALTER TABLE home_members ALTER COLUMN permissions SET DEFAULT '{\"view\": true}'": "wrong default home_members.permissions",
    "ALTER TABLE ts.alerts ALTER COLUMN priority DROP DEFAULT": "wrong default alerts.priority",
    "ALTER TABLE rooms ALTER COLUMN name DROP NOT NULL": "wrong nullability rooms.name",
    "ALTER TABLE device_benchmarks ALTER COLUMN error_rate TYPE numeric(12,4)": "wrong type device_benchmarks.error_rate",
    "ALTER TABLE brands DROP CONSTRAINT brands_name_key": "missing unique constraint brands(name)",
    "ALTER TABLE rooms DROP CONSTRAINT rooms_home_id_fkey": "missing foreign key rooms.home_id",
    "ALTER TABLE scenes DROP CONSTRAINT scenes_room_id_fkey, ADD CONSTRAINT scenes_room_id_fkey FOREIGN KEY (room_id) REFERENCES rooms (id)": "wrong foreign key scenes.room_id",
    "ALTER TABLE automations DROP CONSTRAINT automations_health_status_check": "missing list of values automations.health_status",
    "ALTER TABLE scenes DROP CONSTRAINT scenes_scene_type_check, ADD CHECK (scene_type IN ('custom', 'preset'))": "wrong list of values scenes.scene_type",
    "ALTER TABLE devices DROP CONSTRAINT devices_battery_level_check": "missing range devices.battery_level",
    "ALTER TABLE user_sessions DROP CONSTRAINT user_sessions_pkey CASCADE": "missing primary key user_sessions",
    "CREATE INDEX whim ON rooms (metadata)": "extra index rooms.whim",
    "DROP INDEX idx_devices_search": "missing index devices.idx_devices_search",
    "DROP TABLE surfaces CASCADE": "missing table surfaces",
    "CREATE TABLE surfboards (id uuid)": "extra table surfboards",
    "CREATE VIEW shortcuts AS SELECT 1 AS one": "extra view shortcuts",
    "ALTER TYPE subscription_tier RENAME VALUE 'complete' TO 'everything'": "wrong enum subscription_tier",
    "CREATE TYPE mood AS ENUM ('good')": "extra enum mood",
    "CREATE FUNCTION whim() RETURNS integer LANGUAGE sql AS 'SELECT 1'": "extra function whim()",
    "CREATE FUNCTION hub_sync.whim() RETURNS integer LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'": "unsafe search_path of function hub_sync.whim",
    "DROP TRIGGER update_rooms_updated_at ON rooms": "missing trigger rooms.update_rooms_updated_at",
    "ALTER TABLE scenes DISABLE TRIGGER update_scenes_updated_at": "wrong trigger scenes.update_scenes_updated_at",
    "CREATE TRIGGER whim BEFORE UPDATE ON rooms FOR EACH ROW EXECUTE FUNCTION update_updated_at_column()": "extra trigger rooms.whim",
    "ALTER TABLE rooms DISABLE ROW LEVEL SECURITY": "unsafe row-level security rooms",
    "GRANT USAGE ON SCHEMA ts TO authenticated": "unsafe right authenticated USAGE on schema ts",
    "GRANT SELECT ON ts.alerts TO PUBLIC": "unsafe right PUBLIC SELECT on ts.alerts",
    "GRANT SELECT ON rooms TO anon": "unsafe right anon SELECT on public.rooms",
    "GRANT UPDATE (email_verified) ON users TO authenticated": "unsafe right authenticated UPDATE on public.users.email_verified",
    "GRANT SELECT ON user_integrations TO authenticated": "unsafe right authenticated SELECT on public.user_integrations.access_token",
    "GRANT DELETE ON audit_logs TO authenticated": "unsafe right authenticated DELETE on public.audit_logs",
    "REVOKE UPDATE (full_name) ON users FROM authenticated": "missing right authenticated UPDATE on public.users.full_name",
    "GRANT EXECUTE ON FUNCTION search_devices TO anon": "unsafe right anon EXECUTE on public.search_devices",
    "GRANT UPDATE ON hub_hubs TO hub": "unsafe right hub UPDATE on public.hub_hubs",
    "CREATE POLICY open_house ON rooms TO authenticated USING (true)": "extra policy rooms.open_house",
    "ALTER POLICY scenes_select ON scenes USING (true)": "unsafe policy scenes.scenes_select",
    "ALTER POLICY automations_select ON automations USING (name <> '')": "wrong policy automations.automations_select",
    "ALTER POLICY operator ON devices TO authenticated": "wrong policy devices.operator",
    "DROP POLICY rooms_select ON rooms": "missing policy rooms.rooms_select",
    "ALTER VIEW alerts SET (security_barrier = false)": "unsafe view alerts",
    "UPDATE ts.hypertables SET retain_for = '1 day' WHERE table_name = 'alerts'": "wrong hypertable retain_for alerts",
    "DELETE FROM ts.hypertables WHERE table_name = 'audit_logs'": "missing hypertable declaration audit_logs",
}


@pytest.fixture(scope="module")
def broken(dsn):
    """All of it at once, and undone: reading the catalogue for each would take minutes."""
    with psycopg.connect(dsn, autocommit=True) as connection, connection.transaction(force_rollback=True):
        for breaks in BREAKS:
            connection.execute(breaks)
        return {finding.key for finding in verdict_on(connection).wrong}


@pytest.mark.parametrize("breaks,key", BREAKS.items(), ids=BREAKS.values())
def test_what_somebody_breaks_is_named(whole, broken, breaks, key):
    assert key not in {finding.key for finding in whole.wrong}
    assert key in broken, breaks


def test_a_table_without_any_policy_is_named(db):
    policies = db.execute("SELECT polname FROM pg_policy WHERE polrelid = 'rooms'::regclass").fetchall()
    with db.transaction(force_rollback=True):
        for (name,) in policies:
            db.execute(sql.SQL("DROP POLICY {} ON rooms").format(sql.Identifier(name)))
        keys = [finding.key for finding in verdict_on(db).wrong]

    assert "unsafe table without a policy rooms" in keys


def test_the_command_ends_with_1_when_something_is_wrong_and_says_what_to_do(dsn, db, several_backends):
    db.execute("CREATE TABLE surfboards (id uuid)")
    try:
        outcome = nexa_cloud("verify", NEXA_CLOUD_DSN=dsn)
        as_json = nexa_cloud("verify", dsn, "--json")
    finally:
        db.execute("DROP TABLE surfboards")

    assert outcome.returncode == as_json.returncode == 1
    assert "extra table surfboards" in [
        f"{one['problem']} {one['kind']} {one['name']}" for one in json.loads(as_json.stdout)["wrong"]
    ]
    assert "    surfboards" in outcome.stdout.splitlines()
    assert "move it to a schema of your own" in outcome.stdout


def test_a_database_without_the_schema_is_sent_to_apply(new_database):
    outcome = nexa_cloud("verify", new_database())

    assert outcome.returncode == 1
    assert outcome.stderr == "Error: This database has no central schema yet. Run `nexa-cloud apply` first.\n"


def test_a_connection_string_may_lie_in_a_file_and_is_never_shown(tmp_path):
    (tmp_path / "dsn").write_text("postgresql://me:hush@127.0.0.1:1/none\n")

    outcome = nexa_cloud("verify", "--dsn-file", str(tmp_path / "dsn"), NEXA_CLOUD_DSN="")

    assert (outcome.returncode, "No connection to the database" in outcome.stderr) == (1, True)
    assert "hush" not in outcome.stdout + outcome.stderr
