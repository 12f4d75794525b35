"""Backups made by the agent itself, at night or when the cloud asks: as `nexa-hub backup` makes them."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hub_agent.errors import OperatingError
from hub_agent.model.json import JsonObject
from hub_agent.ports import Clock, Done
from hub_agent.store import archive

KEPT = 3
EVERY = timedelta(days=1)
# After a start the home has the machine for itself; after a failure whatever is missing has time to come back.
FIRST_AFTER = timedelta(minutes=20)
AGAIN_AFTER = timedelta(hours=1)


class Backups:
    """Keeps the newest of a folder. `run` makes one a day; as an errand (ports.Errand) it makes one at once."""

    def __init__(
        self,
        source: archive.Source,
        *,
        folder: Path | None = None,
        kept: int = KEPT,
        passphrase: Callable[[], str | None] = lambda: None,
        clock: Clock,
        tell: Callable[[str | None], None] = lambda _reason: None,
    ) -> None:
        """Without `folder` they stand beside the mirror. `tell`: why the nightly one failed; None: it did not."""
        self.source = source
        self.folder = folder or source.state_dir
        self._kept = kept
        self._passphrase = passphrase
        self._clock = clock
        self._tell = tell

    async def make(self) -> archive.Archive:
        """Raises OperatingError."""
        now = self._clock.now().wall
        return await asyncio.to_thread(archive.make_in, self.folder, self.source, self._passphrase(), now, self._kept)

    async def make_once(self, folder: Path, passphrase: str) -> archive.Archive:
        """One more, elsewhere, with a passphrase of its own. Raises OperatingError."""
        now = self._clock.now().wall
        return await asyncio.to_thread(archive.make_in, folder, self.source, passphrase, now, None)

    async def run(self, data: JsonObject, *, wants_response: bool) -> Done:
        del data, wants_response
        made = await self.make()
        return Done(
            {"file": made.path.name, "bytes": made.bytes, "text": f"{made.path}, {made.bytes:,} bytes, read back"}
        )

    async def nightly(self) -> None:
        """One a day, for as long as the agent runs; the first when the last one is a day old."""
        await asyncio.sleep(FIRST_AFTER.total_seconds())
        while True:
            await asyncio.sleep(self.due_in().total_seconds())
            try:
                await self.make()
            except OperatingError as err:
                self._tell(str(err))
                await asyncio.sleep(AGAIN_AFTER.total_seconds())
            else:
                self._tell(None)

    def due_in(self) -> timedelta:
        newest = archive.newest_in(self.folder)
        if newest is None:
            return timedelta(0)
        age = self._clock.now().wall - datetime.fromtimestamp(newest.stat().st_mtime, UTC)
        # A file from the future was dated by a wrong clock.
        return min(max(EVERY - age, timedelta(0)), EVERY)
