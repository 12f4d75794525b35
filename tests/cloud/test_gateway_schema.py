"""A gateway speaks to the schema it knows: to an older one not at all, to a newer one if that says it may."""

import uuid
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from cloud_schema.apply import apply
from cloud_schema.gateway import database as database_of_gateway, schema
from cloud_schema.gateway.schema import judged
from cloud_schema.versions import schema_version
from tests.cloud.servers import Served

FIRST_RELEASE = Path(__file__).parents[1] / "databases" / "cloud_0001.sql"


@pytest.fixture(scope="module")
def database(new_database):
    made = new_database()
    apply(made, lambda _line: None)
    return made


@pytest.fixture
def newer(database):
    """The database is upgraded beneath: a version later than ours, and the oldest gateway that fits it."""
    with psycopg.connect(database, autocommit=True) as db:

        def upgrade(gateway_version_min):
            db.execute(
                "INSERT INTO hub_schema_versions (version, name, applied_at, applied_by_program, gateway_version_min)"
                " VALUES (%s, 'later', now(), '9.0', %s)",
                (schema_version() + 1, gateway_version_min),
            )
            # As when the server was restarted for it.
            db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'nexa-gateway'")

        yield upgrade
        db.execute("DELETE FROM hub_schema_versions WHERE version > %s", (schema_version(),))


@pytest.mark.parametrize(
    "versions,needed,details",
    [
        ([], 2, "schema_too_old"),
        ([(1, None)], 2, "schema_too_old"),
        ([(1, None), (2, None)], 2, None),
        ([(1, None), (2, "99.0")], 2, None),
        ([(2, None), (3, None)], 2, None),
        ([(2, None), (3, "0.9.10")], 2, None),
        ([(2, None), (3, "0.10.1")], 2, "gateway_too_old"),
        ([(2, None), (3, "0.10.1"), (4, None)], 2, "gateway_too_old"),
    ],
)
def test_who_fits_whom(versions, needed, details):
    unfit = judged(versions, needed, "0.10.0")
    assert (unfit and unfit.details) == details


@pytest.mark.parametrize("is_first_release", [False, True])
async def test_before_apply_it_is_live_and_says_what_to_run_and_afterwards_it_serves(
    new_database, monkeypatch, is_first_release
):
    monkeypatch.setattr(schema, "CHECK_UNFIT_EVERY_S", 0.0)
    made = new_database()
    if is_first_release:
        with psycopg.connect(made, autocommit=True) as db:
            db.execute(FIRST_RELEASE.read_text())
    async with Served(made) as http:
        for answer in (await http.get("/ready"), await http.post("/rpc/hub_token_v1", json={})):
            assert (answer.status_code, answer.json()["details"]) == (503, "schema_too_old")
            assert "nexa-cloud apply" in answer.json()["hint"]
            assert int(answer.headers["Retry-After"]) >= 20
        assert (await http.get("/live")).status_code == 200
        apply(made, lambda _line: None)
        assert (await http.get("/ready")).json() == {"status": "ready"}
        assert (await http.post("/rpc/hub_token_v1", json={})).status_code == 401


async def test_a_newer_schema_that_still_fits_is_served(database, newer):
    async with Served(database) as http:
        assert (await http.get("/ready")).status_code == 200
        newer(None)
        assert (await http.get("/ready")).status_code == 200


async def test_a_newer_schema_that_needs_a_newer_gateway_is_refused_when_the_database_comes_back(database, newer):
    async with Served(database) as http:
        assert (await http.get("/ready")).status_code == 200
        newer("99.0")
        answer = await http.get("/ready")
        assert (answer.status_code, answer.json()["details"]) == (503, "gateway_too_old")
        assert "99.0" in answer.json()["message"]


async def test_an_upgrade_beneath_a_running_gateway_is_noticed(database, newer, monkeypatch):
    monkeypatch.setattr(schema, "CHECK_EVERY_S", 0.0)
    async with Served(database) as http:
        assert (await http.get("/ready")).status_code == 200
        newer("99.0")
        assert (await http.post("/rpc/hub_token_v1", json={})).json()["details"] == "gateway_too_old"


async def test_a_login_without_the_rights_is_told_which(database, server_dsn):
    login = f"nexa_test_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(server_dsn, autocommit=True) as db:
        db.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'secret'").format(sql.Identifier(login)))
        try:
            async with Served(make_conninfo(database, user=login, password="secret")) as http:
                answer = await http.get("/ready")
            assert (answer.status_code, answer.json()["details"]) == (503, "rights_missing")
            assert "GRANT anon, authenticated, service_role, hub" in answer.json()["hint"]
        finally:
            db.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(login)))


async def test_without_a_database_it_is_live_and_not_ready(unused_tcp_port, monkeypatch):
    monkeypatch.setattr(database_of_gateway, "CONNECTION_WAIT_S", 0.2)
    async with Served(f"postgresql://x@127.0.0.1:{unused_tcp_port}/x") as http:
        assert (await http.get("/live")).status_code == 200
        answer = await http.get("/ready")
        assert (answer.status_code, answer.json()["details"]) == (503, "database_away")
