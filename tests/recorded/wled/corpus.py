"""What real strips said, as their links pass it on."""

from pathlib import Path
from typing import Any

import orjson

from hub_agent.model.link import Frame

DATA = Path(__file__).parents[1] / "data" / "wled"


def strips() -> dict[str, dict[str, Any]]:
    """By the name of the file."""
    bodies = {path.stem: orjson.loads(path.read_bytes()) for path in sorted(DATA.glob("*.json"))}
    presets = bodies.pop("presets")
    return {name: {"presets": presets} | body for name, body in bodies.items()}


def frame(peer: str, kind: str, body: Any) -> Frame:
    return Frame("wled", peer, kind, body)


def corpus() -> list[Frame]:
    frames: list[Frame] = []
    for name, strip in strips().items():
        frames += [
            frame(name, "device", strip),
            frame(name, "update", {"state": strip["state"], "info": strip["info"]}),
        ]
    return frames
