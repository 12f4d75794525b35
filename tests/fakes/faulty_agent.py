"""python -m tests.fakes.faulty_agent …: the agent itself, with a fault that FAULT names. It comes at once, or when SIGUSR1 says so."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

from hub_agent.cli import main
from hub_agent.core.forecasts import Forecasts
from hub_agent.store import store


def hang_the_loop(*_: object) -> None:
    # In the loop, not in the handler of the signal: another signal is still heard.
    asyncio.get_event_loop().call_soon(_block)


def _block() -> None:
    threading.Event().wait()


def hang_the_mirror(*_: object) -> None:
    """Something that never returns, on the mirror's own thread."""
    for each in Noted.made:
        each.submit(threading.Event().wait)


class Noted(ThreadPoolExecutor):
    made: ClassVar[list["Noted"]] = []

    def __init__(self, max_workers: int, thread_name_prefix: str) -> None:
        super().__init__(max_workers, thread_name_prefix)
        self.made.append(self)


def lose_the_page(*_: object) -> None:
    next(task for task in asyncio.all_tasks() if task.get_name() == "page").cancel()


def fail_in_forecasts() -> None:
    def broken(*_: object) -> None:
        raise KeyError("a fault in a forecast")

    Forecasts.get_timer = broken  # type: ignore[method-assign,assignment]  # that is the fault


ON_SIGNAL: dict[str, Callable[..., None]] = {
    "the loop hangs": hang_the_loop,
    "the mirror hangs": hang_the_mirror,
    "the page is lost": lose_the_page,
}

if __name__ == "__main__":
    fault = os.environ["FAULT"]
    if fault == "forecasts fail":
        fail_in_forecasts()
    else:
        store.ThreadPoolExecutor = Noted  # type: ignore[attr-defined,misc]  # to get at its thread
        signal.signal(signal.SIGUSR1, ON_SIGNAL[fault])
    main()
