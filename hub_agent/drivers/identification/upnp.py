"""What announces itself by SSDP. `kind` is the search target; TXT holds its headers and what its description says, in lower case."""

from dataclasses import replace
from typing import Final

from hub_agent.drivers.identification.row import NAME, AliasFrom, From, NeedIf, Row
from hub_agent.drivers.identification.spoken import HUE_BUTTON
from hub_agent.model.device import DeviceType

_NAMES: Final = (From("friendlyname"),)
_RENDERER: Final = Row(
    kind="urn:schemas-upnp-org:device:MediaRenderer:1",
    ecosystem="dlna",
    device_type=DeviceType.SPEAKER,
    name_from=_NAMES,
    brand_from=(From("manufacturer"),),
    model_from=(From("modelname"),),
    aliases=(AliasFrom("upnp", From("udn", form="lower")),),
)

UPNP: Final = (
    Row(
        kind="urn:schemas-upnp-org:device:ZonePlayer:1",
        brand="Sonos",
        ecosystem="sonos",
        dialect="sonos",
        device_type=DeviceType.SPEAKER,
        name_from=(From("roomname"), From("friendlyname", r"^(.+?) - ")),
        model_from=(From("modelname"),),
        firmware_from=(From("softwareversion"),),
        aliases=(AliasFrom("mac", From(NAME, r"RINCON_([0-9A-F]{12})", "mac")),),
        key_from=(From(NAME, r"RINCON_([0-9A-F]{12})", "mac"),),
        keeps=("location",),
    ),
    # An old way of Hue bridges, still there.
    Row(
        kind="urn:schemas-upnp-org:device:Basic:1",
        says={"hue-bridgeid": r"."},
        brand="Philips Hue",
        ecosystem="philips_hue",
        dialect="hue",
        device_type=DeviceType.BRIDGE,
        name_from=_NAMES,
        model_from=(From("modelnumber"),),
        aliases=(
            AliasFrom("mac", From("hue-bridgeid", form="bridge_mac")),
            AliasFrom("hue", From("hue-bridgeid", form="bridge")),
        ),
        key_from=(From("hue-bridgeid", form="bridge"),),
        needs=(NeedIf(HUE_BUTTON),),
    ),
    Row(
        kind="urn:Belkin:device:*",
        brand="Wemo",
        device_type=DeviceType.SWITCH,
        name_from=_NAMES,
        model_from=(From("modelname"),),
        firmware_from=(From("firmwareversion"),),
        aliases=(AliasFrom("mac", From("macaddress", form="mac")), AliasFrom("serial", From("serialnumber"))),
    ),
    _RENDERER,
    replace(_RENDERER, kind="urn:schemas-upnp-org:device:MediaRenderer:2"),
    replace(_RENDERER, kind="urn:schemas-upnp-org:device:MediaRenderer:3"),
    replace(_RENDERER, kind="urn:samsung.com:device:RemoteControlReceiver:1", brand="Samsung"),
    replace(_RENDERER, kind="urn:lge-com:service:webos-second-screen:1", brand="LG"),
    replace(
        _RENDERER,
        kind="roku:ecp",
        brand="Roku",
        ecosystem=None,
        aliases=(AliasFrom("serial", From(NAME, r"roku:ecp:(\w+)")),),
    ),
)
# What is searched for.
SEARCH_TARGETS: Final = tuple(row.kind for row in UPNP if "*" not in row.kind)
