"""Who may see what is asked once a query, not once a row, and an index finds a home's rows."""

import json
import re

import psycopg
import pytest

from tests.cloud.access import world as worlds

ROWS = 60


@pytest.fixture(scope="module")
def world(dsn):
    with psycopg.connect(dsn, autocommit=True) as connection, connection.transaction(force_rollback=True):
        world = worlds.build(connection)
        home = world.ids["home own"]
        connection.execute(
            "INSERT INTO devices (home_id, device_name, device_type) SELECT %s, 'd' || n, 'light' FROM generate_series(1, %s) n",
            (home, ROWS),
        )
        connection.execute(
            "INSERT INTO ts.device_telemetry (time, device_id, metric_type, value)"
            " SELECT now() - make_interval(mins => n), d.id, 'power', n FROM devices d, generate_series(1, 10) n WHERE d.home_id = %s",
            (home,),
        )
        connection.execute(
            "INSERT INTO ts.energy_usage (time, device_id, home_id, power_watts)"
            " SELECT now() - make_interval(mins => n), d.id, d.home_id, n FROM devices d, generate_series(1, 10) n WHERE d.home_id = %s",
            (home,),
        )
        # What other tests have written there meanwhile is not what the planner is to reckon with.
        connection.execute("ANALYZE devices, ts.device_telemetry, ts.energy_usage")
        yield world


def as_owner(world):
    role, claims = world.claims_of("owner")
    world.db.execute("SELECT set_config('request.jwt.claims', %s, true), set_config('role', %s, true)", (claims, role))


QUERIES = {
    "devices": "SELECT * FROM devices",
    "diagnostic_issues": "SELECT * FROM diagnostic_issues",
    "device_telemetry": "SELECT * FROM device_telemetry WHERE time >= now() - interval '24 hours'",
    "energy_usage": "SELECT * FROM energy_usage WHERE time >= now() - interval '24 hours'",
}


@pytest.mark.parametrize("relation", QUERIES)
def test_whose_homes_is_asked_a_fixed_number_of_times_however_many_rows_there_are(world, relation):
    calls = "SELECT coalesce(pg_stat_get_xact_function_calls('hub_sync.my_homes_to(text)'::regprocedure), 0)"
    with world.db.transaction(force_rollback=True):
        world.db.execute("SET LOCAL track_functions = 'all'")
        before = world.db.execute(calls).fetchone()[0]
        as_owner(world)
        found = len(world.db.execute(QUERIES[relation]).fetchall())
        world.db.execute("RESET role")
        asked = world.db.execute(calls).fetchone()[0] - before
    assert found >= (1 if relation == "diagnostic_issues" else ROWS)
    # Once for each policy that the query meets: those to see with and those to change with.
    assert 1 <= asked <= 3


@pytest.mark.parametrize("view", ["hub_sync_overview", "hub_stream_positions"])
@pytest.mark.usefixtures("several_backends")
def test_how_a_homes_link_stands_is_found_by_indexes_however_many_homes_there_are(world, view):
    with world.db.transaction(force_rollback=True):
        world.db.execute("SET LOCAL enable_seqscan = off")
        statement = f"EXPLAIN (COSTS OFF) SELECT * FROM {view} WHERE home_id = %s"
        plan = "\n".join(line for (line,) in world.db.execute(statement, (world.ids["home own"],)))
    read_whole = re.findall(r"Seq Scan on (\w+)", plan)
    assert set(read_whole) <= {"hub_streams", "ecosystems"}, plan


@pytest.mark.parametrize("relation", ["devices", "device_telemetry", "energy_usage"])
def test_a_homes_rows_are_found_by_an_index(world, relation):
    with world.db.transaction(force_rollback=True):
        # The tests' tables are so small that reading all of them would be cheaper.
        world.db.execute("SET LOCAL enable_seqscan = off")
        as_owner(world)
        plan = world.db.execute("EXPLAIN (FORMAT JSON) " + QUERIES[relation]).fetchone()[0]
        world.db.execute("RESET role")
    nodes = json.dumps(plan)
    assert "Index Cond" in nodes
    assert '"Node Type": "Seq Scan"' not in nodes
