"""The page for everybody: axe finds nothing against WCAG 2.2 AA in any view, light and dark, phone and desktop; and all of it works by keyboard."""

from typing import Any

import pytest

from tests.fakes.guarding import OPEN
from tests.peers.npm import npm_ci
from tests.system.conftest import ROOT
from tests.system.test_page import ENTER, TAB, VIEWS, Browser, driver, hub  # noqa: F401 fixtures

pytestmark = pytest.mark.heavy

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SCREENS = {"phone": (390, 844, False), "phone-dark": (390, 844, True), "desktop": (1280, 900, False), "desktop-dark": (1280, 900, True)}  # fmt: skip
_RUN = """
const done = arguments[arguments.length - 1];
axe.run(document, { runOnly: arguments[0] }).then(
  (found) => done(found.violations.flatMap((each) => each.nodes.map((node) => `${each.id}: ${node.target.join(' ')}: ${node.failureSummary}`))),
  (err) => done([String(err)]));
"""


@pytest.fixture(scope="module")
def axe() -> str:
    return (npm_ci(ROOT / "tests" / "peers" / "axe") / "axe-core" / "axe.min.js").read_text()


def violations(browser: Browser, axe: str) -> list[Any]:
    browser.run(f"if (!window.axe) {{ {axe} }}")
    found: list[Any] = browser.ask("POST", "/execute/async", {"script": _RUN, "args": [TAGS]})
    return found


@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing_in_any_view(driver, hub, axe, screen) -> None:  # noqa: F811
    hub.door.guarding.now = OPEN
    width, height, is_dark = SCREENS[screen]
    browser = Browser(driver, hub, width=width, height=height, is_dark=is_dark)
    try:
        browser.open("/pair")
        found = {"pair": violations(browser, axe)}
        browser.pair()
        for view in VIEWS:
            browser.go(view)
            browser.see("document.querySelector('#link').innerText === 'live'")
            browser.run("for (const each of document.querySelectorAll('.view:not([hidden]) details')) each.open = true")
            browser.see("!document.querySelector('[aria-busy]')")
            browser.shoot(f"all-{screen}-{view}")
            found[view] = violations(browser, axe)
        browser.go("home")
        browser.click("#scenes .edit")
        browser.see_text("dialog .wishes", "Blind")
        found["scene"] = violations(browser, axe)
        assert {place: faults for place, faults in found.items() if faults} == {}
    finally:
        browser.quit()


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("width", [320, 390])
def test_no_word_of_the_navigation_is_cut_or_broken_on_a_phone(driver, hub, language, width) -> None:  # noqa: F811
    phone = Browser(driver, hub, width=width, height=700)
    try:
        phone.open("/live")
        phone.run(f"localStorage.setItem('language', '{language}')")
        phone.pair()
        for view in VIEWS:
            phone.go(view)
            assert phone.run("return document.documentElement.scrollWidth <= innerWidth"), view
            seen = phone.run("return [...document.querySelectorAll('#views span')].map((each) => [each.innerText, each.scrollWidth <= each.clientWidth + 1, each.getClientRects().length, each.parentElement.getBoundingClientRect().right <= innerWidth, each.offsetHeight])")  # fmt: skip
            assert [word for word, is_whole, _, is_inside, height in seen if not is_whole or not is_inside or height > 20] == []  # fmt: skip
        phone.shoot(f"navigation-{language}-{width}")
    finally:
        phone.quit()


def test_a_scene_is_pressed_and_a_view_reached_by_the_keyboard_alone(driver, hub) -> None:  # noqa: F811
    browser = Browser(driver, hub, width=1280, height=900)
    try:
        browser.pair()
        browser.see("document.querySelector('#scenes .press')")
        met = []
        for _ in range(40):
            browser.ask("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": [{"type": kind, "value": TAB} for kind in ("keyDown", "keyUp")]}]})  # fmt: skip
            met.append(browser.run("const it = document.activeElement; return it.id || it.className"))
            assert browser.run("const seen = getComputedStyle(document.activeElement); return seen.outlineStyle !== 'none' || seen.boxShadow !== 'none'"), met[-1]  # fmt: skip
            if met[-1] == "press":
                break
        assert met[0] == "skip"
        assert "to-health" in met
        browser.ask("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": [{"type": kind, "value": ENTER} for kind in ("keyDown", "keyUp")]}]})  # fmt: skip
        browser.see_text("#scene-told", "done")
    finally:
        browser.quit()
