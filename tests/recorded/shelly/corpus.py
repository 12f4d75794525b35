"""What real devices said, as their links pass it on, and at a broker."""

from pathlib import Path
from typing import Any

import orjson

from hub_agent.model.link import Frame
from hub_agent.model.report import MqttMessage

DATA = Path(__file__).parents[1] / "data" / "shelly"


def devices() -> dict[str, dict[str, Any]]:
    """By the id in the name of its file."""
    return {
        path.name.removesuffix(".json"): orjson.loads(path.read_bytes())
        for path in sorted(DATA.glob("*.json"))
        if ".coap." not in path.name
    }


def pushes() -> dict[str, dict[str, Any]]:
    """What devices of the first generation send by themselves."""
    return {
        path.name.partition(".coap.")[0]: orjson.loads(path.read_bytes())
        for path in sorted(DATA.glob("*.coap.cits.json"))
    }


def frame(peer: str, kind: str, body: Any) -> Frame:
    return Frame("shelly", peer, kind, body)


def corpus() -> list[Frame | MqttMessage]:
    return [*frames(), *messages()]


def messages() -> list[MqttMessage]:
    """At a broker, with what they answer to a driver that is asked nothing else."""
    from tests.recorded.shelly.mqtt_wire import CAPTURES, MqttHome, captured, message

    recorded = devices()
    later = {said["shelly"]["id"]: said for said in recorded.values() if said["shelly"].get("gen", 1) > 1}
    home = MqttHome(later)
    for prefix, said in later.items():
        home.hear(f"{prefix}/online", "true", retained=True)
        for method, params in (("NotifyStatus", said["status"]), ("NotifyEvent", {"events": _events()})):
            home.hear(f"{prefix}/events/rpc", {"src": prefix, "method": method, "params": params})
        for component, status in said["status"].items():
            home.hear(f"{prefix}/status/{component}", status)
    for name, said in recorded.items():
        info = said["shelly"]
        if "gen" not in info:
            announced = {
                "id": name,
                "model": info["type"],
                "mac": info["mac"],
                "ip": "192.168.33.7",
                "fw_ver": info["fw"],
            }
            home.hear("shellies/announce", announced)
            home.hear(f"shellies/{name}/info", said["status"])
    for path in sorted(CAPTURES.glob("*.txt")):
        home.take_all(captured(path.stem) * 2)
    home.take(message("shellies/shellyplug-s-7AECF4/online", "false"))
    return home.heard


def frames() -> list[Frame]:
    frames: list[Frame] = []
    pushed = pushes()
    for name, device in devices().items():
        frames += [frame(name, "device", device), frame(name, "status", device["status"])]
        if name in pushed:
            frames.append(frame(name, "coiot", pushed[name]))
        if device["shelly"].get("gen", 1) > 1:
            frames += [
                frame(name, "notify", {"method": "NotifyStatus", "params": device["status"]}),
                frame(name, "notify", {"method": "NotifyEvent", "params": {"events": _events()}}),
            ]
    return frames


def _events() -> list[dict[str, Any]]:
    return [
        {"component": "input:0", "id": 0, "event": "single_push", "ts": 1741254691.5},
        {"component": "sys", "event": "ota_progress", "progress_percent": 40, "ts": 1741254691.5},
    ]
