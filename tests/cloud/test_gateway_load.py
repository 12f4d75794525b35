"""What the gateway does with more than it can: bodies without end, callers without haste, too many at once; two gateways; figures."""

import asyncio
import gzip
import time
import zlib

import jwt
import orjson
import psycopg
import pytest
import zstandard

from cloud_schema.gateway import admission, app, bodies, database, patience
from cloud_schema.gateway.admission import RETRY_S_MAX, Admission
from cloud_schema.gateway.bodies import DECODED_BYTES_MAX, STRANGERS_BYTES_MAX
from cloud_schema.gateway.patience import ImpatientProtocol
from cloud_schema.gateway.refusal import Refused
from tests.cloud.servers import SECRET, Served

pytestmark = pytest.mark.usefixtures("several_backends")


@pytest.fixture
async def served(dsn, several_backends):
    gateway = Served(dsn, http=ImpatientProtocol)
    async with gateway as client:
        yield gateway, client


def signed(hub, **claims):
    body = {"role": "hub", "hub_id": hub.id, "home_id": hub.home_id, "exp": int(time.time()) + 600} | claims
    kept = {name: value for name, value in body.items() if value is not None}
    return {"Authorization": f"Bearer {jwt.encode(kept, SECRET, algorithm='HS256')}"}


def zstd_frames(count, size):
    """Many small bombs one after the other, and one that lies about its size."""
    return b"".join(zstandard.compress(b" " * size) for _ in range(count))


BOMBS = {
    "gzip members": ("gzip", gzip.compress(b" " * DECODED_BYTES_MAX, mtime=0) * 3),
    "gzip in gzip": ("gzip", gzip.compress(gzip.compress(b" " * (DECODED_BYTES_MAX * 8), mtime=0), mtime=0)),
    "zstd frames": ("zstd", zstd_frames(40, DECODED_BYTES_MAX)),
    "zstd in zstd": ("zstd", zstandard.compress(zstandard.compress(b" " * (DECODED_BYTES_MAX * 8)))),
    "a window of gigabytes": ("zstd", b"\x28\xb5\x2f\xfd\x00\xa0" + b"\0" * 40),
    "raw deflate": ("gzip", zlib.compress(b" " * DECODED_BYTES_MAX)),
}


@pytest.mark.parametrize("bomb", BOMBS)
async def test_bombs_are_refused_and_cost_no_more_than_their_bound(served, hub, bomb):
    _, http = served
    encoding, content = BOMBS[bomb]
    assert len(content) < bodies.RECEIVED_BYTES_MAX
    answer = await http.post(
        "/rpc/hub_ingest_v1", content=content, headers={**signed(hub), "Content-Encoding": encoding}
    )
    assert answer.status_code in {400, 413}
    assert answer.json()["details"] in {"request_malformed", "envelope_too_large"}


async def test_a_stranger_may_say_little(served):
    _, http = served
    body = orjson.dumps({"claim_code": "x" * STRANGERS_BYTES_MAX, "mirror_id": "m"})
    assert (await http.post("/rpc/hub_claim_v1", content=body)).json()["details"] == "envelope_too_large"


async def raw(gateway, *parts, then=None):
    """Sends parts and answers what comes until the other side closes."""
    host, port = gateway.address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        return await asyncio.wait_for(reader.read(), 20)
    finally:
        writer.close()


async def test_who_dawdles_is_cut(served, hub, monkeypatch):
    gateway, http = served
    monkeypatch.setattr(patience, "HEADERS_S_MAX", 0.3)
    monkeypatch.setattr(bodies, "BODY_S_MAX", 0.3)
    assert await raw(gateway) == b""
    assert await raw(gateway, b"POST /rpc/hub_ingest_v1 HTTP/1.1\r\nHost: x\r\n", b"X-One: 1\r\n") == b""
    token = signed(hub)["Authorization"].encode()
    begun = b"POST /rpc/hub_ingest_v1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: " + token
    answer = await raw(gateway, begun + b"\r\nContent-Length: 1000\r\n\r\n{")
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"body_too_slow" in answer
    # Whoever keeps a connection after an answer, or waits long for one, is not cut.
    cursor = hub.changes()["cursor"]
    waited = await http.post("/rpc/hub_changes_v1", json={"cursor": cursor, "wait_s": 1}, headers=signed(hub))
    assert waited.status_code == 200


async def test_bodies_at_once_are_bounded(served, hub, monkeypatch):
    _, http = served
    monkeypatch.setattr(admission, "BYTES_AT_ONCE_MAX", 10_000)
    body = orjson.dumps(hub.envelope(note="x" * 6_000))
    answer = await http.post("/rpc/hub_ingest_v1", content=body, headers=signed(hub))
    assert (answer.status_code, answer.json()["details"]) == (503, "gateway_busy")
    assert int(answer.headers["Retry-After"]) >= 1
    # What was refused is given back.
    for _ in range(3):
        assert (await http.post("/rpc/hub_ingest_v1", json=hub.envelope(), headers=signed(hub))).status_code == 200


async def figure_is(http, name, value):
    while f"{name} {value}\n" not in (await http.get("/metrics")).text:
        pass  # the question is the pause


async def test_one_caller_has_a_share_of_the_memory_and_its_neighbours_the_rest(served, hub, new_hub, monkeypatch):
    gateway, http = served
    monkeypatch.setattr(admission, "BYTES_OF_ONE_MAX", 10_000)
    neighbour = new_hub()
    token = signed(hub)["Authorization"].encode()
    host, port = gateway.address.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = b"POST /rpc/hub_ingest_v1 HTTP/1.1\r\nHost: x\r\nAuthorization: " + token
    writer.write(head + b"\r\nContent-Length: 7000\r\n\r\n" + b" " * 6_000)
    await figure_is(http, "nexa_gateway_body_bytes", 6000)
    answers = []
    for each in (hub, neighbour):
        body = orjson.dumps(each.envelope(note="x" * 4_200))
        answers.append(await http.post("/rpc/hub_ingest_v1", content=body, headers=signed(each)))
    writer.close()
    assert [answer.status_code for answer in answers] == [429, 200]
    assert answers[0].json()["details"] == "too_many_calls"
    assert int(answers[0].headers["Retry-After"]) >= 1
    await figure_is(http, "nexa_gateway_body_bytes", 0)
    assert (await http.post("/rpc/hub_ingest_v1", json=hub.envelope(), headers=signed(hub))).status_code == 200


async def test_one_hub_holds_few_questions_open(served, hub, db, monkeypatch):
    _, http = served
    monkeypatch.setattr(app, "WAITERS_OF_A_HOME_MAX", 2)
    device_id = hub.add_device()
    question = {"cursor": hub.changes()["cursor"], "wait_s": 25}
    asked = [
        asyncio.create_task(http.post("/rpc/hub_changes_v1", json=question, headers=signed(hub))) for _ in range(2)
    ]
    await figure_is(http, "nexa_gateway_waiting_hubs", 2)
    third = await http.post("/rpc/hub_changes_v1", json=question, headers=signed(hub))
    assert (third.status_code, third.json()["details"]) == (429, "too_many_calls")
    db.execute("UPDATE devices SET device_name = 'heard' WHERE id = %s", (device_id,))
    assert [(await one).status_code for one in asked] == [200, 200]


async def test_a_stranger_reaches_no_database_but_to_become_a_hub(dsn, several_backends):
    async with Served(dsn.replace("dbname=", "dbname=no_")) as http:
        for function in database.STATEMENTS:
            answer = await http.post(f"/rpc/{function}", json={})
            known = (503, "database_away") if function in app.FOR_STRANGERS else (401, "token_missing")
            assert (answer.status_code, answer.json()["details"]) == known, function


async def test_too_many_at_once_are_sent_away_at_once_and_the_others_served(dsn, hub, monkeypatch, several_backends):
    monkeypatch.setattr(admission, "CALLS_OF_A_HUB_MAX", 60)
    monkeypatch.setattr(database, "CONNECTIONS_MAX", 1)
    monkeypatch.setattr(database, "WAITING_MAX", 5)
    async with Served(dsn) as http:
        answers = await asyncio.gather(
            *(http.post("/rpc/hub_ingest_v1", json=hub.envelope(), headers=signed(hub)) for _ in range(60))
        )
    words = [(answer.status_code, answer.json().get("details")) for answer in answers]
    assert set(words) == {(200, None), (503, "gateway_busy")}
    assert words.count((200, None)) >= 5


async def test_who_waits_too_long_for_others_hears_that_the_gateway_is_busy(dsn, hub, monkeypatch, several_backends):
    monkeypatch.setattr(database, "CONNECTIONS_MAX", 1)
    monkeypatch.setattr(database, "CONNECTION_WAIT_S", 0.2)
    async with Served(dsn) as http, await psycopg.AsyncConnection.connect(dsn) as other:

        async def ask():
            return await http.post("/rpc/hub_ingest_v1", json=hub.envelope(), headers=signed(hub))

        await other.execute("SELECT 1 FROM hub_hubs WHERE id = %s FOR UPDATE", (hub.id,))
        first, second = asyncio.create_task(ask()), asyncio.create_task(ask())
        await asyncio.wait({first, second}, return_when=asyncio.FIRST_COMPLETED)
        await other.rollback()
        answers = sorted([await first, await second], key=lambda answer: answer.status_code)
    assert [(answer.status_code, answer.json().get("details")) for answer in answers] == [
        (200, None),
        (503, "gateway_busy"),
    ]


def test_hubs_that_are_sent_away_come_back_over_the_time_it_takes_to_serve_them():
    now = [0.0]
    busy = Admission(lambda: now[0])
    few = [busy.busy().retry_after_s for _ in range(10)]
    many = [busy.busy().retry_after_s for _ in range(3000)]
    assert max(few) <= 3
    assert 50 < max(many) <= RETRY_S_MAX
    assert len(set(many[1000:])) > 20
    # The faster they are served, the sooner they may come.
    for _ in range(6000):
        with busy.carrying():
            pass
    assert max(busy.busy().retry_after_s for _ in range(100)) < 8
    # What is long ago does not count.
    now[0] += 100
    assert max(busy.busy().retry_after_s for _ in range(10)) <= 3


def test_what_a_refused_call_held_is_given_back():
    busy = Admission()

    def carry_too_much():
        with busy.carrying() as load:
            load.add(admission.BYTES_OF_ONE_MAX)
            load.add(1)

    with pytest.raises(Refused):
        carry_too_much()
    assert (busy.bytes, dict(busy.bytes_of)) == (0, {})


async def test_figures_are_for_operators(served, hub):
    _, http = served
    far = {"X-Forwarded-For": "203.0.113.7"}
    await http.post("/rpc/hub_ingest_v1", json=hub.envelope(), headers=signed(hub))
    await http.post("/rpc/hub_ingest_v1", json=hub.envelope(), headers=signed(hub, exp=1))
    await http.post("/rpc/hub_ingest_v1", json=hub.envelope(), headers=signed(hub, exp=None))
    for headers, status in (({}, 401), (signed(hub), 403), (signed(hub, role="service_role"), 200)):
        assert (await http.get("/metrics", headers={**headers, **far})).status_code == (status if headers else 403)
    text = (await http.get("/metrics")).text
    assert 'nexa_gateway_calls_total{function="hub_ingest_v1",status="200"} 1' in text
    assert 'nexa_gateway_refused_total{details="token_expired"} 1' in text
    assert 'nexa_gateway_refused_total{details="token_invalid"} 1' in text
    assert "nexa_gateway_database_connections" in text


async def test_two_gateways_are_as_good_as_one(dsn, hub, db, several_backends):
    """Requests of one hub go to one and the other in turn; its token holds at both, and both hear of changes."""
    device_id = hub.add_device()
    async with Served(dsn) as one, Served(dsn) as other:
        granted = (await one.post("/rpc/hub_token_v1", json={"hub_id": hub.id, "secret": hub.secret})).json()
        token = {"Authorization": f"Bearer {granted['token']}"}
        for number in range(10):
            rows = [
                {"time": f"2026-03-01T12:00:{n:02d}Z", "device_id": device_id, "metric_type": "power", "value": n}
                for n in range(4 * number, 4 * number + 8)  # each repeats half of the one before
            ]
            first = 1 + 4 * number
            envelope = hub.envelope(streams={"device_telemetry": {"first": first, "rows": rows}})
            answer = await (one, other)[number % 2].post("/rpc/hub_ingest_v1", json=envelope, headers=token)
            assert answer.json()["marks"] == {"device_telemetry": first + 7}
        assert hub.count("device_telemetry") == 44
        cursor = hub.changes()["cursor"]
        waiting = [
            asyncio.create_task(
                gateway.post("/rpc/hub_changes_v1", json={"cursor": cursor, "wait_s": 20}, headers=token)
            )
            for gateway in (one, other)
        ]
        done, _ = await asyncio.wait(waiting, timeout=0.3)
        assert not done
        db.execute("UPDATE devices SET device_name = 'heard' WHERE id = %s", (device_id,))
        for answer in await asyncio.gather(*waiting):
            assert [change["fields"]["device_name"] for change in answer.json()["changes"]] == ["heard"]
