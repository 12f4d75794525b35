"""The operator's compose file: what it starts exists, and the same parts run without containers, with the secrets it makes.

The images themselves are not run here: there is no registry of images.
"""

import json
import re
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import yaml

from cloud_schema.__main__ import cli
from tests.cloud.servers import client_tool, running_postgres
from tests.system.conftest import wait_for

CLOUD = Path(__file__).parents[2] / "deploy" / "cloud"
COMPOSE: dict[str, Any] = yaml.safe_load((CLOUD / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: each for name, each in SERVICES.items() if each["image"] == "nexa-cloud:local"}


def words_of(service: dict[str, Any]) -> list[str]:
    """The nexa-cloud command that it runs."""
    if "command" in service:
        return service["command"]
    return re.search(r"/bin/nexa-cloud ([^;]+);", service["entrypoint"][-1])[1].split()


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    subprocess.run([CLOUD / "make-secrets", tmp_path / "secrets", "127.0.0.1"], check=True, capture_output=True)
    return tmp_path / "secrets"


@pytest.mark.parametrize("name", OURS)
def test_a_service_runs_a_command_that_there_is(name: str) -> None:
    command, *words = words_of(OURS[name])

    known = {option for parameter in cli.commands[command].params for option in parameter.opts}
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known


def test_a_service_is_shown_the_secrets_that_it_reads_and_no_others() -> None:
    for name, service in SERVICES.items():
        read = set(re.findall(r"/run/secrets/([\w-]+)", json.dumps(service)))
        assert read == set(service.get("secrets", ())), name
        assert read <= set(COMPOSE["secrets"])


def test_all_secrets_are_made_once_and_only_their_owner_reaches_them(secrets: Path) -> None:
    files = {each.name: each.read_text() for each in secrets.iterdir()}

    assert {Path(each["file"]).name for each in COMPOSE["secrets"].values()} <= set(files)
    assert secrets.stat().st_mode & 0o777 == 0o700
    assert len({*re.findall(r"[0-9a-f]{64}", "".join(files.values()))}) == 5  # four logins and the key of the tokens
    subprocess.run([CLOUD / "make-secrets", secrets, "127.0.0.1"], check=True, capture_output=True)
    assert {each.name: each.read_text() for each in secrets.iterdir()} == files


def test_nothing_is_open_to_the_world_but_the_proxy() -> None:
    published = {
        name: [port for port in each["ports"] if not port.startswith("127.0.0.1:")]
        for name, each in SERVICES.items()
        if "ports" in each
    }

    assert {name for name, ports in published.items() if ports} == {"proxy"}
    assert SERVICES["database"]["networks"] == ["inside"]
    assert COMPOSE["networks"]["inside"]["internal"] is True


def test_what_prometheus_looks_at_is_told_by_the_gateway() -> None:
    from cloud_schema.gateway.metrics import HELP

    rules = yaml.safe_load((CLOUD / "alerts.yaml").read_text())["groups"][0]["rules"]
    named = {name for rule in rules for name in re.findall(r"nexa_\w+", rule["expr"])}
    scraped = yaml.safe_load((CLOUD / "prometheus.yaml").read_text())["scrape_configs"][0]

    assert named
    assert named <= set(HELP)
    assert scraped["static_configs"][0]["targets"] == ["127.0.0.1:8787"]
    assert scraped["metrics_path"] == "/metrics"


def done(command: list[Any]) -> None:
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stderr or ended.stdout


def nexa_cloud(words: list[str], secrets: Path) -> list[str]:
    here = [word.replace("/run/secrets", str(secrets)) for word in words]
    return [sys.executable, "-m", "cloud_schema", *here]


@pytest.mark.heavy
def test_the_same_parts_run_without_containers(secrets: Path, tmp_path: Path) -> None:
    """In the order of the compose file, each with its own command and its own login."""
    with running_postgres() as uri, psycopg.connect(uri, autocommit=True) as owner:
        owner.execute("CREATE DATABASE nexa")
        where = re.search(r"host=([^&]+)", uri)[1]
        for dsn in secrets.glob("*-dsn"):
            # The wheel's server listens at a socket in a folder.
            text = re.sub(r"@[^/]+/nexa", f"@/nexa?host={where}", dsn.read_text())
            dsn.chmod(0o600)
            dsn.write_text(text)

        done(nexa_cloud(words_of(SERVICES["schema"]), secrets))
        logins = tmp_path / "logins.sql"
        logins.write_text((CLOUD / "logins.sql").read_text().replace("/passwords.sql", str(secrets / "passwords.sql")))
        dsn = (secrets / "owner-dsn").read_text().strip()
        for _ in range(2):  # any number of times
            done([client_tool("psql"), "-v", "ON_ERROR_STOP=1", "-q", "-f", logins, dsn])
        names = ["gateway", "notifier", "writer"]
        passwords = "SELECT count(rolpassword) FROM pg_authid WHERE rolname = ANY (%s)"
        assert owner.execute(passwords, (names,)).fetchone() == (3,)
        done(nexa_cloud(words_of(SERVICES["maintain"]), secrets))
        done([*nexa_cloud(words_of(SERVICES["notify"]), secrets), "--once"])
        assert ready(nexa_cloud(words_of(SERVICES["gateway"]), secrets))


def ready(command: list[str]) -> bool:
    """Whether the gateway answers that calls would be answered."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [re.sub(r"^--port=\d+$", f"--port={port}", word) for word in command]
    with tempfile.TemporaryFile("w+") as said, subprocess.Popen(command, stdout=said, stderr=said) as gateway:
        try:
            wait_for(lambda: gateway.poll() is not None or answers(port), told=lambda: said.seek(0) or said.read())
            return answers(port)
        finally:
            gateway.terminate()


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/ready", timeout=10).status_code == 200
    except httpx.HTTPError:
        return False
