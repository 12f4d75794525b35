"""Runs in an environment of its own: a dimmer and a switch of Homie4, and a lamp behind a gateway of ebus-sdk. They do what they are told.

A line of JSON comes out for each property that was set. It ends with its input.
"""

import json
import sys
from typing import Any

from ebus_sdk import Device, DeviceState, PropertyDatatype, Unit
from homie.device_dimmer import Device_Dimmer
from homie.device_switch import Device_Switch


def say(device: str, value: Any) -> None:
    print(json.dumps({"device": device, "set": value}), flush=True)


class Dimmer(Device_Dimmer):
    def set_dimmer(self, percent: float) -> None:
        say("dimmer", percent)
        self.update_dimmer(percent)


class Switch(Device_Switch):
    def set_switch(self, onoff: str) -> None:
        say("switch", onoff)
        self.update_switch(onoff)


def lamp(port: int) -> Device:
    gateway = Device(
        "gateway", name="Gateway", type="bridge", mqtt_cfg={"host": "127.0.0.1", "port": port}, homie_domain="homie"
    )
    child = Device("desk-lamp", name="Desk lamp", type="lamp", parent=gateway)
    with gateway.state_transition(), child.state_transition():
        node = child.add_node_from_dict({"id": "lamp", "name": "Lamp", "type": "light"})
        for about in (
            {"id": "power", "name": "Power", "datatype": PropertyDatatype.BOOLEAN, "settable": True, "value": False},
            {
                "id": "brightness",
                "name": "Brightness",
                "datatype": PropertyDatatype.INTEGER,
                "format": "0:100",
                "settable": True,
                "value": 10,
            },
            {
                "id": "color",
                "name": "Colour",
                "datatype": PropertyDatatype.COLOR,
                "format": "rgb,hsv",
                "settable": True,
                "value": "rgb,255,0,0",
            },
            {"id": "watts", "name": "Watts", "datatype": PropertyDatatype.FLOAT, "unit": Unit.WATT, "value": 7.5},
        ):
            known = node.add_property_from_dict(about)
            if about.get("settable"):
                known.set_set_callback(lambda payload, known=known: obey(known, payload))
    gateway.start_mqtt_client()
    return gateway


def obey(known: Any, payload: Any) -> None:
    text = payload.decode() if isinstance(payload, bytes | bytearray) else payload
    say(known.id(), text)
    known.set_value(
        {"true": True, "false": False}.get(text, text)
        if known.id() == "power"
        else int(text)
        if known.id() == "brightness"
        else text
    )


def main(port: int) -> None:
    settings = {"MQTT_BROKER": "127.0.0.1", "MQTT_PORT": port}
    dimmer = Dimmer("hall-dimmer", "Hall dimmer", {}, settings)
    switch = Switch("pump", "Pump", {}, settings)
    gateway = lamp(port)
    dimmer.update_dimmer(30)
    switch.update_switch("OFF")
    assert gateway.state() in set(DeviceState)
    sys.stdin.read()
    sys.exit(0)


main(int(sys.argv[1]))
