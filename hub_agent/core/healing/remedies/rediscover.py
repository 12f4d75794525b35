"""Ask the network where the device is now: it may have got another address. Then connect to it there."""

from datetime import timedelta

from hub_agent.core.healing.remedies.reconnect_link import reconnect
from hub_agent.core.healing.remedy import Patient, Remedy
from hub_agent.model.effects import LookAround
from hub_agent.model.healing import Symptom
from hub_agent.model.link import LinkStatus

# Whoever is there has answered by then.
ANSWERS_WITHIN = timedelta(seconds=10)


def _fits(patient: Patient) -> bool:
    """A link that is up has the right address."""
    return patient.peer is not None and patient.peer[1] in {LinkStatus.DOWN, LinkStatus.CONNECTING}


REMEDY = Remedy(
    "rediscover_device",
    "looking for it on the network",
    action_type="repair",
    risk="low",
    symptoms=frozenset({Symptom.SILENT, Symptom.UNAVAILABLE, Symptom.UNCONFIRMED, Symptom.TOGETHER}),
    cooldown=timedelta(minutes=30),
    attempts_max=2,
    verify_within=timedelta(minutes=2),
    verification="report",
    cost=4,
    prior=0.4,
    act=lambda _treated: [LookAround()],
    then=((ANSWERS_WITHIN, reconnect),),
    fits=_fits,
)
