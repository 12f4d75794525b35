"""What announces itself on the network, identified by what it says.

The tables beside this file say how: `spoken.py` what this hub talks to (keys and aliases of each dialect are decided there), `media.py`,
`household.py`, `computers.py` and `upnp.py` what it knows. A new kind of thing is one `Row`.
"""

import re
from typing import Final

from hub_agent.drivers.identification.computers import COMPUTERS
from hub_agent.drivers.identification.household import HOUSEHOLD
from hub_agent.drivers.identification.media import MEDIA
from hub_agent.drivers.identification.row import From, Row, Table, mac
from hub_agent.drivers.identification.spoken import SPOKEN
from hub_agent.drivers.identification.txt import NAME_CHARS_MAX, plain_txt, text
from hub_agent.drivers.identification.upnp import SEARCH_TARGETS as SEARCH_TARGETS, UPNP
from hub_agent.model.device import Alias, DeviceType
from hub_agent.model.link import PeerFound, PeerGone, Service, ServiceGone

# A machine with more addresses than that is none of a home's.
HOSTS_MAX: Final = 16
HOST_CHARS_MAX: Final = 255
PORT_MAX: Final = 65_535

_MDNS: Final = Table.of((*SPOKEN, *MEDIA, *HOUSEHOLD, *COMPUTERS))
_UPNP: Final = Table.of(UPNP)

# What is browsed for: some of it is hidden and not worth asking for.
SERVICE_TYPES: Final = tuple(
    kind for kind, rows in _MDNS.rows_by_kind.items() if not all(row.is_hidden for row in rows)
)
# What is never asked for, wherever it is heard of.
HIDDEN_TYPES: Final = frozenset(_MDNS.rows_by_kind) - frozenset(SERVICE_TYPES)

# What changes while a device lives its life, and says nothing of what it is or how it is reached.
_RESTLESS: Final = frozenset(
    {"s#", "st", "rs", "bs", "bootseq", "mdnssequence", "epoch", "sat", "seq", "rpfl", "rpba", "rpad", "nonce", "ts"}
)


def identify(service: Service) -> PeerFound | None:
    """None: nothing that a home would want to know of."""
    heard = _plain(service)
    if heard.via == "manual":
        return _spoken_to(heard, heard.kind)
    if heard.via == "search":
        return _spoken_to(heard, heard.kind.removesuffix(".search"))
    row = _upnp_row(heard) if heard.via == "ssdp" else _MDNS.find(heard)
    if row is None:
        return _unknown(heard)
    return None if row.is_hidden else _identified(heard, row)


def gone(service: ServiceGone) -> PeerGone:
    return PeerGone(_id_of(service))


def _id_of(service: Service | ServiceGone) -> str:
    return f"{service.via}:{text(service.kind).lower()}:{text(service.name)}"[: NAME_CHARS_MAX * 2]


def _plain(service: Service) -> Service:
    return Service(
        via=service.via,
        kind=text(service.kind),
        name=text(service.name)[:NAME_CHARS_MAX],
        hosts=tuple(host for host in service.hosts[:HOSTS_MAX] if 0 < len(host) <= HOST_CHARS_MAX),
        port=service.port if service.port is not None and 0 < service.port <= PORT_MAX else None,
        hostname=text(service.hostname).rstrip(".")[:NAME_CHARS_MAX] or None,
        txt=plain_txt(service.txt),
    )


def _upnp_row(service: Service) -> Row | None:
    row = _UPNP.find(service)
    if row is None and service.kind.lower().startswith("urn:belkin:device:"):
        return _UPNP.rows_by_kind["urn:belkin:device:*"][0]
    return row


def _identified(service: Service, row: Row) -> PeerFound:
    model = _model(service, row)
    key = next((key for where in row.key_from if (key := where.read(service))), None)
    need = next((each.need for each in row.needs if each.holds(service)), None)
    return PeerFound(
        service=_id_of(service),
        name=_first(service, row.name_from) or service.name,
        aliases=_aliases(service, row),
        ecosystem=row.ecosystem,
        brand=_brand(service, row),
        model=model,
        device_type=_type(service, row, model),
        firmware_version=_first(service, row.firmware_from),
        dialect=row.dialect if key else None,
        key=key if row.dialect else None,
        hosts=service.hosts,
        port=service.port,
        hostname=service.hostname,
        txt=_steady(service, row),
        need=need if key and row.dialect else None,
    )


def _spoken_to(service: Service, dialect: str) -> PeerFound:
    """A person or a dialect says what it is: `name` is its key."""
    return PeerFound(
        service=_id_of(service),
        name=service.txt.get("name") or service.name,
        aliases=_macs(service.txt.get("mac"), service.name),
        ecosystem=dialect,
        dialect=dialect,
        key=service.name,
        hosts=service.hosts,
        port=service.port,
        hostname=service.hostname,
        txt=service.txt,
    )


def _macs(*said: str | None) -> tuple[Alias, ...]:
    read = (mac(each) for each in said if each)
    return tuple(dict.fromkeys(Alias("mac", each) for each in read if each))


def _unknown(service: Service) -> PeerFound:
    """Not in any table: what it says of itself is all there is."""
    return PeerFound(
        service=_id_of(service),
        name=service.txt.get("friendlyname") or service.name,
        brand=service.txt.get("manufacturer") or None,
        model=service.txt.get("modelname") or service.txt.get("model") or None,
        hosts=service.hosts,
        port=service.port,
        hostname=service.hostname,
        txt=_steady(service),
    )


def _steady(service: Service, row: Row | None = None) -> dict[str, str]:
    """What a dialect connects by, or, where nobody does, all that lasts: a word that changes all the time is no news."""
    if row is not None and row.dialect is not None:
        return {key: service.txt[key] for key in row.keeps if key in service.txt}
    return {key: value for key, value in service.txt.items() if key not in _RESTLESS}


def _first(service: Service, places: tuple[From, ...]) -> str | None:
    return next((said for where in places if (said := where.read(service))), None)


def _aliases(service: Service, row: Row) -> tuple[Alias, ...]:
    read = (alias.read(service) for alias in row.aliases)
    return tuple(dict.fromkeys(alias for alias in read if alias is not None))


def _model(service: Service, row: Row) -> str | None:
    said = _first(service, row.model_from)
    return row.models.get(said, said) if said else row.model


def _brand(service: Service, row: Row) -> str | None:
    """As the tables of brands call it, if what is said is known there; without a table as it is said."""
    for where in row.brand_from:
        said = where.read(service)
        if not said:
            continue
        if not row.brand_by:
            return said
        for pattern, brand in row.brand_by.items():
            if match := re.search(pattern, said, re.IGNORECASE):
                return brand or match[0].strip()
    return row.brand


def _type(service: Service, row: Row, model: str | None) -> DeviceType:
    if row.type_from is None:
        return row.device_type
    said = model if row.type_from.source == "*model" else row.type_from.read(service)
    fitting = (kind for pattern, kind in row.type_by.items() if said and re.fullmatch(pattern, said, re.IGNORECASE))
    return next(fitting, row.device_type)
