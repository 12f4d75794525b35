"""What was changed on both sides, on the page in a real browser: read side by side on a phone, and decided."""

from collections.abc import Iterator

import pytest

from tests.system.test_page import Browser, driver, hub  # noqa: F401 fixtures

pytestmark = pytest.mark.heavy


@pytest.fixture
def phone(driver, hub) -> Iterator[Browser]:  # noqa: F811
    browser = Browser(driver, hub, width=390, height=844)
    browser.pair()
    browser.see_text("#issues", "Evening was changed here and in the cloud")
    browser.go("settings")
    browser.see("document.querySelector('#disputes') && !document.querySelector('#disputes').hidden")
    yield browser
    faults = browser.complaints()
    browser.quit()
    assert faults == []


def test_a_conflict_is_shown_side_by_side_and_decided_and_what_gave_way_is_put_back(phone, hub) -> None:  # noqa: F811
    phone.run("document.querySelector('#disputes').scrollIntoView()")
    phone.see("document.querySelector('#lost').open")
    phone.shoot("disputes-phone")
    shown = phone.text("#disputes")
    for words in ("Evening", "by the page", "Hall: on", "by Ada", "Hall: off", "Keep what is here"):
        assert words in shown
    assert phone.run("return document.documentElement.scrollWidth <= innerWidth")

    phone.click("#conflicts .choices button:nth-child(2)")
    phone.see("document.querySelectorAll('#conflicts .card').length === 0")
    phone.click("#lost .lost button")
    phone.see("document.querySelector('#disputes').hidden")
    decided, put_back = (told for what, told, _ in hub.door.asked if what in {"decide", "lost"})
    assert decided == {"name": "s1", "side": "cloud", "fields": {}}
    assert put_back == {"id": "abc", "put_back": True}
