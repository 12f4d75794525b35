"""Templates of rules ask about devices, rooms and what brought a state about."""

from typing import Any

import pytest

from hub_agent.model.definition import Definition
from hub_agent.model.device import AdvertisedEntity, Advertisement, Alias, Origin
from hub_agent.model.inputs import DefinitionArrived
from tests.unit.core.helpers.conftest import Home

LAMP = Advertisement(
    Origin("zigbee2mqtt", "lamp"),
    (Alias("zigbee_ieee", "0x1"),),
    "Ceiling",
    (AdvertisedEntity("l", "light"), AdvertisedEntity("p", "sensor", "Power")),
    brand="IKEA",
    model="E27",
    suggested_area="Living Room",
    firmware_version="1.2",
)


@pytest.fixture
def home() -> Home:
    home = Home()
    home.tell(LAMP)
    home.define("input_boolean.guests", "Guests")
    return home


def load(home: Home, name: str, triggers: list[Any], actions: list[Any]) -> None:
    row = {"name": name, "triggers": triggers, "actions": actions}
    home.tell(DefinitionArrived(Definition("automation", name, row, next(home.versions) * 10, row), is_from_cloud=True))


def rendered(home: Home, template: str) -> Any:
    action = {"event": "rendered", "event_data": {"m": template}}
    load(home, "render", [{"trigger": "event", "event_type": "go"}], [action])
    home.call("automation.trigger", "automation.render")
    return home.events[-1][1]["m"]


@pytest.mark.parametrize(
    "template, expected",
    [
        ("{{ areas() }}", ["living_room"]),
        ("{{ area_id('Living Room') }} {{ area_id('light.ceiling') }}", "living_room living_room"),
        ("{{ area_name('living_room') }} {{ area_name('light.ceiling') }}", "Living Room Living Room"),
        ("{{ area_entities('living_room') }}", ["light.ceiling", "sensor.ceiling_power"]),
        ("{{ area_entities('Living Room') | select('match', 'light') | list }}", ["light.ceiling"]),
        ("{{ 'living_room' | area_devices == [device_id('light.ceiling')] }}", True),
        ("{{ device_id('Ceiling') == device_id('sensor.ceiling_power') }}", True),
        ("{{ device_name('light.ceiling') }} {{ device_id('light.ceiling') | device_name }}", "Ceiling Ceiling"),
        ("{{ device_entities(device_id('Ceiling')) }}", ["light.ceiling", "sensor.ceiling_power"]),
        ("{{ device_attr('light.ceiling', 'manufacturer') }} {{ device_attr('light.ceiling', 'model') }}", "IKEA E27"),
        ("{{ device_attr(device_id('Ceiling'), 'area_id') }}", "living_room"),
        ("{{ is_device_attr('light.ceiling', 'sw_version', '1.2') }}", True),
        ("{{ ['light.ceiling'] | select('is_device_attr', 'model', 'E27') | list }}", ["light.ceiling"]),
        ("{{ device_attr('light.ceiling', 'nonsense') is none }}", True),
        ("{{ integration_entities('mqtt') }}", ["light.ceiling", "sensor.ceiling_power"]),
        ("{{ integration_entities('input_boolean') }}", ["input_boolean.guests"]),
        ("{{ entity_name('sensor.ceiling_power') }} {{ 'light.ceiling' is is_hidden_entity }}", "Power False"),
        ("{{ area_id('Attic') is none and area_entities('attic') == [] and device_id('x') is none }}", True),
        (
            "{{ floor_areas('x') + floor_entities('x') + label_entities('x') + label_areas('x') + label_devices('x') }}",
            [],
        ),
        (
            "{{ [floor_name('x'), label_name('x'), config_entry_id('light.ceiling'), issue('a', 'b')] | reject('none') | list }}",
            [],
        ),
    ],
)
def test_devices_and_rooms(home, template, expected):
    assert rendered(home, template) == expected


def test_a_target_names_a_room_as_people_call_it(home):
    assert home.commands == 0
    target = {"area_id": "living_room"}
    load(home, "lit", [{"trigger": "event", "event_type": "go"}], [{"action": "light.turn_on", "target": target}])
    home.call("automation.trigger", "automation.lit")
    assert home.commands == 1


WHO = "{{ trigger.to_state.context.user_id is not none }} {{ trigger.to_state.context.parent_id is not none }}"


def test_a_rule_can_tell_whether_a_person_a_rule_or_nobody_brought_a_state_about(home):
    trigger = {"trigger": "state", "entity_id": "input_boolean.guests"}
    load(home, "watch", [trigger], [{"event": "seen", "event_data": {"who": WHO}}])
    load(
        home,
        "act",
        [{"trigger": "event", "event_type": "go"}],
        [{"action": "input_boolean.turn_off", "target": {"entity_id": "input_boolean.guests"}}],
    )

    home.call("input_boolean.turn_on", "input_boolean.guests")
    home.call("automation.trigger", "automation.act")

    assert [data["who"] for name, data in home.events if name == "seen"] == ["True False", "False True"]
