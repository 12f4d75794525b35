"""Announcements of computers, printers, storage and routers, and of what runs on them."""

from dataclasses import replace
from typing import Final

from hub_agent.drivers.identification.row import HOSTNAME, NAME, AliasFrom, From, Row
from hub_agent.model.device import DeviceType

_HTTP: Final = "_http._tcp.local."
_PRINTER: Final = Row(
    kind="_ipp._tcp.local.",
    brand_from=(From("usb_mfg"), From("ty", r"^(\S+)"), From("product", r"^\(?(\S+)"), From(NAME, r"^(\S+)")),
    brand_by={r"^(HP|EPSON|Brother|Canon|Xerox|Samsung|Lexmark|Kyocera|Ricoh|OKI)\b": "", r"^Hewlett": "HP"},
    model_from=(From("usb_mdl"), From("ty"), From("product", r"^\(?([^)]+)"), From(NAME)),
    aliases=(AliasFrom("uuid", From("uuid", form="lower")),),
)

COMPUTERS: Final = (
    _PRINTER,
    replace(_PRINTER, kind="_ipps._tcp.local."),
    replace(_PRINTER, kind="_printer._tcp.local."),
    replace(_PRINTER, kind="_pdl-datastream._tcp.local."),
    Row(
        kind="_octoprint._tcp.local.",
        brand="OctoPrint",
        model="3D printer",
        firmware_from=(From("version"),),
        aliases=(AliasFrom("uuid", From("uuid", form="lower")),),
    ),
    Row(
        kind=_HTTP,
        says={"vendor": r"^Synology"},
        brand="Synology",
        model_from=(From("model"),),
        # Several, one a network card: the first is always the same.
        aliases=(
            AliasFrom("mac", From("mac_address", r"^([0-9a-f:]+)", "mac")),
            AliasFrom("serial", From("serial")),
        ),
    ),
    Row(
        kind="_fbx-api._tcp.local.",
        brand="Free",
        device_type=DeviceType.ROUTER,
        model_from=(From("box_model_name"), From("device_type")),
        aliases=(AliasFrom("freebox", From("uid", form="lower")),),
    ),
    Row(kind="_mqtt._tcp.local.", model="MQTT broker", ecosystem="mqtt"),
    Row(kind="_secure-mqtt._tcp.local.", model="MQTT broker", ecosystem="mqtt"),
    Row(
        kind="_workstation._tcp.local.",
        model="Computer",
        name_from=(From(NAME, r"^([^\[]+)"),),
        aliases=(AliasFrom("mac", From(NAME, r"\[([0-9a-f:]{17})\]", "mac")),),
    ),
    Row(kind="_system-bridge._tcp.local.", brand="System Bridge", model="Computer"),
    Row(kind="_nvstream._tcp.local.", brand="Nvidia", model="GameStream host"),
    # These say more about something else, or only how a computer can be reached.
    Row(kind="_device-info._tcp.local.", is_hidden=True),
    Row(kind="_nexa-hub._tcp.local.", is_hidden=True),
    Row(kind="_ssh._tcp.local.", is_hidden=True),
    Row(kind="_sftp-ssh._tcp.local.", is_hidden=True),
    Row(kind="_smb._tcp.local.", is_hidden=True),
    Row(kind="_afpovertcp._tcp.local.", is_hidden=True),
    Row(kind="_rfb._tcp.local.", is_hidden=True),
    Row(kind="_adisk._tcp.local.", is_hidden=True),
    Row(kind="_udisks-ssh._tcp.local.", is_hidden=True),
    Row(kind="_rdlink._tcp.local.", is_hidden=True),
    Row(kind="_scanner._tcp.local.", is_hidden=True),
    Row(kind="_uscan._tcp.local.", is_hidden=True),
    Row(kind="_uscans._tcp.local.", is_hidden=True),
    # Whatever else has a page: known by its name only.
    Row(kind=_HTTP, aliases=(AliasFrom("mac", From(HOSTNAME, r"-([0-9a-f]{12})(?:\.|$)", "mac")),)),
)
