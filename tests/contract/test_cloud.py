"""What the hub may rely on of any cloud: the twin keeps it as the real SQL does."""

import asyncio
import uuid
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from hub_agent.core.sync.columns import DOWN_KINDS
from hub_agent.core.sync.definitions import OwedDefinition
from hub_agent.core.sync.envelope import Repair, Sender
from hub_agent.errors import ClaimError, CloudRefused
from hub_agent.ports import Case, Gap, RecordBatch
from tests.contract.claimed import NOON, reading, readings


def states(device_id: str, first: int, count: int) -> RecordBatch:
    rows = [
        {
            "created_at": NOON + timedelta(seconds=n),
            "device_id": device_id,
            "state": {"light.a": {"state": "on"}},
            "changed_fields": ["light.a.state"],
            "change_source": "manual",
        }
        for n in range(first, first + count)
    ]
    return RecordBatch("device_states", first, rows)


async def test_a_claim_answers_who_the_hub_is_and_where_it_lives(side) -> None:
    answer = await side.cloud.claim(side.issue_claim_code(), {"hub_name": "hall", "mirror_id": "m"})
    assert answer["home_id"] == side.home_id
    assert answer["hub_id"]
    assert answer["secret"]
    assert answer["home"]["id"] == side.home_id


async def test_a_code_is_good_for_one_mirror_and_again_for_the_same(side) -> None:
    code = side.issue_claim_code()
    first = await side.cloud.claim(code, {"mirror_id": "m"})
    second = await side.cloud.claim(code, {"mirror_id": "m"})
    assert second["hub_id"] == first["hub_id"]
    assert second["secret"] != first["secret"]
    with pytest.raises(ClaimError, match="used"):
        await side.cloud.claim(code, {"mirror_id": "another"})
    with pytest.raises(ClaimError, match="not known"):
        await side.cloud.claim("WRONG-CODE", {"mirror_id": "m"})


async def test_whatever_is_repeated_or_overlaps_is_stored_once(side, hub) -> None:
    lamp = await hub.add_device()
    for first, count in ((1, 10), (1, 10), (5, 10), (12, 8)):
        answer = await hub.ingest(batches=(readings(lamp, first, count),))
    assert answer["marks"]["device_telemetry"] == 19
    assert answer["refused"] == []
    assert side.count("device_telemetry") == 19


async def test_rows_and_columns_store_the_same(side, hub) -> None:
    lamp = await hub.add_device()
    answer = await hub.ingest(batches=(readings(lamp, 1, 3), states(lamp, 1, 4)))
    assert answer["marks"] == {"device_telemetry": 3, "device_states": 4}
    assert (side.count("device_telemetry"), side.count("device_states")) == (3, 4)


async def test_what_lies_beyond_a_hole_is_not_taken_until_a_gap_explains_it(side, hub) -> None:
    lamp = await hub.add_device()
    await hub.ingest(batches=(readings(lamp, 1, 3),))
    assert (await hub.ingest(batches=(readings(lamp, 6, 3),)))["marks"]["device_telemetry"] == 3
    gap = Gap("device_telemetry", 4, 5, 2, "disk_full")
    assert (await hub.ingest(batches=(readings(lamp, 6, 3),), gaps=(gap,)))["marks"]["device_telemetry"] == 8
    assert side.gaps() == [("device_telemetry", 4, 5)]
    assert side.count("device_telemetry") == 6


async def test_a_gap_alone_moves_the_mark(hub) -> None:
    gap = Gap("device_states", 1, 7, 7, "disk_full")
    assert (await hub.ingest(gaps=(gap,)))["marks"] == {"device_states": 7}


async def test_a_new_epoch_counts_from_nothing(side, hub) -> None:
    lamp = await hub.add_device()
    await hub.ingest(batches=(readings(lamp, 1, 3),))
    hub.sender = Sender(hub.sender.hub_id, "mirror-1", 2, "0.1.0")
    assert (await hub.ingest(batches=(readings(lamp, 1, 2),)))["marks"] == {"device_telemetry": 2}
    assert side.count("device_telemetry") == 5


async def test_a_bad_row_is_set_aside_and_its_neighbours_are_stored(side, hub) -> None:
    lamp = await hub.add_device()
    rows = [reading(lamp, 1), reading(str(uuid.uuid4()), 2), reading(lamp, 3)]
    answer = await hub.ingest(batches=(RecordBatch("device_telemetry", 1, rows),))
    assert answer["marks"] == {"device_telemetry": 3}
    assert [(one["stream"], one["seq"]) for one in answer["refused"]] == [("device_telemetry", 2)]
    assert side.dead_letters() == [("device_telemetry", 2)]
    assert side.count("device_telemetry") == 2


async def test_a_stream_nobody_knows_is_refused_alone(hub) -> None:
    lamp = await hub.add_device()
    answer = await hub.ingest(batches=(RecordBatch("dreams", 1, [{"a": 1}]), readings(lamp, 1, 1)))
    assert answer["marks"].get("dreams", 0) == 0
    assert answer["marks"]["device_telemetry"] == 1


async def test_text_that_no_database_takes_does_not_hold_up_the_rest(side, hub) -> None:
    lamp = await hub.add_device()
    rows = [reading(lamp, 1) | {"unit": "a\0b\\u0000"}, reading(lamp, 2) | {"unit": "\ud800"}, reading(lamp, 3, 2**70)]
    answer = await hub.ingest(batches=(RecordBatch("device_telemetry", 1, rows),))
    assert answer["marks"] == {"device_telemetry": 3}


async def test_the_present_is_taken_column_by_column(side, hub) -> None:
    lamp = await hub.add_device()
    await hub.ingest(
        present={"devices": {lamp: {"is_online": True, "battery_level": 80}}, "automations": {}, "scenes": {}}
    )
    await hub.ingest(present={"devices": {lamp: {"is_online": False}, str(uuid.uuid4()): {"is_online": True}}})
    assert side.presence(lamp) == {"is_online": False, "battery_level": 80}


async def test_health_is_the_hubs_while_its_present_says_so(side, hub) -> None:
    assert not side.does_hub_measure_health()
    for told, is_its in [({"measures_health": True}, True), (None, True), ({"measures_health": "yes"}, False)]:
        await hub.ingest(present={"devices": {}} if told is None else {"devices": {}, "hub": {"streams": {}, **told}})
        assert side.does_hub_measure_health() is is_its


async def test_how_often_a_network_access_rule_fitted_is_taken(side, hub) -> None:
    rule_id = str(uuid.uuid4())
    side.put("network_access_rule", rule_id, {"rule_name": "Guests", "rule_type": "deny"})
    told = {"hit_count": 7, "last_hit_at": NOON.isoformat()}
    await hub.ingest(present={"network_access_rules": {rule_id: told, str(uuid.uuid4()): told}})
    assert side.hits(rule_id) == 7


async def test_what_is_told_of_a_scenes_copies_is_all_there_is_of_them(side, hub) -> None:
    scene_id = str(uuid.uuid4())
    version = (await hub.define("scene", scene_id, name="Evening", device_states=[]))["version"]
    for told, known in [
        ({"hue": {"sync_status": "pending"}}, {"hue": ("pending", None)}),
        ({"hue": {"sync_status": "synced", "external_entity_id": "7"}}, {"hue": ("synced", "7")}),
        (
            {"zigbee2mqtt": {"sync_status": "unsupported", "error_message": "cannot be kept there"}},
            {"zigbee2mqtt": ("unsupported", None)},
        ),
        ({}, {}),
    ]:
        await hub.ingest(present={"copies": {scene_id: told}})
        assert side.copies(scene_id) == known
    again = await hub.define("scene", scene_id, version, name="Evening", device_states=[])
    assert again["version"] == version


async def test_a_copy_that_makes_no_sense_is_set_aside_and_its_neighbours_are_taken(side, hub) -> None:
    scene_id = str(uuid.uuid4())
    await hub.define("scene", scene_id, name="Evening", device_states=[])
    copies = {
        scene_id: {
            "hue": {"sync_status": "wonderful"},
            "perpetuum": {"sync_status": "synced"},
            "zigbee2mqtt": {"sync_status": "failed"},
        },
        str(uuid.uuid4()): {"hue": {"sync_status": "synced"}},
    }
    await hub.ingest(present={"copies": copies})
    assert side.copies(scene_id) == {"zigbee2mqtt": ("failed", None)}
    assert side.dead_letters() == [("present/copies", None), ("present/copies", None)]


async def test_the_copies_of_a_scene_that_is_deleted_are_forgotten(side, hub) -> None:
    scene_id = str(uuid.uuid4())
    version = (await hub.define("scene", scene_id, name="Evening", device_states=[]))["version"]
    await hub.ingest(present={"copies": {scene_id: {"hue": {"sync_status": "synced"}}}})
    assert (await hub.define("scene", scene_id, version, is_deleted=True))["deleted"]
    assert side.copies(scene_id) == {}


async def test_a_higher_revision_of_a_case_replaces_a_lower_one(side, hub) -> None:
    alert = str(uuid.uuid4())
    row = {
        "time": NOON,
        "alert_type": "device_offline",
        "severity": "warning",
        "title": "Lamp",
        "message": "is gone",
        "status": "active",
    }
    for revision, held in ((1, 1), (3, 3), (2, 3)):
        answer = await hub.ingest(cases=(Case("alerts", alert, revision, row | {"title": f"{revision}"}),))
        assert [(one["id"], one["revision"]) for one in answer["cases"]] == [(alert, held)], answer
    assert side.case_revision("alerts", alert) == 3


async def test_a_definition_of_ours_gets_a_version_and_makes_no_echo(side, hub) -> None:
    cursor = (await hub.all_changes())["cursor"]
    rule = await hub.add_rule()
    assert [each["id"] for each in (await side.cloud.changes(cursor, 0))["changes"]] == []
    assert side.sync_status("automation", rule) == "synced"
    assert (await hub.define("automation", rule, 1, name="renamed")) == {
        "entity_type": "automation",
        "id": rule,
        "version": 2,
        "status": "synced",
    }


async def test_what_was_sent_twice_has_one_version(hub) -> None:
    rule = await hub.add_rule()
    again = await hub.define("automation", rule, None, name="rule", description="old")
    assert (again["version"], again["status"]) == (1, "synced")


async def test_a_change_in_the_cloud_comes_down_once_and_counts_as_taken_over_with_the_next_cursor(side, hub) -> None:
    rule = await hub.add_rule()
    cursor = (await hub.all_changes())["cursor"]
    side.put("automation", rule, {"name": "theirs", "automation_type": "trigger_based", "triggers": [], "actions": []})
    answer = await side.cloud.changes(cursor, 0)
    assert [(each["id"], each["version"], each["fields"]["name"]) for each in answer["changes"]] == [
        (rule, 2, "theirs")
    ]
    assert side.sync_status("automation", rule) == "pending"
    assert (await side.cloud.changes(answer["cursor"], 0))["changes"] == []
    assert side.sync_status("automation", rule) == "synced"


async def test_what_only_one_side_changed_holds_and_the_answer_says_what_the_other_did(side, hub) -> None:
    rule = await hub.add_rule()
    side.put(
        "automation",
        rule,
        {"name": "rule", "automation_type": "trigger_based", "triggers": [], "actions": [], "description": "theirs"},
    )
    answer = await hub.define("automation", rule, 1, name="ours")
    assert answer["status"] == "synced"
    assert answer["version"] == 3
    assert (answer["fields"]["name"], answer["fields"]["description"]) == ("ours", "theirs")


async def test_of_a_name_changed_on_both_sides_the_clouds_holds(side, hub) -> None:
    rule = await hub.add_rule()
    side.put("automation", rule, {"name": "theirs", "automation_type": "trigger_based", "triggers": [], "actions": []})
    answer = await hub.define("automation", rule, 1, name="ours")
    assert (answer["status"], answer["fields"]["name"]) == ("synced", "theirs")


async def test_triggers_changed_on_both_sides_wait_for_a_decision(side, hub) -> None:
    rule = await hub.add_rule()
    side.put(
        "automation",
        rule,
        {"name": "rule", "automation_type": "trigger_based", "triggers": [{"theirs": 1}], "actions": []},
    )
    answer = await hub.define("automation", rule, 1, triggers=[{"ours": 1}], description="ours")
    assert (answer["status"], answer["disputed"]) == ("conflict", ["triggers"])
    assert (answer["fields"]["triggers"], answer["fields"]["description"]) == ([{"theirs": 1}], "ours")
    assert side.sync_status("automation", rule) == "conflict"
    decision = await hub.define("automation", rule, answer["version"], triggers=[{"ours": 1}])
    assert decision["status"] == "synced"
    assert side.sync_status("automation", rule) == "synced"


async def disputed_rule(side, hub) -> tuple[str, str]:
    """A rule of which both sides changed triggers and actions, and the cursor after that."""
    rule = await hub.add_rule()
    theirs = {
        "name": "rule",
        "automation_type": "trigger_based",
        "triggers": [{"theirs": 1}],
        "actions": [{"delay": 1}],
    }
    side.put("automation", rule, theirs)
    await hub.define("automation", rule, 1, triggers=[{"ours": 1}], actions=[{"delay": 2}])
    return rule, (await hub.all_changes())["cursor"]


@pytest.mark.parametrize("whose", ["hub", "cloud"])
async def test_a_decision_in_the_cloud_comes_down_and_the_losing_values_are_kept(side, hub, whose) -> None:
    rule, cursor = await disputed_rule(side, hub)
    answer = side.decide("automation", rule, whose)
    assert (answer["status"], answer["left"]) == ("pending", [])
    assert answer["decided"] == {"triggers": whose, "actions": whose}
    [change] = (await side.cloud.changes(cursor, 0))["changes"]
    assert (change["version"], change["disputed"]) == (answer["version"], [])
    ours, theirs = ([{"ours": 1}], [{"delay": 2}]), ([{"theirs": 1}], [{"delay": 1}])
    holds, gave_way = (ours, theirs) if whose == "hub" else (theirs, ours)
    assert (change["fields"]["triggers"], change["fields"]["actions"]) == holds
    of = "cloud" if whose == "hub" else "hub"
    assert sorted(side.lost("automation", rule)) == [("actions", of, gave_way[1]), ("triggers", of, gave_way[0])]
    await side.cloud.changes((await side.cloud.changes(cursor, 0))["cursor"], 0)
    assert side.sync_status("automation", rule) == "synced"


async def test_a_conflict_is_decided_field_by_field(side, hub) -> None:
    rule, cursor = await disputed_rule(side, hub)
    answer = side.decide("automation", rule, fields={"triggers": "hub"})
    assert (answer["status"], answer["left"]) == ("conflict", ["actions"])
    answers = await side.cloud.changes(cursor, 0)
    [change] = answers["changes"]
    assert (change["fields"]["triggers"], change["disputed"]) == ([{"ours": 1}], ["actions"])
    # What is decided here leaves the disputed field out, and the dispute open.
    told = await hub.define("automation", rule, change["version"], description="ours")
    assert (told["status"], side.sync_status("automation", rule)) == ("synced", "conflict")
    told = await hub.define("automation", rule, told["version"], actions=[{"delay": 2}])
    assert side.sync_status("automation", rule) == "synced"
    assert ("actions", "cloud", [{"delay": 1}]) in side.lost("automation", rule)


async def test_a_hub_that_agrees_with_the_cloud_ends_the_conflict_also_from_an_older_version(side, hub) -> None:
    rule, _ = await disputed_rule(side, hub)
    answer = await hub.define("automation", rule, 1, triggers=[{"theirs": 1}], actions=[{"delay": 1}])
    assert (answer["status"], side.sync_status("automation", rule)) == ("synced", "synced")


async def test_what_waits_for_no_decision_cannot_be_decided(side, hub) -> None:
    rule, _ = await disputed_rule(side, hub)
    with pytest.raises(CloudRefused) as refused:
        side.decide("automation", rule, "hub", {"name": "cloud"})
    assert refused.value.code == "request_malformed"
    with pytest.raises(CloudRefused) as refused:
        side.decide("automation", rule)
    assert refused.value.code == "request_incomplete"
    side.decide("automation", rule, "hub")
    for nothing in (rule, str(uuid.uuid4())):
        with pytest.raises(CloudRefused) as refused:
            side.decide("automation", nothing, "hub")
        assert refused.value.code == "no_conflict"


async def test_of_a_name_changed_on_both_sides_the_hubs_is_kept_as_lost(side, hub) -> None:
    rule = await hub.add_rule()
    side.put("automation", rule, {"name": "theirs", "automation_type": "trigger_based", "triggers": [], "actions": []})
    for _ in range(2):
        await hub.define("automation", rule, 1, name="ours")
    assert ("name", "hub", "ours") in side.lost("automation", rule)


async def test_a_deletion_passes_if_nobody_changed_it_meanwhile(side, hub) -> None:
    rule, other = await hub.add_rule(), await hub.add_rule()
    side.put("automation", other, {"name": "theirs", "automation_type": "trigger_based", "triggers": [], "actions": []})
    gone = await hub.define("automation", rule, 1, is_deleted=True)
    assert (gone["status"], gone["deleted"], gone["version"]) == ("synced", True, 2)
    kept = await hub.define("automation", other, 1, is_deleted=True)
    assert (kept["status"], kept["fields"]["name"]) == ("conflict", "theirs")


async def test_a_deletion_in_the_cloud_leaves_a_tombstone_and_wins_over_a_change(side, hub) -> None:
    rule = await hub.add_rule()
    cursor = (await hub.all_changes())["cursor"]
    side.remove("automation", rule)
    assert [(each["id"], each["deleted"]) for each in (await side.cloud.changes(cursor, 0))["changes"]] == [
        (rule, True)
    ]
    answer = await hub.define("automation", rule, 1, name="ours")
    assert (answer["status"], answer["deleted"]) == ("conflict", True)


async def test_a_room_whose_name_is_taken_is_named(side, hub) -> None:
    kitchen = str(uuid.uuid4())
    side.put("room", kitchen, {"name": "Kitchen"})
    answer = await hub.define("room", str(uuid.uuid4()), name="Kitchen")
    assert answer["status"] == "failed"
    assert answer["existing"]["id"] == kitchen


async def test_a_bad_definition_fails_alone(hub) -> None:
    good, bad = str(uuid.uuid4()), str(uuid.uuid4())
    owed = (OwedDefinition("room", bad, None, {}), OwedDefinition("room", good, None, {"name": "Hall"}))
    answers = {each["id"]: each for each in (await hub.ingest(definitions=owed))["definitions"]}
    assert (answers[bad]["status"], answers[bad]["version"]) == ("failed", None)
    assert answers[good]["status"] == "synced"


async def test_what_the_hub_describes_makes_no_version(hub) -> None:
    lamp = await hub.add_device()
    answer = await hub.define("device", lamp, 1, capabilities={"entities": {}})
    assert (answer["version"], answer["status"]) == (1, "synced")


async def test_a_group_loses_the_device_that_is_deleted_and_its_hub_hears_of_that(side, hub) -> None:
    lamps, group_id = sorted([await hub.add_device() for _ in range(2)]), str(uuid.uuid4())
    stranger = str(uuid.uuid4())
    answer = await hub.define("device_group", group_id, name="lamps", members=[*lamps, stranger])
    assert (answer["status"], answer["fields"]["members"]) == ("synced", lamps)
    cursor = (await hub.all_changes())["cursor"]

    await hub.define("device", lamps[0], 1, is_deleted=True)

    told = {one["id"]: one for one in (await side.cloud.changes(cursor, 0))["changes"]}
    assert (told[group_id]["version"], told[group_id]["fields"]["members"]) == (2, lamps[1:])
    answer = await hub.define("device_group", group_id, 1, name="lamps", members=lamps)
    assert (answer["status"], answer["version"], answer["fields"]["members"]) == ("synced", 2, lamps[1:])


async def test_a_group_whose_name_is_taken_is_named(hub) -> None:
    first = str(uuid.uuid4())
    await hub.define("device_group", first, name="lamps", members=[])
    answer = await hub.define("device_group", str(uuid.uuid4()), name="lamps", members=[])
    assert (answer["status"], answer["existing"]) == ("failed", {"id": first, "version": 1})


async def test_an_alert_rule_goes_up_changes_and_goes(side, hub) -> None:
    rule_id = str(uuid.uuid4())
    rule = {"rule_name": "cold", "rule_type": "threshold", "conditions": {"below": 5}}
    assert (await hub.define("alert_rule", rule_id, **rule, alert_count=3))["version"] == 1
    side.put("alert_rule", rule_id, {"rule_name": "freezing", "rule_type": "threshold", "conditions": {"below": 5}})
    answer = await hub.define("alert_rule", rule_id, 1, **rule | {"conditions": {"below": 3}})
    assert (answer["version"], answer["fields"]["rule_name"], answer["fields"]["conditions"]) == (
        3,
        "freezing",
        {"below": 3},
    )
    assert (await hub.define("alert_rule", rule_id, 3, is_deleted=True))["deleted"] is True


async def test_a_hub_may_change_its_own_homes_zones_and_delete_no_home(side, hub) -> None:
    home = next(one for one in (await hub.all_changes())["changes"] if one["entity_type"] == "home")
    zones = {"zones": [{"name": "Work"}]}
    answer = await hub.define("home", side.home_id, home["version"], metadata=zones)
    assert (answer["status"], answer["version"]) == ("synced", home["version"] + 1)
    home = next(one for one in (await hub.all_changes())["changes"] if one["entity_type"] == "home")
    assert home["fields"]["metadata"] == zones
    assert (await hub.define("home", side.home_id, home["version"], is_deleted=True))["status"] == "failed"


@pytest.mark.parametrize("kind", sorted(DOWN_KINDS))
async def test_what_only_comes_down_is_not_taken(hub, kind) -> None:
    assert (await hub.define(kind, str(uuid.uuid4()), name="mine"))["status"] == "failed"


async def test_commands_come_until_they_are_told_done(side, hub) -> None:
    command = side.command("scene.activate", {"scene_id": "s"})
    delivered = (await side.cloud.changes(None, 0))["commands"]
    assert [(each["id"], each["kind"], each["payload"]) for each in delivered] == [
        (command, "scene.activate", {"scene_id": "s"})
    ]
    assert side.command_status(command) == "delivered"
    for status in ("done", "failed"):
        await hub.ingest(commands_done=({"id": command, "status": status, "result": {"devices": 3}},))
    assert side.command_status(command) == "done"


async def test_changes_wait_until_there_is_one(side, hub) -> None:
    cursor = (await hub.all_changes())["cursor"]
    waiting = asyncio.create_task(side.cloud.changes(cursor, 20))
    await asyncio.sleep(0.2)
    side.command("diagnose", {})
    answer = await asyncio.wait_for(waiting, 10)
    assert [each["kind"] for each in answer["commands"]] == ["diagnose"]


async def test_a_strange_cursor_is_refused_with_a_word_to_decide_by(side, hub) -> None:
    with pytest.raises(CloudRefused) as refused:
        await side.cloud.changes("strange", 0)
    assert refused.value.code == "cursor_malformed"


async def test_the_answer_says_the_time_and_what_may_be_sent(hub) -> None:
    answer = await hub.ingest()
    assert datetime.fromisoformat(answer["server_time"]).tzinfo is not None
    assert answer["limits"]["rows_max"] > 0
    assert answer["pause_s"] == 0


async def test_an_envelope_of_another_hub_is_refused(side, hub) -> None:
    hub.sender = Sender(str(uuid.uuid4()), "mirror-1", 1, "0.1.0")
    with pytest.raises(CloudRefused) as refused:
        await hub.ingest()
    assert refused.value.code == "hub_mismatch"


async def test_nothing_but_an_object_is_an_envelope(side, hub) -> None:
    if not hasattr(side, "db"):
        pytest.skip("not run: the twin takes only what the hub composes")
    with pytest.raises(CloudRefused):
        await side.cloud.ingest(orjson.dumps([1, 2]))


async def life(side, hub, *lineage: str, epoch: int = 1, **parts: Any) -> Any:
    hub.sender = Sender(hub.sender.hub_id, "mirror-1", epoch, "0.1.0", lineage)
    return await hub.ingest(**parts)


async def test_an_envelope_from_a_copy_of_the_mirror_is_not_taken_and_told_of_a_free_epoch(side, hub) -> None:
    lamp = await hub.add_device()
    assert "fork" not in await life(side, hub, "a", batches=(readings(lamp, 1, 3),))
    assert "fork" not in await life(side, hub, "a", "a2", "a3", batches=(readings(lamp, 4, 1),))
    answer = await life(
        side, hub, "a", "b", batches=(readings(lamp, 4, 9),), gaps=(Gap("device_states", 1, 2, 2, "x"),)
    )
    assert answer["fork"] == {"epoch": 2}
    assert answer["marks"] == {"device_telemetry": 4}
    assert (side.count("device_telemetry"), side.gaps()) == (4, [])
    assert (await life(side, hub, "a3", batches=(readings(lamp, 5, 1),)))["marks"] == {"device_telemetry": 5}


async def test_after_a_fork_what_is_missing_is_mended_under_the_old_epoch_and_the_rest_goes_on_in_the_new(
    side, hub
) -> None:
    lamp = await hub.add_device()
    await life(side, hub, "a", batches=(readings(lamp, 1, 5),))
    assert (await life(side, hub, "b"))["fork"] == {"epoch": 2}
    other = RecordBatch("device_telemetry", 4, [reading(lamp, 4), reading(lamp, 104), reading(lamp, 105)])
    answer = await life(side, hub, "b", epoch=2, repairs=(Repair(other, 1),))
    assert answer["marks"] == {}
    # The fourth was there; the fifth has its number and is another; the sixth lies above the mark and comes live.
    assert side.count("device_telemetry") == 6
    gap = Gap("device_telemetry", 1, 5, 0, "before this epoch")
    live = RecordBatch("device_telemetry", 6, [reading(lamp, 105)])
    assert (await life(side, hub, "b", epoch=2, batches=(live,), gaps=(gap,)))["marks"] == {"device_telemetry": 6}
    assert side.count("device_telemetry") == 7
    assert "warnings" not in await life(side, hub, "b", epoch=2)


async def test_of_what_another_copy_may_have_sent_in_its_own_epoch_only_what_is_missing_is_stored(side, hub) -> None:
    lamp = await hub.add_device()
    await life(side, hub, "a", batches=(readings(lamp, 1, 5),))
    assert (await life(side, hub, "b"))["fork"] == {"epoch": 2}
    gap = Gap("device_telemetry", 1, 2, 0, "before this epoch")
    shared = frozenset({"device_telemetry"})
    for _ in range(2):
        answer = await life(side, hub, "b", epoch=2, batches=(readings(lamp, 3, 6),), gaps=(gap,), shared=shared)
        assert (answer["marks"], answer["refused"]) == ({"device_telemetry": 8}, [])
        assert side.count("device_telemetry") == 8


async def test_whoever_begins_a_life_in_an_epoch_that_has_ended_is_taken_for_a_copy(side, hub) -> None:
    await life(side, hub, "a")
    assert (await life(side, hub, "b"))["fork"] == {"epoch": 2}
    assert "fork" not in await life(side, hub, "a")
    for _ in range(2):
        assert (await life(side, hub, "a", "a2"))["fork"] == {"epoch": 3}
    assert "fork" not in await life(side, hub, "a2", epoch=3)
    assert "fork" not in await life(side, hub, "a2", "a3", epoch=3)


async def test_two_machines_that_speak_as_one_hub_are_both_told(side, hub) -> None:
    assert "warnings" not in await life(side, hub, "a")
    assert "warnings" not in await life(side, hub, "b", epoch=2)
    assert (await life(side, hub, "a"))["warnings"] == ["hub_doubled"]
    assert (await life(side, hub, "b", epoch=2))["warnings"] == ["hub_doubled"]
    assert (await life(side, hub, "c", epoch=2))["fork"] == {"epoch": 3}


async def test_what_this_hub_wrote_itself_it_has_seen_also_where_the_answer_got_lost(side, hub) -> None:
    rule_id = await hub.add_rule()
    lost = await hub.define("automation", rule_id, 1, name="first thought", triggers=[{"trigger": "state"}])
    answer = await hub.define("automation", rule_id, 1, name="second thought", triggers=[{"trigger": "sun"}])

    assert answer["status"] == "synced"
    assert answer["version"] == lost["version"] + 1
    [change] = [each for each in (await hub.all_changes())["changes"] if each["id"] == rule_id]
    assert (change["fields"]["name"], change["fields"]["triggers"]) == ("second thought", [{"trigger": "sun"}])


async def test_what_a_row_brought_back_with_it_is_told_again_where_the_answer_got_lost(side, hub) -> None:
    """The hub knows a deleted row by its id only: brought back, it has columns that the hub never sent."""
    rule_id = await hub.add_rule()
    side.put("automation", rule_id, whole(description="there"))
    gone = await hub.define("automation", rule_id, 2, is_deleted=True)
    back = await hub.define("automation", rule_id, gone["version"], name="here again")
    again = await hub.define("automation", rule_id, gone["version"], name="here again")

    assert back["fields"]["description"] == again["fields"]["description"] == "there"
    assert again["version"] == back["version"]


async def test_what_people_wrote_in_between_is_still_merged(side, hub) -> None:
    rule_id = await hub.add_rule()
    await hub.define("automation", rule_id, 1, name="first thought", description="old")
    side.put("automation", rule_id, whole(name="first thought", description="there"))
    answer = await hub.define("automation", rule_id, 1, name="second thought", description="here")

    assert (answer["fields"]["name"], answer["fields"]["description"]) == ("second thought", "there")


async def test_what_people_changed_after_they_saw_it_does_not_come_back_where_the_answer_got_lost(side, hub) -> None:
    rule_id = await hub.add_rule()
    side.put("automation", rule_id, whole(description="there"))
    await hub.define("automation", rule_id, 1, actions=[{"delay": 1}])
    side.put("automation", rule_id, whole(description="there", actions=[{"delay": 2}]))
    answer = await hub.define("automation", rule_id, 1, actions=[{"delay": 1}])

    assert (answer["status"], answer["fields"]["actions"]) == ("synced", [{"delay": 2}])


async def test_an_envelope_that_comes_in_behind_a_later_one_changes_nothing_that_people_decided(side, hub) -> None:
    rule_id = await hub.add_rule()
    given_up, hub.boots = hub.boots + 1, hub.boots + 2
    device_id = await hub.add_device()
    await hub.define("automation", rule_id, 1, name="newer")
    await hub.ingest(present={"devices": {device_id: {"battery_level": 40}}})
    hub.boots = given_up - 1
    late = OwedDefinition("automation", rule_id, 1, {"name": "older"}, (), NOON)
    present = {"devices": {device_id: {"battery_level": 50}}}
    answer = await hub.ingest(definitions=(late,), present=present, batches=(readings(device_id, 1, 2),))

    assert answer["definitions"] == []
    assert answer["marks"]["device_telemetry"] == 2, "its records are numbered: they are taken"
    assert side.presence(device_id)["battery_level"] == 40
    [change] = [each for each in (await hub.all_changes())["changes"] if each["id"] == rule_id]
    assert change["fields"]["name"] == "newer"


async def test_a_dispute_stays_open_while_other_columns_are_changed(side, hub) -> None:
    rule_id = await hub.add_rule()
    there = whole(actions=[{"delay": 1}])
    side.put("automation", rule_id, there)
    assert (await hub.define("automation", rule_id, 1, actions=[{"delay": 2}]))["status"] == "conflict"
    side.put("automation", rule_id, there | {"name": "another"})
    assert side.sync_status("automation", rule_id) == "conflict"
    side.put("automation", rule_id, there | {"name": "another", "actions": [{"delay": 3}]})
    assert side.sync_status("automation", rule_id) == "pending"


def whole(**fields: Any) -> dict[str, Any]:
    """A rule as `add_rule` makes it, changed by somebody in the cloud."""
    return {
        "name": "rule",
        "automation_type": "trigger_based",
        "triggers": [],
        "actions": [],
        "description": "old",
    } | fields


async def test_a_cloud_without_a_queue_stores_at_once_what_may_wait(side, hub) -> None:
    lamp = await hub.add_device()
    answer = await hub.ingest(batches=(readings(lamp, 1, 3),), may_wait=True)
    assert answer["marks"] == {"device_telemetry": 3}
    assert "queued" not in answer


async def test_a_copy_that_asks_twice_is_told_the_same_epoch(side, hub) -> None:
    await life(side, hub, "a")
    assert (await life(side, hub, "b"))["fork"] == {"epoch": 2}
    assert (await life(side, hub, "b"))["fork"] == {"epoch": 2}
    assert (await life(side, hub, "c"))["fork"] == {"epoch": 3}
