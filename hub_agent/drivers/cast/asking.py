"""From Home Assistant's actions to what a Cast receiver is asked. Each request says what to `do`."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from hub_agent.drivers.cast import media as words
from hub_agent.drivers.playing import REPEATS, level_of, wanted_address, wanted_flag, wanted_level
from hub_agent.drivers.wishes import needed_number, needed_text
from hub_agent.errors import NotPossible
from hub_agent.model.json import JsonObject, JsonValue

Body = dict[str, JsonValue]
_STEP: Final = 0.1
_APP_ID: Final = re.compile(r"[0-9A-F]{8}")
_MIME: Final = re.compile(r"[a-z]+/[a-z0-9.+-]+")
# By the end of the address; what a receiver is not told it guesses wrong or refuses.
_TYPES: Final = {
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "wav": "audio/wav",
    "mp4": "video/mp4",
    "m4v": "video/mp4",
    "mkv": "video/x-matroska",
    "webm": "video/webm",
    "m3u8": "application/x-mpegURL",
    "mpd": "application/dash+xml",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
}
_TYPE_BY_KIND: Final = {"music": "audio/mpeg", "video": "video/mp4", "movie": "video/mp4", "image": "image/jpeg"}


def player_body(action: str, data: JsonObject, media: JsonObject | None) -> Body:
    """Raises NotPossible in words. `media`: what is known to play."""
    verb = action.removeprefix("media_player.")
    plain = _PLAIN.get(verb)
    if plain is not None:
        do, command = plain
        if command and words.is_missing(command, media):
            raise NotPossible(f"What plays now cannot do {verb}.")
        return {"do": do}
    maker = _MAKERS.get(verb)
    if maker is None:
        raise NotPossible(f"A Cast receiver does not know {action}.")
    return maker(data)


def _volume(data: JsonObject) -> Body:
    return {"do": "volume", "level": wanted_level(data)}


def _mute(data: JsonObject) -> Body:
    return {"do": "mute", "on": wanted_flag(data, "is_volume_muted")}


def _seek(data: JsonObject) -> Body:
    return {"do": "seek", "position": max(0.0, needed_number(data, "seek_position"))}


def _repeat(data: JsonObject) -> Body:
    return {"do": "repeat", "mode": words.REPEAT_BY_WORD[needed_text(data, "repeat", REPEATS)]}


def _source(data: JsonObject) -> Body:
    """By name, or by the eight digits that Google has given to an application."""
    source = needed_text(data, "source").strip()
    app_id = words.APP_BY_NAME.get(source)
    if app_id is None and _APP_ID.fullmatch(source.upper()):
        app_id = source.upper()
    if app_id is None:
        raise NotPossible(f"{source!r:.60} is no application that can be started here: {', '.join(words.APP_BY_NAME)}")
    return {"do": "launch", "app_id": app_id}


def _play_media(data: JsonObject) -> Body:
    if str(data.get("media_content_type")).lower() == "cast":
        raise NotPossible("applications are started by their name (media_player.select_source), not by play_media")
    address = wanted_address(data)
    if not address.startswith(("http://", "https://")):
        raise NotPossible(f"a Cast receiver fetches only http:// and https://, not {address[:60]!r}")
    extra = data.get("extra")
    described = extra.get("metadata") if isinstance(extra, Mapping) else None
    title = described.get("title") if isinstance(described, Mapping) else None
    how = data.get("enqueue")
    return {
        "do": "play_address",
        "address": address,
        "content_type": content_type_of(address, data.get("media_content_type")),
        "title": title[:255] if isinstance(title, str) else None,
        "enqueue": how in {"add", "next"},
    }


def content_type_of(address: str, given: JsonValue) -> str:
    """A caller's word comes first if it is a type, then the end of the address, then the kind of media."""
    kind = str(given or "music").strip().lower()
    if _MIME.fullmatch(kind):
        return kind
    path = address.partition("?")[0].partition("#")[0]
    by_end = _TYPES.get(path.rpartition(".")[2].lower()) if "." in path.rpartition("/")[2] else None
    return by_end or _TYPE_BY_KIND.get(kind, "audio/mpeg")


_PLAIN: Final[Mapping[str, tuple[str, int]]] = {
    "media_play": ("play", 0),
    "media_pause": ("pause", words.PAUSE),
    "media_stop": ("stop", 0),
    "media_next_track": ("next", words.NEXT),
    "media_previous_track": ("previous", words.PREVIOUS),
    "turn_off": ("quit", 0),
    "turn_on": ("turn_on", 0),
}
_MAKERS: Final[Mapping[str, Callable[[JsonObject], Body]]] = {
    "volume_set": _volume,
    "volume_up": lambda _data: {"do": "volume_by", "level": level_of(_STEP * 100)},
    "volume_down": lambda _data: {"do": "volume_by", "level": -level_of(_STEP * 100)},
    "volume_mute": _mute,
    "media_seek": _seek,
    "repeat_set": _repeat,
    "select_source": _source,
    "play_media": _play_media,
}
