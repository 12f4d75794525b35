"""`sun`: it is before or after sunrise or sunset of today."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hub_agent.core.automation.conditions.condition import ConditionsReader, Scope
from hub_agent.core.automation.reading import Fields, read_choice
from hub_agent.core.automation.triggers.trigger import Reader
from hub_agent.core.automation.values import read_duration
from hub_agent.core.automation.views import iso
from hub_agent.core.sun import EVENTS, sun_event
from hub_agent.core.time_of_day import zone
from hub_agent.errors import DefinitionError
from hub_agent.model.automation import Outcome


@dataclass(frozen=True, slots=True)
class Bound:
    event: str
    offset: timedelta


@dataclass(frozen=True, slots=True)
class SunTest:
    before: Bound | None
    after: Bound | None

    def judge(self, scope: Scope) -> Outcome:
        before = None if self.before is None else _instant(self.before, scope)
        after = None if self.after is None else _instant(self.after, scope)
        if (self.before and before is None) or (self.after and after is None):
            return Outcome.FALSE
        is_before = before is None or scope.now <= before
        is_after = after is None or scope.now >= after
        if self._is_night:
            return Outcome.TRUE if is_before or is_after else Outcome.FALSE
        return Outcome.TRUE if is_before and is_after else Outcome.FALSE

    @property
    def _is_night(self) -> bool:
        """After sunset and before sunrise never both hold on one day: what is meant is the night."""
        return (
            self.before is not None
            and self.after is not None
            and self.before.event == "sunrise"
            and self.after.event == "sunset"
        )


def _instant(bound: Bound, scope: Scope) -> datetime | None:
    place = scope.outlook.place
    tz = zone(place.time_zone)
    at = sun_event(place, bound.event, scope.now.astimezone(tz).date())
    scope.seen[bound.event] = None if at is None else iso(at.astimezone(tz))
    return None if at is None else at + bound.offset


def read_sun(fields: Fields, reader: Reader, _conditions: ConditionsReader) -> SunTest:
    before, after = _read_bound(fields, "before", reader), _read_bound(fields, "after", reader)
    if before is None and after is None:
        raise DefinitionError("needs 'before' or 'after'", fields.where)
    return SunTest(before, after)


def _read_bound(fields: Fields, key: str, reader: Reader) -> Bound | None:
    where = fields.path(f"{key}_offset")
    offset = read_duration(fields.take(f"{key}_offset", 0), reader.templates, where, may_be_negative=True)
    if not fields.has(key):
        return None
    if offset.known is None:
        raise DefinitionError("an offset cannot be a template", where)
    return Bound(read_choice(fields.take(key), EVENTS, fields.path(key)), offset.known)
