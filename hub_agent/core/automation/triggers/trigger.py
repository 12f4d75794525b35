"""What all kinds of triggers have in common."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Protocol, runtime_checkable

from hub_agent.core.automation.exchange import Attachment, Exchange, Fire, Remember
from hub_agent.core.automation.reading import Fields
from hub_agent.core.automation.values import Value, Variables
from hub_agent.errors import DefinitionError, TemplateError
from hub_agent.model.json import JsonValue
from hub_agent.templating import Templates


class Attached(Protocol):
    """A trigger that is listening."""

    def is_still_so(self, key: str, check: JsonValue, now: datetime) -> bool:
        """After a restart: does what the hold of that key waits for still hold?"""


class Source(Protocol):
    """One kind of trigger as it was defined."""

    def attach(self, attachment: Attachment, now: datetime) -> Attached: ...


@runtime_checkable
class Recurring(Protocol):
    """A source that follows the clock."""

    def next_after(self, after: datetime, exchange: Exchange) -> datetime | None: ...


class NeverHeld:
    """An attached trigger that knows no `for:`."""

    def is_still_so(self, key: str, check: JsonValue, now: datetime) -> bool:  # noqa: ARG002 - it has none
        return False


@dataclass(frozen=True, slots=True)
class Trigger:
    """`path` names it within its definition and stays the same as long as the definition does."""

    path: str
    index: int
    id: str
    alias: str | None
    platform: str
    source: Source
    is_enabled: bool = True
    variables: tuple[tuple[str, Value], ...] = field(default=())

    def attach(self, exchange: Exchange, fire: Fire, remember: Remember, variables: Variables, now: datetime) -> "Site":
        attachment = Attachment(exchange, partial(self._fire, fire), remember, variables)
        return Site(self, attachment, self.source.attach(attachment, now))

    def _fire(self, fire: Fire, told: dict[str, object], at: datetime) -> None:
        head = {"platform": self.platform, "id": self.id, "idx": str(self.index), "alias": self.alias}
        fire({**head, **told}, at)


@dataclass(slots=True)
class Site:
    """A trigger where it is attached."""

    trigger: Trigger
    attachment: Attachment
    attached: Attached

    def resume_hold(self, key: str, due: datetime, check: JsonValue, told: dict[str, object], now: datetime) -> bool:
        """A hold from before a restart goes on if what it waits for still holds."""
        if not self.attached.is_still_so(key, check, now):
            return False
        self.attachment.resume_hold(key, due, check, told)
        return True


class OnlyARunKnows(Exception):
    """A trigger that a run will wait for names something by what the run knows: it is read when the wait begins."""


@dataclass(frozen=True, slots=True)
class Reader:
    """What reading a definition needs besides its fields. `is_before_run`: the variables of the run are still to come."""

    templates: Templates
    variables: Variables = field(default_factory=dict)
    is_before_run: bool = False

    def limited(self, value: Value, where: str) -> JsonValue:
        """A value that is rendered once, when the definition is read: how the home was at that moment would be chance."""
        if self.is_before_run and not value.is_constant:
            raise OnlyARunKnows
        try:
            with self.templates.limited():
                return value.get(lambda: self.variables)
        except TemplateError as err:
            raise DefinitionError(str(err), where) from err


SourceReader = Callable[[Fields, Reader], Source]
