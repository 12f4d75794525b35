"""What is made of announcements that real devices have sent."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hub_agent.drivers.identification import HIDDEN_TYPES, SEARCH_TARGETS, SERVICE_TYPES, identify
from hub_agent.model.link import PeerFound, Service
from tests.recorded.identification.announced import DATA, of_others, of_shellies

SNAPSHOT = DATA / "snapshot.json"
FixtureOf = Callable[[str], Path]


def _readable(found: PeerFound | None) -> dict[str, Any] | None:
    if found is None:
        return None
    told = {
        "name": found.name,
        "brand": found.brand,
        "model": found.model,
        "type": found.device_type.value,
        "ecosystem": found.ecosystem,
        "firmware": found.firmware_version,
        "talks": f"{found.dialect}/{found.key}" if found.dialect else None,
        "aliases": [f"{alias.kind}={alias.value}" for alias in found.aliases],
        "needs": found.need.kind.value if found.need else None,
    }
    return {key: value for key, value in told.items() if value}


def test_recorded_announcements_are_identified_as_the_snapshot_says() -> None:
    made = [
        {"heard": f"{service.name}.{service.kind}", "is": _readable(identify(service))}
        for service in (*of_shellies(), *of_others())
    ]
    if os.environ.get("NEXA_SNAPSHOTS") == "write":
        SNAPSHOT.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    assert made == json.loads(SNAPSHOT.read_text(encoding="utf-8"))


def test_every_shelly_that_says_its_id_is_a_peer_with_the_key_that_its_address_of_the_network_card_makes() -> None:
    for service in of_shellies():
        if said := re.fullmatch(r"shelly.*-([0-9a-f]{12})", service.name.lower()):
            found = identify(service)
            assert found is not None
            assert (found.dialect, found.key, found.aliases[0].value) == ("shelly", said[1], said[1])


def test_every_service_type_that_is_known_of_is_looked_for_or_known_to_say_nothing(real_fixtures: FixtureOf) -> None:
    table = json.loads(real_fixtures("http_mdns/mdns/service_type_table.json").read_text(encoding="utf-8"))

    types = {row["service_type"].lower() for row in table["services"]}

    assert len(types) == 91
    assert types - set(SERVICE_TYPES) == {"_device-info._tcp.local.", "_sleep-proxy._udp.local.", "_trel._udp.local."}
    assert types - set(SERVICE_TYPES) <= HIDDEN_TYPES


# Rows whose table names who it is only in words, or where only reading the device tells.
NOBODYS = {
    "_hap._tcp.local.",
    "_hap._udp.local.",
    "_matter._tcp.local.",
    "_matterc._udp.local.",
    "_matterd._udp.local.",
    "_meshcop._udp.local.",
    "_airplay._tcp.local.",
    "_raop._tcp.local.",
    "_spotify-connect._tcp.local.",
    "_homeassistant._tcp.local.",
    "_rtsp._tcp.local.",
    "_ipp._tcp.local.",
    "_ipps._tcp.local.",
    "_pdl-datastream._tcp.local.",
    "_mqtt._tcp.local.",
    "_secure-mqtt._tcp.local.",
    "_workstation._tcp.local.",
}
EXAMPLES = {
    "Shelly Gen1": ("shelly1-34945472A643", {"id": "shelly1-34945472A643"}),
    "ESPHome without native API": ("klo", {"version": "2026.6.4"}),
    "Nettigo Air Monitor": ("nam-aabbcc", {"manufacturer": "Nettigo"}),
    "Awair": ("awair-elem-1", {}),
    "Bosch Smart Home Controller": ("Bosch SHC [64-da-a0-00-11-22]", {}),
    "Rachio": ("rachio-1", {}),
    "RainMachine": ("rainmachine", {}),
    "Synology DSM": (
        "nas",
        {"vendor": "Synology", "model": "DS220+", "mac_address": "00:11:32:aa:bb:cc|00:11:32:aa:bb:cd"},
    ),
    "Loqed": ("loqed-1", {}),
    "Homey": ("Homey-5d", {}),
    "IKEA TRÅDFRI gateway": ("gw:b0-72-bf-00-11-22", {}),
    "Big Ass Fans": ("Bedroom", {"model": "Haiku L"}),
    "Modern Forms": ("WAC Fan", {}),
    "iRobot Roomba": ("Roomba-31AABBCCDDEEFF00", {}),
    "Brother": ("Brother HL-L2350DW", {"product": "(Brother HL-L2350DW series)"}),
    "TubesZB coordinator": ("tubeszb-cc2652", {"mac": "aabbccddeeff"}),
    "Xiaomi miIO / Yeelight": ("roborock-vacuum-s5_miio123", {}),
}


def test_every_row_of_the_table_gets_its_brand(real_fixtures: FixtureOf) -> None:
    table = json.loads(real_fixtures("http_mdns/mdns/service_type_table.json").read_text(encoding="utf-8"))
    unnamed = []
    for row in table["services"]:
        name, txt = EXAMPLES.get(row["brand"], ("something", {}))
        found = identify(Service("mdns", row["service_type"], name, ("192.0.2.1",), row.get("usual_port"), None, txt))
        if row["service_type"] in NOBODYS or row["service_type"].lower() in HIDDEN_TYPES:
            continue
        if found is None or found.brand is None:
            unnamed.append((row["service_type"], row["brand"]))

    assert unnamed == []


@pytest.mark.parametrize(
    "kind,name,txt,brand",
    [
        ("urn:schemas-upnp-org:device:ZonePlayer:1", "uuid:RINCON_5CAAFDE47AC801400", {}, "Sonos"),
        ("urn:schemas-upnp-org:device:Basic:1", "uuid:2f40", {"hue-bridgeid": "ECB5FAFFFEABCABC"}, "Philips Hue"),
        ("urn:Belkin:device:controllee:1", "uuid:Socket-1_0-1", {}, "Wemo"),
        ("roku:ecp", "uuid:roku:ecp:YH00AA", {}, "Roku"),
    ],
)
def test_brands_that_announce_themselves_by_ssdp_are_known(
    kind: str, name: str, txt: dict[str, str], brand: str
) -> None:
    found = identify(Service("ssdp", kind, name, ("192.0.2.1",), 80, None, txt))

    assert found is not None
    assert found.brand == brand
    assert kind in SEARCH_TARGETS or kind.startswith("urn:Belkin")


def test_quotations_of_public_issues_are_identified(real_fixtures: FixtureOf) -> None:
    quotes = json.loads(real_fixtures("http_mdns/mdns/browse_quotes.json").read_text(encoding="utf-8"))
    brands = [
        found.brand if found else None
        for quote in quotes
        for found in [
            identify(
                Service(
                    "mdns",
                    quote["type"],
                    quote["name"],
                    (quote["address"],),
                    quote["port"],
                    quote["host"],
                    {key: value for key, _, value in (pair.partition("=") for pair in quote["txt"])},
                )
            )
        ]
    ]

    assert brands == ["Nvidia", "Shairport", "Apple", "OpenEVSE", "ESPHome"]
