"""Start the hub's own program anew, where it is what is slow or uses up the memory. Rules that wait go on where they were."""

from datetime import timedelta

from hub_agent.core.healing.remedy import Patient, Remedy
from hub_agent.model.healing import Symptom


def _fits(patient: Patient) -> bool:
    """Memory that others use does not come back by it."""
    if Symptom.HUB_SLOW in patient.symptoms:
        return True
    return patient.symptoms.get(Symptom.HUB_MEMORY_LOW, {}).get("is_agents") is True


REMEDY = Remedy(
    "restart_agent",
    "starting the hub's program anew",
    action_type="reboot",
    risk="medium",
    symptoms=frozenset({Symptom.HUB_SLOW, Symptom.HUB_MEMORY_LOW}),
    cooldown=timedelta(hours=6),
    attempts_max=1,
    verify_within=timedelta(minutes=15),
    verification="measurement",
    cost=30,
    prior=0.6,
    act=lambda treated: treated.errand("hub.restart"),
    fits=_fits,
    category="performance",
    restarts_agent=True,
)
