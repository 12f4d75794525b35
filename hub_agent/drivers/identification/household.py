"""Announcements of bridges, lights, meters, appliances, locks and cameras that this hub knows and does not talk to (yet)."""

from dataclasses import replace
from typing import Final

from hub_agent.drivers.identification.row import HOSTNAME, NAME, AliasFrom, From, Row
from hub_agent.model.device import DeviceType

_OTHER: Final = DeviceType.OTHER
_BRIDGE: Final = DeviceType.BRIDGE
_HTTP: Final = "_http._tcp.local."

_THREAD_ROUTER: Final = Row(
    kind="_meshcop._udp.local.",
    ecosystem="thread",
    device_type=DeviceType.ROUTER,
    brand_from=(From("vn"),),
    model_from=(From("mn"),),
    # The extended address is bytes: heard as hexadecimal.
    aliases=(AliasFrom("thread", From("xa", form="lower")),),
)
_NANOLEAF: Final = Row(
    kind="_nanoleafapi._tcp.local.",
    brand="Nanoleaf",
    device_type=DeviceType.LIGHT,
    model_from=(From("md"),),
    models={
        "NL22": "Light Panels",
        "NL29": "Canvas",
        "NL42": "Shapes Hexagons",
        "NL45": "Essentials",
        "NL47": "Shapes Triangles",
        "NL48": "Shapes Mini Triangles",
        "NL52": "Elements",
        "NL59": "Lines",
        "NL69": "4D",
    },
    firmware_from=(From("srcvers"),),
    aliases=(AliasFrom("nanoleaf", From("id", form="lower")), AliasFrom("mac", From("eth", form="mac"))),
)
_HOMEWIZARD: Final = Row(
    kind="_hwenergy._tcp.local.",
    brand="HomeWizard",
    device_type=_OTHER,
    type_from=From("product_type"),
    type_by={"HWE-SKT": DeviceType.PLUG},
    name_from=(From("product_name"),),
    model_from=(From("product_type"),),
    aliases=(AliasFrom("mac", From("serial", form="mac")), AliasFrom("serial", From("serial"))),
)
_ZIGBEE_RADIO: Final = Row(kind="_slzb-06._tcp.local.", ecosystem="zigbee", device_type=_BRIDGE)
_DEVOLO: Final = Row(
    kind="_dvl-deviceapi._tcp.local.",
    brand="devolo",
    device_type=_BRIDGE,
    model_from=(From("product"),),
    firmware_from=(From("firmwareversion"),),
    aliases=(AliasFrom("mac", From("plcmacaddress", form="mac")), AliasFrom("serial", From("sn"))),
)
_SOMFY: Final = Row(
    kind="_kizbox._tcp.local.",
    brand="Somfy",
    model="TaHoma",
    device_type=_BRIDGE,
    firmware_from=(From("fw_version"),),
    aliases=(AliasFrom("somfy", From("gateway_pin")),),
)
_HIKVISION: Final = Row(kind="_psia._tcp.local.", brand="Hikvision", device_type=DeviceType.CAMERA)

HOUSEHOLD: Final = (
    _THREAD_ROUTER,
    replace(_THREAD_ROUTER, kind="_trel._udp.local.", is_hidden=True),
    Row(kind="_matterd._udp.local.", ecosystem="matter", name_from=(From("dn"),), device_type=DeviceType.HUB),
    # Bridges and hubs.
    Row(
        kind="_lutron._tcp.local.",
        brand="Lutron",
        device_type=_BRIDGE,
        model_from=(From("systype"),),
        firmware_from=(From("codever"),),
        aliases=(AliasFrom("mac", From("macaddr", form="mac")),),
    ),
    Row(kind="_leap._tcp.local.", brand="Lutron", device_type=_BRIDGE),
    Row(
        kind="_coap._udp.local.",
        name=r"^gw:",
        brand="IKEA",
        model="TRÅDFRI gateway",
        device_type=_BRIDGE,
        firmware_from=(From("version"),),
        aliases=(AliasFrom("mac", From(NAME, r"^gw:([0-9a-f:-]+)$", "mac")),),
    ),
    Row(kind="_coap._udp.local."),
    Row(
        kind="_ihsp._tcp.local.",
        brand="IKEA",
        model="DIRIGERA",
        device_type=_BRIDGE,
        firmware_from=(From("svn"),),
        aliases=(AliasFrom("uuid", From("uuid", form="lower")),),
    ),
    Row(kind="_homeassistant._tcp.local.", device_type=_BRIDGE),
    Row(
        kind="_home-assistant._tcp.local.",
        brand="Home Assistant",
        model="Home Assistant",
        device_type=DeviceType.HUB,
        name_from=(From("location_name"),),
        firmware_from=(From("version"),),
        aliases=(AliasFrom("uuid", From("uuid", form="bare")),),
    ),
    Row(
        kind=_HTTP,
        name=r"^Bosch SHC",
        brand="Bosch",
        model="Smart Home Controller",
        device_type=_BRIDGE,
        aliases=(AliasFrom("mac", From(NAME, r"\[([0-9a-f:-]+)\]", "mac")),),
    ),
    Row(kind=_HTTP, name=r"^Homey-", brand="Homey", device_type=DeviceType.HUB),
    _DEVOLO,
    replace(_DEVOLO, kind="_dvl-plcnetapi._tcp.local."),
    _SOMFY,
    replace(_SOMFY, kind="_kizboxdev._tcp.local."),
    Row(kind="_powerview._tcp.local.", brand="Hunter Douglas", model="PowerView", device_type=_BRIDGE),
    Row(kind="_powerview-g3._tcp.local.", brand="Hunter Douglas", model="PowerView Gen3", device_type=_BRIDGE),
    Row(
        kind="_bond._tcp.local.",
        brand="Bond",
        device_type=_BRIDGE,
        aliases=(AliasFrom("serial", From(NAME, form="upper")),),
    ),
    Row(kind="_lumismarthome._tcp.local.", brand="Aqara", device_type=_BRIDGE),
    replace(
        _ZIGBEE_RADIO,
        brand="SMLIGHT",
        model="SLZB-06",
        aliases=(AliasFrom("serial", From("serial_number")),),
    ),
    replace(_ZIGBEE_RADIO, kind="_uzg-01._tcp.local.", brand="ZigStar", model="UZG-01"),
    replace(_ZIGBEE_RADIO, kind="_zigstar_gw._tcp.local.", brand="ZigStar", model="LAN gateway"),
    replace(_ZIGBEE_RADIO, kind="_zigate-zigbee-gateway._tcp.local.", brand="ZiGate"),
    # Lights.
    Row(
        kind="_elg._tcp.local.",
        brand="Elgato",
        device_type=DeviceType.LIGHT,
        model_from=(From("md"),),
        aliases=(AliasFrom("mac", From("id", form="mac")),),
    ),
    _NANOLEAF,
    replace(_NANOLEAF, kind="_nanoleafms._tcp.local."),
    Row(
        kind="_miio._udp.local.",
        name=r"^yeelink-",
        brand="Yeelight",
        device_type=DeviceType.LIGHT,
        model_from=(From(NAME, r"^(.+)_miio"),),
        aliases=(AliasFrom("mac", From("mac", form="mac")), AliasFrom("miio", From(NAME, r"_miio(\d+)"))),
    ),
    Row(
        kind="_miio._udp.local.",
        brand="Xiaomi",
        brand_from=(From(NAME, r"^(roborock)"),),
        brand_by={"^roborock": "Roborock"},
        model_from=(From(NAME, r"^(.+)_miio"),),
        type_from=From(NAME),
        type_by={
            r".*-vacuum-.*": DeviceType.APPLIANCE,
            r".*-gateway-.*": _BRIDGE,
            r".*-(light|lamp)-.*": DeviceType.LIGHT,
            r".*-plug-.*": DeviceType.PLUG,
            r".*-(airpurifier|airp|humidifier|fan|waterheater)-.*": DeviceType.APPLIANCE,
            r".*-camera-.*": DeviceType.CAMERA,
        },
        aliases=(AliasFrom("mac", From("mac", form="mac")), AliasFrom("miio", From(NAME, r"_miio(\d+)"))),
    ),
    # Energy.
    Row(
        kind="_plugwise._tcp.local.",
        brand="Plugwise",
        device_type=_BRIDGE,
        model_from=(From("product"),),
        models={
            "smile_thermo": "Smile",
            "smile_open_therm": "Adam",
            "smile_p1": "Smile P1",
            "smile": "Smile",
            "stretch": "Stretch",
        },
        firmware_from=(From("version"),),
    ),
    _HOMEWIZARD,
    replace(_HOMEWIZARD, kind="_homewizard._tcp.local."),
    Row(
        kind="_enphase-envoy._tcp.local.",
        brand="Enphase",
        model="Envoy",
        firmware_from=(From("protovers"),),
        aliases=(AliasFrom("serial", From("serialnum")),),
    ),
    Row(kind="_technove-stations._tcp.local.", brand="TechnoVE", model="Charging station"),
    Row(
        kind="_openevse._tcp.local.",
        brand="OpenEVSE",
        model_from=(From("type"),),
        firmware_from=(From("version"),),
        aliases=(AliasFrom("mac", From("id", form="mac")),),
    ),
    Row(kind="_nut._tcp.local.", brand="Network UPS Tools", model="UPS server"),
    # Climate, air, water, cleaning.
    Row(kind="_dkapi._tcp.local.", brand="Daikin", device_type=DeviceType.HVAC),
    Row(
        kind="_sideplay._tcp.local.",
        brand="Ecobee",
        device_type=DeviceType.THERMOSTAT,
        model_from=(From("mdl"),),
    ),
    Row(kind="_ecobee._tcp.local.", brand="Ecobee", device_type=DeviceType.THERMOSTAT),
    Row(kind="_rabbitair._udp.local.", brand="Rabbit Air", device_type=DeviceType.APPLIANCE),
    Row(kind="_easylink._tcp.local.", name=r"^WAC", brand="Modern Forms", device_type=DeviceType.APPLIANCE),
    Row(kind="_easylink._tcp.local."),
    Row(
        kind="_api._tcp.local.",
        says={"model": r"^(Haiku|i6)"},
        brand="Big Ass Fans",
        device_type=DeviceType.APPLIANCE,
        model_from=(From("model"),),
        aliases=(AliasFrom("uuid", From("uuid", form="lower")),),
    ),
    Row(kind="_api._tcp.local."),
    Row(kind="_api._udp.local.", brand="Elexa", model="Guardian valve", device_type=DeviceType.SWITCH),
    Row(kind=_HTTP, name=r"^rachio", brand="Rachio", device_type=DeviceType.SWITCH),
    Row(kind=_HTTP, name=r"^rainmachine", brand="RainMachine", device_type=DeviceType.SWITCH),
    Row(
        kind="_amzn-alexa._tcp.local.",
        name=r"^(irobot|roomba)-",
        brand="iRobot",
        device_type=DeviceType.APPLIANCE,
        aliases=(AliasFrom("serial", From("r")), AliasFrom("serial", From(NAME, r"^\w+-([0-9A-F]+)$"))),
    ),
    Row(kind="_amzn-alexa._tcp.local."),
    Row(kind=_HTTP, name=r"^nam-", brand="Nettigo", model="Air Monitor", device_type=DeviceType.SENSOR_TEMPERATURE),
    Row(kind=_HTTP, says={"manufacturer": r"^Nettigo"}, brand="Nettigo", model="Air Monitor"),
    Row(kind=_HTTP, name=r"^awair", brand="Awair", device_type=DeviceType.SENSOR_TEMPERATURE),
    # Doors and cameras.
    Row(kind=_HTTP, name=r"^loqed", brand="Loqed", device_type=DeviceType.LOCK),
    Row(
        kind="_axis-video._tcp.local.",
        says={"macaddress": r"^1C:?CA:?E3"},
        brand="DoorBird",
        device_type=DeviceType.DOORBELL,
        aliases=(AliasFrom("mac", From("macaddress", form="mac")),),
    ),
    Row(
        kind="_axis-video._tcp.local.",
        brand="Axis",
        device_type=DeviceType.CAMERA,
        aliases=(AliasFrom("mac", From("macaddress", form="mac")),),
    ),
    _HIKVISION,
    replace(_HIKVISION, kind="_cgi._tcp.local."),
    Row(kind="_rtsp._tcp.local.", device_type=DeviceType.CAMERA),
    # Others.
    Row(kind="_bbxsrv._tcp.local.", brand="BleBox", device_type=DeviceType.SWITCH),
    Row(kind="_lookin._tcp.local.", brand="LOOKin", model="Remote", device_type=_BRIDGE),
    Row(
        kind="_tvm._tcp.local.",
        brand="Vogel’s",
        model="MotionMount",
        aliases=(AliasFrom("mac", From("mac", form="mac")),),
    ),
    Row(kind="_wyoming._tcp.local.", brand="Wyoming", model="Voice satellite", device_type=DeviceType.SPEAKER),
    Row(kind="_tplink._tcp.local.", brand="TP-Link"),
    Row(
        kind="_ssh._tcp.local.",
        name=r"^Smappee",
        brand="Smappee",
        aliases=(AliasFrom("serial", From(NAME, r"^Smappee(\d+)$")),),
    ),
    Row(
        kind="_http._tcp.local.",
        name=r"^tasmota[-_]",
        brand="Tasmota",
        ecosystem="tasmota",
        device_type=DeviceType.SWITCH,
        name_from=(From(NAME, form="title"),),
        aliases=(AliasFrom("mac", From(HOSTNAME, r"-([0-9a-f]{12})(?:\.|$)", "mac")),),
    ),
)
