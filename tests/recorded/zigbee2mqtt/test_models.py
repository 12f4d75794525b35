"""Every model that Zigbee2MQTT knows becomes entities, and every command to them a payload."""

from collections.abc import Iterator
from typing import Any

import pytest

from hub_agent.drivers.zigbee2mqtt import Zigbee2Mqtt
from hub_agent.errors import NotPossible
from hub_agent.model.device import Advertisement, Device, Entity
from hub_agent.model.report import Rejected
from tests.recorded.zigbee2mqtt import wire
from tests.recorded.zigbee2mqtt.shares import shares

DOMAINS = {
    "light", "switch", "cover", "lock", "climate", "fan", "binary_sensor", "sensor", "number", "select", "button", "event",
    "text", "siren", "update",
}  # fmt: skip


def in_bunches() -> Iterator[tuple[Zigbee2Mqtt, list[dict[str, Any]], dict[str, Advertisement]]]:
    models = list(wire.definitions())
    for first in range(0, len(models), 500):
        bunch = models[first : first + 500]
        entries = [wire.entry(f"0x{first + i:016x}", f"Model {first + i}", model) for i, model in enumerate(bunch)]
        driver, decoded = wire.bridge_with(*entries)
        assert [one for one in decoded if isinstance(one, Rejected)] == []
        advertised = wire.advertised(decoded)
        yield driver, bunch, {str(i): advertised[entry["friendly_name"]] for i, entry in enumerate(entries)}


def test_every_model_becomes_a_valid_device() -> None:
    count = 0
    for _, bunch, advertised in in_bunches():
        for i, model in enumerate(bunch):
            count += 1
            device = advertised[str(i)]
            keys = [entity.key for entity in device.entities]
            assert len(keys) == len(set(keys)), model["model"]
            assert bool(device.entities) or not (model["exposes"] or model["supports_ota"]), model["model"]
            for entity in device.entities:
                assert entity.domain in DOMAINS, (model["model"], entity)
                assert entity.capabilities, (model["model"], entity)
                if entity.domain == "sensor":
                    assert len(entity.capabilities) == 1, (model["model"], entity)
    assert count > 2_500


def test_every_settable_entity_takes_its_commands() -> None:
    for driver, bunch, advertised in in_bunches():
        for i, model in enumerate(bunch):
            device = wire.device_of(advertised[str(i)])
            for entity in device.entities:
                for action, data in commands(entity):
                    sent = driver.encode(device, entity, action, data)
                    assert len(sent) == 1, (model["model"], entity.key, action)
                    assert sent[0].payload not in {b"{}", b"null"}, (model["model"], entity.key, action)


def test_what_is_set_comes_back_as_it_was_asked() -> None:
    for driver, bunch, advertised in in_bunches():
        for i, model in enumerate(bunch):
            device = wire.device_of(advertised[str(i)])
            for entity in device.entities:
                if entity.key.startswith("option_"):
                    continue  # these come back in bridge/info
                for action, data, state, attributes in expectations(entity):
                    [(_, body)] = wire.published(driver.encode(device, entity, action, data))
                    seen = wire.states(wire.say(driver, device.name, body))
                    assert entity.key in seen, (model["model"], entity.key, action, body)
                    assert seen[entity.key][0] == state, (model["model"], entity.key, action, body)
                    assert seen[entity.key][1].items() >= attributes.items(), (model["model"], entity.key, action, body)


def test_a_sensor_takes_no_command() -> None:
    for driver, _, advertised in in_bunches():
        for advertisement in advertised.values():
            device: Device = wire.device_of(advertisement)
            for entity in device.entities:
                if entity.domain in {"sensor", "binary_sensor", "event"}:
                    for action in ("homeassistant.turn_on", f"{entity.domain}.turn_on", "number.set_value"):
                        with pytest.raises(NotPossible):
                            driver.encode(device, entity, action, {"value": 1})
        break  # one bunch is enough


def commands(entity: Entity) -> Iterator[tuple[str, dict[str, Any]]]:
    names = entity.capabilities
    match entity.domain:
        case "light":
            yield from (("light.turn_on", {}), ("light.turn_off", {"transition": 1}), ("homeassistant.turn_on", {}))
            yield "light.turn_on", {"brightness_pct": 50, "rgb_color": [255, 0, 0], "transition": 2}
            yield "light.turn_on", {"brightness": 255, "color_temp_kelvin": 3000}
            yield "light.turn_on", {"hs_color": [30, 50], "brightness_step": -20}
            for effect in names["effect"].options if "effect" in names else ():
                yield "light.turn_on", {"effect": effect}
        case "switch":
            yield from (("switch.turn_on", {}), ("switch.turn_off", {}))
        case "siren":
            yield from (("siren.turn_on", {}), ("siren.turn_off", {}), ("siren.turn_on", {"duration": 10}))
        case "lock":
            yield from (("lock.lock", {}), ("lock.unlock", {}))
        case "cover":
            yield from ((f"cover.{verb}_cover", {}) for verb in ("open", "close", "stop"))
            if "position" in names:
                yield "cover.set_cover_position", {"position": 30}
            if "tilt" in names:
                yield "cover.set_cover_tilt_position", {"tilt_position": 30}
        case "climate":
            target = names.get("target_temperature")
            if target is not None and "w" in target.access:
                yield "climate.set_temperature", {"temperature": min(max(20, target.min or 0), target.max or 30)}
            for name, action in (
                ("mode", "hvac_mode"),
                ("preset", "preset_mode"),
                ("fan_mode", "fan_mode"),
                ("swing_mode", "swing_mode"),
            ):
                if name in names and "w" in names[name].access:
                    for option in names[name].options:
                        yield f"climate.set_{action}", {action: option}
        case "fan":
            if "on" in names:
                yield from (("fan.turn_on", {}), ("fan.turn_off", {}))
            if "speed" in names:
                yield "fan.set_percentage", {"percentage": 50}
            for option in names["preset"].options if "preset" in names else ():
                yield "fan.set_preset_mode", {"preset_mode": option}
        case "number":
            yield "number.set_value", {"value": middle(entity)}
        case "select":
            for option in next(iter(names.values())).options:
                yield "select.select_option", {"option": option}
        case "text":
            yield "text.set_value", {"value": '{"a": 1}'}
        case "button":
            yield "button.press", {}
        case "update":
            yield "update.install", {}


def expectations(entity: Entity) -> Iterator[tuple[str, dict[str, Any], str | None, dict[str, Any]]]:
    names = entity.capabilities
    match entity.domain:
        case "light":
            yield "light.turn_on", {}, "on", {}
            yield "light.turn_off", {}, "off", {}
            if "brightness" in names:
                yield "light.turn_on", {"brightness": 128}, "on", {"brightness": 128}
        case "switch" if names["on"].access == "rw":
            yield "switch.turn_on", {}, "on", {}
            yield "switch.turn_off", {}, "off", {}
        case "lock":
            yield "lock.lock", {}, "locked", {}
            yield "lock.unlock", {}, "unlocked", {}
        case "cover":
            yield "cover.open_cover", {}, "open", {}
            yield "cover.close_cover", {}, "closed", {}
            if "position" in names:
                yield "cover.set_cover_position", {"position": 30}, "open", {"current_position": 30}
        case "climate" if "mode" in names and "w" in names["mode"].access:
            for mode in names["mode"].options:
                yield "climate.set_hvac_mode", {"hvac_mode": mode}, mode, {}
        case "number":
            value = middle(entity)
            if "r" in next(iter(names.values())).access:
                yield "number.set_value", {"value": value}, str(int(value) if value == int(value) else value), {}
        case "select" if "r" in next(iter(names.values())).access:
            for option in next(iter(names.values())).options:
                yield "select.select_option", {"option": option}, option, {}


def middle(entity: Entity) -> float:
    capability = next(iter(entity.capabilities.values()))
    lowest, highest = capability.min, capability.max
    if lowest is None or highest is None:
        return lowest if lowest is not None else min(highest or 1, 1)
    return lowest + (highest - lowest) / 2


def test_nearly_every_property_of_every_model_becomes_a_capability() -> None:
    counts, left = shares(wire.definitions())
    assert counts["served"] >= 0.995 * counts["properties"], left.most_common(10)
