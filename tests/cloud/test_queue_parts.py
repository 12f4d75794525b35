"""The queue's decisions and readings, without servers."""

import gzip
import json

import pytest
from click.testing import CliRunner

from cloud_schema.__main__ import cli
from cloud_schema.connection import ApplyError
from cloud_schema.gateway.refusal import Refused
from cloud_schema.queue.handling import AGAIN_S_MAX, TRIES_MAX, Again, Dead, judge
from cloud_schema.queue.message import BadMessage, Waiting, read
from cloud_schema.queue.places import PARTITIONS, partition_of
from cloud_schema.queue.servers import NatsServers

CLAIMS = {"role": "hub", "hub_id": "5", "home_id": "å"}


def refused(status: int, details: str | None) -> Refused:
    return Refused(status, "PT000", "Not now.", details)


@pytest.mark.parametrize("details", ["database_away", "gateway_busy", "schema_too_old", "gateway_too_old"])
def test_while_the_database_as_a_whole_does_not_serve_nothing_is_wrong_with_an_envelope(details):
    assert judge(refused(503, details), 0, 1000) == Again(AGAIN_S_MAX)


@pytest.mark.parametrize("status, details", [(503, None), (500, None), (429, "too_many_tries")])
def test_what_may_pass_is_tried_a_few_times_and_then_blocks_nobody(status, details):
    verdicts = [judge(refused(status, details), tries, tries) for tries in range(1, TRIES_MAX + 1)]
    waits = [verdict.after_s for verdict in verdicts[:-1] if isinstance(verdict, Again)]
    assert len(waits) == TRIES_MAX - 1
    assert waits == sorted(waits)
    assert isinstance(verdicts[-1], Dead)
    assert f"tried {TRIES_MAX} times" in verdicts[-1].reason


@pytest.mark.parametrize(
    "status, details", [(400, "request_malformed"), (403, "hub_retired"), (413, None), (426, "agent_too_old")]
)
def test_what_the_database_will_never_take_is_dead_at_once(status, details):
    verdict = judge(refused(status, details), 1, 1)
    assert isinstance(verdict, Dead)
    assert (details or "PT000") in verdict.reason


def test_a_message_comes_out_as_it_went_in():
    body = gzip.compress(json.dumps({"request": {"epoch": 1}}).encode())
    waiting = Waiting(CLAIMS, {"user-agent": "hub\r\nX: y å"}, body, "gzip")
    headers = waiting.headers()
    assert all(value.isascii() and "\n" not in value and "\r" not in value for value in headers.values())
    again = read(headers, body)
    assert again == waiting
    assert again.request() == {"epoch": 1}


@pytest.mark.parametrize(
    "headers",
    [
        None,
        {},
        {"Nexa-Claims": "{", "Nexa-Told": "{}"},
        {"Nexa-Claims": "[]", "Nexa-Told": "{}"},
        {"Nexa-Claims": "{}", "Nexa-Told": "{}"},
        {"Nexa-Claims": json.dumps({"role": "service_role"}), "Nexa-Told": "{}"},
        {"Nexa-Claims": json.dumps(CLAIMS), "Nexa-Told": "1"},
    ],
)
def test_a_message_that_does_not_say_which_hub_it_is_of_is_no_envelope(headers):
    with pytest.raises(BadMessage):
        read(headers, b"{}")


@pytest.mark.parametrize(
    "body, encoding",
    [(b"{", ""), (b"[]", ""), (b"x", "gzip"), (b"{}", "br"), (gzip.compress(b" " * 2**25), "gzip")],
)
def test_a_body_is_bounded_and_read_as_carefully_as_at_the_gateway(body, encoding):
    with pytest.raises(BadMessage):
        Waiting(CLAIMS, {}, body, encoding).request()


def test_a_hub_stays_in_its_partition_and_hubs_are_spread():
    counts = [0] * PARTITIONS
    for n in range(16_000):
        counts[partition_of(f"00000000-0000-4000-8000-{n:012d}")] += 1
    assert min(counts) > 700
    assert partition_of("00000000-0000-4000-8000-000000000001") == partition_of("00000000-0000-4000-8000-000000000001")


def test_servers_are_read_with_one_login_that_is_shown_nowhere():
    servers = NatsServers.read("tls://gateway:p%20w@a.example, tls://gateway:p%20w@b.example:4333\n")
    assert servers.urls == ("tls://a.example:4222", "tls://b.example:4333")
    assert (servers.user, servers.password) == ("gateway", "p w")
    assert "p w" not in repr(servers)
    assert servers.tls() is not None
    assert NatsServers.read("nats://127.0.0.1").tls() is None


@pytest.mark.parametrize(
    "text", ["", "http://a", "nats://", "nats://a:port", "nats://u:one@a,nats://u:two@b", "nats://u:secret@a,b"]
)
def test_what_names_no_servers_is_refused_without_being_shown(text):
    with pytest.raises(ApplyError) as told:
        NatsServers.read(text)
    assert "secret" not in str(told.value)


def test_commands_that_need_the_queue_say_what_is_missing(tmp_path):
    told = CliRunner().invoke(cli, ["queue", "status"], env={"NEXA_CLOUD_NATS": ""})
    assert isinstance(told.exception, ApplyError)
    assert "NEXA_CLOUD_NATS" in str(told.exception)
    told = CliRunner().invoke(cli, ["writer", "postgresql://x", "--nats-file", str(tmp_path / "none")])
    assert "cannot be read" in str(told.exception)


def test_a_queue_that_cannot_be_reached_is_said_in_words():
    told = CliRunner().invoke(cli, ["queue", "status", "--nats", "nats://user:secret@127.0.0.1:9"])
    assert isinstance(told.exception, ApplyError)
    assert "nats://127.0.0.1:9" in str(told.exception)
    assert "secret" not in str(told.exception)
