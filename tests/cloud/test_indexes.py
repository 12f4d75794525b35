"""Every index has a reason, every deletion of a parent finds an index, and what hubs report all day is in none."""

import re
import tomllib
import uuid
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.cloud.rows import TABLES, insert

QUERIES = tomllib.loads((Path(__file__).parent / "indexes.toml").read_text(encoding="utf-8"))

# Of each index: its table, its name, its columns in order, whether it is of a key, and whether it holds every row that has a
# value in its first column.
INDEXES = """
    SELECT n.nspname || '.' || t.relname, c.relname,
        ARRAY(SELECT pg_get_indexdef(i.indexrelid, k, true) FROM generate_series(1, i.indnkeyatts) k),
        i.indisunique,
        i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) = format('(%s IS NOT NULL)', pg_get_indexdef(i.indexrelid, 1, true))
    FROM pg_index i
    JOIN pg_class c ON c.oid = i.indexrelid
    JOIN pg_class t ON t.oid = i.indrelid
    JOIN pg_namespace n ON n.oid = t.relnamespace
    WHERE n.nspname IN ('public', 'ts')
"""
# Foreign keys, and what stands in for them on the hypertables.
REFERENCES = """
    SELECT k.conrelid::regclass::text, a.attname::text
    FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
    WHERE k.contype = 'f' AND k.connamespace IN ('public'::regnamespace, 'ts'::regnamespace)
        AND k.confrelid <> 'ts.hypertables'::regclass  -- a list of seventeen
    UNION
    SELECT 'ts.' || r.base_table, r.column_name
    FROM unnest(ARRAY['homes', 'devices', 'automations', 'scenes', 'alert_rules', 'users', 'oem_partners']) p, ts.references_to(p) r
"""


@pytest.fixture(scope="module")
def indexes(dsn):
    with psycopg.connect(dsn) as connection:
        return connection.execute(INDEXES).fetchall()


@pytest.fixture(scope="module")
def references(dsn):
    with psycopg.connect(dsn) as connection:
        return {
            (table if "." in table else f"public.{table}", column) for table, column in connection.execute(REFERENCES)
        }


def test_whoever_is_deleted_is_found_by_index_wherever_something_refers_to_them(indexes, references):
    found = {(table, columns[0]) for table, _, columns, _, is_whole in indexes if is_whole}
    assert references - found == set()


def test_every_index_is_of_a_key_or_a_foreign_key_or_a_query_that_is_written_down(indexes, references, db):
    is_timescale = db.execute("SELECT FROM pg_extension WHERE extname = 'timescaledb'").fetchone() is not None
    without_reason = {
        name
        for table, name, columns, is_unique, is_whole in indexes
        if not is_unique
        and not (is_whole and (table, columns[0]) in references)
        and name not in QUERIES
        # Made by create_hypertable: chunks are read by time.
        and not (is_timescale and name.endswith(("_time_idx", "_created_at_idx")))
    }
    assert without_reason == set()


def test_no_reason_is_written_down_for_an_index_that_is_gone(indexes):
    assert QUERIES.keys() - {name for _, name, *_ in indexes} == set()


def test_no_index_begins_as_another_one_does(indexes):
    """Of two indexes with the same columns in front, the longer serves both."""
    whole = [
        (table, columns, name) for table, name, columns, is_unique, is_whole in indexes if is_whole and not is_unique
    ]
    covered = {
        name
        for table, columns, name in whole
        for other_table, other_name, other_columns, _, other_is_whole in indexes
        if name != other_name and table == other_table and other_is_whole and other_columns[: len(columns)] == columns
    }
    assert covered == set()


@pytest.mark.parametrize("name", QUERIES)
def test_the_planner_uses_the_index_for_its_query(db, several_backends, name):
    statement = QUERIES[name]["query"].replace("{id}", f"'{uuid.uuid4()}'")
    with db.transaction(force_rollback=True):
        db.execute("SET LOCAL enable_seqscan = off")  # the tables are all but empty here
        if (named := re.search(r" FROM ts\.(\w+)", statement)) and named[1] in TABLES:
            # A hypertable without a chunk has nothing to look into.
            insert(db, named[1], **{TABLES[named[1]]["hypertable"]["time_column"]: datetime.now(UTC)})
        plan = _plan(db, statement)
        rival = re.search(r"^Index Scan using (?:_hyper_\d+_\d+_chunk_)?(\w+) on", plan)
        if rival and rival[1] != name:
            # Over tables that are all but empty two indexes cost about the same, and chance decides; one that is dearer has no excuse.
            (rivals,) = db.execute("SELECT c.oid::regclass::text FROM pg_class c WHERE c.relname = %s", (rival[1],))
            db.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(*rivals[0].split("."))))
            dearer, plan = _cost(plan), _plan(db, statement)
            assert _cost(plan) <= dearer * 1.05, plan
    assert re.search(rf" (_hyper_\d+_\d+_chunk_)?{name} ", plan), plan  # a chunk's index has the chunk's name in front


def _plan(db, statement):
    return "\n".join(line for (line,) in db.execute("EXPLAIN " + statement))


def _cost(plan):
    return float(re.search(r"cost=[\d.]+?\.\.([\d.]+)", plan)[1])


def test_what_hubs_report_all_day_is_in_no_index(db):
    """So that such an update stays within its page (HOT), whatever else the row is indexed by."""
    found = db.execute("""
        SELECT DISTINCT k.target_table, a.attname
        FROM hub_definition_kinds k
        JOIN pg_index i ON i.indrelid = format('public.%I', k.target_table)::regclass
        JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid AND d.refobjid = i.indrelid AND d.refobjsubid > 0
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = d.refobjsubid
        WHERE a.attname = ANY (k.observed_columns)
    """).fetchall()
    assert found == []
