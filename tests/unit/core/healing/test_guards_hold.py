"""The guards hold whatever happens in whatever order: reports, signals, commands, crashes, a broker that comes and goes, people who answer."""

from collections import defaultdict
from datetime import datetime, time, timedelta
from itertools import count, pairwise
from typing import Any, Self

from hypothesis import given, settings, strategies as st

from hub_agent.core.healing.remedies import LADDER, REMEDIES
from hub_agent.core.healing.room import HEALINGS_MAX
from hub_agent.model.action import Call
from hub_agent.model.device import DeviceType
from hub_agent.model.effects import AppendCase, AskState, Interview, Reconfigure
from hub_agent.model.healing import Noticed, Passed, Symptom
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.model.state import EntityState
from tests.unit.core.healing.test_healing import MINUTE, House, device, entity, fed, plug

QUIET_FROM, QUIET_TO = time(12, 20), time(15)
DEVICES_PER_HOUR = 1
ALONE = ("alone1", "alone2", "alone3", "alone4", "alone5")
DEVICES = ("bridge", "lamp1", "lamp2", "lamp3", "fed", "freezer", "beside", *ALONE)
# What monitors and the signals of devices notice of a device.
NOTICED = (
    Symptom.FLAPPING,
    Symptom.STUCK,
    Symptom.IMPOSSIBLE,
    Symptom.BATTERY_LOW,
    Symptom.BATTERY_CRITICAL,
    Symptom.LINK_WEAK,
    Symptom.ERRORS,
    Symptom.REBOOTING,
    Symptom.RESET,
)
INTERRUPTING = frozenset(remedy.name for remedy in LADDER if remedy.interrupts)

names = st.sampled_from(DEVICES)
happenings = st.one_of(
    st.tuples(st.just("noticed"), names, st.sampled_from(NOTICED)),
    st.tuples(st.just("passed"), names, st.sampled_from(NOTICED)),
    st.tuples(st.sampled_from(["away", "back", "report", "unconfirmed", "confirmed"]), names),
    st.tuples(st.sampled_from(["crash", "broker away", "broker back", "yes", "no", "storm"])),
    st.tuples(st.just("minutes"), st.sampled_from([0, 1, 3, 12, 40, 130, 600])),
)


def home() -> House:
    """A bridge with lamps, and a plug that feeds two, of which a freezer must never be touched, nor what is fed with it."""
    house = House(
        device("bridge", None, "Mains", DeviceType.BRIDGE, entity("button", "bridge", "restart")),
        *(
            device(name, "bridge", "Mains", DeviceType.LIGHT, entity("button", name, "restart"))
            for name in ("lamp1", "lamp2", "lamp3")
        ),
        plug(),
        fed("fed"),
        device("freezer", None, "Mains", DeviceType.LIGHT, entity("button", "freezer", "restart"), never_touch=True, powered_by="cold"),
        device("beside", powered_by="cold"),
        plug("cold"),
        *(device(name, None, "Mains", DeviceType.LIGHT, entity("button", name, "restart")) for name in ALONE),
    )  # fmt: skip
    for name in ("plug", "cold"):
        house.states[EntityId(f"switch.{name}")] = EntityState("on", {}, house.now, house.now)
    house.wishes = {
        "risk": "medium",
        "quiet_hours": {"from": f"{QUIET_FROM:%H:%M}", "to": f"{QUIET_TO:%H:%M}"},
        "devices_per_hour": DEVICES_PER_HOUR,
    }
    return house


class Life:
    """What is done over all lives of the hub."""

    def __init__(self) -> None:
        self.house = home()
        self.done: list[tuple[datetime, Any]] = []
        self.house.seen = _Dated(self)
        self._ids = count(1)
        self._count_on(self.house)

    def happen(self, what: str, *arguments: Any) -> None:
        house = self.house
        match what, arguments:
            case "noticed", (name, symptom):
                house.seen += house.healing.handle_noticed(Noticed(DeviceId(name), symptom, {}), house.now)
            case "passed", (name, symptom):
                house.seen += house.healing.handle_passed(Passed(DeviceId(name), symptom), house.now)
            case (("away" | "back"), (name,)):
                house.available(name, is_available=what == "back")
            case "report", (name,):
                house.report(name)
            case (("unconfirmed" | "confirmed"), (name,)):
                house.settle(name, what)
            case "storm", _:
                for name in ALONE:
                    house.settle(name)
            case "crash", _:
                self._crash()
            case "broker away", _:
                house.seen += house.healing.handle_disconnected(house.now)
            case "broker back", _:
                house.seen += house.healing.handle_connected(house.now)
            case (("yes" | "no"), _):
                for row in self.rows().values():
                    if row["status"] == "pending":
                        answered = house.healing.handle_answer(
                            str(row["id"]), "owner", house.now, is_approved=what == "yes"
                        )
                        house.seen += answered or []
            case "minutes", (count,):
                house.advance(count * MINUTE)

    def _crash(self) -> None:
        before = self.house
        again = before.restarted()
        restored, again.seen, again.wishes = again.seen, before.seen, before.wishes
        self._count_on(again)
        self.house = again
        again.seen += restored

    def _count_on(self, house: House) -> None:
        house.healing._treatment._new_id = lambda: f"id{next(self._ids)}"

    def rows(self) -> dict[str, Any]:
        return {
            each.id: each.row
            for _, each in self.done
            if isinstance(each, AppendCase) and each.table == "self_healing_executions"
        }


class _Dated(list[Any]):
    """What a house has given, each with when."""

    def __init__(self, life: Life) -> None:
        super().__init__()
        self._life = life

    def __iadd__(self, given: list[Any]) -> Self:  # type: ignore[override, misc]
        self._life.done += [(self._life.house.now, each) for each in given]
        self.extend(given)
        return self


@settings(max_examples=60, deadline=None)
@given(st.lists(happenings, max_size=60))
def test_no_guard_gives_way_whatever_happens_in_whatever_order(story: list[tuple[Any, ...]]) -> None:
    life = Life()
    for each in story:
        life.happen(*each)
    life.happen("broker back")
    life.happen("minutes", 3000)

    begun = [
        row
        for row in life.rows().values()
        if row["started_at"] is not None and row["metadata"]["remedy"] != "tell_person"
    ]
    assert_cooldowns_and_attempts(begun)
    assert_never_touched(life)
    asked = {str(row["id"]) for row in begun if row["required_user_approval"]}
    felt = [row for row in begun if row["metadata"]["remedy"] in INTERRUPTING and str(row["id"]) not in asked]
    assert [row for row in felt if QUIET_FROM <= row["started_at"].time() < QUIET_TO] == []
    for row in felt:
        at = row["started_at"]
        touched = {each["device_id"] for each in felt if timedelta(0) <= at - each["started_at"] < timedelta(hours=1)}
        assert len(touched) <= DEVICES_PER_HOUR
    assert_few_at_once(life)
    assert [row for row in life.rows().values() if row["status"] == "in_progress"] == [], "all come to an end"
    for name in ("plug", "cold"):
        pressed = [
            each.action for _, each in life.done if isinstance(each, Call) and each.target == (f"switch.{name}",)
        ]
        assert pressed.count("switch.turn_off") <= pressed.count("switch.turn_on"), "power is given back"


def assert_cooldowns_and_attempts(begun: list[Any]) -> None:
    starts: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for row in begun:
        remedy = REMEDIES[row["metadata"]["remedy"]]
        assert row["retry_attempt"] < remedy.attempts_max, row
        starts[row["device_id"], remedy.name].append(row["started_at"])
    for (name, remedy_name), times in starts.items():
        times.sort()
        for one, next_one in pairwise(times):
            assert next_one - one >= REMEDIES[remedy_name].cooldown, (name, remedy_name, one, next_one)


def assert_never_touched(life: Life) -> None:
    for _, each in life.done:
        if isinstance(each, AskState | Reconfigure | Interview):
            assert each.device_id != "freezer", each
        if isinstance(each, Call):
            assert not {"switch.cold", "light.freezer", "button.freezer"} & set(each.target), each


def assert_few_at_once(life: Life) -> None:
    status: dict[str, str] = {}
    for _, each in life.done:
        if isinstance(each, AppendCase) and each.table == "self_healing_executions":
            status[each.id] = str(each.row["status"])
            assert list(status.values()).count("in_progress") <= HEALINGS_MAX
