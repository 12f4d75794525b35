"""Who may come in, on the page in a real browser: others are let in, a token is made, both are ended, and an end is told where one was."""

from collections.abc import Iterator

import pytest

from hub_agent.web.scopes import Scope
from tests.fakes.guarding import OPEN
from tests.system.test_page import AT, ENTER, LAMP_CARD, VIEWS, Browser, driver, hub  # noqa: F401 fixtures

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


# Everything that can be pressed or chosen, but for what is of this browser alone.
PRESS_ALL = """
for (const each of document.querySelectorAll('.view:not([hidden]) details')) each.open = true;
const open = [...document.querySelectorAll('.view:not([hidden]) :is(button, input, select)')].filter((each) => !each.disabled && each.checkVisibility() && !each.closest('#access, [aria-labelledby=page-title]'));
for (const each of open) { if (each.matches('button, [type=checkbox]')) each.click(); else each.dispatchEvent(new Event('change')); }
return open.map((each) => each.getAttribute('aria-label') ?? each.innerText);
"""


@pytest.mark.parametrize("scope", [Scope.VIEW, Scope.CONTROL])
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_offered_that_would_be_refused(driver, hub, scope, width) -> None:  # noqa: F811
    hub.door.guarding.now = OPEN
    washing = {"id": "tag/washing", "title": "Washing", "message": "It is done.", "created_at": AT}
    hub.door.notices_now = [{**washing, "source": "automation"}]
    guest = Browser(driver, hub, width=width, height=1000)
    guest.open("/live")
    cookie = hub.access.pair(hub.access.invite(scope, "Guest", "local").code, "x")
    guest.ask("POST", "/cookie", {"cookie": {"name": "nexa_session", "value": cookie}})
    guest.open("/")
    guest.see("document.querySelector('#link').innerText === 'live'")
    offered = {}
    for view in VIEWS:
        guest.go(view)
        guest.see("document.querySelector('#link').innerText === 'live' && !document.querySelector('[aria-busy]')")
        guest.run("for (const each of document.querySelectorAll('.view:not([hidden]) details')) each.open = true")
        guest.see("!document.querySelector('[aria-busy]')")
        guest.shoot(f"guest-{scope}-{width}-{view}")
        offered[view] = guest.run(PRESS_ALL)
        guest.see("!document.querySelector('[aria-busy]')")
    told = guest.text("#rights")
    complaints = guest.complaints()
    guest.quit()
    assert [each for each in complaints if "status of 403" in each] == [], offered
    assert ("Movie night" in str(offered["home"])) is (scope is Scope.CONTROL)
    assert told.startswith({Scope.VIEW: "This browser may look, and nothing else", Scope.CONTROL: "This browser may look and switch"}[scope])  # fmt: skip
    if scope is Scope.VIEW:
        assert hub.door.asked == []
        assert offered["home"] == []


def test_a_lamp_shows_how_it_is_to_who_may_look_only(driver, hub) -> None:  # noqa: F811
    guest = Browser(driver, hub, width=390, height=844)
    guest.open("/live")
    cookie = hub.access.pair(hub.access.invite(Scope.VIEW, "Guest", "local").code, "x")
    guest.ask("POST", "/cookie", {"cookie": {"name": "nexa_session", "value": cookie}})
    guest.open("/")
    guest.see(f"document.querySelector(`{LAMP_CARD} .switch`)?.disabled")
    guest.see_text("#rights", "This browser may look, and nothing else")
    hub.happens(lambda: hub.door.report("light.living_room_lamp", "on", brightness=102))
    guest.see(f"document.querySelector(`{LAMP_CARD} .switch`).checked")
    guest.quit()


def test_who_was_sent_away_pairs_and_is_back_where_they_were(phone, hub) -> None:  # noqa: F811
    phone.go("energy")
    hub.happens(lambda: hub.access.revoke("browser", "local"))
    phone.run("document.dispatchEvent(new Event('visibilitychange'))")
    phone.see("location.pathname === '/pair'")
    phone.type("#code", f"{hub.access.offer_code()}{ENTER}")
    phone.see("location.pathname === '/' && location.hash === '#energy'")
    phone.see("document.querySelector('#view-energy:not([hidden])')")
