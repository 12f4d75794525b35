"""Frames as the adapter says them, from nodes of real homes: the server, its controller, each node, and what happens to them."""

from pathlib import Path
from typing import cast

import orjson

from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import Frame

DATA = Path(__file__).parent.parent / "data" / "zwave"
PEER = "c16d02a3"
HOME = 0xC16D02A3


def frame(kind: str, body: JsonValue) -> Frame:
    return Frame("zwave", PEER, kind, body)


def server() -> Frame:
    return frame(
        "server", {"driverVersion": "15.29.0", "serverVersion": "3.10.2", "homeId": HOME, "maxSchemaVersion": 50}
    )


def controller() -> Frame:
    return frame("controller", {"homeId": HOME, "ownNodeId": 1, "firmwareVersion": "7.24", "type": 1})


def node_of(name: str) -> JsonObject:
    """`name`: the file without `_state.json`."""
    return cast("JsonObject", orjson.loads((DATA / f"{name}_state.json").read_bytes()))


def nodes() -> dict[str, JsonObject]:
    return {
        path.name.removesuffix("_state.json"): node_of(path.name.removesuffix("_state.json"))
        for path in sorted(DATA.glob("*_state.json"))
    }


def updated(number: int, command_class: int, name: str | int, value: JsonValue, **more: JsonValue) -> Frame:
    """A `value updated` of endpoint 0, or what `more` says otherwise."""
    said: dict[str, JsonValue] = {"commandClass": command_class, "endpoint": 0, "property": name, "newValue": value}
    return event(number, "value updated", args={**said, **more})


def event(number: int, name: str, **more: JsonValue) -> Frame:
    return frame("event", {"source": "node", "event": name, "nodeId": number, **more})


def corpus() -> list[Frame]:
    """One network of all of them; nodes whose numbers collide get another."""
    frames = [server(), controller()]
    numbers: list[JsonValue] = [1]
    for number, (_, said) in enumerate(nodes().items(), start=2):
        frames.append(frame("node", {**said, "nodeId": number}))
        numbers.append(number)
    frames.append(frame("listed", numbers))
    added = cast("JsonObject", orjson.loads((DATA / "nortek_thermostat_added_event.json").read_bytes()))
    removed = cast("JsonObject", orjson.loads((DATA / "nortek_thermostat_removed_event.json").read_bytes()))
    frames += [frame("event", added), frame("node", added["node"]), frame("event", removed)]
    for number in numbers[1:]:
        assert isinstance(number, int)
        frames += [
            updated(number, 38, "currentValue", 42),
            updated(number, 37, "currentValue", value=True),
            updated(number, 128, "level", 12),
            updated(number, 49, "Air temperature", 71.3),
            updated(number, 64, "mode", 2),
            event(
                number,
                "value notification",
                args={"commandClass": 91, "property": "scene", "propertyKey": "001", "value": 0},
            ),
            event(
                number,
                "metadata updated",
                args={"commandClass": 38, "property": "targetValue", "metadata": {"type": "number"}},
            ),
            event(number, "value removed", args={"commandClass": 112, "endpoint": 0, "property": 3}),
            event(number, "statistics updated", statistics={"commandsTX": 4, "rssi": -67}),
            *(event(number, name) for name in ("dead", "alive", "sleep", "wake up")),
        ]
    return frames
