"""Frames of a real node and of kinds that it has not, in an order in which the driver understands them."""

import json
from pathlib import Path

from hub_agent.model.link import Frame

DATA = Path(__file__).parents[1] / "data" / "esphome"
HOUSE = "063569abf679"
BOARD = "aabbcc112233"


def frames(name: str, peer: str) -> list[Frame]:
    lines = (DATA / f"{name}.jsonl").read_text().splitlines()
    return [Frame("esphome", peer, kind, body) for kind, body in map(json.loads, lines)]


def corpus() -> list[Frame]:
    return [*frames("house_node", HOUSE), *frames("old_board", BOARD)]
