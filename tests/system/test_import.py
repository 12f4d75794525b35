"""A Home Assistant configuration comes to the real agent by the command line, and the home lives by it; also one of a real home."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from tests.system.conftest import Hub, LampBoard

pytestmark = pytest.mark.heavy

FILES = {
    "configuration.yaml": """\
        automation: !include automations.yaml
        script: !include scripts.yaml
        input_boolean: {guests: {name: Guests}}
        counter: {visits: {step: 2}}
        group: {lamps: {entities: [light.lamp_1, light.lamp_2]}}
        zone: [{name: Work, latitude: 52.5, longitude: 13.4}]
        """,
    "automations.yaml": """\
        - id: welcome
          alias: Welcome
          trigger: {platform: state, entity_id: input_boolean.guests, to: "on"}
          action:
            - service: script.lights
            - {service: counter.increment, entity_id: counter.visits}
        """,
    "scripts.yaml": """\
        lights:
          sequence: [{service: light.turn_on, target: {entity_id: group.lamps}}]
        """,
}


def test_an_imported_home_is_lived_in(hub: Hub, board: LampBoard, tmp_path: Path) -> None:
    folder = tmp_path / "homeassistant"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(dedent(text))
    hub.start()
    hub.wait_for_state("light.lamp_2", "off")

    said = hub.cli("import", "homeassistant", str(folder))
    assert (said.returncode, said.stdout.splitlines()[-1]) == (0, "Imported 6: 6 new, 0 changed, 0 as they were")
    assert {each["name"]: each["problem"] for each in hub.get("automations")} == {"Welcome": None, "lights": None}

    assert hub.cli("devices", "set", "Guests", "on=true").returncode == 0
    hub.wait_for_state("counter.visits", "2")
    hub.wait_for_state("light.lamp_1", "on")
    hub.wait_for_state("light.lamp_2", "on")
    assert [each["status"] for each in hub.get("runs") if each["automation"] == "Welcome"] == ["success"]

    again = hub.cli("import", "homeassistant", str(folder))
    assert again.stdout.splitlines()[-1] == "Imported 6: 0 new, 0 changed, 6 as they were"


def test_a_real_home_comes_in_and_nothing_of_it_is_refused(
    hub: Hub, board: LampBoard, real_fixtures: Callable[[str], Path]
) -> None:
    hub.start()
    said = hub.cli("import", "homeassistant", str(real_fixtures("automations") / "skalavala" / "yaml"))

    assert said.returncode == 1  # some of it cannot
    imported = int(said.stdout.splitlines()[-1].split()[1].rstrip(":"))
    rules = hub.get("automations")
    devices = [each for each in hub.get("devices") if any(one["id"].startswith("input_") for one in each["entities"])]
    assert len(rules) > 100
    assert len(rules) + len(devices) <= imported
    assert [each for each in rules if each["problem"]] == []
