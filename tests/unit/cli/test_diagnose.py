"""`nexa-hub diagnose`: each step as it comes, the root, what to do."""

import pytest

pytestmark = pytest.mark.usefixtures("door")


def test_each_step_is_told_and_at_last_the_root_and_what_to_do(nexa) -> None:
    said = nexa("diagnose", "Lamp")
    assert said.code == 1
    assert said.out.splitlines() == [
        "ok      Hub: Nothing is wrong with the hub itself.",
        "FAILED  Parents: Its bridge Bridge is away.",
        "FAILED  Link: It is unavailable.",
        "",
        "Its bridge Bridge is away. (health 60 of 100)",
        "- Look at Bridge first.",
    ]


def test_a_well_home_is_told_with_exit_code_0(nexa) -> None:
    for given in (("diagnose",), ("diagnose", "--home")):
        said = nexa(*given)
        assert (said.code, said.out.splitlines()[-1]) == (0, "Nothing is wrong in the home. (health 100 of 100)")


def test_as_json_the_whole_is_printed(nexa) -> None:
    said = nexa("diagnose", "Lamp", "--json")
    assert (said.json()["overall_status"], len(said.json()["steps"])) == ("failed", 3)


def test_of_what_is_not_there_it_says_so(nexa) -> None:
    said = nexa("diagnose", "Nobody")
    assert (said.code, "There is no device 'Nobody'." in said.err) == (1, True)


def test_a_device_and_the_home_at_once_is_wrong_usage(nexa) -> None:
    assert nexa("diagnose", "Lamp", "--home").code == 2
