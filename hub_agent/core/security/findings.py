"""What of a look at the home is a weakness, each with what to do about it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Final

from hub_agent.core.security import known_issues
from hub_agent.core.security.dialects import probe_of
from hub_agent.core.security.finding import Finding
from hub_agent.core.security.home import SecuredHome, Ways
from hub_agent.model.device import Device
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.security import KnownIssues, Look

# What is looked at of each device: few, so that nobody takes it for an attack. More than this many of them open are a thing that answers
# on every port (a trap, a proxy), of which nothing can be told.
PORTS: Final = (80, 443, 23, 22, 21, 1883, 8883, 8080, 5900, 502)
OPEN_MAX: Final = 7
PAGE_PORT: Final = 80
MQTT: Final = 1883
TARGETS_MAX: Final = 500
HUB: Final = "hub"

UPDATE_WAITS_MAX: Final = timedelta(days=30)

# Never looked at: the hub itself (it is a target of its own), what has no address of its own.
_OWN_DIALECTS: Final = frozenset({"hub", "helper"})


@dataclass(frozen=True, slots=True)
class _Open:
    rank: str
    name: str
    text: str
    advice: str


_OPEN: Final[Mapping[int, _Open]] = {
    21: _Open(
        "medium",
        "FTP",
        "It lends files over FTP, which passes names and passwords unencrypted.",
        "Switch FTP off on the device.",
    ),
    23: _Open(
        "high",
        "Telnet",
        "It can be logged in to over Telnet, unencrypted; botnets look for just that.",
        "Switch Telnet off on the device; if that cannot be done, put it on a network of its own, without internet.",
    ),
    502: _Open(
        "medium",
        "Modbus",
        "It speaks Modbus, which has no login: everybody on the network may read and set it.",
        "Let only this hub reach it, by a rule of the router or a network of its own.",
    ),
    5900: _Open(
        "medium",
        "VNC",
        "Its screen can be taken over by VNC.",
        "Switch VNC off, or let it be reached through an encrypted tunnel only.",
    ),
}


def targets_of(home: SecuredHome, ways: Ways) -> list[dict[str, JsonValue]]:
    """What is to be looked at: devices at addresses of the home, each address once, and the hub itself. Never anything outside."""
    seen: set[str] = set()
    targets: list[dict[str, JsonValue]] = []
    for device in sorted(home.devices(), key=lambda each: each.id):
        if device.origin.dialect in _OWN_DIALECTS or is_skipped(device):
            continue
        address = next((each for each in home.addresses_of(device) if is_of_a_home(each)), None)
        if address is None or address in seen or len(targets) >= TARGETS_MAX:
            continue
        seen.add(address)
        probe = probe_of(device)
        asks = [probe.path] if probe is not None else []
        given: dict[str, JsonValue] = {"key": device.id, "address": address, "ports": list(PORTS), "asks": asks}
        targets.append({**given, "page_port": PAGE_PORT, "broker_port": MQTT})
    hub = home.hub()
    if hub is None or not is_skipped(hub):
        ports: list[JsonValue] = [23, 21, 5900, ways.broker_port]
        targets.append({"key": HUB, "address": None, "ports": ports, "broker_port": ways.broker_port})
    return targets


def is_skipped(device: Device) -> bool:
    """`devices.settings.security.skip`: a person does not want it looked at."""
    wishes = device.settings.get("security")
    return isinstance(wishes, Mapping) and wishes.get("skip") is True


def is_of_a_home(address: str) -> bool:
    """Addresses of the home's own network only, and not this machine."""
    try:
        read = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return read.is_private and not (read.is_loopback or read.is_multicast or read.is_unspecified or read.is_reserved)


def findings_in(
    home: SecuredHome, ways: Ways, looks: Iterable[Look], models: Iterable[KnownIssues], now: datetime
) -> list[Finding]:
    """Of everything, whether it answered or not: what is told without a look (firmware, settings) needs none."""
    models = tuple(models)
    look_by_key = {each.key: each for each in looks}
    found: list[Finding] = []
    for device in sorted(home.devices(), key=lambda each: each.id):
        if device.origin.dialect in _OWN_DIALECTS or is_skipped(device):
            continue
        if (look := look_by_key.get(device.id)) is not None:
            found += _of_look(device, look)
        found += _of_what_is_known(home, device, models, now)
    found += _of_hub(ways, look_by_key.get(HUB))
    return found


def _of_look(device: Device, look: Look) -> Iterator[Finding]:
    if len(look.open_ports) > OPEN_MAX:
        text = "It answers on nearly every port that was tried, so nothing could be told of it."
        advice = "Find out what it is; a device of a home answers on two or three ports."
        yield Finding("many_ports", device.id, "low", "open_port", f"{device.name} answers on every port", text, advice)
        return
    for port in look.open_ports:
        if (known := _OPEN.get(port)) is not None:
            title = f"{device.name}: {known.name} is open"
            yield Finding(
                f"open_{known.name.casefold()}",
                device.id,
                known.rank,
                "open_port",
                title,
                known.text,
                known.advice,
                str(port),
            )
    if look.brokers:
        yield Finding(
            "open_broker",
            device.id,
            "high",
            "unauthorized_access",
            f"{device.name}: an MQTT broker without a password",
            "Everybody on the network may hear and command what speaks MQTT there.",
            "Give the broker a password file and switch anonymous access off.",
            str(look.brokers[0]),
        )
    probe = probe_of(device)
    page = look.pages.get(probe.path) if probe is not None else None
    if probe is not None and page is not None and probe.is_open(page):
        yield Finding(
            "no_login",
            device.id,
            probe.rank,
            "weak_password",
            f"{device.name} has no login",
            f"Everybody on the network may set it and change its settings ({probe.name}, over http).",
            probe.advice,
        )


def _of_what_is_known(
    home: SecuredHome, device: Device, models: Iterable[KnownIssues], now: datetime
) -> Iterator[Finding]:
    yield from known_issues.findings_of(device, home.firmware_of(device), models)
    since = home.update_waits_since(device)
    if since is not None and now - since >= UPDATE_WAITS_MAX:
        days = (now - since).days
        yield Finding(
            "update_waits",
            device.id,
            "low",
            "outdated_firmware",
            f"{device.name}: an update waits",
            f"A newer firmware has been offered for {days} days.",
            "Update it: its entity `update` on the page, or its own application.",
        )
    if home.is_encrypted(device) is False:
        yield Finding(
            "not_encrypted",
            device.id,
            "low",
            "unauthorized_access",
            f"{device.name}: its API is not encrypted",
            "What it reports and is told can be read on the network.",
            "Add `encryption:` with a key below `api:` in its ESPHome configuration, and tell the key to this hub.",
        )


def _of_hub(ways: Ways, look: Look | None) -> Iterator[Finding]:
    """Of a look at the hub's own addresses on the network, and of its own settings."""
    for port in look.open_ports if look is not None else ():
        known = _OPEN.get(port)
        if known is not None:
            yield Finding(
                f"open_{known.name.casefold()}",
                None,
                known.rank,
                "open_port",
                f"This hub: {known.name} is open",
                known.text,
                known.advice.replace("on the device", "on this machine"),
                str(port),
            )
    is_reached = look is not None and ways.broker_port in look.open_ports
    if look is not None and look.brokers:
        yield Finding(
            "open_broker",
            None,
            "high",
            "unauthorized_access",
            "The MQTT broker on this machine has no password",
            "Everybody on the network may hear and command every device that speaks MQTT.",
            "Give mosquitto a password file (mosquitto_passwd) and `allow_anonymous false`, or let it listen at 127.0.0.1 only.",
            str(look.brokers[0]),
        )
    elif is_reached and not ways.broker_has_tls:
        yield _plain_broker("The MQTT broker on this machine can be reached from the network without TLS.")
    elif not ways.broker_has_tls and not _is_this_machine(ways.broker_host):
        yield _plain_broker("This hub speaks with its MQTT broker over the network without TLS.")
    if not _is_this_machine(ways.page_host):
        yield Finding(
            "page_without_tls",
            None,
            "info",
            "unauthorized_access",
            "The hub's page is served without TLS",
            "Who can listen on the network could take over a browser's session.",
            'Put a proxy with a certificate before it and set web.host = "127.0.0.1"; at home behind a good Wi-Fi password it may stay so.',
        )


def _plain_broker(text: str) -> Finding:
    advice = "Give mosquitto a certificate and a listener on 8883, and set mqtt.tls."
    return Finding("plain_broker", None, "low", "unauthorized_access", "MQTT is not encrypted", text, advice)


def _is_this_machine(host: str) -> bool:
    return host in {"localhost", "::1"} or host.startswith("127.")


def summary_of(findings: Iterable[Finding]) -> list[JsonObject]:
    return [
        {
            "kind": each.kind,
            "device_id": each.device_id,
            "rank": each.rank,
            "title": each.title,
            "text": each.text,
            "advice": each.advice,
        }
        for each in findings
    ]
