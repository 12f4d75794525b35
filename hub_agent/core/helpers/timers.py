"""timer: runs down, and says so. What runs is kept with its end, so that it goes on over a restart and ends once.

idle --start--> active --pause--> paused --start--> active --its end, or finish--> idle
active or paused --cancel--> idle; active --start--> active, from the beginning
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isfinite

from hub_agent.core.expectation import number_in
from hub_agent.core.helpers.kind import Body, Kind, Settings, Told, bad_setting
from hub_agent.errors import NotPossible
from hub_agent.model.device import Capability
from hub_agent.model.json import JsonObject, JsonValue

DURATION_S_MAX = 366 * 24 * 3600.0

_SECONDS_IN = {"days": 86400.0, "hours": 3600.0, "minutes": 60.0, "seconds": 1.0, "milliseconds": 0.001}
_IDLE: JsonObject = {"status": "idle"}


@dataclass(frozen=True, slots=True)
class Timer(Kind):
    duration_s: float
    survives: bool

    verbs = frozenset({"start", "pause", "cancel", "finish", "change"})

    def begin(self, kept: JsonObject | None, local: datetime, *, is_start: bool) -> JsonObject:
        del local
        if kept is None or (is_start and not self.survives) or not _is_sound(kept):
            return _IDLE
        return kept

    def tell(self, body: JsonObject, verb: str, data: JsonObject, local: datetime) -> Told:
        now = local.astimezone(UTC)
        match verb:
            case "start":
                return self._start(body, data, now)
            case "change":
                return self._change(body, data, now)
            case "cancel":
                return Told(_IDLE, (("timer.cancelled", {}),))
        ends_at = self.due(body)
        if ends_at is None:
            return Told(body)  # pause and finish mean a timer that runs
        if verb == "finish":
            return _ended(now)
        left_s = max(0.0, (ends_at - now).total_seconds())
        paused: Body = {"status": "paused", "left_s": left_s, "running_s": body["running_s"]}
        return Told(paused, (("timer.paused", {}),))

    def show(self, body: JsonObject, local: datetime) -> tuple[str, JsonObject]:
        del local
        shown: Body = {"duration": _as_text(number_in(body.get("running_s")) or self.duration_s)}
        if (ends_at := self.due(body)) is not None:
            shown["finishes_at"] = ends_at.isoformat()
        if (left_s := number_in(body.get("left_s"))) is not None:
            shown["remaining"] = _as_text(left_s)
        if self.survives:
            shown["restore"] = True
        return str(body["status"]), shown

    def capabilities(self) -> Mapping[str, Capability]:
        return {"on": Capability("bool", "rw")}

    def due(self, body: JsonObject) -> datetime | None:
        return datetime.fromisoformat(str(body["ends_at"])) if body["status"] == "active" else None

    def elapse(self, body: JsonObject, local: datetime) -> Told:
        del local
        ends_at = self.due(body)
        assert ends_at is not None, "only what is active falls due"
        return _ended(ends_at)

    def shift(self, body: JsonObject, by: timedelta, local: datetime) -> JsonObject:
        del local
        ends_at = self.due(body)
        return body if ends_at is None else {**body, "ends_at": (ends_at + by).isoformat()}

    def _start(self, body: JsonObject, data: JsonObject, now: datetime) -> Told:
        """A given duration starts anew; without one a paused timer goes on."""
        was_idle = body["status"] == "idle"
        given = duration_s_of(data["duration"]) if data.get("duration") is not None else None
        if "duration" in data and data["duration"] is not None and given is None:
            raise NotPossible(f"{data['duration']!r} is no duration such as 00:05:00")
        running_s = given or number_in(body.get("running_s")) or self.duration_s
        left_s = running_s
        if not given and body["status"] == "paused":
            left_s = number_in(body.get("left_s")) or 0.0
        active = _active(now + timedelta(seconds=left_s), left_s, running_s)
        return Told(active, (("timer.started" if was_idle else "timer.restarted", {}),))

    def _change(self, body: JsonObject, data: JsonObject, now: datetime) -> Told:
        by_s, ends_at = duration_s_of(data.get("duration"), may_be_negative=True), self.due(body)
        if by_s is None:
            raise NotPossible(f"{data.get('duration')!r} is no duration such as 00:05:00")
        if ends_at is None:
            raise NotPossible("it does not run")
        running_s = number_in(body.get("running_s")) or 0.0
        left_s = (ends_at - now).total_seconds() + by_s
        if not 0 <= left_s <= running_s:
            raise NotPossible(f"it would then run for {left_s:g} s, not between 0 and {running_s:g} s")
        return Told(_active(now + timedelta(seconds=left_s), left_s, running_s), (("timer.changed", {}),))


def read_timer(settings: Settings) -> Timer:
    given = settings.raw("duration")
    duration_s = 0.0 if given is None else duration_s_of(given)
    if duration_s is None:
        raise bad_setting("duration", "must be such as '00:05:00', 300 or {minutes: 5}")
    return Timer(duration_s, settings.flag("restore") is not False)


def duration_s_of(value: JsonValue, *, may_be_negative: bool = False) -> float | None:
    """Seconds, `H:MM[:SS]`, or a mapping of days, hours, minutes ..."""
    found = _seconds_of(value)
    if found is None or not isfinite(found) or abs(found) > DURATION_S_MAX:
        return None
    return found if found >= 0 or may_be_negative else None


def _seconds_of(value: JsonValue) -> float | None:
    if isinstance(value, Mapping):
        parts = [(number_in(each), _SECONDS_IN.get(name)) for name, each in value.items()]
        known = [number * unit for number, unit in parts if number is not None and unit is not None]
        return sum(known) if len(known) == len(parts) > 0 else None
    if not isinstance(value, str) or ":" not in value:
        return number_in(value)
    sign = -1 if value.strip().startswith("-") else 1
    texts = value.strip().lstrip("+-").split(":")
    numbers = [number_in(text) for text in texts]
    if not 2 <= len(texts) <= 3 or not all(text[:1].isdecimal() for text in texts):
        return None
    hours, minutes, seconds = (*(number or 0.0 for number in numbers), 0.0)[:3]
    return sign * (hours * 3600 + minutes * 60 + seconds) if minutes < 60 and seconds < 60 else None


def _active(ends_at: datetime, left_s: float, running_s: float) -> JsonObject:
    return {"status": "active", "ends_at": ends_at.isoformat(), "left_s": left_s, "running_s": running_s}


def _ended(at: datetime) -> Told:
    return Told(_IDLE, (("timer.finished", {"finished_at": at.isoformat()}),))


def _is_sound(body: JsonObject) -> bool:
    """Kept by another version, or damaged: it begins anew."""
    status = body.get("status")
    if status == "idle":
        return True
    if number_in(body.get("left_s")) is None or number_in(body.get("running_s")) is None:
        return False
    if status != "active":
        return status == "paused"
    try:
        return datetime.fromisoformat(str(body.get("ends_at"))).tzinfo is not None
    except ValueError:
        return False


def _as_text(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600}:{whole % 3600 // 60:02}:{whole % 60:02}"
