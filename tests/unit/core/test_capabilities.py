"""What people set becomes the calls that do it, or words that say what can be set."""

import pytest

from hub_agent.core.capabilities import calls_for
from hub_agent.errors import NotPossible
from hub_agent.model.device import Capability, Entity
from hub_agent.model.ids import DeviceId, EntityId

ON = Capability("bool", "rw")
PERCENT = Capability("int", "rw", "%", 0, 100)
LAMP = {
    "on": ON,
    "brightness": PERCENT,
    "color_temp": Capability("int", "rw", "K", 2200, 6500),
    "color": Capability("text", "rw"),
}
THERMOSTAT = {
    "temperature": Capability("float", "r", "°C"),
    "target_temperature": Capability("float", "rw", "°C", 5, 30, 0.5),
    "mode": Capability("enum", "rw", options=("off", "heat", "auto")),
}


def entity(domain: str, capabilities: dict[str, Capability]) -> Entity:
    entity_id = EntityId(f"{domain}.x")
    return Entity(entity_id, DeviceId("d"), "k", domain, None, None, None, None, None, capabilities, {})


@pytest.mark.parametrize(
    "domain, capabilities, values, expected",
    [
        ("light", LAMP, {"on": True, "brightness": 40}, [("light.turn_on", {"brightness": 102})]),
        ("light", LAMP, {"on": False, "transition": 2}, [("light.turn_off", {"transition": 2})]),
        ("light", LAMP, {"color_temp": 2700}, [("light.turn_on", {"color_temp_kelvin": 2700})]),
        ("light", LAMP, {"color": "#ff8000"}, [("light.turn_on", {"rgb_color": [255, 128, 0]})]),
        ("light", LAMP, {"color": "red"}, [("light.turn_on", {"color_name": "red"})]),
        ("switch", {"on": ON}, {"on": "off"}, [("switch.turn_off", {})]),
        (
            "media_player",
            {"on": ON, "volume": PERCENT, "muted": ON, "source": Capability("enum", "rw", options=("TV",))},
            {"on": True, "volume": 40, "muted": False, "source": "TV"},
            [
                ("media_player.turn_on", {}),
                ("media_player.volume_set", {"volume_level": 0.4}),
                ("media_player.volume_mute", {"is_volume_muted": False}),
                ("media_player.select_source", {"source": "TV"}),
            ],
        ),
        (
            "media_player",
            {"playing": ON, "volume": PERCENT, "shuffle": ON, "media": Capability("text", "w")},
            {"playing": "on", "shuffle": "off", "volume": 30},
            [
                ("media_player.volume_set", {"volume_level": 0.3}),
                ("media_player.shuffle_set", {"shuffle": False}),
                ("media_player.media_play", {}),
            ],
        ),
        (
            "media_player",
            {"media": Capability("text", "w")},
            {"media": "http://hub/bell.mp3"},
            [
                (
                    "media_player.play_media",
                    {"media_content_id": "http://hub/bell.mp3", "media_content_type": "music"},
                )
            ],
        ),
        (
            "cover",
            {"open": ON, "position": PERCENT},
            {"position": 40},
            [("cover.set_cover_position", {"position": 40})],
        ),
        ("cover", {"open": ON}, {"open": True}, [("cover.open_cover", {})]),
        ("cover", {"open": ON}, {"open": "stop"}, [("cover.stop_cover", {})]),
        ("valve", {"open": ON}, {"open": False}, [("valve.close_valve", {})]),
        ("lock", {"locked": ON}, {"locked": False}, [("lock.unlock", {})]),
        (
            "climate",
            {"target_temp_low": Capability("float", "rw", "°C", 5, 30), **THERMOSTAT},
            {"target_temp_low": 18, "target_temperature": 20},
            [("climate.set_temperature", {"temperature": 20, "target_temp_low": 18})],
        ),
        (
            "climate",
            THERMOSTAT,
            {"mode": "heat", "temperature": 21},
            [("climate.set_temperature", {"temperature": 21, "hvac_mode": "heat"})],
        ),
        (
            "fan",
            {"on": ON, "speed": PERCENT},
            {"on": True, "speed": 66},
            [("fan.turn_on", {}), ("fan.set_percentage", {"percentage": 66})],
        ),
        ("number", {"delay": Capability("int", "rw")}, {"value": 7}, [("number.set_value", {"value": 7})]),
        (
            "select",
            {"power_on": Capability("enum", "rw", options=("on", "previous"))},
            {"power_on": "on"},
            [("select.select_option", {"option": "on"})],
        ),
        (
            "button",
            {"press": Capability("enum", "w", options=("restart",))},
            {"press": "restart"},
            [("button.press", {})],
        ),
    ],
)
def test_values_become_calls(domain: str, capabilities: dict, values: dict, expected: list) -> None:
    assert calls_for(entity(domain, capabilities), values) == expected


@pytest.mark.parametrize(
    "domain, capabilities, values, words",
    [
        (
            "light",
            {"on": ON},
            {"brightness": 40},
            'light.x has no "brightness" that can be set. light.x can be set: on (true, false).',
        ),
        ("light", LAMP, {"brightness": 140}, "light.x: brightness must be between 0 and 100 %, not 140."),
        ("light", LAMP, {"brightness": "bright"}, 'light.x: brightness must be a number, not "bright".'),
        ("climate", THERMOSTAT, {"mode": "boil"}, 'light.x: mode must be one of off, heat, auto, not "boil".'),
        ("switch", {"on": ON}, {"on": "maybe"}, 'switch.x: "maybe" is neither true nor false.'),
        ("sensor", {"temperature": Capability("float")}, {"temperature": 3}, "sensor.x can only be read."),
        ("light", LAMP, {}, "Nothing to set."),
    ],
)
def test_what_cannot_be_set_is_said_with_what_can(domain: str, capabilities: dict, values: dict, words: str) -> None:
    with pytest.raises(NotPossible) as refused:
        calls_for(entity(domain, capabilities), values)

    assert words.replace("light.x", f"{domain}.x") in str(refused.value)
