"""`network_access_rules`, as far as this hub can enforce them: at its own page and API.

What a rule must say to be enforced here: whom (`source_ip`, `source_ip_range`; nobody named is everybody) and not more than where (this hub, its
page's port, tcp) and when (`time_restrictions`: `{"days"?: ["mon", ...], "from"?: "22:00", "to"?: "06:00"}` in the home's time). Rules are looked at in
the order of `priority` (the lowest first), then of their names; the first that fits decides. When none fits, who comes may come in. `alert` lets in and tells.

A rule about another device, a country or a MAC is the router's business: that is said, not done. So is a `deny` that would keep every address out
without an `allow` before it. This machine itself always comes in: loopback and the local socket.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, collapse_addresses, ip_address, ip_network
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from hub_agent.core.time_of_day import WEEKDAYS
from hub_agent.model.definition import Definition
from hub_agent.model.json import JsonObject, JsonValue

Network: TypeAlias = IPv4Network | IPv6Network
Address: TypeAlias = IPv4Address | IPv6Address

RULES_MAX: Final = 200
PRIORITY: Final = 100
# Where homes are: who denies all of these denies every address that matters.
_HOMES: Final = (IPv4Network("10.0.0.0/8"), IPv4Network("172.16.0.0/12"), IPv4Network("192.168.0.0/16"))
_EVERYBODY: Final = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))


@dataclass(frozen=True, slots=True)
class Hours:
    days: frozenset[str] | None
    begin: time | None
    end: time | None

    def holds(self, at: datetime) -> bool:
        """`at` in the home's time. A night belongs to the day on which it begins."""
        day, clock = at.weekday(), at.time()
        if self.begin is not None and self.end is not None:
            if self.begin <= self.end:
                if not self.begin <= clock < self.end:
                    return False
            elif clock < self.end:
                day = (day - 1) % 7
            elif clock < self.begin:
                return False
        return self.days is None or WEEKDAYS[day] in self.days


@dataclass(frozen=True, slots=True)
class Rule:
    id: str
    name: str
    verdict: str
    priority: int
    networks: tuple[Network, ...]
    hours: Hours | None
    # Why it is not enforced here; None: it is.
    reason: str | None = None

    @property
    def rank(self) -> tuple[int, str, str]:
        return (self.priority, self.name, self.id)


@dataclass(frozen=True, slots=True)
class Judgement:
    """`verdict`: allow | deny | alert."""

    verdict: str
    rule_id: str
    name: str


class AccessRules:
    def __init__(self, time_zone: Callable[[], ZoneInfo], is_hub: Callable[[str], bool], page_port: int) -> None:
        """`is_hub`: whether a device of this id is the hub itself."""
        self._time_zone = time_zone
        self._is_hub = is_hub
        self._page_port = page_port
        self._rules: dict[str, Rule] = {}
        self._enforced: tuple[Rule, ...] = ()

    def define(self, rule_id: str, definition: Definition | None) -> None:
        fields = definition.fields if definition is not None and not definition.is_deleted else None
        self._rules.pop(rule_id, None)
        if fields is not None and fields.get("is_enabled") is not False and len(self._rules) < RULES_MAX:
            self._rules[rule_id] = self._read(rule_id, fields)
        self._settle()

    def all(self) -> list[Rule]:
        """In the order in which they are looked at; those not enforced with their reason."""
        return sorted(self._rules.values(), key=lambda each: each.rank)

    def judge(self, source: str, now: datetime) -> Judgement | None:
        """Who asks for the page from this address; None: no rule says anything. For every request: quick where there are no rules."""
        if not self._enforced:
            return None
        address = address_of(source)
        if address is None or address.is_loopback:
            return None
        local = now.astimezone(self._time_zone())
        for rule in self._enforced:
            fits = any(address.version == each.version and address in each for each in rule.networks)
            if fits and (rule.hours is None or rule.hours.holds(local)):
                return Judgement(rule.verdict, rule.id, rule.name)
        return None

    def _settle(self) -> None:
        """Nobody is locked out of their own home: what would deny everybody is refused."""
        denied: list[IPv4Network] = []
        has_allowed = False
        enforced: list[Rule] = []
        for rule in self.all():
            if rule.reason is not None and rule.reason != LOCKS_OUT:
                continue
            if rule.verdict == "allow" and rule.hours is None:
                has_allowed = True
            elif rule.verdict == "deny" and not has_allowed:
                near = [each for each in rule.networks if isinstance(each, IPv4Network)]
                together = list(collapse_addresses([*denied, *near]))
                if all(any(each.supernet_of(home) for each in together) for home in _HOMES):
                    self._rules[rule.id] = _with_reason(rule, LOCKS_OUT)
                    continue
                denied = together
            self._rules[rule.id] = _with_reason(rule, None)
            enforced.append(self._rules[rule.id])
        self._enforced = tuple(enforced)

    def _read(self, rule_id: str, fields: JsonObject) -> Rule:
        verdict, priority = str(fields.get("rule_type")), fields.get("priority")
        name = str(fields.get("rule_name") or "A rule")[:100]
        networks: tuple[Network, ...] = _EVERYBODY
        hours: Hours | None = None
        reason = next(self._obstacles(fields), None)
        try:
            networks = _networks(fields)
            hours = _hours(fields.get("time_restrictions"))
        except (ValueError, TypeError):
            reason = reason or "what it says of addresses or hours cannot be understood"
        rank = priority if isinstance(priority, int) and not isinstance(priority, bool) else PRIORITY
        return Rule(rule_id, name, verdict, rank, networks, hours, reason)

    def _obstacles(self, fields: JsonObject) -> Iterator[str]:
        if fields.get("rule_type") not in {"allow", "deny", "alert"}:
            yield f"its type '{str(fields.get('rule_type'))[:40]}' is none that is known here"
        device = fields.get("destination_device_id")
        if isinstance(device, str) and not self._is_hub(device):
            yield "it is about another device than this hub, and only a router could enforce it"
        ports, protocols = _values(fields.get("destination_port")), _values(fields.get("protocol"))
        if ports and self._page_port not in ports:
            yield f"it is about other ports than this hub's page ({self._page_port})"
        if protocols and "tcp" not in {str(each).casefold() for each in protocols}:
            yield "it is about other protocols than tcp"
        if _values(fields.get("source_mac")):
            yield "it names MAC addresses, which a hub does not see; name the address, or set it in the router"
        if _values(fields.get("source_country")):
            yield "it names countries, which a hub does not know; set it in the router"


LOCKS_OUT: Final = "it would keep every address out; put a rule of type allow with a lower priority before it"


def address_of(source: str) -> Address | None:
    try:
        address = ip_address(source.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _with_reason(rule: Rule, reason: str | None) -> Rule:
    return Rule(rule.id, rule.name, rule.verdict, rule.priority, rule.networks, rule.hours, reason)


def _networks(fields: JsonObject) -> tuple[Network, ...]:
    """Raises ValueError."""
    written = [fields.get(name) for name in ("source_ip", "source_ip_range")]
    read = tuple(ip_network(str(each), strict=False) for each in written if each is not None)
    if len(read) == 2 and read[0].version == read[1].version:
        # Both are said: it is whoever fits both.
        narrow, wide = sorted(read, key=lambda each: -each.prefixlen)
        if not narrow.subnet_of(wide):  # type: ignore[arg-type]  # of the same version
            raise ValueError("nobody fits both")
        return (narrow,)
    return read or _EVERYBODY


def _hours(said: JsonValue) -> Hours | None:
    """Raises ValueError."""
    if said is None or said == {}:
        return None
    if not isinstance(said, Mapping):
        raise TypeError("no hours")
    days = {str(each)[:3].casefold() for each in _values(said.get("days"))}
    begin, end = (time.fromisoformat(str(said[each])) if said.get(each) else None for each in ("from", "to"))
    if days - set(WEEKDAYS) or (begin is None) != (end is None) or (not days and begin is None):
        raise ValueError("no hours")
    return Hours(frozenset(days) or None, begin, end)


def _values(said: JsonValue) -> tuple[JsonValue, ...]:
    return tuple(said) if isinstance(said, list | tuple) else ()
