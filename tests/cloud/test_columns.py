"""Bulk streams by COPY: the same comes of an envelope, whichever way its columns go."""

import asyncio
import json
import math
import uuid
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from psycopg import sql

from cloud_schema.gateway import columns
from cloud_schema.gateway.copying import stored_by_copy
from cloud_schema.gateway.database import Database
from cloud_schema.gateway.refusal import Refused
from tests.cloud.poolers import pooling

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def also_small_ones(monkeypatch):
    monkeypatch.setattr(columns, "ROWS_MIN", 1)


async def sent(dsn, hub, request):
    """As the gateway sends it: what is answered, and whether COPY stored the columns."""
    claims = {"role": "hub", **hub.claims}
    async with (
        await psycopg.AsyncConnection.connect(dsn, autocommit=True, prepare_threshold=None) as connection,
        connection.transaction(),
    ):
        await connection.execute(
            "SELECT set_config('role', 'hub', true), set_config('request.jwt.claims', %s, true)", (json.dumps(claims),)
        )
        rest = await stored_by_copy(connection, request)
        role = (await (await connection.execute("SELECT current_setting('role')")).fetchone())[0]
        assert role == "hub"
        statement = "SELECT public.hub_ingest_v1(%s::jsonb)"
        answer = (await (await connection.execute(statement, (json.dumps(rest),))).fetchone())[0]
    return answer, rest is not request


def telemetry(sensor_id, count, first=1, **changed):
    body = {
        "time": [(NOON + timedelta(seconds=first + n)).isoformat() for n in range(count)],
        "device_id": [sensor_id] * count,
        "metric_type": ["temperature"] * count,
        "value": [20 + n / 8 for n in range(count)],
        **changed,
    }
    return {"lane": "live", "first": first, "columns": body}


def stored(hub, table="device_telemetry"):
    statement = sql.SQL(
        "SELECT to_jsonb(t) - 'device_id' - 'home_id' FROM ts.{} t WHERE device_id IN (SELECT id FROM devices WHERE home_id = %s) ORDER BY 1"
    ).format(sql.Identifier(table))
    return [row[0] for row in hub.db.execute(statement, (hub.home_id,))]


def letters(hub):
    statement = (
        "SELECT stream, seq, reason, body - 'device_id' - 'home_id' FROM hub_dead_letters WHERE hub_id = %s ORDER BY id"
    )
    return hub.db.execute(statement, (hub.id,)).fetchall()


async def test_columns_are_copied_and_the_rest_is_ingested(dsn, hub):
    device_id = hub.add_device()
    envelope = hub.envelope(
        streams={
            "device_telemetry": telemetry(device_id, 50),
            "device_states": {
                "first": 1,
                "rows": [{"created_at": "2026-03-01T12:00:00Z", "device_id": device_id, "state": {}}],
            },
        },
        present={"devices": {device_id: {"battery_level": 17}}},
    )
    answer, is_copied = await sent(dsn, hub, envelope)
    assert is_copied
    assert (answer["marks"], answer["refused"]) == ({"device_telemetry": 50, "device_states": 1}, [])
    assert (hub.count("device_telemetry"), hub.count("device_states")) == (50, 1)
    assert hub.db.execute("SELECT battery_level FROM devices WHERE id = %s", (device_id,)).fetchone() == (17,)
    # Again, and a little more: what is there is skipped.
    answer, is_copied = await sent(dsn, hub, hub.envelope(streams={"device_telemetry": telemetry(device_id, 60)}))
    assert (is_copied, answer["marks"]["device_telemetry"], hub.count("device_telemetry")) == (True, 60, 60)
    # Beyond a hole nothing is taken.
    beyond = telemetry(device_id, 5, first=70)
    answer, is_copied = await sent(dsn, hub, hub.envelope(streams={"device_telemetry": beyond}))
    assert (is_copied, answer["marks"]["device_telemetry"], hub.count("device_telemetry")) == (True, 60, 60)


async def test_energy_gets_the_hubs_home_and_the_standards(dsn, hub):
    device_id = hub.add_device()
    body = {
        "time": ["2026-03-01T12:00:00Z", "2026-03-01T12:00:01Z"],
        "device_id": [device_id] * 2,
        "home_id": [str(uuid.uuid4()), None],
        "power_watts": [-0.0, 1e-7],
        "cost_estimate": [0.123456, None],
        "is_peak_hour": [None, True],
        "metadata": [{"text": 'a\\b\n"c"\t'}, None],
    }
    answer, is_copied = await sent(dsn, hub, hub.envelope(streams={"energy_usage": {"first": 1, "columns": body}}))
    assert (is_copied, answer["marks"]) == (True, {"energy_usage": 2})
    rows = hub.db.execute(
        "SELECT home_id::text, power_watts, cost_estimate::text, is_peak_hour, metadata FROM ts.energy_usage WHERE device_id = %s ORDER BY time",
        (device_id,),
    ).fetchall()
    assert rows == [
        (hub.home_id, 0.0, "0.1235", False, {"text": 'a\\b\n"c"\t'}),
        (hub.home_id, 1e-7, None, True, {}),
    ]
    assert math.copysign(1, rows[0][1]) == 1


async def test_what_is_not_plain_is_left_to_the_function(dsn, hub, new_hub):
    device_id, foreign = hub.add_device(), new_hub().add_device()
    for number, changed in enumerate(
        [
            {"device_id": [device_id, foreign]},  # another home's
            {"value": [1, "warm"]},
            {"value": [1, [2]]},
            {"metric_type": ["x", 5]},
            {"time": ["2026-03-01T12:00:00Z", None]},
            {"time": ["2026-03-01T12:00:00Z", "noon"]},
            {"time": ["2026-03-01T12:00:00Z", "2099-03-01T12:00:00Z"]},
            {"value": [1, "NaN"]},
            {"quality_score": [100, 101]},
            {"device_id": [device_id, [device_id]]},
        ]
    ):
        body = telemetry(device_id, 2, first=1 + 2 * number, **changed)
        answer, is_copied = await sent(dsn, hub, hub.envelope(streams={"device_telemetry": body}))
        assert not is_copied, changed
        assert answer["marks"] == {"device_telemetry": 2 + 2 * number}, changed


async def test_what_another_copy_of_the_mirror_may_have_sent_is_left_to_the_function(dsn, hub):
    device_id = hub.add_device()
    body = telemetry(device_id, 3)
    await sent(dsn, hub, hub.envelope(streams={"device_telemetry": body}))
    again = {**body, "first": 4, "missing_only": True}
    answer, is_copied = await sent(dsn, hub, hub.envelope(streams={"device_telemetry": again}))
    assert (is_copied, answer["marks"], hub.count("device_telemetry")) == (False, {"device_telemetry": 6}, 3)


async def test_rows_of_a_device_that_comes_with_them_are_stored(dsn, hub):
    device_id = str(uuid.uuid4())
    fields = {"device_name": "new", "device_type": "light"}
    definition = {"entity_type": "device", "id": device_id, "base_version": None, "fields": fields}
    envelope = hub.envelope(definitions=[definition], streams={"device_telemetry": telemetry(device_id, 5)})
    answer, is_copied = await sent(dsn, hub, envelope)
    assert (is_copied, answer["refused"], hub.count("device_telemetry")) == (False, [], 5)


async def test_an_envelope_that_is_refused_as_a_whole_leaves_no_columns(dsn, hub, db):
    device_id = hub.add_device()
    envelope = hub.envelope(streams={"device_telemetry": telemetry(device_id, 5)}, agent_version="0.1")
    db.execute("UPDATE hub_limits SET agent_version_min = '9.0'")
    try:
        with pytest.raises(psycopg.errors.DatabaseError, match="too old"):
            await sent(dsn, hub, envelope)
    finally:
        db.execute("UPDATE hub_limits SET agent_version_min = NULL")
    assert hub.count("device_telemetry") == 0
    assert hub.db.execute("SELECT count(*) FROM hub_marks WHERE hub_id = %s", (hub.id,)).fetchone() == (0,)


async def test_nothing_is_copied_of_a_mirrors_copy(dsn, hub):
    device_id = hub.add_device()
    hub.ingest(lineage=["first life", "second life"])
    envelope = hub.envelope(
        lineage=["first life", "another life"], streams={"device_telemetry": telemetry(device_id, 5)}
    )
    answer, is_copied = await sent(dsn, hub, envelope)
    assert (is_copied, answer["fork"], answer["marks"], hub.count("device_telemetry")) == (False, {"epoch": 2}, {}, 0)


async def test_rows_in_all_are_limited_as_ever(dsn, hub):
    device_id = hub.add_device()
    streams = {
        "device_telemetry": telemetry(device_id, 12000),
        "energy_usage": {"first": 1, "columns": {"time": ["2026-03-01T12:00:00Z"] * 12000}},
    }
    with pytest.raises(psycopg.errors.DatabaseError, match="24000 rows"):
        await sent(dsn, hub, hub.envelope(streams=streams))


async def test_columns_are_copied_into_compressed_chunks(dsn, hub, db):
    if not db.execute("SELECT current_setting('timescaledb.license', true) = 'timescale'").fetchone()[0]:
        pytest.skip("needs TimescaleDB's community licence")
    device_id = hub.add_device()
    for count in (10, 30):
        answer, is_copied = await sent(
            dsn, hub, hub.envelope(streams={"device_telemetry": telemetry(device_id, count)})
        )
        assert (is_copied, answer["marks"], hub.count("device_telemetry")) == (True, {"device_telemetry": count}, count)
        db.execute("SELECT compress_chunk(c, if_not_compressed => true) FROM show_chunks('ts.device_telemetry') c")


def test_a_hub_cannot_move_its_marks_without_the_rows(hub):
    described = {
        **hub.envelope(),
        "rows": 9,
        "columns": {"device_telemetry": {"first": 1, "count": 9, "names": ["time"]}},
    }
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        hub.call("hub_columns_v1", described)


@pytest.mark.usefixtures("several_backends")
async def test_through_a_pooler_nothing_of_the_role_stays(dsn, hub, monkeypatch):
    """Two clients take turns on one backend of a pooler that keeps no session."""
    device_id = hub.add_device()
    with pooling(dsn, backends=1) as pooled:
        databases = [Database(pooled) for _ in range(2)]
        for database in databases:
            await database.start()
        try:
            claims = {"role": "hub", **hub.claims}
            for number in range(4):
                body = telemetry(device_id, 5, first=1 + 5 * number, **({"value": ["bad"] * 5} if number == 1 else {}))
                await databases[number % 2].call(
                    "hub_ingest_v1", claims, hub.envelope(streams={"device_telemetry": body}), {}
                )
                with pytest.raises(Refused, match="permission denied"):
                    await databases[number % 2].call("hub_issue_claim_code_v1", claims, {"home_id": hub.home_id}, {})
        finally:
            for database in databases:
                await database.stop()
    assert hub.count("device_telemetry") == 15


# Both ways, with everything that may come.

GOOD = {
    "time": st.integers(0, 10_000).map(lambda s: (NOON + timedelta(seconds=s / 7)).isoformat()),
    "device_id": st.sampled_from(["device 1", "device 2"]),
    "metric_type": st.text(alphabet="abc\\\t\n\r'\"{},é\u2028 N", max_size=6),
    "value": st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**60), 2**60)),
    "unit": st.one_of(st.none(), st.sampled_from(["", "null", "\\N", "\\.", "%", "°C"])),
    "quality_score": st.one_of(st.none(), st.integers(0, 100)),
    "metadata": st.one_of(st.none(), st.just({}), st.dictionaries(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=3), st.floats(allow_nan=False, allow_infinity=False), max_size=2)),
    "unknown": st.integers(),
}  # fmt: skip
BAD = st.one_of(
    st.none(), st.booleans(), st.just("noon"), st.just(""), st.just("infinity"), st.just("2026-03-01"), st.just("2099-01-01T00:00:00Z"), st.just("NaN"), st.just("7"), st.just(1e300), st.just(10**19),
    st.just(-0.0), st.just(5.5), st.just([]), st.just({}), st.just("device 3"), st.just("foreign"), st.just("2026-02-30T00:00:00Z"), st.just("\\N"),
)  # fmt: skip


@st.composite
def batches(draw):
    count = draw(st.integers(1, 8))
    names = sorted(
        {*draw(st.sets(st.sampled_from(sorted(GOOD)), min_size=5)), *draw(st.sampled_from([["time", "device_id"], []]))}
    )
    body = {name: [draw(GOOD[name]) for _ in range(count)] for name in names}
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        body[draw(st.sampled_from(names))][draw(st.integers(0, count - 1))] = draw(BAD)
    if draw(st.integers(0, 19)) == 0:
        body[names[0]] = body[names[0]][:-1]
    batch = {"first": draw(st.sampled_from([1, 1, 2, 4, 9, 0])), "columns": body}
    if draw(st.integers(0, 9)) == 0:
        batch["seqs"] = list(range(3, 3 + count))
    return batch | draw(st.sampled_from([{}, {}, {"lane": "live"}, {"lane": "repair"}, {"clock_trusted": False}]))


envelopes = st.lists(
    st.fixed_dictionaries(
        {"device_telemetry": batches()}, optional={"gap": st.tuples(st.integers(1, 9), st.integers(0, 3))}
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sequence=envelopes)
def test_both_ways_come_to_the_same(dsn, new_hub, sequence):
    by_copy, by_function = new_hub(), new_hub()
    devices = [[hub.add_device(), hub.add_device()] for hub in (by_copy, by_function)]
    outsider = str(uuid.uuid4())

    def named(hub, own, drawn):
        known = {"device 1": own[0], "device 2": own[1], "device 3": outsider, "foreign": devices[own is devices[0]][0]}
        body = json.loads(json.dumps(drawn["device_telemetry"]))
        if "device_id" in body["columns"]:
            cells = body["columns"]["device_id"]
            body["columns"]["device_id"] = [known.get(cell, cell) if isinstance(cell, str) else cell for cell in cells]
        gaps = []
        if "gap" in drawn:
            first, more = drawn["gap"]
            gaps = [{"stream": "device_telemetry", "first": first, "last": first + more, "reason": "shed"}]
        return [hub.envelope(gaps=gaps), hub.envelope(streams={"device_telemetry": body})]

    for drawn in sequence:
        pairs = zip(named(by_copy, devices[0], drawn), named(by_function, devices[1], drawn), strict=True)
        for one, other in pairs:
            answer, _ = asyncio.run(sent(dsn, by_copy, one))
            expected = by_function.call("hub_ingest_v1", other)
            assert {**answer, "server_time": ""} == {**expected, "server_time": ""}
    assert stored(by_copy) == stored(by_function)
    assert letters(by_copy) == letters(by_function)
