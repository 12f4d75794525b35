"""Tries every verb on every relation of schema public as everybody, and compares with who_may.txt."""

from pathlib import Path

from psycopg import sql

from tests.cloud.access import expected, world as worlds
from tests.cloud.conftest import IS_WASM

HERE = Path(__file__).parent
EXPECTED, CLOSED = expected.read()
# Not the row's fault: no right, a foreign home, or nothing that could be written at all.
REFUSED = ("42501", "44000", "55000", "42809", "0A000")


def relations(db):
    return db.execute((HERE / "relations.sql").read_text()).fetchall()


def own_to_the_engine(db) -> set[str]:
    """All relations; in the second run, on TimescaleDB, those that lie over hypertables."""
    if not IS_WASM:
        return set(EXPECTED)
    found = {name for (name,) in db.execute((HERE / "over_hypertables.sql").read_text())}
    assert len(found) > 20
    return found & set(EXPECTED)


def is_allowed(persona, verb, answer):
    """Whether an attempt got through, though a rule of the data may have stopped it afterwards."""
    if answer.isdigit():
        return answer != "0"
    if answer.startswith(REFUSED):
        return False
    if answer.startswith("23505") or (verb == "DELETE" and answer.startswith("23503")):
        return True
    if persona == "service_role" and answer.startswith(("23", "P0", "PT")):
        return True
    return answer


def statements_for(world, relation, side):
    """One statement a verb, each on or for the side's row."""
    table = sql.Identifier("public", relation)
    where = world.key(relation, side)
    row = world.fresh(relation, side)
    names = [column.name for column in world.columns[relation]]
    is_found = bool(set(names) & set(worlds.KEYS))
    may_update = {
        name
        for (name,) in world.db.execute(
            "SELECT attname::text FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND has_column_privilege('authenticated', attrelid, attnum, 'UPDATE')",
            (f"public.{relation}",),
        )
    }
    column = sql.Identifier(next((name for name in names if name in may_update), names[-1]))
    insert = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        table,
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(sql.Literal(value) for value in row.values()),
    )
    return {
        # Where no row is anybody's, being let in is what counts.
        "SELECT": sql.SQL("SELECT 1 FROM {} WHERE {}").format(table, where)
        if is_found
        else sql.SQL("SELECT count(*) FROM {}").format(table),
        "INSERT": insert if row else sql.SQL("INSERT INTO {} DEFAULT VALUES").format(table),
        "UPDATE": sql.SQL("UPDATE {} SET {} = {} WHERE {}").format(table, column, column, where),
        "DELETE": sql.SQL("DELETE FROM {} WHERE {}").format(table, where),
    }


def seen_otherwise(world, personas=worlds.PERSONAS):
    """The cells in which what is seen is not what is expected. Policies of plain tables are PostgreSQL's, on every engine."""
    there = {name for schema, name, kind in relations(world.db) if schema == "public" and kind != "S"}
    names = sorted(own_to_the_engine(world.db) & there)
    cells = [
        (name, side, verb, statement)
        for name in names
        for side in worlds.SIDES
        for verb, statement in statements_for(world, name, side).items()
    ]
    wrong = []
    for persona in personas:
        answers = world.attempts(persona, [statement for *_cell, statement in cells])
        for (name, side, verb, _statement), answer in zip(cells, answers, strict=True):
            may = persona in getattr(EXPECTED[name], side)[verb]
            if is_allowed(persona, verb, answer) is not may:
                wrong.append(f"{persona} {verb} {name} ({side} home): expected {'yes' if may else 'no'}, seen {answer}")
    return wrong
