"""Frames as the adapter says them: the server, nodes, what changes of them."""

from pathlib import Path
from typing import cast

import orjson

from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import Frame

DATA = Path(__file__).parent.parent / "data" / "matter"
PEER = "matter.local"
FABRIC = 0x8FD1CF2B1D4A5E6F
HOME = f"{FABRIC:016x}"


def frame(kind: str, body: JsonValue) -> Frame:
    return Frame("matter", PEER, kind, body)


def server() -> Frame:
    said: JsonObject = {"fabric_id": 1, "compressed_fabric_id": FABRIC, "schema_version": 11, "sdk_version": "2025.7.0"}
    return frame("server", said)


def node_of(name: str) -> JsonObject:
    return cast("JsonObject", orjson.loads((DATA / f"{name}.json").read_bytes()))


def nodes() -> dict[str, JsonObject]:
    return {path.stem: node_of(path.stem) for path in sorted(DATA.glob("*.json"))}


def changed(number: int, path: str, value: JsonValue) -> Frame:
    return frame("attribute", [number, path, value])


def event(number: int, endpoint: int, event_id: int, data: JsonValue = None) -> Frame:
    """An event of the Switch cluster."""
    said: JsonObject = {
        "node_id": number,
        "endpoint_id": endpoint,
        "cluster_id": 59,
        "event_id": event_id,
        "data": data,
    }
    return frame("event", said)


def made(number: int, *device_types: int, **attributes: JsonValue) -> JsonObject:
    """A node with one endpoint, in the server's form; `c6a0=True` is attribute 0 of cluster 6."""
    by_path: dict[str, JsonValue] = {
        "0/40/1": "Maker",
        "0/40/3": "Thing",
        "0/40/10": "1.0",
        "1/29/0": [{"0": kind, "1": 1} for kind in device_types],
    }
    for name, value in attributes.items():
        cluster, _, attribute = name.removeprefix("c").partition("a")
        by_path[f"1/{cluster}/{attribute}"] = value
    return {"node_id": number, "available": True, "attributes": by_path}


def corpus() -> list[Frame]:
    """All nodes as those of one server, with numbers of their own."""
    frames = [server()]
    numbers: list[JsonValue] = []
    for number, (_, said) in enumerate(nodes().items(), start=1):
        frames.append(frame("node", {**said, "node_id": number}))
        numbers.append(number)
    frames.append(frame("listed", numbers))
    for number in numbers:
        assert isinstance(number, int)
        for endpoint in range(1, 22):
            frames += [
                changed(number, f"{endpoint}/6/0", value=True),
                changed(number, f"{endpoint}/8/0", 127),
                changed(number, f"{endpoint}/69/0", value=False),
                changed(number, f"{endpoint}/768/7", 300),
                changed(number, f"{endpoint}/1026/0", -512),
                changed(number, f"{endpoint}/513/28", 3),
                changed(number, f"{endpoint}/258/14", 2500),
            ]
        frames += [
            event(number, 21, 6, {"totalNumberOfPressesCounted": 2}),
            frame("update", {"node": number, "offer": None}),
        ]
    frames.append(frame("removed", 1))
    return frames
