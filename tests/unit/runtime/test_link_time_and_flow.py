"""The link with a clock that is wrong, and where somebody pays for what is sent. Under virtual time, against the twin."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from hub_agent.core.sync.flow import Flow
from hub_agent.errors import AgentTooOld, CloudRefused
from tests.fakes.cloud_twin import CloudTwin
from tests.fakes.linked_home import LinkedHome, VirtualClock, device_state, execution, live, telemetry
from tests.unit.runtime.test_uplink import LAMP, RULE, HomeMirror, with_lamp, world

YEARS_S = 3 * 365 * 86_400.0


class DatedHome(LinkedHome):
    """With the real mirror, which the loop tells when the clock becomes good, as here."""

    async def _clock_confirmed(self, offset_s: float) -> None:
        was_trusted = self.clock.is_trusted
        await super()._clock_confirmed(offset_s)
        if not was_trusted:
            await self.store.trust_clock("boot-1", offset_s)


@pytest.mark.parametrize("behind_s", [YEARS_S, -YEARS_S, 0.0])
def test_a_hub_that_is_years_off_sends_its_records_with_the_right_time(tmp_path, behind_s) -> None:
    async def story() -> None:
        clock = VirtualClock(behind_s=behind_s, is_trusted=False)
        twin = CloudTwin(clock.true_now)
        mirror = HomeMirror(tmp_path / "mirror.db", inline=True)
        mirror.begin(await mirror.open(clock.now()))
        home = DatedHome(twin, clock, claim_code=twin.issue_claim_code(), store=mirror)
        made: list[datetime] = []

        async def measure() -> None:
            made.append(clock.true_now())
            row = telemetry(LAMP, len(made)) | {"time": clock.now().wall, "entity_id": "sensor.lamp"}
            await home.record("device_telemetry", row)
            await asyncio.sleep(7)

        twin.cut()
        async with home:
            await home.add_device(LAMP)
            for _ in range(5):
                await measure()
            twin.mend()
            await asyncio.sleep(100)
            for _ in range(3):
                await measure()
            # Stepped while it runs: what was made keeps its time.
            clock.behind_s = 0.0
            for _ in range(3):
                await measure()
            await asyncio.sleep(60)
        stored = [datetime.fromisoformat(row["time"]) for row in twin.stored("device_telemetry")]
        assert len(stored) == len(made) == 11
        assert max(abs((a - b).total_seconds()) for a, b in zip(stored, made, strict=True)) < 0.1
        await mirror.close(clock.now())

    live(story())


@pytest.mark.parametrize("lie", [timedelta(days=-300), timedelta(days=40_000)])
def test_an_absurd_time_is_not_believed_and_records_go_all_the_same(lie) -> None:
    async def story() -> None:
        clock = VirtualClock(behind_s=1000.0, is_trusted=False)
        twin, home = world(clock=clock)
        twin._now = lambda: clock.true_now() + lie
        home.claim_code = twin.issue_claim_code()
        async with home:
            await home.add_device(LAMP)
            await home.record("device_states", device_state(LAMP, "1", 1))
            await asyncio.sleep(120)
            assert home.offsets == []
            assert twin.mark("device_states") == 1

    live(story())


def test_on_a_metered_connection_little_is_said_and_nothing_is_lost() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        await home.edit("automation", RULE, {"name": "rule", "triggers": [], "actions": []})
        await home.record("device_states", device_state(LAMP, "s0", 0))
        await home.record("device_telemetry", telemetry(LAMP, 0))
        await asyncio.sleep(20)
        await home.crash()
        home.flow = Flow(is_metered=True)
        home.start()
        await asyncio.sleep(5)
        before = len(twin.envelopes)
        for n in range(1, 201):
            await home.record("device_states", device_state(LAMP, f"s{n}", n))
            await home.record("device_telemetry", telemetry(LAMP, n))
            await asyncio.sleep(10)
        assert twin.mark("device_states") == twin.mark("device_telemetry") == 1
        assert len(twin.envelopes) - before <= 4
        await home.record("automation_executions", execution(RULE, "urgent", 1))
        await asyncio.sleep(2)
        assert twin.mark("automation_executions") == 1
        assert any(str(line).startswith("Metered") for line in home.uplink.status()["lines"])
        await asyncio.sleep(2700)
        assert twin.mark("device_states") == 201
        assert twin.mark("device_telemetry") == 1
        await asyncio.sleep(86_400)
        assert twin.mark("device_telemetry") == 201
        assert home.uplink.status()["waiting"] == 0
        await home.crash()

    live(story())


def test_what_is_deleted_waits_for_records_that_a_metered_connection_holds_back() -> None:
    async def story() -> None:
        twin, home = world()
        home.flow = Flow(is_metered=True)
        async with home:
            await home.add_device(LAMP)
            await home.record("device_telemetry", telemetry(LAMP, 0))
            await asyncio.sleep(60)
            await home.record("device_telemetry", telemetry(LAMP, 1))
            await home.keep(home.definitions.delete("device", LAMP, home.clock.now().wall))
            await asyncio.sleep(3600)
            assert not twin.definitions["device", LAMP].is_deleted
            await asyncio.sleep(86_400)
            assert twin.definitions["device", LAMP].is_deleted
            assert twin.mark("device_telemetry") == 2
            assert twin.dead_letters == []

    live(story())


def test_a_limit_of_bandwidth_is_kept_and_the_critical_does_not_wait_for_the_bulk() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        await home.edit("automation", RULE, {"name": "rule", "triggers": [], "actions": []})
        await asyncio.sleep(10)
        await home.crash()
        home.flow = flow = Flow(kbit_s=64)
        sent: list[int] = []
        ingest = twin.ingest

        async def counted(envelope: bytes) -> Any:
            sent.append(len(envelope))
            flow.spent(len(envelope))
            return await ingest(envelope)

        twin.ingest = counted
        home.start()
        await home.record("device_telemetry", *(telemetry(LAMP, n) for n in range(20_000)))
        began_s = asyncio.get_running_loop().time()
        await asyncio.sleep(60)
        backlog = twin.mark("device_telemetry")
        assert 0 < backlog < 20_000
        await home.record("automation_executions", execution(RULE, "urgent", 1))
        await asyncio.sleep(40)
        assert twin.mark("automation_executions") == 1
        assert twin.mark("device_telemetry") < 20_000
        took_s = asyncio.get_running_loop().time() - began_s
        assert 64 * 125 * 0.8 <= sum(sent) / took_s <= 64 * 125 * 1.5
        await asyncio.sleep(600)
        assert twin.mark("device_telemetry") == 20_000
        await home.crash()

    live(story())


def test_an_agent_that_is_too_old_says_so_works_on_and_looks_again_now_and_then() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        tries: list[float] = []
        ingest, changes = twin.ingest, twin.changes

        async def refused(*_given: Any) -> Any:
            tries.append(asyncio.get_running_loop().time())
            raise AgentTooOld("Upgrade nexa-hub; until then the home goes on by itself.", code="agent_too_old")

        twin.ingest = twin.changes = refused
        await home.record("device_states", device_state(LAMP, "1", 1))
        await asyncio.sleep(6 * 3600)
        assert "Upgrade nexa-hub" in home.uplink.status()["text"]
        assert home.uplink.status()["is_online"] is False
        assert len(tries) < 60
        twin.ingest, twin.changes = ingest, changes
        await asyncio.sleep(1200)
        assert twin.mark("device_states") == 1
        await home.crash()

    live(story())


def test_a_newer_cloud_may_say_what_this_agent_does_not_know() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        ingest, changes = twin._ingest, twin._changes
        twin._ingest = lambda envelope: (
            ingest(envelope)
            | {"mood": {"is": "good"}, "warnings": ["something_new", 5], "limits": {"rows_max": "many"}}
        )
        twin._changes = lambda cursor: changes(cursor) | {"weather": [1, 2]}
        twin.put("robot", "r-1", {"name": "a kind that nobody knows here"})
        twin.command("dance", {})
        await home.record("device_states", device_state(LAMP, "1", 1))
        await asyncio.sleep(60)
        assert twin.mark("device_states") == 1
        assert home.uplink.status()["is_online"] is True
        assert "something_new" in home.warned[-1]
        await home.crash()

    live(story())


def test_a_function_that_an_older_cloud_does_not_have_stops_nothing_else() -> None:
    async def story() -> None:
        twin, home = await with_lamp()

        async def unknown(_request: Any) -> Any:
            raise CloudRefused("There is no function 'hub_reconcile_v1' here.", code="function_unknown")

        twin.reconcile = unknown
        for n in range(5):
            await home.record("device_states", device_state(LAMP, str(n), n))
            await asyncio.sleep(30_000)
        assert twin.mark("device_states") == 5
        assert home.uplink.status()["is_online"] is True
        await home.crash()

    live(story())
