"""Whatever is done to a timer, and whenever the hub stops: it ends once, when it should, and never when nobody waits for it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from hypothesis import given, settings, strategies as st

from hub_agent.core.helpers import Helpers, read_kind
from hub_agent.model.action import Call
from hub_agent.model.effects import Durability, Save
from hub_agent.model.ids import CallId, EntityId
from hub_agent.model.inputs import EventFired
from hub_agent.model.state import Cause

NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)
TEA = EntityId("timer.tea")
DURATION_S = 300.0
FOREVER_S = 100_000.0

SECONDS = st.integers(0, 400).map(float)
DEEDS = st.one_of(
    st.tuples(st.just("start"), st.none() | st.integers(1, 400).map(float)),
    st.tuples(st.sampled_from(["pause", "cancel", "finish"]), st.none()),
    st.tuples(st.just("change"), st.integers(-200, 200).map(float)),
    st.tuples(st.sampled_from(["wait", "crash"]), SECONDS),
    st.tuples(st.just("clock"), st.integers(-5000, 5000).map(float)),
)


@dataclass
class Hub:
    """The room and its memory, beside the plainest timer there is: so many seconds left, running or not."""

    now: datetime = NOON
    saved: dict[str, Any] = field(default_factory=dict)
    finished: int = 0
    left_s: float | None = None
    running_s: float = DURATION_S
    is_running: bool = False
    wanted: int = 0

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.room = Helpers(lambda: "Europe/Berlin")
        self.room.restore(orjson.loads(orjson.dumps(self.saved)))
        kind = read_kind("timer", {"duration": DURATION_S})
        self.keep(self.room.set_up(TEA, kind, "Tea", None, self.now, is_start=True))

    def keep(self, given: Any) -> None:
        for each in given:
            if isinstance(each, Save):
                assert each.durability is Durability.FSYNC
                self.saved[each.key] = each.body
            if isinstance(each, EventFired) and each.event_type == "timer.finished":
                self.finished += 1

    def do(self, deed: str, value: float | None) -> None:
        match deed:
            case "wait" | "crash":
                assert value is not None
                self.pass_time(value, is_away=deed == "crash")
            case "clock":
                assert value is not None
                self.now += timedelta(seconds=value)
                self.keep(self.room.handle_clock_step(timedelta(seconds=value), self.now))
            case _:
                data = {} if value is None else {"duration": value}
                self.keep(self.room.handle(Call(CallId("c"), f"timer.{deed}", (TEA,), data, Cause("manual")), self.now))
                self.expect(deed, value)

    def expect(self, deed: str, value: float | None) -> None:
        if deed == "start":
            if value is not None:
                self.running_s = self.left_s = value
            elif self.left_s is None or self.is_running:
                self.left_s = self.running_s
            self.is_running = True
        elif deed == "cancel":
            self.end()
        elif self.is_running and self.left_s is not None:
            if deed == "pause":
                self.is_running = False
            elif deed == "finish":
                self.wanted += 1
                self.end()
            elif value is not None and 0 <= self.left_s + value <= self.running_s:
                self.left_s += value

    def pass_time(self, seconds: float, *, is_away: bool) -> None:
        until = self.now + timedelta(seconds=seconds)
        if is_away:
            self.now = until
            self.begin()
        while (due := self.room.get_timer()) is not None and due <= until:
            self.now = max(self.now, due)
            self.keep(self.room.handle_timer(self.now))
        self.now = until
        if self.is_running and self.left_s is not None:
            self.left_s -= seconds
            if self.left_s <= 0:
                self.wanted += 1
                self.end()

    def end(self) -> None:
        self.left_s, self.running_s, self.is_running = None, DURATION_S, False


@settings(max_examples=400, deadline=None)
@given(st.lists(DEEDS, max_size=25))
def test_a_timer_ends_once_for_each_time_it_ran_down(deeds: list[tuple[str, float | None]]) -> None:
    hub = Hub()
    for deed, value in deeds:
        hub.do(deed, value)
        assert hub.finished == hub.wanted
    hub.pass_time(0, is_away=True)
    hub.pass_time(FOREVER_S, is_away=False)
    assert hub.finished == hub.wanted
    hub.pass_time(FOREVER_S, is_away=True)
    assert hub.finished == hub.wanted
