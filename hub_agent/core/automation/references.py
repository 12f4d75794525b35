"""Which entities a definition names, so that a person can be told of those that this home does not have."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from sys import intern

from hub_agent.core.automation.exchange import Exchange
from hub_agent.core.automation.reading import is_entity_id
from hub_agent.core.automation.rule import Rule
from hub_agent.model.effects import IssueCleared, IssueRaised
from hub_agent.model.ids import EntityId
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject

# Devices need a moment to be found again after a start; then those still missing are looked for now and then.
GRACE = timedelta(minutes=2)
AGAIN = timedelta(minutes=15)
NAMED_MAX = 5

# A call of these makes the entity, or names none of the home's.
FREE_DOMAINS = frozenset({"notify", "tts", "persistent_notification"})


def names_in(value: object) -> Iterator[str]:
    """Entity ids under `entity_id` and `scene`, wherever they stand; what a template gives is not known."""
    if isinstance(value, str):  # most of what there is, and asking for abstract kinds takes its time
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key in {"entity_id", "scene"}:
                yield from _ids_in(item)
            else:
                yield from names_in(item)
    elif isinstance(value, Sequence):
        for item in value:
            yield from names_in(item)


def _ids_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        names = (intern(part.strip().lower()) for part in value.split(","))
        yield from (name for name in names if is_entity_id(name) and name.partition(".")[0] not in FREE_DOMAINS)
    elif isinstance(value, Sequence):
        for item in value:
            yield from _ids_in(item)


class References:
    """Raises `entity_missing` for an automation, and clears it when all that it names is there."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def watch(self, rule: Rule, now: datetime) -> None:
        self.forget(rule)
        if rule.program is not None:
            fields = rule.definition.fields
            parts = [fields.get(key) for key in ("triggers", "conditions", "actions")]
            rule.names = frozenset(names_in(parts))
            if rule.names:
                self._look_at(rule, now + GRACE)

    def forget(self, rule: Rule) -> None:
        if rule.names_timer is not None:
            self._exchange.timers.cancel(rule.names_timer)
            rule.names_timer = None
        self._tell(rule, frozenset(), None)

    def _look_at(self, rule: Rule, at: datetime) -> None:
        rule.names_timer = self._exchange.timers.set(at, partial(self._look, rule))

    def _look(self, rule: Rule, now: datetime) -> None:
        rule.names_timer = None
        world = self._exchange.world
        missing = frozenset(name for name in rule.names if world.state(EntityId(name)) is None)
        self._tell(rule, missing, now)
        if missing:
            self._look_at(rule, now + AGAIN)

    def _tell(self, rule: Rule, missing: frozenset[str], now: datetime | None) -> None:
        if missing == rule.missing:
            return
        rule.missing = missing
        if not missing:
            self._exchange.emit(IssueCleared("entity_missing", rule.definition.id))
            return
        assert now is not None
        names = sorted(missing)
        shown = ", ".join(names[:NAMED_MAX]) + (" ..." if len(names) > NAMED_MAX else "")
        details: JsonObject = {"name": rule.name, "entity_id": shown}
        self._exchange.emit(IssueRaised(Issue("entity_missing", rule.definition.id, now, details)))
