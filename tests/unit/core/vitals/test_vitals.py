"""The hub looks after itself: what lasts is told once, and its end too."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given, strategies as st

from hub_agent.core.vitals import Vitals
from hub_agent.core.vitals.checks import CHECKS
from hub_agent.model.device import HUB_ORIGIN, Device, DeviceType, Origin
from hub_agent.model.effects import AppendRecord, Save
from hub_agent.model.healing import Noticed, Passed, Symptom
from hub_agent.model.ids import DeviceId
from hub_agent.model.issue import Issue
from hub_agent.model.measured import Disk, HubMeasured

NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
GIB = 1024**3
WELL = HubMeasured(
    disks=(Disk("/var/lib/nexa-hub", 20 * GIB, 30 * GIB),),
    agent_bytes=90_000_000,
    memory_bytes=GIB,
    memory_available_bytes=GIB // 2,
    swap_used_bytes=0,
    cpu_celsius=52.3,
    is_under_voltage=False,
    load_per_core=0.2,
    loop_lag_s=0.004,
    card_worn_percent=20,
    card_pre_eol=1,
    is_mirror_sound=True,
)
BAD = {
    Symptom.DISK_NEARLY_FULL: {"disks": (Disk("/var/lib/nexa-hub", GIB // 2, 30 * GIB),)},
    Symptom.HUB_MEMORY_LOW: {"memory_available_bytes": GIB // 50},
    Symptom.HUB_HOT: {"cpu_celsius": 84.0},
    Symptom.HUB_UNDER_VOLTAGE: {"is_under_voltage": True},
    Symptom.HUB_SLOW: {"loop_lag_s": 3.1},
    Symptom.CARD_WEARING: {"card_worn_percent": 95},
    Symptom.CLOCK_UNTRUSTED: {"is_clock_trusted": False},
    Symptom.MIRROR_DAMAGED: {"is_mirror_sound": False},
}
HUB = Device(
    DeviceId("hub"), HUB_ORIGIN, (), "NEXA hub", False, None, None, None, DeviceType.HUB, None, None, None, None, {}, ()
)


class Machine:
    """A hub that is measured every minute."""

    def __init__(self, saved: dict[str, Any] | None = None, now: datetime = NOON) -> None:
        numbers = count(1)
        self.now = now
        self.vitals = Vitals(self.find, lambda: f"id{next(numbers)}")
        self.seen: list[Any] = [*self.vitals.restore(saved or {}, now)]

    @staticmethod
    def find(origin: Origin) -> Device | None:
        return HUB if origin == HUB_ORIGIN else None

    def live(self, length: timedelta, measured: HubMeasured = WELL, **changes: Any) -> list[Any]:
        given: list[Any] = []
        for _ in range(length // MINUTE):
            self.now += MINUTE
            given += self.vitals.take(replace(measured, **changes), self.now)
        self.seen += given
        return given

    def restarted(self, after: timedelta = MINUTE) -> "Machine":
        saved = {each.key: each.body for each in self.seen if isinstance(each, Save)}
        return Machine(saved, self.now + after)


def noticed(given: list[Any]) -> list[Symptom]:
    return [each.symptom for each in given if isinstance(each, Noticed)]


def passed(given: list[Any]) -> list[Symptom]:
    return [each.symptom for each in given if isinstance(each, Passed)]


@pytest.mark.parametrize("symptom", BAD)
def test_what_lasts_is_noticed_once_in_words_and_its_end_too(symptom: Symptom) -> None:
    hub = Machine()
    hub.live(2 * HOUR)

    bad = hub.live(8 * HOUR, **BAD[symptom])
    well = hub.live(2 * HOUR)

    (told,) = [each for each in bad if isinstance(each, Noticed)]
    assert (told.device_id, told.symptom) == (HUB.id, symptom)
    assert "unknown)" not in Issue(symptom.value, HUB.id, NOON, told.details).text
    assert (passed(bad), noticed(well), passed(well)) == ([], [], [symptom])


@pytest.mark.parametrize(
    "symptom", [each for each in BAD if each not in {Symptom.CARD_WEARING, Symptom.MIRROR_DAMAGED}]
)
def test_a_single_bad_minute_is_nothing(symptom: Symptom) -> None:
    hub = Machine()
    hub.live(HOUR)

    assert noticed(hub.live(MINUTE, **BAD[symptom]) + hub.live(HOUR)) == []


def test_a_hub_that_is_well_says_so_once_and_then_nothing() -> None:
    hub = Machine()

    given = hub.live(timedelta(days=5))

    assert noticed(given) == []
    assert sorted(passed(given)) == sorted(check.symptom for check in CHECKS), (
        "what may have been told before the start"
    )


def test_a_machine_that_tells_nothing_of_itself_is_not_judged() -> None:
    hub = Machine()

    assert noticed(hub.live(24 * HOUR, HubMeasured())) == []


def test_a_value_about_the_limit_does_not_come_and_go() -> None:
    hub = Machine()
    given = [
        each
        for _ in range(20)
        for each in hub.live(11 * MINUTE, cpu_celsius=81.0) + hub.live(11 * MINUTE, cpu_celsius=79.0)
    ]

    assert noticed(given) == [Symptom.HUB_HOT]
    assert Symptom.HUB_HOT not in passed(given)


def test_a_large_disk_with_plenty_left_is_not_nearly_full() -> None:
    hub = Machine()

    assert noticed(hub.live(HOUR, disks=(Disk("/", 40 * GIB, 4000 * GIB),))) == []


def test_the_fullest_of_its_disks_counts() -> None:
    hub = Machine()

    (told,) = [
        each
        for each in hub.live(HOUR, disks=(Disk("/data", 40 * GIB, 50 * GIB), Disk("/var/log", GIB // 100, GIB)))
        if isinstance(each, Noticed)
    ]

    assert told.details["disk"] == "/var/log"


@pytest.mark.parametrize("agent, is_agents", [(90_000_000, False), (700_000_000, True)])
def test_whether_the_agent_itself_uses_the_memory_is_said(agent: int, is_agents: bool) -> None:
    hub = Machine()

    given = hub.live(HOUR, agent_bytes=agent, memory_available_bytes=GIB // 50)

    assert [each.details["is_agents"] for each in given if isinstance(each, Noticed)] == [is_agents]


def test_starting_again_and_again_is_noticed_and_passes_by_itself() -> None:
    hub = Machine()
    for _ in range(4):
        hub.live(MINUTE)
        hub = hub.restarted()

    often = hub.live(3 * MINUTE)
    later = hub.live(3 * HOUR)

    assert noticed(often) == [Symptom.HUB_RESTARTING]
    assert Symptom.HUB_RESTARTING in passed(later)


def test_a_start_before_the_time_was_known_counts_when_it_is() -> None:
    hub = Machine()
    for _ in range(3):
        hub.live(MINUTE)
        hub = hub.restarted()
    behind = timedelta(days=3000)
    hub = hub.restarted(-behind)
    assert noticed(hub.live(2 * MINUTE)) == []

    hub.now += behind + 3 * MINUTE
    hub.vitals.handle_clock_step(behind + 3 * MINUTE)

    assert noticed(hub.live(MINUTE)) == [Symptom.HUB_RESTARTING]


def test_an_upgrade_and_a_power_cut_are_not_starting_again_and_again() -> None:
    hub = Machine()
    for _ in range(3):
        hub.live(10 * MINUTE)
        hub = hub.restarted()

    assert noticed(hub.live(HOUR)) == []


@pytest.mark.parametrize("damaged", [{}, {"at": None}, {"at": ["nonsense", 7, None]}, {"at": ["2026-01-14T11:59:00"]}])
def test_damaged_memory_is_forgotten(damaged: dict[str, Any]) -> None:
    hub = Machine({"starts": damaged})

    assert noticed(hub.live(HOUR)) == []


def test_what_was_told_before_a_restart_is_ended_after_it() -> None:
    hub = Machine()
    hub.live(HOUR, cpu_celsius=84.0)

    assert Symptom.HUB_HOT in passed(hub.restarted().live(HOUR))


def test_figures_are_told_every_five_minutes_and_not_more() -> None:
    hub = Machine()

    rows = [each for each in hub.live(24 * HOUR) if isinstance(each, AppendRecord)]

    by_name: dict[str, int] = {}
    for each in rows:
        by_name[str(each.row["metric_type"])] = by_name.get(str(each.row["metric_type"]), 0) + 1
    assert {each.stream for each in rows} == {"device_telemetry"}
    assert set(by_name.values()) == {288}
    assert {"cpu_temperature", "disk_free", "memory_available", "loop_lag"} <= set(by_name)


def test_what_is_noticed_is_an_error_of_the_hubs_device() -> None:
    hub = Machine()

    (row,) = [
        each.row
        for each in hub.live(HOUR, cpu_celsius=84.0)
        if isinstance(each, AppendRecord) and each.stream == "device_error_logs"
    ]

    assert (row["device_id"], row["error_code"], row["error_level"]) == ("hub", "hub_hot", "warning")
    assert "84 °C" in str(row["error_message"])


def test_a_step_of_the_clock_is_logged_and_moves_what_is_counted() -> None:
    hub = Machine()
    hub.live(HOUR)
    hub.live(9 * MINUTE, cpu_celsius=84.0)
    hub.now += timedelta(days=400)
    hub.vitals.handle_clock_step(timedelta(days=400))

    given = hub.live(MINUTE, cpu_celsius=84.0)

    codes = [
        each.row["error_code"]
        for each in given
        if isinstance(each, AppendRecord) and each.stream == "device_error_logs"
    ]
    assert (noticed(given), codes) == ([], ["clock_stepped"])
    assert noticed(hub.live(2 * MINUTE, cpu_celsius=84.0)) == [Symptom.HUB_HOT]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([*BAD, None]), st.integers(1, 90), st.sampled_from(["", "restart", "forward", "back"])
        ),
        max_size=6,
    )
)
def test_nothing_ends_that_was_not_told_and_nothing_is_told_twice(told: list[tuple[Symptom | None, int, str]]) -> None:
    hub, is_open = Machine(), dict.fromkeys(BAD, False)
    for symptom, minutes, then in told:
        given = hub.live(minutes * MINUTE, **(BAD[symptom] if symptom else {}))
        for each in given:
            if isinstance(each, Noticed) and each.symptom in BAD:
                assert not is_open[each.symptom]
                is_open[each.symptom] = True
            elif isinstance(each, Passed) and each.symptom in BAD:
                is_open[each.symptom] = False
        if then == "restart":
            hub = hub.restarted()
            is_open = dict.fromkeys(BAD, False)
        elif then:
            by = timedelta(days=2 if then == "forward" else -2)
            hub.now += by
            hub.vitals.handle_clock_step(by)
    hub.live(8 * HOUR)
    assert hub.vitals.as_json()["troubles"] in ([], ["hub_restarting"])
