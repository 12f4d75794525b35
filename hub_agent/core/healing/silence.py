"""Whose silence is wrong: a device's, against its own rhythm; and that of all devices behind a bridge, who speak in turn.

A bridge may say that it is well while its radio hears nobody. What all of its devices say, taken together, has short gaps: when that
stops, the bridge is the cause, long before each device is late by its own rhythm, and while others behind it are heard it is not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub_agent.core.healing import cases
from hub_agent.core.healing.remedies import ASK_STATE
from hub_agent.core.healing.remedy import is_battery
from hub_agent.core.healing.rhythm import PATIENCE
from hub_agent.core.healing.stream import Stream
from hub_agent.core.healing.trouble import Trouble
from hub_agent.core.healing.watch import Watch
from hub_agent.model.device import DeviceType
from hub_agent.model.healing import Symptom
from hub_agent.model.ids import DeviceId
from hub_agent.model.json import JsonObject

# How soon somebody is looked at again who has no rhythm yet.
LOOK_AGAIN = timedelta(minutes=10)
LOOK_SOON = timedelta(minutes=1)
ECHO = timedelta(seconds=30)
DEAF_MIN = timedelta(minutes=5)
# What hung on something that is well again: Zigbee2MQTT asks its devices only ten minutes later whether they are there.
RETURN_WITHIN = timedelta(minutes=12)
# Where devices fail together that hang on a router, it is measured meanwhile whether it answers: that says more, and is said alone.
ROUTER_JUDGED_WITHIN = timedelta(minutes=3)
# In words, so many names at most.
NAMES_MAX = 12


@dataclass(frozen=True, slots=True)
class Silence:
    """`symptom` None: nothing is wrong; it is to be looked at again at `look_at`."""

    look_at: datetime
    symptom: Symptom | None = None
    details: JsonObject | None = None


def judge(watch: Watch, behind: Sequence[str], silence_from: datetime, now: datetime) -> Silence:
    """`behind`: the names of those that are reached through it."""
    if watch.device.device_type is DeviceType.BRIDGE:
        return _of_bridge(watch, behind, silence_from, now)
    return _of_device(watch, silence_from, now) if watch.is_judged else Silence(now + timedelta(days=1))


def patience_with(bridge: Watch) -> timedelta | None:
    """So long nobody behind it may be silent; None: that cannot be said."""
    longest = bridge.behind.longest() if bridge.behind is not None else None
    return None if longest is None else max(longest * PATIENCE, DEAF_MIN)


def in_doubt_until(watch: Watch, watches: Mapping[DeviceId, Watch], now: datetime) -> datetime | None:
    """The bridge may be the cause: look again then. It is known when others behind it are heard, or nobody for too long."""
    trouble, via = watch.trouble, watch.device.via
    if (
        trouble is not None
        and watch.device.device_type is DeviceType.ROUTER
        and set(trouble.symptoms) == {Symptom.TOGETHER}
    ):
        until = trouble.since_of(Symptom.TOGETHER) + ROUTER_JUDGED_WITHIN
        return until if now < until else None
    bridge = watch if watch.has(Symptom.TOGETHER) else watches.get(via) if via is not None else None
    if trouble is None or bridge is None or bridge.behind is None:
        return None
    since = trouble.since if bridge is watch else trouble.unreached_since
    patience = patience_with(bridge)
    if since is None or patience is None or bridge.behind.last_at > since or Symptom.UNCONFIRMED in trouble.symptoms:
        return None
    until = bridge.behind.last_at + patience + timedelta(seconds=1)
    return min(until, now + LOOK_SOON) if now < until else None


def returns_within(watch: Watch, now: datetime) -> timedelta:
    """So long what it hung on is well again and it may still be silent: what sleeps speaks when it wakes."""
    limit = watch.rhythm.limit(now, is_battery=True) if is_battery(watch.device) else None
    return RETURN_WITHIN if limit is None else max(RETURN_WITHIN, limit)


def asks_first(watch: Watch, trouble: Trouble) -> bool:
    """It is only late, and can be asked: nothing is said before it has been. Who speaks when it is used may not be used for days."""
    return set(trouble.symptoms) == {Symptom.SILENT} and not trouble.attempts and not is_battery(watch.device)


def was_only_quiet(watch: Watch) -> bool:
    """It was late by a rhythm that may be none, was asked, and answers: it had nothing to say, and so long it may be silent."""
    trouble = watch.trouble
    is_asked = trouble is not None and trouble.attempt is not None and trouble.attempt.remedy is ASK_STATE
    return is_asked and trouble is not None and set(trouble.symptoms) == {Symptom.SILENT} and watch.rhythm.is_loose


def hear_behind(bridge: Watch, now: datetime) -> bool:
    """Somebody behind it is heard. Whether it was deaf until now."""
    behind = bridge.behind = bridge.behind or Stream(now)
    if not is_deaf(bridge, now):
        behind.note(now)
        return False
    if bridge.back_at is not None and now - bridge.back_at <= ECHO:
        return False  # begun anew, a bridge says once more what it remembers of each: nobody is heard yet
    behind.pause(now)
    return True


def are_others_heard(bridge: Watch) -> bool:
    """Since its devices began to fail, others behind it have spoken: it is not deaf, and to restart it helps nobody."""
    trouble, behind = bridge.trouble, bridge.behind
    return trouble is not None and behind is not None and behind.last_at > trouble.since


def is_deaf(bridge: Watch, now: datetime) -> bool:
    """Its devices fail together, and nobody behind it has been heard for longer than ever."""
    patience = patience_with(bridge)
    if patience is None or bridge.behind is None or not bridge.has(Symptom.TOGETHER):
        return False
    return now > bridge.behind.last_at + patience


def _of_device(watch: Watch, silence_from: datetime, now: datetime) -> Silence:
    is_known = watch.has(Symptom.SILENT) or watch.unavailable_since is not None
    limit = watch.rhythm.limit(now, is_battery=is_battery(watch.device))
    if limit is None or is_known:
        return Silence(now + LOOK_AGAIN)
    due = max(watch.rhythm.last_at + limit, silence_from)
    if now < due or watch.rhythm.last_at + limit >= now:
        return Silence(max(due, now + timedelta(seconds=1)))
    rhythm = watch.rhythm.usual()
    details: JsonObject = {
        "silent_for": cases.in_words(now - watch.rhythm.last_at),
        "rhythm": cases.in_words(rhythm) if rhythm else "?",
    }
    return Silence(now, Symptom.SILENT, details)


def _of_bridge(watch: Watch, behind: Sequence[str], silence_from: datetime, now: datetime) -> Silence:
    limit = patience_with(watch)
    is_known = watch.has(Symptom.TOGETHER) or watch.unavailable_since is not None
    if limit is None or is_known or watch.behind is None:
        return Silence(now + LOOK_AGAIN)
    due = max(watch.behind.last_at + limit, silence_from)
    if now <= due:
        return Silence(due + timedelta(seconds=1))
    names = ", ".join(behind[:NAMES_MAX]) + (" ..." if len(behind) > NAMES_MAX else "")
    return Silence(now, Symptom.TOGETHER, {"count": len(behind), "devices": names})
