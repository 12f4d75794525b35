"""What has to hold before a remedy is tried. Each guard that says no says why, in words."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import chain

from hub_agent.core.healing.limits import Limits
from hub_agent.core.healing.remedies import LADDER, RESEND_COMMAND, TELL_PERSON
from hub_agent.core.healing.remedies.resend_command import RESEND_WITHIN, is_still_wanted
from hub_agent.core.healing.remedy import Patient, Remedy, is_in_use, wishes_of
from hub_agent.core.healing.trouble import REACHING, UNREACHED, Trouble, matter_of
from hub_agent.core.healing.watch import Watch
from hub_agent.model.device import Device
from hub_agent.model.healing import Symptom
from hub_agent.model.ids import DeviceId

HOUR = timedelta(hours=1)
# Nothing is reached through what has one of these.
NO_WAY = REACHING | {Symptom.BROKER_UNREACHABLE, Symptom.ROUTER_UNREACHABLE}
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
    """Whoever asks for it by hand may want it all the same."""
    yield from _noticed(remedy, patient, limits, watches)
    yield from (
        f"{each.device.name}, which it is done through, is in trouble itself"
        for each in _ways_in_trouble(remedy, patient, watches)
    )


def awaits_way(remedy: Remedy, patient: Patient, limits: Limits, watches: Mapping[DeviceId, Watch]) -> bool:
    """What it is done through is in trouble, something is being done about that, and nothing else forbids it."""
    is_mended = any(_is_mended(each) for each in _ways_in_trouble(remedy, patient, watches))
    return is_mended and not any(chain(never(remedy, patient), _noticed(remedy, patient, limits, watches)))


def _ways_in_trouble(remedy: Remedy, patient: Patient, watches: Mapping[DeviceId, Watch]) -> list[Watch]:
    ways = (watches.get(each.id) for each in remedy.through(patient))
    return [watch for watch in ways if watch is not None and _is_no_way(watch)]


def _is_no_way(watch: Watch) -> bool:
    trouble = watch.trouble
    if trouble is None:
        return watch.unavailable_since is not None
    return not NO_WAY.isdisjoint(trouble.symptoms) or _is_treated(trouble)


def _is_mended(watch: Watch) -> bool:
    """It may be well before long: it has just gone, or not everything has been tried on it. A question may stay open for a day."""
    trouble = watch.trouble
    if trouble is None or _is_treated(trouble):
        return True
    return trouble.attempt is None and trouble.held_by is None and not trouble.is_resting


def _is_treated(trouble: Trouble) -> bool:
    return trouble.attempt is not None and trouble.attempt.question is None


def _noticed(remedy: Remedy, patient: Patient, limits: Limits, watches: Mapping[DeviceId, Watch]) -> Iterator[str]:
    """What people would notice."""
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
