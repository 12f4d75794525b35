"""The link to a cloud that queues: records travel on while others wait there, and nothing counts as stored before it is."""

import asyncio

from tests.fakes.cloud_twin import CloudTwin
from tests.fakes.linked_home import LinkedHome, VirtualClock, device_state, live, telemetry
from tests.unit.runtime.test_forks import a_copy_of

LAMP = "00000000-0000-4000-8000-000000000001"


async def queueing_world() -> tuple[CloudTwin, LinkedHome]:
    """The lamp is known, and so is that the cloud queues: some use of energy went that way."""
    clock = VirtualClock()
    twin = CloudTwin(clock.true_now)
    home = LinkedHome(twin, clock, claim_code=twin.issue_claim_code())
    home.start()
    await home.add_device(LAMP)
    await asyncio.sleep(10)
    twin.is_queueing, twin.rows_max = True, 10
    while not twin.queue:
        await home.record("energy_usage", telemetry(LAMP, 0))
        await asyncio.sleep(5)
    twin.write_queued()
    await asyncio.sleep(30)
    return twin, home


def waiting_numbers(twin: CloudTwin, stream: str = "device_telemetry") -> list[int]:
    streams = [envelope["streams"].get(stream) for _, envelope in twin.queue]
    return [body["first"] + n for body in streams if body for n in range(len(body["columns"]["time"]))]


def test_what_is_only_queued_is_not_believed_stored_and_not_sent_twice() -> None:
    async def story() -> None:
        twin, home = await queueing_world()
        await home.record("device_telemetry", *(telemetry(LAMP, n) for n in range(35)))
        await asyncio.sleep(200)
        assert waiting_numbers(twin) == list(range(1, 36))
        assert home.store.marks.get("device_telemetry", 0) == 0
        assert home.uplink.status()["waiting"] == 35
        while twin.queue:
            twin.write_queued()
        await asyncio.sleep(40)
        assert home.store.marks["device_telemetry"] == 35
        assert [row["value"] for row in twin.stored("device_telemetry")] == [float(n) for n in range(35)]
        await home.crash()

    live(story())


def test_only_records_wait_and_everything_else_is_answered_at_once() -> None:
    async def story() -> None:
        twin, home = await queueing_world()
        await home.record("device_telemetry", *(telemetry(LAMP, n) for n in range(15)))
        await asyncio.sleep(15)
        await home.edit("device", LAMP, {"device_name": "hall lamp"})
        await home.record("device_states", device_state(LAMP, "1", 1))
        await asyncio.sleep(5)
        assert twin.definitions["device", LAMP].fields["device_name"] == "hall lamp"
        for _, envelope in twin.queue:
            assert envelope["streams"]
            assert not any(envelope[part] for part in ("definitions", "cases", "gaps", "commands_done"))
            assert "present" not in envelope
        assert {stream for _, envelope in twin.queue for stream in envelope["streams"]} == {
            "device_telemetry",
            "device_states",
        }
        await home.crash()

    live(story())


def test_a_restart_sends_again_what_was_only_queued_and_it_is_stored_once() -> None:
    async def story() -> None:
        twin, home = await queueing_world()
        await home.record("device_telemetry", *(telemetry(LAMP, n) for n in range(15)))
        await asyncio.sleep(20)
        await home.restart()
        await asyncio.sleep(20)
        assert len(waiting_numbers(twin)) > 15
        while twin.queue:
            twin.write_queued()
        await asyncio.sleep(40)
        assert [row["value"] for row in twin.stored("device_telemetry")] == [float(n) for n in range(15)]
        assert home.store.marks["device_telemetry"] == 15
        await home.crash()

    live(story())


def test_what_the_queue_could_not_store_is_sent_past_it_and_only_the_row_to_blame_is_held_back() -> None:
    async def story() -> None:
        twin, home = await queueing_world()
        twin.poison = lambda envelope: any(
            5.0 in body.get("columns", {}).get("value", ()) for body in envelope["streams"].values()
        )
        await home.record("device_telemetry", *(telemetry(LAMP, n) for n in range(10)))
        await asyncio.sleep(12)
        assert twin.queue
        while twin.queue:
            twin.write_queued()
        await asyncio.sleep(300)
        assert [row["value"] for row in twin.stored("device_telemetry")] == [0.0, 1.0, 2.0, 3.0, 4.0]
        assert home.uplink.status()["set_aside"] == ["device_telemetry"]
        await home.record("device_states", device_state(LAMP, "1", 1))
        await asyncio.sleep(60)
        assert [row["id"] for row in twin.stored("device_states")] == ["1"]
        await home.crash()

    live(story())


def test_what_is_deleted_waits_until_what_points_at_it_is_stored_and_not_only_queued() -> None:
    async def story() -> None:
        twin, home = await queueing_world()
        await home.record("device_telemetry", *(telemetry(LAMP, n) for n in range(15)))
        await asyncio.sleep(15)
        await home.keep(home.definitions.delete("device", LAMP, home.clock.now().wall))
        await asyncio.sleep(100)
        assert not twin.definitions["device", LAMP].is_deleted
        while twin.queue:
            twin.write_queued()
        await asyncio.sleep(60)
        assert twin.definitions["device", LAMP].is_deleted
        assert len(twin.stored("device_telemetry")) == 15
        assert twin.dead_letters == []
        await home.crash()

    live(story())


def test_a_backup_put_back_while_its_records_wait_in_the_queue_loses_and_doubles_nothing() -> None:
    async def story() -> None:
        twin, home = await queueing_world()
        await home.record("device_telemetry", *(telemetry(LAMP, n) for n in range(8)))
        backup = a_copy_of(home.store)
        await asyncio.sleep(10)
        await home.restart()
        await home.record("device_telemetry", *(telemetry(LAMP, n) for n in range(8, 12)))
        await asyncio.sleep(10)
        twin.write_queued()
        assert twin.queue
        await home.crash()
        home.store = backup
        home.start()
        await home.record("device_telemetry", *(telemetry(LAMP, n) for n in range(20, 25)))
        await asyncio.sleep(10)
        while twin.queue:
            twin.write_queued()
            await asyncio.sleep(40)
        stored = [row["value"] for row in twin.stored("device_telemetry")]
        assert len(stored) == len(set(stored))
        assert {float(n) for n in (*range(8), *range(20, 25))} <= set(stored)
        assert home.uplink.status()["waiting"] == 0
        assert twin.doubled_at is None
        await home.crash()

    live(story())


def test_what_was_shed_behind_what_is_queued_is_told_when_the_marks_are_there_and_nothing_goes_twice() -> None:
    async def story() -> None:
        twin, home = await queueing_world()
        await home.record("device_telemetry", *(telemetry(LAMP, n) for n in range(25)))
        home.store.shed("device_telemetry", 18, 20)
        sent: list[int] = []
        take = twin._ingest

        def counted(envelope):
            sent.extend(range(len(envelope["streams"].get("device_telemetry", {}).get("columns", {}).get("time", []))))
            return take(envelope)

        twin._ingest = counted
        for n in range(20):
            await asyncio.sleep(10)
            home.devices_seen[LAMP] = {"signal_strength": n}
            await home.record("device_telemetry", telemetry(LAMP, 100 + n))
            while twin.queue and n % 4 == 3:
                twin.write_queued()
        await asyncio.sleep(20)
        while twin.queue:
            twin.write_queued()
        await asyncio.sleep(60)
        assert home.store.marks["device_telemetry"] == 45
        assert len(sent) == 42
        assert twin.present["devices"][LAMP] == {"signal_strength": 19}
        await home.crash()

    live(story())


def test_a_cloud_that_stops_queueing_soon_has_what_its_queue_lost() -> None:
    async def story() -> None:
        twin, home = await queueing_world()
        await home.record("device_telemetry", *(telemetry(LAMP, n) for n in range(8)))
        await asyncio.sleep(10)
        assert twin.queue
        twin.queue.clear()
        twin.is_queueing = False
        await home.record("device_telemetry", *(telemetry(LAMP, n) for n in range(8, 10)))
        await asyncio.sleep(60)
        assert len(twin.stored("device_telemetry")) == 10
        await home.crash()

    live(story())
