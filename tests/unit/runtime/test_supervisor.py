"""What fails is started again, more and more patiently; what must not fail ends the agent."""

import asyncio

import pytest

from hub_agent.errors import AddressInUse
from hub_agent.runtime.supervisor import BACKOFF_S_MAX, BEAT_S_MAX, STEADY_S, Supervisor, Task, feed_watchdog
from tests.fakes.linked_home import VirtualClock, live


class Failing:
    def __init__(self, *lives_s: float) -> None:
        self.started_at_s: list[float] = []
        self._lives_s = list(lives_s)

    async def run(self) -> None:
        self.started_at_s.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self._lives_s.pop(0) if self._lives_s else 0)
        raise AddressInUse("Port 8380 is taken.")


async def keep_for(seconds: float, *tasks: Task) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(seconds):
            await Supervisor(VirtualClock()).keep(list(tasks))


def test_a_task_that_fails_is_started_again_with_a_growing_wait() -> None:
    failing = Failing()
    live(keep_for(200, Task("page", failing.run)))

    waits = [later - earlier for earlier, later in zip(failing.started_at_s, failing.started_at_s[1:], strict=False)]
    assert waits == [1, 2, 4, 8, 16, 32, BACKOFF_S_MAX, BACKOFF_S_MAX]


def test_a_task_that_ran_long_starts_again_soon() -> None:
    failing = Failing(0, 0, 0, STEADY_S + 1, 0)
    live(keep_for(350, Task("page", failing.run)))

    assert failing.started_at_s[4] - failing.started_at_s[3] == STEADY_S + 2


def test_others_go_on_while_one_fails() -> None:
    beats: list[int] = []

    async def beat() -> None:
        while True:
            beats.append(1)
            await asyncio.sleep(1)

    live(keep_for(10.5, Task("page", Failing().run), Task("loop", beat, is_vital=True)))

    assert len(beats) == 11


def test_a_vital_task_that_fails_ends_everything() -> None:
    async def story() -> None:
        with pytest.raises(ExceptionGroup) as ended:
            await Supervisor(VirtualClock()).keep([Task("loop", Failing(5).run, is_vital=True)])
        assert isinstance(ended.value.exceptions[0], AddressInUse)
        assert asyncio.get_running_loop().time() == 5

    live(story())


def test_the_watchdog_is_fed_only_while_the_loop_comes_round() -> None:
    heard_at_s: list[float] = []

    class Ear:
        def alive(self) -> None:
            heard_at_s.append(asyncio.get_running_loop().time())

    async def story() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await feed_watchdog(Ear(), VirtualClock(), lambda: 0.0, 1)  # type: ignore[arg-type]  # only alive() is used
        assert max(heard_at_s) <= BEAT_S_MAX

    live(story())
