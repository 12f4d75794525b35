"""Automations on the page in a real browser, on a phone: seen, switched, tried, written by rows and as text, by two people at once, and without a mouse."""

from collections.abc import Iterator

import pytest

from tests.fakes.automating import HALL_LIGHT
from tests.fakes.door import RULE
from tests.system.test_page import ENTER, TAB, Browser, driver, hub  # noqa: F401 fixtures

pytestmark = pytest.mark.heavy

CARD = f"#automation-{RULE}"
LAMP = "light.living_room_lamp"


@pytest.fixture
def phone(driver, hub) -> Iterator[Browser]:  # noqa: F811
    browser = Browser(driver, hub, width=390, height=844)
    browser.pair()
    browser.go("automations")
    browser.see_text("#automations", "Hall light with motion")
    yield browser
    faults = [each for each in browser.complaints() if "status of 409" not in each]
    browser.quit()
    assert faults == []


def press(browser: Browser, selector: str) -> None:
    browser.see(f"document.querySelector(`{selector}`)")
    browser.run(f"document.querySelector(`{selector}`).scrollIntoView({{ block: 'center' }})")
    browser.click(selector)


def choose(browser: Browser, selector: str, value: str) -> None:
    browser.see(f"document.querySelector(`{selector}`)")
    browser.run(
        f"const each = document.querySelector(`{selector}`); each.value = {value!r};"
        "for (const what of ['input', 'change']) each.dispatchEvent(new Event(what, { bubbles: true }))"
    )


def by_words(browser: Browser, words: str, within: str = "body") -> None:
    """Presses the button of these words."""
    found = f"[...document.querySelectorAll('{within} button')].find((each) => each.innerText.trim() === {words!r})"
    browser.see(found)
    browser.run(
        f"const found = {found}; found.setAttribute('data-found', ''); found.scrollIntoView({{ block: 'center' }})"
    )
    browser.click("[data-found]")
    browser.run("document.querySelector('[data-found]')?.removeAttribute('data-found')")


def test_an_automation_is_switched_paused_and_run_and_says_why_it_did_not(phone, hub) -> None:  # noqa: F811
    phone.see_text(CARD, "it went well")
    phone.shoot("automations-phone")
    phone.click(f"{CARD} .switch")
    phone.see_text(f"{CARD} summary", "off")
    assert hub.door.asked[-1][:2] == ("edit automation", {"name": RULE, "is_enabled": False})
    phone.click(f"{CARD} .switch")
    phone.see(f"!document.querySelector('{CARD} summary').innerText.includes('off')")
    phone.click(f"{CARD} summary")
    phone.see_text(f"{CARD} .runs", "partly done")
    by_words(phone, "Run now", CARD)
    phone.see_text(f"{CARD} .told", "It has run.")
    hub.door.automating.ran = "conditions_not_met"
    by_words(phone, "Run if its conditions hold", CARD)
    phone.see_text(f"{CARD} .told", "its conditions do not hold now")
    assert hub.door.asked[-1][:2] == ("run automation", {"name": RULE, "with_conditions": True})
    by_words(phone, "Why didn’t it run?", CARD)
    phone.see_text(f"{CARD} .answer", "it is 'off' since 11:00:00")
    phone.shoot("automation-why-phone")
    by_words(phone, "What would it have done in the past day?", CARD)
    phone.see_text(f"{CARD} .answer", "It would have run 1 time.")
    choose(phone, f"{CARD} .pausing select", "hour")
    by_words(phone, "Pause", CARD)
    phone.see_text(f"{CARD} summary", "paused until")
    by_words(phone, "Go on now", CARD)
    phone.see(f"!document.querySelector('{CARD} summary').innerText.includes('paused')")
    phone.shoot("automation-open-phone")
    assert phone.run("return document.documentElement.scrollWidth <= innerWidth")


def test_a_rule_is_written_by_rows_and_the_whole_is_said_in_words(phone, hub) -> None:  # noqa: F811
    phone.click("#new-automation")
    phone.see("document.activeElement.id === 'rule-name'")
    phone.type("#rule-name", "Warm kitchen")
    choose(phone, "[aria-labelledby=rule-triggers] > .choices select", "numeric")
    by_words(phone, "Add", "[aria-labelledby=rule-triggers]")
    choose(phone, "[aria-labelledby=rule-triggers] .part-entities select", "sensor.kitchen_temperature")
    phone.type("[aria-labelledby=rule-triggers] input[type=number]", "25")
    choose(phone, "[aria-labelledby=rule-conditions] > .choices select", "sun")
    by_words(phone, "Add", "[aria-labelledby=rule-conditions]")
    choose(phone, "[aria-labelledby=rule-actions] > .choices select", "device")
    by_words(phone, "Add", "[aria-labelledby=rule-actions]")
    choose(phone, "[aria-labelledby=rule-actions] .part-entities select", "cover.blind")
    phone.see_text(".sentence", "only if it is dark outside: open Blind.")
    assert "rises above 25" in phone.text(".sentence")
    choose(phone, "[aria-labelledby=rule-actions] .part-more select", "cover.set_cover_position")
    phone.type("[aria-labelledby=rule-actions] .part-more input", "40")
    phone.see_text(".sentence", "move Blind to 40 %.")
    phone.shoot("automation-editor-phone")
    assert phone.run("return document.querySelector('dialog').scrollWidth <= innerWidth")
    press(phone, "dialog [type=submit]")
    phone.see("!document.querySelector('dialog')")
    phone.see_text("#automation-told", "“Warm kitchen” is made.")
    phone.see_text("#automations", "Warm kitchen")
    [(what, fields, by)] = hub.door.asked
    assert (what, fields["name"], bool(by)) == ("make automation", "Warm kitchen", True)
    assert fields["triggers"] == [{"trigger": "numeric_state", "entity_id": "sensor.kitchen_temperature", "above": 25}]
    assert fields["conditions"] == [{"condition": "sun", "after": "sunset", "before": "sunrise"}]
    target = {"entity_id": "cover.blind"}
    assert fields["actions"] == [{"action": "cover.set_cover_position", "target": target, "data": {"position": 40}}]


def test_what_is_written_as_text_changes_the_rows_and_the_other_way_round(phone, hub) -> None:  # noqa: F811
    phone.click(f"{CARD} summary")
    by_words(phone, "Edit", CARD)
    phone.see_text(".sentence", "turn Living Room Lamp on, at 40 %, wait 5")
    press(phone, "dialog .behind summary")
    phone.see("document.querySelector('.behind textarea').value.includes('brightness_pct: 40')")
    choose(phone, "[aria-labelledby=rule-actions] .part-more input", "70")
    phone.see("document.querySelector('.behind textarea').value.includes('brightness_pct: 70')")
    phone.shoot("automation-text-phone")
    text = phone.run("return document.querySelector('.behind textarea').value")
    choose(phone, ".behind textarea", text.replace("minutes: 5", "minutes: lots"))
    phone.see_text("[aria-labelledby=rule-actions] .wrong", "(line")
    choose(phone, ".behind textarea", text.replace("minutes: 5", "minutes: 9"))
    phone.see_text(".sentence", "wait 9")
    press(phone, "dialog [type=submit]")
    phone.see_text("#automation-told", "is changed.")
    kept = hub.door.automating.fields[RULE]
    assert kept["actions"][1] == {"delay": {"minutes": 9}}
    assert kept["metadata"] == HALL_LIGHT["metadata"]
    by_words(phone, "Undo", "#automation-told")
    phone.see_text("#automation-told", "It is undone.")
    assert hub.door.automating.fields[RULE] == HALL_LIGHT


def test_who_comes_second_sees_both_and_decides(phone, hub) -> None:  # noqa: F811
    phone.click(f"{CARD} summary")
    by_words(phone, "Edit", CARD)
    phone.see_text(".sentence", "wait 5")
    hub.door.automating.fields[RULE] = {**HALL_LIGHT, "actions": [{"delay": {"minutes": 1}}]}
    choose(phone, "[aria-labelledby=rule-actions] .part-more input", "55")
    press(phone, "dialog [type=submit]")
    phone.see_text(".both", "was changed meanwhile by Ada")
    assert "at 55 %" in phone.text(".both .side:first-child")
    assert "wait 1" in phone.text(".both .side:last-child")
    phone.shoot("automation-both-phone")
    by_words(phone, "Save mine", ".both")
    phone.see("!document.querySelector('dialog')")
    assert hub.door.automating.fields[RULE]["actions"][0]["data"] == {"brightness_pct": 55}


def test_one_is_deleted_and_brought_back_and_what_was_typed_is_not_lost_by_a_slip(phone, hub) -> None:  # noqa: F811
    phone.click("#new-automation")
    phone.see("document.activeElement.id === 'rule-name'")
    phone.type("#rule-name", "Hall light with motion")
    press(phone, "dialog [type=submit]")
    phone.see_text("#rule-name-wrong", "There is an automation 'Hall light with motion' already.")
    by_words(phone, "Cancel", "dialog")
    phone.see_text("dialog footer", "not saved")
    by_words(phone, "Cancel", "dialog")
    phone.see("!document.querySelector('dialog')")
    phone.click(f"{CARD} summary")
    by_words(phone, "Edit", CARD)
    by_words(phone, "Delete", "dialog")
    phone.see_text("#automation-told", "“Hall light with motion” is deleted.")
    phone.see(f"!document.querySelector('{CARD}')")
    phone.see("document.activeElement.matches('#automation-told button')")
    phone.type("#automation-told button", ENTER)
    phone.see(f"document.querySelector('{CARD}')")


def test_what_the_hub_says_to_saving_outlasts_what_it_was_still_reading_along(phone, hub) -> None:  # noqa: F811
    phone.click("#new-automation")
    phone.see("document.activeElement.id === 'rule-name'")
    phone.run(
        "const real = window.fetch;"
        "const held = new Promise((go) => { window.letGo = go; });"
        "window.fetch = async (where, how) => { const isCheck = String(where).endsWith('automations/check'); window.isAsked ||= isCheck;"
        " const answer = await real(where, how); if (isCheck) await held; return answer; }"
    )
    phone.type("#rule-name", "Hall light with motion")
    phone.see("window.isAsked")
    press(phone, "dialog [type=submit]")
    phone.see_text("#rule-name-wrong", "There is an automation 'Hall light with motion' already.")
    phone.run("window.letGo(); window.isRead = false; setTimeout(() => { window.isRead = true; }, 100)")
    phone.see("window.isRead")
    assert "already" in phone.text("#rule-name-wrong")
    by_words(phone, "Cancel", "dialog")
    by_words(phone, "Cancel", "dialog")


def test_what_has_no_controls_is_kept_and_shown_as_text(phone, hub) -> None:  # noqa: F811
    phone.see_text("#automations", "Broken")
    phone.run(
        "[...document.querySelectorAll('.automation summary')].find((each) => each.innerText.includes('Broken')).click()"
    )
    by_words(phone, "Edit", ".automation details[open]")
    phone.see_text(".sentence", "When it is 07:30: if what its template says is true: wait 1")
    phone.see_text("[aria-labelledby=rule-actions] .because", "There are no controls for this.")
    choose(phone, "[aria-labelledby=rule-actions] .part textarea", "{")
    phone.see_text("[aria-labelledby=rule-actions] .wrong", "This is not JSON")


@pytest.mark.parametrize(
    "name, size", [("automation-phone-dark", (390, 844)), ("automation-desktop-dark", (1280, 900))]
)
def test_the_editor_fits_the_screen_in_the_dark_and_all_in_it_has_a_name(driver, hub, name, size) -> None:  # noqa: F811
    browser = Browser(driver, hub, width=size[0], height=size[1], is_dark=True)
    try:
        browser.pair()
        browser.go("automations")
        browser.see_text("#automations", "Hall light with motion")
        browser.shoot(f"{name}-list")
        # Without a mouse: opened, and on to what is in it.
        browser.run(f"document.querySelector('{CARD} summary').focus()")
        browser.type(f"{CARD} summary", ENTER)
        browser.see_text(f"{CARD} .runs", "partly done")
        browser.type(f"{CARD} summary", TAB)
        browser.see(
            f"document.querySelector('{CARD}').contains(document.activeElement) && document.activeElement.matches('button, input')"
        )
        browser.shoot(f"{name}-open")
        by_words(browser, "Edit", CARD)
        browser.see_text(".sentence", "wait 5")
        browser.see("document.activeElement.id === 'rule-title'")
        browser.run("for (const each of document.querySelectorAll('dialog details')) each.open = true")
        browser.shoot(name)
        browser.run("document.querySelector('[aria-labelledby=rule-actions]').scrollIntoView()")
        browser.shoot(f"{name}-actions")
        assert browser.run("return document.querySelector('dialog').scrollWidth <= innerWidth")
        unnamed = "return [...document.querySelectorAll('dialog :is(button, input, select, textarea), .automation :is(button, input, select)')].filter((each) => !(each.getAttribute('aria-label') || each.innerText || each.labels?.length)).map((each) => each.outerHTML)"
        assert browser.run(unnamed) == []
        assert browser.complaints() == []
    finally:
        browser.quit()
