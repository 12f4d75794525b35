"""nexa-cloud, as the operator types it."""

import json
import os
import re
import subprocess
import sys
import time

import httpx
import psycopg
import pytest


def nexa_cloud(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "cloud_schema", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
        check=False,
    )


def test_from_an_empty_database_to_a_claim_code(new_database, db):
    empty = new_database()
    refused = nexa_cloud("claim-code", empty, "--home", "3f8c2f9a-8a67-4a58-9d5c-0c8e7f1b2a33")
    assert (refused.returncode, "Run `nexa-cloud apply` first" in refused.stderr) == (1, True)

    planned = nexa_cloud("apply", empty, "--dry-run")
    assert "This would be done, and nothing has been:" in planned.stdout
    applied = nexa_cloud("apply", empty)
    assert applied.returncode == 0, applied.stderr
    assert re.search(r"\[1/\d+\] 00_platform\.sql", applied.stdout)
    assert re.search("Engine: (PostgreSQL|TimescaleDB)", applied.stdout)
    renewed = nexa_cloud("apply", "--json", NEXA_CLOUD_DSN=empty)
    summary = json.loads(renewed.stdout)
    assert summary["engine"] in {"postgresql", "timescaledb-apache", "timescaledb-community"}
    assert (summary["schema_before"], summary["warnings"]) == (summary["schema"], [])
    assert "11_grants.sql" in renewed.stderr
    assert nexa_cloud("seed", NEXA_CLOUD_DSN=empty).returncode == 0

    with psycopg.connect(empty, autocommit=True) as connection:
        user_id = connection.execute("INSERT INTO auth.users (email) VALUES ('a@example.com') RETURNING id").fetchone()[
            0
        ]
        connection.execute("INSERT INTO users (id, email) VALUES (%s, 'a@example.com')", (user_id,))
        home_id = connection.execute(
            "INSERT INTO homes (owner_id, name) VALUES (%s, 'Home') RETURNING id::text", (user_id,)
        ).fetchone()[0]
    made = nexa_cloud("claim-code", empty, "--home", home_id)
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}\n", made.stdout)
    document = json.loads(nexa_cloud("claim-code", empty, "--home", home_id, "--json").stdout)
    assert (document["home_id"], len(document["claim_code"])) == (home_id, 14)


@pytest.mark.parametrize(
    "arguments,said",
    [
        (["apply", "postgresql://nobody@127.0.0.1:1/none"], "No connection to the database"),
        (["apply", "nonsense"], "no connection string"),
        (["apply"], "No database given"),
        (["apply", "--dsn-file", "/nowhere/dsn"], "/nowhere/dsn cannot be read"),
        (["claim-code", "--home", "3f8c2f9a-8a67-4a58-9d5c-0c8e7f1b2a33"], "No database given"),
        (["gateway"], "NEXA_CLOUD_DSN"),
        (["gateway", "--dsn", "postgresql://x"], "NEXA_CLOUD_JWT_SECRET"),
        (["gateway", "--dsn-file", "/nowhere/dsn"], "/nowhere/dsn cannot be read"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(arguments, said):
    outcome = nexa_cloud(*arguments)
    assert outcome.returncode == 1
    assert said in outcome.stderr
    assert outcome.stderr.startswith("Error: ")
    assert len(outcome.stderr.splitlines()) == 1


def test_an_unknown_home_gets_no_code(dsn):
    outcome = nexa_cloud("claim-code", dsn, "--home", "3f8c2f9a-8a67-4a58-9d5c-0c8e7f1b2aff")
    assert (outcome.returncode, "There is no such home" in outcome.stderr) == (1, True)
    outcome = nexa_cloud("claim-code", dsn, "--home", "my home")
    assert (outcome.returncode, "must be a UUID" in outcome.stderr) == (1, True)


def test_the_gateway_serves_and_stops_at_a_signal(dsn, tmp_path, unused_tcp_port, several_backends):
    (tmp_path / "secret").write_text("0123456789abcdef0123456789abcdef\n")
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "cloud_schema",
            "gateway",
            "--jwt-secret-file",
            str(tmp_path / "secret"),
            "--port",
            str(unused_tcp_port),
        ],
        env={**os.environ, "NEXA_CLOUD_DSN": dsn},
    )
    try:
        deadline = time.monotonic() + 60
        with httpx.Client(
            base_url=f"http://127.0.0.1:{unused_tcp_port}", transport=httpx.HTTPTransport(retries=8)
        ) as client:
            while True:
                try:
                    assert client.get("/live").status_code == 200
                    break
                except httpx.ConnectError:
                    assert time.monotonic() < deadline
        process.terminate()
        assert process.wait(60) in {0, -15}
    finally:
        process.kill()
        process.wait()


def test_a_failure_leaves_no_half_document_on_stdout_and_no_password_anywhere():
    outcome = nexa_cloud("apply", "--json", "postgresql://nobody:sesame@127.0.0.1:1/none")
    assert (outcome.returncode, outcome.stdout) == (1, "")
    assert "sesame" not in outcome.stderr


@pytest.mark.parametrize("command", ["apply", "claim-code", "gateway"])
def test_each_command_explains_itself(command):
    outcome = nexa_cloud(command, "--help")
    assert outcome.returncode == 0
    assert "--dsn-file" in outcome.stdout


def test_a_database_may_be_named_in_a_file(tmp_path):
    (tmp_path / "dsn").write_text("postgresql://nobody@127.0.0.1:1/none\n")
    outcome = nexa_cloud("apply", "--dsn-file", str(tmp_path / "dsn"), "--dry-run")
    assert "No connection to the database" in outcome.stderr
