"""Restart the bridge that many failing devices share, by its own command."""

from datetime import timedelta

from hub_agent.core.healing.remedy import Patient, Remedy
from hub_agent.model.device import DeviceType
from hub_agent.model.healing import Symptom


def _fits(patient: Patient) -> bool:
    """While others behind it are heard it is well: what fails shares something else."""
    return (
        not patient.are_others_heard
        and patient.device.device_type is DeviceType.BRIDGE
        and patient.button("restart") is not None
    )


REMEDY = Remedy(
    "restart_bridge",
    "restarting it",
    action_type="reboot",
    risk="medium",
    symptoms=frozenset({Symptom.TOGETHER, Symptom.UNCONFIRMED}),
    cooldown=timedelta(hours=12),
    attempts_max=1,
    verify_within=timedelta(minutes=5),
    verification="devices_back",
    cost=30,
    prior=0.6,
    act=lambda treated: treated.press("restart"),
    fits=_fits,
)
