"""What passes between the agent and the process that listens: one JSON object a line. To it, once: how to listen; then LOOK whenever it is to look round. From it: what it hears."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import Service, ServiceGone

LINE_BYTES_MAX: Final = 256 * 1024
LOOK: Final = b"{}\n"


@dataclass(frozen=True, slots=True)
class Orders:
    """How to listen. `own`: name, id, port and TXT of the hub's announcement. `pace`: as mdns.Pace, where it differs."""

    mdns: bool = True
    ssdp: bool = True
    interfaces: tuple[str, ...] = ()
    own: JsonObject | None = None
    pace: Mapping[str, float] = field(default_factory=dict)

    def as_json(self) -> JsonObject:
        return {
            "mdns": self.mdns,
            "ssdp": self.ssdp,
            "interfaces": list(self.interfaces),
            "own": self.own,
            "pace": dict(self.pace),
        }


def as_json(heard: Service | ServiceGone) -> JsonObject:
    if isinstance(heard, ServiceGone):
        return {"via": heard.via, "kind": heard.kind, "name": heard.name, "is_gone": True}
    return {
        "via": heard.via,
        "kind": heard.kind,
        "name": heard.name,
        "hosts": list(heard.hosts),
        "port": heard.port,
        "hostname": heard.hostname,
        "txt": dict(heard.txt),
    }


def heard_of(body: Mapping[str, JsonValue]) -> Service | ServiceGone:
    via, kind, name = (str(body[key]) for key in ("via", "kind", "name"))
    if body.get("is_gone"):
        return ServiceGone(via, kind, name)
    hosts, port, hostname, txt = (body.get(key) for key in ("hosts", "port", "hostname", "txt"))
    return Service(
        via,
        kind,
        name,
        tuple(str(host) for host in hosts) if isinstance(hosts, list) else (),
        port if isinstance(port, int) else None,
        hostname if isinstance(hostname, str) else None,
        {key: str(value) for key, value in txt.items()} if isinstance(txt, Mapping) else {},
    )
