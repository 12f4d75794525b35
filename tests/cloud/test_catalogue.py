"""The catalogue grows by what hubs find: no row twice, nothing of one home for others to see, and no hub can fill it."""

import json
import threading
import uuid

import psycopg
import pytest

LAMP = {"light.lamp": {"domain": "light", "capabilities": {"on": {"type": "bool"}, "brightness": {"type": "int"}}}}


@pytest.fixture
def brand():
    """A maker nobody has heard of."""
    return f"Maker {uuid.uuid4().hex[:6]}"


def definition(brand, model, entities=LAMP, **fields):
    fields = {"device_name": "lamp", "device_type": "light", "brand": brand, "model": model} | fields
    fields["capabilities"] = {"entities": entities}
    return {"entity_type": "device", "id": str(uuid.uuid4()), "base_version": None, "fields": fields}


def find(hub, *definitions):
    answers = hub.ingest(definitions=list(definitions))["definitions"]
    assert [answer["status"] for answer in answers] == ["synced"] * len(definitions), answers
    return [one["id"] for one in definitions]


def make_of(db, device_id):
    """Of the catalogue, what a device was recognised as: brand, slug, model."""
    return db.execute(
        "SELECT b.name, b.slug, m.model_number FROM devices d LEFT JOIN brands b ON b.id = d.brand_id"
        " LEFT JOIN device_models m ON m.id = d.device_model_id WHERE d.id = %s",
        (device_id,),
    ).fetchone()


def model_row(db, brand):
    return db.execute(
        "SELECT m.device_type::text, m.supported_protocols::text[], m.capabilities, m.specifications, m.is_supported, b.is_active, b.metadata"
        " FROM device_models m JOIN brands b ON b.id = m.brand_id WHERE b.name = %s",
        (brand,),
    ).fetchone()


def seen_by(db, user_id, brand):
    """The names of brand and models that a person may see."""
    with db.transaction():
        db.execute(
            "SELECT set_config('role', 'authenticated', true), set_config('request.jwt.claims', %s, true)",
            (json.dumps({"role": "authenticated", "sub": user_id}),),
        )
        return [
            name
            for (name,) in db.execute(
                "SELECT b.name FROM brands b WHERE b.name = %(brand)s UNION ALL"
                " SELECT m.model_number FROM device_models m WHERE m.model_number = %(brand)s || ' L1'",
                {"brand": brand},
            ).fetchall()
        ]


def test_what_a_hub_finds_becomes_a_brand_and_a_model_and_the_device_points_at_them(hub, db, brand):
    [device_id] = find(hub, definition(brand, "L1", primary_protocol="zigbee", supported_protocols=["zigbee", "wifi"]))
    assert make_of(db, device_id) == (brand, brand.lower().replace(" ", "_"), "L1")
    assert model_row(db, brand) == (
        "light",
        ["zigbee", "wifi"],
        {"capabilities": ["brightness", "on"]},
        {"source": "hubs", "is_confirmed": False},
        False,
        False,
        {"source": "hubs", "is_confirmed": False},
    )


def test_a_device_that_is_told_again_makes_nothing_new_and_no_version(hub, db, brand):
    one = definition(brand, "L1")
    count = "SELECT (SELECT count(*) FROM brands), (SELECT count(*) FROM device_models), (SELECT count(*) FROM hub_catalogue_reports)"
    find(hub, one)
    before = db.execute(count).fetchone()
    answer = hub.ingest(definitions=[one | {"base_version": 1}])["definitions"][0]
    assert (db.execute(count).fetchone(), answer["version"]) == (before, 1)


def test_a_hub_of_the_first_release_tells_the_names_among_what_people_own(hub, db, brand):
    one = definition(None, None, custom_fields={"brand": brand, "model": "L1", "dialect": "zigbee2mqtt"})
    assert make_of(db, find(hub, one)[0])[::2] == (brand, "L1")


@pytest.mark.parametrize(
    "told, slug",
    [
        ("Philips Hue", "philips_hue"),
        ("Signify Netherlands B.V.", "philips_hue"),
        ("  ikea ", "ikea"),
        ("IKEA of Sweden", "ikea"),
        ("TP-Link", "tp_link"),
        ("tp link Corporation Limited", "tp_link"),
        ("Sonos, Inc.", "sonos"),
        ("Lutron Electronics Co., Inc.", "lutron"),
        ("Allterco Robotics", "shelly"),
        ("SONOFF", "sonoff"),
    ],
)
def test_a_maker_is_known_by_the_names_its_devices_say(hub, db, told, slug):
    db.execute("INSERT INTO brands (name, slug) VALUES (%s, %s) ON CONFLICT DO NOTHING", (f"Seeded {slug}", slug))
    assert make_of(db, find(hub, definition(told, None))[0])[1] == slug


def test_other_alphabets_have_slugs_of_their_own(hub, db):
    name = f"小米{uuid.uuid4().hex[:4]}"
    other = "欧瑞博" + name[-4:]
    slugs = {make_of(db, device_id)[1] for device_id in find(hub, definition(name, "智能灯"), definition(other, "灯"))}
    assert len(slugs) == 2


def test_a_row_is_hidden_from_other_homes_until_hubs_of_three_owners_told_of_it(new_hub, db, brand):
    hubs = [new_hub() for _ in range(3)]
    stranger = new_hub()
    find(hubs[0], definition(brand, f"{brand} L1"))
    assert seen_by(db, hubs[0].owner_id, brand) == [brand, f"{brand} L1"]
    assert seen_by(db, stranger.owner_id, brand) == []
    for hub in hubs[1:]:
        assert seen_by(db, stranger.owner_id, brand) == []
        find(hub, definition(brand.upper(), f"{brand} l1"))
    assert seen_by(db, stranger.owner_id, brand) == [brand, f"{brand} L1"]


def test_homes_of_one_owner_count_as_one(new_hub, db, brand):
    hubs = [new_hub() for _ in range(3)]
    for hub in hubs:
        db.execute("UPDATE homes SET owner_id = %s WHERE id = %s", (hubs[0].owner_id, hub.home_id))
        find(hub, definition(brand, "L1"))
    assert model_row(db, brand)[4:6] == (False, False)


def test_what_all_see_a_model_can_do_is_what_every_report_of_it_had(new_hub, db, brand):
    own = {"light.lamp": {"capabilities": LAMP["light.lamp"]["capabilities"] | {"annas_secret": {}}}}
    for entities in (own, LAMP, LAMP):
        find(new_hub(), definition(brand, "L1", entities))
    assert model_row(db, brand)[2] == {"capabilities": ["brightness", "on"]}


def test_what_an_operator_made_of_a_row_stays(new_hub, db, brand):
    for _ in range(3):
        find(new_hub(), definition(brand, "L1"))
    db.execute("UPDATE brands SET is_active = false, website = 'https://maker.example' WHERE name = %s", (brand,))
    find(new_hub(), definition(brand, "L1"))
    assert db.execute("SELECT is_active, website FROM brands WHERE name = %s", (brand,)).fetchone() == (
        False,
        "https://maker.example",
    )


@pytest.mark.parametrize(
    "told",
    [
        "http://evil.example",
        "anna@example.com",
        "aa:bb:cc:dd:ee:ff",
        "0x00124b0012345678",
        "192.168.1.7",
        "<script>",
        "x" * 81,
        "---",
        "",
        17,
        ["a"],
    ],
)
def test_what_is_no_name_makes_no_row_and_costs_no_device(hub, db, brand, told):
    count = "SELECT (SELECT count(*) FROM brands), (SELECT count(*) FROM device_models)"
    find(hub, definition(brand, None))
    before = db.execute(count).fetchone()
    find(hub, definition(told, "L1"), definition(brand, told))
    assert db.execute(count).fetchone() == before


def test_one_home_cannot_fill_the_catalogue(hub, db, brand):
    bound = db.execute("SELECT hub_sync.catalogue_reports_max()").fetchone()[0]
    ids = find(hub, *(definition(brand, f"L{n}") for n in range(bound + 50)))
    models = "SELECT count(*) FROM device_models m JOIN brands b ON b.id = m.brand_id WHERE b.name = %s"
    assert db.execute(models, (brand,)).fetchone() == (bound - 1,)
    assert {make_of(db, device_id)[0] for device_id in ids} == {brand}


@pytest.mark.parametrize("table", ["brands", "device_models", "ecosystems", "hub_catalogue_reports"])
def test_a_hub_cannot_write_the_catalogue_itself(db, table):
    statement = psycopg.sql.SQL("INSERT INTO {} DEFAULT VALUES").format(psycopg.sql.Identifier(table))
    with db.transaction(force_rollback=True):
        db.execute("SELECT set_config('role', 'hub', true)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.execute(statement)


def test_many_hubs_that_find_the_same_at_once_make_one_row_and_none_is_lost(new_hub, dsn, db, brand, several_backends):
    hubs = [new_hub() for _ in range(6)]
    together = threading.Barrier(len(hubs))
    answers = []

    def send(hub, is_reversed):
        found = [definition(f"{brand} {n}", "L1") for n in range(4)]
        with psycopg.connect(dsn, autocommit=True) as hub.db:
            together.wait(30)
            answers.extend(hub.ingest(definitions=found[::-1] if is_reversed else found)["definitions"])

    threads = [threading.Thread(target=send, args=(hub, n % 2 == 1)) for n, hub in enumerate(hubs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [answer["status"] for answer in answers] == ["synced"] * 24
    rows = db.execute(
        "SELECT b.is_active, m.is_supported, (SELECT count(*) FROM hub_catalogue_reports r WHERE r.row_id IN (b.id, m.id))"
        " FROM brands b JOIN device_models m ON m.brand_id = b.id WHERE b.name LIKE %s",
        (f"{brand} %",),
    ).fetchall()
    assert len(rows) == 4
    # Once it is for all, nobody counts any more.
    assert all(is_active and is_supported and count >= 6 for is_active, is_supported, count in rows)
