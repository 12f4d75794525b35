"""install.sh: what it refuses, where it takes the release from, the broker's logins, and that being killed at any step harms nothing.

What pip does is left out here, to be quick; test_unit.py installs for real.
"""

import hashlib
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from hub_agent.config import load_config

ROOT = Path(__file__).parents[2]
INSTALLER = ROOT / "deploy/install.sh"
STEPS = re.findall(
    r"(?m)^ *at ([a-z]+)$", "".join(path.read_text() for path in (INSTALLER, *(ROOT / "deploy/install").glob("*.sh")))
)

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(os.geteuid() != 0, reason="install.sh needs root"),
]

# A Python whose environments are this one, and whose pip has nothing to do.
PYTHON = """#!/bin/sh
if [ "$1 $2" = "-m venv" ]; then
    mkdir -p "$3/bin" && touch "$3/pyvenv.cfg"
    printf '#!/bin/sh\\n[ "$1 $2" = "-m pip" ] || exec {python} "$@"\\n' >"$3/bin/python" && chmod +x "$3/bin/python"
    exit
fi
exec {python} "$@"
"""


class Machine:
    """A system's folders, below which is installed, and programs that stand before the real ones."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.programs = folder / "bin"
        self.programs.mkdir(parents=True)
        (self.root / "etc/mosquitto/conf.d").mkdir(parents=True)
        self.stands_in("python", PYTHON.format(python=sys.executable))

    def stands_in(self, name: str, script: str) -> None:
        (self.programs / name).write_text(script)
        (self.programs / name).chmod(0o755)

    def says(self, name: str, answer: str) -> None:
        self.stands_in(name, f"#!/bin/sh\necho '{answer}'\n")

    def install(
        self, *options: object, installer: Path = INSTALLER, given: str = "", **environ: str
    ) -> subprocess.CompletedProcess[str]:
        command = [installer, "--root", self.root, "--python", self.programs / "python", *options]
        return subprocess.run(
            [str(each) for each in command],
            env={**os.environ, "PATH": f"{self.programs}:{os.environ['PATH']}", **environ},
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def everything(self) -> set[str]:
        return {str(path.relative_to(self.root)) for path in self.root.rglob("*")}

    def read(self, path: str) -> str:
        return (self.root / path).read_text()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


REFUSALS: dict[str, tuple[Callable[[Machine], None], str]] = {
    "no-linux": (lambda it: it.says("uname", "FreeBSD"), "this is FreeBSD: nexa-hub runs on Linux"),
    "other-machine": (
        lambda it: it.stands_in("uname", '#!/bin/sh\n[ "$1" = -s ] && echo Linux || echo riscv64\n'),
        "there is no nexa-hub for riscv64",
    ),
    "32-bit-kernel": (
        lambda it: it.stands_in("uname", '#!/bin/sh\n[ "$1" = -s ] && echo Linux || echo armv7l\n'),
        "Raspberry Pi OS (64-bit)",
    ),
    "32-bit-programs": (lambda it: it.says("python", "3 11 32"), "this system's programs are 32-bit"),
    "old-python": (lambda it: it.says("python", "3 9 64"), "Python 3.11 or newer is needed"),
    "no-python": (lambda it: it.stands_in("python", "#!/bin/sh\nexit 127\n"), "there is no Python at"),
    "not-root": (lambda it: it.says("id", "1000"), "this needs root: sudo"),
    "full-disk": (
        lambda it: it.says("df", "head\n/dev/mmcblk0 100 90 10 90% /"),
        "has 10 MB free, and 420 MB are needed",
    ),
}


@pytest.mark.parametrize("prepare, words", REFUSALS.values(), ids=REFUSALS)
def test_a_machine_that_cannot_run_it_is_told_why_and_nothing_is_changed(
    machine: Machine, prepare: Callable[[Machine], None], words: str
) -> None:
    prepare(machine)
    before = machine.everything()

    refused = machine.install()

    assert refused.returncode == 1
    assert words in refused.stderr
    assert machine.everything() == before


@pytest.mark.skipif(Path("/run/systemd/system").is_dir(), reason="systemd runs here")
def test_a_system_without_systemd_is_told_what_to_do() -> None:
    refused = subprocess.run([INSTALLER], capture_output=True, text=True, check=False)

    assert refused.returncode == 1
    assert "systemd does not run here" in refused.stderr
    assert "--no-start" in refused.stderr


def test_the_hub_gets_a_login_of_its_own_and_devices_another(machine: Machine) -> None:
    done = machine.install()

    assert done.returncode == 0, done.stderr
    conf, logins = machine.read("etc/mosquitto/conf.d/nexa-hub.conf"), machine.read("etc/mosquitto/nexa-hub.passwd")
    assert "allow_anonymous false" in conf
    assert [line.split(":$7$")[0] for line in logins.splitlines()] == ["nexa-hub", "devices"]
    assert "topic deny nexa/#" in machine.read("etc/mosquitto/nexa-hub.acl").partition("user devices")[2]
    mqtt = load_config(machine.root / "etc/nexa-hub/nexa-hub.toml", {}).mqtt
    assert mqtt.username == "nexa-hub"
    assert mqtt.password_file == Path("/run/credentials/nexa-hub.service/mqtt-password")
    secrets = machine.root / "etc/nexa-hub/secrets"
    assert {path.stat().st_mode & 0o777 for path in secrets.iterdir()} == {0o600}
    # No password stands anywhere in the clear but there.
    assert (secrets / "devices-password").read_text().strip() not in conf + logins


def test_logins_stay_as_they_are_when_it_is_installed_again(machine: Machine) -> None:
    machine.install()
    logins, mine = machine.read("etc/mosquitto/nexa-hub.passwd"), "user anna\ntopic read #\n"
    rights = machine.root / "etc/mosquitto/nexa-hub.acl"
    rights.write_text(rights.read_text() + mine)

    machine.install()

    assert machine.read("etc/mosquitto/nexa-hub.passwd") == logins
    assert rights.read_text().endswith(mine)


def test_a_login_is_made_once_and_shown_again(machine: Machine) -> None:
    machine.install()

    first = machine.install("--device-login", "camera")
    again = machine.install("--device-login", "camera")

    shown = re.search(r"password +(\w{16})$", first.stdout, re.MULTILINE)
    assert shown is not None, first.stderr
    assert f"  password   {shown[1]}" in again.stdout
    assert machine.read("etc/mosquitto/nexa-hub.passwd").count("camera:") == 1
    assert machine.read("etc/mosquitto/nexa-hub.acl").count("user camera\n") == 1
    assert machine.install("--device-login", "nexa-hub").returncode == 1


def test_a_broker_that_the_owner_set_up_is_left_alone(machine: Machine) -> None:
    theirs = machine.root / "etc/mosquitto/conf.d/mine.conf"
    theirs.write_text("listener 1883\nallow_anonymous false\n")

    done = machine.install()

    assert done.returncode == 0, done.stderr
    assert "mine.conf): they stay as they are" in done.stdout
    assert "secrets/mqtt-password" in done.stdout
    assert [path.name for path in theirs.parent.iterdir()] == ["mine.conf"]
    assert load_config(machine.root / "etc/nexa-hub/nexa-hub.toml", {}).mqtt.username is None


def test_a_broker_without_logins_is_not_closed_by_an_upgrade(machine: Machine) -> None:
    machine.install("--broker", "local")
    machine.install()

    assert "listener 1883 127.0.0.1\nallow_anonymous true" in machine.read("etc/mosquitto/conf.d/nexa-hub.conf")

    machine.install("--broker", "lan")

    assert "allow_anonymous false" in machine.read("etc/mosquitto/conf.d/nexa-hub.conf")


def test_a_broker_elsewhere_needs_none_here(machine: Machine) -> None:
    machine.install("--broker", "none")
    settings = machine.root / "etc/nexa-hub/nexa-hub.toml"
    settings.write_text(settings.read_text().replace("\n[mqtt]\n", '\n[mqtt]\nhost = "10.0.0.5"\n'))

    done = machine.install()

    assert "the broker is at 10.0.0.5" in done.stdout
    assert list((machine.root / "etc/mosquitto/conf.d").iterdir()) == []


def test_a_claim_code_can_come_by_the_input_where_no_process_list_shows_it(machine: Machine) -> None:
    done = machine.install("--cloud", "https://cloud.example", "--claim-code", "-", given="ABCD-1234\n")

    assert machine.read("etc/nexa-hub/secrets/claim-code") == "ABCD-1234\n"
    assert "list of processes" not in done.stdout
    assert "list of processes" in machine.install("--claim-code", "EFGH-5678").stdout


def test_settings_that_cannot_be_read_are_named_and_the_version_that_runs_stays(machine: Machine) -> None:
    machine.install()
    before = (machine.root / "opt/nexa-hub/current").readlink().name
    settings = machine.root / "etc/nexa-hub/nexa-hub.toml"
    settings.write_text("[agent]\nno_such_setting = 1\n")

    refused = machine.install("--light")

    assert refused.returncode == 1
    assert "no_such_setting" in refused.stdout
    assert (machine.root / "opt/nexa-hub/current").readlink().name == before


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_one_version_is_whole_and_the_next_run_ends_it(machine: Machine, step: str) -> None:
    machine.install()
    current = machine.root / "opt/nexa-hub/current"
    before = current.readlink().name

    killed = machine.install("--light", NEXA_KILL_AT=step)

    assert killed.returncode == -9
    assert current.readlink().name == before
    assert (current / "bin/python").exists()
    load_config(machine.root / "etc/nexa-hub/nexa-hub.toml", {})

    again = machine.install("--light")

    assert again.returncode == 0, again.stderr
    assert current.readlink().name != before
    assert list((machine.root / "opt/nexa-hub").glob("*.part")) == []


def test_the_version_before_can_be_gone_back_to(machine: Machine) -> None:
    machine.install()
    before = (machine.root / "opt/nexa-hub/current").readlink().name
    machine.install("--light")

    done = machine.install("--back")

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"back at version {before}" in done.stdout
    assert (machine.root / "opt/nexa-hub/current").readlink().name == before


def _release(folder: Path) -> tuple[Path, str]:
    made = subprocess.run(
        [ROOT / "deploy/release", "--output", folder], capture_output=True, text=True, check=True, timeout=120
    )
    packed = Path(made.stdout.strip())
    return packed, (folder / "SHA256SUMS").read_text().split()[0]


def test_a_release_is_the_same_whoever_makes_it_and_whenever(tmp_path: Path) -> None:
    old_umask = os.umask(0o077)
    try:
        first, told = _release(tmp_path / "first")
    finally:
        os.umask(old_umask)
    second, _ = _release(tmp_path / "second")

    assert first.read_bytes() == second.read_bytes()
    assert hashlib.sha256(first.read_bytes()).hexdigest() == told
    with tarfile.open(first) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
    assert {"LICENSE", "deploy/install.sh", "deploy/requirements-dialects.txt", "hub_agent/agent.py"} <= names
    assert not any(name.startswith("tests") for name in names)


def test_a_release_is_installed_from_a_file_or_an_address_that_is_what_it_should_be(
    machine: Machine, tmp_path: Path
) -> None:
    packed, digest = _release(tmp_path)
    before = machine.everything()

    refused = machine.install("--from", packed, "--sha256", "0" * 64)
    missing = machine.install("--from", packed)

    assert (refused.returncode, missing.returncode) == (1, 1)
    assert f"its SHA-256 is {digest}, not {'0' * 64}" in refused.stderr
    assert "--from needs --sha256" in missing.stderr
    assert machine.everything() == before

    done = machine.install("--from", packed, "--sha256", digest.upper())

    assert done.returncode == 0, done.stderr
    assert (machine.root / "opt/nexa-hub/current/share/schema").exists()


def test_an_address_that_does_not_answer_changes_nothing(machine: Machine) -> None:
    before = machine.everything()

    refused = machine.install("--from", "http://127.0.0.1:9/nexa-hub.tar.gz", "--sha256", "0" * 64)

    assert refused.returncode == 1
    assert "could not be fetched; nothing was changed" in refused.stderr
    assert machine.everything() == before


def test_the_log_is_bounded_unless_the_owner_has_bounded_it(machine: Machine) -> None:
    machine.install()
    ours = machine.root / "etc/systemd/journald.conf.d/50-nexa-hub.conf"
    assert "SystemMaxUse=" in ours.read_text()

    ours.unlink()
    (machine.root / "etc/systemd/journald.conf").write_text("[Journal]\nSystemMaxUse=1G\n")
    machine.install()

    assert not ours.exists()


def test_nothing_of_ours_stays_where_all_is_to_go(machine: Machine) -> None:
    before = machine.everything()
    machine.install()
    kept = machine.install("--uninstall")
    assert "settings stay" in kept.stdout
    assert (machine.root / "etc/nexa-hub/nexa-hub.toml").exists()

    machine.install("--uninstall", "--purge")

    left = {name for name in machine.everything() - before if "nexa" in name}
    assert left == set()
