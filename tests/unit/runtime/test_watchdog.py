"""systemd is told that all is well only while it is, and the log says who keeps the agent from it."""

import asyncio
import logging
from collections.abc import Callable

import pytest

from hub_agent.errors import MirrorFull
from hub_agent.runtime.watchdog import BEAT_S_MAX, Signs, Watchdog
from tests.fakes.linked_home import VirtualClock, live

WATCHDOG_S = 30.0


class Life:
    """What the watchdog looks at, and when systemd heard of it."""

    def __init__(self) -> None:
        self.heard_at_s: list[float] = []
        self.beaten_at_s: Callable[[], float] = lambda: asyncio.get_running_loop().time()
        self.ailing: str | None = None
        self.mirror = asyncio.Event()
        self.mirror.set()
        self.mirror_error: Exception | None = None
        self.asked = 0

    def alive(self) -> None:
        self.heard_at_s.append(asyncio.get_running_loop().time())

    async def answers(self) -> None:
        self.asked += 1
        await self.mirror.wait()
        if self.mirror_error is not None:
            raise self.mirror_error

    async def pass_s(self, seconds: float) -> None:
        signs = Signs(self.beaten_at_s, self.answers, lambda: self.ailing)
        watchdog = Watchdog(self, VirtualClock(), signs, WATCHDOG_S)  # type: ignore[arg-type]  # only alive() is used
        running = asyncio.ensure_future(watchdog.run())
        await asyncio.wait({running}, timeout=seconds)
        running.cancel()
        await asyncio.wait({running})


def lived(seconds: float, spoil: Callable[[Life], None]) -> Life:
    async def story() -> Life:
        life = Life()
        spoil(life)
        await life.pass_s(seconds)
        return life

    return live(story())


def test_while_all_is_well_systemd_hears_of_it_twice_in_its_time() -> None:
    assert lived(61, lambda _: None).heard_at_s == [0, 15, 30, 45, 60]


def test_it_is_not_fed_once_the_loop_does_not_come_round(caplog: pytest.LogCaptureFixture) -> None:
    def hang(life: Life) -> None:
        life.beaten_at_s = lambda: 5.0

    heard_at_s = lived(120, hang).heard_at_s

    assert heard_at_s
    assert max(heard_at_s) <= 5 + BEAT_S_MAX
    assert "the loop has not come round for" in caplog.text


def test_it_is_not_fed_while_the_mirror_does_not_answer_and_asks_it_once(caplog: pytest.LogCaptureFixture) -> None:
    life = lived(120, lambda life: life.mirror.clear())

    assert (life.heard_at_s, life.asked) == ([], 1)
    assert [record.message for record in caplog.records if "the mirror has not answered for 10 s" in record.message]
    assert len(caplog.records) == 1, "told once"


def test_a_mirror_that_answers_again_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    def stall(life: Life) -> None:
        life.mirror.clear()
        asyncio.get_running_loop().call_later(20, life.mirror.set)

    assert lived(31, stall).heard_at_s == [25]
    assert "told again that all is well" in caplog.text


def test_a_mirror_that_cannot_be_written_answers() -> None:
    def fill(life: Life) -> None:
        life.mirror_error = MirrorFull("The disk is full.")

    assert lived(16, fill).heard_at_s == [0, 15]


def test_it_is_not_fed_while_a_task_is_gone(caplog: pytest.LogCaptureFixture) -> None:
    def lose(life: Life) -> None:
        life.ailing = "the task page is gone"

    assert lived(60, lose).heard_at_s == []
    assert "the task page is gone" in caplog.text
