"""Search over devices, brands and models: as one types, in any language, only in homes of one's own, whatever is typed."""

import json
import uuid

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st


@pytest.fixture
def home(db, new_home):
    home_id, owner_id = new_home()

    def add(name, **columns):
        columns = {"home_id": home_id, "device_name": name, "device_type": "light"} | columns
        names, marks = ", ".join(columns), ", ".join(["%s"] * len(columns))
        return db.execute(
            f"INSERT INTO devices ({names}) VALUES ({marks}) RETURNING id", [*columns.values()]
        ).fetchone()[0]

    add.owner_id = owner_id
    add.home_id = home_id
    return add


@pytest.fixture
def catalogue(db):
    """A brand of this test's own with one model."""
    word = f"brand{uuid.uuid4().hex[:8]}"
    brand_id = db.execute(
        "INSERT INTO brands (name, slug) VALUES (%s, %s) RETURNING id", (f"{word} Électrique", word)
    ).fetchone()[0]
    model_id = db.execute(
        "INSERT INTO device_models (brand_id, model_name, model_number, device_type) VALUES (%s, 'White Ambiance', 'LCT-015/E27', 'light') RETURNING id",
        (brand_id,),
    ).fetchone()[0]
    return word, brand_id, model_id


@pytest.fixture
def found(read_as, home):
    return lambda typed, user_id=None: [
        name for (name,) in read_as(user_id or home.owner_id, "SELECT device_name FROM search_devices(%s)", typed)
    ]


@pytest.mark.parametrize(
    "typed",
    [
        "Küche",
        "küche",
        "kuche",
        "KÜCH",
        "k",
        "decke",
        "kuche deck",
        "Decke küchen",
        "fluter",
        "licht/grosse",
        "große",
        "  küche!! ",
    ],
)
def test_a_device_is_found_by_the_beginnings_of_its_words(home, found, typed):
    home("Küchen-Decke", tags=["Fluter", "Große"], notes="licht/grosse Wirkung")
    home("Hall")
    assert found(typed) == ["Küchen-Decke"]


@pytest.mark.parametrize("typed", ["üche", "kitchen", "küche hall", "", "   ", "!!", "' OR 1=1 --"])
def test_what_is_not_meant_is_not_found(home, found, typed):
    home("Küchen-Decke")
    assert found(typed) == []


def test_the_name_counts_more_than_tags_and_they_more_than_notes(home, found):
    home("One", notes="garden")
    home("Two", tags=["garden"])
    home("Garden three")
    assert found("garden") == ["Garden three", "Two", "One"]


def test_a_new_name_is_found_and_the_old_one_is_not(home, found, db):
    device_id = home("Lamp")
    db.execute("UPDATE devices SET device_name = 'Lantern' WHERE id = %s", (device_id,))
    assert (found("lamp"), found("lantern")) == ([], ["Lantern"])
    db.execute("UPDATE devices SET deleted_at = now() WHERE id = %s", (device_id,))
    assert found("lantern") == []


def test_a_device_is_found_by_its_brand_and_model_too(home, found, catalogue):
    word, brand_id, model_id = catalogue
    home("Hall", brand_id=brand_id, device_model_id=model_id)
    home("Cellar")
    for typed in (word, f"{word} hall", "ambiance", f"white {word} ha", "lct 015"):
        assert found(typed) == ["Hall"], typed
    assert found(f"{word} cellar") == []


def test_nobody_finds_another_home_s_devices(home, found, new_home):
    home("Secret safe")
    _, stranger_id = new_home()
    assert found("secret") == ["Secret safe"]
    assert found("secret", stranger_id) == []


def test_the_catalogue_answers_brands_and_models(read_as, home, catalogue):
    word, brand_id, model_id = catalogue
    ask = "SELECT kind, id FROM search_catalogue(%s)"
    assert set(read_as(home.owner_id, ask, word[:9])) >= {("brand", brand_id), ("model", model_id)}
    assert read_as(home.owner_id, ask, f"{word} lct015") == []
    assert read_as(home.owner_id, ask, f"{word} lct 015 e27") == [("model", model_id)]
    assert set(read_as(home.owner_id, ask, f"{word} elec")) == {("brand", brand_id), ("model", model_id)}


def test_a_brand_s_new_name_finds_its_models(db, read_as, home, catalogue):
    word, brand_id, model_id = catalogue
    new = f"renamed{word}"
    db.execute("UPDATE brands SET name = %s WHERE id = %s", (new, brand_id))
    ask = "SELECT kind, id FROM search_catalogue(%s)"
    assert set(read_as(home.owner_id, ask, new)) == {("brand", brand_id), ("model", model_id)}
    db.execute("UPDATE brands SET slug = %s WHERE id = %s", (new, brand_id))
    assert read_as(home.owner_id, ask, word) == []


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=300))
def test_whatever_is_typed_is_answered(db, home, typed):
    with db.transaction():
        db.execute(
            "SELECT set_config('role', 'authenticated', true), set_config('request.jwt.claims', %s, true)",
            (json.dumps({"role": "authenticated", "sub": home.owner_id}),),
        )
        db.execute("SELECT * FROM search_devices(%s)", (typed,)).fetchall()
        db.execute("SELECT * FROM search_catalogue(%s)", (typed,)).fetchall()
