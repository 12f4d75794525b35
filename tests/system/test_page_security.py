"""The home's security on the page in a real browser: what is open and what to do, and a look that somebody asks for."""

from collections.abc import Iterator

import pytest

from tests.fakes.guarding import OPEN
from tests.system.test_page import Browser, driver, hub  # noqa: F401 fixtures

pytestmark = pytest.mark.heavy


@pytest.fixture
def phone(driver, hub) -> Iterator[Browser]:  # noqa: F811
    hub.door.guarding.now = OPEN
    browser = Browser(driver, hub, width=390, height=844)
    browser.pair()
    browser.go("health")
    browser.see_text("#security-grade", "Grade C")
    yield browser
    faults = [each for each in browser.complaints() if "status of 4" not in each]
    browser.quit()
    assert faults == []


def test_what_is_open_is_told_with_what_to_do_and_what_is_small_only_when_asked_for(phone) -> None:
    phone.run("document.querySelector('#security').scrollIntoView()")
    phone.shoot("security-phone")
    shown = phone.text("#security-wrong")
    for words in ("Camera: Telnet is open", "Switch Telnet off", "Somebody tries pairing codes", "192.168.1.66"):
        assert words in shown
    assert "served without TLS" not in phone.text("#security")
    assert phone.run("return document.documentElement.scrollWidth <= innerWidth")
    phone.click("#security-more summary")
    phone.see_text("#security-minor li", "served without TLS")
    phone.see_text("#security-rules li:nth-child(2)", "not enforced, it is about another device")
    phone.run("document.querySelector('#security').scrollIntoView()")
    phone.shoot("security-phone-open")
    assert phone.run("return document.documentElement.scrollWidth <= innerWidth")


def test_somebody_has_the_home_looked_at(phone, hub) -> None:  # noqa: F811
    phone.click("#security-more summary")
    phone.click("#security-scan")
    phone.see("!document.querySelector('#security-scan').disabled")
    assert "scan" in {what for what, _, _ in hub.door.asked}
