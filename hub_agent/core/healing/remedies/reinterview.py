"""Ask the device anew what it is and can do. Takes longer than setting it up afresh, and helps where that does not."""

from datetime import timedelta

from hub_agent.core.healing.remedy import Patient, Remedy
from hub_agent.model.effects import Interview
from hub_agent.model.healing import Symptom

# Elsewhere setting up afresh is an interview already.
DIALECTS = frozenset({"zigbee2mqtt"})


def _fits(patient: Patient) -> bool:
    is_asleep = patient.is_battery
    return not is_asleep and patient.device.via is not None and patient.device.origin.dialect in DIALECTS


REMEDY = Remedy(
    "reinterview_device",
    "asking it anew what it is",
    action_type="reconfigure",
    risk="medium",
    symptoms=frozenset({Symptom.SILENT, Symptom.STUCK, Symptom.ERRORS}),
    cooldown=timedelta(hours=24),
    attempts_max=1,
    verify_within=timedelta(minutes=3),
    verification="report",
    cost=12,
    prior=0.25,
    act=lambda treated: [Interview(treated.patient.device.id)],
    fits=_fits,
)
