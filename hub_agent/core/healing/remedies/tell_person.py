"""Tell a person: the last rung, always there."""

from datetime import timedelta

from hub_agent.core.healing.remedy import Remedy
from hub_agent.model.healing import Symptom

REMEDY = Remedy(
    "tell_person",
    "telling a person",
    action_type="repair",
    risk="low",
    symptoms=frozenset(Symptom),
    cooldown=timedelta(hours=12),
    attempts_max=1,
    verify_within=timedelta(0),
    verification="person",
    cost=1000,
    prior=1.0,
    act=lambda _treated: [],
)
