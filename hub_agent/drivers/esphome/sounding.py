"""Media players: play, pause, volume. What is playing, nodes do not say."""

from types import MappingProxyType
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.esphome.kind import (
    NOT_KNOWN,
    Description,
    Fields,
    Kind,
    Said,
    fraction,
    named,
    not_understood,
    whole,
)
from hub_agent.drivers.wishes import needed_number, needed_text
from hub_agent.errors import NotPossible
from hub_agent.model.device import Capability
from hub_agent.model.json import JsonObject, JsonValue

_STATES: Final = MappingProxyType({1: "idle", 2: "playing", 3: "paused", 4: "playing", 5: "off", 6: "on"})
_COMMANDS: Final = MappingProxyType(
    {
        "media_play": 0, "media_pause": 1, "media_stop": 2, "media_play_pause": 5, "volume_up": 6, "volume_down": 7,
        "clear_playlist": 11, "turn_on": 12, "turn_off": 13,
    }
)  # fmt: skip
_MUTE: Final = 3
_UNMUTE: Final = 4
_CAN_TURN_ON: Final = 1 << 7
_CAN_TURN_OFF: Final = 1 << 8
# Before API 1.11 players say only whether they can pause.
_CAN_PAUSE: Final = 1 << 0


class MediaPlayer(Kind):
    domain = "media_player"

    def describe(self, info: JsonObject) -> Description:
        features = whole(info, "feature_flags") or 0
        can_pause = bool(features & _CAN_PAUSE) or given.flag(info, "supports_pause")
        has_power = bool(features & _CAN_TURN_ON) and bool(features & _CAN_TURN_OFF)
        capabilities = {
            "playing": Capability("bool", "rw" if can_pause else "r"),
            "volume": Capability("int", "rw", unit="%", min=0, max=100),
            "muted": Capability("bool", "rw"),
        }
        if has_power:
            capabilities["on"] = Capability("bool", "rw")
        return Description(capabilities, {"has_power": has_power}, "speaker")

    def read(self, _native: JsonObject, body: JsonObject) -> Said | None:
        volume = fraction(body, "volume")
        attributes: dict[str, JsonValue] = {
            "volume_level": None if volume is None else round(volume, 2),
            "is_volume_muted": given.flag(body, "muted"),
        }
        return named(_STATES, body, "state") or NOT_KNOWN[0], attributes

    def write(self, native: JsonObject, verb: str, data: JsonObject, _before: JsonObject) -> Fields:
        if verb in {"turn_on", "turn_off"} and not given.flag(native, "has_power"):
            raise NotPossible("This player cannot be switched on and off.")
        if verb in _COMMANDS:
            return {"command": _COMMANDS[verb]}
        if verb == "volume_set":
            return {"volume": float(max(0, min(1, needed_number(data, "volume_level"))))}
        if verb == "volume_mute":
            is_muted = data.get("is_volume_muted")
            if not isinstance(is_muted, bool):
                raise NotPossible("`is_volume_muted` must be true or false")
            return {"command": _MUTE if is_muted else _UNMUTE}
        if verb == "play_media":
            is_announcement = data.get("announce") is True
            return {"media_url": needed_text(data, "media_content_id"), "announcement": is_announcement}
        raise not_understood(self.domain, verb, (*_COMMANDS, "volume_set", "volume_mute", "play_media"))
