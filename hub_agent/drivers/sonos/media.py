"""What a Sonos player plays, in Home Assistant's words. Names of variables are those of its UPnP services."""

import re
from typing import Final

from hub_agent.drivers.given import TEXT_CHARS_MAX, at, text
from hub_agent.drivers.playing import seconds_of
from hub_agent.model.json import JsonObject, JsonValue

LINE_IN: Final = "Line-in"
TV: Final = "TV"

# current_play_mode -> (shuffle, repeat).
PLAY_MODES: Final = {
    "NORMAL": (False, "off"),
    "REPEAT_ALL": (False, "all"),
    "REPEAT_ONE": (False, "one"),
    "SHUFFLE_NOREPEAT": (True, "off"),
    "SHUFFLE": (True, "all"),
    "SHUFFLE_REPEAT_ONE": (True, "one"),
}
MODE_BY_ORDER: Final = {order: mode for mode, order in PLAY_MODES.items()}

# Of the many variables of AVTransport those that are read; the two that hold a description of a piece are mappings.
KEPT: Final = (
    "transport_state",
    "current_play_mode",
    "current_track_uri",
    "current_track_duration",
    "current_track_meta_data",
    "av_transport_uri",
    "enqueued_transport_uri_meta_data",
)
_DESCRIPTIONS: Final = frozenset({"current_track_meta_data", "enqueued_transport_uri_meta_data"})
_FIELDS: Final = ("title", "creator", "album", "stream_content")

_RADIO: Final = (
    "x-sonosapi-stream:",
    "x-sonosapi-radio:",
    "x-sonosapi-hls:",
    "x-rincon-mp3radio:",
    "hls-radio:",
    "aac:",
    "pndrradio:",
)
_TAGGED: Final = re.compile(r"^TYPE=\w+\|TITLE ([^|]*)\|ARTIST ([^|]*)")
NOTHING_PLAYS: Final = dict.fromkeys(
    (
        "media_title",
        "media_artist",
        "media_album_name",
        "media_channel",
        "media_content_id",
        "media_content_type",
        "media_duration",
        "source",
    )
)


def kept_of(variables: JsonObject) -> dict[str, JsonValue]:
    """Those of the variables that are read, cut to a bearable length."""
    kept: dict[str, JsonValue] = {}
    for name in KEPT:
        if name not in variables:
            continue
        if name in _DESCRIPTIONS:
            kept[name] = {field: said for field in _FIELDS if (said := text(variables, name, field)) is not None}
        else:
            value = variables[name]
            kept[name] = value[: TEXT_CHARS_MAX * 4] if isinstance(value, str) else None
    return kept


def attributes_of(transport: JsonObject, favourites: tuple[str, ...]) -> dict[str, JsonValue]:
    address = _plain(transport, "av_transport_uri") or ""
    found: dict[str, JsonValue] = dict(NOTHING_PLAYS)
    found["source"] = source = _source(
        address, text(transport, "enqueued_transport_uri_meta_data", "title"), favourites
    )
    if source in {LINE_IN, TV}:
        found["media_title"] = source
        return {**found, **_order(transport)}
    piece = _piece(transport, address)
    found |= piece
    if _plain(transport, "current_track_uri"):
        found["media_content_id"] = _plain(transport, "current_track_uri")
        found["media_content_type"] = "music"
        found["media_duration"] = seconds_of(_plain(transport, "current_track_duration"))
    return {**found, **_order(transport)}


def _piece(transport: JsonObject, address: str) -> dict[str, JsonValue]:
    described = at(transport, "current_track_meta_data")
    title, artist, album = text(described, "title"), text(described, "creator"), text(described, "album")
    if not address.startswith(_RADIO):
        return {"media_title": title, "media_artist": artist, "media_album_name": album}
    channel = text(transport, "enqueued_transport_uri_meta_data", "title")
    on_air = text(described, "stream_content") or ""
    if tagged := _TAGGED.match(on_air):
        on_air, artist = tagged[1].strip(), tagged[2].strip() or artist
    return {"media_title": on_air or channel or title, "media_artist": artist, "media_channel": channel}


def _source(address: str, playing: str | None, favourites: tuple[str, ...]) -> str | None:
    if address.startswith("x-rincon-stream:"):
        return LINE_IN
    if address.startswith("x-sonos-htastream:"):
        return TV
    return playing if playing in favourites else None


def _order(transport: JsonObject) -> dict[str, JsonValue]:
    mode = PLAY_MODES.get(_plain(transport, "current_play_mode") or "")
    return {} if mode is None else {"shuffle": mode[0], "repeat": mode[1]}


def _plain(transport: JsonObject, name: str) -> str | None:
    value = transport.get(name)
    return value if isinstance(value, str) and value else None


def state_of(transport: JsonObject) -> str:
    """A queue that was stopped can be played on, so it pauses; without anything to play it is idle."""
    match transport.get("transport_state"):
        case "PLAYING":
            return "playing"
        case "TRANSITIONING":
            return "buffering"
        case "PAUSED_PLAYBACK" | "STOPPED":
            has_media = _plain(transport, "current_track_uri") or text(transport, "current_track_meta_data", "title")
            return "paused" if has_media else "idle"
    return "idle"
