"""Send the command again, while it is still wanted: no light is better than one three hours late."""

from collections.abc import Sequence
from datetime import timedelta

from hub_agent.core.healing.remedy import Given, Patient, Remedy, Treated
from hub_agent.model.healing import Symptom

RESEND_WITHIN = timedelta(minutes=2)


def is_still_wanted(patient: Patient) -> bool:
    """Fresh, not replaced by a newer one, and nobody changed the thing since."""
    command, home = patient.command, patient.home
    if command is None or patient.now - command.sent_at > RESEND_WITHIN or home.is_commanded(command.entity_id):
        return False
    state = home.state(command.entity_id)
    return state is None or state.changed_at <= command.sent_at


def _act(treated: Treated) -> Sequence[Given]:
    command = treated.patient.command
    return [] if command is None else [treated.call(command.action, command.entity_id, command.data)]


REMEDY = Remedy(
    "resend_command",
    "sending the command again",
    action_type="repair",
    risk="low",
    symptoms=frozenset({Symptom.UNCONFIRMED}),
    cooldown=timedelta(minutes=1),  # shorter than a command stays wanted: sent again once its device has been revived
    attempts_max=2,
    verify_within=timedelta(minutes=2),  # longer than any command lives: its end comes first
    verification="expected_state",
    cost=2,
    prior=0.5,
    act=_act,
    fits=is_still_wanted,
)
