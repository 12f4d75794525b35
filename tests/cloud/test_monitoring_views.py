"""What an operator looks at: slow queries, unused indexes, bloat."""

import psycopg
import pytest

VIEWS = ("slow_queries", "unused_indexes", "table_bloat")


@pytest.mark.parametrize("view", VIEWS)
def test_the_operator_may_look_and_nobody_else(db, new_home, read_as, view):
    with db.transaction():
        db.execute("SET LOCAL ROLE service_role")
        db.execute(f"SELECT * FROM {view}").fetchall()
    _, owner_id = new_home()
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        read_as(owner_id, f"SELECT * FROM {view}")


def test_no_index_that_a_key_needs_is_called_unused(db):
    unused = {name for (name,) in db.execute("SELECT indexname FROM unused_indexes")}
    assert not unused & {"devices_pkey", "idx_devices_room_id", "idx_diagnostic_issues_run"}
    assert "idx_devices_settings_gin" in unused


def test_bloat_is_told_for_each_of_our_tables(db, new_home):
    told = {row[:2] for row in db.execute("SELECT schemaname, tablename FROM table_bloat")}
    assert {("public", "devices"), ("ts", "device_telemetry"), ("public", "hub_marks")} <= told


def test_slow_queries_are_told_once_the_extension_is_there(db, several_backends):
    assert db.execute("SELECT * FROM slow_queries").fetchall() == []
    if db.execute("SELECT FROM pg_available_extensions WHERE name = 'pg_stat_statements'").fetchone() is None:
        pytest.skip("this server does not offer pg_stat_statements")
    with db.transaction(force_rollback=True):
        db.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        # Where its library is loaded it answers; where it is not, the view stays empty instead of failing.
        db.execute("SELECT * FROM slow_queries").fetchall()
