"""One process of the demo: started, waited for until it is ready, watched, stopped, never left behind."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

STOP_WITHIN_S = 15.0
LOOK_S = 0.05
_PR_SET_PDEATHSIG = 1


class DemoError(Exception):
    """`str()` says what is wrong and what to do."""


class Part:
    def __init__(self, name: str, command: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> None:
        self.name = name
        self._command = command
        self._log = log
        self._env = {**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})}
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.returncode is None else None

    async def start(self, *, says_ready: bool) -> None:
        """`says_ready`: its first line of output is "ready ...", and `said` has the rest of it."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE if says_ready else log,
                stderr=log,
                env=self._env,
                # A group of its own: Ctrl-C is for the demo, which stops its parts in order.
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )

    async def said(self, within_s: float) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(within_s):
                line = (await self._process.stdout.readline()).decode().strip()
        except TimeoutError as err:
            raise self._failed(f"was not ready within {within_s:.0f} s") from err
        if not line.startswith("ready"):
            raise self._failed("did not start")
        return line.removeprefix("ready").strip()

    async def answers(self, is_ready: Callable[[], Awaitable[bool]], within_s: float) -> None:
        """Asks until it is ready; a part that died meanwhile is not waited for."""
        assert self._process is not None
        try:
            async with asyncio.timeout(within_s):
                while not await is_ready():
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._process.wait(), LOOK_S)
                        raise self._failed("did not start")
        except TimeoutError as err:
            raise self._failed(f"was not ready within {within_s:.0f} s") from err

    async def end(self) -> int:
        """Waits until it has ended by itself."""
        assert self._process is not None
        return await self._process.wait()

    async def stop(self) -> None:
        if self.pid is None or self._process is None:
            return
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                await self._process.wait()
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        if self._process is not None:
            self._signal(signal.SIGKILL)
            await self._process.wait()

    def last_words(self, lines: int = 8) -> str:
        return "\n".join(f"    {line}" for line in self.log_text().splitlines()[-lines:])

    def log_text(self) -> str:
        with contextlib.suppress(OSError):
            return self._log.read_text(encoding="utf-8", errors="replace")
        return ""

    def _failed(self, what: str) -> DemoError:
        return DemoError(f"{self.name} {what}. Its last words ({self._log}):\n{self.last_words()}")

    def _signal(self, number: int) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, number)


def _die_with_parent() -> None:
    """If the demo itself is killed, its parts stop, too (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
