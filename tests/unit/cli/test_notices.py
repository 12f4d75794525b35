"""Notices on the command line: read, and taken away."""

from typing import Any

import pytest

from tests.fakes.door import AT, FakeDoor
from tests.unit.cli.test_times import AT_HOME


@pytest.fixture(autouse=True)
def two_notices(door: FakeDoor) -> None:
    washing = {"id": "n1", "title": "Washing", "message": "It is done.", "created_at": AT, "source": "automation"}
    door.notices_now = [washing, {**washing, "id": "n2", "title": "", "message": "Filter"}]


def test_notices_are_told_with_the_id_that_dismisses_them(nexa: Any, door: FakeDoor) -> None:
    said = nexa("notices")

    assert said.code == 0
    assert said.out.splitlines() == [f"{AT_HOME}  Washing: It is done.  [n1]", f"{AT_HOME}  Filter  [n2]"]
    assert nexa("notices", "--json").json() == door.notices_now


def test_one_is_dismissed_or_all(nexa: Any, door: FakeDoor) -> None:
    assert nexa("notices", "dismiss", "n1").code == 0
    assert [each["id"] for each in door.notices_now] == ["n2"]
    assert nexa("notices", "dismiss", "--all").code == 0
    assert [action for action, _, _ in door.asked] == [
        "persistent_notification.dismiss",
        "persistent_notification.dismiss_all",
    ]
    door.notices_now = []
    assert nexa("notices").out == "No notices.\n"


def test_a_notice_that_is_not_there_is_told(nexa: Any) -> None:
    said = nexa("notices", "dismiss", "gone")
    assert (said.code, said.out) == (1, "")
    assert "There is no notice 'gone'" in said.err


@pytest.mark.parametrize("words", [[], ["n1", "--all"]])
def test_dismissing_needs_to_know_what(nexa: Any, words: list[str]) -> None:
    assert nexa("notices", "dismiss", *words).code == 2
