"""What the demo tells of the agent's changes."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

DEPLOY = Path(__file__).parents[3] / "deploy"


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DEPLOY / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def story():
    told = _module("demo_story").Story()
    told.learn([{"id": "d1", "name": "Hall Lamp", "entities": [{"id": "light.hall_lamp"}]}])
    return told


def test_a_scene_is_told_when_it_is_done_with_whoever_did_not_answer(story) -> None:
    done = {
        "name": "Bright",
        "status": "partial",
        "devices_targeted": 4,
        "devices_succeeded": 3,
        "duration_ms": 812,
        "failed_devices": [{"id": "d1", "name": "Hall Lamp"}],
    }

    assert story.line("scene", {"name": "Bright", "status": "running"}) is None
    assert story.line("scene", done) == "scene 'Bright': 3 of 4 devices in 812 ms; no answer from Hall Lamp"


def test_an_issue_is_told_when_it_comes_and_when_it_goes(story) -> None:
    assert (
        story.line("issue", {"code": "silent", "subject": "d1", "text": "Hall Lamp is silent"})
        == "issue: Hall Lamp is silent"
    )
    assert story.line("issue", {"code": "silent", "subject": "d1", "text": None}) == "no longer: Hall Lamp is silent"
    assert story.line("issue", {"code": "silent", "subject": "d1", "text": None}) is None


def test_each_remedy_is_told_in_words(story) -> None:
    body = {
        "code": "unconfirmed",
        "subject": "d1",
        "name": "Hall Lamp",
        "remedy": "ask_state",
        "text": "Hall Lamp did not do it",
    }

    assert story.line("issue", body | {"status": "in_progress"}) == "healing Hall Lamp: asking for its state - trying"
    assert (
        story.line("issue", body | {"status": "failed"})
        == "healing Hall Lamp: asking for its state - that did not help"
    )


def test_runs_whose_conditions_were_not_met_are_not_told(story) -> None:
    assert story.line("run", {"automation": "Evening", "status": "conditions_not_met"}) is None
    assert story.line("run", {"automation": "Evening", "status": "success"}) == "automation 'Evening': success"


def test_a_command_is_told_only_when_it_was_not_done(story) -> None:
    body = {"entity_id": "light.hall_lamp", "action": "light.turn_on", "outcome": "confirmed"}

    assert story.line("command", body) is None
    assert "Hall Lamp did not do it" in story.line("command", body | {"outcome": "unconfirmed"})


def test_the_cloud_is_told_when_it_goes_and_comes_and_when_much_waits(story) -> None:
    assert story.sync({"is_online": True, "waiting": 3}) == "cloud: online, 3 records wait"
    assert story.sync({"is_online": True, "waiting": 4}) is None
    assert story.sync({"is_online": False, "waiting": 4}).startswith("cloud: offline")
    assert story.sync({"is_online": False, "waiting": 12}) is None
    assert story.sync({"is_online": False, "waiting": 60}) == "cloud: 60 records wait"
    assert story.sync({"is_online": True, "waiting": 60}) == "cloud: online, 60 records wait"
    assert story.sync({"is_online": True, "waiting": 0}) == "cloud: everything is stored there"


def test_what_it_does_not_know_is_not_told(story) -> None:
    assert story.line("state", {"entity_id": "light.hall_lamp"}) is None
    assert story.line("resync", {}) is None
