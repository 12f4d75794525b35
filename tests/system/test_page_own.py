"""Energy, what happened, and settings on the page in a real browser: on a phone, light and dark, also in German."""

from collections.abc import Iterator

import pytest

from hub_agent.core.activity.words import person
from hub_agent.model.activity import Happened, say
from tests.fakes.energy import WASHER
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


def fits(browser: Browser) -> bool:
    return bool(browser.run("return document.documentElement.scrollWidth <= innerWidth"))


def test_energy_is_seen_as_a_plot_by_keyboard_and_as_a_table(phone, hub) -> None:  # noqa: F811
    phone.run("location.hash = '#energy'")
    phone.see_text("#energy-used", "1.9")
    phone.shoot("energy-phone")
    assert fits(phone)
    assert phone.run("return document.querySelectorAll('#energy-plot g.bar').length") == 24
    phone.run(
        "const plot = document.querySelector('#energy-plot'); plot.focus();"
        "plot.dispatchEvent(new KeyboardEvent('keydown', { key: 'Home' }));"
        "for (let n = 0; n < 11; n += 1) plot.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight' }))"
    )
    phone.see_text("#energy-plot-said", "11:00 – 12:00: 892")
    phone.run("document.querySelector('#energy-table').open = true")
    phone.see_text("#energy-table tbody tr:nth-child(12)", "892")
    phone.run("[...document.querySelectorAll('.share')].find((each) => each.innerText.includes('Washing')).click()")
    phone.see_text("#energy-plot-said", "800")
    phone.click("[data-period=month]")
    phone.see("document.querySelectorAll('#energy-plot g.bar').length === 30")
    phone.click("#energy-back")
    phone.see("document.querySelectorAll('#energy-plot g.bar').length === 31")
    phone.shoot("energy-phone-month")
    phone.run(
        "const line = [...document.querySelectorAll('#energy-devices li')].find((each) => each.innerText.includes('Washing'));"
        "const select = line.querySelector('select'); select.value = 'ignored'; select.dispatchEvent(new Event('change'))"
    )
    phone.see("document.querySelector('#energy-devices .ignored')")
    assert hub.door.asked[-1][:2] == ("energy_role", {"id": WASHER, "role": "ignored"})


def test_what_happened_is_filtered_and_goes_on_by_itself(phone, hub) -> None:  # noqa: F811
    phone.run("location.hash = '#activity'")
    phone.see_text(".activity li:first-child", "Anna switched Lamp off")
    phone.see_text(".activity .failed", "Blind did not follow")
    phone.shoot("activity-phone")
    assert fits(phone)
    new = Happened("access", person("Ben's phone"), say("{who} was let in"))

    def happens() -> None:
        hub.door.activity.add(new)
        hub.door.tell("activity", kind="access")

    hub.happens(happens)
    phone.see_text(".activity li:first-child", "Ben's phone was let in")
    phone.run(
        "const kind = document.querySelector('#activity-kind'); kind.value = 'scene'; kind.dispatchEvent(new Event('change'))"
    )
    phone.see("document.querySelectorAll('.activity li').length === 1")
    phone.see_text(".activity li", "Movie night")


def test_the_home_is_named_a_backup_is_made_and_what_is_dear_is_asked_twice(phone, hub) -> None:  # noqa: F811
    phone.run("location.hash = '#settings'")
    phone.see("document.querySelector('#home-name')?.value === 'Test Home'")
    phone.see_text("#backups", "2.4")
    phone.shoot("settings-phone")
    assert fits(phone)
    phone.run(
        "document.querySelector('#home-name').value = 'Cabin'; document.querySelector('#home-zone').value = 'Moon/Base'"
    )
    phone.run("document.querySelector('#home-name').form.requestSubmit()")
    phone.see_text("#view-settings .told.bad", "There is no time zone")
    phone.run("document.querySelector('#home-zone').value = 'Europe/Stockholm'")
    phone.run("document.querySelector('#home-name').form.requestSubmit()")
    phone.see_text("#view-settings .told", "It is so from now on")
    assert [told for what, told, _ in hub.door.asked if what == "edit_home"] == [{"name": "Cabin"}]
    phone.click("#backup-now")
    phone.see_text("#backups", "2.5")
    phone.click("#restart")
    phone.see_text("#restart", "Really?")
    assert not any(what == "restart" for what, _, _ in hub.door.asked)
    phone.click("#restart")
    phone.see_text("#view-settings", "It is started again")
    phone.run("document.querySelector('#settings-in-force').open = true")
    phone.see_text("#settings-table", "(set)")
    phone.run("document.querySelector('#hub-title').scrollIntoView()")
    phone.shoot("settings-phone-hub")
    assert fits(phone)


def test_the_hub_joins_a_home_with_its_code_and_a_wrong_one_is_said(phone, hub) -> None:  # noqa: F811
    hub.door.is_claimed = False
    phone.go("settings")
    phone.see("document.querySelector('#claim')?.checkVisibility()")
    phone.type("#claim-code", f"WRONG{ENTER}")
    phone.see_text("[aria-labelledby=sync-title] .told.bad", "does not know this claim code")
    phone.run("document.querySelector('#claim-code').value = ''; document.querySelector('#claim').scrollIntoView()")
    phone.shoot("claim-phone")
    assert fits(phone)
    phone.type("#claim-code", f"K7QX-2MPD{ENTER}")
    phone.see_text("[aria-labelledby=sync-title] .told", "This hub is part of your home now.")
    phone.see("!document.querySelector('#claim').checkVisibility()")
    phone.see_text("#sync-facts", "Last exchange")
    assert ("claim", "K7QX-2MPD") in [each[:2] for each in hub.door.asked]


def test_dark_is_chosen_and_stays_and_german_is_german(driver, hub) -> None:  # noqa: F811
    browser = Browser(driver, hub, width=1280, height=1000)
    try:
        browser.pair()
        browser.run("location.hash = '#settings'")
        browser.see("document.querySelector('#theme')")
        light = browser.run("return getComputedStyle(document.body).backgroundColor")
        browser.run(
            "const theme = document.querySelector('#theme'); theme.value = 'dark'; theme.dispatchEvent(new Event('change'))"
        )
        browser.run("localStorage.setItem('language', 'de')")
        browser.run("location.hash = '#activity'; location.reload()")
        browser.see_text("#view-activity .activity li:first-child", "Anna hat Lamp ausgeschaltet")
        assert browser.run("return getComputedStyle(document.body).backgroundColor") != light
        browser.shoot("activity-desktop-dark-german")
        browser.run("location.hash = '#energy'")
        browser.see_text("#energy-used", "verbraucht")
        browser.shoot("energy-desktop-dark-german")
        browser.run("location.hash = '#settings'")
        browser.see_text("#backups-title", "Sicherungen")
        browser.see("document.querySelector('#home-name')?.value")
        browser.shoot("settings-desktop-dark-german")
        assert browser.complaints() == []
    finally:
        browser.run("localStorage.clear()")
        browser.quit()
