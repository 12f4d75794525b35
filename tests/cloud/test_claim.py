"""Becoming a hub, and proving it later."""

import threading
import uuid

import jwt
import psycopg
import pytest

from tests.cloud.conftest import call


@pytest.fixture
def home_id(new_home):
    return new_home()[0]


@pytest.fixture
def code(call_as, home_id):
    return call_as("service_role", {}, "hub_issue_claim_code_v1", {"home_id": home_id})["claim_code"]


def refusal(error) -> tuple[str, str]:
    return error.value.sqlstate, error.value.diag.message_detail


def claim(call_as, code, mirror_id=None):
    return call_as(
        "anon",
        {},
        "hub_claim_v1",
        {"claim_code": code, "hub_name": "hall", "mirror_id": mirror_id or str(uuid.uuid4())},
    )


def test_a_code_makes_a_hub_of_its_home(call_as, code, home_id, db):
    claimed = claim(call_as, code)

    assert claimed["home_id"] == home_id
    assert claimed["home"]["name"] == "Test home"
    assert (claimed["home"]["latitude"], claimed["home"]["longitude"]) == (59.3, 18.1)
    granted = call_as("anon", {}, "hub_token_v1", {"hub_id": claimed["hub_id"], "secret": claimed["secret"]})
    assert (granted["role"], granted["home_id"]) == ("hub", home_id)
    stored = db.execute(
        "SELECT encode(secret_sha256, 'hex') FROM hub_hubs WHERE id = %s", (claimed["hub_id"],)
    ).fetchone()[0]
    assert claimed["secret"] not in stored


def test_a_code_may_be_typed_in_small_letters_and_without_dashes(call_as, code, home_id):
    assert claim(call_as, code.lower().replace("-", " "))["home_id"] == home_id


def test_a_wrong_code_is_unknown(call_as, code):
    with pytest.raises(psycopg.Error) as error:
        claim(call_as, "0000-0000-0000")
    assert refusal(error) == ("PT404", "claim_code_unknown")


def test_a_code_is_good_for_one_hub(call_as, code):
    claim(call_as, code)
    with pytest.raises(psycopg.Error) as error:
        claim(call_as, code)
    assert refusal(error) == ("PT409", "claim_code_used")


def test_a_hub_whose_answer_was_lost_may_claim_again_and_gets_a_new_secret(call_as, code):
    mirror_id = str(uuid.uuid4())
    first, second = claim(call_as, code, mirror_id), claim(call_as, code, mirror_id)

    assert first["hub_id"] == second["hub_id"]
    with pytest.raises(psycopg.Error) as error:
        call_as("anon", {}, "hub_token_v1", {"hub_id": first["hub_id"], "secret": first["secret"]})
    assert refusal(error) == ("PT401", "secret_wrong")


def test_a_code_expires(call_as, code, home_id, db):
    db.execute("UPDATE hub_claims SET expires_at = now() WHERE home_id = %s", (home_id,))
    with pytest.raises(psycopg.Error) as error:
        claim(call_as, code)
    assert refusal(error) == ("PT410", "claim_code_expired")


@pytest.mark.parametrize("jwt_secret", ["a secret that PostgREST knows, 32 bytes", "x" * 100, "åäö" * 20])
def test_a_database_that_knows_the_secret_signs_the_token_itself(hub, call_as, db, jwt_secret):
    db.execute("SELECT set_config('app.settings.jwt_secret', %s, false)", (jwt_secret,))
    granted = call_as("anon", {}, "hub_token_v1", {"hub_id": hub.id, "secret": hub.secret})
    claims = jwt.decode(granted["token"], jwt_secret, algorithms=["HS256"])
    assert (claims["role"], claims["hub_id"], claims["home_id"]) == ("hub", hub.id, hub.home_id)
    assert claims["exp"] - claims["iat"] == granted["expires_in_s"]


def test_a_new_hub_of_a_home_retires_the_old_one(hub, call_as):
    code = call_as("service_role", {}, "hub_issue_claim_code_v1", {"home_id": hub.home_id})["claim_code"]
    claim(call_as, code)

    with pytest.raises(psycopg.Error) as error:
        hub.ingest()
    assert refusal(error) == ("PT403", "hub_retired")
    with pytest.raises(psycopg.Error) as error:
        call_as("anon", {}, "hub_token_v1", {"hub_id": hub.id, "secret": hub.secret})
    assert refusal(error) == ("PT403", "hub_retired")


def test_an_owner_may_make_a_code_and_a_stranger_may_not(call_as, new_home):
    (home_id, owner_id), (_, stranger_id) = new_home(), new_home()

    assert call_as("authenticated", {"sub": owner_id}, "hub_issue_claim_code_v1", {"home_id": home_id})["claim_code"]
    with pytest.raises(psycopg.Error) as error:
        call_as("authenticated", {"sub": stranger_id}, "hub_issue_claim_code_v1", {"home_id": home_id})
    assert refusal(error) == ("PT404", "home_unknown")


def test_claims_that_name_another_home_than_the_hubs_are_refused(hub, new_hub, call_as):
    with pytest.raises(psycopg.Error) as error:
        call_as("hub", {"hub_id": hub.id, "home_id": new_hub().home_id}, "hub_changes_v1", {})
    assert refusal(error) == ("PT401", "hub_unknown")


def test_an_envelope_of_another_hub_is_refused(hub, new_hub):
    with pytest.raises(psycopg.Error) as error:
        hub.call("hub_ingest_v1", {**hub.envelope(), "hub_id": new_hub().id})
    assert refusal(error) == ("PT403", "hub_mismatch")


def test_a_claim_leaves_an_entry_in_the_audit_with_whoever_asked_for_the_code(call_as, new_home, db):
    home_id, owner_id = new_home()

    def code():
        return call_as("authenticated", {"sub": owner_id}, "hub_issue_claim_code_v1", {"home_id": home_id})[
            "claim_code"
        ]

    first = claim(call_as, code(), "one")["hub_id"]
    second = claim(call_as, code(), "two")["hub_id"]
    claim(call_as, code(), "two")
    entries = db.execute(
        "SELECT action, record_id::text, user_id::text, new_values ->> 'mirror_id', metadata -> 'took_over_from'"
        " FROM audit_logs WHERE table_name = 'hub_hubs' AND metadata ->> 'home_id' = %s ORDER BY time",
        (home_id,),
    ).fetchall()
    assert entries == [
        ("INSERT", first, owner_id, "one", None),
        ("INSERT", second, owner_id, "two", [first]),
        ("UPDATE", second, owner_id, "two", None),
    ]
    assert "secret_sha256" not in str(db.execute("SELECT new_values FROM audit_logs").fetchall())


def test_of_two_that_use_a_code_at_once_one_becomes_the_hub_and_the_other_is_told(dsn, db, code, several_backends):
    request = {"claim_code": code, "hub_name": "hall"}
    told = []

    def second():
        with psycopg.connect(dsn, application_name="second claim", autocommit=True) as connection:
            try:
                call(connection, "anon", {}, "hub_claim_v1", request | {"mirror_id": "two"})
            except psycopg.Error as err:
                told.append((err.sqlstate, err.diag.message_detail))

    thread = threading.Thread(target=second)
    waits = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'second claim' AND wait_event_type = 'Lock'"
    with psycopg.connect(dsn, autocommit=True) as first, first.transaction():
        call(first, "anon", {}, "hub_claim_v1", request | {"mirror_id": "one"})
        thread.start()
        while db.execute(waits).fetchone() != (1,):
            assert thread.is_alive()
    thread.join()
    assert told == [("PT409", "claim_code_used")]
