"""Simulators of ours as programs: an app on a port of 127.0.0.1 and on a socket in the file system, which ends with its standard input."""

import asyncio
import contextlib
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvicorn

ROOT = Path(__file__).resolve().parents[2]
START_S_MAX = 30


class Program:
    """A simulator that runs. `tell` gives it an order; it answers each with a line."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.port = port

    async def tell(self, order: str, **more: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": order, **more}).encode() + b"\n")
        async with asyncio.timeout(START_S_MAX):
            await self._process.stdin.drain()
            return json.loads(await self._process.stdout.readline())

    async def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()


@asynccontextmanager
async def program(module: str, *arguments: str) -> AsyncIterator[Program]:
    """`python -m MODULE ARGUMENTS`, which prints the port that it listens on once it does."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_S_MAX):
            port = int(await process.stdout.readline())
        running = Program(process, port)
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        transport = getattr(process, "_transport", None)
        if transport is not None:
            transport.close()


Obey = Callable[[dict[str, Any]], Awaitable[Any]]


async def serve(app: Any, obey: Obey, *, host: str = "127.0.0.1", port: int = 0, path: str | None = None) -> None:
    """The other side of `program`: until the standard input ends."""
    listeners = [socket.create_server((host, port))]
    if path is not None:
        unix = socket.socket(socket.AF_UNIX)
        unix.bind(path)
        unix.listen()
        listeners.append(unix)
    config = uvicorn.Config(
        app, log_level="warning", lifespan="off", ws_ping_interval=None, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    serving = asyncio.create_task(server.serve(sockets=listeners))
    # Who connects before it has started waits in the queue of the listener.
    _say(listeners[0].getsockname()[1])
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        _say(json.dumps(await obey(json.loads(line))))
    serving.cancel()
    os._exit(0)


def _say(line: object) -> None:
    print(line, flush=True)


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def judged_by(python: Path, script: Path, *arguments: str | os.PathLike[str]) -> Sequence[str]:
    return [os.fspath(python / "bin" / "python"), os.fspath(script), *map(os.fspath, arguments)]
