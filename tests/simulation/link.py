"""Lives one hub's link to the cloud through, decided by a seed, under virtual time. What happens in it: link_story.py, link_wilder.py."""

import asyncio
import logging
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import async_solipsism

from hub_agent.runtime import loop as runtime_loop
from tests.simulation.link_machine import empty_mirror
from tests.simulation.link_wilder import WilderStory

# The watchdog that looks whether the loop comes round is not part of this.
IDLE_S = 600.0


class VirtualLoop(async_solipsism.EventLoop):
    """Threads are for real clocks: what would go to one is done at once."""

    async def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        del executor
        return func(*args)


class Faults(logging.Handler):
    """The link survives its own faults and logs them: here they count."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None:
            self.seen.append(record.exc_info[1])

    def complain(self) -> None:
        for each in self.seen:
            raise each


def simulate_link(seed: int) -> WilderStory:
    """Raises AssertionError with the story."""
    empty_mirror()
    faults = Faults()
    idle_s, runtime_loop.IDLE_S_MAX = runtime_loop.IDLE_S_MAX, IDLE_S
    log = logging.getLogger("hub_agent")
    log.addHandler(faults)
    loop = VirtualLoop()
    asyncio.set_event_loop(loop)
    shared = Path("/dev/shm")
    story: WilderStory | None = None
    try:
        with tempfile.TemporaryDirectory(prefix="nexa-link-", dir=shared if shared.is_dir() else None) as folder:

            async def live() -> None:
                nonlocal story
                story = WilderStory(seed, Path(folder))
                await story.run()

            loop.run_until_complete(live())
            faults.complain()
    except Exception as err:
        told = "\n".join(story.told[-40:]) if story is not None else ""
        nature = f"{story.nature}\n{story.wild}" if story is not None else None
        raise AssertionError(f"seed {seed}: {err}\n{nature}\n{told}\nReplay: tests/check sim link {seed}") from err
    finally:
        runtime_loop.IDLE_S_MAX = idle_s
        log.removeHandler(faults)
        asyncio.set_event_loop(None)
        loop.close()
    assert story is not None
    return story


def link_story(seed: int) -> str | None:
    """The story of what went wrong. Here, and not where it is called: processes that are spawned look for it by its module."""
    logging.getLogger("hub_agent").propagate = False
    try:
        simulate_link(seed)
    except AssertionError as err:
        return str(err)
    return None
