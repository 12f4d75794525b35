"""What fails is started again, more and more patiently; what must not fail ends the agent."""

import asyncio

import pytest

from hub_agent.errors import AddressInUse
from hub_agent.runtime.pulse import Pulse
from hub_agent.runtime.supervisor import BACKOFF_S_MAX, ENDS_S_MAX, LOOK_S, STEADY_S, Supervisor, Task
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


class Rounds:
    """Comes round once a second until it hangs. `is_deaf`: it does not let itself be ended."""

    def __init__(self, hangs_after_s: float, *, is_deaf: bool = False) -> None:
        self.pulse = Pulse(VirtualClock())
        self.begun_at_s: list[float] = []
        self._hangs_after_s = hangs_after_s
        self._is_deaf = is_deaf

    async def run(self) -> None:
        now_s = asyncio.get_running_loop().time
        self.begun_at_s.append(now_s())
        while now_s() < self._hangs_after_s:
            self.pulse.beat("looking")
            await asyncio.sleep(1)
        self.pulse.beat("looking")
        while True:
            try:
                await asyncio.sleep(1_000_000)
            except asyncio.CancelledError:
                if not self._is_deaf:
                    raise


async def look_after(seconds: float, supervisor: Supervisor, task: Task) -> str | None:
    """What is wrong so long after the start."""
    keeping = asyncio.ensure_future(supervisor.keep([task]))
    await asyncio.sleep(seconds)
    ailing = supervisor.ailing()
    asyncio.get_running_loop().call_later(1, keeping.cancel)
    await asyncio.wait({keeping}, timeout=100)
    return ailing


def test_a_task_that_hangs_is_begun_again_and_nobody_need_be_told() -> None:
    rounds = Rounds(40)
    task = Task("measuring", rounds.run, pulse=rounds.pulse, silent_s_max=20)

    assert live(look_after(70, Supervisor(VirtualClock()), task)) is None

    assert len(rounds.begun_at_s) == 2
    assert 60 <= rounds.begun_at_s[1] <= 60 + 2 * LOOK_S + 1


def test_a_task_that_comes_round_is_left_alone() -> None:
    rounds = Rounds(1000)
    task = Task("measuring", rounds.run, pulse=rounds.pulse, silent_s_max=20)

    assert live(look_after(500, Supervisor(VirtualClock()), task)) is None

    assert rounds.begun_at_s == [0]


def test_a_task_that_hangs_and_cannot_be_ended_is_named() -> None:
    rounds = Rounds(40, is_deaf=True)
    task = Task("measuring", rounds.run, pulse=rounds.pulse, silent_s_max=20)

    told = live(look_after(70 + ENDS_S_MAX, Supervisor(VirtualClock()), task))

    assert told == "the task measuring hangs, and does not let itself be ended"
    assert rounds.begun_at_s == [0], "two of it would be worse than none"


def test_a_vital_task_that_hangs_is_named() -> None:
    rounds = Rounds(40)
    task = Task("uplink", rounds.run, is_vital=True, pulse=rounds.pulse, silent_s_max=20)

    told = live(look_after(70, Supervisor(VirtualClock()), task))

    assert told == "the task uplink hangs: looking has not come round for 20 s"
    assert rounds.begun_at_s == [0]


def test_a_task_that_somebody_ended_is_named() -> None:
    async def story() -> None:
        supervisor = Supervisor(VirtualClock())
        keeping = asyncio.ensure_future(supervisor.keep([Task("page", asyncio.Event().wait)]))  # type: ignore[arg-type]  # it waits
        await asyncio.sleep(1)
        assert supervisor.ailing() is None
        next(each for each in asyncio.all_tasks() if each.get_name() == "page").cancel()
        await asyncio.sleep(1)
        assert supervisor.ailing() == "the task page is gone"
        keeping.cancel()
        await asyncio.wait({keeping})

    live(story())


def test_a_task_that_awaited_something_cancelled_is_started_again() -> None:
    begun: list[int] = []

    async def page() -> None:
        begun.append(1)
        given_up: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        given_up.cancel()
        await given_up

    live(keep_for(1.5, Task("page", page)))

    assert len(begun) == 2


def test_who_failed_by_our_own_fault_is_told() -> None:
    async def broken() -> None:
        raise KeyError("nobody thought of this")

    async def story() -> list[str]:
        failed: list[str] = []
        for run in (broken, Failing(0).run):
            with pytest.raises(ExceptionGroup):
                await Supervisor(VirtualClock(), failed.append).keep([Task("uplink", run, is_vital=True)])
        return failed

    assert live(story()) == ["uplink"], "a taken port is the world's fault"
