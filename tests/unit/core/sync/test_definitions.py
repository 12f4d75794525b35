"""Who wins when hub and cloud both change a definition, and what is owed."""

from datetime import UTC, datetime
from typing import Any

import pytest

from hub_agent.core.sync.definitions import CONFLICT_ROOM, DefinitionChanged, Definitions
from hub_agent.core.sync.lost import LOST_OF_EACH_MAX, LOST_ROOM
from hub_agent.model.definition import Definition
from hub_agent.model.effects import Save, SaveDefinition, Warn
from hub_agent.model.inputs import DefinitionTaken

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
RULE = {"name": "rule", "triggers": ["old"], "actions": [], "description": "old"}


def known(**fields: Any) -> Definitions:
    """The cloud's version 3 of a rule, as the hub has it."""
    definitions = Definitions()
    definitions.arrived(Definition("automation", "a", RULE | fields, 3), NOON)
    return definitions


def theirs(definitions: Definitions, version: int, **fields: Any) -> list[Any]:
    return definitions.arrived(Definition("automation", "a", RULE | fields, version), NOON)


def of(kind: type, outcomes: list[Any]) -> list[Any]:
    return [each for each in outcomes if isinstance(each, kind)]


def test_what_arrives_holds_and_is_not_owed() -> None:
    definitions = Definitions()
    outcomes = definitions.arrived(Definition("automation", "a", RULE, 3), NOON)
    assert [type(each) for each in outcomes] == [SaveDefinition, DefinitionChanged]
    assert definitions.get("automation", "a").fields == RULE
    assert definitions.owed(10) == []


def test_an_older_or_repeated_version_changes_nothing() -> None:
    definitions = known()
    assert theirs(definitions, 3, name="again") == []
    assert theirs(definitions, 2, name="old") == []


def test_what_is_the_same_for_all_homes_is_not_compared_as_this_homes() -> None:
    definitions = known()
    definitions.arrived(Definition("self_healing_action", "s", {"name": "ask_state"}, 1), NOON)
    assert definitions.versions() == {"automation": {"a": 3}}


def test_an_edit_is_owed_until_the_cloud_has_taken_it() -> None:
    definitions = known()
    definitions.edit("automation", "a", {"name": "ours"}, NOON)
    [owed] = definitions.owed(10)
    assert (owed.base_version, owed.fields["name"], owed.is_new) == (3, "ours", False)
    definitions.taken(DefinitionTaken("automation", "a", "synced", 4, owed.fields), NOON)
    assert definitions.owed(10) == []
    assert definitions.get("automation", "a").version == 4


def test_an_edit_made_while_another_was_on_its_way_is_still_owed() -> None:
    definitions = known()
    definitions.edit("automation", "a", {"name": "first"}, NOON)
    [sent] = definitions.owed(10)
    definitions.edit("automation", "a", {"name": "second"}, NOON)
    definitions.taken(DefinitionTaken("automation", "a", "synced", 4, sent.fields), NOON)
    [owed] = definitions.owed(10)
    assert (owed.base_version, owed.fields["name"]) == (4, "second")


def test_an_edit_that_changes_nothing_has_no_effect() -> None:
    assert known().edit("automation", "a", {"name": "rule"}, NOON) == []


def test_lists_and_tuples_that_hold_the_same_are_the_same() -> None:
    assert known().edit("automation", "a", {"triggers": ("old",)}, NOON) == []


def test_observed_columns_are_never_owed() -> None:
    definitions = Definitions()
    definitions.edit("device", "d", {"device_name": "lamp", "is_online": True, "battery_level": 3}, NOON)
    assert definitions.owed(10)[0].fields == {"device_name": "lamp"}


def test_changes_of_different_fields_both_hold() -> None:
    definitions = known()
    definitions.edit("automation", "a", {"name": "ours"}, NOON)
    theirs(definitions, 4, description="theirs")
    fields = definitions.get("automation", "a").fields
    assert (fields["name"], fields["description"]) == ("ours", "theirs")
    assert definitions.owed(10)[0].base_version == 4


def test_of_a_name_changed_on_both_sides_the_clouds_holds_and_ours_is_kept_as_lost() -> None:
    definitions = known()
    definitions.edit("automation", "a", {"name": "ours"}, NOON)
    outcomes = theirs(definitions, 4, name="theirs")
    assert definitions.get("automation", "a").fields["name"] == "theirs"
    [lost] = [save for save in of(Save, outcomes) if save.room == LOST_ROOM]
    assert [(each["field"], each["value"], each["of"]) for each in lost.body["values"]] == [("name", "ours", "hub")]
    assert definitions.owed(10) == []


def test_what_the_cloud_decided_against_us_before_we_heard_of_it_is_kept_as_lost() -> None:
    definitions = known()
    definitions.edit("automation", "a", {"name": "ours"}, NOON)
    [owed] = definitions.owed(10)
    answered = {**owed.fields, "name": "theirs", "description": "theirs too"}
    taken = DefinitionTaken("automation", "a", "synced", 5, owed.fields, answered)
    outcomes = definitions.taken(taken, NOON)
    assert definitions.get("automation", "a").fields["name"] == "theirs"
    [lost] = [save for save in of(Save, outcomes) if save.room == LOST_ROOM]
    assert [(each["field"], each["value"]) for each in lost.body["values"]] == [("name", "ours")]


def test_a_dispute_about_what_was_edited_while_the_answer_was_on_its_way_is_told() -> None:
    definitions = known()
    definitions.edit("automation", "a", {"name": "ours"}, NOON)
    [sent] = definitions.owed(10)
    definitions.edit("automation", "a", {"triggers": ["ours"]}, NOON)
    answered = {**sent.fields, "triggers": ["theirs"]}
    definitions.taken(DefinitionTaken("automation", "a", "synced", 5, sent.fields, answered), NOON)
    [owed] = definitions.owed(10)
    assert (owed.base_version, owed.fields["triggers"]) == (3, ["ours"])


def test_triggers_changed_on_both_sides_go_on_as_ours_and_the_cloud_is_told_as_of_before() -> None:
    definitions = known()
    definitions.edit("automation", "a", {"triggers": ["ours"]}, NOON)
    outcomes = theirs(definitions, 4, triggers=["theirs"], description="theirs")
    assert definitions.get("automation", "a").fields["triggers"] == ["ours"]
    assert definitions.get("automation", "a").fields["description"] == "theirs"
    assert [save.room for save in of(Save, outcomes)] == [CONFLICT_ROOM]
    assert "until someone decides" in of(Warn, outcomes)[0].text
    assert definitions.owed(10)[0].base_version == 3


def test_a_dispute_that_the_cloud_knows_of_is_not_sent_again() -> None:
    definitions = disputed()
    assert definitions.owed(10) == []
    assert definitions.conflicts[0].theirs == {"triggers": ["theirs"]}


def disputed() -> Definitions:
    definitions = known()
    definitions.edit("automation", "a", {"triggers": ["ours"]}, NOON)
    [owed] = definitions.owed(10)
    answer = DefinitionTaken("automation", "a", "conflict", 4, owed.fields, RULE | {"triggers": ["theirs"]})
    definitions.taken(answer, NOON)
    return definitions


def test_a_new_edit_here_decides_a_dispute_for_the_hub() -> None:
    definitions = disputed()
    definitions.edit("automation", "a", {"triggers": ["decided"]}, NOON)
    assert definitions.conflicts == []
    [owed] = definitions.owed(10)
    assert (owed.base_version, owed.fields["triggers"]) == (4, ["decided"])


def test_a_new_change_there_decides_a_dispute_for_the_cloud() -> None:
    definitions = disputed()
    theirs(definitions, 5, triggers=["decided"])
    assert definitions.get("automation", "a").fields["triggers"] == ["decided"]
    assert definitions.conflicts == []
    assert definitions.owed(10) == []


def test_another_change_there_leaves_the_dispute_open_and_it_is_told_again() -> None:
    definitions = disputed()
    theirs(definitions, 5, triggers=["theirs"], name="renamed")
    assert definitions.get("automation", "a").fields["triggers"] == ["ours"]
    assert definitions.owed(10)[0].base_version == 3


def test_a_person_decides_either_way_and_the_cloud_hears_of_it() -> None:
    for for_hub, value in ((True, ["ours"]), (False, ["theirs"])):
        definitions = disputed()
        definitions.decide("automation", "a", {"triggers": for_hub}, NOON)
        [owed] = definitions.owed(10)
        assert (owed.base_version, owed.fields["triggers"]) == (4, value)
        definitions.taken(DefinitionTaken("automation", "a", "synced", 5, owed.fields), NOON)
        assert definitions.owed(10) == []
        assert definitions.conflicts == []


def test_a_cloud_that_decides_by_itself_is_obeyed() -> None:
    definitions = known()
    definitions.edit("automation", "a", {"triggers": ["ours"]}, NOON)
    theirs(definitions, 4, triggers=["theirs"])
    [owed] = definitions.owed(10)
    answer = DefinitionTaken("automation", "a", "synced", 4, owed.fields, RULE | {"triggers": ["theirs"]})
    definitions.taken(answer, NOON)
    assert definitions.get("automation", "a").fields["triggers"] == ["theirs"]
    assert definitions.conflicts == []


def test_what_the_hub_describes_stays_the_hubs() -> None:
    definitions = Definitions()
    definitions.edit("device", "d", {"device_name": "lamp", "capabilities": {"entities": {"a": 1}}}, NOON)
    definitions.taken(DefinitionTaken("device", "d", "synced", 1, definitions.owed(1)[0].fields), NOON)
    stale = Definition("device", "d", {"device_name": "renamed", "capabilities": {"entities": {}}}, 2)
    definitions.arrived(stale, NOON)
    fields = definitions.get("device", "d").fields
    assert fields == {"device_name": "renamed", "capabilities": {"entities": {"a": 1}}}
    assert definitions.owed_count == 1


def test_a_deletion_there_wins_over_a_change_here_and_the_change_is_kept_as_lost() -> None:
    definitions = known()
    definitions.edit("automation", "a", {"name": "ours"}, NOON)
    outcomes = definitions.arrived(Definition("automation", "a", {}, 4, is_deleted=True), NOON)
    assert definitions.get("automation", "a") is None
    assert [save.room for save in of(Save, outcomes)] == [LOST_ROOM]
    assert of(DefinitionChanged, outcomes)[0].definition is None
    assert definitions.owed(10) == []


def test_a_change_there_wins_over_a_deletion_here() -> None:
    definitions = known()
    definitions.delete("automation", "a", NOON)
    assert definitions.owed(10)[0].is_deleted
    theirs(definitions, 4, name="theirs")
    assert definitions.get("automation", "a").fields["name"] == "theirs"
    assert definitions.owed(10) == []


def test_a_tombstone_outlives_an_older_change() -> None:
    definitions = known()
    definitions.delete("automation", "a", NOON)
    definitions.taken(DefinitionTaken("automation", "a", "synced", 4, None, is_deleted=True), NOON)
    assert theirs(definitions, 3) == []
    assert definitions.get("automation", "a") is None
    assert definitions.owed(10) == []


def test_what_comes_back_while_its_deletion_is_on_its_way_is_owed_again() -> None:
    definitions = known()
    definitions.delete("automation", "a", NOON)
    definitions.edit("automation", "a", RULE | {"name": "back"}, NOON)
    definitions.taken(DefinitionTaken("automation", "a", "synced", 4, None, is_deleted=True), NOON)
    [owed] = definitions.owed(10)
    assert (owed.base_version, owed.fields["name"]) == (4, "back")


def test_what_the_cloud_refuses_is_said_and_not_sent_again_until_it_changes() -> None:
    definitions = Definitions()
    definitions.edit("automation", "a", {"name": None}, NOON)
    outcomes = definitions.taken(
        DefinitionTaken("automation", "a", "failed", None, {"name": None}, error="no name"), NOON
    )
    assert "no name" in of(Warn, outcomes)[0].text
    assert definitions.owed(10) == []
    definitions.edit("automation", "a", {"name": "named"}, NOON)
    assert definitions.owed_count == 1


def test_rooms_go_alone_and_deletions_last() -> None:
    definitions = known()
    definitions.edit("device", "d", {"device_name": "lamp"}, NOON)
    definitions.edit("room", "r", {"name": "Hall"}, NOON)
    definitions.delete("automation", "a", NOON)
    assert [owed.kind for owed in definitions.owed(10)] == ["room"]
    definitions.taken(DefinitionTaken("room", "r", "synced", 1, {"name": "Hall"}), NOON)
    assert [(owed.kind, owed.is_deleted) for owed in definitions.owed(10)] == [("device", False), ("automation", True)]


def test_a_room_that_exists_already_takes_in_what_stood_in_ours() -> None:
    definitions = Definitions()
    definitions.edit("room", "ours", {"name": "Hall"}, NOON)
    definitions.edit("device", "d", {"device_name": "lamp", "room_id": "ours"}, NOON)
    answer = DefinitionTaken("room", "ours", "failed", None, {"name": "Hall"}, existing_id="theirs")
    definitions.taken(answer, NOON)
    assert definitions.get("device", "d").fields["room_id"] == "theirs"
    assert definitions.get("room", "ours") is None
    assert [owed.kind for owed in definitions.owed(10)] == ["device"]


def test_a_kind_nobody_knows_is_said_and_left_out() -> None:
    [warning] = Definitions().arrived(Definition("spaceship", "s", {}, 1), NOON)
    assert isinstance(warning, Warn)


def test_a_conflict_is_remembered_across_a_restart() -> None:
    definitions = known()
    definitions.edit("automation", "a", {"triggers": ["ours"]}, NOON)
    [owed] = definitions.owed(10)
    answer = DefinitionTaken("automation", "a", "conflict", 4, owed.fields, RULE | {"triggers": ["theirs"]})
    [saved] = [save for save in of(Save, definitions.taken(answer, NOON)) if save.room == CONFLICT_ROOM]
    restored = Definitions()
    restored.restore([definitions.get("automation", "a")], {CONFLICT_ROOM: {saved.key: saved.body}})
    assert restored.conflicts == definitions.conflicts
    assert restored.owed(10) == []


def changed_there(definitions: Definitions, version: int, disputed: set[str], **fields: Any) -> list[Any]:
    there = Definition("automation", "a", RULE | fields, version, modified_by="Ada")
    return definitions.arrived(there, NOON, frozenset(disputed))


def two_disputes() -> Definitions:
    definitions = known()
    definitions.edit("automation", "a", {"triggers": ["ours"], "actions": ["ours"]}, NOON, by="Bo")
    changed_there(definitions, 4, set(), triggers=["theirs"], actions=["theirs"])
    [owed] = definitions.owed(10)
    theirs = RULE | {"triggers": ["theirs"], "actions": ["theirs"]}
    definitions.taken(DefinitionTaken("automation", "a", "conflict", 4, owed.fields, theirs), NOON)
    return definitions


@pytest.mark.parametrize("value", ["ours", "theirs"])
def test_a_decision_in_the_cloud_ends_the_dispute_also_where_its_value_stays_the_same(value: str) -> None:
    definitions = disputed()
    changed_there(definitions, 5, set(), triggers=[value])
    assert definitions.get("automation", "a").fields["triggers"] == [value]
    assert (definitions.conflicts, definitions.owed(10)) == ([], [])
    lost = [(each.of, each.value, each.why) for each in definitions.lost.all()]
    assert lost == ([("hub", ["ours"], "decided in the cloud")] if value == "theirs" else [])


def test_what_the_cloud_still_disputes_is_not_told_again() -> None:
    definitions = disputed()
    changed_there(definitions, 5, {"triggers"}, triggers=["theirs"], name="renamed")
    assert definitions.get("automation", "a").fields["triggers"] == ["ours"]
    assert (definitions.conflicts[0].is_reported, definitions.owed(10)) == (True, [])


def test_of_two_disputed_fields_one_is_decided_and_the_other_waits() -> None:
    definitions = two_disputes()
    definitions.decide("automation", "a", {"triggers": False}, NOON, by="Bo")
    [owed] = definitions.owed(10)
    assert (owed.base_version, owed.fields["triggers"], "actions" in owed.fields) == (4, ["theirs"], False)
    definitions.taken(DefinitionTaken("automation", "a", "synced", 5, owed.fields), NOON)
    assert definitions.conflicts[0].theirs == {"actions": ["theirs"]}
    assert definitions.owed(10) == []
    definitions.decide("automation", "a", {"actions": True}, NOON)
    [owed] = definitions.owed(10)
    assert (owed.base_version, owed.fields["actions"]) == (5, ["ours"])


def test_what_a_decision_gives_up_is_kept_and_can_be_put_back() -> None:
    definitions = two_disputes()
    definitions.decide("automation", "a", {"triggers": False, "actions": True}, NOON)
    lost = {each.field: each for each in definitions.lost.all()}
    assert {field: (each.of, each.value) for field, each in lost.items()} == {
        "triggers": ("hub", ["ours"]),
        "actions": ("cloud", ["theirs"]),
    }
    definitions.answer_lost(lost["triggers"], NOON, is_put_back=True, by="Bo")
    assert definitions.get("automation", "a").fields["triggers"] == ["ours"]
    definitions.answer_lost(lost["actions"], NOON, is_put_back=False)
    assert definitions.lost.all() == []
    assert definitions.get("automation", "a").fields["actions"] == ["ours"]


def test_lost_values_survive_a_restart_and_are_bounded() -> None:
    definitions = known()
    saved: dict[str, Any] = {}
    for n in range(LOST_OF_EACH_MAX + 3):
        definitions.edit("automation", "a", {"name": f"ours {n}"}, NOON)
        for save in of(Save, theirs(definitions, 4 + n, name=f"theirs {n}")):
            saved[save.key] = save.body
    later = known()
    later.restore([], {LOST_ROOM: saved})
    assert later.lost.all() == definitions.lost.all()
    assert len(later.lost.all()) == LOST_OF_EACH_MAX
    assert later.lost.all()[0].value == f"ours {LOST_OF_EACH_MAX + 2}"


def test_who_changed_what_and_when_stands_with_the_conflict_also_after_a_restart() -> None:
    definitions = known()
    definitions.edit("automation", "a", {"triggers": ["ours"]}, NOON, by="Bo")
    [saved] = of(Save, changed_there(definitions, 4, set(), triggers=["theirs"]))
    [conflict] = definitions.conflicts
    assert (conflict.ours_by, conflict.ours_at, conflict.theirs_by) == ("Bo", NOON, "Ada")
    later = known()
    later.restore([], {CONFLICT_ROOM: {saved.key: saved.body}})
    assert later.conflicts == [conflict]


def test_a_value_that_the_answer_overrules_is_kept() -> None:
    definitions = known()
    definitions.edit("automation", "a", {"name": "ours"}, NOON)
    [owed] = definitions.owed(10)
    answer = DefinitionTaken("automation", "a", "synced", 4, owed.fields, RULE | {"name": "theirs"})
    definitions.taken(answer, NOON)
    assert definitions.get("automation", "a").fields["name"] == "theirs"
    assert [(each.field, each.value) for each in definitions.lost.all()] == [("name", "ours")]


def test_what_only_the_cloud_decides_is_kept_and_never_owed_or_changed_here() -> None:
    definitions = Definitions()
    member = Definition("home_member", "m", {"role": "guest", "display_name": "Ada"}, 1)
    definitions.arrived(member, NOON)
    assert of(Warn, definitions.edit("home_member", "m", {"role": "owner"}, NOON))
    assert definitions.delete("home_member", "m", NOON) == []
    assert definitions.get("home_member", "m").fields == member.fields
    assert definitions.owed(10) == []


def test_the_catalogue_goes_to_the_mirror_and_not_into_memory() -> None:
    definitions = Definitions()
    [saved] = definitions.arrived(Definition("device_model", "x", {"model_name": "Bulb"}, 1), NOON)
    assert isinstance(saved, SaveDefinition)
    assert definitions.get("device_model", "x") is None
    [saved] = definitions.arrived(Definition("device_model", "x", {}, 2, is_deleted=True), NOON)
    assert saved.definition.is_deleted


def test_a_change_of_the_home_is_owed_without_what_only_comes_down() -> None:
    definitions = Definitions()
    row = {"name": "Home", "timezone": "UTC", "metadata": {}, "latitude": 1.0, "longitude": 2.0, "owner_id": "o"}
    definitions.arrived(Definition("home", "h", row, 4), NOON)
    assert definitions.owed(10) == []
    definitions.edit("home", "h", {"name": "Villa"}, NOON)
    [owed] = definitions.owed(10)
    assert (owed.base_version, owed.fields) == (4, {"name": "Villa", "timezone": "UTC", "metadata": {}})
    assert definitions.delete("home", "h", NOON) == []


def test_zones_that_were_imported_before_the_claim_go_up_if_the_cloud_has_none() -> None:
    definitions = Definitions()
    definitions.edit("home", "h", {"metadata": {"zones": [{"name": "Work"}]}}, NOON)
    definitions.arrived(Definition("home", "h", {"name": "Home", "metadata": {}}, 1), NOON)
    assert definitions.get("home", "h").fields == {"name": "Home", "metadata": {"zones": [{"name": "Work"}]}}
    assert definitions.owed_count == 1


def test_a_group_whose_name_is_taken_in_the_cloud_gets_another_one() -> None:
    definitions = Definitions()
    definitions.edit("device_group", "g", {"name": "Lamps", "members": ["a"]}, NOON)
    [owed] = definitions.owed(10)
    refused = DefinitionTaken("device_group", "g", "failed", None, owed.fields, error="taken", existing_id="other")
    definitions.taken(refused, NOON)
    [owed] = definitions.owed(10)
    assert (owed.fields["name"], owed.fields["members"]) == ("Lamps (2)", ["a"])


def test_a_kind_from_the_future_is_told_once_and_harms_nothing() -> None:
    definitions = Definitions()
    definitions.restore([Definition("dream", "d", {"a": 1}, None), Definition("automation", "a", RULE, 3, RULE)])
    assert of(Warn, definitions.arrived(Definition("dream", "e", {}, 1), NOON))
    assert definitions.owed(10) == []
