"""The catalogue may be seeded any number of times and keeps what operators changed; the demonstration home answers every query."""

import json
import re
from uuid import NAMESPACE_URL, uuid5

import psycopg
import pytest

from cloud_schema.seeding import catalogue_files, remove_demo_home, seed_catalogue, seed_demo_home
from tests.cloud.test_command_line import nexa_cloud


def silent(_line):
    pass


@pytest.fixture(scope="module")
def demo(dsn):
    seed_catalogue(dsn, silent)
    made = seed_demo_home(dsn, silent)
    yield made
    remove_demo_home(dsn, silent)


def as_user(db, user_id):
    db.execute(
        "SELECT set_config('role', 'authenticated', true), set_config('request.jwt.claims', %s, true)",
        (json.dumps({"role": "authenticated", "sub": user_id}),),
    )


def test_seeding_again_puts_nothing_in_and_keeps_an_operators_edits(dsn, db):
    seed_catalogue(dsn, silent)
    with db.transaction():
        db.execute("UPDATE brands SET website = 'https://mine.example' WHERE slug = 'ikea'")
        db.execute("DELETE FROM device_models WHERE model_number = 'SHEM-3'")
    again = seed_catalogue(dsn, silent)

    assert again == {name: 1 if name == "models" else 0 for name in again}
    assert db.execute("SELECT website FROM brands WHERE slug = 'ikea'").fetchone() == ("https://mine.example",)
    db.execute("UPDATE brands SET website = 'https://www.ikea.com' WHERE slug = 'ikea'")


@pytest.mark.parametrize(
    "table,name,least",
    [
        ("ecosystems", "slug", 25),
        ("brands", "slug", 60),
        ("self_healing_actions", "name", 15),
    ],
)
def test_a_catalogue_rows_id_follows_from_its_name(dsn, db, table, name, least):
    seed_catalogue(dsn, silent)
    seeded = "".join(path.read_text() for path in catalogue_files())
    statement = psycopg.sql.SQL("SELECT id::text, {} FROM {}").format(
        psycopg.sql.Identifier(name), psycopg.sql.Identifier(table)
    )
    namespace = uuid5(NAMESPACE_URL, f"https://nexa.example/{table}")
    follows = {key: str(uuid5(namespace, key)) for _, key in db.execute(statement).fetchall()}
    in_catalogue = {key for key, row_id in follows.items() if f"('{row_id}'" in seeded}

    assert len(in_catalogue) >= least
    if table == "brands":
        return  # one that a hub told of before it was seeded keeps the id it got then
    rows = {key: row_id for row_id, key in db.execute(statement).fetchall()}
    assert {key for key in in_catalogue if rows[key] != follows[key]} == set()


def test_what_hubs_told_of_first_becomes_the_catalogues_when_it_is_seeded(dsn, db):
    seed_catalogue(dsn, silent)
    told = '{"source": "hubs", "is_confirmed": false, "kept": 1}'
    db.execute(
        "UPDATE brands SET name = 'Ikea of somewhere', is_active = false, metadata = %s WHERE slug = 'ikea'", (told,)
    )
    db.execute(
        "UPDATE device_models SET model_name = 'E1743', is_supported = false, specifications = %s WHERE model_number = 'E1743'",
        (told,),
    )
    again = seed_catalogue(dsn, silent)

    assert not any(again.values())
    brand = db.execute("SELECT name, is_active, metadata FROM brands WHERE slug = 'ikea'").fetchone()
    assert brand == ("IKEA", True, {"kept": 1})
    model = db.execute(
        "SELECT model_name, is_supported, specifications FROM device_models WHERE model_number = 'E1743'"
    ).fetchone()
    assert model == ("TRADFRI On/Off Switch", True, {"kept": 1})


def test_every_dialect_of_the_hub_is_an_ecosystem_under_the_name_its_devices_tell(dsn, db):
    from hub_agent.core.device_fields import ecosystem_of
    from hub_agent.drivers.registry import default_drivers, link_drivers

    seed_catalogue(dsn, silent)
    slugs = {slug for (slug,) in db.execute("SELECT slug FROM ecosystems").fetchall()}
    dialects = {driver.dialect for driver in (*default_drivers(), *link_drivers())} | {"hub", "helper"}
    assert {ecosystem_of(dialect) for dialect in dialects} <= slugs


def test_every_model_belongs_to_a_seeded_brand_and_is_of_a_type_of_ours(dsn, db):
    seed_catalogue(dsn, silent)
    text = next(path for path in catalogue_files() if path.name == "seed_models.sql").read_text()
    models = re.findall(r"^    \('([0-9a-f-]{36})', '(\w+)', '([^']+)'", text, flags=re.MULTILINE)
    names = uuid5(NAMESPACE_URL, "https://nexa.example/device_models")

    assert len(models) >= 90
    assert [number for row_id, brand, number in models if str(uuid5(names, f"{brand}/{number}")) != row_id] == []
    known = set(
        db.execute("SELECT b.slug, m.model_number FROM device_models m JOIN brands b ON b.id = m.brand_id").fetchall()
    )
    assert {(brand, number) for _, brand, number in models} <= known


def test_every_remedy_hubs_know_is_the_one_in_the_catalogue(db, dsn):
    from hub_agent.core.healing.remedies import LADDER, action_id

    seed_catalogue(dsn, silent)
    for remedy in LADDER:
        found = db.execute(
            "SELECT id::text, action_type, risk_level, max_retry_attempts, cooldown_period_minutes FROM self_healing_actions WHERE name = %s",
            (remedy.name,),
        ).fetchone()
        minutes = int(remedy.cooldown.total_seconds() // 60)
        assert found == (
            action_id(remedy),
            remedy.action_type,
            remedy.risk,
            remedy.attempts_max,
            minutes,
        )


QUERIES = {
    "home overview": "SELECT * FROM home_dashboard_summary WHERE home_id = %(home)s",
    "device health": "SELECT * FROM device_health_summary WHERE home_id = %(home)s",
    "energy usage": "SELECT * FROM energy_usage_summary WHERE home_id = %(home)s AND day >= now() - interval '7 days'",
    "recent telemetry": "SELECT * FROM device_telemetry WHERE device_id = %(climate)s AND time >= NOW() - INTERVAL '24 hours'",
    "hourly averages": "SELECT * FROM device_telemetry_hourly WHERE device_id = %(climate)s AND hour >= NOW() - INTERVAL '7 days'",
    "active predictions": "SELECT * FROM failure_predictions WHERE home_id = %(home)s AND prediction_status = 'active' ORDER BY risk_score DESC",
    "recent anomalies": "SELECT * FROM anomaly_detections WHERE device_id = %(fridge)s AND time >= NOW() - INTERVAL '7 days' ORDER BY anomaly_score DESC",
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES.keys())
def test_the_overviews_query_answers_something_about_the_demonstration_home(db, demo, query):
    device = "SELECT md5('demo/device/' || %s)::uuid"
    values = {
        "home": demo.home_id,
        "climate": db.execute(device, ("bedroom_climate",)).fetchone()[0],
        "fridge": db.execute(device, ("fridge",)).fetchone()[0],
    }
    # As the operator: who may see what is test_isolation's subject.
    assert db.execute(query, values).fetchall()


def test_people_of_the_demonstration_home_see_it_and_the_former_one_does_not(db, demo):
    seen = {}
    for person in demo.people:
        with db.transaction():
            as_user(db, person.user_id)
            seen[person.role] = db.execute("SELECT array_agg(home::text) FROM my_homes() home").fetchone()[0]

    assert seen.pop("former member") is None
    assert set(seen) == {
        "owner of the home",
        "admin",
        "guest",
        "installer, may configure",
        "member, may control",
        "member, may view",
    }
    assert all(homes == [demo.home_id] for homes in seen.values())


def test_nobody_of_the_demonstration_home_is_written_to(db, demo):
    waiting = db.execute(
        "SELECT channel FROM ts.user_notifications WHERE home_id = %s AND channel <> 'in_app'", (demo.home_id,)
    ).fetchall()
    assert waiting == []


def test_a_second_demonstration_home_is_not_made(dsn, demo):
    lines = []
    again = seed_demo_home(dsn, lines.append)

    assert (again.home_id, again.is_new) == (demo.home_id, False)
    assert "is there already" in lines[0]


def test_the_command_prints_who_lives_there_and_removes_it(dsn, demo, several_backends):
    printed = nexa_cloud("seed", "--demo-home", NEXA_CLOUD_DSN=dsn)
    contradiction = nexa_cloud("seed", dsn, "--demo-home", "--remove-demo-home")
    as_json = nexa_cloud("seed", dsn, "--json", "--demo-home")

    assert printed.returncode == 0, printed.stderr
    assert f"Demonstration home {demo.home_id}" in printed.stdout
    assert "demo-guest@example.com" in printed.stdout
    assert contradiction.returncode == 2
    assert json.loads(as_json.stdout)["demo_home"]["home_id"] == demo.home_id


def test_the_demonstration_home_goes_without_a_trace_and_the_catalogue_stays(dsn, db, demo):
    assert remove_demo_home(dsn, silent)
    tables = db.execute(
        "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE n.nspname IN ('public', 'ts') AND c.relkind = 'r' AND a.attname = 'home_id'"
    ).fetchall()
    left = {
        table: db.execute(
            psycopg.sql.SQL("SELECT count(*) FROM {} WHERE home_id = %s").format(psycopg.sql.SQL(table)),
            (demo.home_id,),
        ).fetchone()[0]
        for (table,) in tables
    }

    assert {table: count for table, count in left.items() if count} == {}
    assert db.execute("SELECT count(*) FROM auth.users WHERE email LIKE 'demo-%@example.com'").fetchone() == (0,)
    assert db.execute("SELECT count(*) FROM brands WHERE slug = 'ikea'").fetchone() == (1,)
    assert not remove_demo_home(dsn, silent)
