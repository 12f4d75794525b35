"""A consistent copy of the mirror beside it, made while the agent goes on. The newest few are kept.

To put one back: stop the agent, move `mirror.db`, `mirror.db-wal` and `mirror.db-shm` away, copy the backup to `mirror.db`, start the agent.
The hub then finds that the mirror is an older copy of itself, and goes on in a new epoch.
"""

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from hub_agent.errors import NotPossible
from hub_agent.model.json import JsonObject
from hub_agent.ports import Done

KEPT_MAX = 3
# So many pages at a time: writers wait no longer than that takes.
PAGES = 500


class Backup:
    """An errand: {"file", "bytes", "text"}."""

    def __init__(self, mirror: Path) -> None:
        self._mirror = mirror

    async def run(self, data: JsonObject, *, wants_response: bool) -> Done:
        del data, wants_response
        try:
            path = await asyncio.to_thread(self._copy, datetime.now(UTC))
        except (sqlite3.Error, OSError) as err:
            raise NotPossible(f"the mirror could not be copied: {err}") from err
        size = path.stat().st_size
        return Done({"file": path.name, "bytes": size, "text": f"{path.name}, {size:,} bytes, beside the mirror"})

    def _copy(self, now: datetime) -> Path:
        made = self._mirror.with_name(f"{self._mirror.name}.{now:%Y%m%dT%H%M%S%fZ}.backup")
        unfinished = made.with_suffix(".unfinished")
        try:
            source = closing(sqlite3.connect(f"file:{self._mirror}?mode=ro", uri=True))
            with source as mirror, closing(sqlite3.connect(unfinished)) as copy:
                mirror.backup(copy, pages=PAGES)
                if copy.execute("PRAGMA quick_check").fetchone() != ("ok",):
                    raise sqlite3.DatabaseError("the copy is damaged")
            unfinished.chmod(0o600)
            unfinished.rename(made)
        finally:
            unfinished.unlink(missing_ok=True)
        for older in sorted(self._mirror.parent.glob(f"{self._mirror.name}.*.backup"))[:-KEPT_MAX]:
            older.unlink(missing_ok=True)
        return made
