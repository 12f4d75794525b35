"""What was met on the network, as the command line shows it and takes it up."""

import io

import pytest

from hub_agent.core.discovered import suggested_room
from hub_agent.model.device import Room
from hub_agent.model.ids import RoomId


class Typed(io.StringIO):
    def isatty(self) -> bool:
        return False


def test_what_waits_for_somebody_comes_first_with_what_it_needs(nexa, door) -> None:
    said = nexa("devices", "found")
    assert said.code == 0
    first = said.out.splitlines()[1]
    assert "Hallway Thermostat" in first
    assert "ecobee ecobee3" in first
    assert "needs you: Enter the code that is printed on it." in first
    assert "LaserJet" not in said.out
    assert "1 more that nothing here talks to" in said.out


def test_all_shows_also_what_nothing_here_talks_to(nexa, door) -> None:
    said = nexa("devices", "found", "--all")
    assert "LaserJet" in said.out
    assert nexa("devices", "found", "--json").json() == door.discovered_now


def test_a_code_is_read_from_standard_input_and_asked_again_when_it_was_wrong(nexa, door, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", Typed("000-00-000\n031-45-154\n"))
    said = nexa("devices", "add", "Hallway Thermostat")
    assert said.code == 0
    assert "Hallway Thermostat: connected" in said.out
    assert said.err.count("Enter the code") == 2
    assert [asked[1]["given"] for asked in door.asked] == [[], ["code"], ["code"]]


def test_without_what_it_needs_it_is_not_added(nexa, door, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", Typed(""))
    said = nexa("devices", "add", "homekit/aa")
    assert said.code == 2
    assert "Code is needed" in said.err


def test_a_button_that_was_pressed_is_asked_for_again_and_nothing_is_given(nexa, door, monkeypatch) -> None:
    bridge = next(each for each in door.discovered_now if each["id"] == "homekit/aa")
    bridge["needs"] = {"kind": "button", "text": "Press the round button.", "fields": []}
    monkeypatch.setattr("sys.stdin", Typed("\n"))
    said = nexa("devices", "add", "homekit/aa")
    assert said.code == 0
    assert "Press the round button." in said.err
    assert [asked[1]["given"] for asked in door.asked] == [[], []]


def test_three_wrong_codes_are_enough(nexa, door, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", Typed("1\n2\n3\n4\n"))
    said = nexa("devices", "add", "homekit/aa")
    assert said.code == 1
    assert len(door.asked) == 4


def test_what_is_ignored_is_said(nexa, door) -> None:
    assert nexa("devices", "ignore", "Desk strip").out == "Desk strip is ignored from now on.\n"
    assert nexa("devices", "ignore", "Nothing").code == 1


def test_a_device_that_cannot_show_itself_says_so(nexa, door) -> None:
    said = nexa("devices", "identify", "Living Room Lamp")
    assert said.code == 1
    assert "Living Room Lamp cannot show itself" in said.err


@pytest.mark.parametrize(
    "name, room",
    [
        ("Kitchen Lamp", "Kitchen"),
        ("living_room-strip", "Living Room"),
        ("Kitchenette", None),
        ("Kitchen Living Room Lamp", "Living Room"),
        ("", None),
    ],
)
def test_a_room_is_suggested_when_its_name_is_in_the_things_name(name, room) -> None:
    rooms = [Room(RoomId("1"), "Kitchen"), Room(RoomId("2"), "Living Room"), Room(RoomId("3"), "Room")]
    assert suggested_room(name, rooms) == room
