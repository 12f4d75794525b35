"""A small home behind a Hue bridge, made up after the reference of CLIP version 2: what it tells is ours, its shape is the interface's."""

from typing import Any

BRIDGE_ID = "001788fffe0a1b2c"


def _rid(number: int) -> str:
    return f"{number:08x}-1111-4222-8333-444455556666"


BRIDGE, LAMP, STRIP, PLUG, SENSOR, DIMMER, CONTACT, DIAL = (_rid(number) for number in range(1, 9))
LAMP_LIGHT, STRIP_LIGHT, PLUG_LIGHT = (_rid(number) for number in range(0x11, 0x14))
ROOM, ZONE, HOME = (_rid(number) for number in range(0x21, 0x24))
ROOM_LIGHT, ZONE_LIGHT, HOME_LIGHT = (_rid(number) for number in range(0x31, 0x34))
SCENE, SMART = _rid(0x41), _rid(0x42)
MOTION, TEMPERATURE, LEVEL, SENSOR_POWER, CONTACT_STATE, CONTACT_TAMPER, ROTARY, DIMMER_POWER = (
    _rid(number) for number in range(0x51, 0x59)
)
BUTTONS = tuple(_rid(number) for number in range(0x61, 0x65))
GAMUT_C = {"red": {"x": 0.6915, "y": 0.3083}, "green": {"x": 0.17, "y": 0.7}, "blue": {"x": 0.1532, "y": 0.0475}}


def _ref(rid: str, kind: str) -> dict[str, str]:
    return {"rid": rid, "rtype": kind}


def _device(rid: str, name: str, model: str, product: str, archetype: str, *services: dict[str, str]) -> dict[str, Any]:
    product_data = {
        "model_id": model,
        "manufacturer_name": "Signify Netherlands B.V.",
        "product_name": product,
        "product_archetype": archetype,
        "certified": True,
        "software_version": "1.116.3",
    }
    zigbee = f"{rid[:-1]}0"
    metadata = {"name": name, "archetype": archetype}
    whole = [*services, _ref(zigbee, "zigbee_connectivity")]
    return {
        "type": "device",
        "id": rid,
        "product_data": product_data,
        "metadata": metadata,
        "identify": {},
        "services": whole,
    }


def _zigbee(device: str, place: int) -> dict[str, Any]:
    return {
        "type": "zigbee_connectivity",
        "id": f"{device[:-1]}0",
        "owner": _ref(device, "device"),
        "status": "connected",
        "mac_address": f"00:17:88:01:0b:00:00:{place:02x}",
    }


def _light(rid: str, device: str, name: str, archetype: str, **features: Any) -> dict[str, Any]:
    return {
        "type": "light",
        "id": rid,
        "owner": _ref(device, "device"),
        "metadata": {"name": name, "archetype": archetype},
        "on": {"on": False},
        "dynamics": {"status": "none", "status_values": ["none"], "speed": 0.0, "speed_valid": False},
        "alert": {"action_values": ["breathe"]},
        "mode": "normal",
        **features,
    }


def _white(mirek: int | None = 366) -> dict[str, Any]:
    return {
        "mirek": mirek,
        "mirek_valid": mirek is not None,
        "mirek_schema": {"mirek_minimum": 153, "mirek_maximum": 500},
    }


def _button(rid: str, number: int) -> dict[str, Any]:
    presses = ["initial_press", "repeat", "short_release", "long_release", "long_press"]
    body = {"repeat_interval": 800, "event_values": presses}
    return {
        "type": "button",
        "id": rid,
        "owner": _ref(DIMMER, "device"),
        "metadata": {"control_id": number},
        "button": body,
    }


def _group(rid: str, kind: str, name: str, service: str, *children: dict[str, str]) -> dict[str, Any]:
    body = {"type": kind, "id": rid, "children": list(children), "services": [_ref(service, "grouped_light")]}
    return body if kind == "bridge_home" else {**body, "metadata": {"name": name, "archetype": "living_room"}}


def _grouped(rid: str, group: str, kind: str) -> dict[str, Any]:
    return {
        "type": "grouped_light",
        "id": rid,
        "owner": _ref(group, kind),
        "on": {"on": False},
        "dimming": {"brightness": 0.0},
        "dimming_delta": {},
        "color_temperature": {},
        "color_temperature_delta": {},
        "color": {},
        "alert": {"action_values": ["breathe"]},
        "signaling": {"signal_values": ["no_signal", "on_off"]},
        "dynamics": {},
    }


def _devices() -> list[dict[str, Any]]:
    return [
        _device(BRIDGE, "Hue Bridge", "BSB002", "Hue Bridge", "bridge_v2", _ref(_rid(9), "bridge")),
        _device(LAMP, "Floor lamp", "LCA001", "Hue color lamp", "floor_shade", _ref(LAMP_LIGHT, "light")),
        _device(STRIP, "Sideboard", "LTW010", "Hue ambiance lamp", "table_shade", _ref(STRIP_LIGHT, "light")),
        _device(PLUG, "Coffee machine", "LOM001", "Hue smart plug", "plug", _ref(PLUG_LIGHT, "light")),
        _device(
            SENSOR, "Hall sensor", "SML003", "Hue motion sensor", "unknown_archetype", _ref(MOTION, "motion"),
            _ref(TEMPERATURE, "temperature"), _ref(LEVEL, "light_level"), _ref(SENSOR_POWER, "device_power"),
        ),
        _device(
            DIMMER, "Dimmer", "RWL022", "Hue dimmer switch", "unknown_archetype", *(_ref(each, "button") for each in BUTTONS),
            _ref(DIMMER_POWER, "device_power"),
        ),
        _device(
            CONTACT, "Front door", "SOC001", "Hue secure contact sensor", "unknown_archetype", _ref(CONTACT_STATE, "contact"),
            _ref(CONTACT_TAMPER, "tamper"),
        ),
        _device(DIAL, "Tap dial", "RDM002", "Hue tap dial switch", "unknown_archetype", _ref(ROTARY, "relative_rotary")),
    ]  # fmt: skip


def _lights() -> list[dict[str, Any]]:
    return [
        _light(
            LAMP_LIGHT,
            LAMP,
            "Floor lamp",
            "floor_shade",
            dimming={"brightness": 100.0, "min_dim_level": 0.2},
            color_temperature=_white(),
            color={"xy": {"x": 0.4573, "y": 0.41}, "gamut": GAMUT_C, "gamut_type": "C"},
            effects={
                "status": "no_effect",
                "status_values": ["no_effect", "candle"],
                "effect_values": ["no_effect", "candle"],
            },
            effects_v2={
                "action": {"effect_values": ["no_effect", "candle", "fire", "prism"]},
                "status": {"effect": "no_effect", "effect_values": ["no_effect", "candle", "fire", "prism"]},
            },
            timed_effects={
                "status": "no_effect",
                "status_values": ["no_effect", "sunrise"],
                "effect_values": ["no_effect", "sunrise"],
            },
            signaling={"signal_values": ["no_signal", "on_off", "alternating"]},
            powerup={"preset": "safety", "configured": True, "on": {"mode": "on", "on": {"on": True}}},
        ),
        _light(
            STRIP_LIGHT,
            STRIP,
            "Sideboard",
            "table_shade",
            dimming={"brightness": 40.0},
            color_temperature=_white(),
        ),
        _light(PLUG_LIGHT, PLUG, "Coffee machine", "plug"),
    ]


def _sensors() -> list[dict[str, Any]]:
    of = {each: _ref(each, "device") for each in (SENSOR, CONTACT, DIAL, DIMMER)}
    at = "2026-11-22T18:00:00.000Z"
    return [
        {
            "type": "motion", "id": MOTION, "owner": of[SENSOR], "enabled": True,
            "motion": {"motion": False, "motion_valid": True, "motion_report": {"changed": at, "motion": False}},
            "sensitivity": {"status": "set", "sensitivity": 2, "sensitivity_max": 4},
        },
        {
            "type": "temperature", "id": TEMPERATURE, "owner": of[SENSOR], "enabled": True,
            "temperature": {"temperature": 21.03, "temperature_valid": True, "temperature_report": {"changed": at, "temperature": 21.03}},
        },
        {
            "type": "light_level", "id": LEVEL, "owner": of[SENSOR], "enabled": True,
            "light": {"light_level": 20001, "light_level_valid": True, "light_level_report": {"changed": at, "light_level": 20001}},
        },
        {"type": "device_power", "id": SENSOR_POWER, "owner": of[SENSOR], "power_state": {"battery_state": "normal", "battery_level": 83}},
        {"type": "device_power", "id": DIMMER_POWER, "owner": of[DIMMER], "power_state": {"battery_state": "low", "battery_level": 9}},
        {"type": "contact", "id": CONTACT_STATE, "owner": of[CONTACT], "enabled": True, "contact_report": {"changed": at, "state": "contact"}},
        {
            "type": "tamper", "id": CONTACT_TAMPER, "owner": of[CONTACT],
            "tamper_reports": [{"changed": at, "source": "battery_door", "state": "not_tampered"}],
        },
        {"type": "relative_rotary", "id": ROTARY, "owner": of[DIAL], "relative_rotary": {}},
        *(_button(rid, number) for number, rid in enumerate(BUTTONS, 1)),
        {"type": "device_software_update", "id": _rid(0x71), "owner": _ref(LAMP, "device"), "state": "ready_to_install", "problems": []},
    ]  # fmt: skip


def _scene() -> dict[str, Any]:
    action = {"on": {"on": True}, "dimming": {"brightness": 30.0}, "color_temperature": {"mirek": 447}}
    return {
        "type": "scene",
        "id": SCENE,
        "metadata": {"name": "Evening"},
        "group": _ref(ROOM, "room"),
        "actions": [
            {"target": _ref(LAMP_LIGHT, "light"), "action": action},
            {"target": _ref(STRIP_LIGHT, "light"), "action": action},
        ],
        "palette": {"color": [], "dimming": [], "color_temperature": [], "effects": []},
        "speed": 0.5,
        "auto_dynamic": False,
        "status": {"active": "inactive"},
        "recall": {},
    }


def resources() -> list[dict[str, Any]]:
    devices = _devices()
    return [
        *devices,
        {
            "type": "bridge",
            "id": _rid(9),
            "owner": _ref(BRIDGE, "device"),
            "bridge_id": BRIDGE_ID,
            "time_zone": {"time_zone": "Europe/Berlin"},
        },
        *(_zigbee(device["id"], place) for place, device in enumerate(devices)),
        *_lights(),
        *_sensors(),
        _group(ROOM, "room", "Living room", ROOM_LIGHT, _ref(LAMP, "device"), _ref(STRIP, "device")),
        _group(
            ZONE,
            "zone",
            "Downstairs",
            ZONE_LIGHT,
            *(_ref(each, "light") for each in (LAMP_LIGHT, STRIP_LIGHT, PLUG_LIGHT)),
        ),
        _group(
            HOME, "bridge_home", "", HOME_LIGHT, _ref(ROOM, "room"), *(_ref(each["id"], "device") for each in devices)
        ),
        _grouped(ROOM_LIGHT, ROOM, "room"),
        _grouped(ZONE_LIGHT, ZONE, "zone"),
        _grouped(HOME_LIGHT, HOME, "bridge_home"),
        _scene(),
        {
            "type": "smart_scene",
            "id": SMART,
            "metadata": {"name": "Natural light"},
            "group": _ref(ROOM, "room"),
            "week_timeslots": [],
            "transition_duration": 60000,
            "active_timeslot": {"timeslot_id": 0, "weekday": "monday"},
            "state": "inactive",
        },
    ]


def update(**resource: Any) -> dict[str, Any]:
    return {"creationtime": "2026-11-22T18:00:01Z", "id": _rid(0xFF), "type": "update", "data": [resource]}
