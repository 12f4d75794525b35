"""What is judged of the hub, each check by itself: from when on it is bad, from when on it is well again. In between, what was holds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from hub_agent.model.healing import Symptom
from hub_agent.model.json import JsonObject
from hub_agent.model.measured import Disk, HubMeasured

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
GIGABYTE = 1_000_000_000

# A large disk is not nearly full because little of it is left in percent.
DISK_LOW_PART, DISK_LOW_BYTES = 0.07, 2 * GIGABYTE
DISK_WELL = 1.4
MEMORY_LOW_PART, MEMORY_WELL_PART = 0.05, 0.10
# The agent alone uses this much: to start it anew gives memory back.
AGENT_PART = 0.35
COOLER_BY = 8.0
LATE_S, PROMPT_S = 2.0, 0.5
STARTS_AN_HOUR, STARTS_A_DAY = 5, 12
STARTS_WELL_AN_HOUR, STARTS_WELL_A_DAY = 2, 8
WORN_PERCENT = 90
SPARE_USED = 2


@dataclass(frozen=True, slots=True)
class Seen:
    """What a check looks at. `starts`: of the agent, the oldest first. `untrusted_since`: of the clock."""

    measured: HubMeasured
    starts: Sequence[datetime]
    untrusted_since: datetime | None
    now: datetime

    def started_within(self, length: timedelta) -> int:
        return sum(1 for at in self.starts if timedelta(0) <= self.now - at <= length)


# Whether it is bad (None: neither bad nor well, or not known), and what fills the words of the issue.
Verdict: TypeAlias = tuple[bool | None, JsonObject]
UNKNOWN: Verdict = (None, {})


@dataclass(frozen=True, slots=True)
class Check:
    """`category`: as `device_error_logs` has it."""

    symptom: Symptom
    bad_for: timedelta
    good_for: timedelta
    judge: Callable[[Seen], Verdict]
    category: str = "firmware"


def _disk(seen: Seen) -> Verdict:
    disks = [disk for disk in seen.measured.disks if disk.total_bytes > 0]
    if not disks:
        return UNKNOWN
    fullest = min(disks, key=lambda disk: disk.free_bytes / _enough(disk))
    details: JsonObject = {
        "disk": fullest.name,
        "free": in_bytes(fullest.free_bytes),
        "total": in_bytes(fullest.total_bytes),
    }
    enough = _enough(fullest)
    return _banded(is_bad=fullest.free_bytes < enough, is_well=fullest.free_bytes >= enough * DISK_WELL), details


def _enough(disk: Disk) -> float:
    return min(disk.total_bytes * DISK_LOW_PART, DISK_LOW_BYTES)


def _memory(seen: Seen) -> Verdict:
    measured = seen.measured
    total, available = measured.memory_bytes, measured.memory_available_bytes
    if not total or available is None:
        return UNKNOWN
    agent = measured.agent_bytes or 0
    details: JsonObject = {
        "available": in_bytes(available),
        "total": in_bytes(total),
        "agent": in_bytes(agent),
        "is_agents": agent >= total * AGENT_PART,
    }
    part = available / total
    return _banded(is_bad=part < MEMORY_LOW_PART, is_well=part >= MEMORY_WELL_PART), details


def _heat(seen: Seen) -> Verdict:
    celsius, limit = seen.measured.cpu_celsius, seen.measured.hot_celsius
    if celsius is None:
        return UNKNOWN
    details: JsonObject = {"celsius": round(celsius), "limit": round(limit)}
    return _banded(is_bad=celsius >= limit, is_well=celsius <= limit - COOLER_BY), details


def _voltage(seen: Seen) -> Verdict:
    return seen.measured.is_under_voltage, {}


def _lag(seen: Seen) -> Verdict:
    lag_s = seen.measured.loop_lag_s
    if lag_s is None:
        return UNKNOWN
    return _banded(is_bad=lag_s >= LATE_S, is_well=lag_s <= PROMPT_S), {"lag": f"{lag_s:.1f} seconds"}


def _starts(seen: Seen) -> Verdict:
    hour, day = seen.started_within(HOUR), seen.started_within(24 * HOUR)
    is_well = hour <= STARTS_WELL_AN_HOUR and day <= STARTS_WELL_A_DAY
    return _banded(is_bad=hour >= STARTS_AN_HOUR or day >= STARTS_A_DAY, is_well=is_well), {"hour": hour, "day": day}


def _card(seen: Seen) -> Verdict:
    worn, spare = seen.measured.card_worn_percent, seen.measured.card_pre_eol
    if worn is None and spare is None:
        return UNKNOWN
    words = f"{worn} %" if worn is not None else "most"
    return (worn or 0) >= WORN_PERCENT or (spare or 0) >= SPARE_USED, {"worn": words}


def _clock(seen: Seen) -> Verdict:
    since = seen.untrusted_since
    hours = 0 if since is None else round((seen.now - since) / HOUR)
    return not seen.measured.is_clock_trusted, {"since": f"{hours} hours"}


def _mirror(seen: Seen) -> Verdict:
    is_sound = seen.measured.is_mirror_sound
    return None if is_sound is None else not is_sound, {}


def _banded(*, is_bad: bool, is_well: bool) -> bool | None:
    return True if is_bad else (False if is_well else None)


def in_bytes(count: float) -> str:
    for unit, size in (("GB", GIGABYTE), ("MB", 1_000_000)):
        if count >= size:
            return f"{count / size:.1f} {unit}" if count < 10 * size else f"{count / size:.0f} {unit}"
    return f"{count / 1000:.0f} kB"


CHECKS = (
    Check(Symptom.DISK_NEARLY_FULL, 2 * MINUTE, 2 * MINUTE, _disk),
    Check(Symptom.HUB_MEMORY_LOW, 5 * MINUTE, 5 * MINUTE, _memory),
    Check(Symptom.HUB_HOT, 10 * MINUTE, 10 * MINUTE, _heat, "sensor"),
    Check(Symptom.HUB_UNDER_VOLTAGE, MINUTE, HOUR, _voltage, "power"),
    Check(Symptom.HUB_SLOW, 5 * MINUTE, 5 * MINUTE, _lag),
    Check(Symptom.HUB_RESTARTING, timedelta(0), MINUTE, _starts),
    Check(Symptom.CARD_WEARING, timedelta(0), MINUTE, _card),
    # Where there is no network at all it takes long until somebody tells the time.
    Check(Symptom.CLOCK_UNTRUSTED, 6 * HOUR, MINUTE, _clock),
    Check(Symptom.MIRROR_DAMAGED, timedelta(0), timedelta(0), _mirror),
)
