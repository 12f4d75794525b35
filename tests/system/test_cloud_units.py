"""The operator's units: systemd accepts them, they expose little, and what they start is a command that exists."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from cloud_schema.__main__ import cli

UNITS = Path(__file__).parents[2] / "deploy" / "cloud"
SERVICES = sorted(UNITS.glob("*.service"))
# systemd's own scale: 0 is safest; below 3 is "OK".
EXPOSURE_MAX = 3.0

needs_analyze = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not on this machine")


@pytest.mark.heavy
@needs_analyze
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path):
    # verify wants to see the program; here it is not installed.
    for unit in UNITS.glob("nexa-cloud-*"):
        text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", unit.read_text(), flags=re.MULTILINE)
        (tmp_path / unit.name).write_text(text)
    units = sorted(tmp_path.iterdir())

    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )

    complaints = [line for line in verified.stderr.splitlines() if "nexa-cloud" in line]
    assert (verified.returncode, complaints) == (0, [])


@pytest.mark.heavy
@needs_analyze
@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.stem)
def test_a_unit_exposes_little(unit):
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_MAX * 10:.0f}", "--no-pager", unit],
        capture_output=True,
        text=True,
        check=False,
    )

    assert rated.returncode == 0, rated.stdout


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.stem)
def test_a_unit_starts_a_command_that_there_is_and_hands_it_its_secrets_as_credentials(unit):
    text = unit.read_text()
    command = re.search(r"^ExecStart=/opt/nexa-cloud/bin/nexa-cloud (\S+) (.*)$", text, flags=re.MULTILINE)
    loaded = re.findall(r"^LoadCredential=([\w-]+):/etc/nexa-cloud/secrets/", text, flags=re.MULTILINE)

    known = {option for parameter in cli.commands[command[1]].params for option in parameter.opts}
    assert set(re.findall(r"--[\w-]+", command[2])) <= known
    assert set(re.findall(r"%d/([\w-]+)", text)) == set(loaded)
    assert "DynamicUser=yes\n" in text
