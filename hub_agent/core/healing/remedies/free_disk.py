"""Make room on the hub's disk: what is kept beyond its time, what the cloud has, old backups and wrecks."""

from datetime import timedelta

from hub_agent.core.healing.remedy import Remedy
from hub_agent.model.healing import Symptom

REMEDY = Remedy(
    "free_disk",
    "deleting what is no longer needed from the hub's disk",
    action_type="optimize",
    risk="low",
    symptoms=frozenset({Symptom.DISK_NEARLY_FULL}),
    cooldown=timedelta(hours=6),
    attempts_max=1,
    verify_within=timedelta(minutes=10),
    verification="measurement",
    cost=5,
    prior=0.5,
    act=lambda treated: treated.errand("hub.free_disk"),
    category="performance",
)
