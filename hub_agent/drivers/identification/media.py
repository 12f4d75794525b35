"""Announcements of speakers, televisions and what plays on them, that this hub knows and does not talk to."""

from typing import Final

from hub_agent.drivers.identification.row import NAME, AliasFrom, From, Row
from hub_agent.model.device import DeviceType

_PLAYER: Final = DeviceType.SPEAKER
_APPLE: Final = {
    r"^(AppleTV|AudioAccessory|HomePod|Mac|iPad|iPhone|iMac|J\d+[a-z]*AP)": "Apple",
    r"^(Shairport|Sonos|Samsung|LG|Denon|Marantz|Bose|Roku|Vizio|Yamaha|Bang & Olufsen|Naim|JBL)": "",
}

MEDIA: Final = (
    Row(
        kind="_airplay._tcp.local.",
        ecosystem="airplay",
        device_type=_PLAYER,
        brand_from=(From("manufacturer"), From("model")),
        brand_by=_APPLE,
        model_from=(From("model"),),
        firmware_from=(From("osvers"), From("srcvers")),
        aliases=(AliasFrom("mac", From("deviceid", form="mac")),),
    ),
    Row(
        kind="_raop._tcp.local.",
        ecosystem="airplay",
        device_type=_PLAYER,
        name_from=(From(NAME, r"@(.+)$"),),
        brand_from=(From("am"),),
        brand_by=_APPLE,
        model_from=(From("am"),),
        aliases=(AliasFrom("mac", From(NAME, r"^([0-9A-F]{12})@", "mac")),),
    ),
    Row(
        kind="_companion-link._tcp.local.",
        brand="Apple",
        ecosystem="apple",
        model_from=(From("rpmd"),),
        type_from=From("rpmd"),
        type_by={r"(AppleTV|AudioAccessory).*": _PLAYER},
    ),
    Row(
        kind="_mediaremotetv._tcp.local.",
        brand="Apple",
        ecosystem="apple",
        device_type=_PLAYER,
        name_from=(From("name"),),
        model_from=(From("modelname"),),
        aliases=(AliasFrom("apple", From("uniqueidentifier", form="lower")),),
    ),
    Row(
        kind="_touch-able._tcp.local.",
        brand="Apple",
        ecosystem="apple",
        device_type=_PLAYER,
        name_from=(From("ctln"),),
    ),
    Row(kind="_homekit._tcp.local.", brand="Apple", ecosystem="apple_home", device_type=DeviceType.HUB),
    Row(kind="_sleep-proxy._udp.local.", is_hidden=True),
    Row(
        kind="_androidtvremote2._tcp.local.",
        brand="Google Nest",
        ecosystem="android_tv",
        device_type=_PLAYER,
        aliases=(AliasFrom("bluetooth", From("bt", form="mac")),),
    ),
    Row(kind="_nv_shield_remote._tcp.local.", brand="Nvidia", model="Shield", device_type=_PLAYER),
    Row(kind="_spotify-connect._tcp.local.", ecosystem="spotify_connect", device_type=_PLAYER),
    Row(
        kind="_viziocast._tcp.local.",
        brand="Vizio",
        device_type=_PLAYER,
        name_from=(From("name"),),
        model_from=(From("mdl"),),
        aliases=(AliasFrom("mac", From("eth", form="mac")),),
    ),
    Row(
        kind="_soundtouch._tcp.local.",
        brand="Bose",
        device_type=_PLAYER,
        model_from=(From("model"),),
        aliases=(AliasFrom("mac", From("mac", form="mac")),),
    ),
    Row(kind="_musc._tcp.local.", brand="Bluesound", device_type=_PLAYER, firmware_from=(From("version"),)),
    Row(
        kind="_bangolufsen._tcp.local.",
        brand="Bang & Olufsen",
        device_type=_PLAYER,
        name_from=(From("fn"),),
        model_from=(From("in"),),
        aliases=(AliasFrom("serial", From("sn")),),
    ),
    Row(
        kind="_devialet-http._tcp.local.",
        brand="Devialet",
        device_type=_PLAYER,
        model_from=(From("model"),),
        aliases=(AliasFrom("serial", From("serialnumber")),),
    ),
    Row(
        kind="_volumio._tcp.local.",
        brand="Volumio",
        device_type=_PLAYER,
        name_from=(From("volumioname"),),
        aliases=(AliasFrom("uuid", From("uuid", form="lower")),),
    ),
    Row(
        kind="_plexmediasvr._tcp.local.",
        brand="Plex",
        model="Media server",
        name_from=(From("name"),),
        firmware_from=(From("version"),),
        aliases=(AliasFrom("plex", From("machine-identifier", form="lower")),),
    ),
    Row(
        kind="_xbmc-jsonrpc-h._tcp.local.",
        brand="Kodi",
        device_type=_PLAYER,
        aliases=(AliasFrom("uuid", From("uuid", form="lower")),),
    ),
    Row(
        kind="_daap._tcp.local.",
        brand="OwnTone",
        model="Media server",
        name_from=(From("machine name"),),
        firmware_from=(From("mtd-version"),),
        aliases=(AliasFrom("daap", From("machine id", form="lower")),),
    ),
)
