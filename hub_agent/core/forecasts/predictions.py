"""Predictions from the day they are made to the day that shows what came of them: told, revised rarely, ended, scored."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from hub_agent.core.forecasts import rows
from hub_agent.core.forecasts.battery import Outlook
from hub_agent.core.forecasts.held import Held, keep
from hub_agent.core.forecasts.link import Decline
from hub_agent.core.forecasts.models import BATTERY, LINK, Model
from hub_agent.model.device import Device
from hub_agent.model.effects import Effect, IssueCleared, IssueRaised
from hub_agent.model.ids import DeviceId, NewId
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject

BATTERY_DEATH = "battery_death"
OFFLINE_IMMINENT = "offline_imminent"
MODEL_BY_FAILURE: Mapping[str, Model] = {BATTERY_DEATH: BATTERY, OFFLINE_IMMINENT: LINK}
ISSUE_BY_FAILURE = {BATTERY_DEATH: "battery_ending_soon", OFFLINE_IMMINENT: "connection_worsening"}
# After so many days on which nothing was foreseen any more it was a mistake.
GONE_DAYS = 7
# How far off the first word may have been, and still be right.
RIGHT_WITHIN = timedelta(days=7)
_EXPIRED_AFTER = timedelta(days=14)
_PREFIX = "prediction/"

Key: TypeAlias = tuple[DeviceId, str]


@dataclass(slots=True)
class Prediction:
    """`log` is how it was first told, and is what is scored. `gone_days`: for how long nothing has been foreseen any more."""

    row: Held
    log: Held
    gone_days: int = 0
    is_told: bool = False

    def as_json(self) -> JsonObject:
        return {
            "row": self.row.as_json(),
            "log": self.log.as_json(),
            "gone_days": self.gone_days,
            "is_told": self.is_told,
        }

    @classmethod
    def from_json(cls, body: JsonObject) -> "Prediction":
        row, log = Held.from_json(body["row"]), Held.from_json(body["log"])
        return cls(row, log, int(str(body["gone_days"])), body["is_told"] is True)


class Predictions:
    def __init__(self, new_id: NewId) -> None:
        self._new_id = new_id
        self._held: dict[Key, Prediction] = {}

    def is_foreseen(self, device_id: DeviceId, failure: str) -> bool:
        return (device_id, failure) in self._held

    def open_rows(self) -> list[rows.CaseRow]:
        return [each.row.row for _, each in sorted(self._held.items())]

    # Each day, of each device.

    def battery(self, device: Device, outlook: Outlook | None, tell_days: float, now: datetime) -> list[Effect]:
        if outlook is None:
            return self._not_foreseen(device, BATTERY_DEATH, now)
        words = f"Put a new battery into {device.name} before it is empty."
        fields = rows.foreseen(
            probability=outlook.probability,
            confidence=outlook.confidence,
            severity="warning" if outlook.days <= tell_days else "info",
            days=(outlook.days, outlook.earliest, outlook.latest),
            indicators=outlook.indicators,
            now=now,
        )
        action: JsonObject = {"name": "replace_battery", "words": words}
        given = self._foreseen(device, BATTERY_DEATH, fields, action, now)
        details: JsonObject = {
            "name": device.name,
            "level": f"{outlook.level:.0f} %",
            "date": (now + timedelta(days=outlook.days)).date().isoformat(),
        }
        return [*given, *self._tell(device, BATTERY_DEATH, details, now, is_due=outlook.days <= tell_days)]

    def link(self, device: Device, decline: Decline | None, now: datetime) -> list[Effect]:
        if decline is None:
            return self._not_foreseen(device, OFFLINE_IMMINENT, now)
        span = decline.earliest, decline.latest
        days = None if decline.days is None or span[0] is None or span[1] is None else (decline.days, span[0], span[1])
        fields = rows.foreseen(
            probability=decline.probability,
            confidence=decline.confidence,
            severity="warning",
            days=days,
            indicators=decline.indicators,
            now=now,
        )
        words = (
            f"Bring {device.name} nearer to its bridge, put something that passes its messages on between them, "
            "or look for what is new in the way."
        )
        given = self._foreseen(device, OFFLINE_IMMINENT, fields, {"name": "improve_connection", "words": words}, now)
        details: JsonObject = {"name": device.name, "reason": decline.reason}
        return [*given, *self._tell(device, OFFLINE_IMMINENT, details, now, is_due=True)]

    def prevented(self, device_id: DeviceId, failure: str, by: str, now: datetime) -> list[Effect]:
        outcome: JsonObject = {"was_prevented": True, "prevention_action_taken": by}
        return self._end((device_id, failure), "resolved", outcome, now, is_correct=None)

    def occurred(self, device_id: DeviceId, failure: str, now: datetime) -> list[Effect]:
        held = self._held.get((device_id, failure))
        if held is None:
            return []
        output = held.log.row["output_prediction"]
        assert isinstance(output, Mapping)
        earliest, latest = (_instant(output.get(name)) for name in ("earliest_failure_date", "latest_failure_date"))
        is_right = earliest is None or latest is None or earliest - RIGHT_WITHIN <= now <= latest + RIGHT_WITHIN
        outcome: JsonObject = {"actual_failure_date": now.isoformat(), "was_prevented": False}
        return self._end((device_id, failure), "occurred", outcome, now, is_correct=is_right)

    def is_due(self, device_id: DeviceId, failure: str, now: datetime) -> bool:
        """Whether it may have come true by now."""
        held = self._held.get((device_id, failure))
        earliest = held.row.row["earliest_failure_date"] if held is not None else None
        return isinstance(earliest, datetime) and now >= earliest - RIGHT_WITHIN

    def handle_removed(self, device_id: DeviceId, now: datetime) -> list[Effect]:
        """The cloud deletes the rows of a device that left with it; this is for one that is only away."""
        given: list[Effect] = []
        for failure in MODEL_BY_FAILURE:
            outcome: JsonObject = {"closed": "the device left the home"}
            given += self._end((device_id, failure), "resolved", outcome, now, is_correct=None)
        return given

    # Memory.

    def restore(self, key: str, body: JsonObject, device: Device, now: datetime) -> list[Effect]:
        """`key`: without its prefix `prediction/`."""
        failure = key.partition("/")[2]
        held = Prediction.from_json(body)
        if failure not in MODEL_BY_FAILURE:
            raise ValueError("nobody foresees that")
        self._held[device.id, failure] = held
        if not held.is_told:
            return []
        held.is_told = False
        details = {**_mapping(held.row.row["prediction_metadata"]), "name": device.name}
        return self._tell(device, failure, details, now, is_due=True)

    # Within.

    def _foreseen(
        self, device: Device, failure: str, fields: rows.CaseRow, action: JsonObject, now: datetime
    ) -> list[Effect]:
        key = (device.id, failure)
        held = self._held.get(key)
        if held is not None:
            held.gone_days = 0
            return self._revise(key, held, fields, now)
        model = MODEL_BY_FAILURE[failure]
        row = rows.prediction(self._new_id(), device, model, failure, action=action, now=now) | fields
        log = rows.logged(row, failure, now)
        held = self._held[key] = Prediction(Held("failure_predictions", row), Held("ml_predictions_log", log))
        return [held.row.told(now), held.log.told(now), self._keep(key, held)]

    def _revise(self, key: Key, held: Prediction, fields: rows.CaseRow, now: datetime) -> list[Effect]:
        """Only what people would call news: another severity, or a date that has moved by days."""
        before, after = (each.get("predicted_failure_date") for each in (held.row.row, fields))
        has_moved = (
            isinstance(before, datetime)
            and isinstance(after, datetime)
            and abs(after - before) > max(timedelta(days=3), abs(after - now) / 5)
        )
        if not has_moved and held.row.row["severity"] == fields["severity"] and type(before) is type(after):
            return []
        return [held.row.told(now, fields), self._keep(key, held)]

    def _not_foreseen(self, device: Device, failure: str, now: datetime) -> list[Effect]:
        key = (device.id, failure)
        held = self._held.get(key)
        if held is None:
            return []
        held.gone_days += 1
        latest = held.row.row["latest_failure_date"]
        if isinstance(latest, datetime) and now > latest + _EXPIRED_AFTER:
            return self._end(key, "resolved", {"closed": "expired"}, now, is_correct=False)
        if held.gone_days < GONE_DAYS:
            return [self._keep(key, held)]
        return self._end(key, "false_positive", {"closed": "not foreseen any more"}, now, is_correct=False)

    def _end(
        self, key: Key, status: str, outcome: JsonObject, now: datetime, *, is_correct: bool | None
    ) -> list[Effect]:
        held = self._held.pop(key, None)
        if held is None:
            return []
        actual = now if status == "occurred" else None
        ended: rows.CaseRow = {"prediction_status": status, "actual_failure_date": actual, "updated_at": now}
        for name in ("was_prevented", "prevention_action_taken"):
            if name in outcome:
                ended[name] = outcome[name]
        if "closed" in outcome:
            ended["prediction_metadata"] = {"closed": outcome["closed"]}
        said: JsonObject = {"prediction_status": status, **outcome}
        log = held.log.told(now, rows.scored(held.log.row, said, now, is_correct=is_correct))
        given: list[Effect] = [held.row.told(now, ended), log, keep(_saved_under(key), None)]
        if held.is_told:
            given.append(IssueCleared(ISSUE_BY_FAILURE[key[1]], key[0]))
        return given

    def _tell(self, device: Device, failure: str, details: JsonObject, now: datetime, *, is_due: bool) -> list[Effect]:
        """An issue as soon as somebody should do something. It goes with the prediction."""
        held = self._held[device.id, failure]
        if not is_due or held.is_told:
            return []
        held.is_told = True
        held.row.row["prediction_metadata"] = details
        issue = Issue(ISSUE_BY_FAILURE[failure], device.id, now, details)
        return [IssueRaised(issue), self._keep((device.id, failure), held)]

    @staticmethod
    def _keep(key: Key, held: Prediction) -> Effect:
        return keep(_saved_under(key), held.as_json())


def _saved_under(key: Key) -> str:
    return f"{_PREFIX}{key[0]}/{key[1]}"


def _instant(value: object) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else None


def _mapping(value: object) -> JsonObject:
    return value if isinstance(value, Mapping) else {}
