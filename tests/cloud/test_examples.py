"""What contract/examples shows is what really happens."""

import json
from pathlib import Path

import pytest

import cloud_schema

EXAMPLES = Path(cloud_schema.__file__).parent / "contract" / "examples"
EXAMPLE_HUB = "5d1e6f5c-54b7-4f5e-8f0a-4c1f2a6b9d10"
EXAMPLE_HOME = "3f8c2f9a-8a67-4a58-9d5c-0c8e7f1b2a33"


def example(name, hub=None):
    text = (EXAMPLES / f"{name}.json").read_text(encoding="utf-8")
    if hub is not None:
        text = text.replace(EXAMPLE_HUB, hub.id).replace(EXAMPLE_HOME, hub.home_id)
    return json.loads(text)


def without_time(answer):
    return {name: value for name, value in answer.items() if name != "server_time"}


@pytest.fixture
def own_database(db):
    """The examples' ids are fixed, so what they leave behind goes with its home."""
    yield
    db.execute(
        "DELETE FROM homes WHERE id IN (SELECT home_id FROM devices WHERE id = 'b2e8d3b5-4d2c-5c8f-9b66-1a7b2a3f4e02')"
    )


def test_the_examples_envelope_gets_the_examples_answer(hub, own_database):
    shown = example("ingest", hub)
    answer = hub.call(shown["function"], shown["request"])
    assert answer.keys() == shown["answer"].keys()
    assert without_time(answer) == without_time(shown["answer"])

    again = hub.call(shown["function"], shown["request"])
    # What it wrote itself is no dispute. It may not have heard the answer, so it hears how the definitions stand.
    definitions = [
        {name: one[name] for name in ("entity_type", "id", "version", "status")} for one in again["definitions"]
    ]
    assert without_time(again) | {"definitions": definitions} == without_time(shown["answer"]) | {"refused": []}


def test_the_examples_question_for_changes_gets_an_answer_of_that_shape(hub, call_as, db, own_database):
    hub.call("hub_ingest_v1", example("ingest", hub)["request"])
    cursor = hub.changes()["cursor"]
    db.execute("UPDATE scenes SET name = 'Late evening', device_states = '[]' WHERE home_id = %s", (hub.home_id,))
    command = example("command", hub)
    given = call_as("service_role", {}, command["function"], command["request"])
    assert given.keys() == command["answer"].keys()

    shown = example("changes", hub)["answer"]
    answer = hub.changes(cursor)
    assert answer.keys() == shown.keys()
    assert answer["home"].keys() == shown["home"].keys()
    assert answer["commands"][0].keys() == shown["commands"][0].keys()
    assert answer["commands"][0]["payload"] == shown["commands"][0]["payload"]
    change, shown_change = answer["changes"][0], shown["changes"][0]
    assert change.keys() == shown_change.keys()
    unlike = {"fields": None, "modified_at": None}
    assert change | unlike == shown_change | unlike
    assert shown_change["fields"].items() <= change["fields"].items()


def test_the_examples_claim_and_token_have_that_shape(new_home, call_as):
    home_id, _ = new_home()
    code = call_as("service_role", {}, "hub_issue_claim_code_v1", {"home_id": home_id})["claim_code"]
    claim, token = example("claim"), example("token")
    claimed = call_as("anon", {}, claim["function"], {**claim["request"], "claim_code": code})
    assert claimed.keys() == claim["answer"].keys()
    assert claimed["home"].keys() == claim["answer"]["home"].keys()
    granted = call_as("anon", {}, token["function"], {"hub_id": claimed["hub_id"], "secret": claimed["secret"]})
    # The gateway adds the signed token.
    assert granted.keys() | {"token", "token_type"} == token["answer"].keys()


def test_the_examples_reconciliation_gets_an_answer_of_that_shape(hub, own_database):
    hub.call("hub_ingest_v1", example("ingest", hub)["request"])
    shown = example("reconcile", hub)
    answer = hub.call(shown["function"], shown["request"])
    assert answer.keys() == shown["answer"].keys()
    assert answer["streams"] == shown["answer"]["streams"]
    assert shown["answer"]["definitions"][0] in answer["definitions"]


def test_every_word_the_functions_refuse_with_stands_in_the_contract():
    wire = (EXAMPLES.parent / "wire.md").read_text(encoding="utf-8")
    package = EXAMPLES.parent.parent
    sources = "".join(
        path.read_text(encoding="utf-8") for path in [*package.rglob("*.sql"), *package.glob("gateway/*.py")]
    )
    words = {
        "agent_too_old", "claim_code_expired", "claim_code_unknown", "claim_code_used", "commands_waiting", "cursor_malformed", "database_away",
        "encoding_unknown", "envelope_too_large", "function_unknown", "home_unknown", "hub_mismatch", "hub_retired", "hub_unknown",
        "payload_too_large", "request_incomplete", "request_malformed", "role_unknown", "secret_wrong", "token_expired",
        "token_invalid", "token_malformed", "token_missing", "too_many_tries",
    }  # fmt: skip
    for word in words:
        assert word in sources
        assert f"`{word}`" in wire


def test_the_examples_decision_gets_the_examples_answer(hub, call_as, db):
    shown = example("decide", hub)
    scene_id = hub.add_scene()
    shown["request"]["id"] = shown["answer"]["id"] = scene_id
    db.execute("""UPDATE scenes SET device_states = '[{"device_id": "theirs"}]' WHERE id = %s""", (scene_id,))
    hub.define("scene", scene_id, 1, name="Reading", device_states=[{"device_id": "ours"}])
    assert call_as("service_role", {}, shown["function"], shown["request"]) == shown["answer"]
