"""Self-made devices and zones: from configuration.yaml, packages and what Home Assistant's editor stored, to rows of devices."""

import json

import pytest

from hub_agent.core.helpers import KINDS, read_kind
from hub_agent.core.helpers.kind import Kind
from hub_agent.importing.abilities import HELPER_ACTIONS
from hub_agent.importing.verdict import Report


def settings_of(report: Report) -> dict[str, object]:
    return {each.key.removeprefix("device/"): each.fields["settings"] for each in report.helpers if each.fields}


def test_they_are_read_wherever_they_are_written_and_keep_their_settings(read) -> None:
    report = read(
        {
            "configuration.yaml": """\
                homeassistant: {packages: !include_dir_named packages}
                input_boolean: !include booleans.yaml
                input_number: {comfort: {name: Comfort, min: 15, max: 25, step: 0.5}}
                timer: {tea: {duration: "00:05:00"}}
                """,
            "booleans.yaml": "guests:\nnight: {initial: 'off', icon: mdi:bed}\n",
            "packages/a.yaml": """\
                input_select: {mood: {options: [calm, 7, true]}}
                input_slider: {volume: {min: 0, max: 9}}
                input_datetime: {wake: {has_time: yes}}
                """,
        }
    )

    assert settings_of(report) == {
        "input_boolean.guests": {},
        "input_boolean.night": {"initial": False, "icon": "mdi:bed"},
        "input_datetime.wake": {"has_time": True},
        "input_number.comfort": {"min": 15, "max": 25, "step": 0.5},
        "input_number.volume": {"min": 0, "max": 9},
        "input_select.mood": {"options": ["calm", "7", "True"]},
        "timer.tea": {"duration": "00:05:00"},
    }
    comfort = next(each for each in report.helpers if each.alias == "Comfort")
    assert comfort.fields is not None
    assert comfort.fields["manufacturer_device_id"] == "helper/comfort"
    assert comfort.fields["capabilities"] == {
        "entities": {"input_number.comfort": {"name": "Comfort", "domain": "input_number"}}
    }


def test_what_the_editor_stored_is_found_under_the_entity_id_that_it_has(read) -> None:
    stored = {
        "data": {"items": [{"id": "guests", "name": "Guests"}, {"id": "night", "name": "Night", "icon": "mdi:bed"}]}
    }
    registry = {
        "data": {
            "entities": [
                {"id": "1", "entity_id": "input_boolean.asleep", "platform": "input_boolean", "unique_id": "night"}
            ]
        }
    }
    report = read(
        {
            "automations.yaml": "- {alias: A, triggers: [], actions: [{action: input_boolean.turn_on, entity_id: input_boolean.asleep}]}\n",
            ".storage/input_boolean": json.dumps(stored),
            ".storage/core.entity_registry": json.dumps(registry),
        }
    )

    assert settings_of(report) == {"input_boolean.asleep": {"icon": "mdi:bed"}, "input_boolean.guests": {}}
    assert [(each.verdict, each.reasons) for each in report.automations] == [("runs", ())]


def test_two_kinds_may_share_a_name_and_of_one_entity_id_the_first_counts(read) -> None:
    report = read(
        {
            "configuration.yaml": "input_boolean: {office: {icon: a}}\ncounter: {office: }\nautomation: []\n",
            ".storage/input_boolean": json.dumps({"data": {"items": [{"id": "office", "icon": "b"}]}}),
        }
    )

    assert [(each.key, each.fields["manufacturer_device_id"]) for each in report.helpers if each.fields] == [
        ("device/counter.office", "helper/office"),
        ("device/input_boolean.office", "helper/input_boolean.office"),
    ]
    assert settings_of(report)["input_boolean.office"] == {"icon": "a"}


@pytest.mark.parametrize(
    "text, line, word",
    [
        ("input_number:\n  a: {min: 5}\n", 2, "is needed"),
        ("input_number:\n  a:\n    min: 5\n    max: 4\n", 4, "more than min"),
        ("input_select:\n  a:\n    options: []\n", 3, "list"),
        ("input_boolean:\n  Not A Name:\n", 2, "small letters"),
        ("timer:\n  a: 5\n", 2, "mapping"),
    ],
)
def test_one_that_cannot_be_made_says_why_and_where(read, text: str, line: int, word: str) -> None:
    [found] = read({"configuration.yaml": text}).helpers

    assert (found.verdict, found.file, found.reasons[0].line) == ("cannot", "configuration.yaml", line)
    assert word in found.reasons[0].text


def test_zones_are_told_as_the_row_of_the_home_holds_them(read) -> None:
    report = read(
        {
            "configuration.yaml": """\
                zone:
                  - {name: Home, latitude: 1, longitude: 2}
                  - {name: At Work, latitude: 52.5, longitude: "13.4", radius: 250, icon: mdi:briefcase, passive: true}
                  - {name: Secret Place, latitude: !secret here, longitude: 1}
                automation: []
                """
        }
    )

    assert report.zones == [
        {
            "name": "At Work",
            "object_id": "at_work",
            "latitude": 52.5,
            "longitude": 13.4,
            "radius": 250.0,
            "icon": "mdi:briefcase",
            "passive": True,
        }
    ]
    assert [(problem.line, "zone.secret_place" in problem.text) for problem in report.problems] == [(4, True)]


def test_the_actions_that_are_said_to_be_known_are_those_that_the_kinds_have() -> None:
    settings = {
        "input_number": {"min": 0, "max": 1},
        "input_select": {"options": ["a"]},
        "input_datetime": {"has_time": True},
        "group": {"entities": ["light.a"]},
    }
    made = {domain: read_kind(domain, settings.get(domain, {})) for domain in KINDS}

    verbs = {domain: kind.verbs for domain, kind in made.items() if isinstance(kind, Kind)}
    assert {domain: HELPER_ACTIONS[domain] for domain in verbs} == verbs
