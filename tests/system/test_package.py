"""The Debian package: built by its command, it holds the installer and every locked package. deploy/boot-test installs it into a booted system."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="dpkg-deb is not on this machine"),
]


def said(*command: object) -> str:
    ended = subprocess.run([*map(str, command)], cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_package_for_a_pi_holds_all_that_the_installer_needs(tmp_path: Path) -> None:
    package = said("deploy/package", "--light", "--python", "3.11", "--output", tmp_path, "arm64").strip()

    there = {
        line.split()[-1].removeprefix("./usr/share/nexa-hub/") for line in said("dpkg-deb", "-c", package).splitlines()
    }
    assert {
        "deploy/install.sh",
        "deploy/nexa-hub.service",
        "deploy/nexa-hub.toml",
        "hub_agent/agent.py",
        "LICENSE",
    } <= there
    wheels = {
        re.sub(r"[-_.]+", "-", name[7:].split("-")[0]).lower()
        for name in there
        if name.startswith("wheels/") and name != "wheels/"
    }
    # Markers of other systems and newer Pythons are not for it.
    locked = {
        line.split("==")[0]
        for line in (ROOT / "deploy/requirements.txt").read_text().splitlines()
        if re.match(r"[\w.-]+==[^;]*$", line)
    }
    assert locked
    assert locked <= wheels
    assert not any("x86_64" in name for name in there)
    assert said("dpkg-deb", "-f", package, "Architecture").strip() == "arm64"
    assert (
        said("dpkg-deb", "-f", package, "Version").strip()
        == re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[1]
    )
    said("dpkg-deb", "-e", package, tmp_path / "control")
    for script in ("postinst", "prerm", "postrm"):
        said("sh", "-n", tmp_path / "control" / script)


def test_it_refuses_a_machine_that_it_is_not_for() -> None:
    ended = subprocess.run([ROOT / "deploy/package", "armhf"], capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    assert "amd64|arm64" in ended.stderr
