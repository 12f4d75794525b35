"""The hub's own client against the real gateway and the real database."""

import uuid
from datetime import UTC, datetime
from importlib import import_module

import orjson
import psycopg
import pytest

from hub_agent.adapters.cloud import HttpCloud
from hub_agent.core.hub import Hub
from hub_agent.core.sync.envelope import ClockReading, Envelope, Sender, read_answer
from hub_agent.drivers.registry import Dialects, default_drivers, link_drivers
from hub_agent.errors import AgentTooOld, ClaimError, CloudRefused, CloudUnreachable
from hub_agent.model.automation import Place
from hub_agent.model.ids import HomeId
from hub_agent.model.inputs import DefinitionTaken
from hub_agent.model.link import Frame
from hub_agent.model.report import Subscribe, Unsubscribe
from tests.cloud.servers import Served


@pytest.fixture
async def served(dsn, several_backends):
    gateway = Served(dsn)
    async with gateway:
        yield gateway


@pytest.fixture
async def client(served):
    cloud = HttpCloud(served.address)
    yield cloud
    await cloud.close()


@pytest.fixture
def code(new_home, call_as):
    home_id, _ = new_home()
    return call_as("service_role", {}, "hub_issue_claim_code_v1", {"home_id": home_id})["claim_code"]


NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CLAIM = {"hub_name": "hall", "mirror_id": "mirror 1", "agent_version": "0.1.0", "public": {}}


async def test_a_hub_claims_sends_and_hears(client, code, db):
    claimed = await client.claim(code, CLAIM)
    envelope = {
        "hub_id": claimed["hub_id"],
        "mirror_id": "mirror 1",
        "epoch": 1,
        "definitions": [
            {"entity_type": "scene", "id": "c3f9e4c6-5e3d-4d9a-8c77-2b8c3b4a5fff", "fields": {"name": "x" * 2000}}
        ],
    }
    answer = await client.ingest(orjson.dumps(envelope))
    assert answer["definitions"][0]["status"] == "synced"
    heard = await client.changes(None, 0)
    assert {"home", "scene"} <= {one["entity_type"] for one in heard["changes"]}
    assert (await client.reconcile({"epoch": 1, "streams": {}}))["streams"] == {}
    db.execute("DELETE FROM homes WHERE id = %s", (claimed["home_id"],))


async def test_a_wrong_and_a_used_code_are_told_apart(client, code):
    with pytest.raises(ClaimError, match="not known"):
        await client.claim("0000-0000-0000", CLAIM)
    await client.claim(code, CLAIM)
    with pytest.raises(ClaimError, match="used"):
        await client.claim(code, CLAIM | {"mirror_id": "mirror 2"})


async def test_a_token_that_is_no_longer_taken_is_renewed(served, hub):
    cloud = HttpCloud(served.address, hub_id=hub.id, secret=hub.secret)
    cloud._token, cloud._renew_at_s = "spoilt", float("inf")
    assert (await cloud.changes(None, 0))["home"]["id"] == hub.home_id
    await cloud.close()


async def test_a_retired_hub_is_told_so(served, hub, call_as):
    code = call_as("service_role", {}, "hub_issue_claim_code_v1", {"home_id": hub.home_id})["claim_code"]
    call_as("anon", {}, "hub_claim_v1", {"claim_code": code, "mirror_id": "successor"})
    cloud = HttpCloud(served.address, hub_id=hub.id, secret=hub.secret)
    with pytest.raises(CloudRefused, match="taken over"):
        await cloud.changes(None, 0)
    await cloud.close()


async def test_an_agent_that_is_too_old_is_told_so(served, hub, db):
    cloud = HttpCloud(served.address, hub_id=hub.id, secret=hub.secret)
    db.execute("UPDATE hub_limits SET agent_version_min = '9.0'")
    try:
        with pytest.raises(AgentTooOld, match="too old"):
            await cloud.ingest(orjson.dumps(hub.envelope(agent_version="0.1.0")))
    finally:
        db.execute("UPDATE hub_limits SET agent_version_min = NULL")
        await cloud.close()


async def test_a_database_that_is_away_is_waited_for(hub):
    async with Served(psycopg.conninfo.make_conninfo("postgresql://nobody@127.0.0.1:1/none")) as gateway:
        cloud = HttpCloud(str(gateway.base_url), hub_id=hub.id, secret=hub.secret)
        with pytest.raises(CloudUnreachable) as error:
            await cloud.changes(None, 0)
        await cloud.close()
    assert error.value.retry_after_s >= 1


def a_home_that_heard(home_id, corpus):
    home = Hub(home_id=HomeId(home_id), place=Place("Europe/Berlin", 52.5, 13.4), new_id=lambda: str(uuid.uuid4()))
    dialects = Dialects(default_drivers(), link_drivers())
    for said in corpus:
        for told in dialects.hear(said) if isinstance(said, Frame) else dialects.decode(said):
            if not isinstance(told, Subscribe | Unsubscribe):
                home.handle(told, NOON)
    return home


async def tell_all(home, hub, address, boot="boot"):
    """All definitions that are owed, rooms first, and the present after them. Answers what the cloud refused."""
    cloud = HttpCloud(address, hub_id=hub.id, secret=hub.secret)
    sender, clock = Sender(hub.id, hub.mirror_id, 1, "0.1.0"), ClockReading(True, boot, 1000, NOON)
    failed = []
    while owed := home.definitions.owed(500):
        envelope = Envelope(sender, clock, tuple(owed))
        answer = read_answer(await cloud.ingest(envelope.encode()), envelope, {})
        sent = {(one.kind, one.id): one.fields for one in owed}
        for one in answer.definitions:
            home.handle(
                DefinitionTaken(one.kind, one.id, one.status, one.version, sent[one.kind, one.id], one.fields), NOON
            )
        failed += [one for one in answer.definitions if one.status != "synced"]
    await cloud.ingest(Envelope(sender, clock, present=home.present()).encode())
    await cloud.close()
    return failed


@pytest.mark.parametrize("dialect", ["zigbee2mqtt", "homeassistant", "tasmota", "hue", "shelly", "sonos"])
async def test_what_a_hub_discovers_is_known_by_brand_model_and_ecosystem(served, hub, db, dialect):
    home = a_home_that_heard(hub.home_id, import_module(f"tests.recorded.{dialect}.corpus").corpus())
    found = {device.id: device for device in home.inventory.devices() if device.origin.dialect == dialect}
    failed = await tell_all(home, hub, served.address)
    rows = db.execute(
        "SELECT d.id::text, b.name IS NOT NULL, m.model_number, e.slug"
        " FROM devices d LEFT JOIN brands b ON b.id = d.brand_id LEFT JOIN device_models m ON m.id = d.device_model_id"
        " LEFT JOIN ecosystems e ON e.slug = d.integration_platform WHERE d.home_id = %s",
        (hub.home_id,),
    ).fetchall()
    known = {device_id: row for device_id, *row in rows if device_id in found}
    assert (failed, known.keys()) == ([], found.keys())
    for device_id, (has_brand, model, ecosystem) in known.items():
        device = found[device_id]
        assert has_brand == (device.brand is not None), device
        assert (model is None) == (device.brand is None or device.model is None), device
        assert ecosystem is not None, device


@pytest.mark.parametrize("dialect", ["esphome", "shelly"])
async def test_firmware_that_a_device_offers_is_shown_with_it(served, hub, db, dialect):
    home = a_home_that_heard(hub.home_id, import_module(f"tests.recorded.{dialect}.corpus").corpus())
    told = {
        device_id: (present["firmware_update_available"], present["latest_firmware_version"])
        for device_id, present in home.present()["devices"].items()
        if "firmware_update_available" in present
    }
    assert await tell_all(home, hub, served.address) == []
    shown = "SELECT id::text, firmware_update_available, latest_firmware_version FROM devices WHERE home_id = %s"
    rows = {device_id: tuple(row) for device_id, *row in db.execute(shown, (hub.home_id,)).fetchall()}
    assert {device_id: rows[device_id] for device_id in told} == told
    assert any(is_offered and latest for is_offered, latest in told.values())


async def test_a_device_that_is_known_already_makes_no_news_when_its_hub_starts_anew(served, hub, db):
    corpus = import_module("tests.recorded.tasmota.corpus").corpus()
    count = "SELECT (SELECT count(*) FROM brands), (SELECT count(*) FROM device_models), (SELECT count(*) FROM devices)"
    counts = []
    for boot in ("first", "second"):
        assert await tell_all(a_home_that_heard(hub.home_id, corpus), hub, served.address, boot) == []
        counts.append(db.execute(count).fetchone())
    assert counts[0] == counts[1]
