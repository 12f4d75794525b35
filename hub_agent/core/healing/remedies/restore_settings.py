"""Tell the device its settings again, as the hub was last asked to set them: it has been reset, and has lost them."""

from collections.abc import Sequence
from datetime import timedelta

from hub_agent.core.healing.remedy import Given, Patient, Remedy, Treated
from hub_agent.model.healing import Symptom


def _fits(patient: Patient) -> bool:
    return bool(patient.home.settings_of(patient.device)) and not patient.is_battery


def _act(treated: Treated) -> Sequence[Given]:
    device = treated.patient.device
    return [treated.call(told.action, told.entity_id, told.data) for told in treated.patient.home.settings_of(device)]


REMEDY = Remedy(
    "restore_settings",
    "giving its settings back to it",
    action_type="reconfigure",
    risk="medium",
    symptoms=frozenset({Symptom.RESET}),
    cooldown=timedelta(hours=24),
    attempts_max=1,
    verify_within=timedelta(minutes=2),
    verification="expected_state",
    cost=5,
    prior=0.7,
    act=_act,
    fits=_fits,
    asks=True,
    category="automation",
)
