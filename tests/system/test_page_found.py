"""What was met on the network, on the page in a real browser: a phone in somebody's hand beside a new device."""

from collections.abc import Iterator

import pytest

from tests.system.test_page import Browser, driver, hub  # noqa: F401 fixtures

pytestmark = pytest.mark.heavy

THERMOSTAT = "#found-needing .card:nth-child(1)"
BRIDGE = "#found-needing .card:nth-child(2)"


@pytest.fixture
def phone(driver, hub) -> Iterator[Browser]:  # noqa: F811
    browser = Browser(driver, hub, width=390, height=844)
    browser.pair()
    browser.see("!document.querySelector('#found').hidden")
    yield browser
    faults = [each for each in browser.complaints() if "status of 4" not in each]
    browser.quit()
    assert faults == []


def test_what_needs_somebody_says_what_it_is_and_what_it_needs(phone) -> None:
    phone.run("document.querySelector('#found').scrollIntoView()")
    phone.shoot("found-phone")

    shown = phone.text(THERMOSTAT)
    for words in ("Hallway Thermostat", "ecobee ecobee3", "perhaps in: Hallway", "192.168.1.40", "Enter the code"):
        assert words in shown
    assert "Press the button on the bridge." in phone.text(BRIDGE)
    assert "Desk strip" not in phone.text("#found")
    assert phone.run("return document.documentElement.scrollWidth <= innerWidth")


def test_a_wrong_code_is_told_and_the_right_one_takes_it_up(phone, hub) -> None:  # noqa: F811
    phone.type(f"{THERMOSTAT} input[name=code]", "000-00-000\ue007")
    phone.see_text(f"{THERMOSTAT} [role=status]", "Enter the code that is printed on it.")
    assert phone.run(f"return document.querySelector('{THERMOSTAT} input[name=code]').value") == "000-00-000"

    phone.run(f"document.querySelector('{THERMOSTAT} input[name=code]').value = ''")
    phone.type(f"{THERMOSTAT} input[name=code]", "031-45-154\ue007")
    phone.see("!document.querySelector('#found').innerText.includes('Hallway Thermostat')")
    assert [told for what, told, _ in hub.door.asked if what == "add"] == [
        {"what": "homekit/aa", "given": ["code"]}
    ] * 2


def test_a_bridge_is_taken_up_when_its_button_was_pressed_whatever_else_went_wrong(phone, hub) -> None:  # noqa: F811
    phone.type(f"{THERMOSTAT} input[name=code]", "000-00-000\ue007")
    phone.see_text(f"{THERMOSTAT} .bad", "Enter the code")
    phone.click(f"{BRIDGE} form button:not(.less)")
    phone.see("!document.querySelector('#found-needing').innerText.includes('Hue Bridge')")
    assert hub.door.asked[-1][1]["what"] == "hue/bb"


def test_what_nobody_wants_is_ignored_and_listed_with_what_is_not_supported(phone) -> None:
    phone.click("#found-others summary")
    phone.see_text("#found-others li", "Office Printer")
    assert "LaserJet, nothing here can talk to it" in phone.text("#found-others")

    phone.click(f"{BRIDGE} .less")
    phone.see_text("#found-others li", "Hue Bridge – ignored")
    phone.see_text("#found-others summary", "2 more on the network")


def test_who_cannot_see_it_hears_which_thing_a_field_or_button_is_for(phone) -> None:
    heard = [
        phone.ask("GET", f"/element/{phone.find(selector)}/computedlabel")
        for selector in (
            THERMOSTAT,
            f"{THERMOSTAT} input",
            f"{THERMOSTAT} form button:not(.less)",
            f"{THERMOSTAT} .less",
            f"{BRIDGE} .less",
        )
    ]

    assert heard == ["Hallway Thermostat", "Code", "Add", "Hallway Thermostat: Ignore", "Hue Bridge: Ignore"]
    assert phone.ask("GET", f"/element/{phone.find(THERMOSTAT)}/computedrole") == "group"
