"""What `nexa-hub sync status` and the page say while hub and cloud live through something, under virtual time against the twin."""

import asyncio

from hub_agent.model.json import JsonObject
from tests.fakes.linked_home import LinkedHome, live, telemetry
from tests.unit.runtime.test_uplink import LAMP, with_lamp


def told(home: LinkedHome) -> str:
    return "\n".join(str(line) for line in home.uplink.status()["lines"])  # type: ignore[union-attr]  # JSON


def test_what_was_shed_is_said_before_the_cloud_knows_and_afterwards_also_after_a_restart() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        twin.cut()
        await home.record("device_telemetry", *(telemetry(LAMP, n) for n in range(10)))
        home.store.shed("device_telemetry", 3, 6)
        await asyncio.sleep(60)
        shed = "Shed here before the cloud had it: 4 measurements (disk_full)."
        assert shed in told(home)
        assert "To be sent: 6 measurements" in told(home)
        twin.mend()
        await asyncio.sleep(120)
        assert twin.gaps
        assert shed in told(home)
        await home.restart()
        await asyncio.sleep(10)
        assert shed in told(home)
        await home.crash()

    live(story())


def test_what_the_cloud_refused_is_said_with_its_reason_also_after_a_restart() -> None:
    async def story() -> None:
        _, home = await with_lamp()
        await home.record("device_telemetry", telemetry("00000000-0000-4000-8000-00000000dead", 1))
        await asyncio.sleep(20)
        assert "Refused by the cloud: 1 measurement, the newest today" in told(home)
        await home.restart()
        assert home.uplink.status()["refused"][0]["count"] == 1  # type: ignore[index, call-overload]  # JSON
        await home.crash()

    live(story())


def test_the_speed_is_said_while_a_backlog_goes_and_nothing_of_it_afterwards() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        answer = twin.ingest

        async def slowly(body: bytes) -> JsonObject:
            await asyncio.sleep(10)
            return await answer(body)

        twin.rows_max = 1000
        await home.record("device_telemetry", telemetry(LAMP, 0))
        await asyncio.sleep(10)  # the limit is heard
        twin.ingest = slowly
        await home.record("device_telemetry", *(telemetry(LAMP, n) for n in range(1, 4001)))
        await asyncio.sleep(25)
        assert "all will be there in" in told(home)
        assert home.uplink.status()["drain"]
        twin.ingest = answer
        await asyncio.sleep(600)
        assert home.uplink.status()["text"] == "Online: the cloud has everything."
        assert home.uplink.status()["drain"] is None
        assert "a minute" not in told(home)
        await home.crash()

    live(story())


def test_a_second_machine_is_said_as_long_as_the_cloud_says_so() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        answer = twin.ingest

        async def doubled(body: bytes) -> JsonObject:
            return {**await answer(body), "warnings": ["hub_doubled"]}

        twin.ingest = doubled
        await asyncio.sleep(120)
        assert "Another machine sends as this hub" in told(home)
        twin.ingest = answer
        await asyncio.sleep(120)
        assert "Another machine" not in told(home)
        await home.crash()

    live(story())


def test_whoever_looks_on_is_told_when_the_cloud_has_taken_what_was_edited_here() -> None:
    async def story() -> None:
        _, home = await with_lamp()
        await asyncio.sleep(60)
        home.changes.clear()
        await home.edit("scene", "0b8f6d2a-1f4d-4f67-9f7e-2a2c5f1a0001", {"name": "Evening", "device_states": []})
        await asyncio.sleep(60)
        assert [each.body["definitions_owed"] for each in home.changes if each.topic == "sync"][-1:] == [0]
        await home.crash()

    live(story())
