"""The monitor: looks at the home once a week in a quiet hour and whenever somebody asks, notes who is refused, and keeps the rules of who may come in.

The look itself is done outside (`hub.look_around`); what is judged here is what it saw.
"""

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Final

from hub_agent.core.monitor import Given, Monitor
from hub_agent.core.security import findings
from hub_agent.core.security.access_rules import AccessRules
from hub_agent.core.security.grade import Grade, grade_of
from hub_agent.core.security.home import SecuredHome, Ways
from hub_agent.core.security.incidents import DAMAGED, KINDS, Incidents
from hub_agent.core.security.scan import LAST, ROOM, UNDER_WAY, Scan, scan_of
from hub_agent.core.security.strangers import Strangers
from hub_agent.core.security.vulnerabilities import Vulnerabilities
from hub_agent.core.time_of_day import next_daily
from hub_agent.model.action import Call
from hub_agent.model.definition import Definition
from hub_agent.model.effects import Announce, Answer, CallOutside, Durability, IssueCleared, IssueRaised, Save
from hub_agent.model.ids import CallId, DeviceId, HomeId, NewId
from hub_agent.model.inputs import Input
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.security import AccessRefused, Scanned, ScanWanted
from hub_agent.model.state import Cause

# Every home at a minute of its own between three and four.
SCAN_HOUR: Final = 3
SCAN_EVERY: Final = timedelta(days=7)
# One that failed is tried again the next night.
AGAIN_AFTER: Final = timedelta(days=1)
SLACK: Final = timedelta(hours=12)
SCAN_LASTS_MAX: Final = timedelta(hours=1)
LOOK_EVERY: Final = timedelta(hours=1)
LOOK_AROUND: Final = "hub.look_around"
HITS: Final = "hits"
COUNT_MAX: Final = 2_000_000_000


class Security(Monitor):
    room = ROOM
    INPUTS = frozenset({ScanWanted, Scanned, AccessRefused})
    KINDS = frozenset({"network_access_rule"})

    def __init__(self, home: SecuredHome, home_id: HomeId, ways: Ways, new_id: NewId) -> None:
        self._home = home
        self._ways = ways
        self._new_id = new_id
        self._minute = sum(home_id.encode()) % 60
        self.vulnerabilities = Vulnerabilities(home_id)
        self.incidents = Incidents(new_id)
        self.strangers = Strangers(self.incidents)
        self.access = AccessRules(home.time_zone, self._is_hub, ways.page_port)
        self._scan: Scan | None = None
        self._last: JsonObject = {}
        self._scan_due_at: datetime | None = None
        self._look_at: datetime | None = None
        # Of each rule how often it fitted, and when last.
        self._hits: dict[str, tuple[int, str]] = {}
        self._are_hits_new = False
        self._told_rules: dict[str, str] = {}

    # Memory and time.

    def restore(self, saved: Mapping[str, JsonObject], now: datetime) -> list[Given]:
        given: list[Given] = [*self.vulnerabilities.restore(saved), *self.incidents.restore(saved)]
        self.strangers.restore(saved, now)
        self._last = saved.get(LAST, {})
        for rule_id, told in saved.get(HITS, {}).items():
            if isinstance(told, list | tuple) and len(told) == 2 and isinstance(told[0], int):
                self._hits[rule_id] = (told[0], str(told[1]))
        if UNDER_WAY in saved:
            try:
                given += scan_of(saved[UNDER_WAY]).failed("The agent was restarted meanwhile.", now)
            except DAMAGED:
                given.append(Save(ROOM, UNDER_WAY, None))
        self._look_at = now + LOOK_EVERY
        self._plan(now)
        return given

    def get_timer(self) -> datetime | None:
        lasts_until = self._scan.began_at + SCAN_LASTS_MAX if self._scan is not None else None
        due = (self._look_at, self._scan_due_at, lasts_until, self.incidents.get_timer())
        return min((each for each in due if each is not None), default=None)

    def handle_timer(self, now: datetime) -> list[Given]:
        given: list[Given] = [*self.incidents.handle_timer(now)]
        if self._scan is not None and now - self._scan.began_at >= SCAN_LASTS_MAX:
            given += self._end(self._scan.failed("It did not come to its end within an hour.", now), "failed", now)
        if self._look_at is not None and now >= self._look_at:
            self._look_at = now + LOOK_EVERY
            given += self.strangers.look(self._home.met(), now)
            given += self._save_hits()
        if self._scan_due_at is not None and now >= self._scan_due_at:
            if now.astimezone(self._home.time_zone()).hour == SCAN_HOUR:
                given += self._begin(now, by=None, is_asked=False)
            else:
                self._plan(now)  # the clock was set meanwhile, or the home is elsewhere
        return given

    def handle_clock_step(self, by: timedelta) -> None:
        self.incidents.handle_clock_step(by)
        self.strangers.handle_clock_step(by)
        if self._look_at is not None:
            self._look_at += by
        if self._scan_due_at is not None:
            self._scan_due_at += by
        if self._scan is not None:
            self._scan = Scan(self._scan.id, self._scan.began_at + by, self._scan.is_asked, self._scan.by)

    # What happens.

    def take(self, happened: Input, now: datetime) -> Sequence[Given]:
        match happened:
            case ScanWanted(request_id, by):
                return self._wanted(request_id, by, now)
            case Scanned():
                return self._scanned(happened, now)
            case AccessRefused(kind, source, count, rule_id):
                return [*self._hit(rule_id, count, now), *self.incidents.note(kind, source, now, count=count)]
        return ()

    def handle_removed(self, device_id: DeviceId, now: datetime) -> Sequence[Given]:
        return self.vulnerabilities.handle_removed(device_id, now)

    def handle_definition(
        self, kind: str, definition_id: str, definition: Definition | None, now: datetime
    ) -> Sequence[Given]:
        del kind
        self.access.define(definition_id, definition)
        if definition is None:
            self._hits.pop(definition_id, None)
        return self._tell_rules(now)

    # Looking at the home.

    def _plan(self, now: datetime) -> None:
        if not self._ways.scans:
            return
        at = time(SCAN_HOUR, self._minute)
        after = now
        every = SCAN_EVERY if self._last.get("status") == "completed" else AGAIN_AFTER
        with contextlib.suppress(*DAMAGED):  # there was none yet
            after = max(now, datetime.fromisoformat(str(self._last["ended_at"])) + every - SLACK)
        # A clock that was far ahead does not put it off for years.
        self._scan_due_at = next_daily(at, self._home.time_zone(), min(after, now + SCAN_EVERY))

    def _wanted(self, request_id: str, by: str | None, now: datetime) -> list[Given]:
        if not self._ways.scans:
            error = "scans are switched off: see [security] in the settings"
            return [Answer(request_id, {"error": error})]
        given = self._begin(now, by=by, is_asked=True) if self._scan is None else []
        scan_id = self._scan.id if self._scan is not None else None
        return [*given, Answer(request_id, {"scan_id": scan_id})]

    def _begin(self, now: datetime, *, by: str | None, is_asked: bool) -> list[Given]:
        self._scan_due_at = None
        self._scan = Scan(self._new_id(), now, is_asked, by)
        targets: list[JsonValue] = list(findings.targets_of(self._home, self._ways))
        data: JsonObject = {"scan_id": self._scan.id, "targets": targets}
        call = Call(CallId(self._scan.id), LOOK_AROUND, (), data, Cause("self_healing", self._scan.id))
        told = Announce("security", {"scan_id": self._scan.id, "status": "running"})
        return [*self._scan.begun(), CallOutside(call), told]

    def _scanned(self, scanned: Scanned, now: datetime) -> list[Given]:
        if self._scan is None or scanned.scan_id != self._scan.id:
            return []
        if scanned.error is not None:
            return self._end(self._scan.failed(scanned.error, now), "failed", now, scanned.error)
        found = findings.findings_in(self._home, self._ways, scanned.looks, scanned.models, now)
        answered = {each.key for each in scanned.looks if each.is_there}
        given = self.vulnerabilities.take(found, answered, self._goes_on, self._scan.id, now)
        weaknesses = self.vulnerabilities.unresolved()
        ended = self._scan.done(len(scanned.looks), weaknesses, self.grade(), now)
        # The scan's row goes first: those of the weaknesses point at it.
        return [*self._end(ended, "completed", now, devices=len(scanned.looks)), *given]

    def _end(
        self, ended: list[Given], status: str, now: datetime, error: str | None = None, *, devices: int = 0
    ) -> list[Given]:
        assert self._scan is not None  # whoever ends one has one
        self._last = {
            "id": self._scan.id,
            "began_at": self._scan.began_at.isoformat(),
            "ended_at": now.isoformat(),
            "status": status,
            "devices": devices,
            "error": error,
        }
        told = Announce("security", {"scan_id": self._scan.id, "status": status})
        self._scan = None
        self._plan(now)
        return [*ended, Save(ROOM, LAST, self._last), told]

    def _goes_on(self, device_id: str) -> bool:
        device = self._home.device(DeviceId(device_id))
        return device is not None and not findings.is_skipped(device)

    def grade(self) -> Grade:
        found = [each.finding for each in self.vulnerabilities.unresolved()]
        return grade_of((each.kind, each.rank, each.title) for each in found)

    # Who may come in.

    def _is_hub(self, device_id: str) -> bool:
        hub = self._home.hub()
        return hub is not None and hub.id == device_id

    def _hit(self, rule_id: str | None, count: int, now: datetime) -> list[Given]:
        if rule_id is not None:
            before = self._hits.get(rule_id, (0, ""))[0]
            self._hits[rule_id] = (min(COUNT_MAX, before + count), now.isoformat())
            self._are_hits_new = True
        return []

    def _save_hits(self) -> list[Given]:
        if not self._are_hits_new:
            return []
        self._are_hits_new = False
        known = {each.id for each in self.access.all()}
        self._hits = {rule_id: hits for rule_id, hits in self._hits.items() if rule_id in known}
        body: JsonObject = {rule_id: [count, at] for rule_id, (count, at) in self._hits.items()}
        return [Save(ROOM, HITS, body, Durability.LAZY)]

    def _tell_rules(self, now: datetime) -> list[Given]:
        wanting = {each.id: each for each in self.access.all() if each.reason is not None}
        given: list[Given] = [
            IssueCleared("access_rule_not_enforced", rule_id) for rule_id in self._told_rules if rule_id not in wanting
        ]
        for rule_id, rule in wanting.items():
            if self._told_rules.get(rule_id) != rule.reason:
                details: JsonObject = {"name": rule.name, "reason": rule.reason}
                given.append(IssueRaised(Issue("access_rule_not_enforced", rule_id, now, details)))
        self._told_rules = {rule_id: str(rule.reason) for rule_id, rule in wanting.items()}
        return given

    # What is so now.

    def present_of_rules(self) -> dict[str, JsonValue]:
        """The observed columns of `network_access_rules`."""
        return {rule_id: {"hit_count": count, "last_hit_at": at} for rule_id, (count, at) in self._hits.items()}

    def as_json(self) -> JsonObject:
        """As ports.Door.security says."""
        grade, weaknesses = self.grade(), self.vulnerabilities.unresolved()
        counts = Counter(each.finding.rank for each in weaknesses)
        return {
            "scans": {
                "is_on": self._ways.scans,
                "is_running": self._scan is not None,
                "running_id": self._scan.id if self._scan is not None else None,
                "last": self._last or None,
                "next_at": self._scan_due_at.isoformat() if self._scan_due_at is not None else None,
            },
            "grade": grade.letter if self._last else None,
            "risk_score": grade.score,
            "score_reasons": list(grade.reasons),
            "counts": dict(counts),
            "vulnerabilities": [
                {
                    "id": each.id,
                    "kind": each.finding.kind,
                    "device_id": each.finding.device_id,
                    "rank": each.finding.rank,
                    "title": each.finding.title,
                    "text": each.finding.text,
                    "advice": each.finding.advice,
                    "since": each.first_at.isoformat(),
                    "found_count": each.found_count,
                }
                for each in weaknesses
            ],
            "incidents": [
                {
                    "id": each.id,
                    "kind": each.kind,
                    "source": each.source,
                    "severity": KINDS[each.kind].severity,
                    "title": KINDS[each.kind].title,
                    "text": each.text,
                    "advice": KINDS[each.kind].advice,
                    "since": each.began_at.isoformat(),
                    "last_at": each.last_at.isoformat(),
                    "count": each.count,
                }
                for each in self.incidents.all()
            ],
            "rules": [
                {
                    "id": each.id,
                    "name": each.name,
                    "verdict": each.verdict,
                    "priority": each.priority,
                    "is_enforced": each.reason is None,
                    "reason": each.reason,
                    "hit_count": self._hits.get(each.id, (0, ""))[0],
                    "last_hit_at": self._hits.get(each.id, (0, ""))[1] or None,
                }
                for each in self.access.all()
            ],
        }
