"""The page over a home of many devices: what is near is there first, the rest comes while the page answers, and all of it can be found."""

from collections.abc import Iterator

import pytest

from tests.bench.page import fill
from tests.system.test_page import Browser, driver, hub  # noqa: F401 fixtures

pytestmark = pytest.mark.heavy

MANY = 300
CARDS = "document.querySelectorAll('#rooms .device').length"
# How many devices are there when the first are, and what a person sees of a change in one that is not there yet.
WATCH = """
new MutationObserver(() => { const now = document.querySelectorAll('#rooms .device').length; if (now && !window.first) window.first = now; })
  .observe(document, { childList: true, subtree: true });
"""


@pytest.fixture
def phone(driver, hub) -> Iterator[Browser]:  # noqa: F811
    fill(hub, MANY)
    browser = Browser(driver, hub, width=390, height=844)
    yield browser
    faults = browser.complaints()
    browser.quit()
    assert faults == []


def test_many_devices_are_drawn_little_by_little_and_in_order(phone, hub) -> None:  # noqa: F811
    shown = [each for each in hub.door.devices_now if each["entities"]]
    phone.ask("POST", "/goog/cdp/execute", {"cmd": "Page.addScriptToEvaluateOnNewDocument", "params": {"source": WATCH}})  # fmt: skip
    phone.pair()
    phone.see(f"{CARDS} === {len(shown)}")
    assert phone.run("return window.first") < len(shown) / 2
    in_room = "[...document.querySelectorAll('#rooms section')].map((each) => [...each.querySelectorAll('.device h4')].map((name) => name.id))"
    for drawn in phone.run(f"return {in_room}"):
        assert drawn == [f"device-{each['id']}" for each in shown if f"device-{each['id']}" in drawn]


def test_a_device_far_down_is_found_by_its_name_and_follows_what_happens(phone, hub) -> None:  # noqa: F811
    last = [each for each in hub.door.devices_now if each["room_id"] and each["entities"]][-1]
    last["name"] = "Cellar window"
    phone.pair()
    phone.see(f"document.getElementById('device-{last['id']}')")
    assert phone.run("return window.find('Cellar window')") is True
    phone.see("scrollY > innerHeight")
    first = last["entities"][0]
    hub.happens(lambda: hub.door.report(first["id"], "unavailable"))
    phone.see_text(f"[data-entity='{first['id']}']", "Not reachable")


def test_devices_that_go_while_others_are_drawn_are_gone(phone, hub) -> None:  # noqa: F811
    phone.open("/live")
    phone.pair()
    left = [each for each in hub.door.devices_now if each["entities"]][::3]
    hub.door.devices_now[:] = left
    hub.happens(lambda: hub.door.tell("device", id=left[0]["id"]))
    phone.see(f"{CARDS} === {len(left)}")
