"""A configuration of Home Assistant, from its files to a home that lives by it: devices of its own, zones, scripts and rules."""

import asyncio
from pathlib import Path
from textwrap import dedent
from typing import Any

from hub_agent.importing.judging import judge_path
from tests.fakes.linked_home import live
from tests.unit.runtime.test_door import House, house_in

FILES = {
    "configuration.yaml": """\
        automation: !include automations.yaml
        script: !include scripts.yaml
        input_boolean: {guests: {name: Guests}, office: }
        counter: {office: {step: 2}}
        zone:
          - {name: Work, latitude: 52.5, longitude: 13.4, radius: 250}
        """,
    "automations.yaml": """\
        - id: welcome
          alias: Welcome
          trigger: {platform: state, entity_id: input_boolean.guests, to: "on"}
          action:
            - service: script.lights
            - {service: counter.increment, entity_id: counter.office}
        """,
    "scripts.yaml": """\
        lights:
          sequence: [{service: light.turn_on, target: {entity_id: light.hall_lamp}}]
        """,
}


def write(folder: Path) -> Path:
    for name, text in FILES.items():
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(dedent(text))
    return folder


async def bring(house: House, folder: Path) -> dict[str, str]:
    report = judge_path(folder)
    rows: list[Any] = [{"kind": "home", "key": "home/zones", "fields": {"zones": list(report.zones)}}]
    for each in (*report.helpers, *report.scripts, *report.automations):
        assert each.verdict == "runs", each
        rows.append(
            {"kind": "automation" if each.kind == "script" else each.kind, "key": each.key, "fields": each.fields}
        )
    answer: Any = await house.door.import_definitions(rows, "test")
    return {each["key"]: each["outcome"] for each in answer["imported"]}


def state_of(house: House, entity_id: str) -> str:
    entities = [entity for device in house.door.devices() for entity in device["entities"]]
    return str(next(entity["state"] for entity in entities if entity["id"] == entity_id))


def test_the_files_of_a_home_become_a_home_that_lives_by_them(tmp_path: Path) -> None:
    folder = write(tmp_path / "homeassistant")
    keys = (
        *("home/zones", "device/counter.office", "device/input_boolean.guests", "device/input_boolean.office"),
        *("script/lights", "automation/welcome"),
    )

    async def story() -> None:
        async with house_in(tmp_path / "hub") as house:
            first = await bring(house, folder)
            assert first == dict.fromkeys(keys, "new")

            await house.door.set_device("Guests", {"on": True}, "test")
            await asyncio.sleep(1)
            assert state_of(house, "input_boolean.guests") == "on"
            assert state_of(house, "light.hall_lamp") == "on"
            assert state_of(house, "counter.office") == "2"

            assert await bring(house, folder) == dict.fromkeys(keys, "same")
            assert state_of(house, "counter.office") == "2"

    (tmp_path / "hub").mkdir()
    live(story())


def test_two_kinds_of_one_name_are_two_devices_also_when_the_second_comes_later(tmp_path: Path) -> None:
    folder = write(tmp_path / "homeassistant")
    (tmp_path / "hub").mkdir()
    fields = {
        "device_name": "Office",
        "device_type": "other",
        "manufacturer_device_id": "helper/office",
        "settings": {"min": 0, "max": 9},
        "capabilities": {"entities": {"input_number.office": {"domain": "input_number"}}},
    }

    async def story() -> None:
        async with house_in(tmp_path / "hub") as house:
            await bring(house, folder)
            definition: Any = {"kind": "device", "key": "device/input_number.office", "fields": fields}
            for outcome in ("new", "same"):
                answer: Any = await house.door.import_definitions([definition], "test")
                assert answer["imported"][0]["outcome"] == outcome
            assert state_of(house, "input_number.office") == "0.0"
            assert state_of(house, "counter.office") == "0"
            assert state_of(house, "input_boolean.office") == "off"

    live(story())


def test_zones_join_those_that_the_home_has(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            for name, radius in (("Work", 100), ("School", 50), ("Work", 80)):
                zone = {"name": name, "latitude": 1, "longitude": 2, "radius": radius}
                rows: Any = [{"kind": "home", "key": "home/zones", "fields": {"zones": [zone]}}]
                await house.door.import_definitions(rows, "test")

            [home] = house.core.hub.definitions.of_kind("home")
            zones: Any = home.fields["metadata"]["zones"]  # type: ignore[index, call-overload]  # JSON
            assert [(each["name"], each["radius"]) for each in zones] == [("Work", 80), ("School", 50)]

    live(story())


def test_a_rule_that_lacked_a_secret_is_switched_on_when_it_comes_again_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "homeassistant"
    folder.mkdir()
    rule = "- {id: a, alias: A, triggers: [], actions: [{action: lock.unlock, data: {code: !secret door}}]}\n"
    (folder / "automations.yaml").write_text(rule)

    async def story() -> None:
        async with house_in(tmp_path) as house:

            async def take_in() -> list[object]:
                [judged] = judge_path(folder).automations
                row: Any = {"kind": "automation", "key": judged.key, "fields": judged.fields}
                await house.door.import_definitions([row], "test")
                return [each["is_enabled"] for each in house.door.automations()]

            assert await take_in() == [False]
            assert await take_in() == [False]
            (folder / "secrets.yaml").write_text("door: '1234'\n")
            assert await take_in() == [True]

    live(story())
