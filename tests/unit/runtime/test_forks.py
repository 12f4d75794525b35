"""Copies of a mirror: a backup that was put back, machines with the same card. Under virtual time, against the twin."""

import asyncio
from copy import deepcopy

from hub_agent.core.sync.flow import Flow
from tests.fakes.cloud_twin import CALM, CloudTwin, Faults
from tests.fakes.linked_home import LinkedHome, device_state, live, telemetry
from tests.fakes.memory_store import MemoryStore
from tests.unit.runtime.test_uplink import LAMP, with_lamp

RULE = "00000000-0000-4000-8000-0000000000a1"


def a_copy_of(store: MemoryStore) -> MemoryStore:
    """What a backup or a second card holds."""
    copy = MemoryStore(store.identity)
    for name, value in vars(store).items():
        setattr(copy, name, deepcopy(value))
    return copy


def states_in(twin: CloudTwin) -> list[str]:
    return sorted(row["id"] for row in twin.stored("device_states"))


def test_a_backup_that_was_put_back_begins_an_epoch_and_nothing_is_lost_or_doubled() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        await home.record("device_states", *(device_state(LAMP, f"0{n}", n) for n in range(5)))
        await asyncio.sleep(10)
        twin.cut()
        await home.record("device_states", *(device_state(LAMP, f"0{n}", n) for n in range(5, 8)))
        backup = a_copy_of(home.store)
        twin.mend()
        await asyncio.sleep(120)
        await home.record("device_states", device_state(LAMP, "08", 8))
        await asyncio.sleep(10)
        await home.crash()
        home.store = backup
        home.start()
        await home.record("device_states", *(device_state(LAMP, f"1{n}", 20 + n) for n in range(4)))
        await asyncio.sleep(120)
        assert home.store.identity.epoch == 2
        assert states_in(twin) == [*(f"0{n}" for n in range(9)), *(f"1{n}" for n in range(4))]
        assert home.uplink.status()["waiting"] == 0
        assert twin.doubled_at is None
        await home.crash()

    live(story())


def test_a_backup_that_was_put_back_hears_what_it_had_told_the_cloud_since() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        await home.edit("automation", RULE, {"name": "before", "triggers": []})
        await asyncio.sleep(10)
        backup = a_copy_of(home.store)
        await home.edit("automation", RULE, {"name": "after"})
        await home.record("device_states", device_state(LAMP, "00", 0))
        await asyncio.sleep(30)
        await home.crash()
        home.store = backup
        home.start()
        assert home.definitions.get("automation", RULE).fields["name"] == "before"
        await asyncio.sleep(120)
        assert home.store.identity.epoch == 2
        assert home.definitions.get("automation", RULE).fields["name"] == "after"
        assert twin.definitions["automation", RULE].fields["name"] == "after"
        await home.crash()

    live(story())


def test_a_backup_whose_numbers_have_caught_up_while_it_was_offline_is_known_for_one() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        backup = a_copy_of(home.store)
        await home.record("device_states", *(device_state(LAMP, f"0{n}", n) for n in range(3)))
        await asyncio.sleep(10)
        await home.crash()
        twin.cut()
        home.store = backup
        home.start()
        await home.record("device_states", *(device_state(LAMP, f"1{n}", 20 + n) for n in range(9)))
        await asyncio.sleep(30)
        await home.restart()
        twin.mend()
        await asyncio.sleep(120)
        assert home.store.identity.epoch == 2
        assert states_in(twin) == [*(f"0{n}" for n in range(3)), *(f"1{n}" for n in range(9))]
        await home.crash()

    live(story())


def test_two_machines_with_one_identity_lose_nothing_and_both_are_told() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        await home.record("device_states", device_state(LAMP, "both", 1))
        await asyncio.sleep(10)
        other = LinkedHome(twin, home.clock, store=a_copy_of(home.store), name="other")
        async with other:
            for n in range(6):
                await home.record("device_states", device_state(LAMP, f"a{n}", 10 + n))
                await other.record("device_states", device_state(LAMP, f"b{n}", 30 + n))
                await asyncio.sleep(45)
            await asyncio.sleep(120)
            made = sorted(["both", *(f"{of}{n}" for of in "ab" for n in range(6))])
            assert states_in(twin) == made
            assert sorted([home.store.identity.epoch, other.store.identity.epoch]) == [1, 2]
            assert "hub_doubled" in home.warned[-1]
            assert "hub_doubled" in other.warned[-1]
        await asyncio.sleep(2 * 3600)
        assert home.warned[-1] == frozenset()
        await home.crash()

    live(story())


def test_three_machines_with_one_identity_each_find_an_epoch_of_their_own() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        twin.cut()
        others = [LinkedHome(twin, home.clock, store=a_copy_of(home.store), name=name, seed=7) for name in "bc"]
        for other in others:
            other.start()
        homes = [home, *others]
        for at, each in enumerate(homes):
            await each.record("device_states", *(device_state(LAMP, f"{at}{n}", at * 10 + n) for n in range(5)))
        twin.mend()
        await asyncio.sleep(600)
        assert sorted(each.store.identity.epoch for each in homes) == [1, 2, 3]
        assert states_in(twin) == sorted(f"{at}{n}" for at in range(3) for n in range(5))
        for each in homes:
            await each.crash()

    live(story())


def test_restarts_whose_answers_are_lost_are_no_fork() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        twin.faults = Faults(lost_answer=1.0)
        for n in range(40):
            await home.record("device_states", device_state(LAMP, f"{n:02}", n))
            await asyncio.sleep(5)
            await home.restart()
        twin.faults = CALM
        await asyncio.sleep(120)
        assert home.store.identity.epoch == 1
        assert states_in(twin) == [f"{n:02}" for n in range(40)]
        await home.crash()

    live(story())


def test_a_backup_that_is_put_back_twice_stores_what_it_had_not_sent_once() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        home.flow = Flow(is_metered=True)
        await home.restart()
        await home.record("device_telemetry", telemetry(LAMP, 1))
        await asyncio.sleep(2 * 3600)
        # Measurements wait for their day.
        await home.record("device_telemetry", *(telemetry(LAMP, n) for n in range(2, 6)))
        await home.record("device_states", device_state(LAMP, "waits", 1))
        backup = a_copy_of(home.store)
        await asyncio.sleep(2 * 3600)
        assert len(twin.stored("device_telemetry")) == 1
        for n in range(3):
            await home.record("device_states", device_state(LAMP, f"after {n}", 10 + n))
        await asyncio.sleep(2 * 3600)
        home.flow = None
        for life in range(2):
            await home.crash()
            home.store = a_copy_of(backup)
            home.start()
            await home.record("device_states", device_state(LAMP, f"life {life}", 100 + life))
            await home.record("device_telemetry", telemetry(LAMP, 50 + life))
            await asyncio.sleep(600)
        assert home.store.identity.epoch == 3
        assert sorted(row["value"] for row in twin.stored("device_telemetry")) == [1, 2, 3, 4, 5, 50, 51]
        assert len(states_in(twin)) == 6
        await home.crash()

    live(story())


def test_a_backup_of_the_last_life_of_an_epoch_that_has_ended_is_known_for_a_copy() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        home.flow = Flow(is_metered=True)
        await home.restart()
        await home.record("device_telemetry", telemetry(LAMP, 1))
        await asyncio.sleep(2 * 3600)
        # Measurements wait for their day.
        await home.record("device_telemetry", *(telemetry(LAMP, n) for n in range(2, 6)))
        older = a_copy_of(home.store)
        await home.restart()
        await asyncio.sleep(2 * 3600)
        newer = a_copy_of(home.store)
        assert len(twin.stored("device_telemetry")) == 1
        home.flow = None
        for epoch, backup in enumerate((older, newer), 2):
            await home.crash()
            home.store = backup
            home.start()
            await home.record("device_telemetry", telemetry(LAMP, 50 + epoch))
            await asyncio.sleep(600)
            assert home.store.identity.epoch == epoch
        assert sorted(row["value"] for row in twin.stored("device_telemetry")) == [1, 2, 3, 4, 5, 52, 53]
        await home.crash()

    live(story())
