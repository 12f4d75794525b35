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
* a command is sent again only while it is still wanted: fresh, not replaced, and nobody changed the thing since;
* what was begun in steps is done to its end, over a crash too: power that was taken away is given back.

`handle_report` is on the path of every message. It remembers the time and nothing else, unless the device is in trouble.
"""

import contextlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from hub_agent.core.expectation import meets
from hub_agent.core.healing import cases
from hub_agent.core.healing.guards import resend_due
from hub_agent.core.healing.learned import Learned
from hub_agent.core.healing.remedies import RESEND_COMMAND, TELL_PERSON
from hub_agent.core.healing.remedy import Given, Home, Unconfirmed, is_battery
from hub_agent.core.healing.rhythm import Rhythm
from hub_agent.core.healing.topology import Topology, is_switched_off
from hub_agent.core.healing.treatment import LEARNED, ROOM, SELF_HEALING, TRIED, Treatment
from hub_agent.core.healing.trouble import Attempt, Trouble
from hub_agent.core.healing.watch import Wakes, Watch
from hub_agent.model.action import CommandSettled
from hub_agent.model.device import Device, DeviceType
from hub_agent.model.effects import Durability, IssueCleared, IssueRaised, Save
from hub_agent.model.healing import Symptom
from hub_agent.model.ids import DeviceId, NewId
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject

HEALINGS_MAX = 3
SHARED_DEVICES = 3
SHARED_WITHIN = timedelta(minutes=2)
UNAVAILABLE_FOR = timedelta(seconds=60)
GRACE = timedelta(minutes=5)
# Before the first remedy: what fails together fails within this, and is seen together then.
LOOK_ROUND = timedelta(seconds=2)
# How soon a device is looked at again that has no rhythm yet, or whose ladder had nothing left to try.
LOOK_AGAIN = timedelta(minutes=10)
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
        self._topology = Topology(home)
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
        if watch.trouble is None and watch.unavailable_since is None:
            watch.rhythm.note(now)
            return []
        watch.rhythm.pause(now)  # a gap that was wrong is not learnt
        return [] if watch.trouble is None else self._hear(watch, watch.trouble, now)

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

    def handle_removed(self, device_id: DeviceId, now: datetime) -> list[Given]:
        watch = self._watches.pop(device_id, None)
        self._topology.routers.discard(device_id)
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
            if watch.trouble is not None and watch.trouble.attempt is None:
                watch.trouble.ready_at = max(watch.trouble.ready_at, now + GRACE)
            self._wakes.set(watch, now + GRACE)
        return []

    def handle_disconnected(self, now: datetime) -> list[Given]:
        """Without the broker nothing can be heard or tried. What was being tried is called off and does not count."""
        self._is_connected = False
        given: list[Given] = []
        for watch in self._troubled.values():
            if watch.trouble and watch.trouble.attempt:
                given += self._call_off(watch, watch.trouble, "The broker is away.", now)
        return given

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

    @property
    def learned(self) -> Learned:
        return self._treatment.learned

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
        for device_id, body in _mapping(saved.get(_RHYTHMS)).items():
            if watch := self._watch_known(DeviceId(device_id), now):
                with contextlib.suppress(*DAMAGED):
                    watch.rhythm = Rhythm.from_json(_mapping(body), now)
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
        given: list[Given] = [IssueRaised(self._issue(watch, trouble, symptom)) for symptom in sorted(trouble.raised)]
        if trouble.attempt is not None:
            given += self._call_off(watch, trouble, "The agent was restarted meanwhile.", now)
        self._wakes.set(watch, trouble.ready_at)
        return given

    def _watch_known(self, device_id: DeviceId, now: datetime) -> Watch | None:
        device = self._home.device(device_id)
        if device is None:
            return None
        return self._watches.get(device_id) or self._meet(device, now)

    def _save_rhythms(self) -> Save:
        known = {
            str(device_id): watch.rhythm.as_json()
            for device_id, watch in self._watches.items()
            if watch.rhythm.usual() is not None
        }
        return Save(ROOM, _RHYTHMS, known, Durability.LAZY)

    # Watching.

    def _meet(self, device: Device, now: datetime) -> Watch:
        self._watches[device.id] = watch = Watch(device, Rhythm(now))
        if device.device_type is DeviceType.ROUTER:
            self._topology.routers.add(device.id)
        if self._save_at is None:
            self._save_at = now + SAVE_RHYTHMS_EVERY
        self._wakes.set(watch, now + LOOK_AGAIN)
        return watch

    def _consider(self, watch: Watch, now: datetime) -> list[Given]:
        """Look at one device: what has become due of it?"""
        if not self._is_connected:
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
        if now < watch.unavailable_since + UNAVAILABLE_FOR:
            self._wakes.set(watch, watch.unavailable_since + UNAVAILABLE_FOR)
            return []
        reason = "its bridge, or it itself, says so"
        return self._open(watch, Symptom.UNAVAILABLE, {"reason": reason}, now)

    def _judge_silence(self, watch: Watch, now: datetime) -> list[Given]:
        if not watch.is_judged:
            return []
        is_known = watch.has(Symptom.SILENT) or watch.unavailable_since is not None
        limit = watch.rhythm.limit(now, is_battery=is_battery(watch.device))
        if limit is None or is_known:
            self._wakes.set(watch, now + LOOK_AGAIN)
            return []
        due = max(watch.rhythm.last_at + limit, self._silence_from or now)
        if now < due or watch.rhythm.last_at + limit >= now:
            self._wakes.set(watch, max(due, now + timedelta(seconds=1)))
            return []
        rhythm = watch.rhythm.usual()
        details: JsonObject = {
            "silent_for": cases.in_words(now - watch.rhythm.last_at),
            "rhythm": cases.in_words(rhythm) if rhythm else "?",
        }
        return self._open(watch, Symptom.SILENT, details, now)

    def _hear(self, watch: Watch, trouble: Trouble, now: datetime) -> list[Given]:
        """A report from a device in trouble."""
        given: list[Given] = []
        if Symptom.SILENT in trouble.symptoms:
            given += self._clear(watch, Symptom.SILENT, now)
        if Symptom.UNCONFIRMED in trouble.symptoms and self._is_settled_by_itself(trouble):
            given += self._clear(watch, Symptom.UNCONFIRMED, now)
        attempt = trouble.attempt
        if watch.trouble is trouble and attempt and attempt.remedy.verification == "report":
            trouble.passed.discard(RESEND_COMMAND.name)  # it hears us again: worth another try
            given += self._conclude(watch, trouble, "completed", now)
        return given

    def _is_settled_by_itself(self, trouble: Trouble) -> bool:
        """The thing is as it was wanted, or somebody has changed it since: the command is no longer owed."""
        command = trouble.command
        state = self._home.state(command.entity_id) if command else None
        if command is None or state is None:
            return False
        return meets(command.expected, state) or state.changed_at > command.sent_at

    def _come_back(self, watch: Watch, now: datetime) -> list[Given]:
        was_away = watch.unavailable_since is not None
        watch.unavailable_since = None
        if not was_away:
            return []
        watch.rhythm.pause(now)
        given = self._clear(watch, Symptom.UNAVAILABLE, now) if watch.has(Symptom.UNAVAILABLE) else []
        return [*given, *self._let_go(watch.device.id, now)]

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
        trouble.symptoms[symptom] = {"name": watch.device.name, **details}
        if command is not None:
            trouble.command = command
            trouble.passed.clear()  # a new command is a new reason to try
            if trouble.attempt is None:
                trouble.ready_at = min(trouble.ready_at, now + LOOK_ROUND)
        if is_new and trouble.held_by is None:
            trouble.held_by = self._away_before(watch.device)
            if trouble.held_by is None and (shared := self._shared_with_others(watch.device, now)):
                return self._blame(shared, now)
        given = self._raise(watch, trouble) if trouble.held_by is None else []
        self._wakes.set(watch, trouble.ready_at)
        return [*given, self._save(watch)]

    def _raise(self, watch: Watch, trouble: Trouble) -> list[Given]:
        missing = [symptom for symptom in trouble.symptoms if symptom not in trouble.raised]
        trouble.raised.update(missing)
        return [IssueRaised(self._issue(watch, trouble, symptom)) for symptom in missing]

    def _issue(self, watch: Watch, trouble: Trouble, symptom: Symptom) -> Issue:
        return Issue(symptom.value, watch.device.id, trouble.since, trouble.symptoms.get(symptom, {}))

    def _clear(self, watch: Watch, symptom: Symptom, now: datetime) -> list[Given]:
        trouble = watch.trouble
        assert trouble is not None
        trouble.symptoms.pop(symptom, None)
        if symptom is Symptom.UNCONFIRMED:
            trouble.command = None
        if not trouble.symptoms:
            return [*self._close(watch, trouble, now, last=symptom), *self._let_go_if_few(watch.device, now)]
        given: list[Given] = []
        if symptom in trouble.raised:
            trouble.raised.discard(symptom)
            given.append(IssueCleared(symptom.value, watch.device.id))
        self._wakes.set(watch, max(trouble.ready_at, now + LOOK_ROUND))
        return [*given, self._save(watch)]

    def _close(self, watch: Watch, trouble: Trouble, now: datetime, last: Symptom | None = None) -> list[Given]:
        """The trouble is over: what was being tried has helped, who was told learns it."""
        given: list[Given] = []
        if trouble.attempt is not None:
            status = "completed" if last is not None and trouble.attempt.question is None else "skipped"
            given += self._treatment.end(watch, trouble, status, None, now, is_resolved=last is not None)
        given += self._treatment.untold(watch, trouble, now)
        given += [IssueCleared(symptom.value, watch.device.id) for symptom in sorted(trouble.raised)]
        watch.trouble = None
        self._troubled.pop(watch.device.id, None)
        given.append(Save(ROOM, f"{_TROUBLE}{watch.device.id}", None, Durability.COMMIT))
        return [*given, *self._start_waiting(now)]

    def _save(self, watch: Watch) -> Save:
        assert watch.trouble is not None
        return Save(ROOM, f"{_TROUBLE}{watch.device.id}", watch.trouble.as_json(), Durability.COMMIT)

    # What they share.

    def _is_away(self, parent: DeviceId) -> bool:
        watch = self._watches.get(parent)
        return watch is not None and (watch.unavailable_since is not None or watch.has(Symptom.TOGETHER))

    def _away_before(self, device: Device) -> DeviceId | None:
        """What it hangs on and cannot work without now."""
        return next(
            (
                parent
                for parent in self._topology.parents(device)
                if self._is_away(parent) or is_switched_off(parent, device, self._home)
            ),
            None,
        )

    def _behind(self, parent: DeviceId) -> list[Watch]:
        return [
            watch
            for watch in self._troubled.values()
            if watch.trouble and parent in self._topology.parents(watch.device)
        ]

    def _failing_with(self, parent: DeviceId, now: datetime) -> list[Watch]:
        behind = self._behind(parent)
        return [watch for watch in behind if watch.trouble and now - watch.trouble.since <= SHARED_WITHIN]

    def _shared_with_others(self, device: Device, now: datetime) -> DeviceId | None:
        """What enough devices hang on that fail together; of several the one that most of whose devices fail, then the nearest."""
        failing = {parent: len(self._failing_with(parent, now)) for parent in self._topology.parents(device)}
        shared = [parent for parent, count in failing.items() if count >= SHARED_DEVICES]
        if len(shared) < 2:
            return shared[0] if shared else None
        return max(shared, key=lambda parent: failing[parent] / sum(1 for _ in self._topology.children(parent)))

    def _blame(self, via: DeviceId, now: datetime) -> list[Given]:
        """Devices fail together: what they share is the issue."""
        bridge = self._watch_known(via, now)
        failing = self._failing_with(via, now)
        names = ", ".join(sorted(watch.device.name for watch in failing))
        given: list[Given] = []
        for watch in failing:
            given += self._hold(watch, via, now)
        if bridge is None:
            return given
        details: JsonObject = {"count": len(failing), "devices": names}
        return [*given, *self._open(bridge, Symptom.TOGETHER, details, now)]

    def _hold_all_behind(self, via: DeviceId, now: datetime) -> list[Given]:
        return [given for watch in self._behind(via) for given in self._hold(watch, via, now)]

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
        if self._is_away(via):
            return given  # it suffers from something else still
        for watch in self._behind(via):
            trouble = watch.trouble
            if trouble is not None and trouble.held_by == via:
                given.append(self._release(watch, trouble, now))
        return given

    def _release(self, watch: Watch, trouble: Trouble, now: datetime) -> Save:
        trouble.held_by = None
        trouble.ready_at = now + GRACE
        self._wakes.set(watch, trouble.ready_at)
        return self._save(watch)

    def _let_go_if_few(self, device: Device, now: datetime) -> list[Given]:
        """A shared cause that only a few suffer from still is none any more."""
        given: list[Given] = []
        for parent in self._topology.parents(device):
            watch = self._watches.get(parent)
            if watch is None or not watch.has(Symptom.TOGETHER):
                continue
            held = [each for each in self._behind(parent) if each.trouble and each.trouble.held_by == parent]
            given += self._let_go(parent, now) if len(held) < SHARED_DEVICES else []
        return given

    # Remedies.

    def _heal(self, watch: Watch, trouble: Trouble, now: datetime) -> list[Given]:
        """Try the next remedy that fits and that the guards allow."""
        holder = self._away_before(watch.device)
        if trouble.held_by is not None and holder is None:
            return [self._release(watch, trouble, now)]
        if trouble.held_by is None and holder is not None:
            return self._hold(watch, holder, now)
        if holder is not None:
            self._wakes.set(watch, now + PASS_AGAIN)
        if trouble.held_by is not None or not self._is_connected:
            return []
        if now < trouble.ready_at:
            self._wakes.set(watch, trouble.ready_at)
            return []
        given = self._raise(watch, trouble)
        due = resend_due(watch, trouble, self._treatment.patient(watch, now))
        if due is not None:
            trouble.ready_at = due
            self._wakes.set(watch, due)
            return given
        remedy = self._treatment.choose(watch, trouble, now)
        if remedy is None or remedy is TELL_PERSON:
            trouble.passed.clear()
            trouble.ready_at = now + PASS_AGAIN
            self._wakes.set(watch, trouble.ready_at)
        if remedy is None:
            return given
        if remedy is TELL_PERSON:
            given += self._treatment.tell(watch, trouble, self._first_issue(watch, trouble), now)
            trouble.passed.clear()
            return [*given, self._save(watch)]
        if self._under_treatment() >= HEALINGS_MAX:
            return given  # `_start_waiting` comes back to it when another one ends
        symptom = next(symptom for symptom in trouble.symptoms if symptom in remedy.symptoms)
        given += self._treatment.begin(watch, trouble, remedy, self._issue(watch, trouble, symptom), now)
        if trouble.attempt is not None:
            self._wakes.set(watch, trouble.attempt.due_at)
        return [*given, self._save(watch)]

    def _go_on(self, watch: Watch, attempt: Attempt, now: datetime) -> list[Given]:
        given = self._treatment.go_on(watch, attempt, now) if self._is_connected else []
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
        if not settled.is_success:
            return self._conclude(watch, trouble, "failed", now, settled.error)
        if trouble.attempt.remedy is not RESEND_COMMAND:
            return []
        # Superseded: somebody has wished for something newer meanwhile.
        status = "skipped" if settled.outcome == "superseded" else "completed"
        given = self._treatment.end(watch, trouble, status, self._first_issue(watch, trouble), now, is_resolved=True)
        if Symptom.UNCONFIRMED in trouble.symptoms:
            given += self._clear(watch, Symptom.UNCONFIRMED, now)
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
        """It can come to nothing now, through no fault of its own: it does not count. (Its cooldown stands.) What is half done is
        done to its end when that can be heard again, and a question stays a question.
        """
        attempt = trouble.attempt
        assert attempt is not None
        if attempt.step_at is not None or attempt.question is not None:
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
            watch = self._troubled[device_id]
            if watch.trouble is not None:
                given += self._heal(watch, watch.trouble, now)
        return given

    def _first_issue(self, watch: Watch, trouble: Trouble) -> Issue:
        return self._issue(watch, trouble, next(iter(trouble.symptoms)))


def _mapping(body: object) -> Mapping[str, JsonObject]:
    return body if isinstance(body, Mapping) else {}
