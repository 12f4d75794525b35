"""What counts as a change of a definition, and how one is undone."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from hub_agent.core.sync.former import changed_columns, is_worth_keeping, origin_of, undoing
from hub_agent.errors import NotPossible
from hub_agent.model.definition import Definition, Former

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SCENE = Definition("scene", "s", {"name": "Movie", "icon": None}, 3, {})


def former(was: Definition | None, kind: str = "scene") -> Former:
    return Former(1, kind, "s", NOON, "hub", (), was)


def test_what_people_set_is_a_change_and_what_the_cloud_fills_in_is_none() -> None:
    edited = replace(SCENE, fields={**SCENE.fields, "name": "Film", "color": "red"})
    assert changed_columns(SCENE, edited) == ("color", "name")
    filled = replace(edited, version=4, fields={**edited.fields, "is_active": True})
    assert not is_worth_keeping(edited, filled)
    assert (origin_of(SCENE, edited), origin_of(edited, filled)) == ("hub", "cloud")


def test_what_the_hub_describes_is_no_change() -> None:
    device = Definition("device", "d", {"device_name": "Lamp", "capabilities": {}})
    assert not is_worth_keeping(
        device, replace(device, fields={"device_name": "Lamp", "capabilities": {"entities": {}}})
    )


def test_making_deleting_and_bringing_back_are_changes() -> None:
    gone = replace(SCENE, fields={}, is_deleted=True)
    assert is_worth_keeping(None, SCENE)
    assert is_worth_keeping(SCENE, gone)
    assert is_worth_keeping(gone, SCENE)
    assert not is_worth_keeping(gone, gone)
    assert not is_worth_keeping(None, gone)


def test_undoing_sets_what_was_and_takes_away_what_came() -> None:
    now = replace(SCENE, fields={"name": "Film", "icon": "x", "color": "red"})
    assert undoing(former(SCENE), now) == Definition("scene", "s", {"name": "Movie", "icon": None, "color": None})


def test_undoing_a_deletion_brings_it_back_and_undoing_its_making_deletes_it() -> None:
    assert undoing(former(SCENE), None).fields == SCENE.fields
    assert undoing(former(None), SCENE).is_deleted


@pytest.mark.parametrize("kind", ["home_member", "brand", "network_access_rule"])
def test_what_only_the_cloud_decides_is_not_undone_here(kind: str) -> None:
    with pytest.raises(NotPossible):
        undoing(former(replace(SCENE, kind=kind), kind), None)


@pytest.mark.parametrize("kind", ["device", "home"])
def test_what_was_found_is_not_unmade(kind: str) -> None:
    with pytest.raises(NotPossible):
        undoing(former(None, kind), None)


def test_columns_that_are_not_ours_are_left_out_of_the_edit() -> None:
    was: dict[str, Any] = {"device_name": "Lamp", "capabilities": {"a": 1}, "installed_at": "x"}
    assert undoing(former(Definition("device", "s", was), "device"), None).fields == {"device_name": "Lamp"}
