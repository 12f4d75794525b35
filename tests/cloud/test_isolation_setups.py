"""The same answers where an ordinary owner installs, on a platform that opens every new table and function to everybody, and
after somebody has changed the rights by hand.
"""

import json
import uuid

import psycopg
import pytest
from psycopg import sql

from cloud_schema.apply import apply
from tests.cloud.access import world as worlds
from tests.cloud.access.matrix import seen_otherwise

# Before the schema comes: as Supabase has it for the login that installs.
PLATFORM = """
CREATE SCHEMA auth;
CREATE TABLE auth.users (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text, created_at timestamptz NOT NULL DEFAULT now());
CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS
    $$SELECT (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid$$;
GRANT USAGE ON SCHEMA auth, public TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON SEQUENCES TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON FUNCTIONS TO anon, authenticated, service_role;
CREATE TABLE public.of_another_application (id integer);
CREATE FUNCTION public.of_another_application() RETURNS integer LANGUAGE sql AS 'SELECT 1';
"""

# Between two installations: what a hurried hand may have done.
TAMPERING = """
ALTER POLICY rooms_manage ON rooms USING (true) WITH CHECK (true);
CREATE POLICY for_a_moment ON homes USING (true);
DROP POLICY homes_delete ON homes;
ALTER TABLE scenes DISABLE ROW LEVEL SECURITY;
GRANT ALL ON ALL TABLES IN SCHEMA public TO anon, authenticated, hub;
GRANT USAGE ON SCHEMA ts TO authenticated;
"""


@pytest.fixture(scope="module")
def world(dsn, server_dsn, new_database):
    # `dsn` before: its installation has made the roles, which belong to the whole server.
    database = new_database()
    owner = sql.Identifier(f"nexa_owner_{uuid.uuid4().hex[:8]}")
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'secret'").format(owner))
        name = sql.Identifier(psycopg.conninfo.conninfo_to_dict(database)["dbname"])
        connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(name, owner))
    as_owner = psycopg.conninfo.make_conninfo(database, user=owner.as_string().strip('"'), password="secret")
    with psycopg.connect(as_owner, autocommit=True) as connection:
        connection.execute(PLATFORM)
    apply(as_owner, lambda _line: None)
    with psycopg.connect(as_owner, autocommit=True) as connection:
        connection.execute(TAMPERING)
        connection.execute("CREATE TABLE public.remembered AS SELECT oid, polname FROM pg_policy")
    apply(as_owner, lambda _line: None)
    with psycopg.connect(database, autocommit=True) as connection:
        with connection.transaction(force_rollback=True):
            connection.execute("ALTER ROLE service_role NOBYPASSRLS")
            built = worlds.build(connection)
            built.ids["dsn of the owner"] = as_owner
            yield built
        # The role cannot go while it owns a database.
        connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO CURRENT_USER").format(name))
        connection.execute(sql.SQL("REASSIGN OWNED BY {} TO CURRENT_USER").format(owner))
        connection.execute(sql.SQL("DROP OWNED BY {}; DROP ROLE {}").format(owner, owner))


def test_installed_by_an_ordinary_owner_everybody_reaches_the_same(world):
    wrong = seen_otherwise(world)
    assert not wrong, "\n".join(wrong)


def test_installing_again_leaves_policies_alone_that_are_as_they_should_be(world):
    made_anew = world.db.execute(
        "SELECT p.polname::text FROM pg_policy p LEFT JOIN remembered r ON r.oid = p.oid WHERE r.oid IS NULL"
    ).fetchall()
    gone = world.db.execute(
        "SELECT r.polname::text FROM remembered r LEFT JOIN pg_policy p ON r.oid = p.oid WHERE p.oid IS NULL"
    ).fetchall()
    assert sorted(made_anew) == [("homes_delete",), ("rooms_manage",)]
    assert sorted(gone) == [("for_a_moment",), ("rooms_manage",)]


def test_the_owner_is_the_operator_until_it_takes_a_role(world):
    with psycopg.connect(world.ids["dsn of the owner"], autocommit=True) as connection:
        assert connection.execute("SELECT hub_sync.is_operator()").fetchone() == (True,)
    assert world.attempt("owner", "SELECT 1 WHERE user_is_admin(auth.uid())") == "0"


def test_what_the_platform_opens_is_closed_again(world):
    for persona in ("anon", "owner", "hub"):
        for statement in (
            "SELECT update_updated_at_column()",
            "SELECT 1 FROM hub_limits",
            "SELECT nextval('hub_dead_letters_id_seq')",
        ):
            assert world.attempt(persona, statement).startswith("42501"), (persona, statement)


def test_what_is_made_later_starts_closed(world):
    owner = world.db.execute(
        "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'public.homes'::regclass"
    ).fetchone()[0]
    with world.db.transaction(force_rollback=True):
        world.db.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(owner)))
        world.db.execute("CREATE TABLE public.made_later (id integer)")
        world.db.execute("RESET ROLE")
        for persona in ("anon", "owner", "hub"):
            assert world.attempt(persona, "SELECT 1 FROM made_later").startswith("42501"), persona
        assert world.attempt("service_role", "INSERT INTO made_later VALUES (1)") == "1"


def test_another_applications_things_are_left_as_they_were(world):
    assert world.attempt("anon", "INSERT INTO of_another_application VALUES (1)") == "1"
    assert world.attempt("anon", "SELECT of_another_application()") == "1"


def test_the_functions_work_for_people_as_they_do_for_the_superusers_installation(world):
    role, claims = world.claims_of("owner")
    with world.db.transaction(force_rollback=True):
        world.db.execute(
            "SELECT set_config('request.jwt.claims', %s, true), set_config('role', %s, true)", (claims, role)
        )
        command = {"home_id": world.ids["home own"], "kind": "scene.activate", "payload": {}}
        answer = world.db.execute("SELECT hub_command_v1(%s)", (json.dumps(command),)).fetchone()[0]
        assert answer["status"] == "pending"
