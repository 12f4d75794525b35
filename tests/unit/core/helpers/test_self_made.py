"""Self-made devices are devices: defined, named, kept, recorded, deleted."""

import pytest

from hub_agent.model.definition import Definition
from hub_agent.model.inputs import DefinitionArrived


def test_a_definition_becomes_a_device_with_an_entity_that_says_what_it_is(home):
    home.define("input_number.comfort", "Comfort", min=15, max=25, unit_of_measurement="°C", icon="mdi:sofa")

    (device,) = [each for each in home.hub.inventory.devices() if each.origin.dialect == "helper"]
    assert (device.id, device.name) == (home.device_id("input_number.comfort"), "Comfort")
    assert device.device_type == "other"
    assert [entity.id for entity in device.entities] == ["input_number.comfort"]
    assert home.state("input_number.comfort") == "15.0"
    assert home.attribute("input_number.comfort", "friendly_name") == "Comfort"
    assert home.attribute("input_number.comfort", "icon") == "mdi:sofa"


def test_what_the_hub_describes_of_it_is_owed_to_the_cloud_once(home):
    home.define("input_number.comfort", min=15, max=25)

    (owed,) = [
        each for each in home.hub.definitions.owed(100) if each.fields.get("manufacturer_device_id") == "helper/comfort"
    ]
    capability = owed.fields["capabilities"]["entities"]["input_number.comfort"]["capabilities"]["value"]
    assert (capability["min"], capability["max"], capability["access"]) == (15, 25, "rw")
    assert owed.fields["settings"] == {"min": 15, "max": 25}
    before = home.hub.definitions.get("device", owed.id)
    home.restart()
    assert home.hub.definitions.get("device", owed.id) == before, "a restart describes it no other way"


def test_a_room_that_a_person_chose_stays_chosen(home):
    room_id = "7a204bd8-9a3b-4f6f-8f0e-0a4e3c1d2b1a"
    fields = {
        "device_name": "Guests",
        "manufacturer_device_id": "helper/guests",
        "room_id": room_id,
        "capabilities": {"entities": {"input_boolean.guests": {"domain": "input_boolean"}}},
    }
    home.arrive("input_boolean.guests", fields)

    device_id = home.device_id("input_boolean.guests")
    assert home.hub.inventory.device(device_id).room_id == room_id
    assert home.hub.definitions.get("device", device_id).fields["room_id"] == room_id


def test_a_change_is_one_record_with_its_reason_and_no_command(home):
    home.define("input_boolean.guests")
    home.records.clear()
    home.call("input_boolean.turn_on", "input_boolean.guests")

    (record,) = home.records
    assert record["device_id"] == home.device_id("input_boolean.guests")
    assert record["entities"]["input_boolean.guests"]["state"] == "on"
    assert (record["changed_fields"], record["change_source"]) == (["input_boolean.guests.state"], "manual")
    assert home.commands == 0


def test_nothing_is_recorded_of_what_changes_nothing(home):
    home.define("input_boolean.guests")
    home.records.clear()
    home.call("input_boolean.turn_off", "input_boolean.guests")
    home.restart()
    assert home.records == []


def test_what_it_held_survives_a_crash_that_lost_the_last_records(home):
    home.define("input_boolean.guests")
    home.call("input_boolean.turn_on", "input_boolean.guests")
    home.restart(keeps_states=False)
    assert home.state("input_boolean.guests") == "on"


def test_a_value_that_comes_back_at_the_start_sets_off_no_rule(home):
    home.define("input_boolean.guests", initial=False)
    home.call("input_boolean.turn_on", "input_boolean.guests")
    row = {
        "name": "watch",
        "is_enabled": True,
        "triggers": [{"trigger": "state", "entity_id": "input_boolean.guests"}],
        "conditions": [],
        "actions": [{"event": "seen"}],
        "metadata": {},
    }
    home.tell(DefinitionArrived(Definition("automation", "watch", row, version=1, base=row), is_from_cloud=True))
    home.restart()
    assert home.state("input_boolean.guests") == "off"
    assert home.events == []
    home.call("input_boolean.turn_on", "input_boolean.guests")
    assert [name for name, _ in home.events] == ["seen"]


def test_deleted_it_is_gone_with_its_state_and_what_it_held(home):
    home.define("counter.visits")
    home.call("counter.increment", "counter.visits")
    home.arrive("counter.visits", {}, is_deleted=True)

    assert home.state("counter.visits") is None
    assert home.saved["helpers"] == {}
    assert "this home has no counter.visits" in home.call("counter.increment", "counter.visits")
    home.restart()
    assert home.state("counter.visits") is None


def test_set_up_otherwise_it_keeps_what_is_still_possible(home):
    home.define("input_number.comfort", min=15, max=25)
    home.call("input_number.set_value", "input_number.comfort", value=24)
    home.define("input_number.comfort", min=15, max=22)
    assert home.state("input_number.comfort") == "22.0"


def test_a_bad_definition_is_an_issue_and_leaves_the_device_as_it_was(home):
    home.define("input_number.comfort", "Comfort", min=15, max=25)
    home.define("input_number.comfort", "Comfort", min=25, max=15)

    assert home.issues["device_invalid"] == "Comfort: settings/max: must be more than min, which is 25"
    assert home.call("input_number.set_value", "input_number.comfort", value=16) is None
    home.define("input_number.comfort", "Comfort", min=10, max=15)
    assert "device_invalid" not in home.issues


@pytest.mark.parametrize(
    "entities, words",
    [
        ({}, "has one entity"),
        ({"input_boolean.a": {}, "input_boolean.b": {}}, "has one entity"),
        ({"light.a": {}}, "light.a is none of"),
        ("none", "has one entity"),
    ],
)
def test_what_is_no_self_made_device_is_said_so(home, entities, words):
    home.arrive("x", {"manufacturer_device_id": "helper/a", "capabilities": {"entities": entities}})
    assert words in home.issues["device_invalid"]


def test_two_rows_of_one_address_are_not_one_device(home):
    home.define("input_boolean.guests")
    home.define("input_number.guests", min=0, max=9)
    assert "helper/guests already" in home.issues["device_invalid"]
    assert home.state("input_boolean.guests") == "off"
    assert home.state("input_number.guests") is None


def test_one_call_tells_several_and_says_which_of_them_refused(home):
    home.define("input_boolean.a")
    home.define("counter.b")
    error = home.call("input_boolean.turn_on", "input_boolean.a", "counter.b", "input_boolean.c")

    assert home.state("input_boolean.a") == "on"
    assert error == "counter.b does not know input_boolean.turn_on; this home has no input_boolean.c"


def test_homeassistant_toggle_reaches_it(home):
    home.define("input_boolean.a")
    assert home.call("homeassistant.toggle", "input_boolean.a") is None
    assert home.state("input_boolean.a") == "on"
