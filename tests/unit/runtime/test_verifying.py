"""Hub and cloud are compared, and what the cloud lost is there again: once, with its old numbers."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hub_agent.core.sync.flow import Flow
from hub_agent.core.sync.verifying import quiet_time_after
from hub_agent.errors import CloudRefused, NotPossible, OperatingError
from tests.fakes.cloud_twin import STORMY, CloudTwin
from tests.fakes.linked_home import LinkedHome, VirtualClock, device_state, execution, live, telemetry

LAMP = "00000000-0000-4000-8000-000000000001"
RULE = "00000000-0000-4000-8000-0000000000a1"
ONE_DAY_S = 86_400


def with_home(story: Callable[[LinkedHome, CloudTwin], Awaitable[Any]], records: int = 30) -> Any:
    """A home whose records are all in the cloud."""

    async def whole() -> Any:
        clock = VirtualClock()
        twin = CloudTwin(clock.true_now)
        async with LinkedHome(twin, clock, claim_code=twin.issue_claim_code()) as home:
            await home.add_device(LAMP)
            await home.edit("automation", RULE, {"name": "rule", "triggers": [], "actions": []})
            await home.record("device_telemetry", *(telemetry(LAMP, n) for n in range(records)))
            await home.record("device_states", *(device_state(LAMP, f"id-{n}", n) for n in range(records)))
            await home.record("automation_executions", *(execution(RULE, f"run-{n}", n) for n in range(5)))
            await asyncio.sleep(60)
            assert len(twin.stored("device_telemetry")) == records
            return await story(home, twin)

    return live(whole())


async def verified(home: LinkedHome, days: int = 8, stream: str | None = None) -> Any:
    said = [each async for each in home.uplink.verify(days, stream)]
    return said[-1]["verified"]


def told(report: Any, stream: str = "device_telemetry") -> dict[str, Any]:
    return next(each for each in report["streams"] if each["stream"] == stream)


def test_a_clean_pair_is_left_as_it_is_and_costs_one_question_a_stream() -> None:
    async def story(home: LinkedHome, twin: CloudTwin) -> None:
        before, envelopes = list(twin.rows["device_telemetry"]), len(twin.envelopes)
        asked: list[Any] = []
        ask = twin.reconcile

        async def listen(request: Any) -> Any:
            asked.append(request)
            return await ask(request)

        twin.reconcile = listen
        report = await verified(home)
        assert report["is_agreed"]
        assert report["text"] == "65 records of this hub were compared. The cloud has them all."
        assert told(report)["differing_days"] == 0
        assert twin.rows["device_telemetry"] == before
        assert [each for each in twin.envelopes[envelopes:] if "repair" in str(each)] == []
        assert [list(each.get("streams", ())) for each in asked] == [
            [],
            ["automation_executions"],
            ["device_states"],
            ["device_telemetry"],
        ]

    with_home(story)


def test_what_was_lost_or_changed_in_the_cloud_is_there_again_once() -> None:
    async def story(home: LinkedHome, twin: CloudTwin) -> None:
        rows = twin.rows["device_telemetry"]
        whole = sorted(str(each.row) for each in rows)
        rows[3].row = {**rows[3].row, "value": 99.0}
        del rows[10:14]
        runs = twin.rows["automation_executions"]
        runs[2].row = {**runs[2].row, "status": "failed"}
        report = await verified(home)
        assert {name: told(report)[name] for name in ("missing", "repaired", "refused", "still")} == {
            "missing": 5,
            "repaired": 5,
            "refused": 0,
            "still": 0,
        }
        assert told(report, "automation_executions")["repaired"] == 1
        assert report["text"] == (
            "65 records of this hub were compared. 6 were missing or changed in the cloud: 6 were sent again and are there now."
        )
        assert sorted(str(each.row) for each in rows) == whole
        assert {each["status"] for each in twin.stored("automation_executions")} == {"success"}
        assert (await verified(home))["text"].endswith("The cloud has them all.")

    with_home(story)


@pytest.mark.parametrize("rows_max", [1, 2, 3, 5])
def test_measurements_of_one_moment_do_not_drive_each_other_out_where_little_goes_at_a_time(rows_max: int) -> None:
    async def story(home: LinkedHome, twin: CloudTwin) -> None:
        at = home.clock.now().wall
        several = [{**telemetry(LAMP, n), "time": at, "entity_id": f"sensor.{n}"} for n in range(200, 203)]
        await home.record("device_telemetry", telemetry(LAMP, 100), *several, telemetry(LAMP, 101))
        await asyncio.sleep(60)
        rows = twin.rows["device_telemetry"]
        numbers = [row.seq for row in rows]
        rows[:] = [row for row in rows if row.row["value"] not in {201.0, 100.0}]
        twin.rows_max = rows_max
        await home.record("device_states", *(device_state(LAMP, f"more-{n}", 50 + n) for n in range(3)))
        await asyncio.sleep(900)
        report = await verified(home)
        assert (told(report)["missing"], told(report)["still"]) == (2, 0)
        assert sorted(row.seq for row in twin.rows["device_telemetry"]) == numbers

    with_home(story)


def test_what_the_cloud_refuses_is_told_with_its_reason_and_not_sent_again() -> None:
    async def story(home: LinkedHome, twin: CloudTwin) -> None:
        twin.unusable = lambda stream, row: row.get("value") in (100.0, 101.0)
        await home.record("device_telemetry", telemetry(LAMP, 100), telemetry(LAMP, 101), telemetry(LAMP, 102))
        await asyncio.sleep(120)
        letters, envelopes = len(twin.dead_letters), len(twin.envelopes)
        report = await verified(home)
        assert told(report)["refused"] == 2
        assert told(report)["reasons"] == {"unusable": 2}
        assert report["is_agreed"]
        assert "2 were refused there" in report["text"]
        assert len(twin.dead_letters) == letters
        assert [each for each in twin.envelopes[envelopes:] if each["streams"]] == []

    with_home(story)


def test_a_hub_that_may_not_speak_any_more_takes_no_record_for_refused() -> None:
    async def story(home: LinkedHome, twin: CloudTwin) -> None:
        del twin.rows["device_telemetry"][3]

        async def retired(_envelope: bytes) -> Any:
            raise CloudRefused("Another hub has taken over this home.", code="hub_retired")

        twin.ingest = retired
        with pytest.raises(CloudRefused, match="taken over"):
            await verified(home)
        assert home.uplink.status()["verified"] is None

    with_home(story)


def test_what_is_sent_again_and_what_is_sent_live_never_go_at_the_same_time() -> None:
    async def story(home: LinkedHome, twin: CloudTwin) -> None:
        del twin.rows["device_telemetry"][3:9]
        ingest, at_once, most = twin.ingest, 0, 0

        async def slow(envelope: bytes) -> Any:
            nonlocal at_once, most
            at_once += 1
            most = max(most, at_once)
            await asyncio.sleep(5)
            at_once -= 1
            return await ingest(envelope)

        twin.ingest = slow
        comparing = asyncio.ensure_future(verified(home))
        for n in range(8):
            await home.record("automation_executions", execution(RULE, f"meanwhile-{n}", n))
            await asyncio.sleep(2)
        await comparing
        assert most == 1

    with_home(story)


def test_an_earlier_hubs_records_of_the_same_days_are_no_fault() -> None:
    async def story(home: LinkedHome, twin: CloudTwin) -> None:
        rows = twin.rows["device_telemetry"]
        stranger = type(rows[0])(
            "old hub", "old mirror", 1, 1, {**rows[0].row, "value": -1.0, "metric_type": "humidity"}
        )
        rows.append(stranger)
        report = await verified(home)
        assert (told(report)["differing_days"], told(report)["missing"]) == (1, 0)
        assert report["is_agreed"]
        assert stranger in rows

    with_home(story)


def test_a_cloud_that_only_counts_gets_the_whole_day_and_takes_what_is_missing() -> None:
    async def story(home: LinkedHome, twin: CloudTwin) -> None:
        ask = twin.reconcile

        async def older(request: Any) -> Any:
            answer = await ask(request)
            for body in answer["streams"].values():
                for day in body["days"].values():
                    day.pop("hash", None)
            return answer

        twin.reconcile = older
        del twin.rows["device_telemetry"][5:9]
        report = await verified(home)
        assert {name: told(report)[name] for name in ("by", "missing", "repaired", "still")} == {
            "by": "count",
            "missing": 4,
            "repaired": 4,
            "still": 0,
        }
        assert len(twin.stored("device_telemetry")) == 30

    with_home(story)


def test_a_cloud_that_cannot_compare_at_all_says_so() -> None:
    async def story(home: LinkedHome, twin: CloudTwin) -> None:
        async def unknown(request: Any) -> Any:
            raise CloudRefused("There is no function hub_reconcile_v1.", code="function_unknown")

        twin.reconcile = unknown
        with pytest.raises(CloudRefused, match="hub_reconcile_v1"):
            await verified(home)

    with_home(story)


def test_whatever_is_lost_on_the_way_it_goes_on_where_it_was() -> None:
    async def story(home: LinkedHome, twin: CloudTwin) -> None:
        del twin.rows["device_telemetry"][2:25]
        twin.faults = STORMY
        for _ in range(20):
            try:
                report = await verified(home)
            except OperatingError:
                await asyncio.sleep(300)
            else:
                break
        assert report["is_agreed"]
        values = [each["value"] for each in twin.stored("device_telemetry")]
        assert sorted(values) == [float(n) for n in range(30)]

    with_home(story)


def test_definitions_that_the_cloud_forgot_are_sent_again_and_newer_ones_fetched() -> None:
    async def story(home: LinkedHome, twin: CloudTwin) -> None:
        del twin.definitions["automation", RULE]
        device = twin.definitions["device", LAMP]
        device.version, device.fields = 9, {**device.fields, "device_name": "renamed"}
        report = await verified(home)
        assert (report["definitions_forgotten_there"], report["definitions_newer_there"]) == (1, 1)
        await asyncio.sleep(120)
        assert twin.definitions["automation", RULE].fields["name"] == "rule"
        known = home.definitions.get("device", LAMP)
        assert known is not None
        assert (known.fields["device_name"], known.version) == ("renamed", 9)
        assert (await verified(home))["definitions_forgotten_there"] == 0

    with_home(story)


def test_it_is_done_by_itself_once_a_day_in_the_night() -> None:
    async def story(home: LinkedHome, twin: CloudTwin) -> None:
        del twin.rows["device_telemetry"][2:25]
        await asyncio.sleep(ONE_DAY_S)
        assert len(twin.stored("device_telemetry")) == 30
        assert datetime.fromisoformat(home.uplink.status()["verified"]["finished_at"]).hour in {2, 3, 4}

    with_home(story)


def test_it_is_done_once_a_night_and_not_before_the_time_is_known() -> None:
    async def story(home: LinkedHome, twin: CloudTwin) -> None:
        asked: list[int] = []
        ask = twin.reconcile

        async def noting(request: Any) -> Any:
            if request["definitions"] is not None:
                asked.append(home.clock.now().wall.day)
            return await ask(request)

        async def unconfirmed(_offset_s: float) -> None:
            """Nobody sets this clock."""

        twin.reconcile = noting
        await asyncio.sleep(4 * ONE_DAY_S)
        assert len(asked) == len(set(asked)) == 4
        await home.crash()
        home._clock_confirmed = unconfirmed
        home.clock.is_trusted = False
        home.start()
        await asyncio.sleep(6 * 3600)
        assert len(asked) == 4

    with_home(story)


def test_a_fault_in_comparing_does_not_stop_the_link() -> None:
    async def story(home: LinkedHome, twin: CloudTwin) -> None:
        async def faulty(*_args: Any) -> Any:
            raise RuntimeError("a fault of our own")

        home.store.printed = faulty
        await asyncio.sleep(ONE_DAY_S)
        await home.record("device_states", device_state(LAMP, "after", 90))
        await asyncio.sleep(20)
        assert "after" in [row["id"] for row in twin.stored("device_states")]

    with_home(story)


def test_a_cloud_that_was_put_back_is_compared_by_itself_soon() -> None:
    async def story(home: LinkedHome, twin: CloudTwin) -> None:
        key = next(key for key in twin.marks if key[2] == "device_telemetry")
        twin.marks[key] = 20
        twin.rows["device_telemetry"] = twin.rows["device_telemetry"][:10] + twin.rows["device_telemetry"][12:20]
        await home.record("device_telemetry", telemetry(LAMP, 100))
        await asyncio.sleep(1000)
        assert len(twin.stored("device_telemetry")) == 31
        assert told(home.uplink.status()["verified"])["repaired"] == 2

    with_home(story)


def test_what_waits_to_be_sent_goes_first_and_is_not_taken_for_missing() -> None:
    async def story(home: LinkedHome, twin: CloudTwin) -> None:
        twin.rows_max = 10
        await home.record("device_telemetry", *(telemetry(LAMP, n) for n in range(100, 400)))
        report = await verified(home)
        assert told(report)["missing"] == 0
        await asyncio.sleep(600)
        assert len(twin.stored("device_telemetry")) == 330

    with_home(story)


def test_bad_questions_and_an_absent_cloud_are_told_in_words() -> None:
    async def story(home: LinkedHome, twin: CloudTwin) -> None:
        with pytest.raises(NotPossible, match="no stream dreams"):
            await verified(home, stream="dreams")
        with pytest.raises(NotPossible, match="days"):
            await verified(home, days=0)
        first = home.uplink.verify(8, None)
        await anext(first)
        with pytest.raises(NotPossible, match="already"):
            await verified(home)
        await first.aclose()
        assert len((await verified(home, stream="device_states"))["streams"]) == 1
        twin.cut()
        await asyncio.sleep(300)
        with pytest.raises(NotPossible, match="cannot be reached"):
            await verified(home)

    with_home(story)


def test_on_a_metered_connection_it_is_done_by_itself_once_a_week() -> None:
    async def story(home: LinkedHome, twin: CloudTwin) -> None:
        await home.crash()
        home.flow = Flow(is_metered=True)
        asked: list[datetime] = []
        ask = twin.reconcile

        async def noting(request: Any) -> Any:
            if request["definitions"] is not None:
                asked.append(home.clock.now().wall)
            return await ask(request)

        twin.reconcile = noting
        for _ in range(2):
            home.start()
            await asyncio.sleep(3.5 * ONE_DAY_S)
            await home.crash()
        assert len(asked) == 1

    with_home(story)


def test_the_quiet_time_of_once_a_week_is_a_day_of_the_week_of_its_own() -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    for chance in (0.0, 0.5, 0.999):
        nights = [quiet_time_after(now + timedelta(hours=n), UTC, chance, 7) for n in range(0, 24 * 21, 5)]
        assert len(set(nights)) in {3, 4}
        assert {later - before for before, later in pairwise(sorted(set(nights)))} == {timedelta(days=7)}


@pytest.mark.parametrize(
    "now, zone, chance, due",
    [
        ("2026-03-01T12:00+00:00", "UTC", 0.0, "2026-03-02T02:00+00:00"),
        ("2026-03-01T01:00+00:00", "UTC", 0.5, "2026-03-01T03:30+00:00"),
        ("2026-03-01T02:30+00:00", "UTC", 0.1, "2026-03-02T02:18+00:00"),
        ("2026-03-01T12:00+00:00", "Asia/Tokyo", 0.0, "2026-03-01T17:00+00:00"),
    ],
)
def test_the_quiet_time_is_the_homes_night(now: str, zone: str, chance: float, due: str) -> None:
    at = quiet_time_after(datetime.fromisoformat(now), ZoneInfo(zone), chance)
    assert at.astimezone(UTC) == datetime.fromisoformat(due)
    assert at - datetime.fromisoformat(now) <= timedelta(days=1)
