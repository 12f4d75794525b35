"""Safe mode on the page: said above every view with what is left out and since when, and left by hand by those who may."""

import pytest

from hub_agent.runtime.changes import Changes
from hub_agent.web.scopes import Scope
from tests.system.test_page import AT, VIEWS, Browser, driver, hub  # noqa: F401 fixtures

pytestmark = pytest.mark.heavy

MODE = {
    "since": AT,
    "failed": 3,
    "left_out": ["finding new devices", "forecasts", "devices that speak matter"],
    "trial_at": "2026-06-01T13:00:00+00:00",
}


@pytest.mark.parametrize("width, is_dark", [(390, False), (390, True), (1280, False)])
def test_safe_mode_is_said_above_every_view_and_left_by_a_button(driver, hub, width, is_dark) -> None:  # noqa: F811
    hub.door.safe_mode_now = MODE
    page = Browser(driver, hub, width=width, height=844, is_dark=is_dark)
    try:
        page.pair()
        for view in VIEWS:
            page.go(view)
            page.see_text("#safe-mode", "ended 3 times soon after its start")
        page.see_text("#safe-mode li", "devices that speak matter")
        page.go("home")
        page.shoot(f"safe-mode-{width}{'-dark' if is_dark else ''}")
        page.click("#safe-mode button")
        page.see_text("#safe-mode", "The hub starts again, with everything.")
        assert [each[0] for each in hub.door.asked] == ["leave_safe_mode"]
        hub.stop()
        hub.door.told = Changes()
        hub.start()
        page.see("document.querySelector('#safe-mode').hidden")
    finally:
        page.quit()


def test_who_may_only_look_is_told_and_shown_no_button(driver, hub) -> None:  # noqa: F811
    hub.door.safe_mode_now = MODE
    guest = Browser(driver, hub, width=390, height=844)
    try:
        guest.open("/live")
        cookie = hub.access.pair(hub.access.invite(Scope.CONTROL, "Guest", "local").code, "x")
        guest.ask("POST", "/cookie", {"cookie": {"name": "nexa_session", "value": cookie}})
        guest.open("/")
        guest.see_text("#safe-mode", "finding new devices")
        assert guest.run("return document.querySelector('#safe-mode button').checkVisibility()") is False
    finally:
        guest.quit()
