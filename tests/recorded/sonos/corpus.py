"""What a household of two Sonos players says: variables and values as its firmware sends them.

The shapes are those of recorded events in the tests of SoCo (MIT) and of Home Assistant (Apache-2.0): `av_transport.json`, `zgs_group.xml`,
`media_metadata_payloads/tunein.json`; written out here as the adapter makes frames of them.
"""

from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import Frame

KITCHEN = "RINCON_000E58A0B0C001400"
HALL = "RINCON_5CAAFDE47AC801400"
KITCHEN_PEER = "000e58a0b0c0"
HALL_PEER = "5caafde47ac8"


def frame(peer: str, kind: str, body: JsonValue) -> Frame:
    return Frame("sonos", peer, kind, body)


def description(uid: str, room: str, **more: JsonValue) -> JsonObject:
    mac = uid.removeprefix("RINCON_")[:12]
    return {
        "uid": uid,
        "zone_name": room,
        "model_name": "Sonos One",
        "model_number": "S13",
        "software_version": "70.4-36090",
        "display_version": "14.18.1",
        "hardware_version": "1.20.1.6-1.2",
        "serial_number": "-".join(mac[at : at + 2] for at in range(0, 12, 2)) + ":7",
        "mac_address": "-".join(mac[at : at + 2] for at in range(0, 12, 2)),
        "is_visible": True,
        "address": "192.168.1.107",
        **more,
    }


RENDERING: JsonObject = {
    "volume": {"Master": "14", "LF": "100", "RF": "100"},
    "mute": {"Master": "0", "LF": "0", "RF": "0"},
    "bass": "0",
    "treble": "-2",
    "loudness": {"Master": "1"},
    "output_fixed": "0",
    "headphone_connected": "0",
    "speaker_size": "5",
    "sub_gain": "0",
    "sub_crossover": "0",
    "sub_polarity": "0",
    "sub_enabled": "1",
    "sonar_enabled": "1",
    "sonar_calibration_available": "1",
    "preset_name_list": "FactoryDefaults",
}
SOUNDBAR: JsonObject = {
    **RENDERING,
    "night_mode": "1",
    "dialog_level": "0",
    "surround_enabled": "1",
    "audio_delay": "0",
}
PLAYING: JsonObject = {
    "transport_state": "PLAYING",
    "current_play_mode": "SHUFFLE_NOREPEAT",
    "current_crossfade_mode": "0",
    "number_of_tracks": "12",
    "current_track": "3",
    "current_section": "0",
    "current_track_uri": "x-file-cifs://nas/music/Abba/Waterloo.mp3",
    "current_track_duration": "0:02:46",
    "current_track_meta_data": {
        "title": "Waterloo",
        "creator": "Abba",
        "album": "Waterloo",
        "album_art_uri": "/getaa?u=x-file-cifs%3a%2f%2fnas%2fmusic%2fAbba%2fWaterloo.mp3&v=2",
    },
    "next_track_uri": "",
    "next_track_meta_data": "",
    "enqueued_transport_uri": "x-rincon-playlist:RINCON_000E58A0B0C001400#A:ALBUM/Waterloo",
    "enqueued_transport_uri_meta_data": {"title": "Waterloo"},
    "playback_storage_medium": "NETWORK",
    "av_transport_uri": "x-rincon-queue:RINCON_000E58A0B0C001400#0",
    "av_transport_uri_meta_data": "",
    "current_transport_actions": "Set, Stop, Pause, Play, X_DLNA_SeekTime, Next, Previous",
    "transport_status": "OK",
    "sleep_timer_generation": "0",
    "alarm_running": "0",
    "snooze_running": "0",
    "restart_pending": "0",
    "transport_play_speed": "NOT_IMPLEMENTED",
    "current_media_duration": "NOT_IMPLEMENTED",
}
RADIO: JsonObject = {
    "transport_state": "PLAYING",
    "current_play_mode": "NORMAL",
    "current_track_uri": "hls-radio://http://n30a-e2.revma.ihrhls.com/zc000/hls.m3u8?TGT=TuneIn&maxServers=2",
    "current_track_duration": "0:00:00",
    "current_track_meta_data": {
        "title": "hls.m3u8?TGT=TuneIn&maxServers=2",
        "stream_content": "TYPE=SNG|TITLE Hey Jude|ARTIST The Beatles|ALBUM ",
    },
    "enqueued_transport_uri_meta_data": {"title": "Radio Paradise"},
    "av_transport_uri": "x-sonosapi-stream:s13606?sid=254&flags=8224&sn=0",
}
# A player in a group: it follows its coordinator.
FOLLOWING: JsonObject = {
    "transport_state": "PLAYING",
    "current_play_mode": "NORMAL",
    "current_crossfade_mode": "0",
    "number_of_tracks": "1",
    "current_track": "1",
    "current_section": "0",
    "current_track_uri": f"x-rincon:{KITCHEN}",
    "current_track_duration": "",
    "current_track_meta_data": "",
    "enqueued_transport_uri": "",
    "enqueued_transport_uri_meta_data": "",
    "playback_storage_medium": "NETWORK",
    "av_transport_uri": f"x-rincon:{KITCHEN}",
    "av_transport_uri_meta_data": "",
    "current_transport_actions": "Stop, Play",
    "current_valid_play_modes": "CROSSFADE",
    "transport_status": "OK",
}
EMPTY: JsonObject = {
    "transport_state": "STOPPED",
    "current_play_mode": "NORMAL",
    "current_track_uri": "",
    "current_track_duration": "",
    "current_track_meta_data": "",
    "enqueued_transport_uri_meta_data": "",
    "av_transport_uri": "",
}
LINE_IN: JsonObject = {**EMPTY, "transport_state": "PLAYING", "av_transport_uri": f"x-rincon-stream:{KITCHEN}"}
FAVOURITES: JsonValue = [
    {"title": "Radio Paradise", "uri": "x-sonosapi-stream:s13606?sid=254&flags=8224&sn=0"},
    {"title": "66 - Watercolors", "uri": "x-sonosapi-hls:Api%3atune%3aliveAudio%3ajazzcafe?sid=37&flags=8480&sn=1"},
    {"title": "James Taylor Radio", "uri": "x-sonosapi-radio:ST%3a1365?sid=236&flags=8300&sn=1"},
]


def member(uid: str, name: str) -> JsonObject:
    return {"uid": uid, "name": name}


APART: JsonObject = {
    "groups": [
        {"coordinator": KITCHEN, "members": [member(KITCHEN, "Kitchen")]},
        {"coordinator": HALL, "members": [member(HALL, "Hall")]},
    ]
}
TOGETHER: JsonObject = {
    "groups": [{"coordinator": KITCHEN, "members": [member(HALL, "Hall"), member(KITCHEN, "Kitchen")]}]
}


def corpus() -> list[Frame]:
    return [
        frame(KITCHEN_PEER, "description", description(KITCHEN, "Kitchen")),
        frame(KITCHEN_PEER, "rendering_control", RENDERING),
        frame(KITCHEN_PEER, "av_transport", PLAYING),
        frame(KITCHEN_PEER, "topology", APART),
        frame(KITCHEN_PEER, "favourites", FAVOURITES),
        frame(HALL_PEER, "description", description(HALL, "Hall", model_name="Sonos Move")),
        frame(HALL_PEER, "rendering_control", SOUNDBAR),
        frame(HALL_PEER, "av_transport", EMPTY),
        frame(HALL_PEER, "battery", {"level": 87, "charging": True}),
        frame(HALL_PEER, "topology", TOGETHER),
        frame(HALL_PEER, "av_transport", FOLLOWING),
        frame(KITCHEN_PEER, "av_transport", RADIO),
        frame(KITCHEN_PEER, "av_transport", LINE_IN),
    ]
