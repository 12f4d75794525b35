"""From one version to the next, and back: whatever happens on the way, one of the two runs, with the home's data."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.fakes.service_manager import UPGRADE, boot, fill, make_version, pull_the_plug, put_on_path

pytestmark = pytest.mark.heavy

OLD, NEW = "1.0.0-1", "1.1.0-2"
ONLY_BACK = {"unwell", "put-back", "returned"}
# Where the upgrade lets itself be killed.
STEPS = re.findall(r'_at\("([a-z-]+)"\)', (UPGRADE / "__main__.py").read_text())


class System:
    """A machine with the old version running, and the new one beside it."""

    def __init__(self, root: Path, bin_folder: Path) -> None:
        self.root = root
        self.prefix = root / "opt/nexa-hub"
        self.state = root / "var/lib/nexa-hub"
        self.environ = {
            **os.environ,
            "PATH": f"{bin_folder}:{os.environ['PATH']}",
            "NEXA_FAKE_ROOT": str(root),
        }

    def upgrade(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(UPGRADE), "--root", str(self.root), "--watch-s", "0", *words]
        return subprocess.run(
            command, env={**self.environ, **environ}, capture_output=True, text=True, timeout=60, check=False
        )

    def runs(self) -> str:
        return (self.prefix / "current").readlink().name

    def is_live(self) -> bool:
        return self.upgrade("--help").returncode == 0 and _answers(self.root / "run/nexa-hub/nexa-hub.sock")

    def written(self) -> list[int]:
        """By agents of which schema the mirror that counts was written, in order."""
        with closing(sqlite3.connect(self.state / "mirror.db")) as connection:
            return [schema for (schema,) in connection.execute("SELECT schema FROM written")]

    def outcome(self) -> dict[str, object]:
        told: dict[str, object] = json.loads((self.prefix / "last-upgrade.json").read_text())
        return told

    def unit(self) -> str:
        return (self.root / "etc/systemd/system/nexa-hub.service").read_text()


def _answers(path: Path) -> bool:
    sys.path.insert(0, str(UPGRADE))
    try:
        from watch import Socket
    finally:
        sys.path.remove(str(UPGRADE))
    return any(_waited(each, Socket(path).is_live()) for each in range(200))


def _waited(count: int, is_there: bool) -> bool:
    import time

    if not is_there:
        time.sleep(0.01 * min(count, 20))
    return is_there


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[System]:
    # Paths of sockets are short.
    root = Path(os.path.realpath(f"/tmp/nexa-up-{os.getpid()}"))
    subprocess.run(["rm", "-rf", root], check=True)
    made = System(root, tmp_path / "bin")
    put_on_path(tmp_path / "bin")
    for folder in ("run/nexa-hub", "var/lib/nexa-hub", "etc/systemd/system", "etc/nexa-hub", "opt/nexa-hub"):
        (root / folder).mkdir(parents=True)
    with closing(sqlite3.connect(made.state / "mirror.db")) as connection:
        connection.executescript(
            "PRAGMA journal_mode = WAL; CREATE TABLE migrations (number INTEGER); CREATE TABLE written (schema INTEGER);"
        )
    make_version(root, OLD, 3)
    monkeypatch.setenv("NEXA_FAKE_ROOT", str(root))
    monkeypatch.setenv("PATH", made.environ["PATH"])
    first = made.upgrade("to", OLD)
    assert first.returncode == 0, first.stdout
    _ends(made)
    (root / "run/nexa-hub-upgrade.service.pid").unlink(missing_ok=True)
    yield made
    pull_the_plug(root)
    subprocess.run(["rm", "-rf", root], check=True)


def _ends(system: System) -> None:
    """Until what was planned is done."""
    for count in range(400):
        if not (system.prefix / "upgrade.json").exists():
            return
        _waited(count, is_there=False)
    raise AssertionError((system.root / "run/nexa-hub-upgrade.service.log").read_text())


def test_a_good_version_takes_over_with_its_unit_and_the_homes_data(system: System) -> None:
    make_version(system.root, NEW, 4)

    done = system.upgrade("to", NEW)
    _ends(system)

    assert (done.returncode, system.runs(), system.unit()) == (0, NEW, f"# of {NEW}\n")
    assert system.is_live()
    assert system.written() == [3, 4]
    assert (system.prefix / OLD).is_dir()
    assert system.outcome()["is_well"] is True


def test_a_version_that_ends_at_once_gives_way_to_the_one_before_and_its_mirror(system: System) -> None:
    make_version(system.root, NEW, 4, is_sick=True)

    done = system.upgrade("to", NEW)
    _ends(system)

    assert done.returncode == 1
    assert "its service failed" in done.stdout
    assert (system.runs(), system.unit()) == (OLD, f"# of {OLD}\n")
    assert system.is_live()
    # What the new one wrote is beside it, not lost.
    assert system.written() == [3, 3]
    assert (system.state / "mirror-after-upgrade.db").exists()
    assert "mirror-after-upgrade.db" in str(system.outcome()["reason"])


def test_a_version_that_comes_up_in_safe_mode_gives_way_to_the_one_before(system: System) -> None:
    make_version(system.root, NEW, 3, is_frail=True)

    system.upgrade("to", NEW)
    _ends(system)

    assert (system.runs(), system.is_live()) == (OLD, True)
    assert system.outcome()["reason"] == (
        "it runs in safe mode: it failed 3 times soon after its start, and does without forecasts, the cloud"
    )


def test_how_one_version_failed_is_not_held_against_the_other(system: System) -> None:
    (system.state / "lives").write_text("boot\nlife\nlife\nlife\n")
    (system.state / "failures").write_text("...")
    make_version(system.root, NEW, 3)

    system.upgrade("to", NEW)
    _ends(system)

    assert (system.runs(), system.outcome()["is_well"]) == (NEW, True)
    assert not (system.state / "failures").exists()


def test_where_the_mirror_keeps_its_form_going_back_loses_nothing(system: System) -> None:
    make_version(system.root, NEW, 3, is_sick=True)

    system.upgrade("to", NEW)
    _ends(system)

    assert system.runs() == OLD
    assert system.is_live()
    assert system.written() == [3, 3, 3]


@pytest.mark.parametrize(
    "step, is_sick",
    [
        *((step, False) for step in STEPS if step not in ONLY_BACK),
        *((step, True) for step in STEPS if step in ONLY_BACK | {"switched", "well", "told"}),
    ],
)
def test_a_power_cut_at_any_step_ends_in_one_of_the_two_versions(system: System, step: str, is_sick: bool) -> None:
    make_version(system.root, NEW, 4, is_sick=is_sick)
    system.upgrade("to", NEW, NEXA_KILL_AT=step) if step == "planned" else _killed(system, step)
    pull_the_plug(system.root)
    at_the_cut = system.runs()

    boot(system.root)
    if (at_the_cut, is_sick) != (NEW, True):
        assert system.is_live(), "nothing runs after the power cut"
    _ends(system)

    assert system.runs() == (OLD if is_sick else NEW)
    assert system.is_live()
    assert system.written()[0] == 3
    assert set(system.written()) == ({3} if is_sick else {3, 4})


def _killed(system: System, step: str) -> None:
    """The upgrade dies at `step`."""
    command = [sys.executable, str(UPGRADE), "--root", str(system.root), "--watch-s", "0", "to", NEW]
    started = subprocess.Popen(
        command, env={**system.environ, "NEXA_KILL_AT": step}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    pid = system.root / "run/nexa-hub-upgrade.service.pid"
    for count in range(600):
        if pid.exists() and not Path(f"/proc/{pid.read_text() or 0}/cmdline").exists():
            break
        if pid.exists() and _is_zombie(pid.read_text()):
            break
        _waited(count, is_there=False)
    else:
        raise AssertionError(f"the upgrade did not come by {step}")
    started.kill()
    started.wait()


def _is_zombie(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def test_a_version_that_cannot_take_over_the_data_is_refused_while_the_old_one_runs(system: System) -> None:
    make_version(system.root, NEW, 4, cannot_migrate=True)

    done = system.upgrade("to", NEW)

    assert done.returncode == 1
    assert "Step 4 cannot be done" in done.stdout
    assert (system.runs(), system.written()) == (OLD, [3])
    assert system.is_live()
    assert sorted(path.name for path in system.state.glob("*rehearsal*")) == []


@pytest.fixture
def small_disk(system: System) -> Iterator[Path]:
    """The home's data on a disk of its own, of 20 MB; the other disks of the system are not small."""
    system.upgrade("to", OLD)
    pull_the_plug(system.root)
    mirror = (system.state / "mirror.db").read_bytes()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "none", system.state], check=False).returncode:
        pytest.skip("nothing can be mounted here")
    (system.state / "mirror.db").write_bytes(mirror)
    boot(system.root)
    assert system.is_live()
    yield system.state
    pull_the_plug(system.root)
    subprocess.run(["umount", "--lazy", system.state], check=True)


def test_a_disk_too_full_for_keeping_the_mirror_is_told_before_anything_is_touched(
    system: System, small_disk: Path
) -> None:
    make_version(system.root, NEW, 4)
    fill(small_disk)

    done = system.upgrade("to", NEW)

    assert done.returncode == 1
    assert "the disk is too full" in done.stdout
    assert system.runs() == OLD
    assert system.is_live()


def test_a_disk_that_fills_in_the_midst_brings_the_old_version_back(system: System, small_disk: Path) -> None:
    make_version(system.root, NEW, 4)

    done = system.upgrade("to", NEW, NEXA_FAKE_FILL=str(small_disk))
    _ends(system)
    (small_disk / "filler").unlink(missing_ok=True)
    pull_the_plug(system.root)
    boot(system.root)

    assert done.returncode == 1
    assert "could not be kept" in done.stdout
    assert system.runs() == OLD
    assert system.is_live()
    assert set(system.written()) == {3}


def test_settings_that_the_new_version_cannot_read_are_told_before_anything_is_touched(system: System) -> None:
    make_version(system.root, NEW, 4)
    (system.root / "etc/nexa-hub/nexa-hub.toml").write_text("# nonsense\n")

    done = system.upgrade("to", NEW)

    assert done.returncode == 1
    assert "Unknown setting nonsense." in done.stdout
    assert system.runs() == OLD


def test_the_version_before_comes_back_when_asked_for(system: System) -> None:
    make_version(system.root, NEW, 4)
    system.upgrade("to", NEW)
    _ends(system)

    done = system.upgrade("back")
    _ends(system)

    assert done.returncode == 0, done.stdout
    assert "mirror-after-upgrade.db" in done.stdout
    assert system.runs() == OLD
    assert system.is_live()
    assert set(system.written()) == {3}
    assert "no version before" in system.upgrade("back").stdout


def test_an_older_version_is_refused_where_the_mirror_is_newer(system: System) -> None:
    make_version(system.root, "0.9.0-9", 2)

    done = system.upgrade("to", "0.9.0-9")

    assert done.returncode == 1
    assert "older than what wrote the mirror" in done.stdout
    assert "--back" in done.stdout


def test_only_the_version_before_stays(system: System) -> None:
    for name in (NEW, "1.2.0-3"):
        make_version(system.root, name, 4)
        system.upgrade("to", name)
        _ends(system)

    assert sorted(path.name for path in system.prefix.glob("[0-9]*")) == [NEW, "1.2.0-3"]
