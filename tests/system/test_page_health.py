"""The home's health on the page in a real browser: what is wrong, what is asked, what is declared, on a phone and a desk."""

import json
from collections.abc import Iterator

import pytest

from tests.fakes.tending import BLIND, PLUG, QUESTION
from tests.system.test_page import Browser, driver, hub  # noqa: F401 fixtures

pytestmark = pytest.mark.heavy

LAMP_CARD = "#health-wrong .card:nth-child(1)"
HELD_CARD = "#health-wrong .card:nth-child(2)"


@pytest.fixture
def phone(driver, hub) -> Iterator[Browser]:  # noqa: F811
    browser = Browser(driver, hub, width=390, height=844)
    browser.pair()
    browser.go("health")
    browser.see_text("#health-score", "84 of 100")
    yield browser
    faults = [each for each in browser.complaints() if "status of 4" not in each]
    browser.quit()
    assert faults == []


@pytest.mark.parametrize("name, size, is_dark", [("phone", (390, 844), True), ("desktop", (1280, 1000), False)])
def test_what_is_wrong_is_told_with_what_was_tried_and_what_is_next(driver, hub, name, size, is_dark) -> None:  # noqa: F811
    browser = Browser(driver, hub, width=size[0], height=size[1], is_dark=is_dark)
    try:
        browser.pair()
        browser.see_text("#issues", "Living Room Lamp: a question for you")
        browser.go("health")
        browser.see_text("#health-score", "84 of 100, a question for you")
        shown = browser.text(LAMP_CARD)
        for words in (
            "Living Room Lamp",
            "67 of 100",
            "not been heard for 2 hours",
            "asking for its state (2×)",
            "You were asked",
        ):
            assert words in shown
        assert "Held: Zigbee bridge is away" in browser.text(HELD_CARD)
        browser.run("document.querySelector('#health-more').open = true")
        browser.run("document.querySelector('#health-wrong details').open = true")
        browser.see_text("#health-history", "it helped")
        browser.see_text(f"{LAMP_CARD} details", "would be tried after asking you")
        browser.run("document.querySelector('#health').scrollIntoView()")
        browser.shoot(f"health-{name}")
        browser.run("document.querySelector('#health-devices').scrollIntoView()")
        browser.shoot(f"health-{name}-more")
        assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
        assert browser.complaints() == []
    finally:
        browser.quit()


def test_a_question_is_answered_and_what_comes_of_it_is_shown(phone, hub) -> None:  # noqa: F811
    phone.click(f"{LAMP_CARD} .given button")
    phone.see_text(LAMP_CARD, "It is tried now")
    phone.see("document.querySelectorAll('#health-wrong .given button').length === 0")
    assert hub.door.asked[-1][:2] == ("answer", {"id": QUESTION, "is_approved": True})


def test_why_is_found_out_when_somebody_asks(phone) -> None:
    phone.run("document.querySelector('#health-wrong details').open = true")
    phone.see(f"document.querySelector('{LAMP_CARD} [aria-label$=\"Find out why\"]')")
    phone.run(f"document.querySelector('{LAMP_CARD} [aria-label$=\"Find out why\"]').click()")
    phone.see_text(f"{LAMP_CARD} details", "Its bridge Bridge is away. Look at Bridge first.")


def test_a_no_is_a_no(phone, hub) -> None:  # noqa: F811
    phone.click(f"{LAMP_CARD} .given .less")
    phone.see_text(LAMP_CARD, "Nothing more can be tried")
    assert hub.door.asked[-1][1]["is_approved"] is False


def test_what_happens_to_health_is_shown_without_a_reload(phone, hub) -> None:  # noqa: F811
    lamp = hub.door.tending.devices_now[0]
    hub.door.tending.devices_now[0] = {**lamp, "state": "well", "score": 98, "trouble": None, "issues": [], "why": []}
    hub.happens(lambda: hub.door.tell("issue", subject=lamp["id"]))
    phone.see("!document.querySelector('#health-wrong').innerText.includes('Living Room Lamp')")


def test_batteries_history_and_rates_stand_below(phone) -> None:
    phone.click("#health-more > summary")
    phone.see_text("#health-batteries li.bad", "Thermostat: 18")
    phone.see_text("#health-rates", "Asking for its state helped 6 of 8 times.")
    phone.see_text("#health-worth", "Bedside will need a new battery in some 19 days.")
    assert "while nothing moved in its room. Let an automation switch it off." in phone.text("#health-worth")
    assert phone.run("return document.querySelector('#health-devices li summary').innerText").startswith("Living Room")


def test_wishes_of_a_device_are_declared_and_what_would_do_harm_is_refused_in_words(phone, hub) -> None:  # noqa: F811
    phone.click("#health-more > summary")
    phone.see("document.querySelectorAll('#health-devices details').length === 4")
    phone.run(
        "[...document.querySelectorAll('#health-devices details')].find((each) => each.innerText.includes('Blind')).open = true"
    )
    phone.see("document.querySelector('#health-devices .health-wishes')")
    phone.run("document.querySelector('#health-devices .health-wishes input').click()")
    phone.see("!document.querySelector('#health-devices [aria-busy]')")
    phone.see("document.querySelector('#health-devices .health-wishes input')?.checked")
    wished = [told for what, told, _ in hub.door.asked if what == "wish"]
    assert wished == [{"name": BLIND, "never_touch": True, "back": []}]
    phone.run(
        "const select = document.querySelector('#health-devices .health-wishes select');"
        f"select.value = '{PLUG}'; select.dispatchEvent(new Event('change'))"
    )
    phone.see("!document.querySelector('#health-devices [aria-busy]')")
    phone.see(f"document.querySelector('#health-devices .health-wishes select')?.value === '{PLUG}'")
    assert hub.door.tending.wishes_by_id[BLIND] == {"never_touch": True, "powered_by": PLUG}


def test_quiet_hours_and_risk_of_the_home_are_set(phone, hub) -> None:  # noqa: F811
    phone.click("#health-more > summary")
    phone.see("document.querySelector('#health-wishes input[type=time]')")
    phone.run("document.querySelector('#health-wishes input[type=checkbox]').click()")
    phone.see("document.querySelector('#health-wishes input[type=time]').disabled")
    phone.run(
        "const select = document.querySelector('#health-wishes select');"
        "select.value = 'low'; select.dispatchEvent(new Event('change'))"
    )
    phone.see(
        "document.querySelector('#health-wishes select').value === 'low' && !document.querySelector('[aria-busy]')"
    )
    wished = [told for what, told, _ in hub.door.asked if what == "wish"]
    assert wished == [{"name": None, "quiet_hours": None, "back": []}, {"name": None, "risk": "low", "back": []}]


def test_what_interrupts_in_quiet_hours_is_asked_for_twice(phone, hub) -> None:  # noqa: F811
    plan = hub.door.tending.plan
    hub.door.tending.plan = lambda name, symptom: {
        **plan(name, symptom),
        "remedies": [
            {**plan(name, symptom)["remedies"][0], "verdict": "not_now", "reasons": ["these are quiet hours"]}
        ],
    }
    phone.run("document.querySelector('#health-wrong details').open = true")
    phone.see_text(LAMP_CARD, "not now, these are quiet hours")
    phone.click(f"{LAMP_CARD} li .more")
    phone.see_text(f"{LAMP_CARD} li .ask", "Really, now?")
    assert hub.door.asked == []
    phone.click(f"{LAMP_CARD} li .ask")
    phone.see("!document.querySelector('[aria-busy]')")
    assert hub.door.asked[0][1]["is_forced"] is True


SAID = {
    "Restarting it is not tried: these are quiet hours, until 07:00. It can be forced.": "Neustart wird nicht versucht: Ruhezeit bis 07:00. Es lässt sich erzwingen.",
    "Next is asking for its state, at 12:30, after asking you.": "Als Nächstes: Nachfrage nach dem Zustand, um 12:30, nach einer Frage an dich.",
    "Nothing more can be tried from here. You have been told; it is looked at again now.": "Von hier aus lässt sich nichts mehr versuchen. Du weißt Bescheid; wieder nachgesehen wird jetzt.",
    "It was last heard 3 hours ago. Usually it is every 1 minute.": "Zuletzt gehört: vor 3 Stunden. Sonst: alle 1 Minute.",
    "It is unavailable: its dialect says so. It was last heard 2 days ago.": "Es ist nicht verfügbar: So sagt es sein Dialekt. Zuletzt gehört: vor 2 Tage.",
    "It cannot be reached for 3 days.": "Es ist nicht erreichbar (seit 3 Tagen).",
    "Who left answers on every port": "Who left antwortet auf jedem Port",
    "Still: The battery of Who left is low": "Immer noch: Die Batterie von Who left ist schwach",
    "3 wrong pairing codes came from many addresses.": "3 falsche Codes kamen von vielen Adressen.",
    "Nobody has ever said this.": "Nobody has ever said this.",
}


def test_the_hubs_sentences_are_german_down_to_what_fills_them(driver, hub) -> None:  # noqa: F811
    page = Browser(driver, hub, width=1280, height=900)
    try:
        page.open("/live")
        page.run("localStorage.setItem('language', 'de')")
        page.pair()
        page.run(
            "window.said = null; import(document.querySelector('link[href$=\"/language.js\"]').href).then(({ fromHub }) => { window.said = "
            + json.dumps(list(SAID))
            + ".map(fromHub); })"
        )
        page.see("window.said")
        assert dict(zip(SAID, page.run("return window.said"), strict=True)) == SAID
    finally:
        page.quit()
