"""What the cloud's word on the time is worth, where nobody else tells it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from hub_agent.core.sync.envelope import read_instant
from hub_agent.model.json import JsonObject

# It is later than this: there was no agent before.
MADE_AT = datetime(2026, 1, 1, tzinfo=UTC)
# The answer's time is that of some moment between question and answer: half of the way is the most it can be wrong.
ROUND_TRIP_S_MAX = 20.0
# A hub may lie in a shelf for years, but a time beyond this is a fault.
AHEAD_MAX = timedelta(days=20 * 365)
# A clock that the cloud has set runs on by itself, and is set again when it is off by more than this and the way's doubt.
DRIFT_S = 2.0


def behind_s(told: datetime, wall: datetime, round_trip_s: float, earliest: datetime) -> float | None:
    """By how much `wall` is behind the cloud's clock; None where the cloud is not to be believed. `earliest`: the time was
    known once, and it was this.
    """
    if not 0 <= round_trip_s <= ROUND_TRIP_S_MAX or not earliest <= told <= earliest + AHEAD_MAX:
        return None
    return (told - wall).total_seconds() + round_trip_s / 2


def is_worth_setting(behind: float, round_trip_s: float) -> bool:
    return abs(behind) > DRIFT_S + round_trip_s


def known_once(saved: JsonObject | None, at_least: datetime) -> datetime:
    """The latest time that was known for certain, as it was kept."""
    at = read_instant(saved.get("at")) if isinstance(saved, Mapping) else None
    return max(at_least, at) if at is not None else at_least
