"""From an HTTP request to a rule's run, over a whole core with a real mirror."""

import asyncio
from pathlib import Path
from typing import Any

import httpx

from hub_agent.model.definition import Definition
from hub_agent.model.inputs import DefinitionArrived
from hub_agent.web.access import Access
from hub_agent.web.app import create_app
from tests.fakes.linked_home import NOON, live
from tests.unit.runtime.test_door import House, house_in

RULE_ID = "7f6e3a50-0000-4000-8000-000000000001"


def rule(**trigger: Any) -> dict[str, Any]:
    call = {"action": "light.turn_on", "target": {"entity_id": "{{ trigger.json.lamp }}"}}
    return {
        "name": "Ring",
        "is_enabled": True,
        "triggers": [{"trigger": "webhook", "webhook_id": "ring", **trigger}],
        "conditions": [],
        "actions": [call],
        "metadata": {"mode": "queued"},
    }


async def call(
    house: House, folder: Path, method: str = "POST", address: str = "192.168.1.7", name: str = "ring"
) -> int:
    access = Access(folder / "sessions.json", lambda: NOON, lambda _: None)
    app = create_app(house.door, access, "0.0.0")
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app, client=(address, 4711)), base_url="http://hub"
    ) as client:
        answer = await client.request(method, f"/api/webhook/{name}", json={"lamp": "light.hall_lamp"})
    assert answer.content == b""
    return answer.status_code


def test_a_request_runs_the_rules_that_wait_for_it_and_all_others_look_the_same_to_the_caller(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            await house.core.inbox.submit([DefinitionArrived(Definition("automation", RULE_ID, rule()), True)])

            async def runs() -> int:
                await asyncio.sleep(1)  # of virtual time: the lamp answers
                return len(await house.door.runs(RULE_ID, 10))

            assert await call(house, tmp_path) == 200
            assert await runs() == 1
            assert ("hall/set", b"ON") in [(each.topic, each.payload) for each in house.broker.published]
            # A stranger, another method and an unknown id get the same answer, and run nothing.
            assert await call(house, tmp_path, address="203.0.113.9") == 200
            assert await call(house, tmp_path, method="GET") == 200
            assert await call(house, tmp_path, name="nobody") == 200
            assert await runs() == 1

            opened = rule(local_only=False, allowed_methods=["GET"])
            await house.core.inbox.submit([DefinitionArrived(Definition("automation", RULE_ID, opened), True)])
            assert await call(house, tmp_path, method="GET", address="203.0.113.9") == 200
            assert await runs() == 2

    live(story())
