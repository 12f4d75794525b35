"""Frames of real accessories, in an order that the driver understands: all accessories, then readings and events of each."""

import json
from pathlib import Path
from typing import Any

from hub_agent.model.link import Frame

DATA = Path(__file__).parents[1] / "data" / "homekit"


def accessories(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((DATA / f"{name}.json").read_text())
    return found


def names() -> list[str]:
    return sorted(path.stem for path in DATA.glob("*.json"))


def corpus() -> list[Frame]:
    return [frame for name in names() for frame in frames(name)]


def frames(name: str) -> list[Frame]:
    said = accessories(name)
    values = [
        {"aid": accessory["aid"], "iid": each["iid"], "value": each["value"]}
        for accessory in said
        for service in accessory["services"]
        for each in service["characteristics"]
        if each.get("value") is not None
    ]
    return [
        Frame("homekit", name, "accessories", {"accessories": said}),
        Frame("homekit", name, "read", {"characteristics": values}),
        *(Frame("homekit", name, "event", {"characteristics": [value]}) for value in values),
    ]
