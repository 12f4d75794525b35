"""Commands of the cloud: each kind is carried out or refused in words, and done once."""

from datetime import UTC, datetime
from typing import Any

import pytest

from hub_agent.core.cloud_commands import CloudCommands
from hub_agent.model.effects import Answer, CallOutside, CloudCommandDone, Save
from hub_agent.model.ids import EntityId
from hub_agent.model.inputs import CloudCommand, DefinitionArrived

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
RULE = "0b8f6d2a-1f4d-4f67-9f7e-2a2c5f1a0001"


def commands() -> CloudCommands:
    def entity_of(automation_id: str) -> EntityId | None:
        return EntityId("automation.hall") if automation_id == RULE else None

    def answer_alert(alert_id: str, verb: str, _by: str | None, now: datetime) -> Any:
        return [Save("notices", alert_id, {"verb": verb})] if alert_id == "a" else None

    def answer_remedy(execution_id: str, by: str | None, _now: datetime, *, is_approved: bool) -> Any:
        return [Save("healing", execution_id, {"by": by, "yes": is_approved})] if execution_id == "asked" else None

    return CloudCommands(entity_of, answer_alert, answer_remedy)


def take(kind: str, payload: Any = None, **more: Any) -> list[Any]:
    return commands().take(CloudCommand("c", kind, payload or {}, **more), NOON)


@pytest.mark.parametrize(
    "kind, payload, words",
    [
        ("upgrade", {}, "upgraded at home"),
        ("diagnose", {"device_id": 3}, "payload is incomplete"),
        ("case.approve", {"id": "a"}, "answered already"),
        ("case.refuse", {"id": "a"}, "answered already"),
        ("case.resolve", {"id": "other"}, "no open alert other"),
        ("automation.pause", {"automation_id": "none"}, "no automation none"),
        ("automation.pause", {"automation_id": RULE, "until": "tomorrow"}, "not a date and time"),
        ("automation.pause", {"automation_id": RULE, "until": "2026-03-01T12:00:00"}, "with its offset"),
        ("dance", {}, "does not know dance"),
        ("scene.activate", {}, "payload is incomplete"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(kind: str, payload: Any, words: str) -> None:
    [done] = take(kind, payload)
    assert isinstance(done, CloudCommandDone)
    assert (done.status, words in str(done.result["error"])) == ("failed", True)


@pytest.mark.parametrize(
    "kind, is_approved, words", [("case.approve", True, "being tried"), ("case.refuse", False, "not tried")]
)
def test_a_person_far_away_answers_a_remedy_that_waits(kind: str, is_approved: bool, words: str) -> None:
    saved, done = take(kind, {"id": "asked", "by": "somebody"})
    assert saved.body == {"by": "somebody", "yes": is_approved}
    assert (done.status, words in done.result["result"]["text"]) == ("done", True)


def test_what_came_too_late_is_told_as_expired() -> None:
    [done] = take("scene.activate", {"scene_id": "s"}, is_expired=True)
    assert (done.status, done.result) == ("expired", {"error": "it had expired when the hub heard of it"})


@pytest.mark.parametrize(
    "payload, fields",
    [
        ({"until": "2026-03-02T07:00:00+00:00"}, {"is_paused": True, "pause_until": "2026-03-02T07:00:00+00:00"}),
        ({}, {"is_paused": True, "pause_until": None}),
        ({"paused": False}, {"is_paused": False, "pause_until": None}),
    ],
)
def test_an_automation_is_paused_by_an_edit(payload: Any, fields: Any) -> None:
    edited, done = take("automation.pause", {"automation_id": RULE, **payload})
    assert isinstance(edited, DefinitionArrived)
    assert (edited.definition.fields, edited.is_from_cloud, done.status) == (fields, False, "done")


@pytest.mark.parametrize("verb", ["acknowledge", "resolve"])
def test_an_alert_of_the_hub_is_answered(verb: str) -> None:
    saved, done = take(f"case.{verb}", {"id": "a"})
    assert (saved.body, done.status) == ({"verb": verb}, "done")


@pytest.mark.parametrize("kind", ["backup", "resync"])
def test_what_the_shell_does_is_kept_asked_for_and_told_once(kind: str) -> None:
    known = commands()
    kept, call = known.take(CloudCommand("c", kind, {}), NOON)
    assert (isinstance(kept, Save), isinstance(call, CallOutside), call.call.action) == (True, True, f"hub.{kind}")
    assert known.take(CloudCommand("c", kind, {}), NOON) == []
    _, done = known.end(Answer("c", {"commands": [], "response": {"text": "done"}}))
    assert done.status == "done"
