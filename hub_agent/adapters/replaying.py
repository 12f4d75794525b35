"""Starts a process for each replay, so that a week of a busy home is gone through without taking the home's time."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

import orjson

from hub_agent.errors import NotPossible
from hub_agent.model.json import JsonObject

# It ends itself before that, with what it has.
PROCESS_S_MAX = 120.0
ANSWER_BYTES_MAX = 8 * 1024 * 1024

_NO_ANSWER = "The replay ended without an answer; the hub's log says more: journalctl -u nexa-hub"


class ReplayProcess:
    """Fills ports.Replayer, one at a time."""

    def __init__(self, mirror: Path) -> None:
        self._mirror = mirror
        self._is_busy = False

    async def replay(self, request: JsonObject) -> AsyncGenerator[JsonObject, None]:
        if self._is_busy:
            raise NotPossible("Another replay is under way: try again when it is done.")
        self._is_busy = True
        try:
            async for said in self._said({**request, "mirror": str(self._mirror)}):
                yield said
        finally:
            self._is_busy = False

    async def _said(self, request: JsonObject) -> AsyncGenerator[JsonObject, None]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "hub_agent.replay"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=ANSWER_BYTES_MAX,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            async with asyncio.timeout(PROCESS_S_MAX):
                process.stdin.write(orjson.dumps(request))
                process.stdin.close()
                async for line in process.stdout:
                    said = orjson.loads(line)
                    if "error" in said:
                        raise NotPossible(said["error"])
                    yield said
                    if "replay" in said:
                        return
        except TimeoutError as err:
            raise NotPossible(f"The replay took longer than {PROCESS_S_MAX:g} s: ask for a shorter window.") from err
        except (ConnectionError, ValueError) as err:
            raise NotPossible(_NO_ANSWER) from err
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        raise NotPossible(_NO_ANSWER)
