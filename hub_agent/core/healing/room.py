"""Healing decides: symptom -> issue -> shared cause? -> remedy -> guards -> act -> verify -> record -> tell a person.

Per device at most one trouble, which may have several symptoms; per trouble at most one remedy at a time. The guards:

* a remedy is tried on a device at most `attempts_max` times in one trouble, and never within its `cooldown`;
* at most HEALINGS_MAX remedies are being verified in the home at once; the others wait, longest first;
* what must never be touched is not, nor what else a remedy would touch; nothing that people may notice is tried in quiet hours, on
  what is in use, or on more devices within the hour than the owner allows;
* what takes more risk than the owner allows waits for a person's yes, which counts for more than quiet hours, use and number;
* while the broker is away nothing is judged, and for a while after it came back silence is not;
* when a bridge is away, or SHARED_DEVICES behind it fail within SHARED_WITHIN, the bridge is the issue: its devices are
  held, not healed one by one. They are let go when the bridge is back or the others have recovered, after a grace;
* what a remedy is done through has to be well: while something is done about that, it is waited for;
* a command is sent again only while it is still wanted: fresh, not replaced, and nobody changed the thing since;
* what was begun in steps is done to its end, over a crash too: power that was taken away is given back.

`handle_report` is on the path of every message. It remembers the time and nothing else, unless the device is in trouble.
"""

import contextlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from hub_agent.core.healing import silence
from hub_agent.core.healing.guards import resend_due
from hub_agent.core.healing.learned import Learned
from hub_agent.core.healing.remedies import ASK_STATE, REMEDIES, RESEND_COMMAND, TELL_PERSON
from hub_agent.core.healing.remedy import Given, Home, Remedy, Unconfirmed
from hub_agent.core.healing.rhythm import Rhythm
from hub_agent.core.healing.shared import SHARED_DEVICES, WAY_TO_BROKER, Shared
from hub_agent.core.healing.telling import Telling
from hub_agent.core.healing.treatment import LEARNED, ROOM, SELF_HEALING, TRIED, Treatment
from hub_agent.core.healing.trouble import Attempt, Trouble, is_settled_by_itself, mapping
from hub_agent.core.healing.watch import Wakes, Watch
from hub_agent.model.action import CallAnswered, CommandSettled
from hub_agent.model.device import BROKER_ORIGIN, Device
from hub_agent.model.effects import Durability, IssueCleared, IssueRaised, Save
from hub_agent.model.healing import Noticed, Passed, Symptom
from hub_agent.model.ids import DeviceId, NewId
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject

HEALINGS_MAX = 3
UNAVAILABLE_FOR = timedelta(seconds=60)
GONE_FOR = timedelta(minutes=30)
GRACE = timedelta(minutes=5)
# Before the first remedy: what fails together fails within this, and is seen together then.
LOOK_ROUND = timedelta(seconds=2)
# How soon a device is looked at again whose ladder had nothing left to try.
PASS_AGAIN = timedelta(minutes=30)
SAVE_RHYTHMS_EVERY = timedelta(hours=6)

_TROUBLE = "trouble/"
_RHYTHMS = "rhythms"
# What reading a body of the mirror raises that somebody or something has damaged: it is forgotten, and what is wrong is found anew.
DAMAGED: Final = (KeyError, TypeError, ValueError, OverflowError, AttributeError)


class Healing:
    def __init__(self, home: Home, new_id: NewId) -> None:
        self._home = home
        self._watches: dict[DeviceId, Watch] = {}
        self._troubled: dict[DeviceId, Watch] = {}
        self._treatment = Treatment(home, new_id, self._watches)
        self.shared = Shared(home, self._watches, self._troubled)
        self.telling = Telling(home, self._watches, self._treatment, self._waits_for)
        self._is_connected = True
        self._silence_from: datetime | None = None
        self._save_at: datetime | None = None
        self._wakes = Wakes(self._watches)

    # What happens in the home.

    def handle_report(self, device: Device, now: datetime) -> list[Given]:
        """The device said something by itself (never for retained messages). Called after its states were written."""
        watch = self._watches.get(device.id)
        if watch is None:
            watch = self._meet(device, now)
        watch.device = device
        heard = self._hear_behind(device.via, now) if device.via is not None else []
        if watch.trouble is None and watch.unavailable_since is None:
            watch.rhythm.note(now)
            return heard
        if watch.is_unreached and not silence.was_only_quiet(watch):
            watch.rhythm.pause(now)  # a gap that was wrong is not learnt
        else:
            watch.rhythm.note(now)
        return heard if watch.trouble is None else [*heard, *self._hear(watch, watch.trouble, now)]

    def _hear_behind(self, via: DeviceId, now: datetime) -> list[Given]:
        bridge = self._watches.get(via) or self._watch_known(via, now)
        return self._let_go(via, now) if bridge is not None and silence.hear_behind(bridge, now) else []

    def handle_availability(self, device: Device, is_available: bool, now: datetime) -> list[Given]:  # noqa: FBT001 a port's shape
        watch = self._watches.get(device.id) or self._meet(device, now)
        watch.device = device
        if is_available:
            return self._come_back(watch, now)
        if watch.unavailable_since is None:
            watch.unavailable_since = now
            self._wakes.set(watch, now + UNAVAILABLE_FOR)
        return self._hold_all_behind(device.id, now)

    def handle_settled(self, settled: CommandSettled, device: Device | None, now: datetime) -> list[Given]:
        """Every command's end, also of those that healing itself called for."""
        if device is None:
            return []
        watch = self._watches.get(device.id) or self._meet(device, now)
        watch.device = device
        trouble, command = watch.trouble, settled.command
        treated = self._treated_by(command.cause.id) if command.cause.kind == SELF_HEALING else None
        if treated is not None and (treated is watch or not settled.is_success):
            return self._settle_treatment(treated, settled, now)
        if settled.outcome == "unconfirmed":
            return self._open(watch, Symptom.UNCONFIRMED, {"action": command.action}, now, Unconfirmed.of(command))
        if trouble is None or Symptom.UNCONFIRMED not in trouble.symptoms:
            return []
        is_same = trouble.command is not None and trouble.command.entity_id == command.entity_id
        if settled.outcome == "confirmed" or (settled.outcome == "superseded" and is_same):
            return self._clear(watch, Symptom.UNCONFIRMED, now)
        return []

    def handle_noticed(self, noticed: Noticed, now: datetime) -> list[Given]:
        """A monitor has found something wrong with a device."""
        watch = self._watch_known(noticed.device_id, now)
        if watch is None:
            return []
        if watch.trouble is not None and watch.has(noticed.symptom):
            return self._say_anew(watch, watch.trouble, noticed)
        given = self._open(watch, noticed.symptom, noticed.details, now)
        if noticed.symptom is Symptom.ROUTER_UNREACHABLE:
            given += self._hold_all_behind(watch.device.id, now)
            given += self._clear(watch, Symptom.TOGETHER, now) if watch.has(Symptom.TOGETHER) else []
        if watch.has(Symptom.FLAPPING) and watch.has(Symptom.UNAVAILABLE):
            given += self._clear(watch, Symptom.UNAVAILABLE, now)
        return given

    def handle_passed(self, passed: Passed, now: datetime) -> list[Given]:
        watch = self._watches.get(passed.device_id)
        if watch is None or not watch.has(passed.symptom):
            return []
        given = self._clear(watch, passed.symptom, now)
        if passed.symptom is Symptom.ROUTER_UNREACHABLE:
            given += self._let_go(watch.device.id, now)
        self._wakes.set(watch, now + LOOK_ROUND)
        return given

    def has(self, device_id: DeviceId, symptom: Symptom) -> bool:
        """Whether this is wrong with the device now, as far as it is known."""
        watch = self._watches.get(device_id)
        return watch is not None and watch.has(symptom)

    def _say_anew(self, watch: Watch, trouble: Trouble, noticed: Noticed) -> list[Given]:
        """It lasts, and there is something else to say of it."""
        details = {"name": watch.device.name, **noticed.details}
        if trouble.symptoms[noticed.symptom] == details:
            return []
        trouble.symptoms[noticed.symptom] = details
        is_shown = noticed.symptom in trouble.raised
        told: list[Given] = [IssueRaised(trouble.issue(watch.device.id, noticed.symptom))] if is_shown else []
        return [*told, self._save(watch)]

    def handle_removed(self, device_id: DeviceId, now: datetime) -> list[Given]:
        watch = self._watches.pop(device_id, None)
        self.shared.routers.discard(device_id)
        if watch is None:
            return []
        given = self._close(watch, watch.trouble, now) if watch.trouble else []
        if watch.tried_at:
            given.append(Save(ROOM, f"{TRIED}{device_id}", None, Durability.LAZY))
        return [*given, *self._let_go(device_id, now), *self._let_go_if_few(watch.device, now)]

    def handle_connected(self, now: datetime) -> list[Given]:
        """The broker is there again: everybody gets a grace, and nobody learns from the gap."""
        self._is_connected = True
        self._silence_from = now + GRACE
        for watch in self._watches.values():
            watch.rhythm.pause(now)
            if watch.behind is not None:
                watch.behind.pause(now)
            if watch.trouble is not None and watch.trouble.attempt is None and not watch.is_own:
                watch.trouble.ready_at = max(watch.trouble.ready_at, now + GRACE)
            self._wakes.set(watch, now + (LOOK_ROUND if watch.is_half_treated else GRACE))
        return []

    def handle_disconnected(self, now: datetime) -> list[Given]:
        """Without the broker nothing can be heard or tried but on the hub's own. What was being tried is called off and does not count."""
        self._is_connected = False
        given: list[Given] = []
        for watch in self._troubled.values():
            if watch.trouble and watch.trouble.attempt and not watch.is_own:
                given += self._call_off(watch, watch.trouble, "The broker is away.", now)
        return given

    def handle_answered(self, answered: CallAnswered, now: datetime) -> list[Given] | None:
        """What a remedy asked of the outside has been done, or not; None: none of healing's has asked."""
        watch = self._treated_by(answered.call_id)
        if watch is None or watch.trouble is None:
            return None
        return self._conclude(watch, watch.trouble, "failed", now, answered.error) if answered.error else []

    def handle_answer(
        self, execution_id: str, by: str | None, now: datetime, *, is_approved: bool
    ) -> list[Given] | None:
        """A person answers what was asked; None: nothing of that id waits for an answer."""
        watch = self._treated_by(execution_id)
        trouble = watch.trouble if watch else None
        attempt = trouble.attempt if trouble else None
        if watch is None or trouble is None or attempt is None or attempt.question is None:
            return None
        reason = self._treatment.outdated(watch, trouble, attempt.remedy, now) if is_approved else "Refused."
        if reason is not None:
            return self._conclude(watch, trouble, "skipped", now, reason)
        given = self._treatment.approved(watch, attempt, self._first_issue(watch, trouble), by, now)
        return [*given, *self._go_on(watch, attempt, now)]

    def handle_wanted(
        self, device_id: DeviceId, remedy: Remedy, by: str | None, now: datetime, *, is_forced: bool
    ) -> list[Given] | str:
        """A person wants a remedy to be tried now; text: why it is not. `is_forced`: also in quiet hours, on what is in use."""
        watch = self._troubled.get(device_id)
        trouble = watch.trouble if watch else None
        if watch is None or trouble is None:
            return "Nothing is known to be wrong with it: there is nothing to try."
        attempt = trouble.attempt
        if attempt is not None and attempt.question is not None and attempt.remedy is remedy:
            return self.handle_answer(attempt.id, by, now, is_approved=True) or []
        if (reason := self.telling.refusal(watch, trouble, remedy, now, is_forced=is_forced)) is not None:
            return reason
        other = None if attempt is None else "Something else was wished for."
        over = [] if other is None else self._conclude(watch, trouble, "skipped", now, other)
        begun = self._treatment.begin(watch, trouble, remedy, self._first_issue(watch, trouble), now, is_wanted=True)
        self._wakes.set(watch, trouble.attempt.due_at if trouble.attempt else now)
        return [*over, *begun, self._save(watch)]

    def handle_described(self, device: Device) -> None:
        """What is known of it, or what its owner wishes for it, is another thing from now on."""
        if (watch := self._watches.get(device.id)) is not None:
            watch.device = device
        self.shared.describe(device)

    @property
    def learned(self) -> Learned:
        return self._treatment.learned

    def watch(self, device_id: DeviceId) -> Watch | None:
        """What healing knows of it, for reading."""
        return self._watches.get(device_id)

    def _is_able(self, watch: Watch) -> bool:
        return self._is_connected or watch.is_own

    def _waits_for(self, watch: Watch) -> str | None:
        """What nothing can be tried without now."""
        if not self._is_able(watch):
            return "the MQTT broker"
        is_full = self._under_treatment() >= HEALINGS_MAX
        return f"one of the {HEALINGS_MAX} that are being treated" if is_full else None

    def troubled(self) -> list[DeviceId]:
        """The devices that something is wrong with."""
        return sorted(self._troubled)

    def handle_clock_step(self, by: timedelta) -> None:
        """The wall clock was set: what counts elapsed time moves with it."""
        for watch in self._watches.values():
            watch.shift(by)
        if self._silence_from:
            self._silence_from += by
        if self._save_at:
            self._save_at += by
        self._wakes.shift(by)

    # Time.

    def get_timer(self) -> datetime | None:
        first, save_at = self._wakes.first(), self._save_at
        return first if save_at is None or (first is not None and first < save_at) else save_at

    def handle_timer(self, now: datetime) -> list[Given]:
        given: list[Given] = []
        while (watch := self._wakes.pop(now)) is not None:
            given += self._consider(watch, now)
        if self._save_at and self._save_at <= now:
            self._save_at = now + SAVE_RHYTHMS_EVERY
            given.append(self._save_rhythms())
        return given

    # Memory.

    def restore(self, saved: Mapping[str, JsonObject], now: datetime) -> list[Given]:
        """After a start, when the devices are known. Nothing is judged or tried before the broker is there
        (`handle_connected`) and a grace is over.
        """
        self._is_connected = False
        self._silence_from = now + GRACE
        given: list[Given] = []
        self._treatment.learned.restore(saved.get(LEARNED, {}))
        for device in self._home.devices():
            self.handle_described(device)
        for device_id, body in mapping(saved.get(_RHYTHMS)).items():
            if watch := self._watch_known(DeviceId(device_id), now):
                with contextlib.suppress(*DAMAGED):
                    watch.recall(mapping(body), now)
        for key, body in sorted(saved.items()):
            kind, _, rest = key.partition("/")
            try:
                if kind == "tried" and (watch := self._watch_known(DeviceId(rest), now)):
                    watch.tried_at = {name: datetime.fromisoformat(str(at)) for name, at in body.items()}
                elif kind == "trouble":
                    given += self._take_up(DeviceId(rest), body, now)
            except DAMAGED:
                given.append(Save(ROOM, key, None))
        return given

    def _take_up(self, device_id: DeviceId, body: JsonObject, now: datetime) -> list[Given]:
        watch = self._watch_known(device_id, now)
        if watch is None:
            return [Save(ROOM, f"{_TROUBLE}{device_id}", None)]
        trouble = Trouble.from_json(body, now + GRACE)
        watch.trouble = trouble
        self._troubled[device_id] = watch
        if Symptom.UNAVAILABLE in trouble.symptoms:
            watch.unavailable_since = trouble.since
        given: list[Given] = [
            IssueRaised(trouble.issue(watch.device.id, symptom)) for symptom in sorted(trouble.raised)
        ]
        if trouble.attempt is not None and trouble.attempt.remedy.restarts_agent:
            self._wakes.set(watch, trouble.attempt.due_at)
        elif trouble.attempt is not None:
            given += self._call_off(watch, trouble, "The agent was restarted meanwhile.", now)
        self._wakes.set(watch, trouble.ready_at)
        return given

    def _watch_known(self, device_id: DeviceId, now: datetime) -> Watch | None:
        device = self._home.device(device_id)
        if device is None:
            return None
        return self._watches.get(device_id) or self._meet(device, now)

    def _save_rhythms(self) -> Save:
        known = {str(device_id): body for device_id, watch in self._watches.items() if (body := watch.learnt())}
        return Save(ROOM, _RHYTHMS, known, Durability.LAZY)

    # Watching.

    def _meet(self, device: Device, now: datetime) -> Watch:
        self._watches[device.id] = watch = Watch(device, Rhythm(now))
        self.shared.describe(device)
        if self._save_at is None:
            self._save_at = now + SAVE_RHYTHMS_EVERY
        self._wakes.set(watch, now + silence.LOOK_AGAIN)
        return watch

    def _consider(self, watch: Watch, now: datetime) -> list[Given]:
        """Look at one device: what has become due of it?"""
        if not self._is_able(watch):
            return []  # `handle_connected` wakes everybody
        given = self._judge_availability(watch, now)
        given += self._judge_silence(watch, now)
        trouble = watch.trouble
        if trouble is None:
            return given
        attempt = trouble.attempt
        if attempt is None:
            return [*given, *self._heal(watch, trouble, now)]
        if attempt.step_at is not None and now >= attempt.step_at:
            return [*given, *self._go_on(watch, attempt, now)]
        if now >= attempt.verify_by:
            asked = attempt.question is not None
            words = "Nobody answered." if asked else "Nothing came of it in time."
            return [*given, *self._conclude(watch, trouble, "skipped" if asked else "failed", now, words)]
        self._wakes.set(watch, attempt.due_at)
        return given

    def _judge_availability(self, watch: Watch, now: datetime) -> list[Given]:
        if watch.unavailable_since is None or watch.has(Symptom.UNAVAILABLE):
            return []
        # One that comes and goes is known to do so: it is away when it stays away.
        due = watch.unavailable_since + (GONE_FOR if watch.has(Symptom.FLAPPING) else UNAVAILABLE_FOR)
        if now < due:
            self._wakes.set(watch, due)
            return []
        reason = "its bridge, or it itself, says so"
        return self._open(watch, Symptom.UNAVAILABLE, {"reason": reason}, now)

    def _judge_silence(self, watch: Watch, now: datetime) -> list[Given]:
        found = silence.judge(watch, self.shared.names_behind(watch.device), self._silence_from or now, now)
        if found.symptom is None:
            self._wakes.set(watch, found.look_at)
            return []
        given = self._open(watch, found.symptom, found.details or {}, now)
        return given if found.symptom is Symptom.SILENT else [*given, *self._hold_all_behind(watch.device.id, now)]

    def _hear(self, watch: Watch, trouble: Trouble, now: datetime) -> list[Given]:
        """A report from a device in trouble."""
        given: list[Given] = []
        if Symptom.SILENT in trouble.symptoms:
            given += self._clear(watch, Symptom.SILENT, now)
        if Symptom.UNCONFIRMED in trouble.symptoms and is_settled_by_itself(trouble, self._home):
            given += self._clear(watch, Symptom.UNCONFIRMED, now)
        attempt = trouble.attempt
        if watch.trouble is trouble and attempt and attempt.is_proved_by_report:
            trouble.passed.discard(RESEND_COMMAND.name)  # it hears us again: worth another try
            given += self._conclude(watch, trouble, "completed", now)
        return given

    def _come_back(self, watch: Watch, now: datetime) -> list[Given]:
        was_away = watch.unavailable_since is not None
        watch.unavailable_since = None
        if not was_away:
            return []
        watch.back_at = now
        watch.rhythm.pause(now)
        given = self._clear(watch, Symptom.UNAVAILABLE, now) if watch.has(Symptom.UNAVAILABLE) else []
        # One that heard nobody is well when one of its devices is heard.
        return given if silence.is_deaf(watch, now) else [*given, *self._let_go(watch.device.id, now)]

    # Troubles.

    def _open(
        self,
        watch: Watch,
        symptom: Symptom,
        details: JsonObject,
        now: datetime,
        command: Unconfirmed | None = None,
    ) -> list[Given]:
        trouble = watch.trouble
        if trouble is None:
            trouble = watch.trouble = Trouble(now, now + LOOK_ROUND)
            self._troubled[watch.device.id] = watch
        is_new = symptom not in trouble.symptoms
        if is_new and trouble.is_resting:
            # Another thing to look at; what was tried for the one may be right for the other.
            trouble.is_resting = False
            trouble.ready_at = min(trouble.ready_at, now + LOOK_ROUND)
        trouble.symptoms[symptom] = {"name": watch.device.name, **details}
        trouble.since_by_symptom.setdefault(symptom, now)
        if command is not None:
            trouble.command = command
            trouble.passed.clear()  # a new command is a new reason to try
            if trouble.attempt is None:
                trouble.ready_at = min(trouble.ready_at, now + LOOK_ROUND)
        if is_new and trouble.held_by is None:
            trouble.held_by = self.shared.held_by(watch, now)
            if trouble.held_by is None and (shared := self.shared.cause_of(watch.device, now)):
                return self._blame(shared, now)
        if trouble.held_by is None and (until := silence.in_doubt_until(watch, self._watches, now)) is not None:
            self._wakes.set(watch, until)
            return [self._save(watch)]
        is_quiet = trouble.held_by is not None or silence.asks_first(watch, trouble)
        given = [] if is_quiet else self._raise(watch, trouble)
        self._wakes.set(watch, trouble.ready_at)
        return [*given, self._save(watch)]

    def _raise(self, watch: Watch, trouble: Trouble) -> list[Given]:
        missing = [symptom for symptom in trouble.symptoms if symptom not in trouble.raised]
        trouble.raised.update(missing)
        return [IssueRaised(trouble.issue(watch.device.id, symptom)) for symptom in missing]

    def _clear(self, watch: Watch, symptom: Symptom, now: datetime) -> list[Given]:
        trouble = watch.trouble
        assert trouble is not None
        trouble.symptoms.pop(symptom, None)
        trouble.since_by_symptom.pop(symptom, None)
        if symptom is Symptom.UNCONFIRMED:
            trouble.command = None
        if not trouble.symptoms:
            return [*self._close(watch, trouble, now, last=symptom), *self._let_go_if_few(watch.device, now)]
        given = self._end_of(watch, trouble, now)
        if symptom in trouble.raised:
            trouble.raised.discard(symptom)
            given.append(IssueCleared(symptom.value, watch.device.id))
        self._wakes.set(watch, max(trouble.ready_at, now + LOOK_ROUND))
        return [*given, self._save(watch)]

    def _end_of(self, watch: Watch, trouble: Trouble, now: datetime) -> list[Given]:
        """A part of the trouble is over: also what was tried for it, and what people were told of it."""
        given: list[Given] = []
        attempt = trouble.attempt
        if attempt is not None and attempt.remedy.symptoms.isdisjoint(trouble.symptoms):
            status = "completed" if attempt.question is None else "skipped"
            given += self._treatment.end(watch, trouble, status, None, now, is_resolved=True)
        # Should the same be wrong again one day, everything may be tried anew.
        trouble.attempts = {
            name: count for name, count in trouble.attempts.items() if trouble.is_for_what_lasts(REMEDIES[name])
        }
        return [*given, *self._treatment.untold(watch, trouble, now)]

    def _close(self, watch: Watch, trouble: Trouble, now: datetime, last: Symptom | None = None) -> list[Given]:
        """The trouble is over: what was being tried has helped, who was told learns it."""
        given: list[Given] = []
        if trouble.attempt is not None:
            status = "completed" if last is not None and trouble.attempt.question is None else "skipped"
            given += self._treatment.end(watch, trouble, status, None, now, is_resolved=last is not None)
        trouble.symptoms.clear()
        given += self._treatment.untold(watch, trouble, now)
        given += [IssueCleared(symptom.value, watch.device.id) for symptom in sorted(trouble.raised)]
        watch.trouble = None
        self._troubled.pop(watch.device.id, None)
        forgotten = Save(ROOM, f"{_TROUBLE}{watch.device.id}", None, Durability.COMMIT)
        return [*given, forgotten, *self._start_waiting(now)]

    def _save(self, watch: Watch) -> Save:
        assert watch.trouble is not None
        return Save(ROOM, f"{_TROUBLE}{watch.device.id}", watch.trouble.as_json(), Durability.COMMIT)

    # What they share.

    def _blame(self, via: DeviceId, now: datetime) -> list[Given]:
        """Devices fail together: what they share is the issue."""
        bridge = self._watch_known(via, now)
        failing = self.shared.failing_with(via, now)
        names = ", ".join(sorted(watch.device.name for watch in failing))
        given: list[Given] = [effect for watch in failing for effect in self._hold(watch, via, now)]
        if bridge is None:
            return given
        details: JsonObject = {"count": len(failing), "devices": names}
        if bridge.device.origin == BROKER_ORIGIN:
            details = {**details, "name": WAY_TO_BROKER}
        return [*given, *self._open(bridge, Symptom.TOGETHER, details, now)]

    def _hold_all_behind(self, via: DeviceId, now: datetime) -> list[Given]:
        return [given for watch in self.shared.behind(via) for given in self._hold(watch, via, now)]

    def _hold(self, watch: Watch, via: DeviceId, now: datetime) -> list[Given]:
        trouble = watch.trouble
        if trouble is None or trouble.held_by is not None:
            return []
        given: list[Given] = []
        if trouble.attempt is not None:
            given += self._call_off(watch, trouble, "Its bridge is in trouble.", now)
        given += [IssueCleared(symptom.value, watch.device.id) for symptom in sorted(trouble.raised)]
        trouble.raised.clear()
        trouble.held_by = via
        return [*given, self._save(watch)]

    def _let_go(self, via: DeviceId, now: datetime) -> list[Given]:
        """The bridge is well again: its devices may come back by themselves first."""
        bridge = self._watches.get(via)
        given: list[Given] = []
        if bridge and bridge.has(Symptom.TOGETHER):
            given += self._clear(bridge, Symptom.TOGETHER, now)
        if self.shared.is_away(via):
            return given  # it suffers from something else still
        for watch in self.shared.behind(via):
            trouble = watch.trouble
            if trouble is not None and trouble.held_by == via:
                given.append(self._release(watch, trouble, now))
        return given

    def _release(self, watch: Watch, trouble: Trouble, now: datetime) -> Save:
        trouble.held_by = None
        trouble.ready_at = now + silence.returns_within(watch, now)
        self._wakes.set(watch, trouble.ready_at)
        return self._save(watch)

    def _let_go_if_few(self, device: Device, now: datetime) -> list[Given]:
        """A shared cause that only a few suffer from still is none any more."""
        given: list[Given] = []
        for parent in self.shared.parents(device):
            watch = self._watches.get(parent)
            if watch is None or not watch.has(Symptom.TOGETHER) or silence.is_deaf(watch, now):
                continue
            held = [each for each in self.shared.behind(parent) if each.trouble and each.trouble.held_by == parent]
            given += self._let_go(parent, now) if len(held) < SHARED_DEVICES else []
        return given

    # Remedies.

    def _heal(self, watch: Watch, trouble: Trouble, now: datetime) -> list[Given]:
        """Try the next remedy that fits and that the guards allow."""
        holder = self.shared.held_by(watch, now)
        if trouble.held_by is not None and holder is None:
            return [self._release(watch, trouble, now)]
        if trouble.held_by is None and holder is not None:
            return self._hold(watch, holder, now)
        if holder is not None:
            self._wakes.set(watch, now + PASS_AGAIN)
        if trouble.held_by is not None or not self._is_able(watch):
            return []
        if now < trouble.ready_at:
            self._wakes.set(watch, trouble.ready_at)
            return []
        if (until := silence.in_doubt_until(watch, self._watches, now)) is not None:
            self._wakes.set(watch, until)
            return []
        given = [] if silence.asks_first(watch, trouble) else self._raise(watch, trouble)
        due = resend_due(watch, trouble, self._treatment.patient(watch, now))
        if due is not None:
            trouble.ready_at = due
            self._wakes.set(watch, due)
            return given
        remedy = self._treatment.choose(watch, trouble, now)
        if remedy in {None, TELL_PERSON} and self._treatment.awaits_way(watch, trouble, now):
            trouble.is_resting = True  # two that wait for each other wait no longer
            self._wakes.set(watch, now + silence.LOOK_SOON)
            return given
        if remedy is None or remedy is TELL_PERSON:
            trouble.passed.clear()
            trouble.ready_at = now + PASS_AGAIN
            trouble.is_resting = True
            self._wakes.set(watch, trouble.ready_at)
        given = given if remedy is ASK_STATE else given or self._raise(watch, trouble)
        if remedy is None:
            return given
        if remedy is TELL_PERSON:
            given += self._treatment.tell(watch, trouble, now)
            trouble.passed.clear()
            return [*given, self._save(watch)]
        if self._under_treatment() >= HEALINGS_MAX:
            return given  # `_start_waiting` comes back to it when another one ends
        symptom = next(symptom for symptom in trouble.symptoms if symptom in remedy.symptoms)
        given += self._treatment.begin(watch, trouble, remedy, trouble.issue(watch.device.id, symptom), now)
        if trouble.attempt is not None:
            self._wakes.set(watch, trouble.attempt.due_at)
        return [*given, self._save(watch)]

    def _go_on(self, watch: Watch, attempt: Attempt, now: datetime) -> list[Given]:
        given = self._treatment.go_on(watch, attempt, now) if self._is_able(watch) else []
        self._wakes.set(watch, attempt.due_at)
        return [*given, self._save(watch)]

    def _under_treatment(self) -> int:
        """How many remedies are being verified; a question keeps nobody from being treated."""
        troubles = (watch.trouble for watch in self._troubled.values())
        return sum(1 for each in troubles if each and each.attempt and each.attempt.question is None)

    def _treated_by(self, execution_id: str | None) -> Watch | None:
        return next(
            (
                watch
                for watch in self._troubled.values()
                if watch.trouble and watch.trouble.attempt and watch.trouble.attempt.id == execution_id
            ),
            None,
        )

    def _settle_treatment(self, watch: Watch, settled: CommandSettled, now: datetime) -> list[Given]:
        """What a remedy called for has come to an end. That a button was pressed proves nothing yet."""
        trouble = watch.trouble
        assert trouble is not None
        assert trouble.attempt is not None
        if not settled.is_success and trouble.attempt.repeat_last(now + LOOK_ROUND):
            self._wakes.set(watch, trouble.attempt.due_at)
            return [self._save(watch)]
        if not settled.is_success:
            return self._conclude(watch, trouble, "failed", now, settled.error)
        remedy = trouble.attempt.remedy
        if not self._treatment.is_settled(watch, remedy):
            return []
        # Superseded: somebody has wished for something newer meanwhile.
        status = "skipped" if settled.outcome == "superseded" else "completed"
        given = self._treatment.end(watch, trouble, status, self._first_issue(watch, trouble), now, is_resolved=True)
        for symptom in sorted(remedy.symptoms):
            given += self._clear(watch, symptom, now) if watch.has(symptom) else []
        return [*given, *self._start_waiting(now)]

    def _conclude(
        self, watch: Watch, trouble: Trouble, status: str, now: datetime, error: str | None = None
    ) -> list[Given]:
        """An attempt has run its course without ending the trouble: the next rung follows."""
        issue = self._first_issue(watch, trouble)
        given = self._treatment.end(watch, trouble, status, issue, now, is_resolved=False, error=error)
        trouble.ready_at = now + LOOK_ROUND
        self._wakes.set(watch, trouble.ready_at)
        return [*given, self._save(watch), *self._start_waiting(now)]

    def _call_off(self, watch: Watch, trouble: Trouble, reason: str, now: datetime) -> list[Given]:
        """It can come to nothing now: it does not count. What is half done is done to its end later, a question stays one."""
        attempt = trouble.attempt
        assert attempt is not None
        if attempt.repeat_last(now) or attempt.step_at is not None or attempt.question is not None:
            self._wakes.set(watch, attempt.due_at)
            return []
        trouble.attempts[attempt.remedy.name] -= 1
        trouble.passed.discard(attempt.remedy.name)
        issue = self._first_issue(watch, trouble) if trouble.symptoms else None
        given = self._treatment.end(watch, trouble, "skipped", issue, now, is_resolved=False, error=reason)
        return [*given, self._save(watch)]

    def _start_waiting(self, now: datetime) -> list[Given]:
        """A place is free: those who wait, longest first."""
        waiting = sorted(
            (watch.trouble.since, device_id)
            for device_id, watch in self._troubled.items()
            if watch.trouble and watch.trouble.attempt is None and watch.trouble.ready_at <= now
        )
        given: list[Given] = []
        for _, device_id in waiting:
            if self._under_treatment() >= HEALINGS_MAX:
                break
            if (trouble := (watch := self._troubled[device_id]).trouble) is not None:
                given += self._heal(watch, trouble, now)
        return given

    def _first_issue(self, watch: Watch, trouble: Trouble) -> Issue:
        return trouble.issue(watch.device.id, next(iter(trouble.symptoms)))
