"""From an event to the messages about it: alerts that the cloud raises, who is told, on which channel and when."""

import threading
import uuid
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from tests.cloud.household import Household

SEVERITIES = ("info", "warning", "error", "critical")
CATEGORIES = {
    "device_offline": "device", "battery_low": "device", "firmware_update": "device", "connectivity_issue": "device",
    "security_vulnerability": "security", "unauthorized_access": "security", "energy_anomaly": "energy",
    "automation_failure": "automation", "predictive_failure": "predictive", "self_healing_completed": "system",
    "self_healing_failed": "system", "notice": "system",
}  # fmt: skip
PUSH = "ntfys://ntfy.example.org/topic"
WEBHOOK = "https://hooks.example.org/nexa"
STOCKHOLM = ZoneInfo("Europe/Stockholm")
# Of the database, whose rows outlive an example; each makes its own.
by_the_database = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
by_functions = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def home(db, new_home) -> Household:
    return Household(db, *new_home())


@pytest.fixture
def reachable(home) -> Household:
    home.give_addresses(push=[PUSH], webhook=[WEBHOOK])
    return home


def around_now(zone: ZoneInfo = STOCKHOLM, hours: int = 2) -> dict[str, object]:
    """Quiet hours that hold now."""
    here = datetime.now(zone)
    return {
        "quiet_hours_enabled": True,
        "quiet_hours_start": (here - timedelta(hours=hours)).time().replace(microsecond=0),
        "quiet_hours_end": (here + timedelta(hours=hours)).time().replace(microsecond=0),
    }


def opened(home, kind=None):
    return [
        (row["alert_type"], row["severity"], row["status"])
        for row in home.alerts()
        if kind in {None, row["alert_type"]}
    ]


# Alerts that the cloud raises


def test_a_device_that_goes_offline_and_comes_back_makes_one_alert_that_ends(home):
    device_id = home.add_device()
    home.set_device(device_id, is_online=False)
    home.set_device(device_id, is_online=False, error_count=1)
    assert opened(home) == [("device_offline", "warning", "active")]
    home.set_device(device_id, is_online=True)
    assert opened(home) == [("device_offline", "warning", "resolved")]
    assert home.alerts()[0]["resolved_at"] is not None

    home.set_device(device_id, is_online=False)
    assert opened(home) == [("device_offline", "warning", "resolved"), ("device_offline", "warning", "active")]


def test_an_acknowledged_alert_is_still_open(home):
    device_id = home.add_device()
    home.alert("device_offline", source_device_id=device_id, status="acknowledged", metadata={"raised_by": "cloud"})
    home.set_device(device_id, is_online=False)
    assert opened(home) == [("device_offline", "warning", "acknowledged")]
    home.set_device(device_id, is_online=True)
    assert opened(home) == [("device_offline", "warning", "resolved")]


@pytest.mark.parametrize("kind,severity", [("light", "warning"), ("sensor_smoke", "error"), ("lock", "error")])
def test_what_keeps_people_safe_is_missed_more(home, kind, severity):
    home.set_device(home.add_device(device_type=kind), is_online=False)
    assert opened(home) == [("device_offline", severity, "active")]


def test_a_low_battery_is_told_once_gets_worse_once_and_ends_when_charged(home):
    device_id = home.add_device(battery_level=60)
    for level in (20, 18, 22, 19, 10, 9, 24):
        home.set_device(device_id, battery_level=level)
    assert opened(home) == [("battery_low", "error", "active")]
    assert [row["subject"] for row in home.told() if row["channel"] == "in_app"] == ["Battery of Hall lamp is low"] * 2
    home.set_device(device_id, battery_level=26)
    assert opened(home) == [("battery_low", "error", "resolved")]


def test_a_battery_that_is_being_charged_is_not_complained_about(home):
    device_id = home.add_device(battery_level=60)
    home.set_device(device_id, battery_level=5, is_charging=True)
    assert opened(home) == []
    home.set_device(device_id, is_charging=False)
    assert opened(home) == [("battery_low", "error", "active")]


def test_a_device_that_is_taken_out_ends_its_alerts(home):
    device_id = home.add_device(battery_level=60)
    home.set_device(device_id, is_online=False, battery_level=5)
    home.set_device(device_id, deleted_at=datetime.now(UTC))
    assert {status for _, _, status in opened(home)} == {"resolved"}


def test_what_a_hub_reports_raises_nothing_here(hub, db):
    device_id = hub.add_device()
    hub.ingest(present={"devices": {device_id: {"is_online": True, "battery_level": 80}}})
    hub.ingest(present={"devices": {device_id: {"is_online": False, "battery_level": 3}}})
    assert db.execute("SELECT battery_level FROM devices WHERE id = %s", (device_id,)).fetchone() == (3,)
    assert hub.count("alerts") == 0


def test_a_hub_that_takes_over_a_home_ends_what_the_cloud_had_opened_and_nothing_else(hub, db):
    home = Household(db, hub.home_id, hub.owner_id)
    device_id = home.add_device()
    home.set_device(device_id, is_online=False)
    own = {
        "table": "alerts",
        "id": str(uuid.uuid4()),
        "time": datetime.now(UTC).isoformat(),
        "revision": 1,
        "row": {
            "alert_type": "device_offline",
            "severity": "warning",
            "title": "T",
            "message": "M",
            "source_device_id": device_id,
        },
    }
    hub.ingest(cases=[own])
    hub.ingest(present={"devices": {device_id: {"is_online": True}}})
    assert sorted((str(row["id"]) == own["id"], row["status"]) for row in home.alerts()) == [
        (False, "resolved"),
        (True, "active"),
    ]


def test_two_who_see_a_device_go_at_once_make_one_alert(home, dsn, several_backends):
    device_id = home.add_device()

    def go_offline() -> None:
        with psycopg.connect(dsn) as connection:
            ready.wait()
            connection.execute("UPDATE devices SET is_online = false WHERE id = %s AND is_online", (device_id,))
            connection.execute("UPDATE devices SET is_online = true WHERE id = %s", (device_id,))
            connection.execute("UPDATE devices SET is_online = false WHERE id = %s", (device_id,))

    ready = threading.Barrier(4)
    threads = [threading.Thread(target=go_offline) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [status for _, _, status in opened(home)].count("active") == 1


# Rules


def test_a_rule_lets_pass_what_its_cooldown_limit_and_hours_allow(home, db):
    def admits(rule_id, at):
        return db.execute("SELECT public.alert_rule_admits(%s, %s)", (rule_id, at)).fetchone()[0]

    noon = datetime(2026, 3, 2, 12, tzinfo=STOCKHOLM)
    rule_id = home.add_rule(
        cooldown_minutes=30, last_triggered_at=noon, quiet_hours_start=time(22), quiet_hours_end=time(6)
    )
    assert not admits(rule_id, noon + timedelta(minutes=29))
    assert admits(rule_id, noon + timedelta(minutes=30))
    assert not admits(rule_id, noon.replace(hour=23))
    assert admits(rule_id, noon.replace(hour=6))
    assert not admits(home.add_rule(is_enabled=False), noon)
    assert not admits(str(uuid.uuid4()), noon)

    limited = home.add_rule(max_alerts_per_day=2, cooldown_minutes=0)
    for hour in (1, 2):
        home.alert(alert_rule_id=limited, time=noon.replace(hour=hour))
    assert not admits(limited, noon)
    assert admits(limited, noon + timedelta(days=1))


def test_an_alert_of_a_rule_goes_to_the_channels_of_the_rule_and_is_counted(reachable, db):
    rule_id = reachable.add_rule(
        notification_channels=["email", "webhook"], metadata={"webhook_url": "https://rule.example.org"}
    )
    alert_id = reachable.alert(alert_rule_id=rule_id)
    assert reachable.channels() == {"in_app", "email", "webhook"}
    urls = {row["webhook_url"] for row in reachable.told() if row["channel"] == "webhook"}
    assert urls == {None, "https://rule.example.org"}
    assert reachable.message("in_app")["metadata"]["skipped"]["push"] == "not a channel of the rule"

    second = reachable.alert(alert_rule_id=rule_id)
    assert reachable.channels(alert_id=second) == {"in_app"}
    assert reachable.message("in_app", alert_id=second)["metadata"]["skipped"]["email"] == "cooldown of the rule"
    count, last = db.execute(
        "SELECT alert_count, last_triggered_at FROM alert_rules WHERE id = %s", (rule_id,)
    ).fetchone()
    assert count == 2
    assert last == db.execute("SELECT time FROM ts.alerts WHERE id = %s", (alert_id,)).fetchone()[0]


def test_the_rule_of_another_home_says_nothing(home, db, new_home):
    other = Household(db, *new_home())
    rule_id = other.add_rule(notification_channels=["sms"])
    home.alert(alert_rule_id=rule_id)
    assert home.channels() == {"in_app", "email"}
    assert db.execute("SELECT alert_count FROM alert_rules WHERE id = %s", (rule_id,)).fetchone() == (0,)


# Who is told, and how


def test_the_owner_and_active_members_who_may_view_are_told(home, db):
    told = [
        home.add_member(),
        home.add_member(role="admin", permissions={}),
        home.add_member(role="guest", permissions={"view": "yes"}),
    ]
    silent = [
        home.add_member(permissions={"view": False}),
        home.add_member(permissions={"view": "perhaps"}),
        home.add_member(is_active=False),
    ]
    gone = home.add_member()
    home.set_user(gone, is_active=False)
    home.alert()
    assert all(home.channels(user_id) == {"in_app", "email"} for user_id in [home.owner_id, *told])
    assert [home.told(user_id) for user_id in [*silent, gone]] == [[], [], [], []]


def test_a_preference_for_the_home_comes_before_the_one_for_all_homes(home, db):
    home.prefer(email_enabled=False)
    home.alert()
    assert home.channels() == {"in_app"}
    home.prefer(home_id=home.home_id)
    assert "email" in home.channels(alert_id=home.alert())
    with pytest.raises(psycopg.errors.UniqueViolation):
        home.prefer(push_enabled=False)


@by_the_database
@given(
    kind=st.sampled_from([*CATEGORIES, "safety_alarm"]),
    severity=st.sampled_from(SEVERITIES),
    enabled=st.fixed_dictionaries({c: st.booleans() for c in ("push", "email", "sms")}),
    least=st.fixed_dictionaries({c: st.sampled_from(SEVERITIES) for c in ("push", "email", "sms")}),
    categories=st.fixed_dictionaries(
        {c: st.booleans() for c in ("device", "security", "energy", "automation", "predictive", "system")}
    ),
)
def test_channels_follow_switches_and_severities(db, new_home, *, kind, severity, enabled, least, categories):
    home = Household(db, *new_home())
    home.give_addresses(push=[PUSH], webhook=[WEBHOOK])
    home.set_user(phone="+15550100001")
    home.prefer(
        **{f"{c}_enabled": on for c, on in enabled.items()},
        **{f"min_{c}_severity": level for c, level in least.items()},
        **{f"{c}_alerts_enabled": on for c, on in categories.items()},
    )
    home.alert(kind, severity)

    def is_severe(channel):
        return SEVERITIES.index(severity) >= SEVERITIES.index(least[channel])

    if kind == "safety_alarm":
        expected = {"in_app", "push", "email", "webhook"} | ({"sms"} if enabled["sms"] else set())
    else:
        expected = {"in_app"}
        if categories[CATEGORIES[kind]]:
            expected |= {channel for channel in enabled if enabled[channel] and is_severe(channel)}
            expected |= {"webhook"} if is_severe("push") else set()
    assert home.channels() == expected
    assert home.message("in_app")["status"] == "delivered"
    assert {row["status"] for row in home.told() if row["channel"] != "in_app"} <= {"pending"}


def test_without_an_address_there_is_no_message_and_the_reason_is_kept(home):
    home.set_user(preferences={"notify": {"urls": {"push": "not a list", "webhook": [None, 7, ""]}}})
    home.alert()
    assert home.channels() == {"in_app", "email"}
    assert home.message("in_app")["metadata"]["skipped"] == {
        "push": "no address",
        "sms": "no address",
        "webhook": "no address",
    }


def test_a_message_carries_what_templates_need(reachable, db):
    room_id = db.execute(
        "INSERT INTO rooms (home_id, name) VALUES (%s, 'Hall') RETURNING id", (reachable.home_id,)
    ).fetchone()[0]
    device_id = reachable.add_device(room_id=room_id)
    reachable.set_user(full_name="Ada")
    reachable.alert(
        "device_offline", "error", source_device_id=device_id, suggested_actions=["Look at its plug.", {"no": "text"}]
    )
    row = reachable.message("email")
    assert row["priority"] == "high"
    variables = row["metadata"]["variables"]
    assert {
        key: variables[key] for key in ("name", "home", "device", "room", "severity", "suggestions", "timezone")
    } == {
        "name": "Ada",
        "home": "Test home",
        "device": "Hall lamp",
        "room": "Hall",
        "severity": "error",
        "suggestions": ["Look at its plug."],
        "timezone": "Europe/Stockholm",
    }


# Not twice, not too much, not too late


def test_the_same_is_not_told_again_within_half_an_hour_unless_it_is_worse(reachable, db):
    device_id = reachable.add_device()
    first = reachable.alert("device_offline", source_device_id=device_id)
    again = reachable.alert("device_offline", source_device_id=device_id)
    worse = reachable.alert("device_offline", "error", source_device_id=device_id)
    other = reachable.alert("battery_low", source_device_id=device_id)
    assert [len(reachable.told(alert_id=one)) for one in (first, again, worse, other)] == [4, 0, 4, 4]

    reachable.let_pass(timedelta(minutes=31))
    assert len(reachable.told(alert_id=reachable.alert("device_offline", source_device_id=device_id))) == 4


steps = st.lists(
    st.one_of(
        st.just("half an hour later"),
        st.tuples(st.sampled_from(["device_offline", "battery_low"]), st.integers(0, 1), st.sampled_from(SEVERITIES)),
    ),
    max_size=12,
)


@by_the_database
@given(steps=steps)
def test_what_is_told_follows_from_what_was_told(db, new_home, steps):
    home = Household(db, *new_home())
    devices = [home.add_device(), home.add_device()]
    told: dict[tuple[str, int], int] = {}
    for step in steps:
        if step == "half an hour later":
            told.clear()
            home.let_pass(timedelta(minutes=30))
            continue
        kind, device, severity = step
        alert_id = home.alert(kind, severity, source_device_id=devices[device])
        is_new = SEVERITIES.index(severity) > told.get((kind, device), -1)
        assert home.channels(alert_id=alert_id) == ({"in_app", "email"} if is_new else set())
        if is_new:
            told[kind, device] = SEVERITIES.index(severity)


def test_a_storm_of_alerts_becomes_ten_messages_and_one_that_joins_the_rest(reachable):
    for _ in range(15):
        reachable.alert(severity="error")
    reachable.alert("safety_alarm", "critical")
    pushes = [row for row in reachable.told() if row["channel"] == "push"]
    joined = [row for row in pushes if row["metadata"].get("digest")]
    assert (len(pushes), len(joined)) == (16, 5)
    assert len({row["metadata"]["not_before"] for row in joined}) == 1
    assert len([row for row in reachable.told() if row["channel"] == "in_app"]) == 16


@pytest.mark.parametrize(
    "values,told",
    [
        ({"time": timedelta(hours=-1)}, {"in_app", "email", "push", "webhook"}),
        ({"time": timedelta(hours=-25)}, {"in_app"}),
        ({"time": timedelta(hours=-1), "status": "resolved"}, {"in_app"}),
        ({"time": timedelta(hours=-1), "expires_at": timedelta(minutes=-1)}, {"in_app"}),
        ({"time": timedelta(days=-8), "status": "resolved"}, set()),
        ({"time": timedelta(days=-8), "status": "resolved", "alert_type": "safety_alarm"}, set()),
        ({"time": timedelta(hours=-25), "alert_type": "safety_alarm"}, {"in_app", "email", "push", "webhook"}),
    ],
)
def test_old_news_is_only_written_down(reachable, values, told):
    values = {
        name: datetime.now(UTC) + value if isinstance(value, timedelta) else value for name, value in values.items()
    }
    reachable.alert(**values)
    assert reachable.channels() == told


def test_a_hub_s_alert_is_told_once_whatever_its_later_revisions_say_unless_it_becomes_worse(hub, db):
    home = Household(db, hub.home_id, hub.owner_id)
    case = {
        "table": "alerts",
        "id": str(uuid.uuid4()),
        "time": datetime.now(UTC).isoformat(),
        "revision": 1,
        "row": {"alert_type": "connectivity_issue", "severity": "warning", "title": "Slow", "message": "first"},
    }
    hub.ingest(cases=[case])
    for revision, change in (
        (2, {"message": "second"}),
        (3, {"severity": "error"}),
        (4, {"severity": "info"}),
        (5, {"status": "resolved"}),
    ):
        case = case | {"revision": revision, "row": case["row"] | change}
        assert hub.ingest(cases=[case, case])["refused"] == []
    assert [(row["channel"], row["metadata"]["severity"]) for row in home.told()] == [
        ("email", "warning"), ("in_app", "warning"), ("email", "error"), ("in_app", "error"),
    ]  # fmt: skip


def test_what_cannot_be_told_never_loses_the_alert(hub, db):
    home = Household(db, hub.home_id, hub.owner_id)
    broken = home.add_member()
    home.set_user(broken, timezone="Nowhere/Land", preferences={"notify": 7})
    db.execute("UPDATE users SET preferences = '[1]' WHERE id = %s", (home.owner_id,))
    db.execute("UPDATE homes SET timezone = 'nonsense' WHERE id = %s", (home.home_id,))
    home.prefer(broken, digest_enabled=True, **around_now(ZoneInfo("UTC")))
    row = {
        "alert_type": "battery_low",
        "severity": "warning",
        "title": "T",
        "message": "M",
        "suggested_actions": "odd",
        "context": [1],
    }
    case = {
        "table": "alerts",
        "id": str(uuid.uuid4()),
        "time": datetime.now(UTC).isoformat(),
        "revision": 1,
        "row": row,
    }
    assert hub.ingest(cases=[case])["refused"] == []
    assert home.message("email")["metadata"]["variables"]["timezone"] == "UTC"
    assert home.message("email", broken)["metadata"]["digest"] is True


def test_a_failure_while_telling_is_a_warning(home, db):
    said = []
    db.add_notice_handler(lambda notice: said.append(notice.message_primary))
    with db.transaction():
        # A check that no message passes.
        db.execute("ALTER TABLE ts.user_notifications ADD CONSTRAINT nothing_passes CHECK (false) NOT VALID")
        home.alert()
        assert len(home.alerts()) == 1
        raise psycopg.Rollback
    assert any("is not told of alert" in line for line in said)


# Quiet hours and digests

zones = st.sampled_from(
    ["UTC", "Europe/Stockholm", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/St_Johns"]
)
clock = st.builds(time, st.integers(0, 23), st.integers(0, 59))
# Half of them near a change of the clocks, which these evenings come before.
CHANGES = ("2025-03-29T18", "2025-10-25T18", "2025-03-08T20", "2025-11-01T20", "2025-10-04T04", "2025-04-05T04")
moments = st.builds(
    lambda day, minutes: datetime.fromisoformat(f"{day}:00+00:00") + timedelta(minutes=minutes),
    st.one_of(st.just("2025-01-01T00"), st.sampled_from(CHANGES)),
    st.one_of(st.integers(0, 1440), st.integers(0, 700_000)),
)


def is_quiet(at: datetime, zone: str, start: time, end: time) -> bool:
    here = at.astimezone(ZoneInfo(zone)).time()
    return start <= here < end if start < end else (start > end and (here >= start or here < end))


@by_functions
@given(at=moments, zone=zones, start=clock, end=clock)
@example(at=datetime(2025, 3, 29, 18, tzinfo=UTC), zone="Europe/Stockholm", start=time(2, 1), end=time(2, 0))
def test_quiet_hours_go_by_the_clock_on_the_wall(db, at, zone, start, end):
    found = db.execute("SELECT hub_sync.quiet_until(%s, %s, %s, %s)", (at, zone, start, end)).fetchone()[0]
    expected = at
    while is_quiet(expected, zone, start, end):
        expected += timedelta(minutes=1)
    assert found == expected


@by_functions
@given(at=moments, zone=zones, at_clock=clock, frequency=st.sampled_from(["daily", "weekly"]))
def test_a_digest_goes_out_at_the_next_of_its_times(db, at, zone, at_clock, frequency):
    found = db.execute("SELECT hub_sync.next_digest(%s, %s, %s, %s)", (at, zone, at_clock, frequency)).fetchone()[0]
    here = found.astimezone(ZoneInfo(zone))
    assert at < found <= at + (timedelta(days=1) if frequency == "daily" else timedelta(days=7)) + timedelta(hours=2)
    day = here.replace(hour=at_clock.hour, minute=at_clock.minute, fold=0)
    # A time that the clock jumps over is that much later.
    exists = day.astimezone(UTC).astimezone(ZoneInfo(zone)).time() == at_clock
    assert here.time() == at_clock or not exists
    if frequency == "weekly":
        assert here.weekday() == 0


def test_a_message_of_the_night_waits_for_the_morning(reachable):
    reachable.prefer(**around_now())
    reachable.alert(severity="error")
    for channel in ("push", "email", "webhook"):
        row = reachable.message(channel)
        held = datetime.fromisoformat(row["metadata"]["not_before"])
        assert row["status"] == "pending"
        assert timedelta(minutes=118) < held - row["time"] <= timedelta(hours=2)
    assert reachable.message("in_app")["status"] == "delivered"


def test_what_is_critical_breaks_the_quiet_if_that_is_wanted_and_an_alarm_always_does(reachable, db):
    reachable.prefer(**around_now(), critical_override_quiet_hours=True)
    assert "not_before" not in reachable.message("push", alert_id=reachable.alert(severity="critical"))["metadata"]
    db.execute(
        "UPDATE user_notification_preferences SET critical_override_quiet_hours = false WHERE user_id = %s",
        (reachable.owner_id,),
    )
    assert "not_before" in reachable.message("push", alert_id=reachable.alert(severity="critical"))["metadata"]
    assert (
        "not_before" not in reachable.message("push", alert_id=reachable.alert("safety_alarm", "warning"))["metadata"]
    )


def test_quiet_hours_are_the_person_s_own_and_the_home_s_where_none_were_set(reachable, db):
    reachable.prefer(**around_now(ZoneInfo("Asia/Tokyo")))
    assert "not_before" not in reachable.message("push", alert_id=reachable.alert())["metadata"]
    reachable.set_user(timezone="Asia/Tokyo")
    assert "not_before" in reachable.message("push", alert_id=reachable.alert())["metadata"]


def test_mail_of_a_digest_waits_for_its_time_and_what_is_critical_does_not(reachable):
    in_an_hour = (datetime.now(STOCKHOLM) + timedelta(hours=1)).time().replace(microsecond=0)
    reachable.prefer(digest_enabled=True, digest_time=in_an_hour)
    alert_id = reachable.alert()
    mail = reachable.message("email", alert_id=alert_id)
    assert mail["metadata"]["digest"] is True
    held = datetime.fromisoformat(mail["metadata"]["not_before"])
    assert held.astimezone(STOCKHOLM).time() == in_an_hour
    assert "digest" not in reachable.message("push", alert_id=alert_id)["metadata"]
    assert "digest" not in reachable.message("email", alert_id=reachable.alert(severity="critical"))["metadata"]


# A hub's own rules


def hub_alert(rule_id: str, device_id: str, at: datetime, **values) -> dict:
    row = {"alert_type": "device_offline", "severity": "error", "title": "Lamp cannot be reached", "message": "It does not answer.",
           "alert_rule_id": rule_id, "source_device_id": device_id, "source_type": "device", "source_id": device_id, "status": "active"}  # fmt: skip
    return {"table": "alerts", "id": str(uuid.uuid4()), "time": at.isoformat(), "revision": 1, "row": row | values}


def test_what_a_hub_has_held_against_its_rule_is_counted_and_not_silenced_once_more(hub, db):
    home = Household(db, hub.home_id, hub.owner_id)
    rule_id = home.add_rule(
        rule_type="device_state",
        conditions=[{"when": "offline"}],
        notification_channels=["email"],
        quiet_hours_start="00:00",
        quiet_hours_end="23:59",
    )
    for _ in range(2):
        case = hub_alert(rule_id, hub.add_device(), datetime.now(UTC))
        assert hub.ingest(cases=[case])["refused"] == []
        assert home.channels(alert_id=case["id"]) == {"in_app", "email"}
        ended = case | {"revision": 2, "row": case["row"] | {"status": "resolved", "resolved_at": case["time"]}}
        hub.ingest(cases=[ended, ended])
    assert len(home.told()) == 4, "each is told once on each channel, its end is not told again"
    assert [row["status"] for row in home.alerts()] == ["resolved", "resolved"]
    assert db.execute("SELECT alert_count FROM alert_rules WHERE id = %s", (rule_id,)).fetchone() == (2,)


def test_a_critical_rule_has_no_quiet_hours(home, db):
    quiet = {"quiet_hours_start": "00:00", "quiet_hours_end": "23:59"}
    admits = "SELECT alert_rule_admits(%s, '2026-01-14T12:00Z')"
    assert db.execute(admits, (home.add_rule(**quiet),)).fetchone() == (False,)
    assert db.execute(admits, (home.add_rule(severity="critical", **quiet),)).fetchone() == (True,)


def test_what_a_hub_says_of_a_device_raises_no_second_alert(hub, db):
    home = Household(db, hub.home_id, hub.owner_id)
    device_id = hub.add_device()
    case = hub_alert(home.add_rule(), device_id, datetime.now(UTC))
    issue = {
        "device_id": device_id,
        "issue_type": "connectivity",
        "severity": "error",
        "title": "Out of reach",
        "status": "open",
    }
    run_id = str(uuid.uuid4())
    run = {
        "device_id": device_id,
        "diagnostic_type": "connectivity",
        "overall_status": "failed",
    }
    hub.ingest(
        present={"devices": {device_id: {"is_online": True, "battery_level": 90}}},
        cases=[case],
    )
    answer = hub.ingest(
        present={"devices": {device_id: {"is_online": False, "battery_level": 3}}},
        cases=[
            {"table": "diagnostic_runs", "id": run_id, "time": case["time"], "revision": 1, "row": run},
            {"table": "diagnostic_issues", "id": str(uuid.uuid4()), "time": case["time"], "revision": 1,
             "row": issue | {"diagnostic_run_id": run_id}},
        ],
    )  # fmt: skip
    assert answer["refused"] == []
    assert [str(row["id"]) for row in home.alerts()] == [case["id"]]
    assert db.execute("SELECT count(*) FROM diagnostic_issues WHERE device_id = %s", (device_id,)).fetchone() == (1,)
