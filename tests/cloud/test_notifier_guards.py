"""What people and operators write is hostile until looked at: addresses, what answers there, templates."""

import threading
import uuid

import pytest

from cloud_schema.notifier import egress
from cloud_schema.notifier.rendering import render
from cloud_schema.notifier.sending import Message, Rendered, Sender, Services
from tests.cloud.sinks import running_web_sink

VARIABLES = {
    "name": "Ada", "home": "Home", "device": "Lamp", "room": "Hall", "title": "Title", "message": "Message", "severity": "warning",
    "local_time": "2026-03-01 12:00", "timezone": "Europe/Stockholm", "suggestions": ["Look."], "is_over": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def web():
    with running_web_sink() as sink:
        yield sink


@pytest.fixture
def path() -> str:
    return f"/{uuid.uuid4().hex}"


@pytest.fixture
def sender():
    return Sender(Services(allows_private=True), timeout_s=0.5)


# Addresses


@pytest.mark.parametrize(
    "channel,address,reason",
    [
        ("push", "file:///etc/passwd", "must begin with one of"),
        ("push", "mailto://user:pass@example.com", "must begin with one of"),
        ("push", "syslog://", "must begin with one of"),
        ("push", "dbus://", "must begin with one of"),
        ("push", "ntfy://example.org/topic?attach=file:///etc/passwd", "option 'attach' is not allowed"),
        ("push", "ntfys://example.org/topic?verify=no", "option 'verify' is not allowed"),
        ("push", "ntfys://example.org/topic?redirect=yes", "option 'redirect' is not allowed"),
        ("push", "ntfys://example.org/a b", "blanks or control characters"),
        ("push", "ntfys://example.org/" + "a" * 1990, "longer than 2000"),
        ("push", "tgram://", "names no host"),
        ("push", "tgram://nonsense", "does not accept"),
        ("push", "ntfy://[::bad::]/topic", "this is no URL"),
        ("webhook", "ftp://example.org/x", "must begin with one of"),
        ("webhook", "http://[bad/x", "this is no URL"),
        ("webhook", "http://example.org:99999/x", "port is no number"),
        ("webhook", "json://example.org/x?rto=9999", "option 'rto' is not allowed"),
        ("email", "x", "no mail server"),
        ("carrier pigeon", "x", "is unknown"),
    ],
)  # fmt: skip
def test_a_hostile_address_is_refused_in_words(sender, channel, address, reason):
    message = Message("1", channel, [address], Rendered("s", "t"), "normal")
    outcome = sender.send(message, sender.open_journey(message))
    assert outcome.status == "failed"
    assert reason in outcome.error
    assert address not in outcome.error or channel == "email"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "127.1"])
def test_people_s_addresses_do_not_reach_the_operator_s_network(web, path, host):
    sender = Sender(Services())
    port = web.address.partition(":")[2]
    for channel, address in (("webhook", f"http://{host}:{port}{path}"), ("push", f"ntfy://{host}:{port}{path}")):
        message = Message("1", channel, [address], Rendered("s", "t"), "normal")
        outcome = sender.send(message, sender.open_journey(message))
        assert outcome.status == "failed", outcome
        assert "private network" in outcome.error or "does not accept" in outcome.error
    assert path not in web.received


@pytest.mark.parametrize(
    "address,is_public",
    [
        ("8.8.8.8", True), ("2001:4860:4860::8888", True), ("10.0.0.1", False), ("172.16.9.9", False), ("192.168.1.1", False),
        ("169.254.169.254", False), ("100.64.0.1", False), ("0.0.0.0", False), ("::1", False), ("fe80::1%eth0", False),
        ("fd00::1", False), ("::ffff:10.0.0.1", False), ("2002:7f00:1::", False), ("64:ff9b::a00:1", False),
        ("224.0.0.1", False), ("ff02::1", False), ("/run/socket", False),
    ],
)  # fmt: skip
def test_which_addresses_are_of_the_world(address, is_public):
    assert egress.is_public(address) is is_public


def test_a_redirect_is_not_followed(web, path, sender):
    def elsewhere(handler):
        handler.send_response(302)
        handler.send_header("Location", f"http://{web.address}{path}/inside")
        handler.end_headers()

    web.answers[path] = elsewhere
    message = Message("1", "webhook", [f"http://{web.address}{path}"], Rendered("s", "t"), "normal")
    assert sender.send(message, sender.open_journey(message)).error == "HTTP 302"
    assert f"{path}/inside" not in web.received


def test_of_an_endless_answer_little_is_read(web, path, sender):
    written = []

    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * 65536)
            written.append(65536)

    web.answers[path] = endless
    message = Message("1", "webhook", [f"http://{web.address}{path}"], Rendered("s", "t"), "normal")
    assert sender.send(message, sender.open_journey(message)).status == "delivered"


def test_an_answer_that_never_comes_is_cut_off(web, path):
    release = threading.Event()
    web.answers[path] = lambda _handler: release.wait(30)
    sender = Sender(Services(allows_private=True), timeout_s=30)
    message = Message("1", "webhook", [f"http://{web.address}{path}"], Rendered("s", "t"), "normal")
    journey = sender.open_journey(message)
    outcomes = []
    thread = threading.Thread(target=lambda: outcomes.append(sender.send(message, journey)))
    thread.start()
    while path not in web.received:
        assert web.arrived.acquire(timeout=60)
    journey.cut()
    thread.join(60)
    release.set()
    assert [(outcome.status, outcome.error) for outcome in outcomes] == [("retry", "no answer in time")]


# Templates

HOSTILE = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ message.__class__ }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ 'a' * 1000000000 }}",
    "{{ 2 ** 10000000 }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ message.format('x') }}",
    "{{ message | center(1000000000) }}",
    "{{ message | replace('M', 'MMMM') }}",
    "{% for a in range(1000000000) %}{% endfor %}",
    "{% for a in message %}{% for b in message %}{% endfor %}{% endfor %}",
    "{% for a in message recursive %}{{ loop(message) }}{% endfor %}",
    "{% for a in message %}" + "x" * 60_000 + "{% endfor %}",
    "{% include '/etc/passwd' %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% set x = 1 %}",
    "{{ lipsum() }}",
    "{{ unknown }}",
    "{{ message.unknown }}",
    "{{ message | unknown }}",
    "{{ 1 / 0 }}",
    "{{ broken",
    "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "{{ message" + " | upper" * 5000 + " }}",
    "x" * 70_000,
]


@pytest.mark.parametrize("source", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_template_is_left_aside_and_the_message_goes_out_plainly(source):
    made = render(
        "email",
        {"id": "1", "subject": None, "body": source, "html": None},
        VARIABLES | {"message": "M" * 4000},
        "Title",
        "Message",
    )
    assert (made.subject, made.text, made.html) == ("Title", "Message", None)
    assert made.template_id is None
    assert 0 < len(made.template_error) <= 300


def test_a_message_keeps_to_the_bounds_of_its_channel():
    made = render("email", None, {}, "Hello\r\nBcc: all@example.com\x00" + "s" * 500, "t" * 100_000 + "\x1b[2J")
    assert made.subject.startswith("Hello Bcc: all@example.com")
    assert len(made.subject) == 200
    assert len(made.text) == 50_000
    assert len(render("sms", None, {}, "s", "t" * 5000).text) == 480
