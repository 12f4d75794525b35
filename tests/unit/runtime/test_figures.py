"""What the agent counts since its start, in a home with real rooms and a real mirror."""

import asyncio
from pathlib import Path

from hub_agent.model.effects import AppendRecord, Save
from hub_agent.runtime.tally import Tally
from tests.unit.runtime.test_door import house_in


def test_what_devices_said_and_what_they_were_told_is_counted(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            before = house.door.figures()
            await house.door.set_device("Hall Lamp", {"on": True}, "tester")
            after = house.door.figures()
            assert after["commands"]["confirmed"] == before["commands"].get("confirmed", 0) + 1
            assert after["messages"]["homeassistant"] > before["messages"]["homeassistant"] > 0
            assert after["messages"]["tasmota"] == 0  # told from the start, so that a rate can be made of it
            assert sum(after["availability"].values()) == house.door.status()["counts"]["devices"]
            assert after["mirror_bytes"] > 0
            assert after["cpu_s"] > 0

    asyncio.run(story())


def test_runs_and_activations_are_counted_by_their_ends_when_they_are_stored() -> None:
    tally = Tally()
    tally.stored([AppendRecord("automation_executions", {"status": "success"}), Save("room", "key", {})])
    tally.stored([AppendRecord("automation_executions", {"status": "success"})])
    tally.stored(
        [AppendRecord("scene_activations", {"status": "partial"}), AppendRecord("audit_logs", {"status": "x"})]
    )
    assert tally.ends("automation_executions") == {"success": 2}
    assert tally.ends("scene_activations") == {"partial": 1}
    assert tally.records == {"automation_executions": 2, "scene_activations": 1, "audit_logs": 1}
