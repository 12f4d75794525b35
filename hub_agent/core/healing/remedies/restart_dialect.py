"""Begin the process anew that speaks with a device, where none of those that it speaks with can be reached: it may hang."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from hub_agent.core.healing.remedy import Given, Patient, Remedy, Treated
from hub_agent.model.device import Device
from hub_agent.model.healing import Symptom
from hub_agent.model.state import UNAVAILABLE

# One that cannot be reached is more likely away itself.
DEVICES_MIN = 2


def _alike(patient: Patient) -> Iterable[Device]:
    """All that are reached by links of the same dialect, it among them."""
    dialect = patient.device.origin.dialect
    return (each for each in patient.home.devices() if each.origin.dialect == dialect and "peer" in each.native)


def _is_out_of_reach(device: Device, patient: Patient) -> bool:
    states = [patient.home.state(entity.id) for entity in device.entities]
    return bool(states) and all(state is not None and state.state == UNAVAILABLE for state in states)


def _fits(patient: Patient) -> bool:
    """Nobody who is reached would feel it."""
    if "peer" not in patient.device.native:
        return False
    alike = [device for device in _alike(patient) if device.entities]
    return len(alike) >= DEVICES_MIN and all(_is_out_of_reach(device, patient) for device in alike)


def _act(treated: Treated) -> Sequence[Given]:
    return treated.errand("hub.restart_dialect", {"dialect": treated.patient.device.origin.dialect})


REMEDY = Remedy(
    "restart_dialect",
    "beginning the part of the hub anew that speaks with it",
    action_type="reboot",
    risk="low",
    symptoms=frozenset({Symptom.UNAVAILABLE, Symptom.TOGETHER}),
    cooldown=timedelta(hours=1),
    attempts_max=1,
    verify_within=timedelta(minutes=2),
    verification="report",
    cost=4,
    prior=0.4,
    act=_act,
    fits=_fits,
)
