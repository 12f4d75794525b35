"""`nexa-hub activity`: what happened, the latest last."""

import pytest

pytestmark = pytest.mark.usefixtures("door")


def test_it_says_what_happened_and_what_did_not_work(nexa) -> None:
    said = nexa("activity")
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[-1].endswith("  Anna switched Lamp off")
    assert lines[2].endswith("  Somebody at the command line activated the scene “Movie night” (Blind did not follow)")


def test_it_is_narrowed_by_kind_doer_and_device(nexa, door) -> None:
    assert len(nexa("activity", "--kind", "command", "--who", "person").out.splitlines()) == 1
    assert len(nexa("activity", "--device", "d2").out.splitlines()) == 1
    assert nexa("activity", "--device", "nothing").out == "Nothing like that has happened.\n"
    assert nexa("activity", "--limit", "1", "--json").json()[0]["text"] == "Anna switched Lamp off"
