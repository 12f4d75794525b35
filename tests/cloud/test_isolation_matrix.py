"""Everybody tries everything: each relation, each verb, their own home's row and another's. The answers are compared with
tests/cloud/access/who_may.txt, which knows nothing of the SQL. A relation that it does not name fails by name.
"""

import fnmatch

import psycopg
import pytest
from psycopg import sql

from tests.cloud.access import expected, world as worlds
from tests.cloud.access.matrix import CLOSED, EXPECTED, relations, seen_otherwise


@pytest.fixture(scope="module")
def world(dsn):
    with psycopg.connect(dsn, autocommit=True) as connection, connection.transaction(force_rollback=True):
        yield worlds.build(connection)


def test_every_relation_has_an_expectation_and_every_expectation_a_relation(world):
    found = {(schema, name) for schema, name, kind in relations(world.db) if kind != "S"}
    public = {name for schema, name in found if schema == "public"}
    assert public == set(EXPECTED)
    inner = {f"{schema}.{name}" for schema, name in found if schema != "public"}
    assert not {name for name in inner if not expected.is_closed(name, CLOSED)}
    assert {pattern for pattern in CLOSED if fnmatch.filter(inner, pattern)} >= {"ts.*", "hub_sync.*"}


def test_everybody_reaches_the_rows_that_are_theirs_and_no_others(world):
    wrong = seen_otherwise(world)
    assert not wrong, "\n".join(wrong)


def test_the_operator_works_where_it_may_not_bypass_policies(world):
    with world.db.transaction(force_rollback=True):
        world.db.execute("ALTER ROLE service_role NOBYPASSRLS")
        wrong = seen_otherwise(world, ["service_role"])
    assert not wrong, "\n".join(wrong)


def test_clients_are_refused_at_everything_inside(world):
    inside = [
        (schema, name) for schema, name, kind in relations(world.db) if schema != "public" and kind not in {"S", "m"}
    ]
    statements = []
    for schema, name in inside:
        table = sql.Identifier(schema, name)
        column = world.db.execute(
            "SELECT attname::text FROM pg_attribute WHERE attrelid = format('%%I.%%I', %s::text, %s::text)::regclass AND attnum > 0 AND NOT attisdropped LIMIT 1",
            (schema, name),
        ).fetchone()
        statements += [
            sql.SQL("SELECT 1 FROM {} LIMIT 1").format(table),
            sql.SQL("INSERT INTO {} DEFAULT VALUES").format(table),
            sql.SQL("DELETE FROM {}").format(table),
        ]
        if column:  # TimescaleDB has tables without any
            statements.append(sql.SQL("UPDATE {} SET {} = NULL").format(table, sql.Identifier(column[0])))
    texts = [statement.as_string(world.db) for statement in statements]
    for persona in worlds.CLIENTS:
        answers = world.attempts(persona, statements)
        through = [
            f"{text}: {answer}"
            for text, answer in zip(texts, answers, strict=True)
            if not answer.startswith(("42501", "55000"))
            # What nobody at all can ask: the roots of compressed chunks.
            and not ("_compressed_hypertable_" in text and answer.startswith(("XX000 chunk", "0A000 direct insert")))
        ]
        assert not through, (persona, through)


def test_clients_cannot_even_name_what_is_inside(world):
    open_to = world.db.execute(
        "SELECT r.name, n.nspname FROM pg_namespace n, unnest('{anon,authenticated,hub}'::text[]) r (name)"
        # TimescaleDB's own schemas have to be usable, or no session of a client could start; nothing in them may be touched.
        " WHERE n.nspname IN ('ts', 'hub_sync')"
        " AND has_schema_privilege(r.name, n.oid, 'USAGE')"
    ).fetchall()
    assert open_to == []


def test_clients_are_refused_at_materialized_views_and_sequences(world):
    statements = [
        sql.SQL("SELECT nextval({})").format(sql.Literal(sql.Identifier(schema, name).as_string(world.db)))
        if kind == "S"
        else sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier(schema, name))
        for schema, name, kind in relations(world.db)
        if kind in {"S", "m"}
    ]
    assert len(statements) >= 4
    for persona in worlds.CLIENTS:
        answers = world.attempts(persona, statements)
        assert {answer[:5] for answer in answers} == {"42501"}, (persona, answers)


def test_the_operator_reads_and_writes_the_base_tables(world):
    for table in ("device_telemetry", "alerts", "audit_logs"):
        statement = sql.SQL("UPDATE {} SET metadata = metadata WHERE {}").format(
            sql.Identifier("ts", table), world.key(table, "own")
        )
        assert world.attempts("service_role", [statement]) != ["0"]


def test_nobody_makes_tables_beside_ours(world):
    for persona in worlds.CLIENTS:
        for schema in ("public", "ts", "hub_sync"):
            assert world.attempt(persona, f"CREATE TABLE {schema}.of_mine (id integer)").startswith("42501"), persona
