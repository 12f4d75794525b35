"""The gateway over real HTTP: who may come in, what a body may be, waiting, and a database that is away."""

import asyncio
import gzip
import socket
import time
import uuid

import jwt
import orjson
import psycopg
import pytest
import zstandard
from psycopg import sql

from cloud_schema.gateway import app as gateway_app, create_app
from cloud_schema.gateway.bodies import DECODED_BYTES_MAX, RECEIVED_BYTES_MAX
from cloud_schema.gateway.rates import ADDRESSES_MAX, Rate
from tests.cloud.servers import SECRET, Served


@pytest.fixture
async def http(dsn, several_backends):
    async with Served(dsn) as client:
        yield client


def signed(hub, *, secret=SECRET, lifetime_s=600, **claims):
    body = {"role": "hub", "hub_id": hub.id, "home_id": hub.home_id, "exp": int(time.time()) + lifetime_s} | claims
    return {"Authorization": f"Bearer {jwt.encode(body, secret, algorithm='HS256')}"}


async def test_it_is_live(http):
    assert (await http.get("/live")).json() == {"status": "live"}


async def test_from_the_code_to_the_first_envelope(http, new_home, call_as):
    home_id, _ = new_home()
    code = call_as("service_role", {}, "hub_issue_claim_code_v1", {"home_id": home_id})["claim_code"]

    claimed = (
        await http.post("/rpc/hub_claim_v1", json={"request": {"claim_code": code, "hub_name": "h", "mirror_id": "m1"}})
    ).json()
    granted = (
        await http.post(
            "/rpc/hub_token_v1", json={"request": {"hub_id": claimed["hub_id"], "secret": claimed["secret"]}}
        )
    ).json()
    assert granted["token_type"] == "bearer"
    assert granted["expires_in_s"] == 3600
    claims = jwt.decode(granted["token"], SECRET, algorithms=["HS256"])
    assert (claims["role"], claims["hub_id"], claims["home_id"]) == ("hub", claimed["hub_id"], home_id)

    envelope = {"hub_id": claimed["hub_id"], "mirror_id": "m1", "epoch": 1}
    answer = await http.post(
        "/rpc/hub_ingest_v1", json={"request": envelope}, headers={"Authorization": f"Bearer {granted['token']}"}
    )
    assert (answer.status_code, answer.json()["marks"]) == (200, {})
    bare = await http.post("/rpc/hub_ingest_v1", json=envelope, headers={"Authorization": f"Bearer {granted['token']}"})
    assert bare.status_code == 200


async def test_a_wrong_code_is_refused_in_postgrests_shape(http):
    answer = await http.post("/rpc/hub_claim_v1", json={"request": {"claim_code": "nope", "mirror_id": "m"}})
    assert answer.status_code == 404
    assert answer.json() == {
        "code": "PT404",
        "message": "This claim code is not known.",
        "details": "claim_code_unknown",
        "hint": "Check it for typing errors, or ask for a new one.",
    }


async def test_guessing_codes_is_slowed_down(http):
    answers = [await http.post("/rpc/hub_claim_v1", json={"claim_code": str(n), "mirror_id": "m"}) for n in range(12)]
    assert [answer.status_code for answer in answers] == [404] * 10 + [429] * 2
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 6


@pytest.mark.parametrize(
    "headers,status,details",
    [
        (lambda _hub: {}, 401, "token_missing"),
        (lambda _hub: {"Authorization": "Basic abc"}, 401, "token_malformed"),
        (lambda _hub: {"Authorization": "Bearer abc"}, 401, "token_invalid"),
        (lambda hub: signed(hub, secret="another secret that is long enough too"), 401, "token_invalid"),
        (lambda hub: signed(hub, lifetime_s=-60), 401, "token_expired"),
        (lambda hub: signed(hub, role="postgres"), 403, "role_unknown"),
        (lambda hub: signed(hub, role="authenticated"), 403, None),
        (lambda hub: signed(hub, hub_id=str(uuid.uuid4())), 401, "hub_unknown"),
        (lambda hub: signed(hub, home_id=str(uuid.uuid4())), 401, "hub_unknown"),
        (
            lambda hub: {
                "Authorization": "Bearer "
                + jwt.encode({"role": "hub", "exp": int(time.time()) + 9}, None, algorithm="none")
            },
            401,
            "token_invalid",
        ),
    ],
)
async def test_who_is_not_a_hub_of_ours_stays_outside(http, hub, headers, status, details):
    answer = await http.post("/rpc/hub_changes_v1", json={"request": {}}, headers=headers(hub))
    assert (answer.status_code, answer.json()["details"]) == (status, details)
    assert answer.json().keys() == {"code", "message", "details", "hint"}
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


async def test_a_hub_cannot_command_or_read_another_home(http, hub, new_hub):
    other = new_hub()
    command = {"request": {"home_id": other.home_id, "kind": "device.set", "payload": {}}}
    assert (await http.post("/rpc/hub_command_v1", json=command, headers=signed(hub))).status_code == 403
    answer = await http.post("/rpc/hub_ingest_v1", json={"request": other.envelope()}, headers=signed(hub))
    assert (answer.status_code, answer.json()["details"]) == (403, "hub_mismatch")


@pytest.mark.parametrize(
    "encoding,compress", [("gzip", gzip.compress), ("zstd", zstandard.compress), ("identity", bytes)]
)
async def test_a_body_may_be_compressed(http, hub, encoding, compress):
    device_id = hub.add_device()
    rows = [
        {"time": "2026-03-01T12:00:00Z", "device_id": device_id, "metric_type": "power", "value": n} for n in range(500)
    ]
    envelope = hub.envelope(streams={"device_telemetry": {"first": 1, "rows": rows}})
    answer = await http.post(
        "/rpc/hub_ingest_v1",
        content=compress(orjson.dumps({"request": envelope})),
        headers={**signed(hub), "Content-Encoding": encoding},
    )
    assert answer.json()["marks"] == {"device_telemetry": 500}
    assert hub.count("device_telemetry") == 500
    assert answer.headers["accept-encoding"] == "zstd, gzip"


@pytest.mark.parametrize(
    "content,encoding,status",
    [
        (b"{not json", "identity", 400),
        (b"", "identity", 400),
        (b"[1, 2]", "identity", 400),
        (b'{"request": 7}', "identity", 400),
        (b"[" * 100_000, "identity", 400),
        (b'{"a": NaN}', "identity", 400),
        (b'{"a": "\xff"}', "identity", 400),
        (b"{}", "gzip", 400),
        (gzip.compress(b'{"request": {}}', mtime=0)[:-12], "gzip", 400),
        (b"{}", "zstd", 400),
        (zstandard.compress(b'{"request": {}}' * 50)[:-8], "zstd", 400),
        (b"{}", "br", 415),
        (b" " * (RECEIVED_BYTES_MAX + 1), "identity", 413),
        (gzip.compress(b" " * (DECODED_BYTES_MAX + 1), mtime=0), "gzip", 413),
        (zstandard.compress(b" " * (DECODED_BYTES_MAX * 20)), "zstd", 413),
    ],
)
async def test_a_bad_body_is_refused(http, hub, content, encoding, status):
    answer = await http.post(
        "/rpc/hub_changes_v1", content=content, headers={**signed(hub), "Content-Encoding": encoding}
    )
    assert (answer.status_code, answer.json()["code"]) == (status, "PGRST102")


async def test_a_nul_character_from_a_device_holds_nothing_up(http, hub, db):
    device_id = hub.add_device()
    rows = [{"created_at": "2026-03-01T12:00:00Z", "device_id": device_id, "state": {"sensor.x": {"state": "a\0b"}}}]
    answer = await http.post(
        "/rpc/hub_ingest_v1",
        json={"request": hub.envelope(streams={"device_states": {"first": 1, "rows": rows}})},
        headers=signed(hub),
    )
    assert answer.json()["marks"] == {"device_states": 1}
    assert db.execute(
        "SELECT state #>> '{sensor.x,state}' FROM device_states WHERE device_id = %s", (device_id,)
    ).fetchone() == ("a\ufffdb",)


async def test_an_unknown_function_is_not_found(http, hub):
    for name in ("pg_sleep", "hub_ingest_v9", "hub_ingest_v1;drop"):
        answer = await http.post(f"/rpc/{name}", json={"request": {}}, headers=signed(hub))
        assert (answer.status_code, answer.json()["code"]) == (404, "PGRST202")


async def test_a_malformed_value_is_the_callers_fault(http, hub):
    answer = await http.post(
        "/rpc/hub_command_v1", json={"request": {"home_id": "x", "kind": "y"}}, headers=signed(hub, role="service_role")
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "22P02")


async def test_a_waiting_hub_hears_a_change_as_it_happens(http, hub, db):
    scene_id = hub.add_scene()
    cursor = hub.changes()["cursor"]
    start = time.monotonic()
    waiting = asyncio.create_task(
        http.post("/rpc/hub_changes_v1", json={"request": {"cursor": cursor, "wait_s": 20}}, headers=signed(hub))
    )
    done, _ = await asyncio.wait({waiting}, timeout=0.3)
    assert not done

    db.execute("UPDATE scenes SET name = 'now' WHERE id = %s", (scene_id,))

    answer = (await waiting).json()
    assert [one["fields"]["name"] for one in answer["changes"]] == ["now"]
    assert time.monotonic() - start < 20


async def test_a_waiting_hub_hears_a_command_as_it_is_given(http, hub):
    cursor = hub.changes()["cursor"]
    start = time.monotonic()
    waiting = asyncio.create_task(
        http.post("/rpc/hub_changes_v1", json={"request": {"cursor": cursor, "wait_s": 20}}, headers=signed(hub))
    )
    await asyncio.wait({waiting}, timeout=0.3)
    command = {"request": {"home_id": hub.home_id, "kind": "scene.activate", "payload": {}}}
    given = (await http.post("/rpc/hub_command_v1", json=command, headers=signed(hub, role="service_role"))).json()

    assert [one["id"] for one in (await waiting).json()["commands"]] == [given["id"]]
    assert time.monotonic() - start < 20


async def test_waiting_for_nothing_ends(http, hub):
    cursor = hub.changes()["cursor"]
    answer = await http.post(
        "/rpc/hub_changes_v1", json={"request": {"cursor": cursor, "wait_s": 1}}, headers=signed(hub)
    )
    assert (answer.json()["changes"], answer.json()["cursor"]) == ([], cursor)


async def test_without_a_database_it_starts_and_asks_to_come_back(hub):
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    async with Served(f"postgresql://nobody@127.0.0.1:{port}/none") as client:
        assert (await client.get("/live")).status_code == 200
        answer = await client.post("/rpc/hub_changes_v1", json={"request": {}}, headers=signed(hub))
    assert (answer.status_code, answer.json()["details"]) == (503, "database_away")
    assert int(answer.headers["Retry-After"]) >= 1


async def test_it_serves_again_after_its_connections_were_cut(http, hub, db):
    async def ask():
        return (await http.post("/rpc/hub_changes_v1", json={"request": {}}, headers=signed(hub))).status_code

    assert await ask() == 200
    db.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'nexa-gateway%' AND datname = current_database()"
    )
    assert await ask() == 200


async def test_many_hubs_at_once_are_all_stored(http, new_hub):
    hubs = [new_hub() for _ in range(12)]
    devices = [hub.add_device() for hub in hubs]

    async def send(hub, device_id):
        rows = [
            {"time": "2026-03-01T12:00:00Z", "device_id": device_id, "metric_type": "power", "value": n}
            for n in range(100)
        ]
        body = {"request": hub.envelope(streams={"device_telemetry": {"first": 1, "rows": rows}})}
        # Each twice at the same time, as when an answer is given up too early.
        return await asyncio.gather(
            *(http.post("/rpc/hub_ingest_v1", json=body, headers=signed(hub)) for _ in range(2))
        )

    answers = await asyncio.gather(*(send(hub, device_id) for hub, device_id in zip(hubs, devices, strict=True)))
    assert {answer.status_code for pair in answers for answer in pair} == {200}
    assert [hub.count("device_telemetry") for hub in hubs] == [100] * 12


async def test_a_login_that_may_only_take_the_callers_roles_is_enough(hub, db, dsn, several_backends):
    login = f"gateway_{uuid.uuid4().hex[:8]}"
    db.execute(sql.SQL("CREATE ROLE {} LOGIN NOINHERIT PASSWORD 'secret'").format(sql.Identifier(login)))
    db.execute(sql.SQL("GRANT anon, authenticated, service_role, hub TO {}").format(sql.Identifier(login)))
    try:
        async with Served(psycopg.conninfo.make_conninfo(dsn, user=login, password="secret")) as client:
            cursor = hub.changes()["cursor"]
            waiting = asyncio.create_task(
                client.post(
                    "/rpc/hub_changes_v1", json={"request": {"cursor": cursor, "wait_s": 20}}, headers=signed(hub)
                )
            )
            await asyncio.wait({waiting}, timeout=0.3)
            command = {"request": {"home_id": hub.home_id, "kind": "diagnose"}}
            assert (
                await client.post("/rpc/hub_command_v1", json=command, headers=signed(hub, role="service_role"))
            ).status_code == 200
            assert len((await waiting).json()["commands"]) == 1
            device_id = hub.add_device()
            rows = [{"time": "2026-03-01T12:00:00Z", "device_id": device_id, "metric_type": "power", "value": 1}]
            body = {"request": hub.envelope(streams={"device_telemetry": {"first": 1, "rows": rows}})}
            assert (await client.post("/rpc/hub_ingest_v1", json=body, headers=signed(hub))).json()["marks"] == {
                "device_telemetry": 1
            }
    finally:
        db.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(login)))


def test_a_short_secret_is_refused(dsn):
    with pytest.raises(ValueError, match="32 bytes"):
        create_app(dsn, "short")


def test_tries_come_back_with_time_and_addresses_are_bounded():
    now = [0.0]
    rate = Rate(burst=2, per_minute=6, now=lambda: now[0])
    assert [rate.take("a"), rate.take("a")] == [0, 0]
    assert rate.take("a") == pytest.approx(10)
    now[0] += 10
    assert rate.take("a") == 0
    for n in range(ADDRESSES_MAX + 5):
        rate.take(f"address {n}")
    assert len(rate._buckets) == ADDRESSES_MAX


def test_the_wait_is_bounded():
    assert [gateway_app._wait_s(asked) for asked in (None, "long", True, -3, 4, 1e9)] == [
        0,
        0,
        0,
        0,
        4,
        gateway_app.WAIT_S_MAX,
    ]


@pytest.mark.usefixtures("several_backends")
@pytest.mark.parametrize(
    "trusted,claimed,told",
    [
        ("127.0.0.1", "203.0.113.7, 127.0.0.1", "203.0.113.7"),
        ("127.0.0.1", "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("10.0.0.0/8", "203.0.113.7", "127.0.0.1"),
        ("127.0.0.1", "not an address", None),
    ],
)
async def test_the_database_is_told_who_asks_but_no_secret(dsn, hub, trusted, claimed, told):
    keep = sql.SQL(
        "CREATE OR REPLACE FUNCTION pg_temp.keep() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN NEW.public := current_setting(''request.headers'')::jsonb; RETURN NEW; END'"
    )
    hub.db.execute(keep)
    hub.db.execute(
        sql.SQL(
            "CREATE TRIGGER test_keep BEFORE UPDATE ON hub_hubs FOR EACH ROW WHEN (NEW.id = {}) EXECUTE FUNCTION pg_temp.keep()"
        ).format(sql.Literal(hub.id))
    )
    try:
        headers = {
            **signed(hub),
            "Cookie": "session=1",
            "X-Forwarded-For": claimed,
            "User-Agent": "nexa-hub/1.2",
            "Long": "x" * 2000,
        }
        async with Served(dsn, forwarded_allow_ips=trusted) as http:
            answer = await http.post("/rpc/hub_ingest_v1", json=hub.envelope(), headers=headers)
        assert answer.status_code == 200, answer.text
    finally:
        hub.db.execute("DROP TRIGGER test_keep ON hub_hubs")
    seen = hub.db.execute("SELECT public FROM hub_hubs WHERE id = %s", (hub.id,)).fetchone()[0]
    assert (seen["user-agent"], seen.get("x-forwarded-for"), len(seen["long"])) == ("nexa-hub/1.2", told, 500)
    assert not {"authorization", "cookie"} & seen.keys()
