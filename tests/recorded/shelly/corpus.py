"""What real devices said, as their links pass it on."""

from pathlib import Path
from typing import Any

import orjson

from hub_agent.model.link import Frame

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


def corpus() -> list[Frame]:
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
