"""Whatever comes, goes, is answered or crashes: one open alert a problem, every one ends with its cause, cooldown and daily most hold."""

from collections import Counter
from datetime import datetime, timedelta

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.fakes.told_home import ToldHome, device

NAMES = ("a", "b")
SOME = st.sampled_from(NAMES)
COOLDOWN = 20
PER_DAY_MAX = 3


class AlertingMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.home = ToldHome(*map(device, NAMES))
        cold = [{"metric": "temperature", "below": 15, "hysteresis": 1}]
        self.home.rule(
            cold, key="cold", rule_type="threshold", cooldown_minutes=COOLDOWN, max_alerts_per_day=PER_DAY_MAX
        )
        self.home.rule([{"when": "offline", "for_minutes": 5}], key="away", cooldown_minutes=COOLDOWN,
                       quiet_hours_start="22:00", quiet_hours_end="06:00")  # fmt: skip
        self.home.rule([{"when": "issue", "severities": ["error"], "for_minutes": 3}], key="issue", cooldown_minutes=0)
        self.tells: dict[str, str] = {}
        self.count = 0

    @rule(name=SOME, value=st.sampled_from([10, 14.5, 15.5, 20, "unavailable"]))
    def measure(self, name: str, value: object) -> None:
        self.home.measure(name, "temperature", value)

    @rule(name=SOME, minutes=st.sampled_from([0, 5, 25]))
    def swing(self, name: str, minutes: int) -> None:
        for value in (10, 20, 10):
            self.home.measure(name, "temperature", value)
            self.home.wait(minutes)

    @rule(name=SOME, is_available=st.booleans())
    def come_or_go(self, name: str, is_available: bool) -> None:
        self.home.available(name, is_available)

    @rule(name=SOME)
    def healing_tells(self, name: str) -> None:
        if name not in self.tells:
            self.count += 1
            self.tells[name] = self.home.healing_tells(name, alert_id=f"h{self.count}")

    @rule(name=SOME)
    def healing_ends(self, name: str) -> None:
        if name in self.tells:
            self.home.healing_ends(self.tells.pop(name))

    @rule(name=SOME, is_raised=st.booleans())
    def issue(self, name: str, is_raised: bool) -> None:
        if is_raised:
            self.home.issue("automation_invalid", name, name=name, reason="no reason")
        else:
            self.home.clear("automation_invalid", name)

    @rule(name=SOME, is_held=st.booleans())
    def hold(self, name: str, is_held: bool) -> None:
        (self.home.held.add if is_held else self.home.held.discard)(name)

    @rule(minutes=st.sampled_from([1, 4, 6, 21, 70, 600]))
    def wait(self, minutes: int) -> None:
        self.home.wait(minutes)

    @rule(verb=st.sampled_from(["acknowledge", "resolve", "dismiss"]), place=st.integers(0, 5))
    def answer(self, verb: str, place: int) -> None:
        rows = self.home.open()
        if rows:
            given = self.home.alerting.answer(rows[place % len(rows)]["id"], verb, None, self.home.now)
            assert given is not None, "what is open can be answered"
            self.home.take(given)

    @rule()
    def crash(self) -> None:
        self.home.crash()

    @rule(is_shut=st.booleans())
    def shut(self, is_shut: bool) -> None:
        (self.home.shut.add if is_shut else self.home.shut.discard)("phone")

    @invariant()
    def the_cloud_has_open_what_the_hub_has_open(self) -> None:
        assert sorted(row["id"] for row in self.home.open()) == sorted(
            str(each["id"]) for each in self.home.alerting.alerts()
        )

    @invariant()
    def one_problem_is_one_open_alert(self) -> None:
        problems = Counter(_problem(row) for row in self.home.open())
        assert set(problems.values()) <= {1}, problems

    @invariant()
    def cooldown_and_the_most_in_a_day_hold(self) -> None:
        opened: dict[tuple[str, str], datetime] = {}
        a_day: Counter[str] = Counter()
        for row in self.home.rows.values():
            if row["alert_rule_id"] is None or row["title"] == "Much is wrong at once":
                continue
            name = str(row["alert_rule_id"]), _problem(row)
            wait = timedelta(minutes=0 if name[0] == "issue" else COOLDOWN)
            assert name not in opened or row["time"] - opened[name] >= wait, name
            opened[name] = row["time"]
            if name[0] == "cold":
                a_day[row["time"].date().isoformat()] += 1
        assert max(a_day.values(), default=0) <= PER_DAY_MAX

    def teardown(self) -> None:
        for name in NAMES:
            self.home.measure(name, "temperature", 20)
            self.home.available(name, True)
            self.home.clear("automation_invalid", name)
            if name in self.tells:
                self.home.healing_ends(self.tells.pop(name))
        assert self.home.open() == []
        self.home.shut.clear()
        self.home.wait(60 * 25)
        assert [key for key in self.home.saved if key != "rules"] == [], "all that was remembered is forgotten"


def _problem(row: dict) -> str:
    kind, context = row["alert_type"], row["context"]
    if kind in {"device_offline", "connectivity_issue"}:
        return f"trouble of {row['source_device_id']}"
    return f"{kind} of {context.get('entity_id') or context.get('subject') or row['title']}"


TestAlerting = AlertingMachine.TestCase
TestAlerting.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
