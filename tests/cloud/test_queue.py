"""The queue between gateways and writers, on a real cluster of three NATS servers."""

import asyncio
import itertools
import json
import uuid
from contextlib import asynccontextmanager
from typing import Any

import httpx
import nats.errors
import psycopg
import pytest
from click.testing import CliRunner

from cloud_schema.__main__ import cli
from cloud_schema.queue.servers import Connection, NatsServers
from cloud_schema.queue.writer import Writer, prepare
from hub_agent.adapters.cloud import HttpCloud
from tests.cloud.nats_servers import Cluster, Program, eventually, free_ports, running_cluster
from tests.cloud.servers import SECRET, Served
from tests.fakes.linked_home import LinkedHome, VirtualClock, device_state, telemetry

SENT_AT = "2026-03-01T12:00:00Z"


@pytest.fixture(scope="module")
def cluster():
    with running_cluster() as cluster:
        asyncio.run(_prepared(cluster))
        yield cluster


async def _prepared(cluster: Cluster) -> None:
    """Until there is a leader, and the stream."""
    connection = Connection(cluster.servers("writer"), "nexa-writer")
    connection.start()

    async def is_made() -> bool:
        if not connection.is_up:
            return False
        try:
            await prepare(connection, 3)
        except (nats.errors.Error, OSError):
            return False
        return True

    await eventually(is_made, 40)
    await connection.stop()


@asynccontextmanager
async def writing(dsn: str, cluster: Cluster):
    stop = asyncio.Event()
    writer = Writer(dsn, cluster.servers("writer"), replicas=3)
    task = asyncio.create_task(writer.run(stop))
    try:
        yield writer
    finally:
        stop.set()
        await task


def readings(device_id: str, first: int, count: int) -> dict[str, Any]:
    rows = [
        {"time": SENT_AT, "device_id": device_id, "metric_type": "temperature", "value": n, "unit": "°C"}
        for n in range(first, first + count)
    ]
    return {"device_telemetry": {"lane": "live", "first": first, "rows": rows}}


class Asking:
    """A hub that speaks to the gateway with its token."""

    def __init__(self, client: httpx.AsyncClient, hub: Any) -> None:
        self._client = client
        self._hub = hub
        self._token = ""

    async def ingest(self, **parts: Any) -> httpx.Response:
        if not self._token:
            granted = await self._client.post(
                "/rpc/hub_token_v1", json={"hub_id": self._hub.id, "secret": self._hub.secret}
            )
            self._token = granted.json()["token"]
        return await self._client.post(
            "/rpc/hub_ingest_v1",
            json=self._hub.envelope(**parts),
            headers={"Authorization": f"Bearer {self._token}"},
        )


async def until_queued(asking: Asking, **parts: Any) -> int:
    """The place; the gateway may not have reached the servers yet."""
    answer: list[Any] = []

    async def is_queued() -> bool:
        answer[:] = [await asking.ingest(may_wait=True, **parts)]
        return answer[0].status_code == 200

    await eventually(is_queued)
    return answer[0].json()["queued"]["place"]


async def test_records_are_queued_and_stored_once_and_the_gateway_says_how_far_it_was_written(
    dsn, several_backends, cluster, hub
):
    device_id = hub.add_device()
    async with Served(dsn, queue=cluster.servers("gateway")) as client:
        asking = Asking(client, hub)
        places = [await until_queued(asking, streams=readings(device_id, first, 5)) for first in (1, 6, 1, 11)]
        assert places == sorted(places)
        assert hub.count("device_telemetry") == 0
        async with writing(dsn, cluster):

            async def is_written() -> bool:
                answer = (await asking.ingest()).json()
                if answer.get("written", 0) < places[-1]:
                    return False
                assert answer["marks"] == {"device_telemetry": 15}
                return True

            await eventually(is_written)
    assert hub.count("device_telemetry") == 15


async def test_what_holds_more_than_records_and_whatever_looks_wrong_goes_to_the_database_at_once(
    dsn, several_backends, cluster, new_hub
):
    hub, other = new_hub(), new_hub()
    device_id = hub.add_device()
    streams = readings(device_id, 1, 2)
    async with Served(dsn, queue=cluster.servers("gateway")) as client:
        asking = Asking(client, hub)
        await until_queued(asking, streams=streams)
        for parts in (
            {"streams": streams, "present": {"devices": {}}, "definitions": [{"entity_type": "scene"}]},
            {"streams": {"device_telemetry": {"lane": "repair", "seqs": [1], "rows": []}}},
            {"streams": {}},
            {"streams": streams, "may_wait": False},
        ):
            answer = await asking.ingest(**({"may_wait": True} | parts))
            assert answer.status_code == 200, answer.text
            assert "queued" not in answer.json()
        foreign = await asking.ingest(may_wait=True, streams=streams, hub_id=other.id)
        assert (foreign.status_code, foreign.json()["details"]) == (403, "hub_mismatch")
        bad = await asking.ingest(may_wait=True, streams=[1])
        assert (bad.status_code, bad.json()["details"]) == (400, "request_malformed")


async def test_what_the_database_refuses_for_good_is_a_dead_letter_and_the_next_ones_are_written(
    dsn, several_backends, cluster, hub, db
):
    device_id = hub.add_device()
    async with Served(dsn, queue=cluster.servers("gateway")) as client:
        asking = Asking(client, hub)
        await until_queued(asking, streams=readings(device_id, 1, 2), clock="wrong")
        too_deep: list[Any] = []
        for _ in range(300):
            too_deep = [too_deep]
        await until_queued(asking, streams={"device_telemetry": {"first": too_deep}})
        await until_queued(asking, streams=readings(device_id, 1, 3))
        async with writing(dsn, cluster) as writer:
            await eventually(lambda: hub.count("device_telemetry") == 3)
            assert writer.counts.dead == 2
    letters = db.execute(
        "SELECT stream, reason, body FROM hub_dead_letters WHERE hub_id = %s ORDER BY id", (hub.id,)
    ).fetchall()
    told = [{"device_telemetry": 1}, {"device_telemetry": None}]
    assert [(stream, body["streams"]) for stream, _, body in letters] == [("envelope", each) for each in told]
    assert all("request_malformed" in reason for _, reason, _ in letters)


async def test_a_hub_that_is_gone_blocks_nobody(dsn, several_backends, cluster, new_hub, db):
    gone, hub = new_hub(), new_hub()
    async with Served(dsn, queue=cluster.servers("gateway")) as client:
        await until_queued(Asking(client, gone), streams=readings(str(uuid.uuid4()), 1, 2))
        db.execute("DELETE FROM homes WHERE id = %s", (gone.home_id,))
        device_id = hub.add_device()
        await until_queued(Asking(client, hub), streams=readings(device_id, 1, 2))
        async with writing(dsn, cluster) as writer:
            await eventually(lambda: hub.count("device_telemetry") == 2 and writer.counts.dead == 1)


async def test_a_hub_that_fills_the_queue_is_refused_and_its_neighbours_are_not(
    dsn, several_backends, cluster, new_hub, monkeypatch
):
    hub, other = new_hub(), new_hub()
    device_id = hub.add_device()
    connection = Connection(cluster.servers("writer"), "nexa-writer")
    await connection.open()
    monkeypatch.setattr("cloud_schema.queue.writer.ENVELOPES_OF_A_HUB_MAX", 3)
    await prepare(connection, 3)
    try:
        async with Served(dsn, queue=cluster.servers("gateway")) as client:
            asking = Asking(client, hub)
            for first in (1, 2, 3):
                await until_queued(asking, streams=readings(device_id, first, 1))
            refused = await asking.ingest(may_wait=True, streams=readings(device_id, 4, 1))
            assert (refused.status_code, refused.json()["details"]) == (503, "queue_away")
            await until_queued(Asking(client, other), streams=readings(device_id, 1, 1))
            async with writing(dsn, cluster):
                await eventually(lambda: hub.count("device_telemetry") == 3)
                await until_queued(asking, streams=readings(device_id, 4, 1))
                await eventually(lambda: hub.count("device_telemetry") == 4)
    finally:
        monkeypatch.undo()
        await prepare(connection, 3)
        await connection.stop()


async def test_while_the_database_is_away_envelopes_wait_and_none_is_put_aside(dsn, several_backends, cluster, hub):
    device_id = hub.add_device()
    async with Served(dsn, queue=cluster.servers("gateway")) as client:
        await until_queued(Asking(client, hub), streams=readings(device_id, 1, 2))
    (port,) = free_ports(1)
    async with writing(f"postgresql://nobody@127.0.0.1:{port}/none", cluster) as lost:
        await eventually(lambda: lost.counts.again > 0)
        assert lost.counts.dead == 0
    async with writing(dsn, cluster):
        await eventually(lambda: hub.count("device_telemetry") == 2)


async def test_without_the_queue_records_are_refused_for_a_while_and_all_else_is_served(dsn, several_backends, hub):
    (port,) = free_ports(1)
    device_id = hub.add_device()
    async with Served(dsn, queue=NatsServers.read(f"nats://127.0.0.1:{port}")) as client:
        asking = Asking(client, hub)
        refused = await asking.ingest(may_wait=True, streams=readings(device_id, 1, 2))
        assert (refused.status_code, refused.json()["details"]) == (503, "queue_away")
        assert 3 <= int(refused.headers["retry-after"]) <= 10
        answer = (await asking.ingest(streams=readings(device_id, 1, 2))).json()
        assert answer["marks"] == {"device_telemetry": 2}
        assert "written" not in answer


def test_a_fork_shuts_its_epoch_for_what_still_waits_in_the_queue(hub, call_as, db):
    device_id = hub.add_device()

    def told(lineage: list[str], **parts: Any) -> Any:
        claims = {**hub.claims, "queued": parts.pop("queued", False)}
        return call_as("hub", claims, "hub_ingest_v1", hub.envelope(lineage=lineage, **parts))

    told(["a"])
    waiting = {"lineage": ["a"], "streams": readings(device_id, 1, 2), "queued": True}
    assert told(**waiting)["marks"] == {"device_telemetry": 2}
    more = {"lineage": ["a"], "streams": readings(device_id, 3, 2), "queued": True}
    assert told(["an older backup"])["fork"] == {"epoch": 2}
    assert told(["an older backup"])["fork"] == {"epoch": 2}
    answer = told(**more)
    assert answer["marks"] == {"device_telemetry": 2}
    assert "fork" in answer
    assert hub.count("device_telemetry") == 2
    assert "warnings" not in told(["an older backup"], epoch=2)
    # Past the queue it is a second machine, and is believed.
    assert told(["a"], streams=readings(device_id, 3, 2))["marks"] == {"device_telemetry": 4}


async def test_each_login_may_do_its_part_only(several_backends, cluster):
    async def is_refused(user: str, *, publish: str = "", hear: str = "") -> bool:
        refused = asyncio.Event()

        async def note(err: Exception) -> None:
            if "permissions violation" in str(err).lower():
                refused.set()

        connection = Connection(cluster.servers(user), f"nexa-{user}")
        await connection.open()
        connection.client._error_cb = note
        if publish:
            await connection.client.publish(publish, b"{}")
        else:
            await connection.client.subscribe(hear)
        try:
            await asyncio.wait_for(refused.wait(), 5)
        except TimeoutError:
            return False
        finally:
            await connection.stop()
        return True

    assert await is_refused("gateway", hear="nexa.ingest.>")
    assert await is_refused("gateway", hear="_INBOX_nexa-writer.>")
    assert await is_refused("gateway", publish="$JS.API.STREAM.PURGE.NEXA_INGEST")
    assert await is_refused("gateway", publish="$JS.API.CONSUMER.MSG.NEXT.NEXA_INGEST.writer-1")
    assert await is_refused("writer", publish="nexa.ingest.1.a-hub")
    assert await is_refused("writer", publish="$JS.API.STREAM.DELETE.NEXA_INGEST")


def test_the_queue_is_told_in_words_and_as_json(several_backends, cluster, tmp_path):
    urls = tmp_path / "nats"
    urls.write_text(cluster.urls("writer").replace(",", "\n"))
    given = ["queue", "status", "--nats-file", str(urls), "--nats-ca-file", str(cluster.ca_file)]
    told = CliRunner().invoke(cli, given, catch_exceptions=False)
    assert told.exit_code == 0, told.output
    assert "envelopes wait" in told.output
    assert "3 copies, led by nats-" in told.output
    document = json.loads(CliRunner().invoke(cli, [*given, "--json"], catch_exceptions=False).stdout)
    assert document["copies"] == 3
    assert document["copies_behind"] == []
    assert [each["partition"] for each in document["partitions"]] == list(range(16))


HUBS = 10  # as many claims from one address at once
ROUNDS = 40


class Balanced:
    """Each call to the next gateway, as a balancer does; notes what was answered."""

    def __init__(self, addresses: list[str]) -> None:
        self._clouds = [HttpCloud(address) for address in addresses]
        self._next = itertools.cycle(self._clouds)
        self.queued = 0
        self.marks: dict[str, int] = {}

    async def claim(self, code: str, request: Any) -> Any:
        claimed = await self._clouds[0].claim(code, request)
        for cloud in self._clouds[1:]:
            cloud._hub_id, cloud._secret = claimed["hub_id"], claimed["secret"]
        return claimed

    async def ingest(self, envelope: bytes) -> Any:
        answer = await next(self._next).ingest(envelope)
        self.queued += "queued" in answer
        for stream, mark in answer["marks"].items():
            assert mark >= self.marks.get(stream, 0)
            self.marks[stream] = mark
        return answer

    async def changes(self, cursor: str | None, wait_s: int) -> Any:
        return await next(self._next).changes(cursor, wait_s)

    async def reconcile(self, request: Any) -> Any:
        return await next(self._next).reconcile(request)

    async def close(self) -> None:
        for cloud in self._clouds:
            await cloud.close()


class Sending:
    """A home that knows what it made."""

    def __init__(self, cloud: Balanced, code: str, number: int) -> None:
        self.cloud = cloud
        self.home = LinkedHome(cloud, VirtualClock(), claim_code=code, seed=number)
        self.home.store.identity = type(self.home.store.identity)("own", None, None, f"mirror {number}")
        self.device_id = str(uuid.uuid4())
        self.readings = 0
        self.states: list[str] = []

    async def live(self) -> None:
        self.home.start()
        await self.home.add_device(self.device_id)
        for _ in range(ROUNDS):
            rows = [telemetry(self.device_id, self.readings + n) for n in range(40)]
            self.readings += 40
            await self.home.record("device_telemetry", *rows)
            ids = [str(uuid.uuid4()) for _ in range(5)]
            states = [device_state(self.device_id, each, len(self.states) + n) for n, each in enumerate(ids)]
            self.states += ids
            await self.home.record("device_states", *states)
            await asyncio.sleep(0.3)

    def is_done(self) -> bool:
        wanted = {"device_telemetry": self.readings, "device_states": len(self.states)}
        return wanted == self.home.store.marks


async def faults(cluster: Cluster, gateways: list[Program], writers: list[Program]) -> None:
    """The stream's leader, a writer and a gateway die without a word; all but the writer come back."""
    from cloud_schema.queue.state import look

    await asyncio.sleep(6)
    leader = cluster.number_of((await look(cluster.servers("writer"))).leader or "")
    cluster.kill(leader)
    await asyncio.sleep(1)
    writers[0].kill()
    await asyncio.sleep(1)
    gateways[0].kill()
    await asyncio.sleep(1)
    cluster.start(leader)
    gateways[0].start()


@pytest.fixture
def new_code(several_backends, new_home, call_as):
    def make() -> str:
        home_id, _ = new_home()
        return call_as("service_role", {}, "hub_issue_claim_code_v1", {"home_id": home_id})["claim_code"]

    return make


async def test_with_a_server_a_writer_and_a_gateway_killed_everything_is_stored_once_and_in_order(
    dsn, cluster, new_code, db, tmp_path
):
    ports = free_ports(2)
    environment = {"NEXA_CLOUD_DSN": dsn, "NEXA_CLOUD_JWT_SECRET": SECRET}
    ca_file = str(cluster.ca_file)

    def program(user: str, *words: str) -> Program:
        words = (*words, "--nats-ca-file", ca_file)
        return Program(tmp_path, *words, **environment, NEXA_CLOUD_NATS=cluster.urls(user))

    gateways = [program("gateway", "gateway", "--port", str(port)) for port in ports]
    writers = [program("writer", "writer") for _ in range(2)]
    addresses = [f"http://127.0.0.1:{port}" for port in ports]
    sending = [Sending(Balanced(addresses), new_code(), number) for number in range(HUBS)]
    try:
        for address in addresses:
            await eventually(lambda address=address: _is_ready(address))
        await asyncio.gather(faults(cluster, gateways, writers), *(each.live() for each in sending))
        await eventually(lambda: all(each.is_done() for each in sending), 45)
    finally:
        for each in sending:
            await each.home.crash()
        log = cluster.logs() + "\n".join(path.read_text()[-3000:] for path in tmp_path.glob("*.log"))
        print(log)
        ends = [each.stop() for each in (*writers[1:], *gateways)]
    assert sum(each.cloud.queued for each in sending) > HUBS
    for each in sending:
        _check(db, each)
    assert ends[0] == 0


async def _is_ready(address: str) -> bool:
    async with httpx.AsyncClient() as client:
        try:
            return (await client.get(f"{address}/ready")).status_code == 200
        except httpx.HTTPError:
            return False


def _check(db: psycopg.Connection, sent: Sending) -> None:
    """Row by row what the home made; and what was written later has higher numbers."""
    device = (sent.device_id,)
    rows = db.execute(
        "SELECT value::integer, time, xmin::text::bigint FROM ts.device_telemetry WHERE device_id = %s ORDER BY value",
        device,
    ).fetchall()
    made = [telemetry(sent.device_id, n) for n in range(sent.readings)]
    assert [(value, time) for value, time, _ in rows] == [(int(row["value"]), row["time"]) for row in made]
    transactions = [transaction for _, _, transaction in rows]
    assert transactions == sorted(transactions)
    states = db.execute("SELECT id::text FROM ts.device_states WHERE device_id = %s ORDER BY created_at", device)
    assert [state_id for (state_id,) in states] == sent.states
    marks = dict(
        db.execute(
            "SELECT stream, mark FROM hub_marks WHERE hub_id = %s", (sent.home.store.identity.hub_id,)
        ).fetchall()
    )
    assert marks == {"device_telemetry": sent.readings, "device_states": len(sent.states)}
    letters = db.execute("SELECT count(*) FROM hub_dead_letters WHERE hub_id = %s", (sent.home.store.identity.hub_id,))
    assert letters.fetchone() == (0,)
