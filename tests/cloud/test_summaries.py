"""The summaries of homes, devices and energy: right figures, only for those who may see them, renewed without a pause."""

import uuid
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest

NOW = datetime.now(UTC)


@pytest.fixture
def refresh(db):
    def refresh():
        notices = []
        db.add_notice_handler(lambda notice: notices.append(notice.message_primary))
        with db.transaction():
            db.execute("SET LOCAL ROLE service_role")
            db.execute("SELECT public.refresh_materialized_views()")
        return notices

    return refresh


def add_device(db, home_id, **columns):
    columns = {"device_name": "lamp", "device_type": "light", "home_id": home_id} | columns
    names, marks = ", ".join(columns), ", ".join(["%s"] * len(columns))
    return db.execute(f"INSERT INTO devices ({names}) VALUES ({marks}) RETURNING id", [*columns.values()]).fetchone()[0]


def add_energy(db, home_id, device_id, at, kwh, *, is_peak_hour=False, watts=100.0, cost="0.25"):
    db.execute(
        "INSERT INTO ts.energy_usage (time, device_id, home_id, power_watts, energy_kwh, cost_estimate, is_peak_hour) VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (at, device_id, home_id, watts, kwh, cost, is_peak_hour),
    )


ENERGY = "SELECT day, total_energy_kwh, sample_count FROM ts.energy_usage_summary WHERE home_id = %s ORDER BY day"


def test_the_dashboard_counts_each_thing_once_however_much_else_there_is(db, new_home, read_as, refresh):
    home_id, owner_id = new_home()
    add_device(db, home_id, is_online=True, health_score=90, last_seen_at=NOW)
    add_device(db, home_id, is_online=False, health_score=45, battery_level=20, connectivity_status="weak")
    add_device(db, home_id, is_online=None, health_score=None)
    add_device(db, home_id, deleted_at=NOW)
    add_device(db, home_id, device_type="other", manufacturer_device_id="helper/holiday")
    db.execute(
        "INSERT INTO automations (home_id, name, automation_type, is_enabled, health_status, deleted_at) VALUES"
        " (%(h)s, 'a', 'scheduled', true, 'healthy', NULL), (%(h)s, 'b', 'scheduled', false, 'broken', NULL), (%(h)s, 'c', 'scheduled', true, 'healthy', now())",
        {"h": home_id},
    )
    db.execute("INSERT INTO scenes (home_id, name) VALUES (%(h)s, 'evening'), (%(h)s, 'film')", {"h": home_id})
    db.execute(
        "INSERT INTO ts.alerts (home_id, time, alert_type, severity, title, message, status) VALUES"
        " (%(h)s, now(), 'battery_low', 'info', 't', 'm', 'active'), (%(h)s, now() - interval '3 days', 'battery_low', 'critical', 't', 'm', 'active'),"
        " (%(h)s, now(), 'battery_low', 'critical', 't', 'm', 'resolved')",
        {"h": home_id},
    )

    assert refresh() == []

    assert read_as(owner_id, "SELECT * FROM home_dashboard_summary WHERE home_id = %s", home_id) == [
        (uuid.UUID(home_id), "Test home", uuid.UUID(owner_id), 3, 1, 2, 1, 1, pytest.approx(67.5), 45, 2, 1, 1, 2, 1, 1, NOW)
    ]  # fmt: skip


def test_a_device_s_health_counts_each_source_by_itself(db, new_home, read_as, refresh):
    home_id, owner_id = new_home()
    device_id = add_device(db, home_id)
    ids = {"h": home_id, "d": device_id}
    db.execute(
        "INSERT INTO ts.device_error_logs (device_id, home_id, error_level, time) SELECT %(d)s, %(h)s, 'error', now() - n * interval '20 hours' FROM generate_series(0, 9) n",
        ids,
    )
    runs = db.execute(
        "INSERT INTO diagnostic_runs (device_id, home_id, overall_status, started_at) SELECT %(d)s, %(h)s, 'warning', now() - n * interval '20 days' FROM generate_series(0, 2) n RETURNING id",
        ids,
    ).fetchall()
    db.execute(
        "INSERT INTO diagnostic_issues (diagnostic_run_id, device_id, issue_type, severity, title, status) SELECT %(r)s, %(d)s, 'sensor', severity, 't', status"
        " FROM (VALUES ('critical'::alert_severity, 'open'), ('critical', 'investigating'), ('critical', 'fixed'), ('error', 'open')) v (severity, status)",
        ids | {"r": runs[0][0]},
    )
    db.execute(
        "INSERT INTO failure_predictions (device_id, home_id, failure_type, failure_probability, risk_score, severity, prediction_status)"
        " SELECT %(d)s, %(h)s, 'battery', 0.5, risk, 'warning', status FROM (VALUES (40, 'active'), (70, 'active'), (90, 'resolved')) v (risk, status)",
        ids,
    )
    action_id = db.execute("SELECT id FROM self_healing_actions LIMIT 1").fetchone()[0]
    db.execute(
        "INSERT INTO ts.self_healing_executions (device_id, home_id, action_id, status, success, started_at, triggered_by, issue_detected)"
        " SELECT %(d)s, %(h)s, %(a)s, 'completed', n = 1, now(), 'alert', 'offline' FROM generate_series(1, 3) n",
        ids | {"a": action_id},
    )
    db.execute(
        "INSERT INTO ts.anomaly_detections (device_id, home_id, anomaly_type, anomaly_score, severity, status, time)"
        " SELECT %(d)s, %(h)s, 'spike', 1, 'info', status, at FROM (VALUES ('new', now()), ('false_positive', now()), ('new', now() - interval '8 days')) v (status, at)",
        ids,
    )

    refresh()

    found = read_as(owner_id, "SELECT * FROM device_health_summary WHERE home_id = %s", home_id)
    assert [row[8:17] for row in found] == [(9, 2, 2, 2, 70, 2, 3, 1, 1)]
    assert found[0][0] == device_id


def test_a_day_of_energy_is_the_home_s_own_day(db, new_home, read_as, refresh):
    home_id, owner_id = new_home()
    device_id = add_device(db, home_id, device_type="plug")
    db.execute("UPDATE homes SET timezone = 'Europe/Stockholm' WHERE id = %s", (home_id,))
    add_energy(db, home_id, device_id, "2026-03-01T22:30Z", 1.0, is_peak_hour=True, watts=300)  # 23:30 of the 1st
    add_energy(db, home_id, device_id, "2026-03-01T23:30Z", 2.0, watts=100)  # 0:30 of the 2nd
    add_energy(db, home_id, add_device(db, home_id), "2026-03-02T12:00Z", 4.0, watts=200)
    add_energy(db, home_id, device_id, "2026-03-02T13:00Z", None, watts=None, cost=None)

    refresh()

    days = read_as(
        owner_id,
        "SELECT * FROM energy_usage_summary WHERE home_id = %s AND day >= %s ORDER BY day",
        home_id,
        datetime(2026, 2, 28, 23, tzinfo=UTC),
    )
    home = uuid.UUID(home_id)
    assert days == [
        (home, datetime(2026, 2, 28, 23, tzinfo=UTC), 1.0, 300, 300, pytest.approx(0.25), 1.0, None, 1, 1),
        (home, datetime(2026, 3, 1, 23, tzinfo=UTC), 6.0, 150, 200, pytest.approx(0.50), None, 6.0, 2, 3),
    ]


def test_what_comes_late_changes_and_goes_is_summed_again(db, new_home, refresh):
    home_id, _ = new_home()
    device_id = add_device(db, home_id)
    old = NOW - timedelta(days=40)
    add_energy(db, home_id, device_id, old, 1.0)
    refresh()
    add_energy(db, home_id, device_id, old + timedelta(seconds=1), 2.0)
    refresh()
    assert [row[1:] for row in db.execute(ENERGY, (home_id,))] == [(3.0, 2)]
    db.execute("UPDATE ts.energy_usage SET energy_kwh = 5 WHERE home_id = %s AND energy_kwh = 2", (home_id,))
    refresh()
    assert [row[1:] for row in db.execute(ENERGY, (home_id,))] == [(6.0, 2)]
    db.execute("DELETE FROM ts.energy_usage WHERE home_id = %s", (home_id,))
    refresh()
    assert db.execute(ENERGY, (home_id,)).fetchall() == []


def test_what_is_deleted_on_the_same_day_is_summed_again(db, new_home, refresh):
    home_id, _ = new_home()
    device_id = add_device(db, home_id)
    add_energy(db, home_id, device_id, NOW, 1.0)
    refresh()
    assert [row[1:] for row in db.execute(ENERGY, (home_id,))] == [(1.0, 1)]
    db.execute("DELETE FROM ts.energy_usage WHERE home_id = %s", (home_id,))
    refresh()
    assert db.execute(ENERGY, (home_id,)).fetchall() == []


def test_a_home_that_moves_to_another_zone_gets_its_days_anew(db, new_home, refresh):
    home_id, _ = new_home()
    device_id = add_device(db, home_id)
    for hour in range(48):
        add_energy(db, home_id, device_id, datetime(2026, 1, 10, tzinfo=UTC) + timedelta(hours=hour), 1.0)
    refresh()
    db.execute("UPDATE homes SET timezone = 'Asia/Kolkata' WHERE id = %s", (home_id,))
    refresh()
    zone = ZoneInfo("Asia/Kolkata")
    assert db.execute(ENERGY, (home_id,)).fetchall() == [
        (datetime(2026, 1, 10, tzinfo=zone), 19.0, 19),
        (datetime(2026, 1, 11, tzinfo=zone), 24.0, 24),
        (datetime(2026, 1, 12, tzinfo=zone), 5.0, 5),
    ]


def test_the_days_on_which_clocks_change_are_as_long_as_they_are(db, new_home, refresh):
    home_id, _ = new_home()
    device_id = add_device(db, home_id)
    for hour in range(24 * 3):
        add_energy(db, home_id, device_id, datetime(2026, 3, 27, 23, tzinfo=UTC) + timedelta(hours=hour), 1.0)
    refresh()
    assert [row[2] for row in db.execute(ENERGY, (home_id,))] == [24, 23, 24, 1]


def test_a_zone_that_nobody_knows_counts_as_utc_and_stops_no_other_home(db, new_home, refresh):
    home_id, _ = new_home()
    db.execute("UPDATE homes SET timezone = 'Middle-earth/Shire' WHERE id = %s", (home_id,))
    add_energy(db, home_id, add_device(db, home_id), "2026-02-01T23:30Z", 1.0)
    assert refresh() == []
    assert db.execute(ENERGY, (home_id,)).fetchall() == [(datetime(2026, 2, 1, tzinfo=UTC), 1.0, 1)]


def test_a_late_row_still_in_flight_is_not_lost_to_a_refresh(db, dsn, new_home, refresh, several_backends):
    home_id, _ = new_home()
    device_id = add_device(db, home_id)
    old = NOW - timedelta(days=40)
    add_energy(db, home_id, device_id, old, 1.0)  # its mark is there already
    with psycopg.connect(dsn) as other:
        add_energy(other, home_id, device_id, old, 2.0)
        with db.transaction():
            db.execute("SET LOCAL lock_timeout = '200ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                db.execute("SELECT ts.renew_energy_days()")
        other.commit()
    refresh()
    assert [row[1:] for row in db.execute(ENERGY, (home_id,))] == [(3.0, 2)]


def test_nobody_sees_another_home_s_summaries_and_nobody_may_renew_them(db, new_home, read_as, refresh):
    home_id, owner_id = new_home()
    _, stranger_id = new_home()
    add_energy(db, home_id, add_device(db, home_id), NOW, 1.0)
    refresh()
    for view in ("home_dashboard_summary", "device_health_summary", "energy_usage_summary"):
        statement = f"SELECT count(*) FROM {view} WHERE home_id = %s"
        assert read_as(owner_id, statement, home_id) == [(1,)]
        assert read_as(stranger_id, statement, home_id) == [(0,)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            read_as(owner_id, f"SELECT * FROM ts.{view}")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        read_as(owner_id, "SELECT refresh_materialized_views()")


def test_one_summary_that_fails_is_told_and_does_not_stop_the_others(db, dsn, new_home, refresh, several_backends):
    home_id, _ = new_home()
    db.execute("SET lock_timeout = '100ms'")
    with psycopg.connect(dsn) as other:
        other.execute("REFRESH MATERIALIZED VIEW ts.home_dashboard_summary")
        notices = refresh()
    assert [notice.partition(" is not refreshed")[0] for notice in notices] == ["home_dashboard_summary"]
    add_device(db, home_id)
    refresh()
    assert db.execute(
        "SELECT total_devices FROM ts.home_dashboard_summary WHERE home_id = %s", (home_id,)
    ).fetchone() == (1,)


def test_readers_go_on_while_the_summaries_are_renewed(db, dsn, new_home, refresh, several_backends):
    home_id, _ = new_home()
    refresh()
    ask = "SELECT total_devices FROM ts.home_dashboard_summary WHERE home_id = %s"
    db.execute("SET lock_timeout = '100ms'")
    with psycopg.connect(dsn) as other:
        assert other.execute(ask, (home_id,)).fetchone() == (0,)  # and its transaction stays open
        add_device(db, home_id)
        assert refresh() == []
    assert db.execute(ask, (home_id,)).fetchone() == (1,)
