"""Restart the device by its own command. What cannot be heard at all does not hear this either."""

from datetime import timedelta

from hub_agent.core.healing.remedy import Patient, Remedy
from hub_agent.model.device import DeviceType
from hub_agent.model.healing import Symptom

NOT_A_DEVICE = frozenset({DeviceType.BRIDGE, DeviceType.ROUTER, DeviceType.HUB})


def _fits(patient: Patient) -> bool:
    return patient.device.device_type not in NOT_A_DEVICE and patient.button("restart") is not None


REMEDY = Remedy(
    "reboot_device",
    "restarting it",
    action_type="reboot",
    risk="medium",
    symptoms=frozenset({Symptom.SILENT, Symptom.UNCONFIRMED, Symptom.STUCK, Symptom.ERRORS}),
    cooldown=timedelta(hours=1),
    attempts_max=2,
    verify_within=timedelta(minutes=2),
    verification="report",
    cost=15,
    prior=0.6,
    act=lambda treated: treated.press("restart"),
    fits=_fits,
    interrupts=True,
)
