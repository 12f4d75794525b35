"""Errands outside: each is answered once, and none can hold up or stop the others."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Self

import pytest

from hub_agent.errors import NotPossible
from hub_agent.model.action import Call, CallAnswered
from hub_agent.model.ids import CallId
from hub_agent.model.state import Cause
from hub_agent.ports import Done
from hub_agent.runtime.errands import UNDER_WAY_MAX, WAITING_MAX, Errands


class Scripted:
    """Does what the test says."""

    def __init__(self, act: Callable[[Any], Awaitable[Done]]) -> None:
        self._act = act

    async def run(self, data: Any, *, wants_response: bool) -> Done:
        del wants_response
        return await self._act(data)


class Doing:
    def __init__(self, **acts: Callable[[Any], Awaitable[Done]]) -> None:
        self.answers: list[Any] = []
        known = {f"rest_command.{name}": Scripted(act) for name, act in acts.items()}
        self.errands = Errands(known, self.answers.append)

    async def __aenter__(self) -> Self:
        self._running = asyncio.ensure_future(self.errands.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    def take(self, name: str, number: int = 0) -> bool:
        call = Call(CallId(f"{name}/{number}"), f"rest_command.{name}", (), {"n": number}, Cause("manual"))
        return self.errands.take(call)

    async def until(self, count: int) -> None:
        while len(self.answers) < count:  # noqa: ASYNC110 the answers are a plain list
            await asyncio.sleep(0)


async def echo(data: Any) -> Done:
    return Done(data["n"])


async def fail(_: Any) -> Done:
    raise NotPossible("nobody is there")


async def test_an_errand_is_answered_once_by_its_call() -> None:
    async with Doing(echo=echo) as doing:
        assert doing.take("echo", 1)
        assert not doing.take("nobody")
        await doing.until(1)

    assert doing.answers == [CallAnswered(CallId("echo/1"), response=1)]


async def test_one_that_fails_or_breaks_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    async def break_down(_: Any) -> Done:
        raise KeyError("ours")

    async with Doing(echo=echo, fail=fail, broken=break_down) as doing:
        for _ in range(2 * UNDER_WAY_MAX):
            doing.take("broken")
            doing.take("fail")
        doing.take("echo", 1)
        await doing.until(4 * UNDER_WAY_MAX + 1)

    assert doing.answers[-1].response == 1
    assert {each.error for each in doing.answers[:-1]} == {
        "rest_command.fail: nobody is there",
        "rest_command.broken failed: KeyError",
    }
    warnings = [each for each in caplog.records if "nobody is there" in each.message]
    assert [each.levelno for each in warnings].count(logging.WARNING) <= 1


async def test_a_slow_one_does_not_hold_up_the_others_and_too_many_are_refused() -> None:
    gate = asyncio.Event()

    async def wait(_: Any) -> Done:
        await gate.wait()
        return Done(None)

    async with Doing(wait=wait, echo=echo) as doing:
        doing.take("wait")
        doing.take("echo", 1)
        await doing.until(1)
        assert doing.answers[0].response == 1
        for number in range(UNDER_WAY_MAX):
            doing.take("wait", number)
        await asyncio.sleep(0)
        taken = len(doing.answers)
        for number in range(WAITING_MAX + 1):
            assert doing.take("echo", number)
        refused = [each for each in doing.answers[taken:] if each.error]
        assert refused
        assert "wait already" in refused[0].error
        gate.set()


async def test_that_it_works_again_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    complaints = iter(["status 500", "status 500", None])

    async def moody(_: Any) -> Done:
        return Done(None, next(complaints))

    async with Doing(moody=moody) as doing:
        for number in range(3):
            doing.take("moody", number)
            await doing.until(number + 1)

    told = [(each.levelname, each.message) for each in caplog.records if "moody" in each.message]
    assert told == [
        ("WARNING", "rest_command.moody: status 500"),
        ("INFO", "rest_command.moody: it is done again"),
    ]
