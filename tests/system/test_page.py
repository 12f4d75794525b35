"""The page in a real browser, over a little home: what a person sees, touches and is told. Screenshots go to artefacts/."""

import asyncio
import base64
import gzip
import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from hub_agent.errors import MirrorFull
from hub_agent.runtime.changes import Changes
from hub_agent.web.access import Access
from hub_agent.web.app import create_app
from hub_agent.web.page_files import STATIC, PageFiles
from hub_agent.web.server import bind_tcp, serve
from tests.fakes.door import AT, LAMP, MOVIE, FakeDoor, device, entity

pytestmark = pytest.mark.heavy

ARTEFACTS = Path(__file__).parent / "artefacts"
WITHIN_S = 60.0
LOOK_S = 0.05
ENTER, TAB = "\ue007", "\ue004"
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]  # fmt: skip
VIEWS = ("home", "automations", "energy", "health", "activity", "settings")
LAMP_CARD, BLIND_CARD = f"[aria-labelledby='device-{LAMP}']", "[data-entity='cover.blind']"


class Hub:
    """The real server over the fake door, which can go away and come back at the same port."""

    def __init__(self, directory: Path) -> None:
        self.door = FakeDoor()
        self.files = PageFiles()
        self.codes: list[str] = []
        self.access = Access(directory / "sessions.json", lambda: datetime.now(UTC), self.codes.append)
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        listener = bind_tcp("127.0.0.1", self.port)
        listener.listen()
        self.loop = asyncio.new_event_loop()
        self._serving = self.loop.create_task(
            serve(create_app(self.door, self.access, "0.1.0", files=self.files), listener)
        )
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self._serving.cancel)
        self._thread.join(60)
        self.loop.close()

    def happens(self, act: Callable[[], None]) -> None:
        """Something happens in the home, on the hub's own loop."""
        done = threading.Event()

        def run() -> None:
            act()
            done.set()

        self.loop.call_soon_threadsafe(run)
        assert done.wait(60)

    def _run(self) -> None:
        self.loop.run_until_complete(asyncio.gather(self._serving, return_exceptions=True))


class Driver:
    """chromedriver. To start Chromium takes seconds: one that looks like that is handed on from test to test."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self._sessions: dict[str, str] = {}

    def session(self, options: dict[str, Any]) -> str:
        """Its path."""
        if (key := json.dumps(options)) not in self._sessions:
            wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
            answer = self.client.post("/session", json={"capabilities": {"alwaysMatch": wanted}}).raise_for_status()
            self._sessions[key] = f"/session/{answer.json()['value']['sessionId']}"
        return self._sessions[key]

    def quit(self) -> None:
        for path in self._sessions.values():
            self.client.delete(path)


class Browser:
    """A window of Chromium, over the WebDriver protocol, that knows nobody."""

    def __init__(self, driver: Driver, hub: Hub, *, width: int, height: int, is_dark: bool = False) -> None:
        options: dict[str, Any] = {
            "binary": shutil.which("chromium"),
            "args": [*FLAGS, f"--window-size={max(width, 500)},{height}"],
        }
        if is_dark:
            options["args"].append("--force-dark-mode")
        if width < 500:
            options["mobileEmulation"] = {"deviceMetrics": {"width": width, "height": height, "pixelRatio": 1}}
        self._driver, self._path, self._hub = driver.client, driver.session(options), hub

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = self._driver.request(method, f"{self._path}{path}", json=body)
        assert answer.is_success, answer.json()["value"]["message"]
        return answer.json()["value"]

    def open(self, path: str) -> None:
        self.ask("POST", "/url", {"url": f"{self._hub.url}{path}"})

    def run(self, script: str) -> Any:
        return self.ask("POST", "/execute/sync", {"script": script, "args": []})

    def see(self, script: str) -> Any:
        """Looks until the expression is true in the page."""
        ends_at = time.monotonic() + WITHIN_S
        while not (seen := self.run(f"return {script}")):
            if time.monotonic() > ends_at:
                self.shoot("not-seen")
                pytest.fail(f"not seen: {script}\n{self.run('return document.body.innerText')}")
            time.sleep(LOOK_S)
        return seen

    def text(self, selector: str) -> str:
        return str(self.run(f"return document.querySelector({selector!r}).innerText"))

    def see_text(self, selector: str, words: str) -> None:
        self.see(f"[...document.querySelectorAll({selector!r})].some((each) => each.innerText.includes({words!r}))")

    def click(self, selector: str) -> None:
        """What the navigation at the foot covers is scrolled to before it is touched, as a person does."""
        self.run(f"document.querySelector({selector!r})?.scrollIntoView({{ block: 'center' }})")
        self.ask("POST", f"/element/{self.find(selector)}/click", {})

    def type(self, selector: str, text: str) -> None:
        self.ask("POST", f"/element/{self.find(selector)}/value", {"text": text})

    def shoot(self, name: str) -> None:
        ARTEFACTS.mkdir(exist_ok=True)
        (ARTEFACTS / f"{name}.png").write_bytes(base64.b64decode(self.ask("GET", "/screenshot")))

    def complaints(self) -> list[str]:
        """What the console says went wrong. At addresses that are no page, Chromium looks for an icon of its own."""
        said = [each for each in self.ask("POST", "/se/log", {"type": "browser"}) if each["level"] == "SEVERE"]
        return [each["message"] for each in said if "/favicon.ico" not in each["message"]]

    def pair(self) -> None:
        self.open("/live")
        cookie = self._hub.access.pair(self._hub.access.offer_code(), "browser")
        self.ask("POST", "/cookie", {"cookie": {"name": "nexa_session", "value": cookie}})
        self.open("/")
        self.see("document.querySelector('#link').innerText === 'live'")

    def go(self, view: str) -> None:
        """By the navigation, as a person does."""
        self.click(f"#to-{view}")
        self.see(f"document.querySelector('#view-{view}:not([hidden])')")

    def quit(self) -> None:
        """Whoever opens the next one meets nothing of this one."""
        self.run("localStorage.clear(); sessionStorage.clear()")
        self.ask("DELETE", "/cookie")
        self.ask("POST", "/url", {"url": "about:blank"})
        self.complaints()

    def find(self, selector: str) -> str:
        found = self.ask("POST", "/element", {"using": "css selector", "value": selector})
        return str(next(iter(found.values())))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    missing = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"not run: {' and '.join(missing)} missing")
    port = _free_port()
    process = subprocess.Popen(["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    transport = httpx.HTTPTransport(retries=8)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, transport=transport) as client:
        client.get("/status").raise_for_status()
        driver = Driver(client)
        yield driver
        driver.quit()
    process.terminate()
    process.wait(60)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    hub = Hub(tmp_path)
    yield hub
    hub.stop()


@pytest.fixture
def stranger(driver: Driver, hub: Hub) -> Iterator[Browser]:
    """A browser that is not paired."""
    browser = Browser(driver, hub, width=1280, height=1000)
    yield browser
    browser.quit()


@pytest.fixture
def page(stranger: Browser) -> Iterator[Browser]:
    """A paired browser that shows the page; it must have had nothing to complain about."""
    stranger.pair()
    yield stranger
    assert [each for each in stranger.complaints() if "net::ERR" not in each and "status of 4" not in each] == []


def test_a_person_pairs_by_typing_the_code(stranger, hub) -> None:
    stranger.open("/")
    stranger.see("location.pathname === '/pair'")
    stranger.see("document.querySelector('#code') === document.activeElement")
    stranger.shoot("pairing")
    code = hub.codes[-1]
    stranger.type("#code", f"{(int(code) + 1) % 1_000_000:06d}{ENTER}")
    stranger.see_text("#told", "That is not the code")
    stranger.run("document.querySelector('#code').value = ''")
    stranger.type("#code", f"{code}{ENTER}")
    stranger.see("document.title === 'Test Home'")
    stranger.see("document.querySelector('#link').innerText === 'live'")


def test_a_code_that_was_scanned_pairs_at_once_and_stays_in_no_history(stranger, hub) -> None:
    stranger.open("/")
    stranger.see("location.pathname === '/pair'")
    stranger.open(f"/pair#{hub.codes[-1]}")
    stranger.see("document.title === 'Test Home'")
    stranger.see("location.hash === ''")


def test_the_home_is_shown_in_plain_words(page) -> None:
    rooms = page.run("return [...document.querySelectorAll('#rooms h3')].map((each) => each.innerText)")
    assert rooms == ["Living Room", "Kitchen", "Not in a room yet"]
    shown = page.text("main")
    for words in (
        "Movie night",
        "2 devices",
        "84.2\u202fkWh",
        "93.4\u202fW",
        "21.5\u202f°C",
        "20.5\u202f°C, heating",
        "Open, 70\u202f%",
        "Locked",
    ):
        assert words in shown
    assert "MQTT broker" not in shown
    page.see_text("#issues", "cannot run")
    page.go("settings")
    page.see_text("#sync-text", "Online: the cloud has everything.")


def test_a_switch_turns_the_lamp_on(page, hub) -> None:
    page.click(f"{LAMP_CARD} .switch")
    page.see(f"document.querySelector(`{LAMP_CARD}`).classList.contains('lit')")
    assert [(what, told) for what, told, _ in hub.door.asked] == [
        ("set", {"name": "light.living_room_lamp", "on": True})
    ]
    assert page.run(f"return document.activeElement === document.querySelector(`{LAMP_CARD} .switch`)")


def test_a_lamp_that_does_not_answer_is_told_at_its_card(page, hub) -> None:
    hub.door.unreachable = {"light.living_room_lamp"}
    page.click(f"{LAMP_CARD} .switch")
    page.see_text(f"{LAMP_CARD} [role=alert]", "did not report it")
    assert page.run(f"return document.querySelector(`{LAMP_CARD} .switch`).checked") is False


def test_a_scene_tells_what_came_of_it(page, hub) -> None:
    page.click("#scenes button:nth-child(1)")
    page.see_text("#scene-told", "Movie night: done, 2 devices.")
    hub.door.unreachable = {"light.living_room_lamp"}
    page.click("#scenes button:nth-child(1)")
    page.see_text("#scene-told", "1 of 2 devices followed.")
    page.see_text("#scene-told li", "Living Room Lamp: did not answer")
    hub.door.unreachable = set()
    page.click("#scene-told button")
    page.see_text("#scene-told", "Movie night: done, 2 devices.")
    assert page.run("return document.activeElement.className") == "press"
    assert [each[:2] for each in hub.door.asked] == [("scene", MOVIE)] * 3


def test_a_light_is_given_another_colour(stranger, hub) -> None:
    can = {"on": {"type": "bool", "access": "rw"}, "color": {"type": "text", "access": "rw"}}
    strip = entity("light.strip", "on", None, capabilities=can, attributes={"rgb_color": [255, 0, 0]})
    hub.door.devices_now.append(device("strip", "Strip", "light", None, strip))
    stranger.pair()
    stranger.see("document.querySelector(\"[aria-label='Strip, Colour']\")?.value === '#ff0000'")
    stranger.run(
        "const field = document.querySelector(\"[aria-label='Strip, Colour']\"); field.value = '#00ff00'; field.dispatchEvent(new Event('change'))"
    )
    stranger.see("!document.querySelector('[aria-busy]')")
    assert hub.door.asked[-1][1] == {"name": "light.strip", "color": "#00ff00"}


def test_scenes_can_be_pressed_without_a_mouse(page, hub) -> None:
    page.run("document.querySelector('#scenes button').focus()")
    page.type("#scenes button", ENTER)
    page.see_text("#scene-told", "done")


def test_what_changes_in_the_home_is_shown_without_a_reload(page, hub) -> None:
    page.run("window.sameage = true")
    hub.happens(lambda: hub.door.report("sensor.kitchen_temperature", "7.5"))
    page.see_text("[data-entity='sensor.kitchen_temperature']", "7.5")
    hub.happens(lambda: hub.door.report("light.living_room_lamp", "on", brightness=102))
    page.see_text(LAMP_CARD, "40\u202f%")
    hub.door.issues_now = [
        {
            "code": "x",
            "severity": "error",
            "title": "A lamp is silent",
            "text": "It says nothing.",
            "subject": LAMP,
            "since": AT,
        }
    ]
    hub.happens(lambda: hub.door.tell("issue", code="x"))
    page.see_text("#issues", "A lamp is silent")
    assert page.run("return window.sameage") is True


def test_a_notice_stands_on_the_page_until_somebody_dismisses_it(page, hub) -> None:
    assert page.run("return document.querySelector('#notices').hidden") is True
    washing = {"id": "tag/washing", "title": "Washing", "message": "It is <b>done</b>.", "created_at": AT}
    hub.door.notices_now = [{**washing, "source": "automation"}]
    hub.happens(lambda: hub.door.tell("notice", id="tag/washing"))
    page.see_text("#notices", "It is <b>done</b>.")
    page.click("#notices button")
    page.see("document.querySelector('#notices').hidden")
    [(action, told, _)] = hub.door.asked
    assert (action, told["data"]) == ("persistent_notification.dismiss", {"notification_id": "tag/washing"})


def test_a_found_thing_is_taken_up_with_the_code_that_is_typed(page, hub) -> None:
    page.see_text("#found-needing", "Enter the code that is printed on it.")
    page.type("#found-needing input[name=code]", f"031-45-154{ENTER}")
    page.see("!document.querySelector('#found-needing').innerText.includes('Thermostat')")
    assert [each[:2] for each in hub.door.asked] == [("add", {"what": "homekit/aa", "given": ["code"]})]


def test_a_thing_that_was_lost_is_only_tried_again(stranger, hub) -> None:
    (waiting, *_) = hub.door.discovered_now
    waiting |= {"status": "lost", "reason": "it does not answer", "needs": None}
    stranger.pair()
    stranger.see_text("#found-needing", "It does not answer")
    stranger.click("#found-needing form button:first-of-type")
    stranger.see("!document.querySelector('#found-needing').innerText.includes('Thermostat')")
    assert [each[:2] for each in hub.door.asked] == [("add", {"what": "homekit/aa", "given": []})]


def test_what_a_person_does_is_not_disturbed_by_what_happens(page, hub) -> None:
    page.click(f"{LAMP_CARD} summary")
    page.run(
        "window.card = document.querySelector(`"
        + LAMP_CARD
        + "`); const field = document.querySelector(\"[data-entity='climate.thermostat'] input\"); field.focus(); field.value = '2'; window.field = field"
    )
    hub.door.devices_now[0]["name"] = "Big Lamp"
    hub.happens(lambda: hub.door.tell("device", id=LAMP, name="Big Lamp"))
    page.see_text(LAMP_CARD, "Big Lamp")
    assert page.run("return document.activeElement === window.field && window.field.value === '2'")
    assert page.run("return window.card.isConnected && window.card.querySelector('details').open")


def test_a_story_that_is_read_stays_open_when_another_run_comes(page, hub) -> None:
    page.go("automations")
    page.see("document.querySelector('#runs summary')")
    page.run("document.querySelector('#runs summary').click()")
    page.see("document.querySelectorAll('#runs .trace li').length > 1")
    new = {**hub.door.traces[0], "run_id": "90000000-0000-4000-8000-000000000000", "automation": "A new one"}
    hub.door.traces.insert(0, new)
    hub.happens(lambda: hub.door.tell("run", id="9"))
    page.see_text("#runs", "A new one")
    assert page.run("return document.querySelectorAll('#runs details[open] .trace li').length > 1")


def test_a_slider_under_the_finger_stays_where_it_is(page, hub) -> None:
    slider = f"document.querySelector(`{BLIND_CARD} input[type=range]`)"
    page.run(f"{slider}.value = 20; {slider}.dispatchEvent(new Event('input'))")
    hub.happens(lambda: hub.door.report("cover.blind", "open", current_position=90))
    page.see_text(BLIND_CARD, "Open, 90\u202f%")
    assert page.run(f"return {slider}.value") == "20"
    page.run(f"{slider}.dispatchEvent(new Event('change'))")
    page.see_text(BLIND_CARD, "Open, 20\u202f%")
    assert hub.door.asked[-1][1] == {"name": "cover.blind", "position": 20}


def test_a_blind_can_be_stopped_and_a_lock_asks_twice(page, hub) -> None:
    page.click(f"{BLIND_CARD} button:nth-child(2)")
    page.click("[aria-label='Front Door Lock: Unlock']")
    page.see_text("[data-entity='lock.front_door'] button.ask", "Really unlock?")
    assert [each[0] for each in hub.door.asked] == ["cover.stop_cover"]
    page.click("[data-entity='lock.front_door'] button.ask")
    page.see_text("[data-entity='lock.front_door']", "Unlocked")
    assert hub.door.asked[-1][1] == {"name": "lock.front_door", "locked": False}


def test_a_player_shows_what_it_plays_and_is_paused_and_set_by_hand(stranger, hub) -> None:
    can = {
        "playing": {"type": "bool", "access": "rw"},
        "volume": {"type": "int", "access": "rw", "unit": "%", "min": 0, "max": 100},
        "source": {"type": "enum", "access": "rw", "options": ["TV", "Radio Paradise"]},
    }
    plays = {"media_title": "Waterloo", "media_artist": "Abba", "volume_level": 0.2, "source": None}
    speaker = entity("media_player.speaker", "playing", None, capabilities=can, attributes=plays)
    hub.door.devices_now.append(device("speaker", "Speaker", "speaker", None, speaker))
    stranger.pair()
    card = "[data-entity='media_player.speaker']"
    stranger.see_text(card, "Playing: Abba – Waterloo")
    stranger.see_text(card, "20\u202f%")

    stranger.click("[aria-label='Speaker: Pause']")
    stranger.see_text(card, "Paused: Abba – Waterloo")
    assert hub.door.asked[-1][1] == {"name": "media_player.speaker", "playing": False}
    volume = f"document.querySelector(`{card} input[type=range]`)"
    stranger.run(f"{volume}.value = 35; {volume}.dispatchEvent(new Event('change'))")
    stranger.see_text(card, "35\u202f%")
    assert hub.door.asked[-1][1] == {"name": "media_player.speaker", "volume": 35}
    source = f"document.querySelector(`{card} select`)"
    stranger.run(f"{source}.value = 'Radio Paradise'; {source}.dispatchEvent(new Event('change'))")
    stranger.see(f"{source}.value === 'Radio Paradise' && !document.querySelector('[aria-busy]')")
    assert hub.door.asked[-1][1] == {"name": "media_player.speaker", "source": "Radio Paradise"}
    assert stranger.complaints() == []


def test_a_target_temperature_is_set_by_typing_it(page, hub) -> None:
    page.run("document.querySelector(\"[data-entity='climate.thermostat'] input\").value = ''")
    page.type("[data-entity='climate.thermostat'] input", f"19.5{ENTER}")
    page.see("document.querySelector(\"[data-entity='climate.thermostat'] input\").value === '19.5'")
    page.see("!document.querySelector('[aria-busy]')")
    assert hub.door.asked[-1][1] == {"name": "climate.thermostat", "target_temperature": 19.5}


def test_a_run_opens_to_its_story(page) -> None:
    page.go("automations")
    page.see("document.querySelector('#runs summary')")
    page.click("#runs summary")
    page.see_text("#runs .trace", "Turn on: Living Room Lamp")
    assert "done after 80 ms" in page.text("#runs .trace")
    assert "did not run" not in page.text("#runs")
    page.click("#all-runs")
    page.see_text("#runs", "did not run")
    assert "Kitchen Climate Temperature: 16\u202f°C, below 17" in page.text("#runs")


def test_an_open_story_goes_on_as_the_run_does(page, hub) -> None:
    page.go("automations")
    page.see("document.querySelector('#runs summary')")
    page.click("#runs summary")
    page.see_text("#runs .trace", "Turn on: Living Room Lamp")
    run = hub.door.traces[0]
    step = {
        "path": "actions/2",
        "kind": "action",
        "action": "light.turn_off",
        "target": [LAMP],
        "at": AT,
        "result": "ok",
    }
    hub.door.traces[0] = {**run, "completed_at": "2026-06-01T12:00:30+00:00", "steps": [*run["steps"], step]}
    hub.happens(lambda: hub.door.tell("run", id=run["run_id"]))
    page.see_text("#runs .trace", "Turn off")


def test_a_lost_connection_is_told_and_what_was_missed_is_heard_once(page, hub) -> None:
    page.see_text("[data-entity='sensor.kitchen_temperature']", "21.5")
    page.run("performance.clearResourceTimings()")
    hub.stop()
    page.see_text("#link", "connection lost")
    page.shoot("connection-lost")
    hub.door.report("sensor.kitchen_temperature", "3.5")
    hub.door.report("light.living_room_lamp", "on")
    hub.start()
    page.see("document.querySelector('#link').innerText === 'live'")
    page.see_text("[data-entity='sensor.kitchen_temperature']", "3.5")
    page.see(f"document.querySelector(`{LAMP_CARD}`).classList.contains('lit')")
    hub.happens(lambda: hub.door.report("light.living_room_lamp", "off"))
    page.see(f"!document.querySelector(`{LAMP_CARD}`).classList.contains('lit')")
    read = "performance.getEntriesByType('resource').filter((each) => each.name.endsWith('/devices')).length"
    assert page.run(f"return {read}") == 0


def test_after_a_restart_of_the_hub_everything_is_read_anew(page, hub) -> None:
    page.see(f"document.querySelector(`{LAMP_CARD}`)")
    hub.stop()
    hub.door.told = Changes()
    hub.door.devices_now[0]["entities"][0]["state"] = "on"
    hub.start()
    page.see(f"document.querySelector(`{LAMP_CARD}`).classList.contains('lit')")
    page.see("document.querySelector('#link').innerText === 'live'")


def test_a_phone_that_slept_goes_on_with_a_new_connection(page, hub) -> None:
    page.run(
        "const Real = EventSource; window.EventSource = class extends Real { constructor(address) { super(address); window.asked = address; } };"
        "const now = Date.now; Date.now = () => now() + 60000; document.dispatchEvent(new Event('visibilitychange'));"
    )
    assert "after=" in page.run("return window.asked")
    hub.happens(lambda: hub.door.report("sensor.kitchen_temperature", "4.5"))
    page.see_text("[data-entity='sensor.kitchen_temperature']", "4.5")


def test_the_page_opens_without_the_hub_says_so_and_comes_back_by_itself(page, hub) -> None:
    page.run("window.isKept = false; navigator.serviceWorker.ready.then(() => { window.isKept = true; })")
    page.see("window.isKept")
    hub.stop()
    page.open("/#health")
    page.see_text("#health", "How it stands is shown as soon as the hub answers.")
    page.ask("POST", "/refresh", {})
    page.see("document.querySelector('#away')?.checkVisibility()")
    page.see_text("#away", "The hub cannot be reached")
    page.see_text("#health", "How it stands is shown as soon as the hub answers.")
    assert page.run("return [...document.querySelectorAll('.view:not([hidden]) summary')].filter((each) => each.checkVisibility() && !each.innerText).length") == 0  # fmt: skip
    page.shoot("hub-away")
    hub.start()
    page.see_text("#health-score", "84 of 100")
    page.see("document.querySelector('#away').hidden")
    assert "as soon as the hub answers" not in page.text("#view-health")
    page.see_text("#health-more summary", "All devices")
    kept = "caches.keys().then((names) => Promise.all(names.map(async (name) => (await (await caches.open(name)).keys()).map((each) => new URL(each.url).pathname)))).then((found) => { window.kept = found.flat(); })"
    page.run(f"window.kept = null; {kept}")
    page.see("window.kept")
    assert [each for each in page.run("return window.kept") if each.startswith("/api/")] == []


def test_after_an_upgrade_the_open_page_is_the_new_one(page, hub, tmp_path) -> None:
    page.run("window.isKept = false; navigator.serviceWorker.ready.then(() => { window.isKept = true; })")
    page.see("window.isKept")
    page.run("window.isOfBefore = true")
    hub.stop()
    shutil.copytree(STATIC, tmp_path / "static")
    with (tmp_path / "static" / "page.css").open("a") as styles:
        styles.write("#title::after { content: ' (new)'; }")
    hub.files, hub.door.told = PageFiles(tmp_path / "static"), Changes()
    hub.start()
    page.see("window.isOfBefore === undefined && document.querySelector('#link').innerText === 'live'")
    assert page.run("return getComputedStyle(document.querySelector('#title'), '::after').content") == '" (new)"'


def test_two_browsers_show_the_same_home(page, driver, hub) -> None:
    phone = Browser(driver, hub, width=390, height=844)
    try:
        phone.pair()
        page.click(f"{LAMP_CARD} .switch")
        phone.see(f"document.querySelector(`{LAMP_CARD}`).classList.contains('lit')")
        phone.click(f"{LAMP_CARD} .switch")
        page.see(f"!document.querySelector(`{LAMP_CARD}`).classList.contains('lit')")
    finally:
        phone.quit()


def test_a_hub_that_cannot_answer_now_is_asked_again(stranger, hub) -> None:
    hub.door.failing = MirrorFull("The disk is full.")
    stranger.open("/live")
    cookie = hub.access.pair(hub.access.offer_code(), "browser")
    stranger.ask("POST", "/cookie", {"cookie": {"name": "nexa_session", "value": cookie}})
    stranger.open("/")
    stranger.see_text("#link", "The disk is full.")
    hub.door.failing = None
    stranger.see("document.querySelector('#link').innerText === 'live'")
    stranger.see_text("#title", "Test Home")


def test_a_browser_that_the_hub_has_forgotten_is_asked_to_pair(page, hub, tmp_path) -> None:
    hub.stop()
    hub.access = Access(tmp_path / "none.json", lambda: datetime.now(UTC), hub.codes.append)
    hub.start()
    page.see("location.pathname === '/pair'")


def test_an_empty_home_says_what_will_come(stranger, hub) -> None:
    hub.door.devices_now, hub.door.scenes_now, hub.door.traces, hub.door.automations_now = [], [], [], []
    stranger.pair()
    for selector, words in (("#rooms", "No devices yet"), ("#scenes", "No scenes yet")):
        stranger.see_text(selector, words)
    stranger.shoot("empty")
    stranger.go("automations")
    stranger.see_text("#runs", "No automation has run yet")


@pytest.mark.parametrize(
    "name, size, is_dark",
    [
        ("desktop", (1280, 1600), False),
        ("desktop-dark", (1280, 1600), True),
        ("phone", (390, 844), False),
        ("phone-dark", (390, 844), True),
    ],
)
def test_the_page_fits_the_screen_and_asks_nobody_else(driver, hub, name, size, is_dark) -> None:
    hub.door.devices_now[0]["entities"][0] |= {
        "state": "on",
        "attributes": {"brightness": 128, "color_temp_kelvin": 2700},
    }
    hub.door.devices_now[6] |= {
        "name": "A climate sensor with a name that is much longer than anybody would like",
        "battery_level": 9,
    }
    browser = Browser(driver, hub, width=size[0], height=size[1], is_dark=is_dark)
    try:
        browser.pair()
        browser.run(f"document.querySelector(`{LAMP_CARD} summary`).click()")
        assert browser.run("return matchMedia('(prefers-color-scheme: dark)').matches") is is_dark
        for view in VIEWS:
            browser.go(view)
            browser.see("document.querySelector('.view:not([hidden])').innerText !== ''")
            browser.shoot(f"{name}-{view}")
            assert browser.run("return document.documentElement.scrollWidth <= innerWidth"), view
        origins = browser.run(
            "return [...new Set(performance.getEntriesByType('resource').map((each) => new URL(each.name).origin))]"
        )
        assert origins == [hub.url]
        assert browser.complaints() == []
    finally:
        browser.quit()


def test_every_control_has_a_name_and_every_id_is_there_once(page) -> None:
    for view in VIEWS:
        page.go(view)
    page.run("for (const each of document.querySelectorAll('details')) each.open = true")
    unnamed = page.run(
        "return [...document.querySelectorAll('button, input, select')].filter((each) => !(each.getAttribute('aria-label') || each.innerText || each.labels?.length)).map((each) => each.outerHTML)"
    )
    assert unnamed == []
    assert (
        page.run(
            "const ids = [...document.querySelectorAll('[id]')].map((each) => each.id); return ids.filter((id, at) => ids.indexOf(id) !== at)"
        )
        == []
    )
    assert (
        page.run(
            "return [...document.querySelectorAll('[aria-labelledby]')].filter((each) => !document.getElementById(each.getAttribute('aria-labelledby'))).length"
        )
        == 0
    )


def test_what_the_page_is_made_of_is_small() -> None:
    files = [file for file in STATIC.rglob("*") if file.is_file()]
    assert sum(len(gzip.compress(file.read_bytes())) for file in files) < 150_000


def test_views_are_reached_by_address_by_back_and_by_keyboard(page, hub) -> None:
    page.see("document.querySelector('#scenes button')")
    page.run("document.querySelector('#to-health').focus()")
    page.type("#to-health", ENTER)
    page.see("document.querySelector('#view-health:not([hidden])')")
    assert page.run("return document.activeElement.id") == "title"
    assert page.run("return document.title") == "Health – Test Home"
    assert page.run("return [...document.querySelectorAll('[aria-current=page]')].map((each) => each.id)") == [
        "to-health"
    ]
    page.run("history.back()")
    page.see("document.title === 'Test Home' && !document.querySelector('#view-home').hidden")
    assert page.run("return document.querySelector('#view-health').hidden") is True
    page.open("/#settings")
    page.see_text("#title", "Settings")


def test_only_the_view_that_is_seen_is_read(page) -> None:
    page.go("settings")
    page.see_text("#sync-text", "Online")
    read = page.run("return performance.getEntriesByType('resource').map((each) => new URL(each.name).pathname)")
    assert "/api/v1/sync" in read
    assert [each for each in read if each.startswith(("/api/v1/runs", "/api/v1/security"))] == []
    assert "/static/health_view.js" not in read


def test_the_page_is_german_where_somebody_chose_it(page, hub) -> None:
    page.go("settings")
    page.see("document.querySelector('#language')")
    page.run(
        "const select = document.querySelector('#language'); select.value = 'de'; select.dispatchEvent(new Event('change'))"
    )
    page.see("document.documentElement.lang === 'de'")
    page.see_text("#title", "Optionen")
    page.see_text("#link", "live")
    page.shoot("german-settings")
    issue = {
        "code": "battery_low",
        "severity": "warning",
        "subject": LAMP,
        "since": AT,
        "title": "A battery is almost empty",
    }
    hub.door.issues_now = [{**issue, "text": "The battery of Kitchen: left is at 9\u202f%. Have 2 × AAA ready."}]
    page.go("health")
    page.see_text("#problems", "Eine Batterie ist fast leer")
    page.see_text("#problems", "Die Batterie von Kitchen: left steht bei 9\u202f%. Halte bereit: 2 × AAA.")
    page.go("home")
    page.see_text("#scenes-title", "Szenen")
    page.shoot("german-home")
