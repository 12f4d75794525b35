"""What a device refuses, does not manage, or says in a way that nobody understands. Each kind of fault is logged for the cloud, repeats as a count."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar, Final

from hub_agent.core.healing.cases import in_words
from hub_agent.core.healing.signals.signal import Given, Seen, Signal, Wrong
from hub_agent.model.action import CommandSettled
from hub_agent.model.device import Device, Presence
from hub_agent.model.effects import AppendCase, AppendRecord
from hub_agent.model.healing import Symptom
from hub_agent.model.ids import DeviceId, NewId
from hub_agent.model.json import Column, JsonObject
from hub_agent.model.report import Refused, Rejected

BURST: Final = 5
WITHIN: Final = timedelta(minutes=15)
QUIET_FOR: Final = timedelta(hours=1)
TREATED_QUIET_FOR: Final = timedelta(minutes=10)
# A message that is not understood weighs less than a command that failed: four of them are one.
REJECTED_WEIGHT: Final = 0.25
KINDS_MAX: Final = 8
LOGGED_AGAIN: Final = timedelta(hours=1)
FORGOTTEN: Final = timedelta(days=1)
TEXT_MAX: Final = 500

_CATEGORY_BY_WORD: Final = {
    "timeout": "network",
    "timed out": "network",
    "unreachable": "network",
    "route": "network",
    "network": "network",
    "connection": "network",
    "firmware": "firmware",
    "ota": "firmware",
    "power": "power",
    "voltage": "power",
    "battery": "power",
    "sensor": "sensor",
}


@dataclass(slots=True)
class _Fault:
    """One kind of fault of one device. `unlogged`: how often it came since it was logged."""

    code: str
    reason: str
    first_at: datetime
    last_at: datetime
    logged_at: datetime
    unlogged: int = 0
    is_in_burst: bool = False


@dataclass(slots=True)
class _Faults:
    by_key: dict[tuple[str, str], _Fault] = field(default_factory=dict)
    recent: deque[tuple[datetime, float]] = field(default_factory=lambda: deque(maxlen=64))
    treated_at: datetime | None = None

    def is_quiet(self, now: datetime) -> bool:
        """For long; after a remedy a shorter while says that it has helped."""
        if self.treated_at is not None and now - self.treated_at >= TREATED_QUIET_FOR:
            return not any(at >= self.treated_at for at, _ in self.recent)
        return not any(now - at < QUIET_FOR for at, _ in self.recent)

    def weight(self, now: datetime) -> float:
        return sum(weight for at, weight in self.recent if now - at <= WITHIN)


class Errors(Signal):
    name: ClassVar[str] = "errors"

    def __init__(self, seen: Seen, wrong: Wrong, new_id: NewId) -> None:
        super().__init__(seen, wrong, new_id)
        self._faults: dict[DeviceId, _Faults] = {}

    def handle_settled(self, settled: CommandSettled, device: Device, now: datetime) -> Sequence[Given]:
        """That a command was not confirmed is another matter: see Symptom.UNCONFIRMED."""
        if settled.outcome != "failed":
            return ()
        reason = settled.error or "It did not say why."
        faults = self._faults.get(device.id)
        refused = None if faults is None else faults.by_key.get(("refused", reason[:TEXT_MAX]))
        if refused is not None and refused.last_at == now:
            return ()  # the device has just said so itself
        return self._note(device, "command_failed", reason, 1.0, now)

    def handle_complaint(self, said: Refused | Rejected, device: Device, now: datetime) -> Sequence[Given]:
        if isinstance(said, Refused):
            return self._note(device, "refused", said.reason, 1.0, now)
        return self._note(device, said.code, said.reason, REJECTED_WEIGHT, now)

    def _note(self, device: Device, code: str, text: str, weight: float, now: datetime) -> list[Given]:
        reason = text[:TEXT_MAX]
        faults = self._faults.setdefault(device.id, _Faults())
        given: list[Given] = []
        fault = faults.by_key.get((code, reason))
        if fault is None and len(faults.by_key) >= KINDS_MAX:
            reason = "Other faults."
            fault = faults.by_key.get(("other", reason))
            code = "other"
        if fault is None:
            fault = faults.by_key[code, reason] = _Fault(code, reason, now, now, now)
            given.append(self._row(device.id, fault, 1, now))
        else:
            fault.last_at = now
            fault.unlogged += 1
        if self._seen.presence(device.id).is_available is False:
            return given  # that it cannot be reached is known
        faults.recent.append((now, weight))
        count = faults.weight(now)
        if count < BURST:
            return given
        fault.is_in_burst = True
        if self._wrong(device.id, Symptom.ERRORS):
            return given
        times = sum(1 for at, _ in faults.recent if now - at <= WITHIN)
        details: JsonObject = {"count": times, "within": in_words(WITHIN), "reason": reason, "code": code}
        return [*given, *self._judged(device, Symptom.ERRORS, details)]

    def look(self, device: Device, presence: Presence, now: datetime, *, is_heard: bool) -> Iterable[Given]:
        faults = self._faults.get(device.id)
        is_wrong = self._wrong(device.id, Symptom.ERRORS)
        if faults is None:
            return self._judged(device, Symptom.ERRORS, None) if is_wrong else ()
        given: list[Given] = []
        is_over = is_wrong and faults.is_quiet(now)
        if is_over:
            faults.treated_at = None
        for key, fault in list(faults.by_key.items()):
            if fault.unlogged and (is_over or now - fault.logged_at >= LOGGED_AGAIN):
                given.append(self._row(device.id, fault, fault.unlogged, now))
                fault.unlogged, fault.logged_at = 0, now
            if is_over and fault.is_in_burst:
                given.append(self._row(device.id, fault, 0, now, is_resolved=True))
                fault.is_in_burst = False
            if now - fault.last_at >= FORGOTTEN:
                del faults.by_key[key]
        if not faults.by_key and not is_wrong:
            del self._faults[device.id]
        return [*given, *(self._judged(device, Symptom.ERRORS, None) if is_over else ())]

    def handle_healed(self, case: AppendCase, now: datetime) -> Sequence[Given]:
        metadata, faults = case.row.get("metadata"), self._faults.get(DeviceId(str(case.row.get("device_id"))))
        is_meant = isinstance(metadata, dict) and metadata.get("issue") == Symptom.ERRORS
        if faults is not None and is_meant and case.row.get("status") == "in_progress":
            faults.treated_at = now
        return ()

    def forget(self, device_id: DeviceId, now: datetime) -> Sequence[Given]:
        self._faults.pop(device_id, None)
        return ()

    def shift(self, by: timedelta) -> None:
        for faults in self._faults.values():
            if faults.treated_at is not None:
                faults.treated_at += by
            faults.recent = deque(((at + by, weight) for at, weight in faults.recent), maxlen=faults.recent.maxlen)
            for fault in faults.by_key.values():
                fault.first_at, fault.last_at, fault.logged_at = (
                    fault.first_at + by,
                    fault.last_at + by,
                    fault.logged_at + by,
                )

    def _row(
        self, device_id: DeviceId, fault: _Fault, count: int, now: datetime, *, is_resolved: bool = False
    ) -> AppendRecord:
        context: dict[str, Column] = {
            "count": count,
            "first_at": fault.first_at.isoformat(),
            "last_at": fault.last_at.isoformat(),
        }
        row: dict[str, Column] = {
            "id": self._new_id(),
            "time": now,
            "device_id": device_id,
            "error_level": "info" if is_resolved else "warning",
            "error_code": fault.code,
            "error_message": fault.reason,
            "error_category": category_of(fault.reason),
            "stack_trace": None,
            "context": context,
            "ai_decoded_message": None,
            "ai_suggested_fix": None,
            "ai_confidence_score": None,
            "is_resolved": is_resolved,
            "resolved_at": now if is_resolved else None,
            "resolution_notes": f"It has not come again for {in_words(QUIET_FOR)}." if is_resolved else None,
            "created_at": now,
        }
        return AppendRecord("device_error_logs", row)


def category_of(reason: str) -> str:
    """Network | firmware | sensor | power | communication."""
    words = reason.lower()
    return next((category for word, category in _CATEGORY_BY_WORD.items() if word in words), "communication")
