"""Makes room on the hub's disk: first what nobody can need, last what a person might; each time only until there is enough."""

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

from hub_agent.errors import OperatingError
from hub_agent.model.json import JsonObject
from hub_agent.ports import Done

# So much of the disk is to be free again.
ENOUGH_PART, ENOUGH_BYTES = 0.12, 3_000_000_000
# Of what may still be needed, the newest stays.
KEPT = 1
UNFINISHED_S = 3600.0


class FreeDisk:
    """An errand. `tidy`: lets go of the records whose time is over, and of what the cloud has, as the mirror's rules say.
    `backups`: how those are called that stand beside the mirror.
    """

    def __init__(self, mirror: Path, backups: str, tidy: Callable[[], Awaitable[None]]) -> None:
        self._mirror = mirror
        self._backups = backups
        self._tidy = tidy

    async def run(self, data: JsonObject, *, wants_response: bool) -> Done:
        del data, wants_response
        before = self._free()
        with suppress(OperatingError):
            await self._tidy()
        removed = await asyncio.to_thread(self._remove)
        freed = max(0, self._free() - before)
        words = f"{freed / 1_000_000:.0f} MB were freed; {len(removed)} old files are gone"
        return Done({"freed_bytes": freed, "removed": removed, "text": words})

    def _remove(self) -> list[str]:
        removed: list[str] = []
        for path in self._spare():
            if self._has_enough():
                break
            with suppress(OSError):
                path.unlink()
                removed.append(path.name)
        return removed

    def _spare(self) -> Iterator[Path]:
        """The least needed first: backups that were not finished, damaged mirrors whose content was saved, older backups."""
        name = self._mirror.name
        yield from (each for each in self._found(f"{self._backups}.unfinished") if _is_old(each))
        wrecks = [each for each in self._found(f"{name}.corrupt-*") if not each.name.endswith(("-wal", "-shm"))]
        for wreck in wrecks[:-KEPT]:
            yield from (wreck.with_name(wreck.name + suffix) for suffix in ("-wal", "-shm"))
            yield wreck
        yield from self._found(self._backups)[:-KEPT]

    def _found(self, pattern: str) -> list[Path]:
        """Their names begin with when they were made: the oldest first."""
        return sorted(self._mirror.parent.glob(pattern))

    def _has_enough(self) -> bool:
        usage = shutil.disk_usage(self._mirror.parent)
        return usage.free >= min(usage.total * ENOUGH_PART, ENOUGH_BYTES)

    def _free(self) -> int:
        return shutil.disk_usage(self._mirror.parent).free


def _is_old(path: Path) -> bool:
    """A backup that is being made just now is not left over."""
    with suppress(OSError):
        return time.time() - path.stat().st_mtime > UNFINISHED_S
    return False
