"""Runs programs that the settings allow: no shell, a bare environment, bounded in time and in what they say."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence

from hub_agent.errors import NotPossible
from hub_agent.model.json import JsonObject
from hub_agent.ports import Done

OUTPUT_BYTES_MAX = 64 * 1024
CHUNK_BYTES = 16 * 1024
# Between being asked to end and being killed.
GRACE_S = 2.0

# Nothing of the agent's own: its environment may hold secrets.
_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


class ShellErrand:
    """Fills ports.Errand."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s

    async def run(self, data: JsonObject, *, wants_response: bool) -> Done:
        del wants_response
        command = data["command"]
        assert isinstance(command, Sequence)
        arguments = [str(part) for part in command]
        program = arguments[0]
        try:
            process = await _started(arguments)
        except (OSError, ValueError) as err:  # not there, not allowed, too long; a zero byte in an argument
            raise NotPossible(f"{program} cannot be started: {err}") from err
        try:
            async with asyncio.timeout(self._timeout_s):
                stdout, stderr, code = await asyncio.gather(
                    _read(process.stdout), _read(process.stderr), process.wait()
                )
        except TimeoutError as err:
            raise NotPossible(f"{program} took longer than {self._timeout_s:g} s and was killed") from err
        finally:
            await _end(process)
        complaint = None if code == 0 else f"{program} ended with {code}: {stderr[:200]}"
        return Done({"stdout": stdout, "stderr": stderr, "returncode": code}, complaint)


async def _started(arguments: Sequence[str]) -> asyncio.subprocess.Process:
    """Raises OSError, ValueError. Cancelled while it starts, it is ended with all that it has started by then."""
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=_ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        with contextlib.suppress(OSError, ValueError):
            await _end(await starting)
        raise


async def _read(stream: asyncio.StreamReader | None) -> str:
    """What is too much is read and dropped, so that the program is not held up."""
    assert stream is not None
    kept = bytearray()
    while chunk := await stream.read(CHUNK_BYTES):
        kept += chunk[: OUTPUT_BYTES_MAX - len(kept)]
    return kept.decode("utf-8", "replace").strip()


async def _end(process: asyncio.subprocess.Process) -> None:
    """With everything that it has started and that still is in its group."""
    if process.returncode is None:
        _signal(process.pid, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                await process.wait()
        _signal(process.pid, signal.SIGKILL)
        await process.wait()
    elif process.stdout is not None and not process.stdout.at_eof():
        _signal(process.pid, signal.SIGKILL)  # it has ended, and a child of it still speaks
    # What went off into a session of its own may hold the pipes open: they are closed here.
    process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001 asyncio has no public way


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
