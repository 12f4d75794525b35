"""Whatever fails, returns, is cut off or crashes: the guards hold, every attempt is closed, and in calm nothing is left."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import count

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from hub_agent.core.healing import Healing
from hub_agent.core.healing.remedies import REMEDIES
from hub_agent.core.healing.remedy import Remedy
from hub_agent.core.healing.room import HEALINGS_MAX
from hub_agent.core.healing.trouble import REACHING, matter_of
from hub_agent.model.action import Call, Command, CommandSettled
from hub_agent.model.device import Device, DeviceType, Entity, Origin
from hub_agent.model.effects import AppendCase, AskState, IssueCleared, IssueRaised, Reconfigure, Save
from hub_agent.model.healing import Noticed, Passed, Symptom
from hub_agent.model.ids import CallId, CommandId, DeviceId, EntityId
from hub_agent.model.state import Cause, EntityState
from tests.fakes.healed_home import HealedHome

NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)
NAMES = ("bridge", "a", "b", "c", "sleepy", "w", "x", "y", "z", "plug", "fed", "freezer", "by_freezer", "freezers_plug")
NEVER_TOUCHED = frozenset({"freezer", "freezers_plug"})
FED_BY = {"fed": "plug", "freezer": "freezers_plug", "by_freezer": "freezers_plug"}
NOTICED_BY_SIGNALS = (Symptom.FLAPPING, Symptom.STUCK, Symptom.BATTERY_LOW, Symptom.ERRORS, Symptom.RESET)
QUIET = {"from": "22:00", "to": "07:00"}
BRIDGED = frozenset("abc")
DEVICES = st.sampled_from(NAMES)
SOME_DEVICES = st.one_of(st.just(("w", "x", "y", "z")), st.just(("a", "b", "c")), st.tuples(DEVICES), st.just(("w",)))


def facet(domain: str, name: str, device_class: str | None = None) -> Entity:
    category = "config" if device_class else None
    entity_id = EntityId(f"{domain}.{name}")
    return Entity(entity_id, DeviceId(name), domain, domain, None, device_class, None, None, category, {}, {})


def thing(name: str) -> Device:
    light = facet("light", name)
    more = facet("switch", name) if "plug" in name else facet("button", name, "restart")
    wishes = {"powered_by": FED_BY.get(name), "never_touch": name == "freezer", "ask_first": name == "x"}
    return Device(
        DeviceId(name),
        Origin("zigbee2mqtt", name),
        (),
        name,
        False,
        None,
        None,
        None,
        DeviceType.BRIDGE if name == "bridge" else DeviceType.LIGHT,
        None,
        DeviceId("bridge") if name in BRIDGED else None,
        None,
        "Battery" if name == "sleepy" else "Mains",
        {},
        (light, more),
        {"healing": wishes},
    )


class HealingMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.numbers = count(1)
        self.now = NOON
        self.home = HealedHome(*map(thing, NAMES))
        self.home.wishes = {"risk": "medium", "quiet_hours": QUIET, "devices_per_hour": 2}
        self.asked: list[str] = []
        self.approved: set[str] = set()
        self.forced: set[str] = set()
        self.touched: dict[str, datetime] = {}
        self.is_off: set[EntityId] = set()
        self.by_id, self.states = self.home.by_id, self.home.states
        self.states |= {EntityId(f"light.{name}"): EntityState("off", {}, NOON, NOON) for name in NAMES}
        for plug in set(FED_BY.values()):
            self.states[EntityId(f"switch.{plug}")] = EntityState("on", {}, NOON, NOON)
        self.saved: dict[str, object] = {}
        self.open_rows: dict[str, dict] = {}
        self.began: dict[tuple[str, str], datetime] = {}
        self.attempts: dict[tuple[str, str], int] = defaultdict(int)
        self.told: dict[tuple[str, str], datetime] = {}
        self.resent: list[Call] = []
        self.issues: set[tuple[str, str]] = set()
        self.is_connected = True
        self.away: set[str] = set()
        self.healing = Healing(self.home, lambda: f"id{next(self.numbers)}")

    def take(self, given: list) -> None:
        for effect in given:
            match effect:
                case Save(_, key, body):
                    self.save(key, body)
                case AppendCase("self_healing_executions", case_id, revision, row):
                    self.record(case_id, revision, row)
                case AskState(device_id) | Reconfigure(device_id):
                    assert self.is_connected
                    assert not (device_id in BRIDGED and "bridge" in self.away)
                case Call(action="light.turn_on"):
                    assert self.is_connected
                    self.resent.append(effect)
                case Call():
                    self.touch(effect)
                case IssueRaised(issue):
                    self.issues.add((issue.code, issue.subject))
                case IssueCleared(code, subject):
                    self.issues.discard((code, subject))

    def touch(self, call: Call) -> None:
        """What people may notice."""
        name = call.target[0].partition(".")[2]
        if call.action == "switch.turn_on":
            self.is_off.remove(call.target[0])
            return
        assert name not in NEVER_TOUCHED
        assert self.is_connected
        if call.cause.id in self.approved | self.forced:
            return  # a person's yes counts for more than what is declared in general
        if name != "bridge":
            assert 7 <= self.now.hour < 22, "quiet hours"
        if call.action == "switch.turn_off":
            assert self.states[EntityId("light.fed")].state == "off", "not while it is in use"
            self.is_off.add(call.target[0])
        else:
            assert self.states[EntityId(f"light.{name}")].state == "off" or name == "bridge", "not while it is in use"

    def save(self, key: str, body: object) -> None:
        if body is not None:
            self.saved[key] = body
            if "symptoms" in body and REACHING.isdisjoint(map(Symptom, body["symptoms"])):
                self.reset_attempts(key.partition("/")[2])  # out of reach again, it may be tried anew
            return
        self.saved.pop(key, None)
        kind, _, name = key.partition("/")
        if kind == "trouble":
            self.reset_attempts(name)

    def reset_attempts(self, name: str) -> None:
        for remedy in REMEDIES:
            self.attempts[name, remedy] = 0

    def record(self, case_id: str, revision: int, row: dict) -> None:
        name, remedy = row["device_id"], REMEDIES[row["metadata"]["remedy"]]
        if row["status"] == "in_progress" and revision == 2:
            self.open_rows[case_id] = row
            self.approved.add(case_id)
            self.begin(name, remedy)
            return
        if revision > 1:
            assert self.open_rows.pop(case_id)["device_id"] == name, "closed once"
            if case_id in self.asked:
                self.asked.remove(case_id)
            elif row["status"] == "skipped":
                self.attempts[name, remedy.name] -= 1
            return
        assert case_id not in self.open_rows
        self.open_rows[case_id] = row
        if row["status"] == "pending":
            assert name == "x", "only that one wants to be asked"
            self.asked.append(case_id)
            return
        if remedy.name == "tell_person":
            self.tell(name, row["metadata"]["issue"])
        else:
            self.begin(name, remedy, is_forced=case_id in self.forced)

    def tell(self, name: str, code: str) -> None:
        """Of one matter once in a trouble, and not twice in half a day."""
        key = name, matter_of(Symptom(code))
        last = self.told.get(key)
        assert last is None or self.now - last >= timedelta(hours=12)
        self.told[key] = self.now

    def begin(self, name: str, remedy: Remedy, *, is_forced: bool = False) -> None:
        assert name != "freezer" or remedy.name == "tell_person"
        if remedy.interrupts:
            within = [each for each, at in self.touched.items() if self.now - at < timedelta(hours=1)]
            assert len(within) < 2 or name == "x" or is_forced, "two devices an hour"
            self.touched[name] = self.now
        last = self.began.get((name, remedy.name))
        assert last is None or self.now - last >= remedy.cooldown, "not within its cooldown"
        self.began[name, remedy.name] = self.now
        self.attempts[name, remedy.name] += 1
        assert self.attempts[name, remedy.name] <= remedy.attempts_max

    @rule(names=SOME_DEVICES, state=st.sampled_from(["on", "off", None]))
    def report(self, names: tuple[str, ...], state: str | None) -> None:
        if not self.is_connected:
            return
        for name in names:
            entity_id = EntityId(f"light.{name}")
            if state is not None and state != self.states[entity_id].state:
                self.states[entity_id] = EntityState(state, {}, self.now, self.now)
            self.take(self.healing.handle_report(self.by_id[DeviceId(name)], self.now))

    @rule(name=DEVICES, is_available=st.booleans())
    def tell_availability(self, name: str, is_available: bool) -> None:
        if not self.is_connected:
            return
        (self.away.discard if is_available else self.away.add)(name)
        self.take(self.healing.handle_availability(self.by_id[DeviceId(name)], is_available, self.now))

    def settle(self, name: str, outcome: str, cause: Cause) -> None:
        command = Command(
            CommandId("c"),
            CallId("call"),
            DeviceId(name),
            EntityId(f"light.{name}"),
            "light.turn_on",
            {},
            cause,
            self.now,
            self.now + timedelta(seconds=30),
            {"state": "on"},
            sent_at=self.now,
        )
        settled = CommandSettled(command, outcome, self.now)
        self.take(self.healing.handle_settled(settled, self.by_id[DeviceId(name)], self.now))

    @rule(names=SOME_DEVICES)
    def confirm_nothing(self, names: tuple[str, ...]) -> None:
        for name in names:
            entity_id = EntityId(f"light.{name}")
            if self.states[entity_id].state == "on":
                self.states[entity_id] = EntityState("off", {}, self.now - timedelta(seconds=9), self.now)
            self.settle(name, "unconfirmed", Cause("manual"))

    @rule(names=SOME_DEVICES, symptom=st.sampled_from(NOTICED_BY_SIGNALS), count=st.sampled_from([1, 2]))
    def notice(self, names: tuple[str, ...], symptom: Symptom, count: int) -> None:
        for name in names:
            self.take(self.healing.handle_noticed(Noticed(DeviceId(name), symptom, {"count": count}), self.now))

    @rule(names=SOME_DEVICES, symptom=st.sampled_from(NOTICED_BY_SIGNALS))
    def let_pass(self, names: tuple[str, ...], symptom: Symptom) -> None:
        for name in names:
            self.take(self.healing.handle_passed(Passed(DeviceId(name), symptom), self.now))

    @rule(names=SOME_DEVICES, outcome=st.sampled_from(["confirmed", "superseded", "expired"]))
    def settle_commands(self, names: tuple[str, ...], outcome: str) -> None:
        for name in names:
            self.settle(name, outcome, Cause("manual"))

    @rule(outcome=st.sampled_from(["unconfirmed", "confirmed", "superseded", "failed"]))
    def settle_what_was_resent(self, outcome: str) -> None:
        if self.resent:
            call = self.resent.pop(0)
            self.settle(call.target[0].partition(".")[2], outcome, call.cause)

    @rule(is_approved=st.booleans())
    def answer(self, is_approved: bool) -> None:
        for case_id in self.asked[:]:
            given = self.healing.handle_answer(case_id, "owner", self.now, is_approved=is_approved)
            if given is not None:
                if is_approved:
                    self.asked.remove(case_id)
                self.take(given)

    @rule(name=DEVICES, remedy=st.sampled_from(sorted(REMEDIES)), is_forced=st.booleans())
    def want(self, name: str, remedy: str, is_forced: bool) -> None:
        """A person wants a remedy out of its turn: the same guards hold, but for what may be forced."""
        given = self.healing.handle_wanted(DeviceId(name), REMEDIES[remedy], "cli", self.now, is_forced=is_forced)
        if isinstance(given, str):
            assert given.endswith(".")
            return
        assert name not in NEVER_TOUCHED
        assert remedy != "tell_person"
        if is_forced:
            self.forced |= {each.id for each in given if isinstance(each, AppendCase) and each.revision == 1}
        self.take(given)

    @rule(seconds=st.sampled_from([3, 3, 3, 11, 61, 200, 301, 3601, 90_000]))
    def wait(self, seconds: int) -> None:
        end = self.now + timedelta(seconds=seconds)
        for _ in range(5_000):
            due = self.healing.get_timer()
            if due is None or due > end:
                break
            self.now = max(self.now, due)
            self.take(self.healing.handle_timer(self.now))
        else:
            raise AssertionError("a timer that never ends")
        self.now = end

    @rule(what=st.sampled_from(["lose broker", "connect", "remove", "crash", "crash"]), name=DEVICES)
    def disturb(self, what: str, name: str) -> None:
        match what:
            case "lose broker" if self.is_connected:
                self.is_connected = False
                self.take(self.healing.handle_disconnected(self.now))
            case "connect":
                self.connect()
            case "remove":
                self.remove(name)
            case "crash":
                self.crash()

    def connect(self) -> None:
        self.is_connected = True
        self.take(self.healing.handle_connected(self.now))

    def remove(self, name: str) -> None:
        self.take(self.healing.handle_removed(DeviceId(name), self.now))
        self.away.discard(name)
        self.touched.pop(name, None)
        self.told = {key: at for key, at in self.told.items() if key[0] != name}
        for remedy in REMEDIES:  # a device that comes back is a new one
            self.began.pop((name, remedy), None)

    def crash(self) -> None:
        self.healing = Healing(self.home, lambda: f"id{next(self.numbers)}")
        self.issues.clear()
        self.resent.clear()
        self.take(self.healing.restore(dict(self.saved), self.now))
        self.connect()
        for name in sorted(self.away):  # the broker keeps who is away
            self.tell_availability(name, is_available=False)

    @invariant()
    def few_at_once(self) -> None:
        """A person's yes waits for nobody."""
        verifying = [
            row for row in self.open_rows.values() if row["status"] == "in_progress" and row["approved_at"] is None
        ]
        assert len(verifying) <= HEALINGS_MAX

    @invariant()
    def what_is_raised_is_in_trouble(self) -> None:
        assert {subject for _, subject in self.issues} <= set(self.healing.troubled())

    def teardown(self) -> None:
        self.connect()
        for name in NAMES:
            self.tell_availability(name, is_available=False)  # after a crash nobody knows what was said before
            self.tell_availability(name, is_available=True)
        for name in NAMES:
            self.report((name,), "on")
            self.settle(name, "confirmed", Cause("manual"))
            for symptom in NOTICED_BY_SIGNALS:
                self.let_pass((name,), symptom)
        assert self.healing.troubled() == []
        assert self.issues == set()
        assert self.open_rows == {}, "in calm every attempt is closed"
        assert self.is_off == set(), "power that was taken away is given back"
        assert not any(key.startswith("trouble/") for key in self.saved)


TestHealing = HealingMachine.TestCase
TestHealing.settings = settings(max_examples=120, stateful_step_count=50, deadline=None)
