"""nexa-hub doctor"""

import json
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from hub_agent.cli.link import Json, Link, as_json_option, home_time, print_json
from hub_agent.config import Config, load_config
from hub_agent.errors import AgentNotRunning, ConfigError, OperatingError

CONNECT_TIMEOUT_S = 3.0
DISK_FREE_WARN = 0.10
DISK_FREE_FAIL = 0.02
REJECTED_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """verdict: ok | warn | fail | skip. `todo` says what to do about it."""

    check: str
    verdict: str
    text: str
    todo: str | None = None


@click.command(name="doctor")
@click.option("--config", type=click.Path(dir_okay=False, path_type=Path), help="Settings file.")
@as_json_option
@click.pass_obj
def command(socket_path: str | None, config: Path | None, as_json: bool) -> None:
    """Check this hub, with or without a running agent. Exit code 1 if anything fails."""
    findings = list(_findings(socket_path, config))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            click.echo(f"{finding.verdict.upper():5} {finding.check:10} {finding.text}")
            if finding.todo:
                click.echo(f"{'':16} -> {finding.todo}")
    if any(finding.verdict == "fail" for finding in findings):
        raise click.exceptions.Exit(1)


def _findings(socket_path: str | None, config_path: Path | None) -> Iterator[Finding]:
    yield _python()
    yield _upgrade(Path(sys.prefix).parent)
    try:
        config = load_config(config_path)
    except OperatingError as err:
        yield Finding(
            "settings", "fail", str(err), "Mend the settings file; print a default one: nexa-hub config --default"
        )
        return
    yield Finding("settings", "ok", "they are understood")
    status, agent = _agent(socket_path or str(config.agent.socket))
    yield agent
    for check in (_state_dir, _mirror, _disk, _broker, _cloud, _page):
        yield check(config, status)
    yield _clock(status)
    yield _network(config)
    yield from _dialects()
    if status is not None:
        yield _vitals(status)
        yield from _ways(status)
        yield from _not_understood(socket_path or str(config.agent.socket))


def _vitals(status: Json) -> Finding:
    """What the agent has measured of the machine."""
    told = status["vitals"]
    figures = [f"{each['name'].replace('_', ' ')} {each['value']:g} {each['unit']}" for each in told["figures"]]
    text = ", ".join(figures) or "nothing is measured yet"
    if told["troubles"]:
        return Finding("machine", "warn", f"{', '.join(told['troubles'])}: {text}", "nexa-hub issues")
    return Finding("machine", "ok" if figures else "skip", text)


def _ways(status: Json) -> Iterator[Finding]:
    """The broker and the cloud have checks of their own."""
    for name, way in status["ways"]["ways"].items():
        if name in {"broker", "cloud"}:
            continue
        latency = "" if way["latency_ms"] is None else f" in {way['latency_ms']:.1f} ms"
        if way["is_open"]:
            yield Finding(name, "ok", f"{way['address']} answers{latency}")
        else:
            yield Finding(name, "warn", f"{way['address']}: {way['reason']}", "nexa-hub issues")


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    return Finding("python", "ok", f"Python {version}")


def _upgrade(prefix: Path) -> Finding:
    """How the last one ended, as deploy/upgrade/ wrote it down. `prefix`: where the versions are, if this is an installation."""
    if (prefix / "upgrade.json").exists():
        return Finding("upgrade", "ok", "one is under way, or watched", "systemctl status nexa-hub-upgrade")
    try:
        told = json.loads((prefix / "last-upgrade.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Finding("upgrade", "skip", "none was made here")
    if told["is_well"] or told["was_asked_for"]:
        return Finding("upgrade", "ok", f"version {told['runs']} was installed at {home_time(told['at'])}")
    text = (
        f"version {told['to']} was not well and {told['runs']} came back, at {home_time(told['at'])}: {told['reason']}"
    )
    return Finding("upgrade", "warn", text, "journalctl -u nexa-hub-upgrade; then install a version that mends it")


def _agent(socket_path: str) -> tuple[Json, Finding]:
    try:
        status = Link(socket_path).get("status")
    except AgentNotRunning:
        return None, Finding("agent", "warn", f"no agent answers at {socket_path}", "systemctl start nexa-hub")
    except OperatingError as err:
        return None, Finding("agent", "fail", str(err))
    issues, mode = status["counts"]["issues"], status["safe_mode"]
    if mode is not None:
        text = f"it runs in safe mode, without {', '.join(mode['left_out'])}"
        return status, Finding(
            "agent", "warn", text, "See why it failed: journalctl -u nexa-hub; then: nexa-hub safe-mode leave"
        )
    if issues:
        return status, Finding("agent", "warn", f"it runs; open issues: {issues}", "nexa-hub issues")
    return status, Finding("agent", "ok", "it runs, and knows of nothing wrong")


def _state_dir(config: Config, _status: Json) -> Finding:
    path = config.agent.state_dir
    if not _is_there(path):
        return Finding("state", "warn", f"{path} does not exist yet; the agent makes it at its first start")
    if not os.access(path, os.W_OK):
        return Finding(
            "state", "fail", f"{path} cannot be written by this user", "Run this with sudo, or mend its owner"
        )
    return Finding("state", "ok", f"{path} can be written")


def _mirror(config: Config, _status: Json) -> Finding:
    import sqlite3

    path = config.agent.state_dir / "mirror.db"
    if not _is_there(path):
        return Finding("mirror", "skip", "there is none yet")
    if not os.access(path, os.R_OK):
        return Finding("mirror", "skip", f"{path} cannot be read by this user", "Run this with sudo")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            verdict = str(connection.execute("PRAGMA quick_check").fetchone()[0])
    except sqlite3.DatabaseError as err:
        return Finding(
            "mirror",
            "fail",
            f"{path}: {err}",
            "Restart the agent: it sets the file aside and salvages what can be read",
        )
    if verdict != "ok":
        return Finding(
            "mirror", "fail", f"{path} is damaged: {verdict}", "Restart the agent: it salvages what can be read"
        )
    return Finding("mirror", "ok", f"{path} is sound, {path.stat().st_size / 1_000_000:.1f} MB")


def _disk(config: Config, _status: Json) -> Finding:
    folder = next(path for path in (config.agent.state_dir, *config.agent.state_dir.parents) if _is_there(path))
    usage = shutil.disk_usage(folder)
    free = usage.free / usage.total
    text = f"{usage.free / 1e9:.1f} GB free ({free:.0%})"
    if free < DISK_FREE_FAIL:
        return Finding("disk", "fail", text, "Make room: below this the hub sheds measurements")
    return Finding("disk", "warn" if free < DISK_FREE_WARN else "ok", text)


def _broker(config: Config, status: Json) -> Finding:
    address = f"{config.mqtt.host}:{config.mqtt.port}"
    if status is not None and status["broker"]["is_connected"]:
        return Finding("broker", "ok", f"the agent is connected to {status['broker']['address']}")
    if _is_open(config.mqtt.host, config.mqtt.port):
        if status is None:
            return Finding("broker", "ok", f"something listens at {address}")
        todo = "If it asks for a user name and password, set mqtt.username and mqtt.password_file; see the agent's log"
        return Finding("broker", "fail", f"something listens at {address}, but the agent is not connected", todo)
    return Finding(
        "broker", "fail", f"nobody listens at {address}", "systemctl status mosquitto; or set mqtt.host and mqtt.port"
    )


def _cloud(config: Config, status: Json) -> Finding:
    if config.cloud.url is None:
        return Finding("cloud", "skip", "none is configured: this hub stays at home", "Set cloud.url to change that")
    if status is not None:
        cloud = status["cloud"]
        verdict = "ok" if cloud["is_online"] else "warn" if cloud["is_claimed"] else "fail"
        return Finding("cloud", verdict, cloud["text"], None if cloud["is_online"] else "nexa-hub sync status")
    import httpx

    from hub_agent.adapters.cloud import HttpCloud, reason

    try:
        HttpCloud(config.cloud.url)
        httpx.get(f"{config.cloud.url}/live", timeout=CONNECT_TIMEOUT_S)
    except ConfigError as err:
        return Finding("cloud", "fail", str(err), "The agent does not start before that is mended")
    except httpx.HTTPError as err:
        words = f"{config.cloud.url} does not answer: {reason(err, config.cloud.url)}"
        return Finding("cloud", "warn", words, "The home goes on without it")
    return Finding("cloud", "ok", f"{config.cloud.url} answers")


def _page(config: Config, status: Json) -> Finding:
    is_open = _is_open("127.0.0.1" if config.web.host in {"0.0.0.0", "::"} else config.web.host, config.web.port)  # noqa: S104 a comparison
    if status is not None and not is_open:
        return Finding(
            "page", "fail", f"nobody serves the page at port {config.web.port}", "See the log: journalctl -u nexa-hub"
        )
    if status is None and is_open:
        return Finding(
            "page", "fail", f"port {config.web.port} is taken by something else", "Set web.port in the settings"
        )
    return Finding("page", "ok", f"port {config.web.port} is {'served' if is_open else 'free'}")


def _clock(status: Json) -> Finding:
    from hub_agent.adapters.clock import SystemClock

    is_trusted = status["clock"]["is_trusted"] if status is not None else SystemClock().now().is_trusted
    if is_trusted:
        return Finding("clock", "ok", "it is synchronised")
    todo = "timedatectl set-ntp true. Until then records are dated by their order, and schedules are careful"
    return Finding("clock", "warn", "it is not synchronised", todo)


def _network(config: Config) -> Finding:
    """Whether devices that announce themselves by mDNS can be heard: whether this machine may listen, and may ask."""
    if not config.discovery.mdns:
        return Finding(
            "discovery", "skip", "mDNS is switched off: only addresses are tried", "Set discovery.mdns to change that"
        )
    from hub_agent.adapters.neighbours.interfaces import look

    interfaces = look(config.discovery.interfaces)
    if not interfaces.ipv4 and not interfaces.ipv6:
        todo = "Connect it, or name its interface in discovery.interfaces: ip address"
        return Finding("discovery", "warn", "this machine is in no network of the home", todo)
    silent = [address for address in interfaces.ipv4 if not _may_ask(address)]
    if silent:
        todo = "Let UDP port 5353 and the group 224.0.0.251 through the firewall; until then, give addresses: nexa-hub devices add shelly://192.168.1.30"
        return Finding("discovery", "warn", f"mDNS does not get out at {', '.join(silent)}", todo)
    if not _may_listen():
        todo = "Let other programs share UDP port 5353: ss -lunp | grep 5353 says which one does not"
        return Finding("discovery", "warn", "UDP port 5353 is not shared: no answers of devices are heard", todo)
    return Finding("discovery", "ok", f"mDNS works at {', '.join(interfaces.ipv4) or 'IPv6 only'}")


_MDNS = ("224.0.0.251", 5353)
# Which services are there? (RFC 6763, 9), in a form that answers nobody else.
_QUESTION = bytes(5) + b"\x01" + bytes(6) + b"\x09_services\x07_dns-sd\x04_udp\x05local\x00\x00\x0c\x00\x01"


def _may_ask(address: str) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
            asking.setsockopt(
                socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(_MDNS[0]) + socket.inet_aton(address)
            )
            asking.bind((address, 0))
            asking.sendto(_QUESTION, _MDNS)
        except OSError:
            return False
    return True


def _may_listen() -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listening.bind(("", _MDNS[1]))
        except OSError:
            return False
    return True


# A module of each library that a dialect needs, by the extra that brings it.
_LIBRARIES = {
    "cast": "pychromecast",
    "esphome": "aioesphomeapi",
    "homekit": "aiohomekit",
    "lifx": "lifx",
    "sonos": "soco",
    "upnp": "async_upnp_client",
}


def _dialects() -> Iterator[Finding]:
    from importlib.util import find_spec

    missing = [extra for extra, module in _LIBRARIES.items() if find_spec(module) is None]
    if missing:
        todo = f"Run the installer again without --light; by hand: pip install 'nexa-hub[{','.join(missing)}]'"
        yield Finding("dialects", "warn", f"not installed: {', '.join(missing)}", todo)
    else:
        yield Finding("dialects", "ok", "the libraries of all dialects are installed")


def _not_understood(socket_path: str) -> Iterator[Finding]:
    rejected = Link(socket_path).get("rejected")
    if not rejected:
        yield Finding("messages", "ok", "every message was understood")
    for each in rejected[:REJECTED_SHOWN]:
        text = f"{each['count']} x {each['topic']}: {each['reason']} ({each['dialect']}: {each['code']})"
        yield Finding("messages", "warn", text, "Capture it with mosquitto_sub -v and look with: nexa-hub decode FILE")
    if len(rejected) > REJECTED_SHOWN:
        yield Finding("messages", "warn", f"and {len(rejected) - REJECTED_SHOWN} more of other kinds")


def _is_there(path: Path) -> bool:
    """Also when this user may not look into its folder: then it is not ours to say that it is missing."""
    try:
        return path.exists()
    except PermissionError:
        return True


def _is_open(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=CONNECT_TIMEOUT_S):
            return True
    except OSError:
        return False
