"""Messages on their way to people: a real database, a real mail server, a real web server."""

import json
import os
import signal
import subprocess
import sys
import threading
import uuid
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from cloud_schema.apply import SQL, ApplyError
from cloud_schema.notifier.rendering import render, render_digest
from cloud_schema.notifier.sending import Services
from cloud_schema.notifier.worker import notify
from tests.cloud.household import Household
from tests.cloud.sinks import running_mail_sink, running_web_sink

VARIABLES = {
    "name": "Ada", "home": "Home", "device": "Lamp", "room": "Hall", "title": "Title", "message": "Message", "severity": "warning",
    "local_time": "2026-03-01 12:00", "timezone": "Europe/Stockholm", "suggestions": ["Look."], "is_over": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def mail():
    with running_mail_sink() as (sink, url):
        sink.url = url
        yield sink


@pytest.fixture(scope="module")
def web():
    with running_web_sink() as sink:
        yield sink


@pytest.fixture
def home(db, new_home) -> Household:
    # What tests before this one left waiting is not this one's business.
    db.execute("UPDATE ts.user_notifications SET status = 'failed' WHERE status = 'pending'")
    db.execute((SQL / "seed_templates.sql").read_bytes())
    return Household(db, *new_home())


@pytest.fixture
def path() -> str:
    return f"/{uuid.uuid4().hex}"


@pytest.fixture
def send(dsn, mail):
    def send(*, stop=None, workers=4, **services):
        services = Services(**({"smtp_url": mail.url, "allows_private": True} | services))
        return notify(
            dsn,
            services,
            once=True,
            workers=workers,
            poll_s=0.1,
            stop=stop or threading.Event(),
            say=lambda _line: None,
        )

    return send


def address_of(home):
    return f"{home.owner_id}@example.com"


def make_due(home, channel=None):
    home.db.execute(
        "UPDATE ts.user_notifications SET metadata = (metadata || '{\"due\": 0}'::jsonb) - 'not_before'::text"
        " WHERE user_id = %s AND status = 'pending' AND channel = coalesce(%s, channel)",
        (home.owner_id, channel),
    )


def only(home, channel):
    """From now on the owner hears on this channel only."""
    home.prefer(email_enabled=channel == "email", push_enabled=channel in {"push", "webhook"}, min_push_severity="info")


def fate_of_all(home):
    return {row["status"] for row in home.told() if row["channel"] != "in_app"}


def fate(home, channel):
    row = home.message(channel)
    return row["status"], row["error_message"]


# What gets through


def test_an_alert_becomes_a_mail_by_its_template(home, mail, send):
    device_id = home.add_device(device_name="<b>Lamp</b> & more")
    home.set_user(full_name="Ada Lovelace")
    home.set_device(device_id, is_online=False)
    assert send()["sent"] == 1

    (message,) = mail.mail_to(address_of(home))
    assert message["Subject"] == "Test home: <b>Lamp</b> & more is offline"
    assert message["X-Notification-Id"] == str(home.message("email")["id"])
    assert message["Auto-Submitted"] == "auto-generated"
    text = message.get_body(("plain",)).get_content()
    html = message.get_body(("html",)).get_content()
    assert "Hello Ada Lovelace," in text
    assert "<b>Lamp</b> & more no longer answers." in text
    assert "<strong>&lt;b&gt;Lamp&lt;/b&gt; &amp; more no longer answers.</strong>" in html

    row = home.message("email")
    assert (row["status"], row["retry_count"], row["delivered_at"]) == ("sent", 0, None)
    assert row["template_id"] is not None
    assert not {"lease", "due"} & set(row["metadata"])
    (alert,) = home.alerts()
    assert (alert["notification_sent"], alert["notification_channels_used"], alert["notification_failed"]) == (
        True,
        ["email"],
        False,
    )
    assert send()["sent"] == 0


def test_webhooks_get_json_and_ntfy_its_own_and_both_confirm(home, web, send, path):
    only(home, "webhook")
    home.give_addresses(
        push=[f"ntfy://{web.address}{path}"], webhook=[f"http://{web.address}{path}/hook?Key=a%2Fb&key=2"]
    )
    home.alert("unauthorized_access", "critical", title="Door", message="Opened by nobody")
    assert send()["delivered"] == 2

    (hook,) = web.received[f"{path}/hook?Key=a%2Fb&key=2"]
    assert (hook["title"], hook["message"], hook["alert_type"], hook["severity"]) == (
        "Door",
        "Opened by nobody",
        "unauthorized_access",
        "critical",
    )
    row = home.message("webhook")
    assert hook["notification_id"] == str(row["id"])
    assert (row["status"], row["webhook_response"]) == ("delivered", "HTTP 200")
    (push,) = web.received["/"]
    web.received["/"].clear()
    assert push["topic"] == path[1:]
    assert push["message"] == "Test home: Opened by nobody"
    assert home.alerts()[0]["notification_channels_used"] == ["push", "webhook"]


def test_an_sms_goes_through_the_operators_service(home, web, send, path):
    only(home, "sms")
    home.db.execute("UPDATE user_notification_preferences SET sms_enabled = true WHERE user_id = %s", (home.owner_id,))
    home.set_user(phone="+1 (555) 010-0001")
    home.alert(severity="critical", message="Water in the cellar")
    assert send(sms_url=f"json://{web.address}{path}/{{to}}")["sent"] == 1
    (sms,) = web.received[f"{path}/+15550100001"]
    assert sms["message"] == "NEXA, Test home: Water in the cellar"


def test_one_address_of_several_is_enough(home, web, send, path):
    only(home, "webhook")
    web.answers[f"{path}/gone"] = 410
    home.give_addresses(webhook=[f"http://{web.address}{path}/gone", f"http://{web.address}{path}/here"])
    home.alert()
    send()
    assert fate(home, "webhook") == ("delivered", "1 of 2 addresses: HTTP 410")


def test_messages_of_one_person_that_waited_are_joined(home, mail, send):
    home.prefer(digest_enabled=True)
    for title in ("First", "Second", "Third"):
        home.alert(title=title, message=f"{title} thing")
    assert send()["messages"] == 0
    home.db.execute("UPDATE ts.alerts SET status = 'resolved' WHERE home_id = %s AND title = 'Second'", (home.home_id,))
    make_due(home)
    counts = send()
    assert (counts["messages"], counts["sent"]) == (1, 3)
    (message,) = mail.mail_to(address_of(home))
    assert message["Subject"] == "3 messages from your home"
    text = message.get_body(("plain",)).get_content()
    assert [title for title in ("First", "Second", "Third") if title in text] == ["First", "Second", "Third"]
    assert "(over by now)" in text or "over by now" in text
    assert {row["status"] for row in home.told() if row["channel"] == "email"} == {"sent"}


def test_the_urgent_goes_first(home, db, send):
    for _ in range(3):
        home.alert(severity="warning")
    home.alert(severity="critical")
    claimed = [row[0]["priority"] for row in db.execute("SELECT claim_notifications('test', 2)").fetchall()]
    assert claimed == ["urgent", "normal"]


# What does not


@pytest.mark.parametrize(
    "status,expected",
    [(503, "pending"), (429, "pending"), (404, "failed"), (401, "failed"), (302, "failed")],
)
def test_what_may_pass_is_tried_again_and_what_will_not_is_not(home, web, send, path, *, status, expected):
    only(home, "webhook")
    web.answers[path] = status
    home.give_addresses(webhook=[f"http://{web.address}{path}"])
    home.alert()
    send()
    assert fate(home, "webhook") == (expected, f"HTTP {status}")
    row = home.message("webhook")
    if expected == "pending":
        assert row["retry_count"] == 1
        wait = datetime.fromisoformat(row["metadata"]["next_attempt_at"]) - datetime.now(UTC)
        assert timedelta(seconds=5) < wait <= timedelta(seconds=45)
        assert send()["messages"] == 0
    (alert,) = home.alerts()
    assert (alert["notification_failed"], alert["notification_error"]) == (
        (True, f"webhook: HTTP {status}") if expected == "failed" else (False, None)
    )


def test_it_is_tried_seven_times_and_no_more(home, web, send, path):
    only(home, "webhook")
    web.answers[path] = 503
    home.give_addresses(webhook=[f"http://{web.address}{path}"])
    home.alert()
    for _ in range(9):
        make_due(home)
        send()
    assert fate(home, "webhook") == ("failed", "HTTP 503")
    assert len(web.received[path]) == 7


def test_the_next_attempt_keeps_to_quiet_hours(home, db, web, send, path):
    home.give_addresses(webhook=[f"http://{web.address}{path}"])
    web.answers[path] = 503
    home.alert()
    here = datetime.now(UTC)
    home.prefer(
        email_enabled=False,
        quiet_hours_enabled=True,
        quiet_hours_start=here.time(),
        quiet_hours_end=(here + timedelta(hours=3)).time(),
    )
    home.set_user(timezone="Etc/UTC")
    send()
    next_at = datetime.fromisoformat(home.message("webhook")["metadata"]["next_attempt_at"])
    assert next_at == here + timedelta(hours=3)


def test_a_second_attempt_that_gets_through_leaves_no_error(home, web, send, path):
    only(home, "webhook")
    web.answers[path] = [503, 200]
    home.give_addresses(webhook=[f"http://{web.address}{path}"])
    home.alert()
    send()
    make_due(home)
    send()
    assert fate(home, "webhook") == ("delivered", None)


@pytest.mark.parametrize("reply,expected", [("550 no such user", "failed"), ("451 try later", "pending")])
def test_a_mail_server_s_refusal_counts_as_what_it_says(home, mail, send, reply, expected):
    mail.refusals[address_of(home)] = reply
    home.alert()
    send()
    assert fate(home, "email") == (expected, f"SMTP {reply[:3]}")


def test_a_mail_server_that_is_away_is_tried_again(home, send, unused_tcp_port):
    home.alert()
    send(smtp_url=f"mailto://127.0.0.1:{unused_tcp_port}?from=nexa@example.com")
    assert fate(home, "email") == ("pending", "the connection was refused")


def test_what_the_operator_has_not_set_up_fails_and_says_so(home, send):
    home.set_user(phone="+15550100001")
    home.prefer(sms_enabled=True, min_sms_severity="info")
    home.alert()
    send(smtp_url=None)
    assert fate(home, "email") == ("failed", "no mail server is set up (NEXA_NOTIFY_SMTP_URL)")
    assert fate(home, "sms") == ("failed", "no SMS service is set up (NEXA_NOTIFY_SMS_URL)")


@pytest.mark.parametrize(
    "bad", ["nobody", "a@b@c", "a@b\r\nBcc: all@example.com", "a@" + "b" * 300, "Ada <a@example.com>"]
)
def test_a_bad_mail_address_fails_at_once(home, send, bad):
    home.set_user(email=f"{bad}{uuid.uuid4().hex[:0]}")
    home.alert()
    send()
    assert fate(home, "email") == ("failed", "this is no e-mail address")
    home.set_user(email=address_of(home))


# Rows that shall not be sent


def test_what_is_not_due_is_left_alone(home, send):
    here = datetime.now(UTC)
    home.prefer(
        quiet_hours_enabled=True,
        quiet_hours_start=(here - timedelta(hours=3)).time(),
        quiet_hours_end=(here + timedelta(hours=3)).time(),
    )
    home.set_user(timezone="Etc/UTC")
    home.alert()
    assert send()["messages"] == 0
    assert fate(home, "email") == ("pending", None)


def test_who_may_no_longer_view_the_home_is_not_told(home, db, send):
    member = home.add_member()
    home.alert()
    db.execute("UPDATE home_members SET is_active = false WHERE user_id = %s", (member,))
    send()
    row = home.message("email", member)
    assert (row["status"], row["error_message"]) == ("failed", "the user may no longer view the home")


def test_what_was_over_in_the_night_wakes_nobody_in_the_morning(home, db, web, send, path):
    only(home, "push")
    home.give_addresses(push=[f"ntfy://{web.address}{path}"])
    alert_id = home.alert()
    db.execute(
        "UPDATE ts.user_notifications SET metadata = metadata || jsonb_build_object('not_before', now()) WHERE related_alert_id = %s",
        (alert_id,),
    )
    db.execute("UPDATE ts.alerts SET status = 'resolved' WHERE id = %s", (alert_id,))
    send()
    assert fate(home, "push") == ("failed", "over before it could be told")


def test_a_day_later_is_too_late(home, db, send):
    home.alert()
    home.let_pass(timedelta(hours=25))
    send()
    assert fate(home, "email") == ("failed", "too late: it was due more than a day ago")


def test_rows_of_others_are_read_with_care(home, db, mail, send):
    def add(channel, metadata, body="From somebody else"):
        return db.execute(
            "INSERT INTO ts.user_notifications (user_id, notification_type, channel, subject, body, metadata)"
            " VALUES (%s, 'invoice', %s, 'Invoice', %s, %s) RETURNING id",
            (home.owner_id, channel, body, metadata),
        ).fetchone()[0]

    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    waiting = add("email", json.dumps({"not_before": later}))
    odd = [
        add("email", text)
        for text in ("[]", "null", '{"due": "soon", "claims": "x", "alert_time": 7, "variables": [1]}', "{}")
    ]
    app = add("in_app", "{}")
    send()
    found = dict(
        db.execute("SELECT id, status FROM ts.user_notifications WHERE user_id = %s", (home.owner_id,)).fetchall()
    )
    assert found == {waiting: "pending", app: "delivered", **dict.fromkeys(odd, "sent")}
    assert [m["Subject"] for m in mail.mail_to(address_of(home))] == ["Invoice"] * 4


# Templates


def test_every_seeded_template_can_be_filled(home, db):
    found = db.execute(
        "SELECT id::text, template_name, notification_type, channel, subject_template, body_template, html_body_template FROM notification_templates"
    ).fetchall()
    kinds = {row[0] for row in db.execute("SELECT unnest(enum_range(NULL::alert_type))::text").fetchall()}
    seeded = [row for row in found if row[1].endswith(".en")]
    assert {(row[2], row[3]) for row in seeded} == {
        (k, c) for k in [*kinds, "digest"] for c in ("push", "email", "sms")
    }
    for template_id, name, kind, channel, subject, body, html in seeded:
        template = {"id": template_id, "subject": subject, "body": body, "html": html}
        assert template_id == str(
            uuid.uuid5(uuid.uuid5(uuid.NAMESPACE_URL, "https://nexa.example/notification_templates"), name)
        )
        for variables in (VARIABLES, VARIABLES | {"device": "", "room": "", "suggestions": [], "is_over": True}):
            made = (
                render_digest(channel, template, [{"subject": "S", "body": "B", "variables": variables}] * 3)
                if kind == "digest"
                else render(channel, template, variables, "plain", "plain")
            )
            assert made.template_error is None, name
            assert "plain" not in made.text
            assert "\n\n\n" not in made.text, name


def test_a_template_that_fails_is_noted_on_the_row(home, db, mail, send):
    name = f"own {uuid.uuid4()}"
    db.execute(
        "INSERT INTO notification_templates (template_name, notification_type, channel, subject_template, body_template, language)"
        " VALUES (%s, 'connectivity_issue', 'email', 'x', '{{ no_such_thing }}', 'xx')",
        (name,),
    )
    home.set_user(language="xx")
    home.alert(title="Plain title", message="Plain message")
    send()
    (message,) = mail.mail_to(address_of(home))
    assert (message["Subject"], message.get_content().strip()) == ("Plain title", "Plain message")
    assert "no_such_thing" in home.message("email")["metadata"]["template_error"]


# Workers


def test_two_at_once_never_send_the_same_row(home, web, dsn, path):
    only(home, "webhook")
    home.give_addresses(webhook=[f"http://{web.address}{path}"])
    for _ in range(9):
        home.alert(severity="critical")
    for _ in range(40):
        home.db.execute(
            "INSERT INTO ts.user_notifications (user_id, notification_type, channel, subject, body) VALUES (%s, 'note', 'webhook', 's', 'b')",
            (home.owner_id,),
        )
    counts = []

    def run():
        services = Services(allows_private=True)
        counts.append(
            notify(dsn, services, once=True, workers=4, poll_s=0.1, stop=threading.Event(), say=lambda _line: None)
        )

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = [hook["notification_id"] for hook in web.received[path]]
    assert len(ids) == len(set(ids)) == 49
    assert sum(count["delivered"] for count in counts) == 49


def test_a_pile_is_not_torn_when_two_look_at_it_at_once(home, dsn, db, several_backends):
    home.prefer(digest_enabled=True)
    for _ in range(20):
        home.alert()
    make_due(home)
    with psycopg.connect(dsn) as other:
        # Another worker that has found the pile and not yet taken all of it.
        other.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"nexa.digest/{home.owner_id}/email",))
        assert db.execute("SELECT count(*) FROM claim_notifications('test', 5)").fetchone() == (0,)
        assert fate_of_all(home) == {"pending"}
    assert db.execute("SELECT count(*) FROM claim_notifications('test', 5)").fetchone() == (20,)


def test_a_pile_counts_as_one_message(home, db):
    people = [home.owner_id, home.add_member(), home.add_member()]
    for user_id in people:
        home.prefer(user_id, digest_enabled=True)
    for _ in range(4):
        home.alert()
    db.execute(
        "UPDATE ts.user_notifications SET metadata = (metadata || '{\"due\": 0}'::jsonb) - 'not_before'::text"
        " WHERE home_id = %s AND status = 'pending'",
        (home.home_id,),
    )
    claimed = [row[0]["user_id"] for row in db.execute("SELECT claim_notifications('test', 2)").fetchall()]
    assert sorted(map(claimed.count, people)) == [0, 4, 4]


def test_rows_that_are_not_sent_do_not_hide_those_that_are(home, db, send):
    member = home.add_member()
    for _ in range(9):
        home.alert(severity="error")
    db.execute("UPDATE home_members SET is_active = false WHERE user_id = %s", (member,))
    db.execute("UPDATE ts.user_notifications SET metadata = metadata || '{\"due\": 1}' WHERE user_id = %s", (member,))
    counts = send(workers=1)
    assert counts["sent"] == 9
    assert {row["status"] for row in home.told(member) if row["channel"] == "email"} == {"failed"}


def test_what_nobody_sent_for_weeks_is_closed(home, db, send):
    home.alert()
    home.let_pass(timedelta(days=20))
    send()
    assert fate(home, "email") == ("failed", "too late: nobody sent it for days")


def test_a_lease_that_ran_out_is_somebody_elses(home, db, send):
    home.alert()
    (row,) = (row[0] for row in db.execute("SELECT claim_notifications('lost', 5)").fetchall())
    assert db.execute("SELECT count(*) FROM claim_notifications('other', 5)").fetchone() == (0,)
    make_due(home)
    assert send()["sent"] == 1
    late = db.execute(
        "SELECT record_notification(%s, %s, %s, 'failed', 'late')", (row["id"], row["time"], row["lease"])
    )
    assert late.fetchone() == (None,)
    assert fate(home, "email") == ("sent", None)


def test_a_row_that_kills_whoever_takes_it_is_given_up(home, db, send):
    home.alert()
    for _ in range(20):
        assert db.execute("SELECT count(*) FROM claim_notifications('lost', 5)").fetchone() == (1,)
        make_due(home)
    assert send()["messages"] == 0
    assert fate(home, "email") == ("failed", "given up: each worker that took it was lost")


@pytest.fixture
def running(dsn, mail, tmp_path):
    """nexa-cloud notify as a process of its own; answers it and what it has said so far."""
    processes = []

    def run(*arguments, **environment):
        log = tmp_path / f"log-{len(processes)}"
        with log.open("w") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "cloud_schema", "notify", "--allow-private", "--poll-s", "0.1", *arguments],
                env={**os.environ, "NEXA_CLOUD_DSN": dsn, "NEXA_NOTIFY_SMTP_URL": mail.url, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        processes.append(process)
        return process, log

    yield run
    for process in processes:
        process.kill()
        process.wait()


def test_a_worker_that_is_killed_leaves_its_message_to_the_next(home, web, running, send, path):
    only(home, "webhook")
    release = threading.Event()
    web.answers[path] = lambda _handler: release.wait(30)
    home.give_addresses(webhook=[f"http://{web.address}{path}"])
    home.alert()
    process, _ = running()
    while path not in web.received:
        assert web.arrived.acquire(timeout=60)
    process.kill()
    process.wait()
    release.set()
    assert fate(home, "webhook") == ("pending", None)
    assert send()["messages"] == 0

    web.answers[path] = 200
    make_due(home)  # as the lease does by itself in two minutes
    assert send()["delivered"] == 1
    assert [hook["notification_id"] for hook in web.received[path]] == [str(home.message("webhook")["id"])] * 2


def test_a_worker_that_is_stopped_finishes_what_it_holds(home, web, running, path):
    only(home, "webhook")
    release = threading.Event()

    def slow(handler):
        release.wait(30)
        handler.send_response(204)
        handler.end_headers()

    web.answers[path] = slow
    home.give_addresses(webhook=[f"http://{web.address}{path}"])
    home.alert()
    process, log = running("--json")
    while path not in web.received:
        assert web.arrived.acquire(timeout=60)
    process.send_signal(signal.SIGTERM)
    release.set()
    assert process.wait(60) == 0
    assert fate(home, "webhook") == ("delivered", None)
    assert json.loads(log.read_text().splitlines()[-1])["delivered"] == 1


def test_a_database_that_goes_away_and_comes_back_loses_nothing(home, web, db, dsn, path, *, several_backends):
    only(home, "webhook")
    release = threading.Event()

    def slow(handler):
        release.wait(30)
        handler.send_response(200)
        handler.end_headers()

    web.answers[path] = slow
    home.give_addresses(webhook=[f"http://{web.address}{path}"])
    home.alert()
    counts = []
    thread = threading.Thread(
        target=lambda: counts.append(
            notify(
                dsn,
                Services(allows_private=True),
                once=True,
                workers=2,
                poll_s=0.1,
                stop=threading.Event(),
                say=lambda _line: None,
            )
        )
    )
    thread.start()
    while path not in web.received:
        assert web.arrived.acquire(timeout=60)
    ended = db.execute(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'nexa-notify'"
    )
    assert ended.fetchone()[0] >= 1
    release.set()
    thread.join(60)
    assert counts[0]["delivered"] == 1
    assert fate(home, "webhook") == ("delivered", None)
    assert len(web.received[path]) == 1


# The command


def test_nothing_secret_is_said(home, web, running, path):
    only(home, "webhook")
    secret = "hunter2secret"
    web.answers[f"{path}/{secret}?token={secret}"] = 500
    home.give_addresses(
        webhook=[f"http://user:{secret}@{web.address}{path}/{secret}?token={secret}"],
        push=[f"tgram://{secret}/{secret}"],
    )
    home.db.execute(
        "UPDATE user_notification_preferences SET email_enabled = true WHERE user_id = %s", (home.owner_id,)
    )
    home.alert()
    process, log = running("--once", NEXA_NOTIFY_SMTP_URL=f"mailto://me:{secret}@127.0.0.1:1?from=nexa@example.com")
    assert process.wait(60) == 0
    assert secret not in log.read_text()
    assert secret not in "".join(row["error_message"] or "" for row in home.told())
    assert fate(home, "webhook")[0] == fate(home, "email")[0] == "pending"


def test_a_login_needs_service_role_and_nothing_else(home, db, dsn, mail, send):
    name = f"notifier_{uuid.uuid4().hex[:8]}"
    db.execute(psycopg.sql.SQL("CREATE ROLE {} LOGIN").format(psycopg.sql.Identifier(name)))
    theirs = psycopg.conninfo.make_conninfo(dsn, user=name)
    home.alert()

    def run():
        return notify(
            theirs, Services(mail.url), once=True, workers=1, poll_s=0.1, stop=threading.Event(), say=lambda _line: None
        )

    try:
        with pytest.raises(ApplyError, match="GRANT service_role"):
            run()
        db.execute(psycopg.sql.SQL("GRANT service_role TO {}").format(psycopg.sql.Identifier(name)))
        assert run()["sent"] == 1
    finally:
        db.execute(psycopg.sql.SQL("DROP ROLE {}").format(psycopg.sql.Identifier(name)))


@pytest.mark.parametrize(
    "arguments,environment,said",
    [
        (["postgresql://nobody@127.0.0.1:1/none", "--once"], {}, "No connection to the database"),
        (
            ["--once"],
            {"NEXA_NOTIFY_SMTP_URL": "smtp://user:hunter2@example.com"},
            "NEXA_NOTIFY_SMTP_URL is no mail server",
        ),
        (
            ["--once"],
            {"NEXA_NOTIFY_SMS_URL": "json://example.com/"},
            "NEXA_NOTIFY_SMS_URL must be an Apprise URL with {to}",
        ),
        (["--once", "--smtp-url-file", "/nowhere/url"], {}, "/nowhere/url cannot be read"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(running, arguments, environment, said):
    process, log = running(*arguments, **environment)
    assert process.wait(60) == 1
    words = log.read_text()
    assert said in words
    assert "hunter2" not in words
    assert len(words.splitlines()) == 1
