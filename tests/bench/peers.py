"""The other side of the broker, each part a process of its own: a bare echo, a bare receiver, and the home's devices.

`python -m tests.bench.peers ROLE SETTINGS` prints "ready", works, and prints its answer as one line of JSON.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from tests.bench.agent import UnixHttp
from tests.bench.home import SCENE_LIGHTS, report

ROOT = Path(__file__).parents[2]
ANSWER_S_MAX = 300.0
COMMAND = json.dumps({"state": "ON", "brightness": 153}).encode()

Settings = dict[str, Any]


class Peer:
    """A role in a process of its own. `answer` waits for its end."""

    def __init__(self, role: str, **settings: object) -> None:
        command = [sys.executable, "-m", "tests.bench.peers", role, json.dumps(settings)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline().strip() == "ready"

    def go(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def answer(self) -> Any:
        told, _ = self._process.communicate(timeout=ANSWER_S_MAX)
        return json.loads(told)

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


def _client(port: int, subscribe: str, on_message: Callable[..., None]) -> mqtt.Client:
    """Connected and subscribed, on a thread of its own."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    is_subscribed = threading.Event()
    client.on_connect = lambda *_: client.subscribe(subscribe, 0)
    client.on_subscribe = lambda *_: is_subscribed.set()

    def heard(client: mqtt.Client, user: object, message: mqtt.MQTTMessage) -> None:
        on_message(client, user, message)
        _acknowledge(client)

    client.on_message = heard
    client.on_publish = lambda client, *_: _acknowledge(client)
    client.connect("127.0.0.1", port)
    opened = client.socket()
    assert isinstance(opened, socket.socket)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # or small messages wait for each other
    client.loop_start()
    assert is_subscribed.wait(10)
    return client


def _acknowledge(client: mqtt.Client) -> None:
    """Brokers keep a small message back until the last one is acknowledged, which the kernel would put off for 40 ms."""
    opened = client.socket()
    if isinstance(opened, socket.socket) and sys.platform == "linux":
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def _say_ready() -> None:
    print("ready", flush=True)


def _tell(answer: object) -> None:
    print(json.dumps(answer), flush=True)


def _wait_for_go() -> None:
    sys.stdin.readline()


# Bare parts: the floors.


def echo(settings: Settings) -> None:
    """What an automation does, with nothing in between: a motion sensor's message becomes its lamp's command.

    A button's message becomes the fifty commands of a scene.
    """
    base = settings["base"]

    def answer(client: mqtt.Client, _user: object, message: mqtt.MQTTMessage) -> None:
        name = message.topic.removeprefix(f"{base}/")
        if name.startswith("Motion "):
            client.publish(f"{base}/Lamp {name.removeprefix('Motion ')}/set", COMMAND, 1)
        elif name == "Button":
            for number in range(settings["first"], settings["first"] + SCENE_LIGHTS):
                client.publish(f"{base}/Lamp {number}/set", COMMAND, 1)

    client = _client(settings["port"], f"{base}/+", answer)
    for topics in settings.get("hears", ()):
        client.subscribe(topics, 0)
    _say_ready()
    threading.Event().wait()


def receiver(settings: Settings) -> None:
    """Counts messages; tells how long it took from `go` until it had them all."""
    seen = 0
    has_all = threading.Event()

    def count(_client: mqtt.Client, _user: object, _message: mqtt.MQTTMessage) -> None:
        nonlocal seen
        seen += 1
        if seen == settings["count"]:
            has_all.set()

    _client(settings["port"], f"{settings['base']}/+", count)
    _say_ready()
    _wait_for_go()
    begun = time.perf_counter()
    assert has_all.wait(60)
    _tell(time.perf_counter() - begun)


def hoarder(settings: Settings) -> None:
    """Everything that is retained: how long it takes from connecting until it is all there."""
    topics: set[str] = set()
    has_all = threading.Event()

    def note(_client: mqtt.Client, _user: object, message: mqtt.MQTTMessage) -> None:
        topics.add(message.topic)
        if len(topics) == settings["count"]:
            has_all.set()

    _say_ready()
    begun = time.perf_counter()
    _client(settings["port"], "#", note)
    assert has_all.wait(60), (len(topics), settings["count"])
    _tell(time.perf_counter() - begun)


# The home's devices.


def retain(settings: Settings) -> None:
    """A whole home that has said its last: answers the number of topics."""
    from tests.bench.discovering import whole_home  # which imports this file

    client = _client(settings["port"], "nobody/listens", lambda *_: None)
    _say_ready()
    topics = set()
    for message in whole_home():
        topics.add(message.topic)
        told = client.publish(message.topic, message.payload, 1, retain=True)
    told.wait_for_publish(60)
    _tell(len(topics))


def announcer(settings: Settings) -> None:
    """`rate` announcements a second, in packets made beforehand, until it is ended."""
    from tests.bench.discovering import announcement  # which imports this file

    rate, tick_s = settings["rate"], 0.01
    total = int(rate * settings["seconds"])
    packets = [_packet(*announcement(number)) for number in range(total)]
    sender = _bare_socket(settings["port"])
    _say_ready()
    _wait_for_go()
    begun, sent = time.perf_counter(), 0
    while sent < total:
        due = min(total, int((time.perf_counter() - begun) * rate))
        sender.sendall(b"".join(packets[sent:due]))
        sent = due
        time.sleep(tick_s)


class Lamps:
    """Note when a command for a lamp comes, and say what it says."""

    def __init__(self, settings: Settings) -> None:
        self.base = settings["base"]
        self.sent_at: dict[str, float] = {}
        self.took: list[float] = []
        self.commands = 0
        self.last_at = 0.0
        self.on_command = threading.Event()
        self.wait_until = 0
        self._says_so = settings.get("says_so", True)
        self.client = _client(settings["port"], f"{self.base}/+/set", self._take)

    def calm(self, pairs: int, payload: bytes) -> None:
        """Nobody moves anywhere, and all commands that came of that are through."""
        for pair in range(pairs):
            self.client.publish(f"{self.base}/Motion {pair}", payload)
        time.sleep(1)
        self.took.clear()

    def _take(self, client: mqtt.Client, _user: object, message: mqtt.MQTTMessage) -> None:
        now = time.perf_counter()
        lamp = message.topic.removeprefix(f"{self.base}/").removesuffix("/set")
        sent_at = self.sent_at.pop(lamp, None)
        if sent_at is not None:
            self.took.append(now - sent_at)
        self.last_at = now
        if self._says_so:
            client.publish(f"{self.base}/{lamp}", message.payload)
        self.commands += 1
        if self.commands == self.wait_until:
            self.on_command.set()


def rhythm(settings: Settings) -> None:
    """`rate` messages a second for `seconds`; each `every`th is a motion sensor's, whose lamp is to follow."""
    lamps = Lamps(settings)
    base, rate, every, pairs = settings["base"], settings["rate"], settings["every"], settings["pairs"]
    total = int(rate * settings["seconds"])
    motions = [json.dumps(report("Motion", number)).encode() for number in (0, 1)]
    climates = [json.dumps(report("Climate", number)).encode() for number in range(997)]
    _say_ready()
    lamps.calm(pairs, motions[0])
    begun = time.perf_counter()
    for number in range(total):
        due = begun + number / rate
        if (wait_s := due - time.perf_counter()) > 0:
            time.sleep(wait_s)
        if number % every:
            lamps.client.publish(f"{base}/Climate {number % pairs}", climates[number % 997])
            continue
        turn, pair = divmod(number // every, pairs)
        lamps.sent_at[f"Lamp {pair}"] = time.perf_counter()
        lamps.client.publish(f"{base}/Motion {pair}", motions[(turn + 1) % 2])
    time.sleep(1)
    took = sorted(lamps.took)
    _tell(
        {
            "sent": -(-total // every),
            "answered": len(took),
            "median": statistics.median(took),
            "p99": took[int(len(took) * 0.99)],
            "max": took[-1],
            "rate": total / (lamps.last_at - begun),
        }
    )


def press(settings: Settings) -> None:
    """Presses a scene, waits until its last lamp has its command, some times over."""
    lamps = Lamps(settings)
    path = f"/api/v1/scenes/{settings['scene']}/activate" if settings.get("scene") else ""
    _say_ready()
    took = []
    off = json.dumps(report("Lamp", 0)).encode()
    for _ in range(settings["times"]):
        for number in range(settings["first"], settings["first"] + SCENE_LIGHTS):
            lamps.client.publish(f"{lamps.base}/Lamp {number}", off)  # what is as it should be needs no command
        time.sleep(0.5)
        lamps.on_command.clear()
        lamps.wait_until = lamps.commands + SCENE_LIGHTS
        connection = UnixHttp(Path(settings["socket"])) if path else None
        if connection:
            connection.connect()
        begun = time.perf_counter()
        if connection:
            connection.request("POST", path, body="{}", headers={"content-type": "application/json"})
        else:
            lamps.client.publish(f"{lamps.base}/Button", b"{}")
        assert lamps.on_command.wait(10), lamps.commands
        took.append(lamps.last_at - begun)
        if connection:
            connection.getresponse().read()
            connection.close()
    _tell(took)


def firing(settings: Settings) -> None:
    """All motion sensors at once, again and again, each time as soon as all lamps have followed. Answers commands a second."""
    lamps = Lamps(settings)
    sender = _bare_socket(settings["port"])
    base, pairs, rounds = settings["base"], settings["pairs"], settings["rounds"]
    motions = [json.dumps(report("Motion", number)).encode() for number in (0, 1)]
    _say_ready()
    lamps.calm(pairs, motions[0])
    begun = time.perf_counter()
    for turn in range(rounds):
        lamps.on_command.clear()
        lamps.wait_until = lamps.commands + pairs
        packets = b"".join(_packet(f"{base}/Motion {pair}", motions[(turn + 1) % 2]) for pair in range(pairs))
        sender.sendall(packets)
        assert lamps.on_command.wait(10), lamps.commands
    _tell(pairs * rounds / (time.perf_counter() - begun))


def steady(settings: Settings) -> None:
    """`rate` changes of state a second: each message changes exactly one entity. Answers how many."""
    client = _client(settings["port"], "nobody/listens", lambda *_: None)
    base, rate, devices = settings["base"], settings["rate"], settings["devices"]
    total = int(rate * settings["seconds"])
    _say_ready()
    begun = time.perf_counter()
    for number in range(total):
        if (wait_s := begun + number / rate - time.perf_counter()) > 0:
            time.sleep(wait_s)
        turn, device = divmod(number, devices)
        kind, index = ("Climate", device // 2) if device % 2 else ("Lamp", device // 2)
        if kind == "Climate":
            body: dict[str, Any] = {"temperature": 18 + (turn * 13 + device) % 500 / 100}
        else:
            body = {"state": "ON" if turn % 2 else "OFF"}
        client.publish(f"{base}/{kind} {index}", json.dumps(body))
    time.sleep(2)
    _tell(total)


def burst(settings: Settings) -> None:
    """Everything at once, as packets made beforehand: a sender written in Python would be slower than what it measures."""
    base, pairs = settings["base"], settings["pairs"]
    packets = b"".join(_burst_packet(base, number, pairs) for number in range(settings["count"]))
    sender = _bare_socket(settings["port"])
    _say_ready()
    _wait_for_go()
    sender.sendall(packets)
    _wait_for_go()
    _tell(len(packets))


def _burst_packet(base: str, number: int, pairs: int) -> bytes:
    """Half climate sensors, three tenths switches that measure, two tenths lamps."""
    turn = number // 10
    match number % 10:
        case 0 | 2 | 4 | 6 | 8:
            name = f"Climate {number // 2 % pairs}"
        case 1 | 5 | 9:
            name = f"Switch {number // 3 % (pairs // 2)}"
        case _:
            name = f"Lamp {pairs + number // 5 % pairs}"
    return _packet(f"{base}/{name}", json.dumps(report(name.partition(" ")[0], turn + number)).encode())


def _bare_socket(port: int) -> socket.socket:
    """Connected to the broker, for packets made by hand."""
    opened = socket.create_connection(("127.0.0.1", port))
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    name = f"bare-{os.getpid()}".encode()
    body = b"\x00\x04MQTT\x04\x02\x00\x3c" + len(name).to_bytes(2, "big") + name
    opened.sendall(bytes((0x10, len(body))) + body)
    assert opened.recv(4) == b"\x20\x02\x00\x00"
    return opened


def _packet(topic: str, payload: bytes) -> bytes:
    """PUBLISH at QoS 0, MQTT 3.1.1."""
    name = topic.encode()
    body = len(name).to_bytes(2, "big") + name + payload
    assert len(body) < 16384
    return bytes((0x30, len(body) & 127 | 128, len(body) >> 7)) + body


ROLES = {
    role.__name__: role for role in (echo, receiver, hoarder, rhythm, press, firing, steady, burst, retain, announcer)
}


if __name__ == "__main__":
    ROLES[sys.argv[1]](json.loads(sys.argv[2]))
    os._exit(0)
