"""Writes the mirror of the newest schema as SQL, to be kept for ever: python tests/databases/make_mirror.py > tests/databases/mirror_NNNN.sql

The file of a released schema is never made again: it is what the hubs in the field have.
"""

import asyncio
import sqlite3
import sys
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from hub_agent.model.definition import Definition
from hub_agent.model.effects import AppendCase, CloudCommandDone, Save, SaveDefinition, SaveDevice, SaveTrace
from tests.unit.store.homes import at, execution, lamp_device, light, mirror_in, temperature


async def fill(folder: Path) -> None:
    mirror = mirror_in(folder)
    opened = await mirror.open(at())
    await mirror.save_identity(replace(opened.identity, home_id="home", hub_id="hub", secret="sesame"))
    await mirror.save_cursor("7:1")
    await mirror.commit(
        [
            SaveDevice(lamp_device()),
            SaveDefinition(Definition("scene", "s1", {"name": "Movie"}, 3, {"name": "Film"})),
            Save("automation", "run/1", {"frame": [1]}),
            SaveTrace("a1", "run-1", {"run_id": "run-1"}),
            AppendCase("alerts", "alert-1", 2, {"status": "open"}),
            CloudCommandDone("cloud-1", "done", {"ok": True}),
        ],
        at(1),
    )
    for n in range(5):
        await mirror.commit(
            [light("on" if n % 2 else "off", n, level=n), temperature(20 + n / 2, n), execution(n)], at(n + 2)
        )
    await mirror.acknowledge({"device_states": 2, "automation_executions": 5}, at(9))
    await mirror.close(at(10))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(fill(Path(folder)))
        with closing(sqlite3.connect(Path(folder) / "mirror.db")) as connection:
            sys.stdout.writelines(f"{line}\n" for line in connection.iterdump())


if __name__ == "__main__":
    main()
