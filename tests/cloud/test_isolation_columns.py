"""Column by column and function by function: what people may change, what nobody reads, and who may call what."""

from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.cloud.access import expected, world as worlds
from tests.cloud.access.matrix import own_to_the_engine

HERE = Path(worlds.__file__).parent
EXPECTED, _closed = expected.read()
WRITABLE, HIDDEN = expected.read_columns()
FUNCTIONS = expected.read_functions()
THE_DATABASES_OWN = {"id", "created_at", "updated_at", "search_vector"}
# No right, or nothing that anybody could write: a view's, an expression's, an identity's column.
REFUSED = ("42501", "55000", "0A000", "428C9")
# The owner is also whom the rows of one person belong to.
WRITERS = ["owner", "home_admin", "configurer", "controller", "admin"]
CALLERS = {"anon": {"anybody"}, "authenticated": {"anybody", "authenticated"}, "hub": {"anybody", "hub"}}


@pytest.fixture(scope="module")
def world(dsn):
    with psycopg.connect(dsn, autocommit=True) as connection, connection.transaction(force_rollback=True):
        yield worlds.build(connection)


def writable(relation, columns):
    listed = WRITABLE.get(relation, set())
    return columns - THE_DATABASES_OWN if listed == {"*"} else listed


def test_each_column_is_changed_by_whom_it_belongs_to_and_by_nobody_else(world):
    cells = [
        (relation, column.name)
        for relation in sorted(own_to_the_engine(world.db))
        for column in world.columns[relation]
        if column.name not in HIDDEN.get(relation, ())
    ]
    statements = [
        sql.SQL("UPDATE {} SET {} = {} WHERE {}").format(
            sql.Identifier("public", relation),
            sql.Identifier(column),
            sql.Identifier(column),
            world.key(relation, "own"),
        )
        for relation, column in cells
    ]
    wrong = []
    for persona in WRITERS:
        for (relation, column), answer in zip(cells, world.attempts(persona, statements), strict=True):
            all_columns = {one.name for one in world.columns[relation]}
            may = persona in EXPECTED[relation].own["UPDATE"] and column in writable(relation, all_columns)
            if (answer == "1") is not may or not (answer.isdigit() or answer.startswith(REFUSED)):
                wrong.append(f"{persona} UPDATE {relation}.{column}: expected {'yes' if may else 'no'}, seen {answer}")
    assert not wrong, "\n".join(wrong)


def test_new_rows_take_no_columns_that_are_the_hubs_or_the_operators(world):
    rows = world.db.execute(
        "SELECT c.relname::text, a.attname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v') AND has_column_privilege('authenticated', c.oid, a.attnum, 'INSERT')"
    ).fetchall()
    granted = {f"{relation}.{column}" for relation, column in rows}
    assert "devices.device_name" in granted
    assert not granted & {
        "devices.is_online",
        "devices.battery_level",
        "devices.health_score",
        "devices.last_seen_at",
        "automations.total_executions",
        "automations.health_status",
        "scenes.activation_count",
        "security_scans.findings",
        "network_access_rules.hit_count",
        "alert_rules.alert_count",
        "user_integrations.access_token",
        "device_telemetry.created_at",
        "device_error_logs.is_resolved",
    }
    closed = {name for name, line in EXPECTED.items() if line.own["INSERT"] <= {"service_role"}}
    assert not {name.partition(".")[0] for name in granted} & closed


def test_a_secret_is_read_by_nobody_who_is_logged_in(world):
    cells = [(relation, column) for relation, columns in HIDDEN.items() for column in sorted(columns)]
    statements = [
        sql.SQL("SELECT {} FROM {}").format(sql.Identifier(column), sql.Identifier("public", relation))
        for relation, column in cells
    ]
    for persona in worlds.CLIENTS:
        answers = world.attempts(persona, statements)
        assert {answer[:5] for answer in answers} == {"42501"}, (persona, list(zip(cells, answers, strict=True)))
    assert all(answer.isdigit() for answer in world.attempts("service_role", statements))


def test_everything_else_is_read_with_a_star_by_whom_it_belongs_to(world):
    for relation, line in EXPECTED.items():
        reader = next((one for one in ("owner", "partner", "admin") if one in line.own["SELECT"]), None)
        if reader and relation not in HIDDEN:
            statement = sql.SQL("SELECT * FROM {} WHERE {}").format(
                sql.Identifier("public", relation), world.key(relation, "own")
            )
            assert int(world.attempts(reader, [statement])[0]) >= 1, relation


def test_every_function_is_called_by_whom_it_is_for_and_by_nobody_else(world):
    found = world.db.execute((HERE / "functions.sql").read_text()).fetchall()
    assert {name for schema, name, _call in found if schema == "public"} == set(FUNCTIONS)
    inner = [name for schema, name, _call in found if schema != "public"]
    assert "my_homes_to" in inner
    for persona, role in (("anon", "anon"), ("owner", "authenticated"), ("admin", "authenticated"), ("hub", "hub")):
        answers = world.attempts(persona, [sql.SQL(call) for _schema, _name, call in found])
        for (schema, name, _call), answer in zip(found, answers, strict=True):
            may = schema == "public" and FUNCTIONS[name] in CALLERS[role]
            is_refused = answer.startswith("42501 permission denied for")
            assert is_refused is not may, (persona, f"{schema}.{name}", answer)


def test_the_operator_calls_every_function_that_is_not_a_hubs(world):
    found = world.db.execute((HERE / "functions.sql").read_text()).fetchall()
    calls = [call for schema, name, call in found if schema == "public" and FUNCTIONS[name] != "triggers"]
    answers = world.attempts("service_role", [sql.SQL(call) for call in calls])
    refused = [call for call, answer in zip(calls, answers, strict=True) if answer.startswith("42501")]
    assert not refused
