"""Let the bridge set the device up afresh: bindings, reporting, routes."""

from datetime import timedelta

from hub_agent.core.healing.remedy import Patient, Remedy
from hub_agent.model.effects import Reconfigure
from hub_agent.model.healing import Symptom


def _fits(patient: Patient) -> bool:
    return not patient.is_battery and patient.device.via is not None


REMEDY = Remedy(
    "reconfigure_through_bridge",
    "setting it up afresh through its bridge",
    action_type="reconfigure",
    risk="low",
    symptoms=frozenset(
        {Symptom.SILENT, Symptom.UNAVAILABLE, Symptom.UNCONFIRMED, Symptom.STUCK, Symptom.ERRORS, Symptom.RESET}
    ),
    cooldown=timedelta(hours=1),
    attempts_max=1,
    verify_within=timedelta(minutes=1),
    verification="report",
    cost=5,
    prior=0.3,
    act=lambda treated: [Reconfigure(treated.patient.device.id)],
    fits=_fits,
)
