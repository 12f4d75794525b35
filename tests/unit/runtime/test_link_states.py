"""No state of the link lasts that nobody would want: half a cloud, copies of copies, records that are gone."""

import asyncio
from typing import Any

import orjson

from hub_agent.core.sync.flow import Flow
from hub_agent.errors import CloudUnreachable, MirrorFull
from tests.fakes.linked_home import LinkedHome, device_state, live, telemetry
from tests.unit.runtime.test_forks import a_copy_of, states_in
from tests.unit.runtime.test_uplink import LAMP, with_lamp, world


def test_a_cloud_that_takes_everything_and_tells_nothing_is_not_pressed() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        tries: list[float] = []

        async def failing(_cursor: str | None, _wait_s: int) -> Any:
            tries.append(asyncio.get_running_loop().time())
            raise CloudUnreachable("the cloud says: statement timeout")

        twin.changes = failing
        before = len(twin.envelopes)
        await asyncio.sleep(1800)
        assert len(tries) < 60
        assert len(twin.envelopes) - before < 100
        await home.crash()

    live(story())


def test_a_cloud_that_always_has_more_and_never_anything_new_is_not_pressed() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        tries: list[float] = []
        answer = await twin.changes(home.store.saved_cursor, 0)

        async def stuck(_cursor: str | None, _wait_s: int) -> Any:
            tries.append(asyncio.get_running_loop().time())
            await asyncio.sleep(0.05)
            return {**answer, "cursor": home.store.saved_cursor, "more": True}

        twin.changes = stuck
        await asyncio.sleep(600)
        assert len(tries) < 60
        await home.crash()

    live(story())


def test_a_slow_answer_on_a_metered_connection_is_not_taken_for_one_that_was_held_open() -> None:
    async def story() -> None:
        twin, home = world()
        home.flow = Flow(is_metered=True)
        home.start()
        await asyncio.sleep(30)
        tries: list[float] = []
        ask = twin.changes

        async def slow(cursor: str | None, wait_s: int) -> Any:
            tries.append(asyncio.get_running_loop().time())
            await asyncio.sleep(8)
            return await ask(cursor, wait_s)

        twin.changes = slow
        await asyncio.sleep(3600)
        assert len(tries) <= 13
        await home.crash()

    live(story())


def test_of_what_the_cloud_has_lost_everything_that_is_still_here_is_sent_again() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        await home.record("device_states", *(device_state(LAMP, f"{n:02}", n) for n in range(1, 21)))
        await asyncio.sleep(10)
        twin.marks["mirror-1", 1, "device_states"] = 4
        twin.rows["device_states"] = twin.rows["device_states"][:4]
        # Long sent and gone, and two that are damaged.
        for number in (5, 6, 7, 11, 12):
            del home.store.records["device_states"][number]
        await home.record("device_states", device_state(LAMP, "21", 21))
        await asyncio.sleep(60)
        assert twin.mark("device_states") == 21
        kept = [n for n in range(1, 22) if n not in {5, 6, 7, 11, 12}]
        assert [row["id"] for row in twin.stored("device_states")] == [f"{n:02}" for n in kept]
        # The cloud lost it, and nothing was shed here.
        assert home.uplink.status()["shed"] == []
        await home.crash()

    live(story())


def test_what_was_shed_is_confirmed_only_when_the_cloud_has_all_before_it() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        await home.record("device_telemetry", *(telemetry(LAMP, n) for n in range(1, 4)))
        await asyncio.sleep(10)
        twin.cut()
        await home.record("device_telemetry", telemetry(LAMP, 4), telemetry(LAMP, 5))
        home.store.shed("device_telemetry", 4, 5)
        twin.marks["mirror-1", 1, "device_telemetry"] = 1
        twin.rows["device_telemetry"] = twin.rows["device_telemetry"][:1]
        twin.mend()
        await asyncio.sleep(300)
        assert twin.mark("device_telemetry") == 5
        assert [row["value"] for row in twin.stored("device_telemetry")] == [1.0, 2.0, 3.0]
        assert all(each["last"] == each["acknowledged"] for each in home.uplink.status()["streams"])
        await home.crash()

    live(story())


def test_a_gap_of_a_stream_that_the_cloud_does_not_know_is_told_now_and_then() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        take = twin._take_stream

        def without_telemetry(mirror: str, epoch: int, stream: str, body: dict[str, Any]) -> list[dict[str, Any]]:
            if stream == "device_telemetry":
                return [{"stream": stream, "seq": None, "reason": "stream_unknown"}]
            return take(mirror, epoch, stream, body)

        twin._take_stream = without_telemetry
        twin.cut()
        await home.record("device_telemetry", telemetry(LAMP, 1))
        home.store.shed("device_telemetry", 1, 1)
        twin.mend()
        await asyncio.sleep(120)
        told = len([each for each in twin.envelopes if each["gaps"]])
        await asyncio.sleep(1800)
        assert told == len([each for each in twin.envelopes if each["gaps"]]) == 1
        twin._take_stream = take
        await asyncio.sleep(3600)
        assert twin.mark("device_telemetry") == 1
        assert home.store.pending_gaps == []
        await home.crash()

    live(story())


def test_what_was_set_aside_and_is_gone_since_is_not_shown_for_ever() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        twin.poison = lambda envelope: "device_telemetry" in envelope["streams"]
        await home.record("device_telemetry", telemetry(LAMP, 1))
        await asyncio.sleep(900)
        assert home.uplink.status()["set_aside"] == ["device_telemetry"]
        home.store.shed("device_telemetry", 1, 1)
        twin.poison = lambda _envelope: False
        await asyncio.sleep(3700)
        assert home.uplink.status()["set_aside"] == []
        await home.crash()

    live(story())


def test_a_stream_that_cannot_be_mended_after_a_fork_does_not_hold_up_the_others() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        twin.cut()
        await home.record("device_states", *(device_state(LAMP, f"0{n}", n) for n in range(3)))
        backup = a_copy_of(home.store)
        await home.record("device_states", device_state(LAMP, "after", 9))
        twin.mend()
        await asyncio.sleep(120)
        await home.crash()
        del twin.rows["device_states"][1]
        take = twin._take_stream

        def refusing(mirror: str, epoch: int, stream: str, body: dict[str, Any]) -> list[dict[str, Any]]:
            if stream == "device_states":
                return [{"stream": stream, "seq": None, "reason": "nobody knows this stream"}]
            return take(mirror, epoch, stream, body)

        twin._take_stream = refusing
        home.store = backup
        home.start()
        await asyncio.sleep(120)
        assert home.store.identity.epoch == 2
        await home.record("device_telemetry", telemetry(LAMP, 50))
        before = len(twin.envelopes)
        await asyncio.sleep(600)
        assert [row["value"] for row in twin.stored("device_telemetry")] == [50.0]
        assert len(twin.envelopes) - before < 60
        # What could not be mended is not taken for mended.
        twin._take_stream = take
        await asyncio.sleep(2 * 3600)
        assert states_in(twin) == ["00", "01", "02", "after"]
        await home.crash()

    live(story())


def test_a_copy_of_a_copy_that_was_still_mending_stores_nothing_twice() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        twin.cut()
        await home.record("device_states", *(device_state(LAMP, f"0{n}", n) for n in range(6)))
        backup = a_copy_of(home.store)
        await home.record("device_states", device_state(LAMP, "06", 6))
        twin.mend()
        await asyncio.sleep(120)
        await home.crash()
        twin.rows_max = 2
        home.store = backup
        ingest = twin.ingest

        async def until_the_power_fails(envelope: bytes) -> Any:
            if home.store.marks.get("device_states"):
                raise CloudUnreachable("the power failed")
            return await ingest(envelope)

        twin.ingest = until_the_power_fails
        home.start()
        await asyncio.sleep(60)
        assert (home.store.identity.epoch, home.store.marks["device_states"]) == (2, 2)
        await home.crash()
        twin.ingest = ingest
        copy = a_copy_of(home.store)
        home.start()
        await asyncio.sleep(60)
        await home.crash()
        async with LinkedHome(twin, home.clock, store=copy, name="other") as other:
            await other.record("device_states", device_state(LAMP, "new", 60))
            await asyncio.sleep(300)
            assert other.store.identity.epoch == 3
            assert states_in(twin) == [*(f"0{n}" for n in range(7)), "new"]

    live(story())


def test_a_full_disk_does_not_keep_the_cloud_from_freeing_it() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        twin.cut()
        await home.record("device_states", *(device_state(LAMP, f"0{n}", n) for n in range(3)))
        await asyncio.sleep(86_400 * 2)
        home.store.failing = MirrorFull("The mirror cannot grow.")
        twin.mend()
        await asyncio.sleep(300)
        assert home.store.marks["device_states"] == 3
        await home.crash()

    live(story())


def test_what_is_committed_while_an_exchange_is_under_way_does_not_wait_a_minute() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        ingest = twin.ingest

        async def slow(envelope: bytes) -> Any:
            await asyncio.sleep(4)
            return await ingest(envelope)

        twin.ingest = slow
        await home.record("device_states", device_state(LAMP, "first", 1))
        await asyncio.sleep(3)
        await home.record("device_states", device_state(LAMP, "meanwhile", 2))
        await asyncio.sleep(10)
        assert states_in(twin) == ["first", "meanwhile"]
        await home.crash()

    live(story())


def test_what_is_decided_and_not_yet_stored_is_not_told_to_the_cloud() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        commit, ingest = home.store.commit, twin.ingest
        told: list[tuple[str, str]] = []

        async def slow(*what: Any) -> None:
            await asyncio.sleep(20)
            await commit(*what)

        async def listening(envelope: bytes) -> Any:
            for each in orjson.loads(envelope)["definitions"]:
                stored = home.store.definitions.get((each["entity_type"], each["id"]))
                told.append((each["fields"]["device_name"], stored.fields["device_name"] if stored else "nothing"))
            return await ingest(envelope)

        home.store.commit, twin.ingest = slow, listening
        edited = asyncio.ensure_future(home.edit("device", LAMP, {"device_name": "new"}))
        await asyncio.sleep(1)
        home.uplink.wake()
        await edited
        await asyncio.sleep(120)
        assert told == [("new", "new")]
        await home.crash()

    live(story())
