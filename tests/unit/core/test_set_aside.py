"""Definitions that the agent cannot live with: the home goes on with what was before."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from hub_agent.core.scenes import Scenes
from hub_agent.model.definition import Definition, Former
from hub_agent.model.effects import Effect, IssueCleared, IssueRaised
from hub_agent.model.inputs import DefinitionArrived
from tests.unit.core.test_hub import NOON, SCENE_ID, Living

MOVIE = Definition("scene", SCENE_ID, {"name": "Movie", "device_states": []}, 1)
FILM = replace(MOVIE, fields={"name": "Film", "device_states": []}, version=2)


class Failing(Living):
    def __init__(self) -> None:
        super().__init__()
        self.versions = itertools.count(10)

    def arrives(self, definition: Definition) -> list[Effect]:
        return self.tell(DefinitionArrived(replace(definition, version=next(self.versions)), is_from_cloud=True))

    def crash_with(self, *suspects: Former) -> list[Effect]:
        self.hub = self._new()
        effects = self.hub.restore(
            devices=(), states={}, saved=self.saved, commands=(), definitions=list(self.definitions.values()),
            cloud_commands_done=(), last_alive_at=self.now, now=self.now, suspects=suspects,
        )  # fmt: skip
        return self.keep(effects)

    def name(self) -> str | None:
        scene = self.hub.scenes.scene(SCENE_ID)
        return None if scene is None else scene.name


def raised(effects: Sequence[Effect]) -> list[str]:
    return [
        each.issue.text
        for each in effects
        if isinstance(each, IssueRaised) and each.issue.code == "definition_set_aside"
    ]


def test_what_has_changed_since_the_agent_ran_well_is_taken_back_and_named() -> None:
    home = Failing()
    home.arrives(MOVIE)
    home.arrives(FILM)
    [text] = raised(home.crash_with(Former(2, "scene", SCENE_ID, NOON, "cloud", ("name",), MOVIE)))
    assert home.name() == "Movie"
    assert "Movie" in text
    assert "As it was before, it goes on" in text
    # Nothing is lost, and nothing goes to the cloud.
    assert home.hub.definitions.get("scene", SCENE_ID).fields["name"] == "Film"
    assert home.hub.definitions.status("scene", SCENE_ID) == "synced"
    # It stays so at the next start, and says so.
    assert raised(home.crash_with()) == [text]
    assert home.name() == "Movie"


def test_what_is_new_is_left_out() -> None:
    home = Failing()
    home.arrives(FILM)
    [text] = raised(home.crash_with(Former(2, "scene", SCENE_ID, NOON, "cloud", (), None)))
    assert home.name() is None
    assert "left out" in text


def test_a_new_change_gets_another_chance() -> None:
    home = Failing()
    home.arrives(FILM)
    home.crash_with(Former(2, "scene", SCENE_ID, NOON, "cloud", ("name",), MOVIE))
    effects = home.arrives(replace(FILM, fields={"name": "Cinema", "device_states": []}))
    assert home.name() == "Cinema"
    assert [each.code for each in effects if isinstance(each, IssueCleared)].count("definition_set_aside") == 1
    assert raised(home.crash_with()) == []


def test_devices_that_are_found_are_not_suspected() -> None:
    home = Failing()
    device = Definition("device", "d", {"device_name": "Lamp", "manufacturer_device_id": "0x1"})
    assert raised(home.crash_with(Former(2, "device", "d", NOON, "hub", ("device_name",), device))) == []


@pytest.fixture
def broken_film(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of our own, which one scene brings out."""
    load = Scenes.load

    def failing(self: Scenes, definition: Definition, now: Any) -> Any:
        if definition.fields["name"] == "Film":
            raise RecursionError("too deep")
        return load(self, definition, now)

    monkeypatch.setattr(Scenes, "load", failing)


@pytest.mark.usefixtures("broken_film")
def test_one_that_our_own_code_cannot_take_is_set_aside_when_it_arrives() -> None:
    home = Failing()
    home.arrives(MOVIE)
    [text] = raised(home.arrives(FILM))
    assert "too deep" in text
    assert home.name() == "Movie"
    assert raised(home.crash_with()) == [text]
    assert home.name() == "Movie"


@pytest.mark.usefixtures("broken_film")
def test_one_that_fails_at_start_costs_the_home_no_other() -> None:
    home = Failing()
    other = Definition("scene", SCENE_ID[:-1] + "9", {"name": "Evening", "device_states": []}, 1)
    home.definitions = {("scene", each.id): each for each in (FILM, other)}
    [text] = raised(home.crash_with())
    assert home.name() is None
    assert "left out" in text
    assert home.hub.scenes.scene(other.id) is not None
