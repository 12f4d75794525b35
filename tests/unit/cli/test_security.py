"""`nexa-hub security`: what is open and what to do, who was refused, which rules are in force."""

from tests.fakes.guarding import OPEN, SAFE
from tests.unit.cli.conftest import ME
from tests.unit.cli.test_times import AT_HOME


def test_a_safe_home_is_told_with_exit_code_0(nexa, door) -> None:
    said = nexa("security")
    assert (said.code, said.out) == (0, f"Grade A+ (risk 0 of 100), looked at {AT_HOME}.\n")


def test_what_is_open_is_told_with_what_to_do(nexa, door) -> None:
    door.guarding.now = OPEN
    said = nexa("security")
    assert said.code == 1
    for words in (
        "HIGH      Camera: Telnet is open",
        "Switch Telnet off on the device.",
        "WARNING   Somebody tries pairing codes",
        "deny   No guests (3 times): in force",
        "deny   Cameras stay inside (0 times): NOT ENFORCED: it is about another device",
    ):
        assert words in said.out
    assert nexa("security", "--json").json() == OPEN


def test_before_the_first_look_and_without_any_it_says_so(nexa, door) -> None:
    door.guarding.now = {**SAFE, "scans": {**SAFE["scans"], "last": None}}
    assert nexa("security").out == "The home was not looked at yet.\n"
    door.guarding.now = {**SAFE, "scans": {**SAFE["scans"], "last": None, "is_on": False}}
    assert "security.scan" in nexa("security").out


def test_a_look_that_failed_is_not_told_as_a_safe_home(nexa, door) -> None:
    last = {**SAFE["scans"]["last"], "status": "failed", "error": "the network is away"}
    door.guarding.now = {**SAFE, "scans": {**SAFE["scans"], "last": last}}
    said = nexa("security")
    assert (said.code, "the network is away" in said.out) == (1, True)


def test_a_look_that_is_asked_for_is_waited_for(nexa, door) -> None:
    said = nexa("security", "scan")
    assert (said.code, door.asked) == (0, [("scan", None, ME)])
    assert "Grade A+" in said.out
    assert "nexa-hub security" in nexa("security", "scan", "--no-wait").out
