"""What somebody with a login might try to get at another home, or at more than they were given."""

import uuid

import psycopg
import pytest
from psycopg import sql

from tests.cloud.access import world as worlds

AT = "2026-03-01T12:00:00Z"


@pytest.fixture(scope="module")
def world(dsn):
    with psycopg.connect(dsn, autocommit=True) as connection, connection.transaction(force_rollback=True):
        yield worlds.build(connection)


@pytest.fixture(autouse=True)
def _undone(request):
    if "world" in request.fixturenames:
        world = request.getfixturevalue("world")
        with world.db.transaction(force_rollback=True):
            yield
    else:
        yield


def home(world, side="own"):
    return world.ids[f"home {side}"]


def row_id(world, table, side="own"):
    return str(world.rows[table, side]["id"])


def kept(world, persona, statement, *values):
    """Carries a statement out as somebody, and keeps what it did for the rest of the test."""
    role, claims = world.claims_of(persona)
    with world.db.transaction():
        world.db.execute(
            "SELECT set_config('request.jwt.claims', %s, true), set_config('role', %s, true)", (claims, role)
        )
        found = world.db.execute(sql.SQL(statement).format(*(sql.Literal(value) for value in values)))
        rows = found.fetchall() if found.description else found.rowcount
        world.db.execute("RESET role")
    return rows


# Looking at other homes.


@pytest.mark.parametrize(
    "relation", ["devices", "device_telemetry", "energy_usage", "alerts", "home_dashboard_summary"]
)
def test_a_function_that_tells_what_it_is_shown_is_shown_no_other_homes_rows(world, relation):
    # The plan that reads everything first is the one in which such a function would be asked too early.
    for plan in ("enable_nestloop", "enable_indexscan", "enable_indexonlyscan", "enable_bitmapscan"):
        world.db.execute(sql.SQL("SET LOCAL {} = off").format(sql.Identifier(plan)))
    world.db.execute("CREATE TEMP TABLE told (home text)")
    world.db.execute("GRANT ALL ON told TO authenticated")
    world.db.execute(
        "CREATE FUNCTION pg_temp.leak(shown text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS"
        " $$ BEGIN INSERT INTO told VALUES (shown); RETURN true; END $$"
    )
    names = {column.name for column in world.columns[relation]}
    column = "home_id" if "home_id" in names else "device_id"
    statement = f"SELECT count(*) FROM {relation} WHERE pg_temp.leak({column}::text)"
    assert kept(world, "viewer", statement)[0][0] >= 1

    told = {value for (value,) in world.db.execute("SELECT home FROM told")}
    parts_of_own = {str(world.rows["devices", "own"]["id"]), world.ids["spare device own"], home(world)}
    assert told
    assert told <= parts_of_own


def test_errors_do_not_tell_another_homes_values(world):
    statement = "SELECT 1 / (CASE WHEN home_id = {} THEN 0 ELSE 1 END) FROM energy_usage"
    assert world.attempt("viewer", statement, home(world, "foreign")) == "1"


def test_without_a_name_nothing_of_any_home_is_seen(world):
    for relation in ("homes", "devices", "alerts", "device_telemetry", "users", "user_notifications", "audit_logs"):
        assert world.attempt("unnamed", f"SELECT 1 FROM {relation}") == "0"


def test_people_ask_about_themselves_only(world):
    owner, stranger = world.ids["owner"], world.ids["stranger"]
    answers = {}
    for persona in ("owner", "stranger", "support", "admin", "service_role"):
        asked = "SELECT (SELECT count(*) FROM user_accessible_homes({0})), user_can_access_home({0}, {1}), user_is_home_owner({0}, {1}), user_is_admin({2})"
        answers[persona] = kept(world, persona, asked, owner, home(world), world.ids["admin"])[0]
    assert answers["owner"] == (1, True, True, False)
    assert answers["stranger"] == answers["support"] == (0, False, False, False)
    assert answers["admin"] == answers["service_role"] == (1, True, True, True)
    assert kept(world, "stranger", "SELECT user_is_home_owner({}, {})", stranger, home(world)) == [(False,)]
    assert kept(world, "guest", "SELECT user_can_access_home({}, {})", world.ids["guest"], home(world)) == [(True,)]


def test_my_homes_are_those_i_may_look_at(world):
    def homes_of(persona):
        return {str(found) for (found,) in kept(world, persona, "SELECT my_homes()")}

    assert homes_of("owner") == homes_of("guest") == homes_of("installer") == {home(world)}
    assert homes_of("stranger") == {home(world, "foreign")}
    assert homes_of("blind") == homes_of("inactive") == homes_of("switched_off") == homes_of("unnamed") == set()
    assert homes_of("support") >= {home(world), home(world, "foreign")}


# Writing into other homes.


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO rooms (home_id, name) VALUES ({home}, 'mine')",
        "INSERT INTO devices (home_id, device_name, device_type) VALUES ({home}, 'mine', 'light')",
        "INSERT INTO home_members (home_id, user_id, role) VALUES ({home}, {me}, 'admin')",
        "INSERT INTO homes (owner_id, name) VALUES ({them}, 'mine')",
        "INSERT INTO energy_usage (time, device_id, home_id, power_watts) VALUES (now(), {device}, {home}, 1)",
        "INSERT INTO device_telemetry (time, device_id, metric_type) VALUES (now(), {device}, 'power')",
        "INSERT INTO user_notification_preferences (user_id, home_id) VALUES ({them}, {home})",
        "INSERT INTO user_notification_preferences (user_id, home_id) VALUES ({me}, {home})",
    ],
)
def test_nobody_writes_into_a_home_that_is_not_theirs(world, statement):
    values = {
        "home": sql.Literal(home(world, "foreign")),
        "device": sql.Literal(row_id(world, "devices", "foreign")),
        "me": sql.Literal(world.ids["owner"]),
        "them": sql.Literal(world.ids["stranger"]),
    }
    answer = world.attempts("owner", [sql.SQL(statement).format(**values)])[0]
    assert answer.startswith(("42501", "44000")), answer


@pytest.mark.parametrize("table", ["devices", "rooms", "scenes", "automations", "alerts", "alert_rules"])
def test_nobody_moves_a_row_to_another_home(world, table):
    for side, target in (("own", "foreign"), ("foreign", "own")):
        statement = f"UPDATE {table} SET home_id = {{}} WHERE id = {{}}"
        answer = world.attempt("owner", statement, home(world, target), row_id(world, table, side))
        assert answer.startswith("42501"), answer


@pytest.mark.parametrize("conflict", ["DO NOTHING", "DO UPDATE SET device_name = 'taken over'"])
def test_a_conflict_with_another_homes_row_neither_shows_nor_changes_it(world, conflict):
    theirs = row_id(world, "devices", "foreign")
    statement = f"INSERT INTO devices (id, home_id, device_name, device_type) VALUES ({{}}, {{}}, 'probe', 'light') ON CONFLICT (id) {conflict} RETURNING device_name"
    answer = world.attempt("owner", statement, theirs, home(world))
    assert answer == "0" or answer.startswith("42501")
    found = world.db.execute("SELECT device_name FROM devices WHERE id = %s", (theirs,)).fetchone()
    assert found[0] not in {"probe", "taken over"}


def test_what_is_written_points_to_parts_of_the_same_home_only(world):
    room, device = row_id(world, "rooms", "foreign"), row_id(world, "devices", "foreign")
    own_group = row_id(world, "device_groups")
    for statement, *values in (
        ("UPDATE devices SET room_id = {} WHERE home_id = {}", room, home(world)),
        ("UPDATE scenes SET room_id = {} WHERE home_id = {}", room, home(world)),
        ("INSERT INTO device_group_members (group_id, device_id) VALUES ({}, {})", own_group, device),
        ("UPDATE network_access_rules SET destination_device_id = {} WHERE home_id = {}", device, home(world)),
        (
            "INSERT INTO energy_usage (time, device_id, home_id, power_watts) VALUES (now(), {}, {}, 1)",
            device,
            home(world),
        ),
    ):
        answer = world.attempt("owner", statement, *values)
        assert answer.startswith("42501"), (statement, answer)
    assert world.attempt("owner", "UPDATE devices SET room_id = {}", row_id(world, "rooms")) == "2"


def test_nobody_signs_with_another_name(world):
    mate = world.ids["roommate"]
    for statement in (
        "UPDATE alerts SET status = 'acknowledged', acknowledged_by = {0} WHERE home_id = {1}",
        "INSERT INTO automations (home_id, name, automation_type, created_by) VALUES ({1}, 'theirs', 'scheduled', {0})",
        "INSERT INTO home_members (home_id, user_id, invited_by) VALUES ({1}, {2}, {0})",
    ):
        answer = world.attempt("owner", statement, mate, home(world), world.ids["newcomer"])
        assert answer.startswith("42501"), answer
        me = world.ids["owner"]
        assert world.attempt("owner", statement, me, home(world), world.ids["newcomer"]) == "1"


# Becoming more than one is.


@pytest.mark.parametrize("role", ["admin", "support", "oem_partner", "installer"])
def test_nobody_gives_themselves_a_role_at_nexa(world, role):
    for persona in ("owner", "support"):
        if role == persona:
            continue
        answer = world.attempt(persona, "UPDATE users SET role = {} WHERE id = {}", role, world.ids[persona])
        assert answer.startswith("42501"), answer
    assert world.attempt("admin", "UPDATE users SET role = {} WHERE id = {}", role, world.ids["owner"]) == "1"


def test_whoever_was_switched_off_does_not_switch_themselves_on(world):
    me = world.ids["switched_off"]
    assert world.attempt("switched_off", "UPDATE users SET is_active = true WHERE id = {}", me) == "0"
    for column in ("email", "email_verified", "phone_verified", "metadata"):
        answer = world.attempt("owner", f"UPDATE users SET {column} = DEFAULT WHERE id = {{}}", world.ids["owner"])
        assert answer.startswith("42501"), column


def test_whoever_was_switched_off_or_put_out_finds_not_even_what_was_theirs(world):
    me = world.ids["switched_off"]
    assert world.attempt("switched_off", "SELECT 1 FROM users WHERE id = {}", me) == "0"
    assert world.attempt("switched_off", "INSERT INTO homes (owner_id, name) VALUES ({}, 'new')", me).startswith(
        "42501"
    )
    for persona, seen in (("switched_off", "0"), ("inactive", "0"), ("guest", "1"), ("blind", "1")):
        statement = "SELECT 1 FROM home_members WHERE user_id = {}"
        assert world.attempt(persona, statement, world.ids[persona]) == seen, persona


def test_a_new_phone_number_has_to_be_verified_again(world):
    world.db.execute("UPDATE users SET phone = '1', phone_verified = true WHERE id = %s", (world.ids["owner"],))
    kept(world, "owner", "UPDATE users SET phone = '2' WHERE id = {}", world.ids["owner"])
    is_verified = world.db.execute("SELECT phone_verified FROM users WHERE id = %s", (world.ids["owner"],)).fetchone()
    assert is_verified == (False,)


@pytest.mark.parametrize("persona", ["home_admin", "viewer", "controller", "configurer", "guest", "installer", "blind"])
def test_no_member_raises_themselves(world, persona):
    for column, value in (
        ("role", "owner"),
        ("role", "admin"),
        ("permissions", '{"configure": true}'),
        ("is_active", "true"),
    ):
        statement = f"UPDATE home_members SET {column} = {{}} WHERE user_id = {{}}"
        answer = world.attempt(persona, statement, value, world.ids[persona])
        assert answer == "0" or answer.startswith("42501"), (column, answer)


def test_an_admin_of_a_home_rules_members_but_not_owners(world):
    owners_row = "user_id = {} AND home_id = {}"
    world.db.execute(
        "INSERT INTO home_members (home_id, user_id, role) VALUES (%s, %s, 'owner') ON CONFLICT (home_id, user_id) DO UPDATE SET role = 'owner'",
        (home(world), world.ids["owner"]),
    )
    world.db.execute("UPDATE home_members SET role = 'owner' WHERE user_id = %s", (world.ids["viewer"],))
    for target in ("owner", "viewer"):
        for statement in (
            f"UPDATE home_members SET role = 'guest' WHERE {owners_row}",
            f"DELETE FROM home_members WHERE {owners_row}",
        ):
            assert world.attempt("home_admin", statement, world.ids[target], home(world)) == "0"
    promote = "UPDATE home_members SET role = {} WHERE user_id = {}"
    assert world.attempt("home_admin", promote, "admin", world.ids["guest"]) == "1"
    assert world.attempt("home_admin", promote, "owner", world.ids["guest"]).startswith("42501")
    add = "INSERT INTO home_members (home_id, user_id, role) VALUES ({}, {}, {})"
    assert world.attempt("home_admin", add, home(world), world.ids["newcomer"], "owner").startswith("42501")
    assert world.attempt("owner", promote, "owner", world.ids["guest"]) == "1"


def test_everybody_but_the_owner_may_leave(world):
    leave = "DELETE FROM home_members WHERE user_id = {} AND home_id = {}"
    for persona in ("home_admin", "viewer", "guest"):
        assert world.attempt(persona, leave, world.ids[persona], home(world)) == "1"
        assert world.attempt(persona, leave, world.ids["stranger"], home(world, "foreign")) == "0"


def test_only_the_owner_gives_a_home_away(world):
    give = "UPDATE homes SET owner_id = {} WHERE id = {}"
    answer = world.attempt("home_admin", give, world.ids["home_admin"], home(world))
    assert answer.startswith("42501")
    assert world.attempt("stranger", give, world.ids["stranger"], home(world)) == "0"
    assert world.attempt("admin", give, world.ids["admin"], home(world)) == "0"
    assert world.attempt("home_admin", "UPDATE homes SET name = {} WHERE id = {}", "ours", home(world)) == "1"

    assert kept(world, "owner", give, world.ids["newcomer"], home(world)) == 1
    assert world.attempt("newcomer", "SELECT 1 FROM homes WHERE id = {}", home(world)) == "1"
    assert world.attempt("owner", "DELETE FROM homes WHERE id = {}", home(world)) == "0"


def test_whoever_makes_a_home_gets_it_back_at_once(world):
    statement = "INSERT INTO homes (owner_id, name) VALUES ({}, 'new') RETURNING id"
    [(made,)] = kept(world, "stranger", statement, world.ids["stranger"])
    assert world.attempt("stranger", "INSERT INTO rooms (home_id, name) VALUES ({}, 'hall')", str(made)) == "1"


def test_permissions_that_are_neither_true_nor_false_give_nothing(world):
    for value in ('"true"', "1", '"yes"', "null", "{}"):
        permissions = f'{{"control": {value}, "configure": {value}}}'
        world.db.execute(
            "UPDATE home_members SET permissions = %s WHERE user_id = %s", (permissions, world.ids["controller"])
        )
        assert world.attempt("controller", "SELECT 1 FROM homes WHERE id = {}", home(world)) == "1"
        answer = world.attempt("controller", "UPDATE rooms SET name = 'mine' WHERE home_id = {}", home(world))
        assert answer == "0", (value, answer)


def test_what_was_sent_is_marked_as_read_and_nothing_else(world):
    mark = "UPDATE user_notifications SET status = {}, read_at = now() WHERE id = {}"
    mine = row_id(world, "user_notifications")
    assert world.attempt("owner", mark, "read", mine) == "1"
    assert world.attempt("owner", mark, "failed", mine).startswith("42501")
    assert world.attempt("admin", mark, "read", mine).startswith("42501")
    assert world.attempt("viewer", mark, "read", mine) == "0"


@pytest.mark.parametrize(
    "call, allowed",
    [
        ("SELECT hub_command_v1(jsonb_build_object('home_id', {}, 'kind', 'scene.activate'))", {"controller"}),
        (
            "SELECT hub_command_v1(jsonb_build_object('home_id', {}, 'kind', 'backup'))",
            {"configurer", "installer"},
        ),
        ("SELECT hub_issue_claim_code_v1(jsonb_build_object('home_id', {}))", {"configurer", "installer"}),
    ],
)
def test_who_commands_a_hub_and_who_claims_one(world, call, allowed):
    for persona in worlds.PERSONAS:
        may = persona in allowed | {"owner", "home_admin", "service_role"}
        answer = world.attempt(persona, call, home(world))
        assert (answer == "1") is may, (persona, answer)
        assert may or answer.startswith(("PT404", "42501")), (persona, answer)


def test_who_decides_a_conflict(world):
    """Nothing waits there, which only those hear who might decide it."""
    decide = "SELECT hub_decide_conflict_v1(jsonb_build_object('home_id', {}, 'entity_type', 'scene', 'id', {}, 'for', 'hub'))"
    for persona in worlds.PERSONAS:
        may = persona in {"configurer", "installer", "owner", "home_admin", "service_role"}
        answer = world.attempt(persona, decide, home(world), str(uuid.uuid4()))
        assert answer.startswith("PT409" if may else ("PT404", "42501")), (persona, answer)


# What the operator relies on.


def test_the_operator_inserts_updates_and_meets_conflicts_through_the_views(world):
    reading = "INSERT INTO energy_usage (time, device_id, home_id, power_watts) VALUES (now(), {}, {}, 1)"
    assert world.attempt("service_role", reading, row_id(world, "devices"), home(world)) == "1"
    alert = str(uuid.uuid4())
    statement = (
        "INSERT INTO alerts (id, time, home_id, alert_type, severity, title, message) VALUES ({}, {}, {}, 'battery_low', 'info', 'a', 'b')"
        " ON CONFLICT (id, time) DO UPDATE SET title = 'again' RETURNING title"
    )
    assert kept(world, "service_role", statement, alert, AT, home(world)) == [("a",)]
    assert kept(world, "service_role", statement, alert, AT, home(world, "foreign")) == [("again",)]
    nowhere = world.attempt("service_role", statement, str(uuid.uuid4()), AT, str(uuid.uuid4()))
    assert nowhere.startswith("44000")
