"""Ask the device how it is. What only missed a message answers."""

from datetime import timedelta

from hub_agent.core.healing.remedy import Patient, Remedy
from hub_agent.model.effects import AskState
from hub_agent.model.healing import Symptom


def _fits(patient: Patient) -> bool:
    return not patient.is_battery


REMEDY = Remedy(
    "ask_state",
    "asking for its state",
    action_type="repair",
    risk="low",
    symptoms=frozenset({Symptom.SILENT, Symptom.UNAVAILABLE, Symptom.UNCONFIRMED}),
    cooldown=timedelta(minutes=5),
    attempts_max=3,
    verify_within=timedelta(seconds=10),
    verification="report",
    cost=1,
    prior=0.6,
    act=lambda treated: [AskState(treated.patient.device.id)],
    fits=_fits,
)
