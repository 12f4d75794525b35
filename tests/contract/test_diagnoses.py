"""What a diagnosis makes arrives whole in any cloud: the run first, its findings, and later that they have passed."""

import uuid
from collections.abc import Iterable
from typing import Any

from hub_agent.core.diagnosis import Diagnosis
from hub_agent.model.device import DeviceType
from hub_agent.model.effects import AppendCase
from hub_agent.ports import Case
from tests.unit.core.diagnosis.test_diagnosis import House, device


def cases_of(given: Iterable[Any]) -> tuple[Case, ...]:
    return tuple(
        Case(each.table, each.id, each.revision, dict(each.row)) for each in given if isinstance(each, AppendCase)
    )


async def test_a_run_its_findings_and_their_end_are_stored(side, hub) -> None:
    lamp, bridge = await hub.add_device(), await hub.add_device()
    house = House(device(bridge, kind=DeviceType.BRIDGE), device(lamp, bridge))
    house.diagnosis = Diagnosis(house, lambda: str(uuid.uuid4()))
    house.raised("device_unavailable", bridge, name="Bridge", reason="it says so")
    house.lose(lamp)
    house.lose(bridge)
    house.diagnose(lamp)
    house.diagnose(bridge)
    opened = cases_of(house.seen)
    assert [each.table for each in opened] == ["diagnostic_runs", "diagnostic_issues", "diagnostic_runs"]
    assert (await hub.ingest(cases=opened))["refused"] == []

    house.away.clear()
    house.speak(bridge)
    house.speak(lamp)
    given = [*house.cleared("device_unavailable", bridge), *house.diagnosis.handle_timer(house.now)]
    house.diagnose(bridge)
    (fixed,) = [each for each in cases_of([*given, *house.seen]) if each.revision == 2][:1]
    assert (await hub.ingest(cases=(fixed,)))["refused"] == []
    assert [side.case_revision(each.table, each.id) for each in opened] == [1, 2, 1]
