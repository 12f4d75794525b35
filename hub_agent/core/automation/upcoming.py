"""When the clocks of rules say that they run next."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeAlias

from hub_agent.core.automation.exchange import Exchange
from hub_agent.core.automation.rule import Rule
from hub_agent.core.automation.triggers.trigger import Source

NextAfter: TypeAlias = Callable[[datetime, Exchange], datetime | None]


def next_times(rules: Iterable[Rule], exchange: Exchange, now: datetime) -> dict[str, datetime]:
    """By automation id; without those that no clock starts, or that are off. Many rules follow the same sunset: each is looked up once."""
    known: dict[Source, datetime | None] = {}
    found: dict[str, datetime] = {}
    for rule in rules:
        for site in rule.sites:
            at = _next(site.trigger.source, exchange, now, known)
            if at is not None and (rule.definition.id not in found or at < found[rule.definition.id]):
                found[rule.definition.id] = at
    return found


def _next(source: Source, exchange: Exchange, now: datetime, known: dict[Source, datetime | None]) -> datetime | None:
    next_after: NextAfter | None = getattr(
        source, "next_after", None
    )  # to ask for the protocol takes ten times as long
    if next_after is None:
        return None
    if source not in known:
        known[source] = next_after(now, exchange)
    return known[source]
