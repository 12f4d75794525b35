"""What Cast receivers say: messages of a Chromecast and of a Nest Mini, as their firmware sends them.

The shapes are those of the messages that node-castv2's (MIT) and PyChromecast's (MIT) documents and tests show, and of Google's description
of the media channel.
"""

from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import Frame

PEER = "b2f4c8a0d1e24f5e8a9b0c1d2e3f4a5b"
SPEAKER_PEER = "0f3a1b2c3d4e5f60718293a4b5c6d7e8"


def frame(peer: str, kind: str, body: JsonValue) -> Frame:
    return Frame("cast", peer, kind, body)


DEVICE: JsonObject = {
    "uuid": "b2f4c8a0-d1e2-4f5e-8a9b-0c1d2e3f4a5b",
    "friendly_name": "Living room TV",
    "model_name": "Chromecast Ultra",
    "manufacturer": "Google Inc.",
    "cast_type": "cast",
    "mac_address": "6C:AD:F8:12:34:56",
    "firmware": "1.56.500000",
    "address": "192.168.1.33",
}
SPEAKER: JsonObject = {
    "uuid": SPEAKER_PEER,
    "friendly_name": "Kitchen speaker",
    "model_name": "Google Nest Mini",
    "manufacturer": "Google Inc.",
    "cast_type": "audio",
}
GROUP: JsonObject = {
    **DEVICE,
    "uuid": "aaaaaaaabbbbccccddddeeeeeeeeeeee",
    "friendly_name": "House",
    "cast_type": "group",
}
VOLUME: JsonObject = {
    "controlType": "attenuation",
    "level": 0.3700000047683716,
    "muted": False,
    "stepInterval": 0.05000000074505806,
}
BACKDROP: JsonObject = {
    "applications": [
        {
            "appId": "E8C28D3C",
            "appType": "WEB",
            "displayName": "Backdrop",
            "iconUrl": "",
            "isIdleScreen": True,
            "launchedFromCloud": False,
            "namespaces": [
                {"name": "urn:x-cast:com.google.cast.debugoverlay"},
                {"name": "urn:x-cast:com.google.cast.sse"},
            ],
            "sessionId": "2e5a1f0c-13f7-4a6b-9b0a-6b6f6f3b1c11",
            "statusText": "",
            "transportId": "2e5a1f0c-13f7-4a6b-9b0a-6b6f6f3b1c11",
            "universalAppId": "E8C28D3C",
        }
    ],
    "isActiveInput": True,
    "isStandBy": False,
    "userEq": {
        "high_shelf": {"frequency": 4500.0, "gain_db": 0.0, "quality": 0.707},
        "low_shelf": {"frequency": 150.0, "gain_db": 0.0},
    },
    "volume": VOLUME,
}
NOTHING: JsonObject = {"isActiveInput": True, "isStandBy": True, "userEq": {}, "volume": {"level": 0.5, "muted": False}}
RECEIVER: JsonObject = {
    "applications": [
        {
            "appId": "CC1AD845",
            "appType": "WEB",
            "displayName": "Default Media Receiver",
            "isIdleScreen": False,
            "launchedFromCloud": False,
            "namespaces": [{"name": "urn:x-cast:com.google.cast.media"}],
            "sessionId": "f3a0d0d4-0b0e-4a4c-8e0e-1f1f0a0b0c0d",
            "statusText": "Now Casting",
            "transportId": "f3a0d0d4-0b0e-4a4c-8e0e-1f1f0a0b0c0d",
        }
    ],
    "isActiveInput": True,
    "isStandBy": False,
    "volume": {"controlType": "attenuation", "level": 1, "muted": True, "stepInterval": 0.05},
}
NETFLIX: JsonObject = {
    "applications": [{"appId": "CA5E8412", "displayName": "Netflix", "isIdleScreen": False, "namespaces": []}],
    "volume": VOLUME,
}
MEDIA: JsonObject = {
    "mediaSessionId": 1,
    "playbackRate": 1,
    "playerState": "PLAYING",
    "currentTime": 12.345,
    "supportedMediaCommands": 274447,
    "volume": {"level": 1, "muted": False},
    "activeTrackIds": [],
    "media": {
        "contentId": "http://commondatastorage.googleapis.com/gtv-videos-bucket/big_buck_bunny_1080p.mp4",
        "contentType": "video/mp4",
        "streamType": "BUFFERED",
        "duration": 596.474195,
        "metadata": {
            "type": 0,
            "metadataType": 0,
            "title": "Big Buck Bunny",
            "images": [{"url": "http://x/BigBuckBunny.jpg"}],
        },
    },
    "currentItemId": 1,
    "repeatMode": "REPEAT_OFF",
    "extendedStatus": {"playerState": "LOADING"},
}
SONG: JsonObject = {
    **MEDIA,
    "supportedMediaCommands": 12303,
    "playerState": "PAUSED",
    "media": {
        "contentId": "spotify:track:4uLU6hMCjMI75M1A2tKUQC",
        "duration": 213.573,
        "metadata": {
            "metadataType": 3,
            "title": "Never Gonna Give You Up",
            "artist": "Rick Astley",
            "albumName": "Whenever",
        },
    },
}
OVER: JsonObject = {"mediaSessionId": 1, "playerState": "IDLE", "idleReason": "FINISHED", "supportedMediaCommands": 15}


def corpus() -> list[Frame]:
    return [
        frame(PEER, "device", DEVICE),
        frame(PEER, "receiver", BACKDROP),
        frame(PEER, "media", None),
        frame(PEER, "receiver", RECEIVER),
        frame(PEER, "media", MEDIA),
        frame(PEER, "media", SONG),
        frame(PEER, "media", OVER),
        frame(SPEAKER_PEER, "device", SPEAKER),
        frame(SPEAKER_PEER, "receiver", NETFLIX),
        frame(SPEAKER_PEER, "receiver", NOTHING),
    ]
