"""The open alerts of the home: one per key, each with all its causes; it ends when the last of them is gone.

What a person has answered (resolved, dismissed) is over for them and stays quiet until its causes are gone, or it becomes worse.
Of a storm the first alerts stand alone, the rest is one alert that sums them up.
"""

import contextlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from hub_agent.core.alerting.admission import Admission
from hub_agent.core.alerting.cause import Cause
from hub_agent.core.alerting.rule import SEVERITIES, Rule
from hub_agent.core.alerting.words import lasted, some_of
from hub_agent.core.alerts import AlertRow, as_json, from_json, new_alert
from hub_agent.core.channels import Channels, Message
from hub_agent.model.effects import Announce, AppendCase, Durability, Effect, Save
from hub_agent.model.ids import NewId
from hub_agent.model.json import JsonObject, JsonValue

ROOM: Final = "alerting"
OPEN: Final = "open/"
WAITING: Final = "waiting/"
ADMISSION: Final = "rules"
# So many alerts within that time; what comes besides is summed up, but for what is critical.
STORM_ALERTS: Final = 10
STORM_WITHIN: Final = timedelta(minutes=10)
STORM_CAUSES_MAX: Final = 200
STORM_REVISED_EVERY: Final = timedelta(minutes=1)
STORM_KEY: Final = "storm"
RAISED_BY: Final = "alerting"
STORM: Final = Rule("builtin/storm", "Much at once", (), cooldown=timedelta(0), is_builtin=True)
WAITING_MAX: Final = 1_000
DAMAGED: Final = (KeyError, TypeError, ValueError, OverflowError, AttributeError, IndexError)

ANSWERS: Final[Mapping[str, str]] = {"acknowledge": "acknowledged", "resolve": "resolved", "dismiss": "dismissed"}


@dataclass(slots=True)
class Alert:
    """`told`: the channels that have it. `is_answered`: a person has closed it while its cause goes on."""

    key: str
    rule_key: str
    row: AlertRow
    revision: int = 1
    causes: dict[str, Cause] = field(default_factory=dict)
    told: tuple[str, ...] = ()
    is_answered: bool = False
    repeat_at: datetime | None = None

    @property
    def id(self) -> str:
        return str(self.row["id"])

    @property
    def severity(self) -> str:
        return str(self.row["severity"])

    @property
    def since(self) -> datetime:
        time = self.row["time"]
        assert isinstance(time, datetime)
        return time

    def as_json(self) -> JsonObject:
        return {
            "key": self.key,
            "rule_key": self.rule_key,
            "row": as_json(self.row),
            "revision": self.revision,
            "causes": [each.as_json() for each in self.causes.values()],
            "told": list(self.told),
            "is_answered": self.is_answered,
            "repeat_at": self.repeat_at.isoformat() if self.repeat_at else None,
        }

    @classmethod
    def from_json(cls, body: JsonObject) -> "Alert":
        told, causes, revision, repeat_at = (body[name] for name in ("told", "causes", "revision", "repeat_at"))
        if not isinstance(told, list | tuple) or not isinstance(causes, list | tuple) or not isinstance(revision, int):
            raise TypeError
        read = [Cause.from_json(each) for each in causes if isinstance(each, Mapping)]
        row = from_json(body["row"])
        alert = cls(str(body["key"]), str(body["rule_key"]), row, revision, {each.id: each for each in read})
        alert.told = tuple(map(str, told))
        alert.is_answered = bool(body["is_answered"])
        alert.repeat_at = datetime.fromisoformat(repeat_at) if isinstance(repeat_at, str) else None
        if not isinstance(row["time"], datetime) or row["severity"] not in SEVERITIES or not row["id"]:
            raise TypeError
        return alert


@dataclass(slots=True)
class Waiting:
    cause: Cause
    until: datetime


class Desk:
    """`rule_of`: the rule that is in force under that key."""

    def __init__(
        self,
        new_id: NewId,
        rule_of: Callable[[str], Rule | None],
        local: Callable[[datetime], datetime],
        channels: Channels,
    ) -> None:
        self._new_id = new_id
        self._rule_of = rule_of
        self._admission = Admission(local)
        self._channels = channels
        self._open: dict[str, Alert] = {}
        self._waiting: dict[str, Waiting] = {}
        self._key_by_cause: dict[str, str] = {}
        self._opened_at: deque[datetime] = deque(maxlen=STORM_ALERTS)
        self._revise_at: datetime | None = None
        self._due: datetime | None = None
        # What has changed since the room looked last.
        self.changed: list[AlertRow] = []

    # What is known.

    def alerts(self) -> list[Alert]:
        """The open ones, newest first."""
        return sorted(
            (each for each in self._open.values() if not each.is_answered), key=lambda each: each.since, reverse=True
        )

    def knows(self, cause_id: str) -> bool:
        return cause_id in self._key_by_cause or cause_id in self._waiting

    def causes(self) -> dict[str, Cause]:
        """All that is told or waits to be told, by id."""
        told = {each.id: each for alert in self._open.values() for each in alert.causes.values()}
        return told | {name: each.cause for name, each in self._waiting.items()}

    # What comes and goes.

    def tell(self, cause: Cause, now: datetime) -> list[Effect]:
        """There is a reason to tell somebody. Said again, it may be worse."""
        known = self._open.get(self._key_by_cause.get(cause.id, cause.key)) or self._in_storm(cause)
        if known is not None:
            return self._join(known, cause, now)
        rule = self._rule_of(cause.rule_key)
        if rule is None:
            return self.take_back(cause.id, now)
        until = self._admission.refused_until(rule, cause.key, now)
        if until is None:
            self._waiting.pop(cause.id, None)
            forgotten = [Save(ROOM, f"{WAITING}{cause.id}", None)] if cause.is_kept else []
            return [*forgotten, *self._begin(cause, rule, now)]
        if cause.id not in self._waiting and len(self._waiting) >= WAITING_MAX:
            return []
        self._waiting[cause.id] = Waiting(cause, until)
        self._plan()
        return [Save(ROOM, f"{WAITING}{cause.id}", cause.as_json())] if cause.is_kept else []

    def take_back(self, cause_id: str, now: datetime) -> list[Effect]:
        """The reason is gone."""
        waiting = self._waiting.pop(cause_id, None)
        if waiting is not None:
            self._plan()
            return [Save(ROOM, f"{WAITING}{cause_id}", None)] if waiting.cause.is_kept else []
        alert = self._open.get(self._key_by_cause.pop(cause_id, ""))
        if alert is None:
            return []
        alert.causes.pop(cause_id, None)
        if not alert.causes:
            return self._end(alert, now)
        if alert.key == STORM_KEY:
            return self._revise_soon(now)
        return [self._save(alert)]

    def tell_once(self, cause: Cause, now: datetime) -> list[Effect]:
        """Something happened and is over already."""
        return [*self.tell(cause, now), *self._silently_closed(cause, now)]

    def answer(self, alert_id: str, verb: str, by: str | None, now: datetime) -> list[Effect] | None:
        """A person answers: acknowledge (no repeats), resolve or dismiss. None: no such alert is open."""
        alert = next((each for each in self.alerts() if each.id == alert_id), None)
        if alert is None:
            return None
        status = ANSWERS[verb]
        alert.row |= {"status": status, f"{status}_at": now, f"{status}_by": by}
        alert.is_answered = status != "acknowledged"
        alert.repeat_at = None
        self._plan()
        return self._revised(alert)

    # Memory and time.

    def restore(self, saved: Mapping[str, JsonObject], now: datetime) -> list[Effect]:
        given: list[Effect] = []
        for key, body in sorted(saved.items()):
            try:
                if key.startswith(OPEN):
                    alert = Alert.from_json(body)
                    self._open[alert.key] = alert
                    self._key_by_cause |= dict.fromkeys(alert.causes, alert.key)
                elif key.startswith(WAITING):
                    cause = Cause.from_json(body)
                    self._waiting[cause.id] = Waiting(cause, now)
            except DAMAGED:
                given.append(Save(ROOM, key, None))
        with contextlib.suppress(*DAMAGED):
            self._admission.restore(saved.get(ADMISSION, {}))
        self._plan()
        return given

    def get_timer(self) -> datetime | None:
        return self._due

    def handle_timer(self, now: datetime) -> list[Effect]:
        given: list[Effect] = []
        for cause_id in sorted(name for name, each in self._waiting.items() if each.until <= now):
            given += self.tell(self._waiting[cause_id].cause, now)
        for alert in list(self._open.values()):
            if alert.repeat_at is not None and alert.repeat_at <= now:
                given += self._repeat(alert, now)
        if self._revise_at is not None and self._revise_at <= now:
            self._revise_at = None
            storm = self._open.get(STORM_KEY)
            given += [] if storm is None or storm.is_answered else self._sum_up(storm)
        self._plan()
        return given

    def handle_clock_step(self, by: timedelta) -> None:
        self._admission.shift(by)
        self._opened_at = deque((at + by for at in self._opened_at), maxlen=STORM_ALERTS)
        for waiting in self._waiting.values():
            waiting.until += by
        for alert in self._open.values():
            alert.repeat_at = alert.repeat_at + by if alert.repeat_at else None
        self._revise_at = self._revise_at + by if self._revise_at else None
        self._plan()

    # One alert.

    def _begin(self, cause: Cause, rule: Rule, now: datetime) -> list[Effect]:
        if self._is_storm(cause, now):
            return self._into_storm(cause, now)
        self._opened_at.append(now)
        self._admission.note(rule, cause.key, now)
        return [
            *self._put(cause.key, cause, rule, now),
            Save(ROOM, ADMISSION, self._admission.as_json(), Durability.COMMIT),
        ]

    def _put(self, key: str, cause: Cause, rule: Rule, now: datetime) -> list[Effect]:
        row = new_alert(
            self._new_id(), cause.alert_type, cause.severity, title=cause.title, message=cause.message, now=now
        )
        row |= {**cause.columns, "alert_rule_id": rule.row_id, "priority": rule.priority}
        row["metadata"] = {"rule": rule.name, "raised_by": RAISED_BY}
        if isinstance(expires_at := row["expires_at"], str):
            row["expires_at"] = datetime.fromisoformat(expires_at)
        alert = self._open[key] = Alert(key, rule.key, row, causes={cause.id: cause})
        self._key_by_cause[cause.id] = key
        alert.repeat_at = now + rule.repeat if rule.repeat else None
        alert.told = self._channels.named(rule.channels)
        given = self._say(alert, "opened", cause.title, cause.message, now)
        self._plan()
        return [AppendCase("alerts", alert.id, 1, dict(row)), self._save(alert), self._announce(alert), *given]

    def _join(self, alert: Alert, cause: Cause, now: datetime) -> list[Effect]:
        is_new, before = cause.id not in alert.causes, alert.causes.get(cause.id)
        is_worse = SEVERITIES.index(cause.severity) > SEVERITIES.index(alert.severity)
        alert.causes[cause.id] = cause
        self._key_by_cause[cause.id] = alert.key
        self._waiting.pop(cause.id, None)
        given: list[Effect] = [Save(ROOM, f"{WAITING}{cause.id}", None)] if is_new and cause.is_kept else []
        if alert.key == STORM_KEY:
            return given
        if not is_new and not is_worse and (before is None or before.message == cause.message or not cause.is_kept):
            return given
        if alert.is_answered and is_worse and (rule := self._rule_of(cause.rule_key)) is not None:
            reasons = alert.causes
            given += self._put(alert.key, cause, rule, now)
            self._open[alert.key].causes |= reasons
            return [Save(ROOM, f"{OPEN}{alert.id}", None), *given, self._save(self._open[alert.key])]
        if alert.is_answered:
            return [*given, self._save(alert)]
        is_joined = self._join_rule(alert, cause)
        if not (is_worse or cause.is_kept):
            return [*given, *(self._revised(alert) if is_joined else [self._save(alert)])]
        # Who has tried to mend it knows most.
        alert.row |= {**without_end(cause.columns), "title": cause.title, "message": cause.message}
        if is_worse:
            alert.row["severity"] = cause.severity
            given += self._say(alert, "worse", cause.title, cause.message, now)
        return [*given, *self._revised(alert)]

    def _join_rule(self, alert: Alert, cause: Cause) -> bool:
        """What is built in gives way to a rule of the home: its alert goes on as that rule's."""
        rule = self._rule_of(cause.rule_key)
        if rule is None or rule.row_id is None or alert.row["alert_rule_id"] is not None:
            return False
        alert.rule_key = rule.key
        alert.row |= {"alert_rule_id": rule.row_id, "priority": rule.priority}
        return True

    def _end(self, alert: Alert, now: datetime) -> list[Effect]:
        del self._open[alert.key]
        self._plan()
        gone = Save(ROOM, f"{OPEN}{alert.id}", None)
        if alert.is_answered:
            return [gone]
        alert.row |= {"status": "resolved", "resolved_at": now}
        text = f"It is over. It lasted {lasted(now - alert.since)}."
        told = self._say(alert, "resolved", f"Resolved: {alert.row['title']}", text, now)
        alert.revision += 1
        return [AppendCase("alerts", alert.id, alert.revision, dict(alert.row)), gone, self._announce(alert), *told]

    def _silently_closed(self, cause: Cause, now: datetime) -> list[Effect]:
        alert = self._open.get(self._key_by_cause.get(cause.id, ""))
        if alert is not None and alert.key != STORM_KEY:
            alert.told = ()
        return [] if alert is None else self.take_back(cause.id, now)

    def _repeat(self, alert: Alert, now: datetime) -> list[Effect]:
        rule = self._rule_of(alert.rule_key)
        alert.repeat_at = None if rule is None or rule.repeat is None else now + rule.repeat
        if rule is None or rule.repeat is None or rule.is_quiet(self._admission.local(now).time()):
            return [self._save(alert)]
        text = f"{alert.row['message']} It has lasted {lasted(now - alert.since)}."
        return [*self._say(alert, "repeat", f"Still: {alert.row['title']}", text, now), self._save(alert)]

    def _revised(self, alert: Alert) -> list[Effect]:
        alert.revision += 1
        return [
            AppendCase("alerts", alert.id, alert.revision, dict(alert.row)),
            self._save(alert),
            self._announce(alert),
        ]

    def _say(self, alert: Alert, kind: str, title: str, text: str, now: datetime) -> list[Effect]:
        message = Message(alert.id, kind, title, text, alert.severity, now)
        return [given for channel in alert.told for given in self._channels.send(channel, message, now)]

    def _save(self, alert: Alert) -> Save:
        return Save(ROOM, f"{OPEN}{alert.id}", alert.as_json())

    def _announce(self, alert: Alert) -> Announce:
        self.changed.append(alert.row)
        return Announce("alert", {"id": alert.id, "title": alert.row["title"], "status": alert.row["status"]})

    def _plan(self) -> None:
        dues = [each.until for each in self._waiting.values()]
        dues += [each.repeat_at for each in self._open.values() if each.repeat_at is not None]
        self._due = min([*dues, *([self._revise_at] if self._revise_at else [])], default=None)

    # A storm.

    def _is_storm(self, cause: Cause, now: datetime) -> bool:
        is_many = len(self._opened_at) == STORM_ALERTS and timedelta(0) <= now - self._opened_at[0] < STORM_WITHIN
        return is_many and cause.severity != "critical"

    def _in_storm(self, cause: Cause) -> Alert | None:
        """The storm, if what this is about is in it already."""
        storm = self._open.get(STORM_KEY)
        keys = () if storm is None else (each.key for each in storm.causes.values())
        return storm if cause.key in keys else None

    def _into_storm(self, cause: Cause, now: datetime) -> list[Effect]:
        storm = self._open.get(STORM_KEY)
        if storm is None:
            first = Cause(
                cause.id, cause.key, STORM.key, "notice", cause.severity, "Much is wrong at once",
                f"Besides what was told: {cause.title}.", {"source_type": "system", "context": {"count": 1}},
            )  # fmt: skip
            given = self._put(STORM_KEY, first, STORM, now)
            self._open[STORM_KEY].causes[cause.id] = cause
            return [*given, self._save(self._open[STORM_KEY])]
        if len(storm.causes) < STORM_CAUSES_MAX:
            storm.causes[cause.id] = cause
            self._key_by_cause[cause.id] = STORM_KEY
        return self._revise_soon(now)

    def _revise_soon(self, now: datetime) -> list[Effect]:
        if self._revise_at is None:
            self._revise_at = now + STORM_REVISED_EVERY
            self._plan()
        return []

    def _sum_up(self, storm: Alert) -> list[Effect]:
        titles = [_line(each) for each in storm.causes.values()]
        context: dict[str, JsonValue] = {"count": len(titles), "titles": titles[:50]}
        storm.row |= {"message": f"Besides what was told: {some_of(titles)}.", "context": context}
        return self._revised(storm)


def without_end(columns: JsonObject) -> JsonObject:
    return {name: value for name, value in columns.items() if name != "expires_at"}


def _line(cause: Cause) -> str:
    name = cause.columns.get("context")
    named: Sequence[JsonValue] = (name.get("name"),) if isinstance(name, Mapping) else ()
    return ": ".join([*(each for each in named if isinstance(each, str)), cause.title])
