"""The home's security over a whole core: a look that is asked for, who is refused, who is kept out."""

import asyncio
from collections.abc import AsyncGenerator
from itertools import count
from pathlib import Path

import pytest

from hub_agent.core.security import LOOK_AROUND, Ways
from hub_agent.errors import NotPossible
from hub_agent.model.definition import Definition
from hub_agent.model.inputs import DefinitionArrived
from hub_agent.model.security import AccessRefused, Look, Scanned
from hub_agent.ports import Done, Told
from hub_agent.runtime.guarding import Tally
from tests.fakes.linked_home import live
from tests.unit.runtime.test_door import House, house_in

STRANGER = "192.168.1.66"


versions = count(1)


async def until(changes: AsyncGenerator[Told, None], status: str) -> None:
    async for told in changes:
        change = told.change
        if change.topic == "security" and change.body["status"] == status:
            await changes.aclose()
            return


async def define(house: House, **fields: object) -> None:
    rule = Definition(
        "network_access_rule", "c0ffee00-0000-4000-8000-000000000001", {"rule_name": "Guests", **fields}, next(versions)
    )  # type: ignore[dict-item]
    await house.core.inbox.submit([DefinitionArrived(rule, is_from_cloud=True)])


def test_a_look_that_is_asked_for_is_made_outside_and_what_it_saw_is_told(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path, Ways(scans=True)) as house:
            changes = house.door.changes()
            ended = asyncio.ensure_future(until(changes, "completed"))
            await asyncio.sleep(0)

            class Eyes:
                async def run(self, data: dict[str, str], *, wants_response: bool) -> Done:
                    looks = (Look("hub", is_there=True, open_ports=(23,)),)
                    house.core.inbox.put(Scanned(data["scan_id"], looks))
                    return Done(None)

            house.core.errands.add(LOOK_AROUND, Eyes())  # type: ignore[arg-type]
            running = asyncio.create_task(house.core.errands.run())
            begun = await house.door.guarding.scan("Anna")
            await ended
            told = house.door.guarding.all()
            assert (told["grade"], told["scans"]["last"]["id"]) == ("C", begun["scan_id"])
            assert [each["title"] for each in told["vulnerabilities"]] == ["This hub: Telnet is open"]
            assert "home_exposed" in {each["code"] for each in house.door.issues()}
            running.cancel()

    live(story())


def test_where_looking_is_switched_off_it_says_so(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            with pytest.raises(NotPossible, match="switched off"):
                await house.door.guarding.scan("Anna")

    live(story())


def test_a_rule_keeps_an_address_out_counts_it_and_is_over_when_it_is_gone(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            door = house.door.guarding
            assert door.keeps_out(STRANGER) is None
            await define(house, rule_type="deny", source_ip=STRANGER)
            for _ in range(12):
                assert "“Guests”" in str(door.keeps_out(STRANGER))
            assert door.keeps_out("192.168.1.67") is None
            assert door.keeps_out("127.0.0.1") is None
            await define(house, rule_type="deny", source_ip=STRANGER, description="again")
            told = door.all()
            assert told["rules"][0]["hit_count"] == 12
            assert [each["kind"] for each in told["incidents"]] == ["denied"]
            present = house.core.hub.present()["network_access_rules"]
            assert present["c0ffee00-0000-4000-8000-000000000001"]["hit_count"] == 12
            await define(house, rule_type="deny", source_ip=STRANGER, is_enabled=False)
            assert door.keeps_out(STRANGER) is None

    live(story())


def test_wrong_codes_become_an_incident(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            for _ in range(6):
                house.door.guarding.refused("wrong_code", STRANGER)
            await house.core.inbox.submit([])
            assert "security_incident" in {each["code"] for each in house.door.issues()}

    live(story())


def test_a_flood_at_the_page_is_none_inside_and_nothing_of_it_is_lost() -> None:
    told: list[AccessRefused] = []
    tally = Tally(told.append)
    for _ in range(100_000):
        tally.note("wrong_code", STRANGER, 0.0)
    assert len(told) < 60
    assert sum(each.count for each in told) > 60_000
    for number in range(10_000):
        tally.note("wrong_code", f"source {number}", 1.0)
    tally.note("wrong_code", STRANGER, 2000.0)
    assert told[-1] == AccessRefused("wrong_code", STRANGER, 1)
