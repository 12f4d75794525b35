"""The hub's own client against the real gateway and the real database."""

import orjson
import psycopg
import pytest

from hub_agent.adapters.cloud import HttpCloud
from hub_agent.errors import AgentTooOld, ClaimError, CloudRefused, CloudUnreachable
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
    assert {one["entity_type"] for one in heard["changes"]} == {"home", "scene"}
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
