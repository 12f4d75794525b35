"""Frames of a bridge, in an order that the driver understands: everything, then events of all kinds.

The home is ours (`tests/peers/hue/home.py`): what real homes told is under a licence that lets it be read, not copied (see test_bridge.py).
"""

from typing import Any

from hub_agent.model.link import Frame
from tests.peers.hue import home
from tests.peers.hue.home import update


def _event(kind: str, *data: dict[str, Any]) -> Frame:
    return Frame(
        "hue", home.BRIDGE_ID, "events", {"events": [{"id": "e", "type": kind, "creationtime": "", "data": list(data)}]}
    )


def corpus() -> list[Frame]:
    at = "2026-11-22T18:00:05.000Z"
    said = [
        update(id=home.LAMP_LIGHT, type="light", on={"on": True}, dimming={"brightness": 50.0}),
        update(
            id=home.LAMP_LIGHT,
            type="light",
            color={"xy": {"x": 0.3, "y": 0.3}},
            color_temperature={"mirek": None, "mirek_valid": False},
        ),
        update(id=home.ROOM_LIGHT, type="grouped_light", on={"on": True}, dimming={"brightness": 50.0}),
        update(
            id=home.MOTION, type="motion", motion={"motion": True, "motion_report": {"changed": at, "motion": True}}
        ),
        update(id=home.LEVEL, type="light_level", light={"light_level_report": {"changed": at, "light_level": 12000}}),
        update(
            id=home.TEMPERATURE,
            type="temperature",
            temperature={"temperature_report": {"changed": at, "temperature": 19.5}},
        ),
        update(id=home.CONTACT_STATE, type="contact", contact_report={"changed": at, "state": "no_contact"}),
        update(
            id=home.CONTACT_TAMPER,
            type="tamper",
            tamper_reports=[{"changed": at, "source": "battery_door", "state": "tampered"}],
        ),
        update(id=home.BUTTONS[0], type="button", button={"button_report": {"updated": at, "event": "short_release"}}),
        update(
            id=home.ROTARY,
            type="relative_rotary",
            relative_rotary={
                "rotary_report": {
                    "updated": at,
                    "action": "start",
                    "rotation": {"direction": "clock_wise", "steps": 30, "duration": 400},
                }
            },
        ),
        update(id=home.SENSOR_POWER, type="device_power", power_state={"battery_state": "normal", "battery_level": 82}),
        update(id=f"{home.LAMP[:-1]}0", type="zigbee_connectivity", status="connectivity_issue"),
        update(id=home.SCENE, type="scene", status={"active": "static", "last_recall": at}),
        update(id=home.ROOM, type="room", metadata={"name": "Parlour"}),
        update(id=home.ROOM, type="room", children=[{"rid": home.LAMP, "rtype": "device"}]),
    ]
    return [
        Frame("hue", home.BRIDGE_ID, "resources", {"data": home.resources()}),
        *(Frame("hue", home.BRIDGE_ID, "events", {"events": [each]}) for each in said),
        _event(
            "add",
            {**home.resources()[-2], "id": "added-scene", "metadata": {"name": "New", "appdata": "nexa:ab12cd34"}},
        ),
        _event("delete", {"id": "added-scene", "type": "scene"}),
        _event("delete", {"id": home.PLUG_LIGHT, "type": "light"}, {"id": home.PLUG, "type": "device"}),
    ]
