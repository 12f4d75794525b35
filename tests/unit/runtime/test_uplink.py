"""The link to the cloud, under virtual time against the twin: what is owed arrives once, whatever happens on the way."""

import asyncio
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest

from hub_agent.errors import CloudRefused, MirrorFull, NotPossible
from hub_agent.ports import Identity, Remembered, StreamPosition
from hub_agent.store.store import Mirror
from tests.fakes.cloud_twin import CALM, STORMY, CloudTwin
from tests.fakes.linked_home import LinkedHome, VirtualClock, device_state, execution, live, telemetry
from tests.fakes.memory_store import MemoryStore

LAMP = "00000000-0000-4000-8000-000000000001"
RULE = "00000000-0000-4000-8000-0000000000a1"
KITCHEN = "00000000-0000-4000-8000-0000000000b1"


def world(*, clock: VirtualClock | None = None, store: MemoryStore | None = None, is_claimed: bool = True):
    clock = clock or VirtualClock()
    twin = CloudTwin(clock.true_now)
    home = LinkedHome(twin, clock, claim_code=twin.issue_claim_code() if is_claimed else None, store=store)
    return twin, home


async def with_lamp():
    twin, home = world()
    home.start()
    await home.add_device(LAMP)
    await asyncio.sleep(10)
    return twin, home


def test_a_claim_code_makes_the_hub_part_of_the_home() -> None:
    async def story() -> None:
        twin, home = world()
        async with home:
            await asyncio.sleep(10)
            assert home.store.identity.hub_id == twin.hub_id
            assert home.store.identity.home_id == twin.home_id
            assert home.uplink.status()["is_online"] is True
            assert home.uplink.status()["text"] == "Online: the cloud has everything."
            assert home.definitions.of_kind("home")[0].fields["timezone"] == "Europe/Stockholm"

    live(story())


def test_without_a_claim_code_the_hub_stays_at_home_and_says_what_to_do() -> None:
    async def story() -> None:
        _, home = world(is_claimed=False)
        async with home:
            await asyncio.sleep(1000)
            assert home.uplink.status()["is_claimed"] is False
            assert "cloud.claim_code" in home.uplink.status()["text"]
            home.claim_code = home.cloud.issue_claim_code()
            await home.restart()
            await asyncio.sleep(10)
            assert home.uplink.status()["is_online"] is True

    live(story())


def test_a_code_that_somebody_gives_makes_the_hub_part_of_the_home_at_once_and_only_once() -> None:
    async def story() -> None:
        twin, home = world(is_claimed=False)
        async with home:
            await asyncio.sleep(10)
            with pytest.raises(NotPossible):
                await home.uplink.claim("WRONG")
            assert home.uplink.status()["is_claimed"] is False
            await home.uplink.claim(twin.issue_claim_code())
            await asyncio.sleep(10)
            assert home.store.identity.hub_id == twin.hub_id
            assert home.uplink.status()["is_online"] is True
            assert home.claim_answer is not None
            with pytest.raises(NotPossible, match="already"):
                await home.uplink.claim(twin.issue_claim_code())

    live(story())


def test_a_wrong_claim_code_is_said_and_not_tried_again_at_once() -> None:
    async def story() -> None:
        twin, home = world(is_claimed=False)
        home.claim_code = "WRONG"
        tries = []
        ask = twin._claim
        twin._claim = lambda code, request: tries.append(code) or ask(code, request)
        async with home:
            await asyncio.sleep(800)
            assert "not known" in home.uplink.status()["text"]
            assert len(tries) == 1

    live(story())


def test_a_claim_whose_answer_was_lost_is_made_again() -> None:
    async def story() -> None:
        twin, home = world()
        through = twin._through
        lost = []

        async def lose_first(work):
            answer = await through(work)
            if not lost:
                lost.append(answer)
                twin.is_offline = True
                return await through(work)
            return answer

        twin._through = lose_first
        async with home:
            await asyncio.sleep(5)
            twin.mend()
            await asyncio.sleep(120)
            assert home.store.identity.secret == twin.secret

    live(story())


def test_records_go_up_once_and_the_marks_come_back() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        await home.record("device_states", *(device_state(LAMP, f"0000000{n}", n) for n in range(5)))
        await home.record("device_telemetry", *(telemetry(LAMP, n) for n in range(7)))
        await asyncio.sleep(20)
        await home.crash()
        assert [row["id"] for row in twin.stored("device_states")] == [f"0000000{n}" for n in range(5)]
        assert [row["value"] for row in twin.stored("device_telemetry")] == [float(n) for n in range(7)]
        assert home.store.marks == {"device_states": 5, "device_telemetry": 7}

    live(story())


def test_what_is_urgent_goes_after_a_second_and_measurements_wait_for_company() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        await home.record("device_states", device_state(LAMP, "1", 1))
        await asyncio.sleep(1.5)
        assert twin.mark("device_states") == 1
        await home.record("device_telemetry", telemetry(LAMP, 1))
        await asyncio.sleep(1.5)
        assert twin.mark("device_telemetry") == 0
        await asyncio.sleep(5)
        assert twin.mark("device_telemetry") == 1
        await home.crash()

    live(story())


def test_the_end_of_a_backlog_does_not_wait_for_company() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        twin.rows_max = 50
        await home.record("device_states", device_state(LAMP, "1", 1))
        await asyncio.sleep(10)  # the limit is heard
        await home.record("device_telemetry", *(telemetry(LAMP, n) for n in range(120)))
        await asyncio.sleep(7)
        assert twin.mark("device_telemetry") == 120
        assert [row["value"] for row in twin.stored("device_telemetry")] == [float(n) for n in range(120)]
        await home.crash()

    live(story())


def test_an_idle_hub_says_once_a_minute_that_it_is_there_and_nothing_more() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        await asyncio.sleep(120)
        before = len(twin.envelopes)
        await asyncio.sleep(600)
        assert 9 <= len(twin.envelopes) - before <= 11
        await home.crash()

    live(story())


def test_after_an_outage_the_present_comes_before_the_past_and_the_critical_before_the_bulk() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        await home.edit(
            "automation", RULE, {"name": "rule", "automation_type": "trigger_based", "triggers": [], "actions": []}
        )
        await asyncio.sleep(10)
        twin.cut()
        await home.record("device_telemetry", *(telemetry(LAMP, n) for n in range(20)))
        await home.record("automation_executions", *(execution(RULE, str(n), n) for n in range(5)))
        home.devices_seen[LAMP] = {"is_online": False}
        await asyncio.sleep(3600)
        assert home.uplink.status()["is_online"] is False
        assert home.uplink.status()["waiting"] == 25
        assert "home goes on" in home.uplink.status()["text"]
        before = len(twin.envelopes)
        twin.rows_max = 8
        twin.mend()
        await asyncio.sleep(120)
        first, second, *rest = twin.envelopes[before:]
        assert first["present"]["devices"][LAMP] == {"is_online": False}
        assert first["streams"] == {}
        assert second["streams"]["automation_executions"]["first"] == 1
        assert len(rest) >= 2
        assert twin.mark("device_telemetry") == 20
        assert home.uplink.status()["is_online"] is True
        await home.crash()

    live(story())


def test_an_outage_is_noticed_within_seconds_and_its_end_within_a_minute() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        twin.cut()
        await asyncio.sleep(6)
        assert home.uplink.status()["is_online"] is False
        await asyncio.sleep(600)
        twin.mend()
        await asyncio.sleep(61)
        assert home.uplink.status()["is_online"] is True
        assert [change.body["is_online"] for change in home.changes if change.topic == "sync"][-1] is True
        await home.crash()

    live(story())


def test_retry_after_is_obeyed() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        twin.retry_after_s = 300
        twin.cut()
        await home.record("device_states", device_state(LAMP, "1", 1))
        await asyncio.sleep(10)
        twin.mend()
        twin.retry_after_s = None
        await asyncio.sleep(280)
        assert twin.mark("device_states") == 0
        await asyncio.sleep(120)
        assert twin.mark("device_states") == 1
        await home.crash()

    live(story())


def test_a_pause_that_the_cloud_asks_for_is_kept_even_with_a_backlog() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        twin.pause_s = 200
        await home.record("device_states", device_state(LAMP, "1", 1))
        await asyncio.sleep(10)
        before = len(twin.envelopes)
        await home.record("device_states", device_state(LAMP, "2", 2))
        await asyncio.sleep(150)
        assert len(twin.envelopes) == before
        await asyncio.sleep(100)
        assert twin.mark("device_states") == 2
        await home.crash()

    live(story())


def test_the_operator_is_told_how_far_each_stream_has_come() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        await home.record("device_states", device_state(LAMP, "1", 1))
        twin.cut()
        await asyncio.sleep(5)
        waiting_since = home.clock.now().wall
        await home.record("device_telemetry", telemetry(LAMP, 1), telemetry(LAMP, 2))
        await asyncio.sleep(200)
        twin.mend()
        await asyncio.sleep(400)
        told = [each["present"]["hub"]["streams"] for each in twin.envelopes if each.get("present")]
        behind = next(each["device_telemetry"] for each in told if each.get("device_telemetry", {}).get("waiting"))
        assert (behind["last"], behind["acknowledged"], behind["waiting"]) == (2, 0, 2)
        assert abs(datetime.fromisoformat(behind["oldest_at"]) - waiting_since) < timedelta(seconds=1)
        assert told[-1]["device_telemetry"] == {"last": 2, "acknowledged": 2, "waiting": 0, "oldest_at": None}
        assert twin.hub_present["streams"].keys() == {"device_states", "device_telemetry"}
        await home.crash()

    live(story())


def test_records_wait_for_the_definitions_that_they_point_at() -> None:
    async def story() -> None:
        twin, home = world()
        async with home:
            for n in range(450):
                await home.add_device(f"00000000-0000-4000-8000-{n:012d}")
                await home.record("device_telemetry", telemetry(f"00000000-0000-4000-8000-{n:012d}", n))
            await asyncio.sleep(120)
            assert twin.dead_letters == []
            assert twin.mark("device_telemetry") == 450

    live(story())


def test_what_is_deleted_here_goes_after_the_records_that_point_at_it() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        await home.record("device_telemetry", telemetry(LAMP, 1))
        await home.keep(home.definitions.delete("device", LAMP, home.clock.now().wall))
        await asyncio.sleep(60)
        assert twin.dead_letters == []
        assert twin.mark("device_telemetry") == 1
        assert twin.definitions["device", LAMP].is_deleted
        assert home.definitions.owed_count == 0
        await home.crash()

    live(story())


def test_a_room_that_the_home_has_already_takes_in_the_devices_of_ours() -> None:
    async def story() -> None:
        twin, home = world()
        twin.put("room", KITCHEN, {"name": "Kitchen"})
        async with home:
            await home.edit("room", "our-kitchen", {"name": "Kitchen"})
            await home.edit("device", LAMP, {"device_name": "lamp", "room_id": "our-kitchen"})
            await asyncio.sleep(60)
            assert twin.definitions["device", LAMP].fields["room_id"] == KITCHEN
            assert home.definitions.get("device", LAMP).fields["room_id"] == KITCHEN
            assert home.definitions.get("room", "our-kitchen") is None
            assert home.definitions.owed_count == 0

    live(story())


def test_a_definition_changed_in_the_cloud_arrives_within_a_second_and_only_then_moves_the_cursor() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        twin.put("automation", RULE, {"name": "rule", "triggers": [{"trigger": "sun"}]})
        await asyncio.sleep(1)
        assert home.definitions.get("automation", RULE).fields["name"] == "rule"
        cursor = home.store.saved_cursor
        home.store.failing = MirrorFull("The disk is full.")
        twin.put("automation", RULE, {"name": "renamed"})
        await asyncio.sleep(30)
        assert home.store.saved_cursor == cursor
        home.store.failing = None
        await home.restart()
        await asyncio.sleep(90)
        assert home.store.definitions["automation", RULE].fields["name"] == "renamed"
        assert home.store.saved_cursor != cursor
        await home.crash()

    live(story())


def test_everything_is_read_anew_at_once_also_while_a_question_is_held_open() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        asked: list[str | None] = []
        changes = twin.changes

        async def listen(cursor: str | None, wait_s: int) -> Any:
            asked.append(cursor)
            return await changes(cursor, wait_s)

        twin.changes = listen
        twin.put("automation", RULE, {"name": "rule", "triggers": []})
        await asyncio.sleep(3)
        asked.clear()
        home.uplink.read_all()
        await asyncio.sleep(0.5)
        assert asked == [None, home.store.saved_cursor]
        twin.put("automation", RULE, {"name": "renamed"})
        await asyncio.sleep(1)
        assert home.definitions.get("automation", RULE).fields["name"] == "renamed"
        assert home.uplink.status()["last_error"] is None
        await home.crash()

    live(story())


def test_an_edit_here_goes_up_and_is_not_heard_as_an_echo() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        twin.put("automation", RULE, {"name": "rule", "triggers": []})
        await asyncio.sleep(5)
        heard = len(home.news)
        await home.edit("automation", RULE, {"name": "our name"})
        await asyncio.sleep(60)
        assert twin.definitions["automation", RULE].fields["name"] == "our name"
        assert home.definitions.get("automation", RULE).version == 2
        assert len(home.news) == heard + 1
        assert home.definitions.owed_count == 0
        await home.crash()

    live(story())


def test_a_rule_changed_on_both_sides_goes_on_as_here_until_someone_decides() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        twin.put("automation", RULE, {"name": "rule", "triggers": ["a"], "description": "old"})
        await asyncio.sleep(5)
        twin.cut()
        await home.edit("automation", RULE, {"triggers": ["ours"], "name": "our name"})
        twin.put("automation", RULE, {"triggers": ["theirs"], "description": "new"})
        await asyncio.sleep(300)
        twin.mend()
        await asyncio.sleep(120)
        here, there = home.definitions.get("automation", RULE), twin.definitions["automation", RULE]
        assert (here.fields["triggers"], here.fields["name"], here.fields["description"]) == (
            ["ours"],
            "our name",
            "new",
        )
        assert (there.fields["triggers"], there.fields["name"], there.fields["description"]) == (
            ["theirs"],
            "our name",
            "new",
        )
        assert there.sync_status == "conflict"
        assert home.definitions.conflicts[0].theirs == {"triggers": ["theirs"]}
        await home.restart()
        await asyncio.sleep(120)
        assert twin.definitions["automation", RULE].fields["triggers"] == ["theirs"]
        await home.keep(home.definitions.decide("automation", RULE, {"triggers": True}, home.clock.now().wall))
        await asyncio.sleep(30)
        assert twin.definitions["automation", RULE].fields["triggers"] == ["ours"]
        assert twin.definitions["automation", RULE].sync_status == "synced"
        assert home.definitions.conflicts == []
        await home.crash()

    live(story())


def test_both_sides_know_what_gave_way_whichever_of_them_is_heard_first_after_an_outage() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        for turn in range(12):
            twin.cut()
            await home.edit("device", LAMP, {"device_name": f"ours {turn}"})
            twin.put("device", LAMP, {"device_name": f"theirs {turn}"})
            await asyncio.sleep(20 + 7 * turn)
            twin.mend()
            await asyncio.sleep(70)
            assert home.definitions.get("device", LAMP).fields["device_name"] == f"theirs {turn}"
            assert home.definitions.lost.all()[0].value == f"ours {turn}"
            assert twin.definitions["device", LAMP].lost[-1] == ("device_name", "hub", f"ours {turn}")
        await home.crash()

    live(story())


def test_a_cloud_command_is_done_once_and_its_end_is_told() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        command = twin.command("scene.activate", {"scene_id": "s"})
        await asyncio.sleep(5)
        await home.restart()
        await asyncio.sleep(120)
        assert [each.kind for each in home.commands] == ["scene.activate"]
        assert twin.commands[command].status == "done"
        await home.crash()

    live(story())


def test_a_command_that_came_too_late_says_so() -> None:
    async def story() -> None:
        clock = VirtualClock(behind_s=86_400)
        twin, home = world(clock=clock)
        async with home:
            await asyncio.sleep(5)
            twin.command("scene.activate", {}, expires_in_s=0.5)
            twin._now = lambda: clock.true_now() + timedelta(seconds=10)
            deliver = twin._deliver
            twin._deliver = lambda: (
                [
                    {"id": each.id, "kind": each.kind, "payload": {}, "expires_at": each.expires_at.isoformat()}
                    for each in twin.commands.values()
                ]
                or deliver()
            )
            await asyncio.sleep(40)
            assert home.commands[0].is_expired

    live(story())


def test_the_clock_is_set_right_by_the_cloud_before_records_are_sent() -> None:
    async def story() -> None:
        clock = VirtualClock(behind_s=1000.0, is_trusted=False)
        twin, home = world(clock=clock)
        async with home:
            await home.add_device(LAMP)
            await home.record("device_states", device_state(LAMP, "1", 1))
            await asyncio.sleep(30)
            assert home.offsets == [pytest.approx(1000.0, abs=1)]
            assert all(not envelope["streams"] for envelope in twin.envelopes if not envelope["clock"]["trusted"])
            assert twin.mark("device_states") == 1

    live(story())


def test_a_row_that_the_cloud_puts_aside_does_not_hold_up_the_others() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        twin.unusable = lambda stream, row: row.get("value") == 3.0
        await home.record("device_telemetry", *(telemetry(LAMP, n) for n in range(7)))
        await asyncio.sleep(20)
        assert twin.mark("device_telemetry") == 7
        assert [letter["seq"] for letter in twin.dead_letters] == [4]
        await home.crash()

    live(story())


def test_an_envelope_refused_as_a_whole_costs_only_the_row_that_is_to_blame() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        twin.poison = lambda envelope: any(
            4.0 in body.get("columns", {}).get("value", []) for body in envelope["streams"].values()
        )
        await home.record("device_telemetry", *(telemetry(LAMP, n) for n in range(10)))
        await home.record("device_states", *(device_state(LAMP, str(n), n) for n in range(10)))
        await asyncio.sleep(900)
        assert twin.mark("device_states") == 10
        assert twin.mark("device_telemetry") == 4
        assert home.uplink.status()["set_aside"] == ["device_telemetry"]
        twin.poison = lambda envelope: False
        await asyncio.sleep(3700)
        assert twin.mark("device_telemetry") == 10
        assert home.uplink.status()["set_aside"] == []
        await home.crash()

    live(story())


def test_envelopes_that_are_too_large_become_smaller() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        twin.rows_max = 3
        await home.record("device_states", *(device_state(LAMP, str(n), n) for n in range(40)))
        await asyncio.sleep(900)
        assert twin.mark("device_states") == 40
        await home.crash()

    live(story())


def test_definitions_that_are_too_many_for_whatever_lies_between_go_a_few_at_a_time() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        twin.poison = lambda envelope: len(envelope["definitions"]) > 3
        twin.cut()
        scenes = [f"scene-{n}" for n in range(20)]
        for scene in scenes:
            fields = {"name": scene, "device_states": []}
            await home.keep(home.definitions.edit("scene", scene, fields, home.clock.now().wall))
        twin.mend()
        await asyncio.sleep(900)
        assert home.definitions.owed_count == 0
        assert {key for kind, key in twin.definitions if kind == "scene"} == {*scenes}
        await home.crash()

    live(story())


def test_what_was_shed_is_told_and_the_rest_goes_on() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        twin.cut()
        await home.record("device_telemetry", *(telemetry(LAMP, n) for n in range(10)))
        home.store.shed("device_telemetry", 3, 6)
        await asyncio.sleep(60)
        twin.mend()
        await asyncio.sleep(120)
        assert [row["value"] for row in twin.stored("device_telemetry")] == [0.0, 1.0, 6.0, 7.0, 8.0, 9.0]
        assert [gap["count"] for gap in twin.gaps.values()] == [4]
        assert twin.mark("device_telemetry") == 10
        assert home.store.pending_gaps == []
        await home.crash()

    live(story())


def test_what_the_cloud_has_lost_is_sent_again() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        await home.record("device_states", *(device_state(LAMP, str(n), n) for n in range(10)))
        await asyncio.sleep(10)
        twin.marks["mirror-1", 1, "device_states"] = 4
        twin.rows["device_states"] = twin.rows["device_states"][:4]
        await home.record("device_states", device_state(LAMP, "10", 10))
        await asyncio.sleep(60)
        assert [row["id"] for row in twin.stored("device_states")] == [str(n) for n in range(11)]
        await home.crash()

    live(story())


def test_a_hub_that_was_replaced_is_told_so_and_does_not_press() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        twin.retired = True
        tries = []
        ingest = twin._ingest
        twin._ingest = lambda envelope: tries.append(1) or ingest(envelope)
        await home.record("device_states", device_state(LAMP, "1", 1))
        await asyncio.sleep(1800)
        assert "taken over" in home.uplink.status()["text"]
        assert len(tries) <= 5
        await home.crash()

    live(story())


def test_a_fault_of_our_own_is_survived() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        ingest = twin.ingest
        broken = [True]

        async def fail(envelope):
            if broken:
                raise ZeroDivisionError
            return await ingest(envelope)

        twin.ingest = fail
        await home.record("device_states", device_state(LAMP, "1", 1))
        await asyncio.sleep(60)
        broken.clear()
        await asyncio.sleep(120)
        assert twin.mark("device_states") == 1
        await home.crash()

    live(story())


def test_answers_that_make_no_sense_confirm_nothing() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        answers = iter(
            [
                {},
                {"marks": []},
                {"marks": {"device_states": True}},
                {"marks": {"device_states": "9"}, "limits": 3, "pause_s": -1, "definitions": [None, 3]},
            ]
        )
        ingest = twin.ingest

        async def babble(envelope):
            return next(answers, None) or await ingest(envelope)

        twin.ingest = babble
        await home.record("device_states", device_state(LAMP, "1", 1))
        await asyncio.sleep(400)
        assert home.store.marks == {"device_states": 1}
        assert twin.mark("device_states") == 1
        await home.crash()

    live(story())


def test_the_status_never_shows_the_secret() -> None:
    async def story() -> None:
        twin, home = await with_lamp()
        assert twin.secret not in repr(home.uplink.status())
        assert twin.secret not in repr(home.uplink.identity)
        await home.crash()

    live(story())


def test_a_cursor_that_the_cloud_does_not_know_is_begun_anew() -> None:
    async def story() -> None:
        store = MemoryStore(Identity("home", None, None, "mirror-1"))
        store.saved_cursor = "not-a-cursor"
        twin, home = world(store=store)
        async with home:
            twin.put("automation", RULE, {"name": "rule"})
            await asyncio.sleep(30)
            assert home.definitions.get("automation", RULE) is not None

    live(story())


def test_refusals_carry_the_clouds_own_word() -> None:
    assert CloudRefused("no", code="hub_retired").code == "hub_retired"


class HomeMirror(Mirror):
    """The real mirror, with what the linked home asks of its store besides the port."""

    definitions: ClassVar[dict] = {}
    saved: ClassVar[dict] = {}

    def begin(self, remembered: Remembered) -> None:
        self.identity = remembered.identity
        self.saved = remembered.saved
        self.ever_done: set[str] = set()

    def positions_now(self) -> list[StreamPosition]:
        return self._ledger.positions()


def test_the_real_mirror_and_a_stormy_cloud_agree_in_the_end(tmp_path) -> None:
    async def story() -> None:
        clock = VirtualClock()
        mirror = HomeMirror(tmp_path / "mirror.db", inline=True)
        mirror.begin(await mirror.open(clock.now()))
        twin, home = world(clock=clock, store=mirror)
        twin.faults = STORMY
        async with home:
            await home.add_device(LAMP)
            for n in range(60):
                await home.record("device_telemetry", telemetry(LAMP, n) | {"entity_id": "sensor.lamp"})
                await asyncio.sleep(3)
            twin.faults = CALM
            await asyncio.sleep(600)
            assert [row["value"] for row in twin.stored("device_telemetry")] == [float(n) for n in range(60)]
            assert home.uplink.status()["text"] == "Online: the cloud has everything."
        await mirror.close(clock.now())

    live(story())
