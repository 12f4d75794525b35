"""May this rule make an alert now? Quiet hours, cooldown, and the most in a day."""

from collections.abc import Callable, Mapping
from datetime import datetime, time, timedelta
from typing import Final

from hub_agent.core.alerting.rule import Rule
from hub_agent.model.json import JsonObject, JsonValue

# Where the clock is put forward or back, the end of a night is looked for again.
LOOK_AGAIN_MAX: Final = timedelta(hours=1)
KEYS_MAX: Final = 500


class Admission:
    """`opened`: by rule and key when its last alert was opened. `made`: by rule the day, and how many on it."""

    def __init__(self, local: Callable[[datetime], datetime]) -> None:
        self.local = local
        self._opened: dict[str, datetime] = {}
        self._made: dict[str, tuple[str, int]] = {}

    def refused_until(self, rule: Rule, key: str, now: datetime) -> datetime | None:
        """When to ask again; None: it may."""
        here = self.local(now)
        if rule.is_quiet(here.time()) and rule.quiet is not None:
            return now + min(_until(here, rule.quiet[1]), LOOK_AGAIN_MAX)
        last = self._opened.get(_name(rule, key))
        if last is not None and last <= now < last + rule.cooldown:
            return last + rule.cooldown
        if rule.per_day_max is not None and self._made_today(rule, here) >= rule.per_day_max:
            return now + min(_until(here, time(0)), LOOK_AGAIN_MAX)
        return None

    def note(self, rule: Rule, key: str, now: datetime) -> None:
        here = self.local(now)
        self._made[rule.key] = here.date().isoformat(), self._made_today(rule, here) + 1
        self._opened.pop(_name(rule, key), None)
        while len(self._opened) >= KEYS_MAX:
            del self._opened[next(iter(self._opened))]
        self._opened[_name(rule, key)] = now

    def shift(self, by: timedelta) -> None:
        self._opened = {name: at + by for name, at in self._opened.items()}

    def as_json(self) -> JsonObject:
        opened: dict[str, JsonValue] = {name: at.isoformat() for name, at in self._opened.items()}
        made: dict[str, JsonValue] = {name: [day, count] for name, (day, count) in self._made.items()}
        return {"opened": opened, "made": made}

    def restore(self, body: JsonObject) -> None:
        opened, made = body.get("opened"), body.get("made")
        for name, at in opened.items() if isinstance(opened, Mapping) else ():
            self._opened[name] = datetime.fromisoformat(str(at))
        for name, each in made.items() if isinstance(made, Mapping) else ():
            if isinstance(each, list | tuple) and isinstance(each[1], int):
                self._made[name] = str(each[0]), each[1]

    def _made_today(self, rule: Rule, here: datetime) -> int:
        day, count = self._made.get(rule.key, ("", 0))
        return count if day == here.date().isoformat() else 0


def _name(rule: Rule, key: str) -> str:
    return f"{rule.key} {key}"


def _until(here: datetime, end: time) -> timedelta:
    """By the clock on the wall."""
    wall = here.replace(tzinfo=None)
    at = datetime.combine(wall.date(), end)
    return (at if at > wall else at + timedelta(days=1)) - wall
