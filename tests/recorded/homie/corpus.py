"""Devices of convention 3, 4 and 5, as their messages come: trees of topics, descriptions, values, states."""

import json
from pathlib import Path
from typing import Any

from hub_agent.model.report import MqttMessage

DATA = Path(__file__).parents[1] / "data" / "homie"
Property = dict[str, Any]

# Of convention 5, with what its documentation shows of formats.
LAMP_5: dict[str, Any] = {
    "homie": "5.0", "version": 7, "name": "Desk lamp", "type": "acme-lamp", "parent": "gateway", "root": "gateway",
    "nodes": {
        "lamp": {
            "name": "Lamp", "type": "light",
            "properties": {
                "power": {"name": "Power", "datatype": "boolean", "settable": True},
                "brightness": {"name": "Brightness", "datatype": "integer", "format": "0:255:1", "settable": True},
                "color": {"name": "Colour", "datatype": "color", "format": "rgb,hsv", "settable": True},
                "color-temperature": {"name": "Warmth", "datatype": "integer", "format": "153:500", "unit": "mired", "settable": True},
            },
        },
        "meter": {
            "name": "Meter",
            "properties": {
                "power": {"name": "Power", "datatype": "float", "unit": "W"},
                "energy": {"name": "Energy", "datatype": "float", "unit": "kWh"},
                "temperature": {"name": "Temperature", "datatype": "float", "unit": "°F"},
            },
        },
    },
}  # fmt: skip
GATEWAY_5: dict[str, Any] = {
    "homie": "5.0", "version": 3, "name": "Gateway", "children": ["desk-lamp"],
    "nodes": {"system": {"properties": {"restart": {"datatype": "boolean", "settable": True, "retained": False}, "mode": {"datatype": "enum", "format": "home,away", "settable": True}}}},
}  # fmt: skip

# Of convention 4: node -> property -> attributes.
HOUSE_4: dict[str, dict[str, Property]] = {
    "light": {
        "power": {"datatype": "boolean", "settable": "true"},
        "dim": {"datatype": "float", "format": "0:1", "settable": "true"},
        "color": {"datatype": "color", "format": "hsv", "settable": "true"},
    },
    "shutter": {
        "position": {"datatype": "integer", "format": "0:100", "unit": "%", "settable": "true"},
        "action": {"datatype": "enum", "format": "up,down,stop", "settable": "true", "retained": "false"},
    },
    "climate": {
        "temperature": {"datatype": "float", "unit": "°C", "format": "-20:120"},
        "humidity": {"datatype": "integer", "unit": "%"},
        "setpoint": {"datatype": "float", "unit": "°C", "format": "5:30", "settable": "true"},
        "mode": {"datatype": "enum", "format": "off,heat,auto", "settable": "true"},
        "window": {"datatype": "boolean"},
    },
    "panel": {
        "button": {"datatype": "enum", "format": "single,double", "retained": "false"},
        "text": {"datatype": "string", "settable": "true"},
        "pump": {"datatype": "boolean", "settable": "true"},
    },
}
VALUES_4 = {
    "light/power": "true", "light/dim": "0.5", "light/color": "240,100,100", "shutter/position": "30", "climate/temperature": "21.5",
    "climate/humidity": "40", "climate/setpoint": "20", "climate/mode": "heat", "climate/window": "false", "panel/text": "hello", "panel/pump": "false",
}  # fmt: skip


def tree_4(
    own: str = "house", nodes: dict[str, dict[str, Property]] | None = None, version: str = "4.0.0"
) -> list[tuple[str, str]]:
    """The topics and payloads below the device, in the order in which a device publishes them."""
    nodes = HOUSE_4 if nodes is None else nodes
    said = [("$homie", version), ("$state", "init"), ("$name", own.capitalize()), ("$nodes", ",".join(nodes))]
    for node, properties in nodes.items():
        said += [
            (f"{node}/$name", node.capitalize()),
            (f"{node}/$type", node),
            (f"{node}/$properties", ",".join(properties)),
        ]
        for name, about in properties.items():
            said += [
                (f"{node}/{name}/$name", name.capitalize()),
                *((f"{node}/{name}/${key}", value) for key, value in about.items()),
            ]
    return [*said, ("$state", "ready")]


def corpus() -> list[MqttMessage]:
    house = [
        *tree_4(),
        *VALUES_4.items(),
        ("$stats/signal", "80"),
        ("panel/button", "double"),
        ("$state", "sleeping"),
        ("$state", "ready"),
    ]
    lamp = [
        ("power", "true"),
        ("brightness", "128"),
        ("color", "rgb,255,0,0"),
        ("color", "hsv,240,100,50"),
        ("color-temperature", "300"),
        ("power", "false"),
    ]
    car = json.loads((DATA / "homie4_super_car.json").read_text())
    return [
        *(MqttMessage(f"homie/house/{place}", text.encode(), retained=True) for place, text in house),
        *(MqttMessage(each["topic"], each["payload"].encode(), retained=True) for each in car),
        MqttMessage("homie/super-car/engine/temperature", b"22.5"),
        MqttMessage("homie/5/gateway/$description", json.dumps(GATEWAY_5).encode(), retained=True),
        MqttMessage("homie/5/gateway/$state", b"ready", retained=True),
        MqttMessage("homie/5/desk-lamp/$state", b"ready", retained=True),
        MqttMessage("homie/5/desk-lamp/$description", json.dumps(LAMP_5).encode(), retained=True),
        *(MqttMessage(f"homie/5/desk-lamp/lamp/{place}", text.encode(), retained=True) for place, text in lamp),
        MqttMessage("homie/5/desk-lamp/meter/power", b"12.5"),
        MqttMessage("homie/5/desk-lamp/meter/temperature", b"77"),
        MqttMessage("homie/5/gateway/$alert/battery", b"is low", retained=True),
        MqttMessage("homie/5/gateway/$state", b"lost", retained=True),
    ]
