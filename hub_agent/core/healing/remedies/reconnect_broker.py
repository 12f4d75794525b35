"""Give up the connection to the broker and make it anew at once: it may be half open, or a longer wait may lie before the next try."""

from datetime import timedelta

from hub_agent.core.healing.remedy import Remedy
from hub_agent.model.healing import Symptom

REMEDY = Remedy(
    "reconnect_broker",
    "connecting to the broker anew",
    action_type="repair",
    risk="low",
    symptoms=frozenset({Symptom.BROKER_UNREACHABLE}),
    cooldown=timedelta(minutes=5),
    attempts_max=2,
    verify_within=timedelta(seconds=15),
    verification="connection",
    cost=1,
    prior=0.3,
    act=lambda treated: treated.errand("hub.reconnect_broker"),
)
