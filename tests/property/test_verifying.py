"""Whatever happens to records in the cloud, comparing puts it right, says so, and touches nothing else."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from hub_agent.core.sync import verifying
from tests.fakes.cloud_twin import CloudTwin, StoredRow
from tests.fakes.linked_home import LinkedHome, VirtualClock, device_state, execution, live, telemetry
from tests.fakes.reconciling import TIME_COLUMN, day_of

LAMP = "00000000-0000-4000-8000-000000000001"
RULE = "00000000-0000-4000-8000-0000000000a1"
HOUR_S = 3600
VALUE = {"device_telemetry": "value", "device_states": "change_source", "automation_executions": "error_message"}
STREAMS = tuple(VALUE)

damages = st.lists(
    st.one_of(
        st.tuples(st.just("lose"), st.sampled_from(STREAMS), st.integers(0, 10**6)),
        st.tuples(st.just("change"), st.sampled_from(STREAMS), st.integers(0, 10**6)),
        st.tuples(st.just("redate"), st.sampled_from(STREAMS), st.integers(0, 10**6)),
        st.tuples(st.just("lose_day"), st.sampled_from(STREAMS), st.integers(0, 10**6)),
        st.tuples(st.just("stranger"), st.sampled_from(STREAMS), st.integers(0, 10**6)),
    ),
    max_size=12,
)


@pytest.fixture(autouse=True)
def little_at_a_time(monkeypatch):
    """So that what goes in portions does."""
    monkeypatch.setattr(verifying, "LISTED_MAX", 8)
    monkeypatch.setattr(verifying, "SENT_MAX", 1)
    monkeypatch.setattr(verifying, "COMPARED_MAX", 20)


class Damage:
    def __init__(self, twin: CloudTwin) -> None:
        self.twin = twin
        self.strangers: list[StoredRow] = []
        self.hurt: dict[str, set[int]] = {stream: set() for stream in STREAMS}

    def ours(self, stream: str) -> list[StoredRow]:
        return [each for each in self.twin.rows[stream] if each not in self.strangers]

    def lose(self, stream: str, n: int) -> None:
        if ours := self.ours(stream):
            one = ours[n % len(ours)]
            self.hurt[stream].add(one.seq)
            self.twin.rows[stream].remove(one)

    def change(self, stream: str, n: int) -> None:
        if ours := self.ours(stream):
            one = ours[n % len(ours)]
            self.hurt[stream].add(one.seq)
            one.row = {**one.row, VALUE[stream]: -5.5 if stream == "device_telemetry" else "wrong"}

    def redate(self, stream: str, n: int) -> None:
        """What has an id is known again at another time of these days."""
        if stream != "device_telemetry" and (ours := self.ours(stream)):
            one = ours[n % len(ours)]
            self.hurt[stream].add(one.seq)
            column = TIME_COLUMN.get(stream, "time")
            at = datetime.fromisoformat(one.row[column]) + timedelta(minutes=n % 1000 + 1)
            one.row = {**one.row, column: at.isoformat()}

    def lose_day(self, stream: str, n: int) -> None:
        if ours := self.ours(stream):
            day = day_of(stream, ours[n % len(ours)].row)
            gone = [each for each in ours if day_of(stream, each.row) == day]
            self.hurt[stream] |= {each.seq for each in gone}
            self.twin.rows[stream] = [each for each in self.twin.rows[stream] if each not in gone]

    def stranger(self, stream: str, n: int) -> None:
        """An earlier hub's record of the same days."""
        if ours := self.ours(stream):
            like = ours[n % len(ours)]
            row = {**like.row, "id": f"old-{n}", "metric_type": "humidity"}
            self.strangers.append(StoredRow("old hub", "old mirror", 1, n, row))
            self.twin.rows[stream].append(self.strangers[-1])


async def story(damage: list[tuple[str, str, int]]) -> None:
    clock = VirtualClock()
    twin = CloudTwin(clock.true_now)
    async with LinkedHome(twin, clock, claim_code=twin.issue_claim_code()) as home:
        await home.add_device(LAMP)
        await home.edit("automation", RULE, {"name": "rule", "triggers": [], "actions": []})
        for n in range(4):
            # Two at one instant, and over midnight.
            seconds = [k // 2 - n * 5 * HOUR_S for k in range(9)]
            await home.record(
                "device_telemetry", *({**telemetry(LAMP, at), "value": k / 7} for k, at in enumerate(seconds))
            )
            await home.record("device_states", *(device_state(LAMP, f"{n}/{k}", at) for k, at in enumerate(seconds)))
            await home.record("automation_executions", execution(RULE, f"run-{n}", -n * 5 * HOUR_S))
        await asyncio.sleep(120)
        whole = {stream: {each.seq: each.row for each in twin.rows[stream]} for stream in STREAMS}
        hurt = Damage(twin)
        for name, *what in damage:
            getattr(hurt, name)(*what)
        envelopes = len(twin.envelopes)
        said: Any = [each async for each in home.uplink.verify(8, None)]
        report = said[-1]["verified"]

        for stream in STREAMS:
            told = next(each for each in report["streams"] if each["stream"] == stream)
            assert {each.seq: each.row for each in hurt.ours(stream)} == whole[stream]
            assert len(hurt.ours(stream)) == len(whole[stream])
            assert (told["missing"], told["repaired"], told["still"]) == (*[len(hurt.hurt[stream])] * 2, 0), told
        assert all(
            each in twin.rows[stream]
            for each in hurt.strangers
            for stream in STREAMS
            if each.row in twin.stored(stream)
        )
        assert report["is_agreed"]
        if not any(hurt.hurt.values()):
            assert [each for each in twin.envelopes[envelopes:] if each["streams"]] == []


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(damages)
def test_whatever_is_lost_or_changed_is_back_once_and_nothing_else_is_touched(
    damage: list[tuple[str, str, int]],
) -> None:
    live(story(damage))
