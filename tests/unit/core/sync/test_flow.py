"""How much goes up at a time and how often, where somebody pays for it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st

from hub_agent.core.sync.envelope import BYTES_MAX, BYTES_MIN, Allowance
from hub_agent.core.sync.flow import Flow

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class At:
    stream: str
    last: int
    acknowledged: int
    acknowledged_at: datetime | None = NOON


@given(
    st.floats(8, 100_000),
    st.lists(st.tuples(st.integers(0, BYTES_MAX), st.floats(0, 100)), max_size=50),
)
def test_over_any_time_no_more_goes_than_the_limit_and_one_request_allow(kbit_s, requests) -> None:
    flow = Flow(kbit_s=kbit_s)
    now_s = sent = largest = 0.0
    for size, wait_s in requests:
        now_s += wait_s
        if flow.free_in_s(now_s) > 0:
            continue
        flow.spent(size)
        sent, largest = sent + size, max(largest, size)
        assert sent <= now_s * kbit_s * 125 + largest + 1
    # And what was saved up is not spent at once.
    assert flow.free_in_s(now_s + 1e9) == 0.0


def test_what_was_sent_is_paid_for_before_the_next() -> None:
    flow = Flow(kbit_s=8)
    assert flow.free_in_s(100) == 0
    flow.spent(5_000)
    assert flow.free_in_s(100) == 5
    assert flow.free_in_s(103) == 2
    assert flow.free_in_s(200) <= 0


@given(st.floats(8, 1_000_000), st.integers(1, 5_000), st.integers(BYTES_MIN, BYTES_MAX))
def test_a_limit_makes_envelopes_small_but_never_larger_or_nothing(kbit_s, rows, size) -> None:
    allowance = Flow(kbit_s=kbit_s).within(Allowance(rows, size))
    assert allowance.rows == rows
    assert BYTES_MIN <= allowance.bytes <= size
    assert Flow().within(Allowance(rows, size)) == Allowance(rows, size)


def test_on_a_metered_connection_the_critical_goes_at_once_and_the_rest_in_company() -> None:
    flow = Flow(is_metered=True)

    def wants(stream: str, after: timedelta) -> bool:
        return flow.wants(At(stream, 9, 5), NOON + after)

    assert wants("automation_executions", timedelta(0))
    assert not wants("device_states", timedelta(minutes=59))
    assert wants("device_states", timedelta(minutes=60))
    assert not wants("device_telemetry", timedelta(hours=23))
    assert wants("device_telemetry", timedelta(hours=24))
    assert not wants("of a newer agent", timedelta(hours=23))


def test_once_its_turn_has_come_all_that_waited_goes_and_what_came_meanwhile_waits() -> None:
    flow = Flow(is_metered=True)
    begun = NOON + timedelta(days=1)
    assert flow.wants(At("device_telemetry", 900, 5), begun)
    assert flow.wants(At("device_telemetry", 950, 500, begun), begun)
    assert not flow.wants(At("device_telemetry", 990, 900, begun), begun)


def test_what_never_went_goes_and_a_clock_set_back_makes_nothing_wait() -> None:
    flow = Flow(is_metered=True)
    assert flow.wants(At("device_telemetry", 9, 0, None), NOON)
    assert flow.wants(At("energy_usage", 9, 5, NOON + timedelta(days=900)), NOON)


def test_without_a_limit_nothing_is_held_back() -> None:
    flow = Flow()
    flow.spent(10**9)
    assert flow.free_in_s(0) == 0
    assert flow.wants(At("device_telemetry", 9, 5), NOON)
    assert flow.in_words() is None
