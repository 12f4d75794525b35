"""What the watch over the home's security is told, and what it asks to be looked at."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hub_agent.model.json import JsonObject


@dataclass(frozen=True, slots=True)
class Page:
    """What a device answered to one request. `asks`: for a login. `body`: its JSON, if it is an object; `text`: how it begins otherwise."""

    status: int
    asks: bool
    body: JsonObject = field(default_factory=dict)
    text: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of one target. `brokers`: ports at which an MQTT broker takes clients without a password."""

    key: str
    is_there: bool
    open_ports: tuple[int, ...] = ()
    pages: Mapping[str, Page] = field(default_factory=dict)
    brokers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownIssues:
    """Of a model of the catalogue: `device_models.known_issues`, see core/security/known_issues.py."""

    brand: str
    model: str
    issues: tuple[JsonObject, ...]


@dataclass(frozen=True, slots=True)
class Scanned:
    """The home was looked at. `error`: in words, if it could not be."""

    scan_id: str
    looks: tuple[Look, ...]
    models: tuple[KnownIssues, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ScanWanted:
    """A person wants the home looked at now."""

    request_id: str
    by: str | None = None


@dataclass(frozen=True, slots=True)
class AccessRefused:
    """Somebody was refused at one of the hub's own doors. `kind`: one of core/security/incidents.py KINDS; `source`: the address.
    `count`: how many times since this was told last. `rule_id`: of which network access rule, if it was one.
    """

    kind: str
    source: str
    count: int = 1
    rule_id: str | None = None
