"""Put the one sure replacement into an automation that names something that is gone. An edit like any other: it can be undone."""

from collections.abc import Sequence
from datetime import timedelta

from hub_agent.core.healing.remedy import Given, Patient, Remedy, Treated
from hub_agent.model.definition import Definition
from hub_agent.model.device import DeviceType
from hub_agent.model.healing import Symptom
from hub_agent.model.inputs import DefinitionArrived


def _fits(patient: Patient) -> bool:
    return patient.device.device_type is DeviceType.HUB and patient.home.repair(patient.now) is not None


def _act(treated: Treated) -> Sequence[Given]:
    patient = treated.patient
    repair = patient.home.repair(patient.now)
    if repair is None:
        return []
    automation_id, fields = repair
    return [DefinitionArrived(Definition("automation", automation_id, fields), is_from_cloud=False)]


REMEDY = Remedy(
    "repair_automation",
    "putting right what the automation names",
    action_type="repair",
    risk="medium",
    symptoms=frozenset({Symptom.REFERENCE}),
    cooldown=timedelta(minutes=5),
    attempts_max=1,
    verify_within=timedelta(minutes=3),
    verification="reference_found",
    cost=5,
    prior=0.9,
    act=_act,
    fits=_fits,
    asks=True,
    category="automation",
)
