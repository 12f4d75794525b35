"""What is measured of the hub every minute is judged here; what lasts becomes a trouble of the hub's device."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import ClassVar

from hub_agent.core.lasting import Lasting
from hub_agent.core.monitor import Given, Monitor
from hub_agent.core.vitals import rows
from hub_agent.core.vitals.checks import CHECKS, Check, Seen
from hub_agent.core.vitals.writes import Writes
from hub_agent.model.device import HUB_ORIGIN, Device, Origin
from hub_agent.model.effects import Durability, Save
from hub_agent.model.healing import Noticed, Passed
from hub_agent.model.ids import DeviceId, NewId
from hub_agent.model.inputs import Input
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.measured import HubMeasured

# A row of each figure so often: the card wears less than by one a minute.
TELL_EVERY = timedelta(minutes=5)
STARTS_KEPT = 40
# The clock is corrected by less than this all the time.
STEP_TOLD = timedelta(minutes=1)

_STARTS = "starts"


class Vitals(Monitor):
    room: ClassVar[str] = "vitals"
    INPUTS: ClassVar[frozenset[type]] = frozenset({HubMeasured})

    def __init__(self, find: Callable[[Origin], Device | None], new_id: NewId) -> None:
        self._find = find
        self._new_id = new_id
        self._lasting = {check.symptom: Lasting(check.bad_for, check.good_for) for check in CHECKS}
        self._starts: deque[datetime] = deque(maxlen=STARTS_KEPT)
        self._latest: HubMeasured | None = None
        self._measured_at: datetime | None = None
        self._told_at: datetime | None = None
        self._untrusted_since: datetime | None = None
        self._stepped = timedelta(0)
        self._writes = Writes()

    def restore(self, saved: Mapping[str, JsonObject], now: datetime) -> Sequence[Given]:
        self._starts.extend(_instants(saved.get(_STARTS, {}).get("at")))
        self._starts.append(now)
        return [Save(self.room, _STARTS, {"at": [at.isoformat() for at in self._starts]}, Durability.LAZY)]

    def take(self, happened: Input, now: datetime) -> Sequence[Given]:
        hub = self._find(HUB_ORIGIN)
        if hub is None or not isinstance(happened, HubMeasured):
            return ()
        self._latest, self._measured_at = happened, now
        self._writes.note(happened, now)
        if happened.is_clock_trusted:
            self._untrusted_since = None
        elif self._untrusted_since is None:
            self._untrusted_since = now
        seen = Seen(happened, tuple(self._starts), self._untrusted_since, now)
        given: list[Given] = []
        for check in CHECKS:
            given += self._judge(check, seen, hub.id)
        return [*given, *self._told(hub.id, happened, now)]

    def handle_clock_step(self, by: timedelta) -> None:
        for lasting in self._lasting.values():
            lasting.shift(by)
        if self._starts:
            self._starts[-1] += by  # those before it were dated by the clock of their time
        self._writes.handle_clock_step(by)
        if self._told_at is not None:
            self._told_at += by
        if self._untrusted_since is not None:
            self._untrusted_since += by
        self._stepped += by

    def as_json(self) -> JsonObject:
        """{"measured_at", "figures": [{"name", "value", "unit"}], "troubles": [codes], "starts": {"hour", "day"}}"""
        if self._latest is None or self._measured_at is None:
            return {"measured_at": None, "figures": [], "troubles": [], "starts": {"hour": 0, "day": 0}}
        seen = Seen(self._latest, tuple(self._starts), self._untrusted_since, self._measured_at)
        figures: list[JsonValue] = [
            {"name": name, "value": value, "unit": unit} for name, value, unit in self._figures(self._latest)
        ]
        day = timedelta(days=1)
        return {
            "measured_at": self._measured_at.isoformat(),
            "figures": figures,
            "troubles": [symptom.value for symptom, lasting in self._lasting.items() if lasting.is_bad],
            "starts": {"hour": seen.started_within(day / 24), "day": seen.started_within(day)},
        }

    def _figures(self, measured: HubMeasured) -> list[tuple[str, float, str]]:
        return [*rows.figures(measured), *self._writes.figures()]

    def _judge(self, check: Check, seen: Seen, hub_id: DeviceId) -> Sequence[Given]:
        is_bad, details = check.judge(seen)
        turned = self._lasting[check.symptom].judge(is_bad, seen.now)
        if turned is None:
            return ()
        if not turned:
            return [Passed(hub_id, check.symptom)]
        issue = Issue(check.symptom.value, hub_id, seen.now, details)
        return [
            Noticed(hub_id, check.symptom, details),
            rows.error(hub_id, issue, check.category, self._new_id, seen.now),
        ]

    def _told(self, hub_id: DeviceId, measured: HubMeasured, now: datetime) -> Sequence[Given]:
        given: list[Given] = []
        if abs(self._stepped) >= STEP_TOLD:
            given.append(rows.clock_stepped(hub_id, self._stepped.total_seconds(), self._new_id, now))
        self._stepped = timedelta(0)
        if self._told_at is None or not timedelta(0) <= now - self._told_at < TELL_EVERY:
            self._told_at = now
            given += rows.telemetry(hub_id, measured, now)
        return given


def _instants(body: JsonValue) -> list[datetime]:
    """What is damaged is forgotten."""
    found: list[datetime] = []
    for text in body if isinstance(body, list | tuple) else ():
        with suppress(ValueError, TypeError):
            at = datetime.fromisoformat(str(text))
            if at.tzinfo is not None:
                found.append(at)
    return found
