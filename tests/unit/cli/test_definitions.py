"""Definitions on the command line: how they are, how they were, and undoing a change."""

from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("door")


def test_definitions_are_listed_and_shown(nexa: Any) -> None:
    assert "Corner" in nexa("definitions", "list", "device_group").out
    assert nexa("definitions", "list", "device_group", "--json").json()[0]["name"] == "Corner"
    assert "members: []" in nexa("definitions", "show", "device_group", "Corner").out
    assert nexa("definitions", "show", "device_group", "Corner", "--json").json()["fields"]["name"] == "Corner"


def test_the_history_says_where_when_and_what_was_before(nexa: Any) -> None:
    said = nexa("definitions", "history", "device_group", "Corner")
    assert "on the hub" in said.out
    assert "name: Lamps" in said.out
    assert [each["entry"] for each in nexa("definitions", "history", "device_group", "Corner", "--json").json()] == [
        7,
        3,
    ]


def test_a_change_is_undone(nexa: Any) -> None:
    assert nexa("definitions", "undo", "device_group", "Corner", "--to", "7").out == "Lamps: as it was before.\n"


def test_what_cannot_be_is_said(nexa: Any) -> None:
    assert nexa("definitions", "undo", "device_group", "Corner", "--to", "3").code == 1
    assert nexa("definitions", "show", "device_group", "gone").code == 1
    assert nexa("definitions", "list", "dream").code == 1
    assert nexa("definitions", "undo", "device_group", "Corner", "--to", "0").code == 2
