"""End the connection to the device and begin a new one: what hangs half-dead is seen through."""

from collections.abc import Sequence
from datetime import timedelta

from hub_agent.core.healing.remedy import Given, Patient, Remedy, Treated
from hub_agent.model.effects import CloseLink, OpenLink
from hub_agent.model.healing import Symptom
from hub_agent.model.link import LinkStatus

TRIED_AGAIN_BY_ITSELF = frozenset({LinkStatus.NEEDS, LinkStatus.ASLEEP})


def _fits(patient: Patient) -> bool:
    """What waits for a person, or sleeps, gains nothing by it."""
    return patient.peer is not None and patient.peer[1] not in TRIED_AGAIN_BY_ITSELF


def reconnect(treated: Treated) -> Sequence[Given]:
    """At the address where it was heard last."""
    known = treated.patient.peer
    return [] if known is None else [CloseLink(known[0].dialect, known[0].key), OpenLink(known[0])]


REMEDY = Remedy(
    "reconnect_device",
    "connecting to it anew",
    action_type="repair",
    risk="low",
    symptoms=frozenset({Symptom.SILENT, Symptom.UNAVAILABLE, Symptom.UNCONFIRMED, Symptom.TOGETHER}),
    cooldown=timedelta(minutes=10),
    attempts_max=2,
    verify_within=timedelta(seconds=90),
    verification="report",
    cost=3,
    prior=0.4,
    act=reconnect,
    fits=_fits,
)
