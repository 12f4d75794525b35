"""The service as it is installed: its unit, and what install.sh does and leaves."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hub_agent.adapters.links.registry import LINKINGS
from hub_agent.agent import EXIT_AGAIN
from hub_agent.cli import EXIT_USAGE

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "deploy/nexa-hub.service"
# systemd's own scale: 0 is safest; below 3 is "OK".
EXPOSURE_MAX = 2.0

needs_analyze = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not on this machine")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="install.sh needs root")
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "hub_agent", "cloud_schema", "deploy")


def _run(*command: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    # Compiling what nobody runs here is half of an installation's time.
    environ = {**os.environ, "PIP_NO_COMPILE": "1"}
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environ, capture_output=True, text=True, check=False
    )


@pytest.mark.heavy
@needs_analyze
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    # verify wants to see the program; here it is not installed.
    unit = tmp_path / UNIT.name
    unit.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", UNIT.read_text(), flags=re.MULTILINE))

    verified = _run("systemd-analyze", "verify", "--man=no", unit)

    complaints = [line for line in verified.stderr.splitlines() if UNIT.name in line]
    assert (verified.returncode, complaints) == (0, [])


@pytest.mark.heavy
@needs_analyze
def test_the_unit_exposes_little() -> None:
    rated = _run(
        "systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_MAX * 10:.0f}", "--no-pager", UNIT
    )

    assert rated.returncode == 0, rated.stdout
    assert "Invalid" not in rated.stderr


def test_the_unit_starts_the_installed_program_with_the_installed_settings() -> None:
    unit = UNIT.read_text()

    assert "ExecStart=/opt/nexa-hub/current/bin/nexa-hub run --config /etc/nexa-hub/nexa-hub.toml\n" in unit
    assert "Type=notify\n" in unit
    assert "CapabilityBoundingSet=\n" in unit


def test_the_service_is_started_again_where_the_agent_ends_for_that() -> None:
    unit = UNIT.read_text()

    assert "Restart=on-failure\n" in unit
    assert f"RestartPreventExitStatus={EXIT_USAGE}\n" in unit
    assert EXIT_AGAIN not in {0, EXIT_USAGE}


@pytest.mark.skipif(not shutil.which("node"), reason="node is not on this machine")
@pytest.mark.parametrize(
    "user, verb, unit, action, answer",
    [
        ("nexa-hub", "restart", "mosquitto.service", "manage-units", "yes"),
        ("nexa-hub", "stop", "mosquitto.service", "manage-units", "undefined"),
        ("nexa-hub", "restart", "ssh.service", "manage-units", "undefined"),
        ("nexa-hub", "restart", "mosquitto.service", "manage-unit-files", "undefined"),
        ("anna", "restart", "mosquitto.service", "manage-units", "undefined"),
    ],
)
def test_only_a_restart_of_named_units_by_the_hubs_own_user_is_allowed(
    user: str, verb: str, unit: str, action: str, answer: str
) -> None:
    rule = (ROOT / "deploy/nexa-hub.rules").read_text().replace("@UNITS@", '["mosquitto.service"]')
    asked = f"""
        const polkit = {{Result: {{YES: "yes"}}, addRule: (rule) => (asked = rule)}};
        let asked;
        {rule}
        const details = {{verb: "{verb}", unit: "{unit}"}};
        const action = {{id: "org.freedesktop.systemd1.{action}", lookup: (name) => details[name]}};
        console.log(String(asked(action, {{user: "{user}"}})));
    """
    assert _run("node", "-e", asked).stdout == f"{answer}\n"


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy, whose version can be raised."""
    copy = tmp_path_factory.mktemp("sources")
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / name)
    return copy


@pytest.fixture(scope="module")
def installed(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("root")
    done = _install(sources, root, "--cloud", "https://cloud.example", "--claim-code", "ABCD-1234")
    assert done.returncode == 0, done.stderr
    return root


def _install(sources: Path, root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return _run(sources / "deploy/install.sh", "--root", root, "--python", sys.executable, *options, cwd=sources)


@pytest.mark.heavy
@needs_root
def test_an_installation_has_program_settings_secrets_and_unit_where_the_docs_say(installed: Path) -> None:
    python = installed / "opt/nexa-hub/current/bin/python"
    answered = _run(python, "-c", "import hub_agent.agent, hub_agent.cli; print(hub_agent.__version__)", cwd=installed)
    secret = installed / "etc/nexa-hub/secrets/claim-code"

    assert answered.returncode == 0, answered.stderr
    assert (installed / "opt/nexa-hub/current").readlink().name.startswith(f"{answered.stdout.strip()}-")
    assert (installed / "etc/systemd/system/nexa-hub.service").read_text() == UNIT.read_text()
    assert (installed / "etc/systemd/system/multi-user.target.wants/nexa-hub.service").is_symlink()
    assert (secret.read_text(), secret.stat().st_mode & 0o777) == ("ABCD-1234\n", 0o600)
    assert (secret.parent.stat().st_mode & 0o777) == 0o700
    rules = (installed / "etc/polkit-1/rules.d/50-nexa-hub.rules").read_text()
    assert 'var units = ["mosquitto.service"];' in rules
    assert "@" not in rules
    assert "allow_anonymous false" in (installed / "etc/mosquitto/conf.d/nexa-hub.conf").read_text()


@pytest.mark.heavy
@needs_root
def test_an_installed_hub_has_the_libraries_of_every_dialect(installed: Path) -> None:
    modules = [place.module for place in LINKINGS.values()] + ["hub_agent.adapters.neighbours.ssdp"]
    loading = "import importlib, sys; [importlib.import_module(each) for each in sys.argv[1:]]"

    loaded = _run(installed / "opt/nexa-hub/current/bin/python", "-c", loading, *modules, cwd=installed)

    assert loaded.returncode == 0, loaded.stderr


@pytest.mark.heavy
@needs_root
def test_the_installed_settings_are_read_by_the_agent_and_say_what_was_asked_for(installed: Path) -> None:
    from hub_agent.config import load_config

    config = load_config(installed / "etc/nexa-hub/nexa-hub.toml", {})

    assert config.cloud.url == "https://cloud.example"
    assert config.cloud.claim_code_file == Path("/run/credentials/nexa-hub.service/claim-code")


@pytest.mark.heavy
@needs_root
def test_programs_in_the_environment_name_the_place_they_will_have(installed: Path) -> None:
    programs = [
        path for path in (installed / "opt/nexa-hub/current/bin").iterdir() if path.is_file() and not path.is_symlink()
    ]

    assert [path.name for path in programs if str(installed).encode() in path.read_bytes()] == []
    assert (installed / "opt/nexa-hub/current/bin/nexa-hub").read_text().startswith("#!/opt/nexa-hub/")


@pytest.mark.heavy
@needs_root
def test_installing_again_keeps_settings_and_what_is_installed(installed: Path, sources: Path) -> None:
    settings = installed / "etc/nexa-hub/nexa-hub.toml"
    mine = settings.read_text().replace("[healing]", '[healing]\nunits = ["zigbee2mqtt.service"]') + "\n# mine\n"
    settings.write_text(mine)
    before = (installed / "opt/nexa-hub/current").readlink()
    repeated = _install(sources, installed)
    assert "already there" in repeated.stdout
    assert settings.read_text() == mine
    assert '["zigbee2mqtt.service"]' in (installed / "etc/polkit-1/rules.d/50-nexa-hub.rules").read_text()
    assert (installed / "opt/nexa-hub/current").readlink() == before


@pytest.mark.heavy
@needs_root
def test_uninstalling_keeps_the_homes_data_and_purging_does_not(installed: Path, sources: Path) -> None:
    mirror = installed / "var/lib/nexa-hub/mirror.db"
    mirror.parent.mkdir(parents=True, exist_ok=True)
    mirror.touch()
    _install(sources, installed, "--uninstall")

    assert mirror.exists()
    assert (installed / "etc/nexa-hub/nexa-hub.toml").exists()
    assert not (installed / "opt/nexa-hub").exists()

    _install(sources, installed, "--uninstall", "--purge")

    left = [path for path in installed.rglob("*nexa*") if not path.is_dir()]
    assert left == []
    assert not mirror.exists()


def test_the_installer_says_what_it_does_not_know() -> None:
    refused = _run(ROOT / "deploy/install.sh", "--no-such-option")

    assert refused.returncode == 1
    assert "unknown option: --no-such-option" in refused.stderr
