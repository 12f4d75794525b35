"""Frames of devices of every family, in an order in which the driver understands them."""

import json
from pathlib import Path

from hub_agent.model.link import Frame

DATA = Path(__file__).parents[1] / "data" / "lifx"


def corpus() -> list[Frame]:
    lines = (DATA / "families.jsonl").read_text().splitlines()
    return [Frame("lifx", peer, kind, body) for peer, kind, body in map(json.loads, lines)]
