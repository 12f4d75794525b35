"""Stored before done: when it is committed, what waits, and what happens when nothing can be stored."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import pytest

from hub_agent.errors import MirrorCorrupt, MirrorError, MirrorFull
from hub_agent.model.action import Cause, Command
from hub_agent.model.effects import (
    Announce,
    AppendRecord,
    Durability,
    IssueCleared,
    IssueRaised,
    Save,
    SaveDevice,
    SendCommand,
    Warn,
)
from hub_agent.model.ids import CallId, CommandId, DeviceId, EntityId
from hub_agent.ports import Identity
from hub_agent.runtime import loop as loop_module
from hub_agent.runtime.loop import LAZY_EFFECTS_MAX, RETRY_S
from tests.fakes.linked_home import NOON, live
from tests.unit.runtime.conftest import Beating, NotingStore, after, asking_for, lazy, urgent
from tests.unit.store.homes import lamp_device

TOLD = Announce("state", {"entity_id": "light.lamp"})
TOLD_NEXT = Announce("state", {"entity_id": "light.lamp", "state": "on"})


@contextlib.asynccontextmanager
async def beating() -> AsyncGenerator[Beating, None]:
    home = Beating(NotingStore(Identity("home", None, None, "mirror")))
    running = asyncio.create_task(home.loop.run())
    yield home
    if not running.done():
        await home.loop.end()
    await running


def test_a_measurement_is_committed_within_a_second() -> None:
    async def story() -> None:
        async with beating() as home:
            home.inbox.put(asking_for(lazy(1)))
            await asyncio.sleep(0.9)
            home.inbox.put(asking_for(lazy(2)))
            assert home.store.commits == []
            await asyncio.sleep(0.2)
            assert [(at_s, len(effects)) for at_s, effects in home.store.commits] == [(pytest.approx(1.0, abs=0.01), 2)]

    live(story())


def test_a_measurement_goes_with_the_next_commit() -> None:
    async def story() -> None:
        async with beating() as home:
            home.inbox.put(asking_for(lazy(1)))
            await asyncio.sleep(0.1)
            home.inbox.put(asking_for(urgent()))
            await asyncio.sleep(0.1)
            assert [effects for _, effects in home.store.commits] == [[lazy(1), urgent()]]

    live(story())


def test_many_measurements_do_not_wait_for_the_second() -> None:
    async def story() -> None:
        async with beating() as home:
            home.inbox.put(asking_for(*(lazy(number) for number in range(LAZY_EFFECTS_MAX))))
            await asyncio.sleep(0.1)
            assert len(home.store.commits) == 1

    live(story())


def test_a_device_that_announces_its_parts_one_by_one_is_written_once_as_it_is_in_the_end() -> None:
    async def story() -> None:
        async with beating() as home:
            parts = [SaveDevice(lamp_device(name=f"Lamp with {number}"), Durability.LAZY) for number in range(3)]
            home.inbox.put(asking_for(parts[0], lazy(1), parts[1]))
            home.inbox.put(asking_for(parts[2]))
            await asyncio.sleep(1.1)
            assert [effects for _, effects in home.store.commits] == [[lazy(1), parts[2]]]

    live(story())


def test_what_a_person_said_of_a_device_is_no_less_safe_for_what_the_device_says_after_it() -> None:
    async def story() -> None:
        async with beating() as home:
            said, after_it = lamp_device(name="Reading lamp"), lamp_device(name="Reading lamp", model="X2")
            home.inbox.put(asking_for(SaveDevice(said), SaveDevice(after_it, Durability.LAZY)))
            await asyncio.sleep(0.1)
            assert [effects for _, effects in home.store.commits] == [[SaveDevice(after_it, Durability.FSYNC)]]

    live(story())


def test_nothing_is_done_before_it_is_stored() -> None:
    async def story() -> None:
        async with beating() as home:
            home.inbox.put(asking_for(TOLD, urgent()))
            await asyncio.sleep(0.1)
            assert home.done == [TOLD]
            assert home.commits_before == [1]

    live(story())


class FsyncsLater(NotingStore):
    """Its fsyncs take until the test says so."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self.fsyncs = 0
        self.may_end = asyncio.Event()

    async def commit_ahead(self, effects, moment) -> bool:
        await self.commit(effects, moment)
        return all(each.durability < Durability.FSYNC for each in effects)

    async def fsync(self) -> None:
        self.fsyncs += 1
        await self.may_end.wait()


ENDED = AppendRecord("automation_execution_logs", {"status": "completed"}, Durability.FSYNC)
COMMAND = SendCommand(
    Command(CommandId("c"), CallId("call"), DeviceId("d"), EntityId("light.lamp"), "light.turn_on", {}, Cause("manual"), NOON, NOON)
)  # fmt: skip
WAITS = Save("automation", "run", {"at": "a delay"}, Durability.FSYNC)


def test_commands_do_not_wait_for_the_fsync_of_what_is_over_and_what_is_told_does_in_its_order() -> None:
    async def story() -> None:
        home = Beating(store := FsyncsLater(Identity("home", None, None, "mirror")))
        running = asyncio.create_task(home.loop.run())
        home.inbox.put(asking_for(ENDED, TOLD))
        await asyncio.sleep(0.1)
        assert home.done == []
        home.inbox.put(asking_for(urgent(), COMMAND, TOLD_NEXT))
        await asyncio.sleep(0.1)
        assert home.done == [COMMAND]
        assert [effects for _, effects in store.commits] == [[ENDED], [urgent()]]
        store.may_end.set()
        await asyncio.sleep(0.1)
        assert home.done == [COMMAND, TOLD, TOLD_NEXT]
        assert store.fsyncs == 1
        await home.loop.end()
        await running

    live(story())


def test_all_that_is_no_command_waits_for_the_fsync_of_what_is_over() -> None:
    async def story() -> None:
        home = Beating(store := FsyncsLater(Identity("home", None, None, "mirror")))
        running = asyncio.create_task(home.loop.run())
        home.inbox.put(asking_for(ENDED, TOLD))
        await asyncio.sleep(0.1)
        home.inbox.put(asking_for(COMMAND, warning := Warn("a", "A")))
        submitted = asyncio.ensure_future(home.inbox.submit([asking_for(lazy(1))]))
        await asyncio.sleep(0.1)
        assert home.done == []
        assert not submitted.done()
        store.may_end.set()
        await submitted
        assert home.done == [TOLD, COMMAND, warning]
        await home.loop.end()
        await running

    live(story())


def test_what_a_command_may_depend_on_is_fsynced_before_it_goes_out() -> None:
    async def story() -> None:
        home = Beating(store := FsyncsLater(Identity("home", None, None, "mirror")))
        running = asyncio.create_task(home.loop.run())
        home.inbox.put(asking_for(ENDED, WAITS, COMMAND))
        await asyncio.sleep(0.1)
        assert home.done == [COMMAND]
        assert store.fsyncs == 0, "the commit itself was fsynced"
        await home.loop.end()
        await running

    live(story())


def test_an_fsync_that_fails_is_told_and_what_waited_for_it_too() -> None:
    class Fails(FsyncsLater):
        async def fsync(self) -> None:
            raise MirrorError("The mirror cannot be used: input/output error.")

    async def story() -> None:
        home = Beating(Fails(Identity("home", None, None, "mirror")))
        running = asyncio.create_task(home.loop.run())
        home.inbox.put(asking_for(ENDED, TOLD))
        await asyncio.sleep(0.1)
        assert [each.issue.code for each in home.done if isinstance(each, IssueRaised)] == ["mirror_unwritable"]
        assert TOLD in home.done
        await home.loop.end()
        await running

    live(story())


def test_submit_answers_when_it_is_stored() -> None:
    async def story() -> None:
        async with beating() as home:
            await home.inbox.submit([asking_for(lazy(1))])
            assert len(home.store.commits) == 1
            await home.inbox.submit([])

    live(story())


def test_when_nothing_can_be_stored_the_asker_is_told_and_the_home_goes_on() -> None:
    async def story() -> None:
        async with beating() as home:
            home.store.is_full = True
            with pytest.raises(MirrorFull, match="Free some space"):
                await home.inbox.submit([asking_for(TOLD, urgent())])
            assert TOLD in home.done
            raised = [each.issue for each in home.done if isinstance(each, IssueRaised)]
            assert [issue.code for issue in raised] == ["disk_full"]
            assert "Free some space" in raised[0].text
            assert "unknown)" not in raised[0].text

            home.store.is_full = False
            await asyncio.sleep(RETRY_S * 2)
            assert [effects for _, effects in home.store.commits] == [[urgent()]]
            assert IssueCleared("disk_full", "mirror") in home.done

    live(story())


def test_a_full_disk_is_not_tried_with_each_message() -> None:
    async def story() -> None:
        async with beating() as home:
            home.store.is_full = True
            for number in range(100):
                home.inbox.put(asking_for(urgent(str(number)), TOLD))
                await asyncio.sleep(0.01)
            assert home.done.count(TOLD) == 100
            assert home.store.tries <= 3
            home.store.is_full = False

    live(story())


def test_what_waits_for_room_is_bounded_and_what_is_dropped_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_module, "UNSTORED_MAX", 100)

    async def story() -> None:
        async with beating() as home:
            home.store.is_full = True
            for number in range(150):
                home.inbox.put(asking_for(urgent("one run"), lazy(number)))
                await asyncio.sleep(0.01)
            home.store.is_full = False
            await asyncio.sleep(RETRY_S * 2)
            kept = [effect for _, effects in home.store.commits for effect in effects]
            assert len(kept) <= 101
            assert kept.count(urgent("one run")) <= 51, "of what is written over and over the last one counts"
            assert kept[-1] == lazy(149)
            assert any(isinstance(each, Warn) and "dropped" in each.text for each in home.done)

    live(story())


def test_a_damaged_mirror_ends_the_loop_after_what_was_decided_is_done() -> None:
    class Damaged(NotingStore):
        async def commit(self, *_: object) -> None:
            raise MirrorCorrupt("The mirror is damaged.")

    async def story() -> None:
        home = Beating(Damaged(Identity("home", None, None, "mirror")))
        home.inbox.put(asking_for(TOLD, urgent()))
        with pytest.raises(MirrorCorrupt):
            await home.loop.run()
        assert TOLD in home.done
        assert home.loop.is_interrupted
        await home.loop.end()

    live(story())


def test_asked_to_end_it_finishes_the_batch_it_has_begun() -> None:
    class Slow(NotingStore):
        async def commit(self, effects, moment) -> None:
            await asyncio.sleep(0.5)
            await super().commit(effects, moment)

    async def story() -> None:
        home = Beating(Slow(Identity("home", None, None, "mirror")))
        running = asyncio.create_task(home.loop.run())
        home.inbox.put(asking_for(TOLD, urgent()))
        await asyncio.sleep(0.1)
        assert home.loop.is_interrupted, "it is in the middle"
        await home.loop.end()
        assert home.done == [TOLD]
        assert not home.loop.is_interrupted
        await running

    live(story())


def test_timers_fire_when_they_are_due() -> None:
    async def story() -> None:
        async with beating() as home:
            home.decider.on_timer = [TOLD]
            home.decider.timer = NOON + after(0.3)
            home.inbox.put(asking_for())
            await asyncio.sleep(0.5)
            assert home.decider.fired_at == [NOON + after(0.3)]
            assert home.done == [TOLD]

    live(story())


def test_a_clock_that_is_set_is_told_to_the_core_with_the_step() -> None:
    async def story() -> None:
        async with beating() as home:
            await asyncio.sleep(1)
            home.clock.behind_s = -3600
            await asyncio.sleep(3)
            assert [(round(step.by.total_seconds()), step.is_trusted) for step in home.decider.steps] == [(3600, True)]

    live(story())
