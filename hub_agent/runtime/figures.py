"""Figures of the running agent that nothing else shows: what was counted since its start, and what it takes of the machine."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from hub_agent.core.device_fields import connectivity
from hub_agent.core.hub import Hub
from hub_agent.model.json import JsonObject
from hub_agent.runtime.tally import Tally


class Figures:
    """`heard`: messages by dialect. `mirror`: the file, whose log lies beside it."""

    def __init__(
        self, hub: Hub, tally: Tally, heard: Mapping[str, int], mirror: Path, proc: Path = Path("/proc/self")
    ) -> None:
        self._hub = hub
        self._tally = tally
        self._heard = heard
        self._files: Sequence[Path] = (mirror, mirror.with_name(f"{mirror.name}-wal"))
        self._proc = proc

    def as_json(self) -> JsonObject:
        """As ports.Door.figures says."""
        inventory = self._hub.inventory
        by_connectivity = Counter(connectivity(inventory.presence(each.id)) for each in inventory.devices())
        times = os.times()
        return {
            "messages": dict(self._heard),
            "commands": dict(self._hub.commands.outcomes),
            "runs": self._tally.ends("automation_executions"),
            "activations": self._tally.ends("scene_activations"),
            "records": dict(self._tally.records),
            "availability": {
                "available": by_connectivity["online"],
                "unavailable": by_connectivity["offline"],
                "unknown": sum(n for how, n in by_connectivity.items() if how not in {"online", "offline"}),
            },
            "mirror_bytes": sum(_size(file) for file in self._files),
            "written_bytes": self._written_bytes(),
            "cpu_s": round(times.user + times.system, 2),
        }

    def _written_bytes(self) -> int | None:
        """What this process had the kernel write to disks; None where it does not tell."""
        with suppress(OSError, ValueError):
            for line in (self._proc / "io").read_text(encoding="ascii").splitlines():
                name, _, value = line.partition(":")
                if name == "write_bytes":
                    return int(value)
        return None


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
