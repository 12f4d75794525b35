"""What has to hold before a remedy is tried. Each guard that says no says why, in words."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import chain

from hub_agent.core.healing.limits import Limits
from hub_agent.core.healing.remedies import LADDER, RESEND_COMMAND, TELL_PERSON
from hub_agent.core.healing.remedies.resend_command import RESEND_WITHIN, is_still_wanted
from hub_agent.core.healing.remedy import Patient, Remedy, is_in_use, wishes_of
from hub_agent.core.healing.trouble import UNREACHED, Trouble, matter_of
from hub_agent.core.healing.watch import Watch
from hub_agent.model.device import Device
from hub_agent.model.healing import Symptom
from hub_agent.model.ids import DeviceId

HOUR = timedelta(hours=1)
NOTICED = frozenset(remedy.name for remedy in LADDER if remedy.interrupts)


def is_in_bounds(remedy: Remedy, watch: Watch, trouble: Trouble, now: datetime) -> bool:
    """Attempts of this trouble, turn in this pass of the ladder, cooldown on this device."""
    if remedy is TELL_PERSON:
        return bool(to_tell(watch, trouble, now))
    if remedy.name in trouble.passed or trouble.attempts.get(remedy.name, 0) >= remedy.attempts_max:
        return False
    tried_at = watch.tried_at.get(remedy.name)
    return tried_at is None or now - tried_at >= remedy.cooldown


def to_tell(watch: Watch, trouble: Trouble, now: datetime) -> list[Symptom]:
    """What people are still to be told of: once in a trouble, and of one matter not again within the cooldown."""
    return [
        symptom
        for symptom in trouble.untold
        if (told_at := watch.tried_at.get(told_key(symptom))) is None or now - told_at >= TELL_PERSON.cooldown
    ]


def told_key(symptom: Symptom) -> str:
    """Under which it is remembered when people were told of it."""
    matter = matter_of(symptom)
    return TELL_PERSON.name if matter == UNREACHED else f"{TELL_PERSON.name}/{matter}"


def is_fitting(remedy: Remedy, trouble: Trouble, patient: Patient) -> bool:
    return not remedy.symptoms.isdisjoint(trouble.symptoms) and remedy.fits(patient)


def untouchable(remedy: Remedy, patient: Patient) -> str | None:
    """What of it or beside it must never be touched, also when somebody says yes."""
    for device in _concerned(remedy, patient):
        if wishes_of(device).get("never_touch") is True:
            return f"{device.name} must never be touched"
    return None


def forbidden(remedy: Remedy, patient: Patient, limits: Limits, watches: Mapping[DeviceId, Watch]) -> str | None:
    """Why it must not be tried now, as far as people's wishes go; None: it may be."""
    return next(chain(never(remedy, patient), not_now(remedy, patient, limits, watches)), None)


def never(remedy: Remedy, patient: Patient) -> Iterator[str]:
    """What holds also when somebody asks for it."""
    if (reason := untouchable(remedy, patient)) is not None:
        yield reason
    if patient.home.remedy_row(remedy.name).get("is_active") is False:
        yield "it is switched off in the catalogue"


def not_now(remedy: Remedy, patient: Patient, limits: Limits, watches: Mapping[DeviceId, Watch]) -> Iterator[str]:
    """What people would notice. Whoever asks for it by hand may want it all the same."""
    if not remedy.interrupts:
        return
    if limits.quiet_hours is not None and limits.is_quiet(patient.home.local_time(patient.now)):
        yield f"these are quiet hours, until {limits.quiet_hours[1]:%H:%M}"
    for device in _concerned(remedy, patient):
        if is_in_use(device, patient.home):
            yield f"{device.name} is in use"
    if _touched(watches, patient.now) >= limits.devices_per_hour:
        yield f"{limits.devices_per_hour} devices were touched within the hour"


def _concerned(remedy: Remedy, patient: Patient) -> tuple[Device, ...]:
    return patient.device, *remedy.touches(patient)


def _touched(watches: Mapping[DeviceId, Watch], now: datetime) -> int:
    """Devices on which something that people may notice was tried within the hour."""
    return sum(
        1
        for watch in watches.values()
        if any(now - watch.tried_at[name] < HOUR for name in watch.tried_at.keys() & NOTICED)
    )


def resend_due(watch: Watch, trouble: Trouble, patient: Patient) -> datetime | None:
    """When only its cooldown forbids to send the command again, and it will still be wanted then: worth waiting for."""
    tried_at, command = watch.tried_at.get(RESEND_COMMAND.name), trouble.command
    if tried_at is None or command is None or RESEND_COMMAND.name in trouble.passed:
        return None
    due = tried_at + RESEND_COMMAND.cooldown
    has_attempts = trouble.attempts.get(RESEND_COMMAND.name, 0) < RESEND_COMMAND.attempts_max
    if due <= patient.now or not has_attempts or due - command.sent_at > RESEND_WITHIN:
        return None
    return due if is_still_wanted(patient) else None
