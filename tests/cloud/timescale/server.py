"""A real TimescaleDB with the community features, as WASM: see server.mjs. For tests only, it is never shipped."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.peers.npm import NODE, npm_ci

HERE = Path(__file__).parent
ENDS_WITHIN_S = 10


class TimescaleError(Exception):
    """It cannot be had here; the text says why. Never skipped: without it the schema has not been tested where it lives."""


@contextmanager
def running_timescale(*arguments: str) -> Iterator[str]:
    """A server of its own, empty, gone afterwards. Answers the connection string of its one database. The arguments are server.mjs's."""
    npm_ci(HERE)
    # Its stdin is its parent's life: it goes when we close it, and also when we are killed.
    server = subprocess.Popen(
        [NODE, HERE / "server.mjs", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=HERE
    )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        first_line = server.stdout.readline()
        if not first_line:
            raise TimescaleError(f"TimescaleDB as WASM did not start (exit code {server.wait()}); its reason is above.")
        yield f"postgresql://postgres@127.0.0.1:{json.loads(first_line)['port']}/postgres"
    finally:
        server.stdin.close()
        try:
            server.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        server.stdout.close()
