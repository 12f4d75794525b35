"""A household of Sonos players, as far as SoCo asks: no real one can be had, so this stands in, and SoCo judges whether it is one.

    python household.py PORT... < commands

A player on 127.0.0.1 for each port; it ends when its standard input does. A line of JSON there is what a person does at a player:
{"player": 0, "volume": 40}, {"player": 0, "volume_while_asked": 40} (between two questions) or {"player": 0, "battery": 55}. Each player that is up is said by a line on standard output.
"""

import json
import os
import re
import sys
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import TypeAlias
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

ROOMS = ("Kitchen", "Hall", "Bath")
DIDL = (
    '<DIDL-Lite xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:upnp="urn:schemas-upnp-org:metadata-1-0/upnp/"'
    ' xmlns:r="urn:schemas-rinconnetworks-com:metadata-1-0/" xmlns="urn:schemas-upnp-org:metadata-1-0/DIDL-Lite/">{}</DIDL-Lite>'
)
STATION = "x-sonosapi-stream:s13606?sid=254&flags=8224&sn=0"
STATION_META = DIDL.format(
    '<item id="F00092020s13606" parentID="0" restricted="true"><dc:title>Radio Paradise</dc:title>'
    "<upnp:class>object.item.audioItem.audioBroadcast</upnp:class>"
    '<desc id="cdudn" nameSpace="urn:schemas-rinconnetworks-com:metadata-1-0/">SA_RINCON65031_</desc></item>'
)
SERVICES = {
    "AVTransport": "/MediaRenderer/AVTransport",
    "RenderingControl": "/MediaRenderer/RenderingControl",
    "ZoneGroupTopology": "/ZoneGroupTopology",
    "DeviceProperties": "/DeviceProperties",
    "ContentDirectory": "/MediaServer/ContentDirectory",
}
SERVICE_BY_PATH = {path: name for name, path in SERVICES.items()}
NUMBERS = count(1)


Said: TypeAlias = dict[str, object] | None
_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
# What SoCo wants to read of a service before it calls it: these actions take nothing.
SCPD = (
    '<?xml version="1.0"?><scpd xmlns="urn:schemas-upnp-org:service-1-0"><actionList>'
    "<action><name>GetHouseholdID</name><argumentList/></action><action><name>GetZoneGroupState</name><argumentList/></action>"
    "</actionList><serviceStateTable/></scpd>"
)


class Refused(Exception):
    """By the code of UPnP."""


@dataclass
class Player:
    index: int
    port: int
    household: "Household"
    volume: int = 20
    soon: int | None = None
    is_muted: bool = False
    bass: int = 0
    treble: int = 0
    loudness: bool = True
    address: str = ""
    described: str = ""
    state: str = "STOPPED"
    mode: str = "NORMAL"
    queue: list[str] = field(default_factory=list)
    track: int = 1
    leader: "Player | None" = None
    battery: int | None = None
    subscribers: dict[str, tuple[str, str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def uid(self) -> str:
        return f"RINCON_000E58{self.index:06X}01400"

    @property
    def room(self) -> str:
        return ROOMS[self.index % len(ROOMS)]

    # What it says of itself.

    def description(self) -> str:
        serial = f"00-0E-58-00-00-{self.index:02X}:7"
        model = "Sonos Roam" if self.battery is not None else "Sonos One"
        return (
            '<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><device>'
            "<deviceType>urn:schemas-upnp-org:device:ZonePlayer:1</deviceType>"
            f"<friendlyName>127.0.0.1 - {model}</friendlyName><manufacturer>Sonos, Inc.</manufacturer>"
            f"<modelNumber>S13</modelNumber><modelName>{model}</modelName><softwareVersion>70.4-36090</softwareVersion>"
            f"<hardwareVersion>1.20.1.6-1.2</hardwareVersion><serialNum>{serial}</serialNum><UDN>uuid:{self.uid}</UDN>"
            f"<roomName>{self.room}</roomName><displayVersion>14.18.1</displayVersion></device></root>"
        )

    def battery_status(self) -> str:
        data = f'<Data name="Health">GREEN</Data><Data name="Level">{self.battery}</Data><Data name="PowerSource">BATTERY</Data>'
        inner = f"<LocalBatteryStatus>{data}</LocalBatteryStatus>" if self.battery is not None else "<Nothing/>"
        return f"<?xml version='1.0'?><ZPSupportInfo>{inner}</ZPSupportInfo>"

    def track_address(self) -> str:
        if self.leader is not None:
            return f"x-rincon:{self.leader.uid}"
        return self.queue[self.track - 1] if self.address.startswith("x-rincon-queue:") and self.queue else self.address

    def track_meta(self) -> str:
        address = self.track_address()
        if not address or address.startswith("x-rincon"):
            return ""
        title = escape(address.rpartition("/")[2].partition(".")[0] or address)
        return DIDL.format(
            f'<item id="-1" parentID="-1" restricted="true"><res protocolInfo="http-get:*:audio/mpeg:*">{escape(address)}</res>'
            f"<dc:title>{title}</dc:title><upnp:class>object.item.audioItem.musicTrack</upnp:class>"
            "<dc:creator>Somebody</dc:creator></item>"
        )

    def variables(self, service: str) -> str:
        """The body of an event, with all that this service tells."""
        if service == "ZoneGroupTopology":
            return f"<e:property><ZoneGroupState>{escape(self.household.topology())}</ZoneGroupState></e:property>"
        if service == "DeviceProperties":
            more = f"BattPct:{self.battery},BattChg:NOT_CHARGING,BattTmp:25" if self.battery is not None else ""
            return f"<e:property><MoreInfo>{more}</MoreInfo></e:property>"
        if service == "RenderingControl":
            inner = (
                f'<Volume channel="Master" val="{self.volume}"/><Volume channel="LF" val="100"/>'
                f'<Mute channel="Master" val="{int(self.is_muted)}"/><Bass val="{self.bass}"/><Treble val="{self.treble}"/>'
                f'<Loudness channel="Master" val="{int(self.loudness)}"/>'
            )
            return self._last_change("RCS", inner)
        inner = (
            f'<TransportState val="{self.state}"/><CurrentPlayMode val="{self.mode}"/>'
            f'<CurrentTrackURI val={quoteattr(self.track_address())}/><CurrentTrackDuration val="0:03:00"/>'
            f"<CurrentTrackMetaData val={quoteattr(self.track_meta())}/>"
            f"<AVTransportURI val={quoteattr(self.address or self.track_address())}/>"
            f'<r:EnqueuedTransportURIMetaData xmlns:r="urn:schemas-rinconnetworks-com:metadata-1-0/" val={quoteattr(self.described)}/>'
        )
        return self._last_change("AVT", inner)

    def _last_change(self, kind: str, inner: str) -> str:
        event = (
            f'<Event xmlns="urn:schemas-upnp-org:metadata-1-0/{kind}/"><InstanceID val="0">{inner}</InstanceID></Event>'
        )
        return f"<e:property><LastChange>{escape(event)}</LastChange></e:property>"

    def tell(self, service: str, only: str | None = None) -> None:
        for sid, (name, callback) in list(self.subscribers.items()):
            if name == service and only in {None, sid}:
                self._notify(sid, callback, self.variables(service))

    def _notify(self, sid: str, callback: str, inner: str) -> None:
        body = f'<e:propertyset xmlns:e="urn:schemas-upnp-org:event-1-0">{inner}</e:propertyset>'.encode()
        headers = {"NT": "upnp:event", "NTS": "upnp:propchange", "SID": sid, "SEQ": str(next(NUMBERS))}
        request = urllib.request.Request(callback, body, headers, method="NOTIFY")
        try:
            with urllib.request.urlopen(request, timeout=2) as answer:
                answer.read()
        except OSError:
            self.subscribers.pop(sid, None)

    # What it does.

    def do(self, service: str, action: str, given: dict[str, str]) -> dict[str, object]:
        deed = getattr(self, f"on_{_WORDS.sub('_', action).lower()}", None)
        if deed is None:
            raise Refused(401)
        with self.lock:
            answer = deed(given) or {}
        if not action.startswith(("Get", "Browse")):
            for each in self.household.players if action in {"SetAVTransportURI", REGROUP} else (self,):
                each.tell(service)
                if action in {"SetAVTransportURI", REGROUP}:
                    each.tell("ZoneGroupTopology")
        return answer

    def _lead(self) -> None:
        if self.leader is not None:
            raise Refused(800)

    def on_get_volume(self, _given: dict[str, str]) -> Said:
        return {"CurrentVolume": self.volume}

    def on_set_volume(self, given: dict[str, str]) -> Said:
        level = int(given["DesiredVolume"])
        if not 0 <= level <= 100:
            raise Refused(402)
        self.volume = level

    def on_set_relative_volume(self, given: dict[str, str]) -> Said:
        self.volume = max(0, min(100, self.volume + int(given["Adjustment"])))
        return {"NewVolume": self.volume}

    def on_get_mute(self, _given: dict[str, str]) -> Said:
        if self.soon is not None:
            self.volume, self.soon = self.soon, None
            self.tell("RenderingControl")
        return {"CurrentMute": int(self.is_muted)}

    def on_set_mute(self, given: dict[str, str]) -> Said:
        self.is_muted = given["DesiredMute"] == "1"

    def on_get_bass(self, _given: dict[str, str]) -> Said:
        return {"CurrentBass": self.bass}

    def on_set_bass(self, given: dict[str, str]) -> Said:
        self.bass = int(given["DesiredBass"])

    def on_get_treble(self, _given: dict[str, str]) -> Said:
        return {"CurrentTreble": self.treble}

    def on_set_treble(self, given: dict[str, str]) -> Said:
        self.treble = int(given["DesiredTreble"])

    def on_get_loudness(self, _given: dict[str, str]) -> Said:
        return {"CurrentLoudness": int(self.loudness)}

    def on_set_loudness(self, given: dict[str, str]) -> Said:
        self.loudness = given["DesiredLoudness"] == "1"

    def on_get_transport_info(self, _given: dict[str, str]) -> Said:
        return {"CurrentTransportState": self.state, "CurrentTransportStatus": "OK", "CurrentSpeed": "1"}

    def on_get_transport_settings(self, _given: dict[str, str]) -> Said:
        return {"PlayMode": self.mode, "RecQualityMode": "NOT_IMPLEMENTED"}

    def on_get_position_info(self, _given: dict[str, str]) -> Said:
        return {
            "Track": self.track,
            "TrackDuration": "0:03:00",
            "TrackMetaData": self.track_meta(),
            "TrackURI": self.track_address(),
            "RelTime": "0:00:01",
        }

    def on_get_media_info(self, _given: dict[str, str]) -> Said:
        return {
            "NrTracks": len(self.queue),
            "MediaDuration": "NOT_IMPLEMENTED",
            "CurrentURI": self.address or self.track_address(),
            "CurrentURIMetaData": self.described,
        }

    def on_set_av_transport_uri(self, given: dict[str, str]) -> Said:
        address = given["CurrentURI"]
        if address.startswith("x-rincon:"):
            self.leader = self.household.player_of(address.removeprefix("x-rincon:"))
            self.address, self.described = "", ""
            return
        if not address.partition(":")[2]:
            raise Refused(714)
        self.leader, self.address, self.described, self.state = (
            None,
            address,
            given["CurrentURIMetaData"] or "",
            "STOPPED",
        )

    def on_become_coordinator_of_standalone_group(self, _given: dict[str, str]) -> Said:
        self.leader, self.state = None, "STOPPED"

    def on_play(self, _given: dict[str, str]) -> Said:
        self._lead()
        if not self.address:
            raise Refused(701)
        self.state = "PLAYING"

    def on_pause(self, _given: dict[str, str]) -> Said:
        self._lead()
        if self.state != "PLAYING":
            raise Refused(701)
        self.state = "PAUSED_PLAYBACK"

    def on_stop(self, _given: dict[str, str]) -> Said:
        self._lead()
        self.state = "STOPPED"

    def on_seek(self, given: dict[str, str]) -> Said:
        if given["Unit"] == "TRACK_NR":
            self.track = int(given["Target"])

    def on_next(self, _given: dict[str, str]) -> Said:
        self._lead()
        if self.track >= len(self.queue):
            raise Refused(711)
        self.track += 1

    def on_set_play_mode(self, given: dict[str, str]) -> Said:
        self._lead()
        self.mode = given["NewPlayMode"]

    def on_remove_all_tracks_from_queue(self, _given: dict[str, str]) -> Said:
        self.queue.clear()
        self.track = 1

    def on_add_uri_to_queue(self, given: dict[str, str]) -> Said:
        self.queue.append(given["EnqueuedURI"])
        return {"FirstTrackNumberEnqueued": len(self.queue), "NumTracksAdded": 1, "NewQueueLength": len(self.queue)}

    def on_get_zone_group_state(self, _given: dict[str, str]) -> Said:
        return {"ZoneGroupState": self.household.topology()}

    def on_get_household_id(self, _given: dict[str, str]) -> Said:
        return {"CurrentHouseholdID": f"Sonos_{os.getpid()}"}

    def on_browse(self, given: dict[str, str]) -> Said:
        found = []
        if given["ObjectID"] == "FV:2":
            found.append(
                '<item id="FV:2/1" parentID="FV:2" restricted="false"><dc:title>Radio Paradise</dc:title>'
                "<upnp:class>object.itemobject.item.sonos-favorite</upnp:class><r:ordinal>0</r:ordinal>"
                f'<res protocolInfo="x-sonosapi-stream:*:*:*">{escape(STATION)}</res><r:type>instantPlay</r:type>'
                f"<r:description>TuneIn Station</r:description><r:resMD>{escape(STATION_META)}</r:resMD></item>"
            )
        result = DIDL.format("".join(found))
        return {"Result": result, "NumberReturned": len(found), "TotalMatches": len(found), "UpdateID": 1}


REGROUP = "BecomeCoordinatorOfStandaloneGroup"


class Household:
    def __init__(self, ports: list[int]) -> None:
        self.players = [Player(index, port, self) for index, port in enumerate(ports)]

    def player_of(self, uid: str) -> Player:
        found = next((each for each in self.players if each.uid == uid), None)
        if found is None:
            raise Refused(402)
        return found

    def topology(self) -> str:
        groups = []
        for leader in (each for each in self.players if each.leader is None):
            members = "".join(
                f'<ZoneGroupMember UUID="{each.uid}" Location="http://127.0.0.1:{each.port}/xml/device_description.xml"'
                f' ZoneName="{each.room}" Icon="" Configuration="1" SoftwareVersion="70.4-36090" SWGen="2" BootSeq="12"/>'
                for each in self.players
                if each is leader or each.leader is leader
            )
            groups.append(
                f'<ZoneGroup Coordinator="{leader.uid}" ID="{leader.uid}:{leader.index}">{members}</ZoneGroup>'
            )
        return f"<ZoneGroupState><ZoneGroups>{''.join(groups)}</ZoneGroups><VanishedDevices/></ZoneGroupState>"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    player: Player

    def do_GET(self) -> None:
        if self.path == "/xml/device_description.xml":
            self._answer(200, self.player.description())
        elif self.path == "/status/batterystatus":
            self._answer(200, self.player.battery_status())
        elif self.path.startswith("/xml/"):
            self._answer(200, SCPD)
        else:
            self._answer(404, "")

    def do_POST(self) -> None:
        envelope = ET.fromstring(self.rfile.read(int(self.headers["Content-Length"])))
        body = envelope.find("{http://schemas.xmlsoap.org/soap/envelope/}Body")
        assert body is not None
        asked = body[0]
        namespace, action = asked.tag[1:].split("}")
        service = SERVICE_BY_PATH[self.path.removesuffix("/Control")]
        try:
            said = self.player.do(service, action, {each.tag: each.text or "" for each in asked})
        except Refused as refused:
            fault = f'<UPnPError xmlns="urn:schemas-upnp-org:control-1-0"><errorCode>{refused.args[0]}</errorCode></UPnPError>'
            inner = f"<s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring><detail>{fault}</detail></s:Fault>"
            self._envelope(500, inner)
            return
        inner = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in said.items())
        self._envelope(200, f'<u:{action}Response xmlns:u="{namespace}">{inner}</u:{action}Response>')

    def do_SUBSCRIBE(self) -> None:
        service = SERVICE_BY_PATH[self.path.removesuffix("/Event")]
        sid = self.headers.get("SID")
        if sid is None:
            sid = f"uuid:{self.player.uid}_sub{next(NUMBERS)}"
            self.player.subscribers[sid] = (service, self.headers["Callback"].strip("<>"))
            # The first event comes of itself, after the answer.
            threading.Timer(0.05, self.player.tell, (service, sid)).start()
        self._answer(200, "", {"SID": sid, "TIMEOUT": "Second-1200"})

    def do_UNSUBSCRIBE(self) -> None:
        self.player.subscribers.pop(self.headers["SID"], None)
        self._answer(200, "")

    def _envelope(self, status: int, inner: str) -> None:
        self._answer(
            status,
            '<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"'
            f' s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>{inner}</s:Body></s:Envelope>',
        )

    def _answer(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in {"Content-Type": 'text/xml; charset="utf-8"', **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        return


def main() -> None:
    household = Household([int(port) for port in sys.argv[1:]])
    for player in household.players:
        handler = type("PlayerHandler", (Handler,), {"player": player})
        server = ThreadingHTTPServer(("127.0.0.1", player.port), handler)
        server.daemon_threads = True
        player.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
    for player in household.players:
        print(json.dumps({"uid": player.uid, "port": player.port}), flush=True)
    for line in sys.stdin:
        deed = json.loads(line)
        player = household.players[deed["player"]]
        if "volume_while_asked" in deed:
            player.soon = deed["volume_while_asked"]
        if "volume" in deed:
            player.volume = deed["volume"]
            player.tell("RenderingControl")
        if "battery" in deed:
            player.battery = deed["battery"]
            player.tell("DeviceProperties")


if __name__ == "__main__":
    main()
