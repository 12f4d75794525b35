"""Who may come in, on the page in a real browser: others are let in, a token is made, both are ended, and an end is told where one was."""

from collections.abc import Iterator

import pytest

from hub_agent.web.scopes import Scope
from tests.system.test_page import ENTER, Browser, driver, hub  # noqa: F401 fixtures

pytestmark = pytest.mark.heavy


@pytest.fixture
def phone(driver, hub) -> Iterator[Browser]:  # noqa: F811
    browser = Browser(driver, hub, width=390, height=844)
    browser.pair()
    yield browser
    faults = [each for each in browser.complaints() if "status of 4" not in each]
    browser.quit()
    assert faults == []


def opened(phone: Browser, form: int) -> str:
    phone.go("settings")
    phone.see_text("#access", "This browser is “browser” and may do everything.")
    phone.click(f"#access details:nth-of-type({form}) summary")
    return f"#access details:nth-of-type({form})"


def test_another_browser_is_let_in_with_less_and_sent_away_again(phone, hub) -> None:  # noqa: F811
    form = opened(phone, 1)
    phone.type(f"{form} [name=browser]", "Tablet")
    phone.click(f"{form} button")
    phone.see_text(f"{form} .secret", "enter this code")
    code = phone.text(f"{form} .secret b")
    phone.run("document.querySelector('#access').scrollIntoView()")
    phone.shoot("access-phone")
    assert phone.run("return document.documentElement.scrollWidth <= innerWidth")
    cookie = hub.access.pair(code, "Chrome Android")
    assert hub.access.session(cookie).scope is Scope.CONTROL
    phone.go("home")
    phone.go("settings")
    phone.see_text("#access li", "Tablet")
    phone.click("#access li button")
    phone.see_text("#access li button", "Press again")
    phone.click("#access li button")
    phone.see("!document.querySelector('#access').innerText.includes('Tablet')")
    assert hub.access.session(cookie) is None


def test_a_token_for_a_button_is_shown_once(phone, hub) -> None:  # noqa: F811
    form = opened(phone, 2)
    phone.type(f"{form} [name=token]", "Door button")
    phone.see(f"document.querySelector('{form} [name=scene]').options.length > 2")
    phone.run(
        f"const each = document.querySelector('{form} [name=scene]'); each.selectedIndex = 1; each.dispatchEvent(new Event('change'))"
    )
    phone.click(f"{form} button")
    phone.see_text(f"{form} .secret", "not shown again")
    token = hub.access.token(phone.text(f"{form} .secret code"))
    assert token.scene_id == hub.door.scenes()[0]["id"]
    phone.see_text("#access li", "Door button")
    phone.see_text("#access li", f"only the scene {hub.door.scenes()[0]['name']}")
    phone.run(f"document.querySelector('{form}').scrollIntoView()")
    phone.shoot("access-token-phone")


def test_a_browser_that_may_look_only_is_told_so(driver, hub) -> None:  # noqa: F811
    guest = Browser(driver, hub, width=1280, height=1000)
    guest.open("/live")
    cookie = hub.access.pair(hub.access.invite(Scope.VIEW, "Guest", "local").code, "x")
    guest.ask("POST", "/cookie", {"cookie": {"name": "nexa_session", "value": cookie}})
    guest.open("/#settings")
    guest.see_text("#access", "This browser is “Guest” and may look.")
    assert guest.run("return document.querySelector('#access details').checkVisibility()") is False
    guest.run("document.querySelector('#access').scrollIntoView()")
    guest.shoot("access-guest")
    guest.quit()


def test_who_was_sent_away_pairs_and_is_back_where_they_were(phone, hub) -> None:  # noqa: F811
    phone.go("energy")
    hub.happens(lambda: hub.access.revoke("browser", "local"))
    phone.run("document.dispatchEvent(new Event('visibilitychange'))")
    phone.see("location.pathname === '/pair'")
    phone.type("#code", f"{hub.access.offer_code()}{ENTER}")
    phone.see("location.pathname === '/' && location.hash === '#energy'")
    phone.see("document.querySelector('#view-energy:not([hidden])')")
