"""What is read from the mirror is held with as little memory as may be, and never stops the start."""

import json

import pytest

from hub_agent.model.definition import Definition
from hub_agent.model.device import Device
from hub_agent.store.codec import Alike, decode, pack, to_json


def _definition(number: int, deepness: int = 0) -> bytes:
    actions = "[" * deepness + "]" * deepness or '[{"action": "light.turn_on"}]'
    return f'{{"kind": "automation", "id": "{number}", "fields": {{"actions": {actions}}}}}'.encode()


def test_equal_texts_are_held_once() -> None:
    one, other = (decode(Definition, _definition(number)) for number in (1, 2))
    assert one.fields == other.fields == {"actions": [{"action": "light.turn_on"}]}
    assert one.kind is other.kind
    assert one.fields["actions"][0]["action"] is other.fields["actions"][0]["action"]


def test_long_texts_are_left_alone() -> None:
    text = "a template as long as it likes " * 10
    body = json.dumps({"kind": "automation", "id": "1", "fields": {"text": text}}).encode()
    assert decode(Definition, body).fields == {"text": text}


@pytest.mark.parametrize("deepness", [1_000, 100_000])
def test_bottomless_json_is_damage(deepness: int) -> None:
    with pytest.raises(ValueError):
        decode(Definition, _definition(1, deepness))


def test_what_devices_of_one_model_say_of_themselves_is_held_once() -> None:
    devices = [_lamp(number) for number in (1, 2)]
    alike = Alike()
    one, other = (decode(Device, pack(device), alike.in_entities) for device in devices)
    assert [one, other] == devices
    assert one.entities[0].capabilities is other.entities[0].capabilities
    assert one.entities[0].native is other.entities[0].native
    assert decode(Device, pack(one)) == one


def test_a_capability_that_is_none_is_damage() -> None:
    body = to_json(_lamp(1)).replace(b'"type":"bool"', b'"kind":"bool"')
    with pytest.raises(ValueError, match="not a Device"):
        decode(Device, body, Alike().in_entities)


def _lamp(number: int) -> Device:
    body = {
        "id": f"d{number}",
        "origin": {"dialect": "zigbee2mqtt", "native_id": f"0x{number}"},
        "aliases": [],
        "name": f"Lamp {number}",
        "device_type": "light",
        "entities": [
            {
                "id": f"light.lamp_{number}",
                "device_id": f"d{number}",
                "key": "light",
                "domain": "light",
                "capabilities": {"on": {"type": "bool", "access": "rw"}},
                "native": {"kind": "light"},
                **dict.fromkeys(("name", "device_class", "unit", "state_class", "category")),
            }
        ],
        "native": {},
        "named_by_person": False,
        **dict.fromkeys(("room_id", "brand", "model", "protocol", "via", "firmware_version", "power_source")),
    }
    return decode(Device, json.dumps(body).encode())
