"""Make the mirror anew from what can be read of it: the hub starts again, and looks closely at the file before it opens it."""

from datetime import timedelta

from hub_agent.core.healing.remedy import Remedy
from hub_agent.model.healing import Symptom

REMEDY = Remedy(
    "salvage_mirror",
    "making the hub's memory anew from what can be read of it",
    action_type="repair",
    risk="medium",
    symptoms=frozenset({Symptom.MIRROR_DAMAGED}),
    cooldown=timedelta(hours=20),
    attempts_max=1,
    verify_within=timedelta(minutes=15),
    verification="measurement",
    cost=30,
    prior=0.8,
    act=lambda treated: treated.errand("hub.salvage_mirror"),
    category="performance",
    restarts_agent=True,
)
