"""python -m tests.bench.page: how soon a browser shows the page, and what travels. Chromium with its processor four times slower, over a phone's network.

The home is a fake one behind the real server, so that the figures are the page's. Needs chromium and chromedriver.
"""

import copy
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.fakes.broker import free_port
from tests.system.test_page import Browser, Driver, Hub

SLOWER = 4
NETWORKS = {"Wi-Fi, 20 Mbit/s, 10 ms": (20e6, 10), "slow 4G, 1.6 Mbit/s, 150 ms": (1.6e6, 150)}
DEVICES = (10, 500)
_SEEN = """
const [paint] = performance.getEntriesByName('first-contentful-paint');
const all = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].filter((each) => !each.name.endsWith('/events'));
const page = all.filter((each) => !each.name.includes('/api/'));
const sum = (some) => some.reduce((bytes, each) => bytes + each.transferSize, 0);
const longest = Math.max(0, ...window.tasks.map((each) => each.duration));
return { paint: paint?.startTime, whole: window.wholeAt, last: window.lastAt, longest, page: sum(page), answers: sum(all) - sum(page), requests: all.length, outside: all.filter((each) => !each.name.startsWith(location.origin)).length };
"""
# What a finger waits for at worst while the page is drawn: a task in which nothing else gets its turn.
_WATCH = """
window.tasks = [];
new PerformanceObserver((list) => window.tasks.push(...list.getEntries())).observe({ type: 'longtask', buffered: true });
new MutationObserver(() => {
  if (!window.wholeAt && document.querySelector('.device') && document.querySelector('.press')) window.wholeAt = performance.now();
  if (!window.lastAt && document.querySelectorAll('.device').length === CARDS) window.lastAt = performance.now();
}).observe(document, { childList: true, subtree: true });
"""


@dataclass(frozen=True, slots=True)
class Load:
    network: str
    devices: int
    seen: dict[str, Any]


def measure(driver: Driver, directory: Path, network: str, devices: int) -> Load:
    hub = Hub(directory)
    fill(hub, devices)
    try:
        browser = Browser(driver, hub, width=390, height=844)
        browser.open("/live")
        cookie = hub.access.pair(hub.access.offer_code(), "browser")
        browser.ask("POST", "/cookie", {"cookie": {"name": "nexa_session", "value": cookie}})

        def devtools(command: str, **given: Any) -> None:
            browser.ask("POST", "/goog/cdp/execute", {"cmd": command, "params": given})

        bits, latency = NETWORKS[network]
        devtools("Network.enable")
        devtools("Network.setBypassServiceWorker", bypass=True)
        devtools("Network.emulateNetworkConditions", offline=False, latency=latency, downloadThroughput=bits / 8, uploadThroughput=bits / 8)  # fmt: skip
        devtools("Emulation.setCPUThrottlingRate", rate=SLOWER)
        cards = sum(bool(each["entities"]) for each in hub.door.devices_now)
        devtools("Page.addScriptToEvaluateOnNewDocument", source=_WATCH.replace("CARDS", str(cards)))
        browser.open("/")
        browser.see("window.wholeAt && window.lastAt")
        seen: dict[str, Any] = browser.run(_SEEN)
        devtools("Emulation.setCPUThrottlingRate", rate=1)
        devtools("Network.emulateNetworkConditions", offline=False, latency=0, downloadThroughput=-1, uploadThroughput=-1)  # fmt: skip
        browser.quit()
        return Load(network, devices, seen)
    finally:
        hub.stop()


def fill(hub: Hub, devices: int) -> None:
    """More devices like those that there are."""
    known = hub.door.devices_now
    first = len(known)
    while len(known) < devices:
        like = copy.deepcopy(known[len(known) % first])
        like["id"] = f"{like['id']}-{len(known)}"
        for entity in like["entities"]:
            entity["id"] = f"{entity['id']}_{len(known)}"
        known.append(like)


def main() -> None:
    port = free_port()
    chromedriver = subprocess.Popen(["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL)
    try:
        transport = httpx.HTTPTransport(retries=8)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120, transport=transport) as client:
            client.get("/status").raise_for_status()
            driver = Driver(client)
            print(f"Chromium, processor {SLOWER} times slower, nothing kept from before:")
            for network in NETWORKS:
                for devices in DEVICES:
                    with tempfile.TemporaryDirectory() as directory:
                        said(measure(driver, Path(directory), network, devices))
            driver.quit()
    finally:
        chromedriver.terminate()
        chromedriver.wait(60)


def said(load: Load) -> None:
    seen = load.seen
    print(
        f"{load.network}, {load.devices} devices: first paint {seen['paint']:.0f} ms, scenes and devices {seen['whole']:.0f} ms, "
        f"every device {seen['last']:.0f} ms, longest task {seen['longest']:.0f} ms; "
        f"{seen['requests']} requests, {seen['page'] / 1000:.1f} kB page and {seen['answers'] / 1000:.1f} kB answers, {seen['outside']} from outside"
    )


if __name__ == "__main__":
    main()
