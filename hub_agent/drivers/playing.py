"""What dialects of media players share: the player as an entity, volumes between their units and Home Assistant's, what may be played."""

import math
from collections.abc import Sequence
from typing import Final

from hub_agent.drivers.wishes import needed_number, needed_text
from hub_agent.errors import NotPossible
from hub_agent.model.device import AdvertisedEntity, Capability
from hub_agent.model.json import JsonObject

PLAYER: Final = "player"
REPEATS: Final = ("off", "all", "one")
SOURCES_MAX: Final = 100
ADDRESS_CHARS_MAX: Final = 2000
_SWITCH: Final = Capability("bool", "rw")


def player_entity(
    *, sources: Sequence[str] = (), has_order: bool = False, is_switched: bool = False
) -> AdvertisedEntity:
    """`has_order`: it can shuffle and repeat. `is_switched`: it can be off."""
    capabilities = {
        "playing": _SWITCH,
        "volume": Capability("int", "rw", "%", min=0, max=100),
        "muted": _SWITCH,
        "media": Capability("text", "w"),
    }
    if is_switched:
        capabilities["on"] = _SWITCH
    if sources:
        capabilities["source"] = Capability("enum", "rw", options=tuple(sources[:SOURCES_MAX]))
    if has_order:
        capabilities["shuffle"] = _SWITCH
        capabilities["repeat"] = Capability("enum", "rw", options=REPEATS)
    return AdvertisedEntity(PLAYER, "media_player", device_class="speaker", capabilities=capabilities)


def level_of(percent: float) -> float:
    """0 ... 100 as Home Assistant's 0 ... 1."""
    return round(max(0.0, min(100.0, percent)) / 100, 2)


def percent_of(level: float) -> int:
    return round(max(0.0, min(1.0, level)) * 100)


def wanted_level(data: JsonObject) -> float:
    """Raises NotPossible, also where it is no volume between 0 and 1."""
    level = needed_number(data, "volume_level")
    if not 0 <= level <= 1:
        raise NotPossible(f"`volume_level` must be between 0 and 1, not {level:g}")
    return level


def wanted_flag(data: JsonObject, key: str) -> bool:
    value = data.get(key)
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in {"true", "on", "yes", "1"}:
        return True
    if word in {"false", "off", "no", "0"}:
        return False
    raise NotPossible(f"`{key}` must be true or false, not {value!r:.60}")


def wanted_address(data: JsonObject) -> str:
    """What a player can fetch by itself: an address with a scheme."""
    address = needed_text(data, "media_content_id").strip()
    if len(address) > ADDRESS_CHARS_MAX:
        raise NotPossible("`media_content_id` is too long for an address")
    scheme, _, rest = address.partition(":")
    if scheme == "media-source":
        if "tts" in rest[:20]:
            raise NotPossible("there is no text to speech on this hub; give the address of a recorded message")
        raise NotPossible(
            f"{address[:60]} is a place in Home Assistant's library, which is not here; give an address (http://…)"
        )
    if not rest or not scheme.replace("-", "").replace("+", "").replace(".", "").isalnum():
        raise NotPossible(f"the player cannot fetch {address[:60]!r}; give an address (http://…)")
    return address


def seconds_of(clock: str | None) -> float | None:
    """`0:03:45` in seconds; None for what is no length, and for 0, which stands for "not known"."""
    parts = (clock or "")[:16].split(":")
    if len(parts) != 3:
        return None
    try:
        hours, minutes, seconds = (float(part) for part in parts)
    except ValueError:
        return None
    total = hours * 3600 + minutes * 60 + seconds
    return total if math.isfinite(total) and 0 < total < 1e7 else None


def clock_of(seconds: float) -> str:
    whole = round(max(0.0, min(seconds, 359_999)))
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
