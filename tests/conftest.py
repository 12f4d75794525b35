"""What all tests share: where the fixtures of real homes lie, and virtual time."""

import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.fakes.broker import EmbeddedBroker

ROOT = Path(__file__).resolve().parent.parent

# Agents that tests start stay off the network of this machine, unless a test says otherwise in its settings' environment.
os.environ |= {"NEXA_DISCOVERY_MDNS": "false", "NEXA_DISCOVERY_SSDP": "false", "NEXA_DISCOVERY_SEARCH": "false"}

# Hundreds of agents and commands are started: where nothing compiled may be kept, each spends a second on compiling itself.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Hundreds of mirrors and servers would wait for the disk otherwise; what they write is for a moment only.
MEMORY = Path("/dev/shm")
MEMORY_BYTES_MIN = 6_000_000_000


def has_room(folder: Path) -> bool:
    """Not where programs must not be run: some tests install some."""
    if not folder.is_dir() or os.statvfs(folder).f_flag & os.ST_NOEXEC:
        return False
    available = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min(shutil.disk_usage(folder).free, available) > MEMORY_BYTES_MIN


if "TMPDIR" not in os.environ and has_room(MEMORY):
    os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


def pytest_collection_finish() -> None:
    """Thousands of tests stay until the end: to look through them for garbage again and again finds none, and takes seconds."""
    gc.collect()
    gc.freeze()


# How long an example takes says how busy the machine is.
settings.register_profile("nexa", deadline=None)
settings.load_profile("nexa")


@pytest.fixture(scope="session")
def real_fixtures() -> Callable[[str], Path]:
    """Payloads of real homes that may not be copied here. A test that needs them says by name what it did not run."""
    folder = Path(os.environ.get("NEXA_FIXTURES", ROOT.parent / "shared" / "fixtures"))

    def find(name: str) -> Path:
        path = folder / name
        if not path.exists():
            pytest.skip(f"not run: {name} is missing in {folder} (set NEXA_FIXTURES)")
        return path

    return find


@pytest.fixture(scope="session")
def broker_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A real MQTT broker on loopback, one for the whole run: tests use topics of their own."""
    broker = EmbeddedBroker(tmp_path_factory.mktemp("broker")).start()
    yield broker.port
    broker.stop()
