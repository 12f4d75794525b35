"""Announcements of what this hub can talk to. The peer key and the aliases of each dialect are decided here."""

from dataclasses import replace
from typing import Final

from hub_agent.drivers.identification.row import HOSTNAME, NAME, AliasFrom, From, NeedIf, Row
from hub_agent.model.device import DeviceType
from hub_agent.model.link import Need, NeedKind

# By accessory category (HAP specification, table of categories).
HOMEKIT_TYPES: Final = {
    "2": DeviceType.BRIDGE,
    "3": DeviceType.APPLIANCE,
    "4": DeviceType.GARAGE_DOOR,
    "5": DeviceType.LIGHT,
    "6": DeviceType.LOCK,
    "7": DeviceType.PLUG,
    "8": DeviceType.SWITCH,
    "9": DeviceType.THERMOSTAT,
    "11": DeviceType.HUB,
    "13": DeviceType.BLIND,
    "14": DeviceType.BLIND,
    "15": DeviceType.SWITCH,
    "16": DeviceType.ROUTER,
    "17": DeviceType.CAMERA,
    "18": DeviceType.DOORBELL,
    "19": DeviceType.APPLIANCE,
    "20": DeviceType.HVAC,
    "21": DeviceType.HVAC,
    "22": DeviceType.APPLIANCE,
    "23": DeviceType.APPLIANCE,
    "26": DeviceType.SPEAKER,
    "27": DeviceType.SPEAKER,
    "28": DeviceType.SWITCH,
    "29": DeviceType.SWITCH,
    "30": DeviceType.SWITCH,
    "31": DeviceType.SPEAKER,
    "33": DeviceType.ROUTER,
    "34": DeviceType.SPEAKER,
    "35": DeviceType.SPEAKER,
    "36": DeviceType.SPEAKER,
}

# How the model names that accessories give over HomeKit begin, and whose they are. Empty: the word itself is the brand.
HOMEKIT_BRANDS: Final = {
    r"^BSB\d": "Philips Hue",
    r"^ecobee|^EB-": "Ecobee",
    r"^NL\d\d": "Nanoleaf",
    r"^Eve\b": "Eve",
    r"^HomePod|^AudioAccessory|^AppleTV": "Apple",
    r"^Smart Bridge|^Caseta|^RA2 Select": "Lutron",
    r"^TRADFRI|^TRÅDFRI|^DIRIGERA": "IKEA",
    r"^lumi\.|^Aqara|^HM1S|^ZHWG": "Aqara",
    r"^(Nanoleaf|Netatmo|VELUX|Yale|August|Danalock|Meross|Bosch|Fibaro|LIFX|Yeelight|Shelly|Tado|Koogeek|VOCOlinc|iDevices)\b": "",
}

# Matter device types (device library), as announced in DT.
MATTER_TYPES: Final = {
    "10": DeviceType.LOCK,
    "14": DeviceType.BRIDGE,
    "15": DeviceType.SWITCH,
    "21": DeviceType.SENSOR_CONTACT,
    "34|35|36|40": DeviceType.SPEAKER,
    "43|45|112|11[5-79]|12[0-4]": DeviceType.APPLIANCE,
    "67": DeviceType.SENSOR_LEAK,
    "114": DeviceType.HVAC,
    "118": DeviceType.SENSOR_SMOKE,
    "256|257|268|269": DeviceType.LIGHT,
    "259|260|261": DeviceType.SWITCH,
    "263": DeviceType.SENSOR_MOTION,
    "266|267": DeviceType.PLUG,
    "514": DeviceType.BLIND,
    "769": DeviceType.THERMOSTAT,
    "770": DeviceType.SENSOR_TEMPERATURE,
    "775": DeviceType.SENSOR_HUMIDITY,
}
# Vendor ids of the Connectivity Standards Alliance, as announced in VP.
MATTER_VENDORS: Final = {
    r"^4107\b": "Philips Hue",
    r"^4151\b": "LIFX",
    r"^4442\b": "Nanoleaf",
    r"^4447\b": "Aqara",
    r"^4476\b": "IKEA",
    r"^4874\b": "Eve",
    r"^4937\b": "Apple",
    r"^5010\b": "TP-Link",
    r"^5264\b": "Shelly",
    r"^24582\b": "Google Nest",
}

SETUP_CODE: Final = Need(
    NeedKind.CODE,
    "Enter its eight-digit HomeKit setup code: it is on the device, on its box, or shown by its application.",
    ("code",),
)
PAIRED_ELSEWHERE: Final = Need(
    NeedKind.CODE,
    "It belongs to another HomeKit home: remove it there (or reset it), then enter its eight-digit setup code.",
    ("code",),
)
MATTER_CODE: Final = Need(
    NeedKind.CODE, "Enter its Matter setup code: eleven digits, or what its QR code says (MT:…).", ("code",)
)
MATTER_CLOSED: Final = Need(
    NeedKind.CODE,
    "Let it accept one more controller (by its application or its button), then enter its Matter setup code.",
    ("code",),
)
HUE_BUTTON: Final = Need(NeedKind.BUTTON, "Press the round button on the Hue bridge, then pair.")
ESPHOME_KEY: Final = Need(
    NeedKind.KEY, "Enter its encryption key: it stands in its ESPHome configuration, below `api:`.", ("key",)
)

_HOMEKIT: Final = Row(
    kind="_hap._tcp.local.",
    ecosystem="apple_home",
    dialect="homekit",
    type_from=From("ci"),
    type_by=HOMEKIT_TYPES,
    model_from=(From("md"),),
    brand_from=(From("md"),),
    brand_by=HOMEKIT_BRANDS,
    aliases=(AliasFrom("homekit", From("id", form="lower")),),
    key_from=(From("id", form="lower"),),
    keeps=("id", "md", "c#", "sf", "ff", "pv"),
    needs=(NeedIf(SETUP_CODE, "sf", r"[13579]$"), NeedIf(PAIRED_ELSEWHERE)),
)

_MATTER: Final = Row(
    kind="_matterc._udp.local.",
    ecosystem="matter",
    dialect="matter",
    name_from=(From("dn"),),
    type_from=From("dt"),
    type_by=MATTER_TYPES,
    brand_from=(From("vp"),),
    brand_by=MATTER_VENDORS,
    aliases=(AliasFrom("matter_instance", From(NAME, form="lower")),),
    key_from=(From(NAME, r"^(.+)$", "commissionable"),),
    keeps=("d", "vp", "cm"),
    needs=(NeedIf(MATTER_CLOSED, "cm", r"^0"), NeedIf(MATTER_CODE)),
)

# The model of a Shelly as its instance is called: shellyplus1pm-a8032abcdef0, ShellyHT-703523.
_SHELLY_MAC: Final = r"^shelly[a-z0-9._-]*-([0-9a-f]{12})(?:\.|$)"
_SHELLY_MODEL: Final = r"^(shelly[a-z0-9._]*?(?:-[a-z0-9]+)?)-[0-9a-f]{6,12}(?:\.|$)"
_SHELLY: Final = Row(
    kind="_shelly._tcp.local.",
    brand="Shelly",
    ecosystem="shelly",
    dialect="shelly",
    device_type=DeviceType.SWITCH,
    model_from=(From("app"), From(NAME, _SHELLY_MODEL), From("id", _SHELLY_MODEL)),
    type_from=From("*model"),
    type_by={
        ".*(plug|strip).*": DeviceType.PLUG,
        ".*(dimmer|dim|bulb|rgb|duo|vintage|led).*": DeviceType.LIGHT,
        ".*(shutter|roller|2l).*": DeviceType.SWITCH,
        ".*(trv|blutrv).*": DeviceType.THERMOSTAT,
        ".*(motion).*": DeviceType.SENSOR_MOTION,
        ".*(dw|door).*": DeviceType.SENSOR_CONTACT,
        ".*(flood|water).*": DeviceType.SENSOR_LEAK,
        ".*(smoke).*": DeviceType.SENSOR_SMOKE,
        ".*ht(g\\d)?(-sensor)?": DeviceType.SENSOR_TEMPERATURE,
        ".*(gateway|dongle|blugw).*": DeviceType.BRIDGE,
    },
    firmware_from=(From("ver"), From("fw_id", r"/v([0-9.]+)"), From("fw_version")),
    aliases=(
        AliasFrom("mac", From("id", _SHELLY_MAC, "mac")),
        AliasFrom("mac", From(NAME, _SHELLY_MAC, "mac")),
        AliasFrom("mac", From(HOSTNAME, _SHELLY_MAC, "mac")),
        AliasFrom("shelly", From("id", r"^(shelly.+)$", "lower")),
    ),
    key_from=(
        From("id", _SHELLY_MAC, "mac"),
        From(NAME, _SHELLY_MAC, "mac"),
        From(HOSTNAME, _SHELLY_MAC, "mac"),
        From("id", r"^(shelly.+)$", "lower"),
        From(NAME, r"^(shelly.+)$", "lower"),
    ),
    keeps=("gen", "id", "app"),
)

_ESPHOME: Final = Row(
    kind="_esphomelib._tcp.local.",
    ecosystem="esphome",
    dialect="esphome",
    name_from=(From("friendly_name"), From(NAME, form="title")),
    # A project is named "author.product", and is the device's real maker.
    brand_from=(From("project_name", r"^([^.]+)\."),),
    brand="ESPHome",
    model_from=(From("project_name", r"^[^.]+\.(.+)$", "title"), From("board")),
    firmware_from=(From("project_version"), From("version")),
    aliases=(AliasFrom("mac", From("mac", form="mac")),),
    key_from=(From("mac", form="mac"), From(NAME, form="lower")),
    keeps=("api_encryption", "mac"),
    needs=(NeedIf(ESPHOME_KEY, "api_encryption", r"."),),
)

SPOKEN: Final = (
    _HOMEKIT,
    # HomeKit over Thread speaks CoAP, which this hub does not.
    replace(_HOMEKIT, kind="_hap._udp.local.", dialect=None, needs=()),
    _MATTER,
    Row(
        kind="_matter._tcp.local.",
        ecosystem="matter",
        name="^[0-9a-f]{16}-[0-9a-f]{16}$",
        aliases=(AliasFrom("matter_node", From(NAME, form="lower")),),
    ),
    Row(kind="_matter._tcp.local.", ecosystem="matter"),
    Row(
        kind="_hue._tcp.local.",
        brand="Philips Hue",
        ecosystem="philips_hue",
        dialect="hue",
        device_type=DeviceType.BRIDGE,
        model_from=(From("modelid"),),
        aliases=(
            AliasFrom("mac", From("bridgeid", form="bridge_mac")),
            AliasFrom("hue", From("bridgeid", form="bridge")),
        ),
        key_from=(From("bridgeid", form="bridge"),),
        keeps=("bridgeid",),
        needs=(NeedIf(HUE_BUTTON),),
    ),
    # A user may name a fourth-generation Shelly: then it announces itself a second time under that name.
    _SHELLY,
    replace(_SHELLY, kind="_http._tcp.local.", name=r"^shelly[a-z0-9._-]*-[0-9a-f]{6,12}$"),
    replace(_SHELLY, kind="_http._tcp.local.", says={"gen": r"^[2-9]$", "app": r"."}),
    replace(_SHELLY, kind="_http._tcp.local.", says={"id": r"^shelly"}),
    # An ESPHome node that only passes a Zigbee radio on is no node to talk to: Zigbee2MQTT does.
    replace(
        _ESPHOME,
        name=r"^tube",
        brand="TubesZB",
        brand_from=(),
        dialect=None,
        key_from=(),
        needs=(),
        device_type=DeviceType.BRIDGE,
        ecosystem="zigbee",
    ),
    _ESPHOME,
    replace(
        _ESPHOME,
        kind="_http._tcp.local.",
        says={"version": r"^20\d\d\.\d+\.\d+"},
        dialect=None,
        key_from=(),
        needs=(),
    ),
    Row(
        kind="_wled._tcp.local.",
        brand="WLED",
        ecosystem="wled",
        dialect="wled",
        device_type=DeviceType.LIGHT,
        aliases=(AliasFrom("mac", From("mac", form="mac")),),
        key_from=(From("mac", form="mac"), From(HOSTNAME, r"^([^.]+)", "lower")),
        keeps=("mac",),
    ),
    Row(
        kind="_lifx._udp.local.",
        brand="LIFX",
        ecosystem="lifx",
        dialect="lifx",
        device_type=DeviceType.LIGHT,
        firmware_from=(From("fw"),),
        aliases=(AliasFrom("serial", From("id", form="mac")),),
        key_from=(From("id", form="mac"),),
    ),
    Row(
        kind="_zwave-js-server._tcp.local.",
        brand="Z-Wave JS",
        model="Z-Wave JS server",
        ecosystem="zwave_js",
        dialect="zwave",
        device_type=DeviceType.BRIDGE,
        aliases=(AliasFrom("zwave_home", From("homeid", form="lower")),),
        key_from=(From("homeid", form="lower"),),
        keeps=("homeid",),
    ),
    Row(
        kind="_sonos._tcp.local.",
        brand="Sonos",
        ecosystem="sonos",
        dialect="sonos",
        device_type=DeviceType.SPEAKER,
        name_from=(From(NAME, r"@(.+)$"),),
        firmware_from=(From("vers"),),
        aliases=(
            AliasFrom("mac", From("info", r"RINCON_([0-9A-F]{12})", "mac")),
            AliasFrom("mac", From(NAME, r"^(?:Sonos-|RINCON_)([0-9A-F]{12})", "mac")),
        ),
        key_from=(
            From("info", r"RINCON_([0-9A-F]{12})", "mac"),
            From(NAME, r"^(?:Sonos-|RINCON_)([0-9A-F]{12})", "mac"),
        ),
        keeps=("info", "location"),
    ),
    Row(
        kind="_googlecast._tcp.local.",
        brand="Google Nest",
        ecosystem="google_cast",
        dialect="cast",
        device_type=DeviceType.SPEAKER,
        brand_from=(From("md"),),
        brand_by={
            r"^(SHIELD)": "Nvidia",
            r"^(Sony|BRAVIA)": "Sony",
            r"^(TCL|VIZIO|JBL|LG|Samsung|Philips|Xiaomi|Lenovo|Bose|Harman|Marantz|Onkyo|Pioneer|Sharp|Hisense)\b": "",
            r"^(Chromecast|Google|Nest)": "Google Nest",
        },
        name_from=(From("fn"), From(NAME)),
        model_from=(From("md"),),
        aliases=(AliasFrom("cast", From("id", form="bare")),),
        key_from=(From("id", form="bare"),),
        keeps=("id", "md", "ca", "fn"),
    ),
)
