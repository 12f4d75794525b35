"""From Home Assistant's actions to what a Sonos player is asked. Each request says what to `do`, and is carried out by the link of the player it is for."""

from collections.abc import Callable, Mapping
from typing import Final

from hub_agent.drivers.playing import REPEATS, clock_of, percent_of, wanted_address, wanted_flag, wanted_level
from hub_agent.drivers.sonos.media import LINE_IN, MODE_BY_ORDER, PLAY_MODES, TV
from hub_agent.drivers.sonos.player import VARIABLE_BY_KEY, Player
from hub_agent.drivers.wishes import needed_number, needed_text
from hub_agent.errors import NotPossible
from hub_agent.model.json import JsonObject, JsonValue

Body = dict[str, JsonValue]
_STEP: Final = 10
_SOUND_MAX: Final = 10


def player_body(action: str, data: JsonObject, player: Player) -> Body:
    """Raises NotPossible in words. `join` is not among these: it asks several players."""
    verb = action.removeprefix("media_player.")
    plain = _PLAIN.get(verb)
    if plain is not None:
        return {"do": plain}
    maker = _MAKERS.get(verb)
    if maker is None:
        raise NotPossible(f"A Sonos player does not know {action}.")
    return maker(data, player)


def sound_body(key: str, action: str, data: JsonObject) -> Body:
    variable = VARIABLE_BY_KEY.get(key)
    match action:
        case "number.set_value":
            value = round(needed_number(data, "value"))
            if variable is not None and -_SOUND_MAX <= value <= _SOUND_MAX:
                return {"do": "sound", "name": variable, "value": value}
            raise NotPossible(f"`value` must be between -10 and 10, not {value}")
        case "switch.turn_on" | "switch.turn_off" if variable is not None:
            return {"do": "sound", "name": variable, "value": action == "switch.turn_on"}
    raise NotPossible(f"{key} of a Sonos player does not know {action}.")


def _volume(data: JsonObject, _player: Player) -> Body:
    return {"do": "volume", "percent": percent_of(wanted_level(data))}


def _mute(data: JsonObject, _player: Player) -> Body:
    return {"do": "mute", "on": wanted_flag(data, "is_volume_muted")}


def _seek(data: JsonObject, _player: Player) -> Body:
    return {"do": "seek", "position": clock_of(needed_number(data, "seek_position"))}


def _order_now(player: Player) -> tuple[bool, str]:
    return PLAY_MODES.get(str(player.transport.get("current_play_mode")), (False, "off"))


def _shuffle(data: JsonObject, player: Player) -> Body:
    _, repeat = _order_now(player)
    return {"do": "play_mode", "mode": MODE_BY_ORDER[wanted_flag(data, "shuffle"), repeat]}


def _repeat(data: JsonObject, player: Player) -> Body:
    shuffle, _ = _order_now(player)
    return {"do": "play_mode", "mode": MODE_BY_ORDER[shuffle, needed_text(data, "repeat", REPEATS)]}


def _source(data: JsonObject, player: Player) -> Body:
    source = needed_text(data, "source")
    if source == LINE_IN and player.description.has_line_in:
        return {"do": "line_in"}
    if source == TV and player.description.has_tv:
        return {"do": "tv"}
    # A hub that has just started knows no favourites yet: the player itself says whether it has this one.
    if player.favourites and source not in player.favourites:
        raise NotPossible(f"{source!r:.60} is not among its favourites: {', '.join(player.sources[:20])}")
    return {"do": "favourite", "title": source}


def _play_media(data: JsonObject, player: Player) -> Body:
    kind = str(data.get("media_content_type") or "music").lower()
    if kind in {"favorite", "favourite"}:
        return _source({"source": data.get("media_content_id")}, player)
    if kind == "playlist" and ":" not in str(data.get("media_content_id")):
        return {"do": "playlist", "title": needed_text(data, "media_content_id")}
    body: Body = {"do": "play_address", "address": wanted_address(data), "is_radio": kind in {"radio", "channel"}}
    how = data.get("enqueue")
    if how in {"add", "next"}:
        body |= {"do": "queue_address", "next": how == "next"}
    return body


def _turn_on(_data: JsonObject, _player: Player) -> Body:
    raise NotPossible("A Sonos player is always on: media_player.media_play makes it play.")


_PLAIN: Final[Mapping[str, str]] = {
    "media_play": "play",
    "media_pause": "pause",
    "media_stop": "stop",
    # It has no switch; what people want is silence.
    "turn_off": "stop",
    "media_next_track": "next",
    "media_previous_track": "previous",
    "clear_playlist": "clear_queue",
    "unjoin": "unjoin",
}
_MAKERS: Final[Mapping[str, Callable[[JsonObject, Player], Body]]] = {
    "volume_set": _volume,
    "volume_up": lambda _data, _player: {"do": "volume_by", "percent": _STEP},
    "volume_down": lambda _data, _player: {"do": "volume_by", "percent": -_STEP},
    "volume_mute": _mute,
    "media_seek": _seek,
    "shuffle_set": _shuffle,
    "repeat_set": _repeat,
    "select_source": _source,
    "play_media": _play_media,
    "turn_on": _turn_on,
}
