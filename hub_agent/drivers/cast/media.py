"""What a Cast receiver says of itself and of what it plays, in Home Assistant's words. The names are those of its JSON messages."""

from typing import Final

from hub_agent.drivers.given import at, flag, listed, mapping, number, text
from hub_agent.drivers.playing import level_of
from hub_agent.model.json import JsonObject, JsonValue

IDLE_APP: Final = "E8C28D3C"  # the pictures that are shown while nothing is
DEFAULT_APP: Final = "CC1AD845"  # plays what it is given the address of

# Applications that can be started by their name.
APP_BY_NAME: Final = {
    "Default Media Receiver": DEFAULT_APP,
    "YouTube": "233637DE",
    "YouTube Music": "2DB7CC49",
    "Netflix": "CA5E8412",
    "Spotify": "CC32E753",
    "Plex": "9AC194DC",
}
# They play, and say nothing of what.
_SILENT_APPS: Final = frozenset({"CA5E8412"})
_STATES: Final = {
    "PLAYING": "playing",
    "BUFFERING": "buffering",
    "PAUSED": "paused",
    "IDLE": "idle",
    "LOADING": "buffering",
}
_REPEATS: Final = {
    "REPEAT_OFF": "off",
    "REPEAT_ALL": "all",
    "REPEAT_SINGLE": "one",
    "REPEAT_ALL_AND_SHUFFLE": "all",
}
REPEAT_BY_WORD: Final = {"off": "REPEAT_OFF", "all": "REPEAT_ALL", "one": "REPEAT_SINGLE"}
# Google's numbers for kinds of media.
_KINDS: Final = {0: "video", 1: "movie", 2: "tvshow", 3: "music", 4: "image"}

# supportedMediaCommands is a sum of these.
PAUSE: Final = 1
SEEK: Final = 2
NEXT: Final = 64
PREVIOUS: Final = 128


def application_of(receiver: JsonObject) -> JsonObject | None:
    """What runs, other than the screen that is shown when nothing does."""
    applications = listed(receiver, "applications")
    application = mapping(applications[0]) if applications else None
    if application is None or flag(application, "isIdleScreen") or text(application, "appId") in {None, IDLE_APP}:
        return None
    return application


def state_of(receiver: JsonObject, media: JsonObject | None) -> str:
    application = application_of(receiver)
    if application is None:
        return "off"
    said = _STATES.get(text(media, "playerState") or "")
    if said is not None:
        return said
    return "playing" if text(application, "appId") in _SILENT_APPS else "idle"


def receiver_attributes(receiver: JsonObject) -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = {}
    level, muted = number(receiver, "volume", "level"), flag(receiver, "volume", "muted")
    if level is not None:
        found["volume_level"] = level_of(level * 100)
    if muted is not None:
        found["is_volume_muted"] = muted
    application = application_of(receiver)
    found["app_id"] = text(application, "appId")
    found["app_name"] = found["source"] = text(application, "displayName")
    return found


def media_attributes(media: JsonObject | None) -> dict[str, JsonValue]:
    """All of them, so that what was played before is forgotten."""
    inner = mapping(media, "media")
    described = mapping(inner, "metadata")
    kind = number(described, "metadataType")
    duration = number(inner, "duration")
    return {
        "media_content_id": text(inner, "contentId"),
        "media_content_type": None if not inner else _KINDS.get(int(kind), "video") if kind is not None else "video",
        "media_duration": duration if duration is not None and duration > 0 else None,
        "media_title": text(described, "title"),
        "media_artist": text(described, "artist") or text(described, "albumArtist"),
        "media_album_name": text(described, "albumName"),
        "media_series_title": text(described, "seriesTitle"),
        "repeat": _REPEATS.get(text(media, "repeatMode") or ""),
    }


def is_missing(command: int, media: JsonObject | None) -> bool:
    """Whether what plays says that it cannot do this."""
    known = at(media, "supportedMediaCommands")
    return isinstance(known, int) and not isinstance(known, bool) and not known & command
