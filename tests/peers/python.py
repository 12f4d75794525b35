"""Python programs that need an interpreter or versions of their own: an environment made once for each lock of requirements."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.peers.npm import NotInstalled

KEPT_IN = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nexa-hub-peers"
INSTALL_S_MAX = 400


def interpreter(version: str) -> str | None:
    """One of exactly this version (`3.12`), if this machine has one that starts."""
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable if own == version else None, f"python{version}", *_of_pyenv(version)):
        if candidate is not None and _is_of(candidate, version):
            return candidate
    return None


def environment(requirements: Path, python: str) -> Path:
    """The folder of an environment with what `requirements` locks; made once, parallel test processes wait. Raises NotInstalled."""
    # The interpreter itself, not a checkout's environment of it: what is made for one checkout serves all.
    python = os.path.realpath(python)
    wanted = hashlib.sha256(requirements.read_bytes() + python.encode()).hexdigest()[:16]
    folder = KEPT_IN / f"{requirements.stem}-{wanted}"
    KEPT_IN.mkdir(parents=True, exist_ok=True)
    with (KEPT_IN / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / ".installed").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _make(folder, requirements, python)
            (folder / ".installed").touch()
    return folder


def _make(folder: Path, requirements: Path, python: str) -> None:
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    for command in ([python, "-m", "venv", folder], [*pip, "-r", requirements]):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S_MAX, check=False)
        except subprocess.TimeoutExpired as err:
            raise NotInstalled(f"{requirements} was not installed within {INSTALL_S_MAX} s.") from err
        if done.returncode != 0:
            raise NotInstalled(f"{requirements} could not be installed:\n{done.stderr.strip()}")


def _of_pyenv(version: str) -> list[str]:
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    return [str(found) for found in sorted(root.glob(f"versions/{version}.*/bin/python{version}"))]


def _is_of(candidate: str, version: str) -> bool:
    ask = [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    try:
        done = subprocess.run(ask, capture_output=True, text=True, timeout=20, check=False)
    except OSError:
        return False
    return done.returncode == 0 and done.stdout.strip() == version
