"""Restart the unit of the system that runs what does not answer: a broker on this machine, or a bridge whose owner has named its unit
(`devices.settings.healing.unit`). Only units that the settings list are restarted.
"""

from collections.abc import Sequence
from datetime import timedelta

from hub_agent.core.healing.remedy import Given, Patient, Remedy, Treated, wishes_of
from hub_agent.model.device import BROKER_ORIGIN
from hub_agent.model.healing import Symptom


def _unit(patient: Patient) -> str | None:
    if patient.device.origin == BROKER_ORIGIN and Symptom.BROKER_UNREACHABLE not in patient.symptoms:
        return None  # it answers: that some of its clients are away is not its doing
    told = patient.symptoms.get(Symptom.BROKER_UNREACHABLE, {}).get("unit")
    unit = wishes_of(patient.device).get("unit") or told
    return unit if isinstance(unit, str) else None


def _act(treated: Treated) -> Sequence[Given]:
    return treated.errand("hub.restart_unit", {"unit": _unit(treated.patient)})


REMEDY = Remedy(
    "restart_unit",
    "restarting its service",
    action_type="reboot",
    risk="medium",
    symptoms=frozenset({Symptom.BROKER_UNREACHABLE, Symptom.UNAVAILABLE, Symptom.TOGETHER}),
    cooldown=timedelta(hours=1),
    attempts_max=1,
    verify_within=timedelta(minutes=2),
    verification="connection",
    cost=20,
    prior=0.7,
    act=_act,
    fits=lambda patient: _unit(patient) is not None,
)
