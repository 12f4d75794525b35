"""Scenes on the page in a real browser: edited, made of how a room is now, deleted and brought back, on a phone and without a mouse."""

from collections.abc import Iterator

import pytest

from tests.fakes.door import LIVING_ROOM, MOVIE
from tests.fakes.editing import LOST
from tests.system.test_page import ENTER, Browser, driver, hub  # noqa: F401 fixtures

pytestmark = pytest.mark.heavy

EDIT = "[aria-label='Edit Movie night']"
LAMP_WISH, BLIND_WISH = "[data-entity='light.living_room_lamp']", "[data-entity='cover.blind']"
ESCAPE = "\ue00c"


@pytest.fixture
def phone(driver, hub) -> Iterator[Browser]:  # noqa: F811
    hub.door.conflicts_now, hub.door.lost_now = [], []
    browser = Browser(driver, hub, width=390, height=844)
    browser.pair()
    yield browser
    faults = [each for each in browser.complaints() if "status of 409" not in each]
    browser.quit()
    assert faults == []


def drag(browser: Browser, selector: str, value: int) -> None:
    browser.run(
        f"const slider = document.querySelector(`{selector}`); slider.value = {value}; slider.dispatchEvent(new Event('input', {{ bubbles: true }}))"
    )


def press(browser: Browser, selector: str) -> None:
    """What is below the foot of the editor is scrolled to before it is touched, as a person does."""
    browser.see(f"document.querySelector(`{selector}`)")
    browser.run(f"document.querySelector(`{selector}`).scrollIntoView({{ block: 'center' }})")
    browser.click(selector)


def name_it(browser: Browser, name: str) -> None:
    browser.run("document.querySelector('dialog .field input').value = ''")
    browser.type("dialog .field input", name)


def test_a_scene_is_edited_and_only_what_was_changed_is_sent_and_it_can_be_undone(phone, hub) -> None:  # noqa: F811
    phone.click(EDIT)
    phone.see("document.activeElement.id === 'editor-title'")
    assert phone.text("dialog h2") == "Edit “Movie night”"
    phone.shoot("scene-phone")
    assert phone.run("return document.querySelector('dialog').scrollWidth <= innerWidth")
    name_it(phone, "Film")
    phone.click("dialog [aria-label='Moon']")
    drag(phone, f"dialog {LAMP_WISH} input[type=range]", 40)
    drag(phone, f"dialog {BLIND_WISH} input[type=range]", 30)
    phone.click("dialog [type=submit]")
    phone.see("!document.querySelector('dialog')")
    phone.see_text("#scene-told", "“Film” is changed here, and on its way to the cloud.")
    phone.see_text("#scenes", "not in the cloud yet")
    phone.see("document.activeElement.matches('.scene .edit')")
    lamp = {"state": "on", "attributes": {"brightness": 102}}
    blind = {"state": "open", "attributes": {"current_position": 30}}
    edited = {"name": MOVIE, "icon": "bedtime", "desired": {"light.living_room_lamp": lamp, "cover.blind": blind}}
    assert hub.door.asked[-1][:2] == ("edit scene", {**edited, "name": "Film"})

    hub.door.scenes_now[0]["status"] = "synced"
    hub.happens(lambda: hub.door.tell("scene", id=MOVIE))
    phone.see_text("#scene-told", "“Film” is changed, here and in the cloud.")
    phone.click("#scene-told button")
    phone.see_text("#scenes", "Movie night")
    assert hub.door.asked[-1][1] == {"id": MOVIE, "entry": 1}


def test_a_room_as_it_is_now_is_saved_as_a_scene(phone, hub) -> None:  # noqa: F811
    hub.happens(lambda: hub.door.report("light.living_room_lamp", "on", brightness=128))
    phone.see("document.querySelector('.device.lit')")
    phone.click("#new-scene")
    phone.see("document.activeElement.matches('dialog input')")
    phone.see_text("dialog .wishes", "Blind")
    phone.shoot("new-scene-phone")
    press(phone, "dialog [aria-label='Thermostat: Leave out']")
    phone.type("dialog .field input", f"Evening{ENTER}")
    phone.see_text("#scenes", "Evening")
    phone.see_text("#scene-told", "“Evening” is made here")
    [(what, told, _)] = hub.door.asked
    assert (what, told["name"], told["room_id"]) == ("new scene", "Evening", LIVING_ROOM)
    assert told["desired"]["cover.blind"] == {"state": "open", "attributes": {"current_position": 70}}
    assert told["desired"]["light.living_room_lamp"]["attributes"]["brightness"] == 128
    assert "climate.thermostat" not in told["desired"]


def test_what_is_wrong_is_said_beside_the_field_and_nothing_that_was_typed_is_lost(phone, hub) -> None:  # noqa: F811
    phone.click("#new-scene")
    phone.see_text("dialog .wishes", "Blind")
    phone.click("dialog [type=submit]")
    phone.see_text("dialog .field .wrong", "A scene needs a name.")
    phone.see("document.activeElement.getAttribute('aria-invalid') === 'true'")
    phone.type("dialog .field input", f"All off{ENTER}")
    phone.see_text("dialog .field .wrong", "There is a scene 'All off' already.")
    assert phone.run("return document.querySelector('dialog .field input').value") == "All off"
    phone.type("dialog .field input", ESCAPE)
    phone.see_text("dialog footer", "not saved")
    phone.shoot("scene-wrong-phone")
    phone.type("dialog .field input", ESCAPE)
    phone.see("!document.querySelector('dialog')")


def test_a_scene_is_deleted_when_asked_twice_and_brought_back(phone, hub) -> None:  # noqa: F811
    phone.click(EDIT)
    press(phone, "dialog .danger")
    phone.see_text("dialog", "Delete “Movie night”, here and in the cloud?")
    assert hub.door.asked == []
    phone.shoot("scene-delete-phone")
    press(phone, "dialog .danger:not(.less)")
    phone.see("!document.querySelector('dialog')")
    phone.see_text("#scene-told", "“Movie night” is deleted here, and on its way to the cloud.")
    phone.see("document.activeElement.matches('#scene-told button')")
    assert "Movie night" not in phone.text("#scenes")
    phone.type("#scene-told button", ENTER)
    phone.see_text("#scenes", "Movie night")


def test_a_scene_says_that_the_clouds_change_holds_and_offers_to_take_ones_own_back(phone, hub) -> None:  # noqa: F811
    hub.door.lost_now = [{**LOST, "definition_id": MOVIE, "name": "Movie night"}]
    hub.happens(lambda: hub.door.tell("dispute", id=MOVIE))
    phone.see_text("#scenes", "the cloud’s change holds, yours is kept")
    phone.shoot("scene-lost-phone")
    phone.go("settings")
    phone.see("document.querySelector('#lost')?.open")
    phone.click("#lost button")
    phone.see("document.querySelector('#disputes').hidden")
    assert hub.door.asked[-1][:2] == ("lost", {"id": "abc", "put_back": True})
    phone.go("home")
    phone.see("!document.querySelector('#scenes').innerText.includes('yours is kept')")


@pytest.mark.parametrize("name, size", [("scene-phone-dark", (390, 844)), ("scene-desktop-dark", (1280, 900))])
def test_the_editor_fits_the_screen_in_the_dark_and_all_in_it_has_a_name(driver, hub, name, size) -> None:  # noqa: F811
    browser = Browser(driver, hub, width=size[0], height=size[1], is_dark=True)
    try:
        browser.pair()
        browser.click(EDIT)
        browser.see_text("dialog .wishes", "Blind")
        browser.shoot(name)
        browser.run("document.querySelector('dialog .wishes').scrollIntoView()")
        browser.shoot(f"{name}-devices")
        browser.click("dialog details summary")
        browser.see_text("dialog .earlier", "has not been changed")
        assert browser.run("return document.querySelector('dialog').scrollWidth <= innerWidth")
        unnamed = "return [...document.querySelectorAll('dialog :is(button, input, select, textarea)')].filter((each) => !(each.getAttribute('aria-label') || each.innerText || each.labels?.length)).map((each) => each.outerHTML)"
        assert browser.run(unnamed) == []
        assert browser.complaints() == []
    finally:
        browser.quit()
