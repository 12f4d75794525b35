"""Healing in words: what is wrong, what was tried, what is next and when; and of each remedy whether it would be tried, and why not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub_agent.core.healing.cases import in_words
from hub_agent.core.healing.guards import never, not_now
from hub_agent.core.healing.learned import order
from hub_agent.core.healing.limits import Limits
from hub_agent.core.healing.remedies import LADDER, TELL_PERSON
from hub_agent.core.healing.remedy import Home, Patient, Remedy
from hub_agent.core.healing.treatment import Treatment
from hub_agent.core.healing.trouble import Attempt, Trouble
from hub_agent.core.healing.watch import Watch
from hub_agent.model.device import Device
from hub_agent.model.healing import Symptom
from hub_agent.model.ids import DeviceId
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject

# What is further away is told as a length, not as a time of the day.
BY_THE_CLOCK = timedelta(hours=18)

# The order in which it is said why a remedy is not tried.
NOW, ASKS, NOT_NOW, WAITS, SPENT, NEVER, UNFIT = "now", "asks", "not_now", "waits", "spent", "never", "unfit"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a remedy would be tried on a device. `kind`: now | asks (a person first) | not_now (`reasons`: quiet hours, in use ...) |
    waits (its cooldown, until `at`) | spent (its attempts) | never (`reasons`) | unfit.
    """

    remedy: Remedy
    kind: str
    reasons: tuple[str, ...] = ()
    at: datetime | None = None

    @property
    def is_next(self) -> bool:
        return self.kind in {NOW, ASKS}


class Telling:
    """`waits_for` says what nothing can be tried without now: the broker, a free place."""

    def __init__(
        self,
        home: Home,
        watches: Mapping[DeviceId, Watch],
        treatment: Treatment,
        waits_for: Callable[[Watch], str | None],
    ) -> None:
        self._home = home
        self._watches = watches
        self._treatment = treatment
        self._waits_for = waits_for

    def of(self, device_id: DeviceId, now: datetime) -> JsonObject | None:
        """What is wrong with it, what was tried, what is next; None: nothing is wrong."""
        watch = self._watches.get(device_id)
        if watch is None or watch.trouble is None:
            return None
        trouble = watch.trouble
        text, at = self._next(watch, trouble, now)
        holder = self._home.device(trouble.held_by) if trouble.held_by else None
        issues = [Issue(each.value, watch.device.id, trouble.since, told) for each, told in trouble.symptoms.items()]
        return {
            "device_id": watch.device.id,
            "name": watch.device.name,
            "since": trouble.since.isoformat(),
            "since_words": self.since(trouble.since, now),
            "issues": [
                {"code": each.code, "severity": each.kind.severity, "title": each.kind.title, "text": each.text}
                for each in issues
            ],
            "cause": None if holder is None else {"id": holder.id, "name": holder.name},
            "tried": [
                {"remedy": remedy.name, "words": remedy.words, "count": count, "at": _iso(watch.tried_at.get(name))}
                for remedy in LADDER
                if (count := trouble.attempts.get(name := remedy.name, 0))
            ],
            "attempt": None if trouble.attempt is None else self._attempt(trouble.attempt),
            "is_told": bool(trouble.told),
            "next": {"text": text, "at": _iso(at)},
        }

    def plan(self, device: Device, symptom: Symptom | None, now: datetime) -> list[JsonObject]:
        """Every remedy in the order in which they would be tried: on what is wrong with it, or if `symptom` were. Nothing is touched."""
        verdicts = self.verdicts(device, symptom, now)
        first = next((each for each in verdicts if each.is_next and each.remedy is not TELL_PERSON), None)
        return [self._as_told(each, device, now, is_next=each is first) for each in verdicts]

    def refusal(self, watch: Watch, trouble: Trouble, remedy: Remedy, now: datetime, *, is_forced: bool) -> str | None:
        """Why a remedy that a person wants now is not tried; None: it is."""
        if remedy is TELL_PERSON:
            return "You know it already."
        attempt = trouble.attempt
        if attempt is not None and attempt.question is None:
            return f"{attempt.remedy.words.capitalize()} is being tried just now: wait for what comes of it."
        if trouble.held_by is not None:
            holder = self._home.device(trouble.held_by)
            name = holder.name if holder else "What it hangs on"
            return f"{name} is in trouble itself: nothing helps before that is well."
        if (waits_for := self._waits_for(watch)) is not None:
            return f"It has to wait for {waits_for}."
        verdict = self.judge(remedy, self._treatment.patient(watch, now), trouble, watch.tried_at)
        if verdict.is_next or (verdict.kind == NOT_NOW and is_forced):
            return None
        hint = " It can be forced." if verdict.kind == NOT_NOW else ""
        return f"{remedy.words.capitalize()} is not tried: {', '.join(verdict.reasons)}.{hint}"

    def verdicts(self, device: Device, symptom: Symptom | None, now: datetime) -> list[Verdict]:
        watch = self._watches.get(device.id)
        trouble = watch.trouble if watch and symptom is None else None
        if trouble is None:
            trouble = Trouble(now, now, {} if symptom is None else {symptom: {}})
        tried_at = watch.tried_at if watch else {}
        patient = Patient(device, trouble.command, self._home, now, trouble.symptoms)
        return [
            self.judge(remedy, patient, trouble, tried_at) for remedy in order(LADDER, device, self._treatment.learned)
        ]

    def judge(self, remedy: Remedy, patient: Patient, trouble: Trouble, tried_at: Mapping[str, datetime]) -> Verdict:
        if remedy.symptoms.isdisjoint(trouble.symptoms):
            return Verdict(remedy, UNFIT, ("it is not for what is wrong",))
        if not remedy.fits(patient):
            return Verdict(remedy, UNFIT, (f"it cannot be done with {patient.device.name} now",))
        if reasons := tuple(never(remedy, patient)):
            return Verdict(remedy, NEVER, reasons)
        if (count := trouble.attempts.get(remedy.name, 0)) >= remedy.attempts_max:
            times = "once" if count == 1 else f"{count} times"
            return Verdict(remedy, SPENT, (f"it was tried {times} already in this trouble",))
        at = tried_at.get(remedy.name)
        if at is not None and (due := at + remedy.cooldown) > patient.now:
            return Verdict(remedy, WAITS, (f"its cooldown lasts {self.until(due, patient.now)}",), due)
        limits = Limits.read(self._home.healing_wishes())
        if reasons := tuple(not_now(remedy, patient, limits, self._watches)):
            return Verdict(remedy, NOT_NOW, reasons)
        if remedy is not TELL_PERSON and limits.asks_before(remedy, patient):
            return Verdict(remedy, ASKS, ("you are asked first",))
        return Verdict(remedy, NOW)

    def until(self, at: datetime, now: datetime) -> str:
        return f"until {self.clock(at)}" if at - now < BY_THE_CLOCK else f"for another {in_words(at - now)}"

    def since(self, at: datetime, now: datetime) -> str:
        return f"since {self.clock(at)}" if now - at < BY_THE_CLOCK else f"for {in_words(now - at)}"

    def clock(self, at: datetime) -> str:
        return f"{self._home.local_time(at):%H:%M}"

    def rates(self) -> list[JsonObject]:
        """How often each remedy has helped: over all, by model and by device."""
        learned = self._treatment.learned
        words = {remedy.name: remedy.words for remedy in LADDER}
        told: list[JsonObject] = [
            {
                "remedy": name,
                "words": words.get(name, name),
                "of": "all",
                "name": None,
                "tried": tried,
                "helped": helped,
            }
            for name, (tried, helped) in sorted(learned.rates().items())
        ]
        for name, of, tried, helped in learned.told():
            device = self._home.device(DeviceId(of))
            kind = "model" if "/" in of else "device"
            called = of.replace("/", " ", 1) if kind == "model" else device.name if device else None
            if called is not None:
                one: JsonObject = {"remedy": name, "words": words.get(name, name), "of": kind, "name": called}
                told.append({**one, "tried": tried, "helped": helped})
        return told

    def _as_told(self, verdict: Verdict, device: Device, now: datetime, *, is_next: bool) -> JsonObject:
        remedy = verdict.remedy
        return {
            "remedy": remedy.name,
            "words": remedy.words,
            "risk": remedy.risk,
            "interrupts": remedy.interrupts,
            "chance": round(self._treatment.learned.chance(remedy, device), 2),
            "verdict": verdict.kind,
            "reasons": list(verdict.reasons),
            "at": _iso(verdict.at),
            "is_next": is_next,
            "touches": [each.name for each in remedy.touches(Patient(device, None, self._home, now))],
        }

    def _attempt(self, attempt: Attempt) -> JsonObject:
        began = attempt.row.get("started_at") or attempt.row.get("time")
        return {
            "id": attempt.id,
            "remedy": attempt.remedy.name,
            "words": attempt.remedy.words,
            "risk": attempt.remedy.risk,
            "is_question": attempt.question is not None,
            "since": _iso(began if isinstance(began, datetime) else None),
            "until": attempt.verify_by.isoformat(),
        }

    def _next(self, watch: Watch, trouble: Trouble, now: datetime) -> tuple[str, datetime | None]:
        attempt = trouble.attempt
        if attempt is not None:
            return self._under_way(attempt, now), attempt.due_at
        if trouble.held_by is not None:
            holder = self._home.device(trouble.held_by)
            name = holder.name if holder else "what it hangs on"
            return f"Held: {name} is away or in trouble itself. It is looked at again when that is well.", None
        if (waits_for := self._waits_for(watch)) is not None:
            return f"It waits for {waits_for}.", None
        # What is judged a little later than now would else say that it only waits for itself.
        then = max(now, trouble.ready_at)
        when = f"at {self.clock(then)}" if then > now else "now"
        device = self._home.device(watch.device.id) or watch.device
        verdicts = [each for each in self.verdicts(device, None, then) if each.remedy is not TELL_PERSON]
        first = next((each for each in verdicts if each.is_next and each.remedy.name not in trouble.passed), None)
        if first is not None:
            asked = ", after asking you" if first.kind == ASKS else ""
            return f"Next is {first.remedy.words}, {when}{asked}.", then
        waiting = sorted((each for each in verdicts if each.at is not None), key=lambda each: each.at or then)
        held_back = next((each for each in verdicts if each.kind == NOT_NOW), None)
        if held_back is not None:
            return f"Not now: {held_back.remedy.words}, because {held_back.reasons[0]}.", then
        if waiting:
            return f"It waits: of {waiting[0].remedy.words}, {waiting[0].reasons[0]}.", waiting[0].at
        told = "You have been told" if trouble.told else "You will be told"
        return f"Nothing more can be tried from here. {told}; it is looked at again {when}.", then

    def _under_way(self, attempt: Attempt, now: datetime) -> str:
        until = self.until(attempt.verify_by, now)
        if attempt.question is None:
            return f"It is tried now: {attempt.remedy.words}. {until.capitalize()} it may show that it helped."
        at = attempt.question.get("time")
        asked = f" at {self.clock(at)}" if isinstance(at, datetime) else ""
        return f"You were asked{asked}: may {attempt.remedy.words} be tried? It waits {until} for your answer."


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
