"""Whatever a hub sends is refused with a reason and counted, and its neighbours are served meanwhile: over real HTTP, by rows and by columns."""

import asyncio
import gzip
import time
from datetime import UTC, datetime, timedelta

import jwt
import orjson
import psycopg
import pytest
import zstandard

from cloud_schema.gateway import admission, columns
from tests.cloud.servers import SECRET, Served

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MEBIBYTE = bytes(1024 * 1024)


@pytest.fixture
async def http(dsn, several_backends, monkeypatch):
    monkeypatch.setattr(columns, "ROWS_MIN", 1)  # also few columns go by COPY
    async with Served(dsn) as client:
        yield client


def bearer(hub, *, secret=SECRET, algorithm="HS256", **claims):
    body = {"role": "hub", "hub_id": hub.id, "home_id": hub.home_id, "exp": int(time.time()) + 600} | claims
    return {"Authorization": f"Bearer {jwt.encode(body, secret, algorithm=algorithm)}"}


async def send(http, hub, envelope, **headers):
    body = envelope if isinstance(envelope, bytes) else orjson.dumps({"request": envelope})
    return await http.post("/rpc/hub_ingest_v1", content=body, headers={**bearer(hub), **headers})


def rows_of(device_id, count=3):
    return [
        {
            "time": (NOON + timedelta(seconds=n)).isoformat(),
            "device_id": device_id,
            "metric_type": "power",
            "value": n,
            "quality_score": 100,
        }
        for n in range(count)
    ]


def as_stream(rows, form, first=1):
    body = rows if form == "rows" else {name: [row[name] for row in rows] for name in rows[0]}
    return {"device_telemetry": {"first": first, form: body}}


def letters(hub):
    statement = "SELECT stream, seq, reason FROM hub_dead_letters WHERE hub_id = %s ORDER BY id"
    return hub.db.execute(statement, (hub.id,)).fetchall()


async def is_served(http, hub):
    """Whether this neighbour's records go in."""
    answer = await send(http, hub, hub.envelope(streams=as_stream(rows_of(hub.add_device()), "columns")))
    return (answer.status_code, answer.json()["marks"], answer.json()["refused"]) == (200, {"device_telemetry": 3}, [])


@pytest.mark.parametrize("form", ["rows", "columns"])
async def test_a_bad_row_is_set_aside_with_a_reason_and_those_around_it_are_stored(http, new_hub, form):
    neighbour = new_hub()
    foreign = neighbour.add_device()
    soon = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    for changed, reason in [
        ({"device_id": foreign}, "device_id is not known in this home"),
        ({"device_id": None}, "device_id is missing"),
        ({"device_id": "lamp"}, "a value cannot be read"),
        ({"device_id": [1]}, "a value cannot be read"),
        ({"time": soon}, "it is dated more than 01:00:00 ahead"),
        ({"time": "infinity"}, "it is dated more than 01:00:00 ahead"),
        ({"time": "1969-12-31T23:59:59Z"}, "it is dated before 1970-01-01"),
        ({"time": "noon"}, "a value cannot be read"),
        ({"time": None}, "time is missing"),
        ({"value": "1e999"}, "a value is out of range"),
        ({"value": "NaN"}, "value is no number that can be reckoned with"),
        ({"value": {"a": 1}}, "a value cannot be read"),
        ({"quality_score": 101}, "a value is not among those allowed"),
        ({"quality_score": 2**40}, "a value is out of range"),
    ]:
        hub = new_hub()
        rows = rows_of(hub.add_device())
        rows[1] |= changed
        answer = await send(http, hub, hub.envelope(streams=as_stream(rows, form)))
        assert (answer.status_code, answer.json().get("marks")) == (200, {"device_telemetry": 3}), (
            changed,
            answer.text,
        )
        assert hub.count("device_telemetry") == 2, changed
        [(stream, seq, why)] = letters(hub)
        assert (stream, seq, why.startswith(reason)) == ("device_telemetry", 2, True), (changed, why)
        assert [one["reason"] for one in answer.json()["refused"]] == [why]
    assert neighbour.count("device_telemetry") == 0
    assert await is_served(http, neighbour)


async def test_thousands_of_bad_rows_are_each_set_aside_within_the_time_of_a_call(http, hub):
    rows = rows_of("00000000-0000-0000-0000-000000000001", 5000)
    answer = await send(http, hub, hub.envelope(streams=as_stream(rows, "columns")))
    assert (answer.status_code, len(answer.json().get("refused", []))) == (200, 5000), answer.text[:300]
    # Bad in ways that the table itself refuses, one row at a time; between them a good one here and there.
    rows = rows_of(hub.add_device(), 5000)
    bad = ({"value": "much"}, {"quality_score": 101}, {"metric_type": None}, {"device_id": "lamp"})
    for n, row in enumerate(rows):
        row.update(bad[n % 4] if n % 50 else {})
    answer = await send(http, hub, hub.envelope(streams=as_stream(rows, "columns", 5001)))
    assert (answer.status_code, answer.json().get("marks")) == (200, {"device_telemetry": 10_000}), answer.text[:300]
    assert [one["seq"] for one in answer.json()["refused"]] == [5001 + n for n in range(5000) if n % 50]
    assert (hub.count("device_telemetry"), len(letters(hub))) == (100, 9_900)
    reasons = {reason.split("(")[0].strip() for _, seq, reason in letters(hub) if seq > 5000}
    assert reasons == {"a value cannot be read", "a value is not among those allowed", "metric_type is missing"}


@pytest.mark.parametrize("form", ["rows", "columns"])
async def test_a_bad_stream_is_set_aside_with_a_reason_and_the_other_one_is_stored(http, new_hub, form):
    for name, changed, reason in [
        ("no_such_stream", {}, "stream_unknown"),
        ("alerts", {}, "stream_unknown"),  # cases are not numbered
        ("x" * 9000, {}, "stream_unknown"),
        ("energy_usage", {"first": None}, "first_missing"),
        ("energy_usage", {"first": 0}, "first_missing"),
        ("energy_usage", {"first": -7}, "first_missing"),
        ("energy_usage", {"first": "one"}, "numbers_malformed"),
        ("energy_usage", {"first": 1.5}, "numbers_malformed"),
        ("energy_usage", {"first": 2**63 - 1}, "numbers_malformed"),
        ("energy_usage", {"first": 2**53}, "numbers_malformed"),
        ("energy_usage", {"first": 2**63 - 1, "lane": "repair"}, "numbers_malformed"),
        ("energy_usage", {"first": -(2**63), "lane": "repair"}, "first_missing"),
        ("energy_usage", {"seqs": [-2, -1, 3]}, "seqs_not_rising"),
        ("energy_usage", {"seqs": [1, 3, 2]}, "seqs_not_rising"),
        ("energy_usage", {"seqs": [1, 2]}, "seqs_and_rows_differ"),
        ("energy_usage", {"seqs": [1, 2, 2**63 - 1]}, "numbers_malformed"),
        ("energy_usage", {"seqs": [1, 2, 1e19]}, "numbers_malformed"),
        ("energy_usage", {"seqs": {"a": 1}}, "numbers_malformed"),
        ("energy_usage", {form: 7}, "rows_malformed"),
        (
            "energy_usage",
            {form: {"time": [1, 2], "device_id": [3]} if form == "columns" else {"a": 1}},
            "rows_malformed",
        ),
    ]:
        hub = new_hub()
        device_id = hub.add_device()
        good = as_stream(rows_of(device_id), form)
        times = [row["time"] for row in rows_of(device_id)]
        bodies = {"columns": {"time": times, "device_id": [device_id] * 3}}
        bodies["rows"] = [{"time": each, "device_id": device_id} for each in times]
        bad = {name: {"first": 1, form: bodies[form], **changed}}
        answer = await send(http, hub, hub.envelope(streams={**bad, **good}))
        assert (answer.status_code, answer.json().get("refused")) == (
            200,
            [{"stream": name, "seq": None, "reason": reason}],
        ), (name[:20], changed, answer.text[:300])
        assert (hub.count("energy_usage"), hub.count("device_telemetry")) == (0, 3), changed
        assert letters(hub) == [(name[:100], None, reason)]
    assert await is_served(http, new_hub())


async def test_numbers_end_where_those_of_json_end(http, hub):
    last = 2**53 - 1
    gaps = [{"stream": "device_telemetry", "first": 1, "last": last - 3}]
    device_id = hub.add_device()
    assert (await send(http, hub, hub.envelope(gaps=gaps))).json()["marks"] == {"device_telemetry": last - 3}
    answer = await send(http, hub, hub.envelope(streams=as_stream(rows_of(device_id), "columns", last - 2)))
    assert (answer.json()["marks"], hub.count("device_telemetry")) == ({"device_telemetry": last}, 3)
    beyond = [{"stream": "device_states", "first": 1, "last": last + 1}, {"stream": "y" * 9000, "first": 1, "last": 2}]
    answer = await send(http, hub, hub.envelope(gaps=beyond, streams=as_stream(rows_of(device_id), "rows", last + 1)))
    assert [one["reason"].split(":")[0] for one in answer.json()["refused"]] == [
        "bad gap",
        "numbers_malformed",
        "stream_unknown",
    ]
    assert (await send(http, hub, hub.envelope())).json()["marks"] == {"device_telemetry": last, "device_states": 0}


def of_gibibytes(compressor):
    return b"".join(compressor.compress(MEBIBYTE) for _ in range(2048)) + compressor.flush()


def nested(depth):
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize(
    "content,headers,refused",
    [
        pytest.param(lambda _: of_gibibytes(zstandard.ZstdCompressor(1).compressobj()), {"Content-Encoding": "zstd"}, (413, "envelope_too_large"), id="zstd that unpacks to gigabytes"),
        pytest.param(lambda _: gzip.compress(MEBIBYTE * 64, 1), {"Content-Encoding": "gzip"}, (413, "envelope_too_large"), id="gzip that unpacks to much"),
        pytest.param(lambda _: bytes(5 * 1024 * 1024), {}, (413, "envelope_too_large"), id="too many bytes"),
        pytest.param(lambda hub: hub.envelope(streams={"device_telemetry": {"first": 1, "rows": [{}] * 20_001}}), {}, (413, "envelope_too_large"), id="too many rows"),
        pytest.param(lambda hub: hub.envelope(streams={f"s{n}": {} for n in range(101)}), {}, (413, "envelope_too_large"), id="too many streams"),
        pytest.param(lambda _: nested(300), {}, (400, "request_malformed"), id="an array"),
        pytest.param(lambda _: b'{"present": ' + nested(300) + b"}", {}, (400, "request_malformed"), id="deeper than can be passed on"),
        pytest.param(lambda _: b'{"streams": {"device_telemetry": {"first": 1, "columns": {"value": [' + nested(300) + b"]}}}}", {}, (400, "request_malformed"), id="deep columns"),
        pytest.param(lambda _: b'{"present": ' + nested(1000) + b', "x": "\\u0000"}', {}, (400, "request_malformed"), id="deep with a NUL"),
        pytest.param(lambda _: b'{"present": ' + nested(100_000) + b"}", {}, (400, "request_malformed"), id="deeper than can be read"),
        pytest.param(lambda _: b'{"present": [' + b"[]," * 1_000_000 + b"[]]}", {}, (413, "envelope_too_large"), id="a million lists"),
        pytest.param(lambda hub: hub.envelope(gaps=[{"stream": f"s{n}", "first": 1, "last": 2} for n in range(101)]), {}, (413, "envelope_too_large"), id="gaps of too many streams"),
        pytest.param(lambda hub: hub.envelope(commands_done=[{}] * 20_001), {}, (413, "envelope_too_large"), id="too many commands done"),
        pytest.param(lambda _: b'{"mirror_id": "\xff"}', {}, (400, "request_malformed"), id="no UTF-8"),
        pytest.param(lambda hub: {**hub.envelope(), "epoch": -1}, {}, (400, "request_incomplete"), id="a negative epoch"),
        pytest.param(lambda hub: {**hub.envelope(), "epoch": 1.5}, {}, (400, "request_incomplete"), id="half an epoch"),
        pytest.param(lambda hub: {**hub.envelope(), "epoch": 2**31}, {}, (400, "request_incomplete"), id="an epoch too high"),
        pytest.param(lambda hub: {**hub.envelope(), "mirror_id": ""}, {}, (400, "request_incomplete"), id="no mirror"),
        pytest.param(lambda hub: {**hub.envelope(), "streams": [1]}, {}, (400, "request_malformed"), id="streams in an array"),
    ],
)  # fmt: skip
async def test_a_bad_envelope_is_refused_whole_and_counted(http, new_hub, content, headers, refused):
    hub, (status, details) = new_hub(), refused
    answer = await send(http, hub, content(hub), **headers)
    assert (answer.status_code, answer.json()["details"]) == (status, details), answer.text[:300]
    assert answer.json()["message"]
    assert f'nexa_gateway_refused_total{{details="{details}"}} 1' in (await http.get("/metrics")).text
    assert await is_served(http, new_hub())


async def test_a_hub_that_calls_often_at_once_keeps_nobody_waiting(http, dsn, new_hub):
    hub, neighbour = new_hub(), new_hub()
    # Something holds up this hub's envelopes: the first of many, say.
    with psycopg.connect(dsn) as holding:
        holding.execute("SELECT FROM hub_hubs WHERE id = %s FOR UPDATE", (hub.id,))
        calls = [asyncio.create_task(send(http, hub, hub.envelope())) for _ in range(30)]
        waiting = set(calls)
        while len(waiting) > admission.CALLS_OF_A_HUB_MAX:
            _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert await is_served(http, neighbour)
    answers = [await call for call in calls]
    words = [(answer.status_code, answer.json().get("details")) for answer in answers]
    assert (words.count((200, None)), words.count((429, "too_many_calls"))) == (3, 27)
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in answers if answer.status_code == 429)
    assert (await send(http, hub, hub.envelope())).status_code == 200


async def test_a_token_that_is_not_right_lets_nobody_in_and_is_counted(http, hub, new_hub):
    other = new_hub()
    told = []
    for headers, status, details in [
        (bearer(hub, exp=int(time.time()) - 60), 401, "token_expired"),
        (bearer(hub, secret="another secret that is long enough too"), 401, "token_invalid"),
        (bearer(hub, secret=None, algorithm="none"), 401, "token_invalid"),
        (bearer(other), 403, "hub_mismatch"),
        (bearer(hub, home_id=other.home_id), 401, "hub_unknown"),
        (bearer(hub, role="postgres"), 403, "role_unknown"),
    ]:
        envelope = hub.envelope(streams=as_stream(rows_of(other.add_device()), "columns"))
        answer = await send(http, hub, envelope, **headers)
        assert (answer.status_code, answer.json()["details"]) == (status, details)
        told.append(details)
    figures = (await http.get("/metrics")).text
    for details in told:
        assert f'nexa_gateway_refused_total{{details="{details}"}} {told.count(details)}' in figures
    assert (hub.count("device_telemetry"), other.count("device_telemetry")) == (0, 0)
    assert await is_served(http, hub)
