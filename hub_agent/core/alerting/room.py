"""Alert rules: when something has been so for as long as a rule says, the people of the home are told, and told when it is over.

Every alert about the home passes here, also what healing tells: one problem is one alert (`desk.py`). A rule's condition is looked at
when something changes that it is about, when its time is over, after a start, and once an hour.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import ClassVar, Final

import orjson

from hub_agent.core.alerting.cause import Cause, Check
from hub_agent.core.alerting.desk import ANSWERS, RAISED_BY, ROOM, STORM, Alert, Desk
from hub_agent.core.alerting.looking import (
    LEVELS,
    OF_ENTITIES,
    OFFLINE_CODES,
    Home,
    covers,
    is_about,
    look,
    subjects,
)
from hub_agent.core.alerting.rule import BUILTIN, Condition, Rule, When, read_rule
from hub_agent.core.alerting.told import OF_HEALING, OPEN_STATUSES, of_case, of_healed, of_healing
from hub_agent.core.alerts import SHOWN, AlertRow, as_json
from hub_agent.core.channels import Channels, Message
from hub_agent.core.monitor import Monitor
from hub_agent.errors import DefinitionError
from hub_agent.model.action import CallAnswered
from hub_agent.model.definition import Definition
from hub_agent.model.device import Device
from hub_agent.model.effects import Answer, AppendCase, Effect, IssueCleared, IssueRaised, Publish
from hub_agent.model.ids import CallId, DeviceId, EntityId, HomeId, NewId
from hub_agent.model.inputs import AlertAnswered, ChannelTested, Input
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject
from hub_agent.model.report import Publication
from hub_agent.model.state import StateChanged

GRACE: Final = timedelta(minutes=5)
SCAN_EVERY: Final = timedelta(hours=1)
SCAN_SOON: Final = timedelta(seconds=2)
HELD_AGAIN: Final = timedelta(minutes=2)
ISSUES_MAX: Final = 2_000
RULES_MAX: Final = 500
PENDING_MAX: Final = 5_000
SHOWN_MAX: Final = 50
INVALID: Final = "alert_rule_invalid"


class Alerting(Monitor):
    """`is_held`: what it hangs on is the trouble, not the device. `has_told`: healing still means that alert of its own.
    `answer_notice`: answers an alert that a rule's notice is.
    """

    room = ROOM
    KINDS = frozenset({"alert_rule"})
    INPUTS: ClassVar[frozenset[type]] = frozenset({AlertAnswered, ChannelTested})

    def __init__(
        self,
        home_id: HomeId,
        home: Home,
        new_id: NewId,
        channels: Mapping[str, str],
        *,
        is_held: Callable[[DeviceId], bool],
        has_told: Callable[[str], bool],
        answer_notice: Callable[[str, str, datetime], Sequence[Effect] | None] = lambda *_: None,
    ) -> None:
        self._topic = f"nexa/{home_id}/alert"
        self._home = home
        self._is_held = is_held
        self._has_told = has_told
        self._answer_notice = answer_notice
        self.channels = Channels(new_id, channels)
        self._desk = Desk(new_id, self._rule_of, home.local, self.channels)
        self._rules: dict[str, Rule] = {}
        self._broken: dict[str, tuple[str, str]] = {}
        self._issues: dict[tuple[str, str], Issue] = {}
        self._in_force: dict[str, Rule] = {each.key: each for each in BUILTIN}
        self._checks: dict[When, tuple[Check, ...]] = {}
        self._checks_of_entity: dict[EntityId, tuple[Check, ...]] = {}
        # By cause: since when it has been so, and the check that says so.
        self._pending: dict[str, tuple[datetime, Check, str]] = {}
        # One entry counts of each, however often it begins anew: the soonest. It is put off when it comes too soon.
        self._dues: list[tuple[datetime, str]] = []
        self._armed: dict[str, datetime] = {}
        self._scan_at: datetime | None = None
        self._judged_from: datetime | None = None
        self._is_cut_off = False
        # Until the first look all round, so that nothing is ended before everybody has had time to say how it is.
        self._is_starting = False
        self._index()

    # Memory and time.

    def restore(self, saved: Mapping[str, JsonObject], now: datetime) -> Sequence[Effect]:
        self._scan_at = self._judged_from = now + GRACE
        self._is_starting = True
        return [*self._desk.restore(saved, now), *self.channels.restore(saved, now)]

    def get_timer(self) -> datetime | None:
        dues = [
            self._dues[0][0] if self._dues else None,
            self._scan_at,
            self._desk.get_timer(),
            self.channels.get_timer(),
        ]
        return min((each for each in dues if each is not None), default=None)

    def handle_timer(self, now: datetime) -> Sequence[Effect]:
        given: list[Effect] = []
        while self._dues and self._dues[0][0] <= now:
            at, cause_id = heappop(self._dues)
            if self._armed.get(cause_id) == at:
                del self._armed[cause_id]
                given += self._fall_due(cause_id, now)
        if self._scan_at is not None and self._scan_at <= now:
            given += self._scan(now)
        if (due := self._desk.get_timer()) is not None and due <= now:
            given += self._desk.handle_timer(now)
        return self._shown([*given, *self.channels.handle_timer(now)])

    def handle_clock_step(self, by: timedelta) -> None:
        self._pending = {name: (since + by, check, about) for name, (since, check, about) in self._pending.items()}
        self._dues = [(at + by, name) for at, name in self._dues]
        self._armed = {name: at + by for name, at in self._armed.items()}
        self._scan_at = self._scan_at + by if self._scan_at else None
        self._judged_from = self._judged_from + by if self._judged_from else None
        self._desk.handle_clock_step(by)
        self.channels.handle_clock_step(by)

    # What happens.

    def handle_change(self, changed: StateChanged, device: Device, now: datetime) -> Sequence[Effect]:
        checks = self._checks_of_entity.get(changed.entity_id)
        if checks is None:
            checks = self._checks_of_entity[changed.entity_id] = self._checks_about(changed.entity_id, device)
        if not checks:
            return ()
        return self._shown([given for check in checks for given in self._look(check, changed.entity_id, now)])

    def handle_availability(self, device: Device, now: datetime, *, is_available: bool) -> Sequence[Effect]:
        del is_available  # it is looked up
        return self._shown(self._look_all(When.OFFLINE, device.id, now))

    def handle_removed(self, device_id: DeviceId, now: datetime) -> Sequence[Effect]:
        self._checks_of_entity.clear()
        given = self._look_all(When.OFFLINE, device_id, now)
        for cause in list(self._desk.causes().values()):
            if cause.columns.get("source_device_id") == device_id and cause.source is None:
                given += self._desk.take_back(cause.id, now)
        return self._shown(given)

    def handle_connected(self, now: datetime) -> Sequence[Effect]:
        """Who comes back gets a grace; and who listens hears what is open."""
        self._is_cut_off = False
        self._judged_from = now + GRACE
        return [self._list()]

    def handle_disconnected(self, now: datetime) -> Sequence[Effect]:
        del now
        self._is_cut_off = True
        return ()

    def handle_issue(self, told: IssueRaised | IssueCleared, now: datetime) -> Sequence[Effect]:
        if isinstance(told, IssueRaised):
            code, subject = told.issue.code, told.issue.subject
            if (code, subject) not in self._issues and len(self._issues) >= ISSUES_MAX:
                return ()
            self._issues[code, subject] = told.issue
        else:
            code, subject = told.code, told.subject
            if self._issues.pop((code, subject), None) is None:
                return ()
        given = self._look_all(When.ISSUE, f"{code}/{subject}", now)
        given += self._look_all(When.AUTOMATION_FAILED, f"{code}/{subject}", now)
        if code in OFFLINE_CODES:
            given += self._look_all(When.OFFLINE, subject, now)
        return self._shown(given)

    def adopts(self, case: AppendCase) -> bool:
        """Whether it is an alert of healing's, which becomes one of ours, or part of one: see `adopt`."""
        if case.table != "alerts" or case.row.get("source_type") != "device":
            return False
        metadata = case.row.get("metadata")
        return not (isinstance(metadata, Mapping) and metadata.get("raised_by") == RAISED_BY)

    def adopt(self, case: AppendCase, now: datetime) -> Sequence[Effect]:
        if case.row.get("status") != "active":
            return self._shown(self._over(case.id, now))
        given: list[Effect] = []
        for check in (*self._checks_for(When.HEALING), *self._checks_for(When.ISSUE)):
            if (cause := of_healing(check, case.row, self._home)) is not None:
                given += self._desk.tell(cause, now)
        return self._shown(given)

    def handle_case(self, case: AppendCase, now: datetime) -> Sequence[Effect]:
        if case.table == "self_healing_executions":
            return self._healed(case, now) if case.row.get("status") == "completed" else ()
        known = OPEN_STATUSES.get(case.table)
        if known is None:
            return ()
        when, column, statuses = known
        if case.row.get(column) not in statuses:
            return self._shown(self._over(case.id, now))
        given: list[Effect] = []
        for check in self._checks_for(when):
            cause = of_case(check, case.table, case.row, self._home)
            cause_id = check.cause_id(f"{case.table}/{case.id}")
            given += self._desk.take_back(cause_id, now) if cause is None else self._desk.tell(cause, now)
        return self._shown(given)

    def _healed(self, case: AppendCase, now: datetime) -> Sequence[Effect]:
        metadata = case.row.get("metadata")
        if isinstance(metadata, Mapping) and metadata.get("remedy") == "tell_person":
            return ()
        given: list[Effect] = []
        for check in self._checks_for(When.HEALING):
            if "completed" in check.condition.statuses:
                cause = of_healed(check, case.row, self._home)
                given += [] if cause is None else self._desk.tell_once(cause, now)
        return self._shown(given)

    def _over(self, source: str, now: datetime) -> list[Effect]:
        ended = [each.id for each in self._desk.causes().values() if each.source == source]
        return [given for cause_id in sorted(ended) for given in self._desk.take_back(cause_id, now)]

    # Rules.

    def handle_definition(
        self, kind: str, definition_id: str, definition: Definition | None, now: datetime
    ) -> Sequence[Effect]:
        del kind
        self._rules.pop(definition_id, None)
        was_broken = self._broken.pop(definition_id, None) is not None
        given: list[Effect] = []
        if definition is not None and not definition.is_deleted and len(self._rules) < RULES_MAX:
            try:
                self._rules[definition_id] = read_rule(definition)
            except DefinitionError as err:
                name = str(definition.fields.get("rule_name") or definition_id)[:200]
                self._broken[definition_id] = name, str(err)
                given.append(IssueRaised(Issue(INVALID, definition_id, now, {"name": name, "reason": str(err)})))
        if was_broken and definition_id not in self._broken:
            given.append(IssueCleared(INVALID, definition_id))
        self._index()
        self._pending = {name: each for name, each in self._pending.items() if each[1].rule.key != definition_id}
        if not self._is_starting:
            self._scan_at = now + SCAN_SOON
        return given

    def _index(self) -> None:
        """What the home has said on a matter for all of itself stands in the place of what is built in."""
        said = {when for rule in self._rules.values() if rule.is_for_all for when in When if rule.has(when)}
        builtin = [rule for rule in BUILTIN if not any(rule.has(when) for when in said)]
        enabled = [rule for _, rule in sorted(self._rules.items()) if rule.is_enabled]
        self._in_force = {rule.key: rule for rule in (*enabled, *builtin)}
        by_when: dict[When, list[Check]] = {}
        for rule in self._in_force.values():
            for place, condition in enumerate(rule.conditions):
                by_when.setdefault(condition.when, []).append(Check(rule, place, condition))
        self._checks = {when: tuple(checks) for when, checks in by_when.items()}
        self._checks_of_entity.clear()

    def _rule_of(self, key: str) -> Rule | None:
        return STORM if key == STORM.key else self._in_force.get(key)

    def _checks_for(self, when: When) -> tuple[Check, ...]:
        return self._checks.get(when, ())

    def _checks_about(self, entity_id: EntityId, device: Device) -> tuple[Check, ...]:
        entity = self._home.entity(entity_id)
        if entity is None:
            return ()
        every = (check for when in sorted(OF_ENTITIES) for check in self._checks_for(when))
        return tuple(
            each for each in every if is_about(each.condition, entity) and covers(each.rule, device, self._home)
        )

    # Looking.

    def _look_all(self, when: When, subject: str, now: datetime) -> list[Effect]:
        return [given for check in self._checks_for(when) for given in self._look(check, subject, now)]

    def _look(self, check: Check, subject: str, now: datetime) -> list[Effect]:
        condition, cause_id = check.condition, check.cause_id(subject)
        is_told = self._desk.knows(cause_id)
        found = look(check, subject, self._home, self._issues, is_told=is_told)
        if not isinstance(found, Cause):
            self._pending.pop(cause_id, None)
            return self._desk.take_back(cause_id, now) if found is False and is_told else []
        if is_told or cause_id in self._pending:
            return []
        if not condition.lasts:
            return self._desk.tell(found, now)
        if len(self._pending) < PENDING_MAX:
            self._pending[cause_id] = now, check, subject
            self._arm(cause_id, now + condition.lasts)
        return []

    def _arm(self, cause_id: str, at: datetime) -> None:
        if cause_id not in self._armed or at < self._armed[cause_id]:
            self._armed[cause_id] = at
            heappush(self._dues, (at, cause_id))

    def _fall_due(self, cause_id: str, now: datetime) -> list[Effect]:
        """It has been so for as long as the rule says, unless it has begun anew meanwhile."""
        pending = self._pending.get(cause_id)
        if pending is None:
            return []
        since, check, subject = pending
        later = self._later(check.condition, subject, since, now)
        if later is not None:
            self._arm(cause_id, later)
            return []
        del self._pending[cause_id]
        found = look(check, subject, self._home, self._issues, is_told=False)
        return self._desk.tell(found, now) if isinstance(found, Cause) else []

    def _later(self, condition: Condition, subject: str, since: datetime, now: datetime) -> datetime | None:
        if since + condition.lasts > now:
            return since + condition.lasts
        device_id = DeviceId(subject.rpartition("/")[2])
        if condition.when in OF_ENTITIES or self._home.device(device_id) is None:
            return None
        if self._judged_from is not None and now < self._judged_from:
            return self._judged_from
        if self._is_cut_off:
            return now + HELD_AGAIN
        return now + HELD_AGAIN if self._is_held(device_id) else None

    def _scan(self, now: datetime) -> list[Effect]:
        """Everything anew: after a start, when rules have changed, and now and then for whatever was missed."""
        self._scan_at, self._is_starting = now + SCAN_EVERY, False
        self._checks_of_entity.clear()
        given: list[Effect] = []
        looked_at: set[str] = set()
        for check in self._levels():
            for subject in subjects(check.condition, self._home, self._issues):
                looked_at.add(check.cause_id(subject))
                given += self._look(check, subject, now)
        for cause in sorted(self._desk.causes().values(), key=lambda each: each.id):
            is_orphan = f"/{OF_HEALING}" in cause.id and not self._has_told(str(cause.source))
            if is_orphan or (not cause.is_kept and cause.id not in looked_at):
                given += self._desk.take_back(cause.id, now)
        return given

    def _levels(self) -> Iterator[Check]:
        return (check for when in When if when in LEVELS for check in self._checks_for(when))

    # People.

    def take(self, happened: Input, now: datetime) -> Sequence[Effect]:
        match happened:
            case AlertAnswered(alert_id, verb, by, request_id):
                given = self.answer(alert_id, verb, by, now)
                if given is None:
                    return [Answer(request_id, {"error": f"no alert {alert_id} is open"})]
                return [*given, Answer(request_id, {"id": alert_id, "status": ANSWERS[verb]})]
            case ChannelTested(channel, request_id):
                if channel not in self.channels.named((channel,)):
                    return [Answer(request_id, {"error": f"there is no channel {channel} in the settings of this hub"})]
                message = Message(request_id, "test", "A test", "If you can read this, alerts reach you.", "info", now)
                return [*self.channels.test(channel, message)]
        return ()

    def answer(self, alert_id: str, verb: str, by: str | None, now: datetime) -> Sequence[Effect] | None:
        """`verb`: acknowledge | resolve | dismiss, whoever opened it; None: no such alert is open."""
        given = self._desk.answer(alert_id, verb, by, now)
        return self._answer_notice(alert_id, verb, now) if given is None else self._shown(given)

    def __contains__(self, call_id: CallId) -> bool:
        return call_id in self.channels

    def handle_answered(self, answered: CallAnswered, now: datetime) -> Sequence[Effect]:
        return self.channels.handle_answered(answered, now)

    def alerts(self) -> list[JsonObject]:
        """The open ones, newest first."""
        return [_alert_shown(each) for each in self._desk.alerts()]

    def rules(self) -> list[JsonObject]:
        """Which are in force, which are switched off, which are broken and why."""
        told: list[JsonObject] = [
            {
                "id": rule.key,
                "name": rule.name,
                "when": [each.when.value for each in rule.conditions],
                "severity": rule.severity,
                "target": rule.target_type,
                "is_builtin": rule.is_builtin,
                "status": "in force" if rule.key in self._in_force else "off",
                "reason": None,
            }
            for rule in (*(each for _, each in sorted(self._rules.items())), *BUILTIN)
        ]
        broken: list[JsonObject] = [
            {"id": key, "name": name, "when": [], "severity": None, "target": None, "is_builtin": False, "status": "broken", "reason": reason}
            for key, (name, reason) in sorted(self._broken.items())
        ]  # fmt: skip
        return [*told, *broken]

    # The broker.

    def _shown(self, given: Sequence[Effect]) -> Sequence[Effect]:
        """With what the broker hears of it."""
        if not self._desk.changed:
            return given
        changed, self._desk.changed = self._desk.changed, []
        said = [
            Publish(Publication(f"{self._topic}/{row['status']}", orjson.dumps(_row_shown(row)))) for row in changed
        ]
        return [*given, *said, self._list()]

    def _list(self) -> Publish:
        body = orjson.dumps(self.alerts()[:SHOWN_MAX])
        return Publish(Publication(f"{self._topic}s", body, retain=True))


def _alert_shown(alert: Alert) -> JsonObject:
    rule_names = sorted({each.rule_key for each in alert.causes.values()})
    return {**_row_shown(alert.row), "rules": rule_names, "channels": list(alert.told), "is_notice": False}


def _row_shown(row: AlertRow) -> JsonObject:
    plain = as_json(row)
    return {name: plain[name] for name in SHOWN}
