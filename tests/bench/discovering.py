"""Many devices that nobody has met: how soon they are all there, and what announcements without end cost an automation."""

import contextlib
import copy
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hub_agent.model.report import MqttMessage
from tests.bench import home
from tests.bench.agent import AgentProcess
from tests.bench.home import BASE, Size
from tests.bench.peers import Peer
from tests.bench.reaction import FLOOR, Bench
from tests.bench.table import Measure
from tests.fakes.broker import free_port
from tests.recorded.homie.corpus import VALUES_4, tree_4

# 500 devices: of one Zigbee2MQTT, by Home Assistant's discovery (each of several parts), of Tasmota, of Homie.
ZIGBEE, ANNOUNCED, TASMOTAS, HOMIES = 200, 200, 50, 50
DEVICES = ZIGBEE + ANNOUNCED + TASMOTAS + HOMIES
PARTS = 1000
WITHIN_S_MAX = 120.0
TASMOTA = Path(__file__).parents[1] / "recorded/data/tasmota/ha_tests_discovery.json"
PREFIX = "homeassistant"


def discovery(folder: Path, *, is_quick: bool) -> list[Measure]:
    """The mirror is empty, everything is retained at the broker, and the agent starts."""
    port = free_port()
    with _mosquitto(folder, port):
        count = Peer("retain", port=port).answer()
        floor_s = Peer("hoarder", port=port, count=count).answer()
        agent = AgentProcess(folder, port, free_port())
        agent.compile()
        runs = [_discovered(folder, agent) for _ in range(1 if is_quick else 3)]
    there, live, cpu = min(runs, key=lambda run: run[1])
    note = f"{count:,} retained messages; all devices are there after {there:.1f} s, {cpu:.1f} s of the agent's own work until all are live; floor: a bare client that receives them"
    return [Measure(f"{DEVICES} devices unknown so far, until all are live", live, "s", floor_s, at_most=10, note=note)]


@contextlib.contextmanager
def _mosquitto(folder: Path, port: int) -> Iterator[None]:
    """The broker of a Pi: the one from a wheel does not hand out thousands of retained messages."""
    settings = folder / "mosquitto.conf"
    settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n", encoding="ascii")
    program = shutil.which("mosquitto", path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin")
    assert program is not None, "this measure needs mosquitto"
    process = subprocess.Popen([program, "-c", settings], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                assert time.monotonic() < deadline, "mosquitto does not listen"
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait()


def _discovered(folder: Path, agent: AgentProcess) -> tuple[float, float, float]:
    """Seconds from the start of the process until all devices are there, and until each has said how it is; and of the processor's time."""
    for old in folder.glob("mirror.db*"):
        old.unlink()
    begun = time.perf_counter()
    try:
        agent.start()
        agent.wait_for_doors()
        there = 0.0
        while time.perf_counter() - begun < WITHIN_S_MAX:
            devices = agent.status()["counts"]["devices"]
            if devices >= DEVICES and not there:
                there = time.perf_counter() - begun
            if there and _are_live(agent):
                return there, time.perf_counter() - begun, agent.cpu_s()
            time.sleep(0.2)
    finally:
        agent.stop()
    raise TimeoutError(f"Only {devices} of {DEVICES} devices are there")


def _are_live(agent: AgentProcess) -> bool:
    """Every device has told something of itself."""
    devices = [each for each in agent.ask("GET", "/api/v1/devices") if each["entities"]]
    return all(any(entity["state"] != "unknown" for entity in each["entities"]) for each in devices)


def flood(bench: Bench) -> list[Measure]:
    """1,000 announcements a second: new ones, repeats, changed ones and hostile ones. The floor's client receives them, too."""
    seconds = 8 if bench.is_quick else 60
    settings = {"port": bench.port, "rate": 25, "every": 1, "seconds": seconds, "pairs": bench.size.pairs}
    floor = Peer("echo", port=bench.port, base=FLOOR, first=0, hears=[f"{PREFIX}/#"])
    try:
        calm_floor = Peer("rhythm", base=FLOOR, **settings).answer()
        calm = Peer("rhythm", base=BASE, **settings).answer()
        announcer = Peer("announcer", port=bench.port, rate=1000, seconds=3 * seconds + 30)
        announcer.go()
        try:
            busy_floor = Peer("rhythm", base=FLOOR, **settings).answer()
            busy = Peer("rhythm", base=BASE, **settings).answer()
        finally:
            announcer.end()
    finally:
        floor.end()
    note = (
        f"calm {calm['p99'] * 1000:.1f} ms (floor {calm_floor['p99'] * 1000:.1f} ms), in the flood {busy['p99'] * 1000:.1f} ms "
        f"(floor {busy_floor['p99'] * 1000:.1f} ms); {calm['sent'] - calm['answered'] + busy['sent'] - busy['answered']} commands did not come"
    )
    return [
        Measure("event to command during 1,000 announcements/s, median", busy["median"] * 1000, "ms", busy_floor["median"] * 1000),
        Measure("event to command during 1,000 announcements/s, p99", busy["p99"] * 1000, "ms", busy_floor["p99"] * 1000, at_most=calm["p99"] * 2000, note=note),
    ]  # fmt: skip


# What is announced.


def whole_home() -> Iterator[MqttMessage]:
    size = Size(ZIGBEE, 0)
    yield _said(f"{BASE}/bridge/state", {"state": "online"})
    yield _said(f"{BASE}/bridge/devices", home.bridge_devices(size))
    for topic, payload in home.first_states(size):
        yield _said(topic, payload)
    for number in range(PARTS):
        device, part = number % ANNOUNCED, number // ANNOUNCED
        yield _said(f"{PREFIX}/sensor/unit{device}/part{part}/config", config(device, part))
        yield _said(f"unit{device}/state", {f"part{each}": device + each for each in range(PARTS // ANNOUNCED)})
    yield from _tasmotas()
    for number in range(HOMIES):
        name = f"house{number}"
        yield from (MqttMessage(f"homie/{name}/{place}", text.encode()) for place, text in _last(tree_4(name)).items())
        yield from (MqttMessage(f"homie/{name}/{place}", text.encode()) for place, text in VALUES_4.items())


def config(device: int, part: int, /, **changed: object) -> dict[str, Any]:
    return {
        "name": f"Part {part}",
        "unique_id": f"unit{device}_part{part}",
        "object_id": f"unit{device}_part{part}",
        "state_topic": f"unit{device}/state",
        "value_template": f"{{{{ value_json.part{part} }}}}",
        "unit_of_measurement": "°C",
        "device_class": "temperature",
        "state_class": "measurement",
        "device": {"identifiers": [f"unit{device}"], "name": f"Unit {device}", "manufacturer": "Acme", "model": "U1"},
        **changed,
    }


def announcement(number: int) -> tuple[str, bytes]:
    """The `number`th of a flood: of five one is new until there are some hundred devices, one is changed, two are repeats, one is hostile."""
    device, part = number // 5 % 300, number // 1500 % 20
    topic = f"{PREFIX}/sensor/flood{device}/part{part}/config"
    match number % 5:
        case 0:
            return topic, json.dumps(config(1000 + device, part)).encode()
        case 1:
            changed = config(1000 + device % 50, 0, name=f"Part {number % 7}")
            return f"{PREFIX}/sensor/flood{device % 50}/part0/config", json.dumps(changed).encode()
        case 2 | 3:
            return f"{PREFIX}/sensor/flood{device % 20}/part1/config", json.dumps(
                config(1000 + device % 20, 1)
            ).encode()
    hostile = (
        b"{",
        b"[" * 1000,
        b'{"name": ' + b'"x' * 500,
        json.dumps(config(2000, 0, value_template="{% for a in range(9**9) %}x{% endfor %}")).encode(),
        json.dumps(config(2000, 1, device={"identifiers": ["y" * 5000] * 3})).encode(),
        json.dumps(config(2000, 2, state_topic=7, unit_of_measurement=[1])).encode(),
    )
    return f"{PREFIX}/sensor/bad{number % 97}/config", hostile[number // 5 % len(hostile)]


def _tasmotas() -> Iterator[MqttMessage]:
    base = json.loads(TASMOTA.read_text(encoding="utf-8"))["config"][0]["payload"]
    for number in range(TASMOTAS):
        mac, name = f"0000004A{number:04X}", f"tasmota_{number}"
        about = copy.deepcopy(base) | {"mac": mac, "t": name, "dn": f"Plug {number}", "hn": name, "rl": [1, *[0] * 7]}
        yield _said(f"tasmota/discovery/{mac}/config", about)
        yield _said(f"tasmota/discovery/{mac}/sensors", {"sn": {"ENERGY": {"Power": 3, "Total": 1.5}}, "ver": 1})
        yield MqttMessage(f"{name}/tele/LWT", b"Online")
        yield _said(f"{name}/tele/STATE", {"POWER": "ON", "Wifi": {"RSSI": 80}})
        yield _said(f"{name}/tele/SENSOR", {"ENERGY": {"Power": number, "Total": 1.5}})


def _last(said: list[tuple[str, str]]) -> dict[str, str]:
    """What a broker retains of it."""
    return dict(said)


def _said(topic: str, body: object) -> MqttMessage:
    return MqttMessage(topic, json.dumps(body).encode())
