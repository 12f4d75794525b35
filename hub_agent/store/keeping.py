"""What the doors show and do of the hub itself: its settings, its backups, its restart."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from hub_agent.config import NAMED_SECTIONS, SECRETS, Config
from hub_agent.errors import NotPossible
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.store import archive
from hub_agent.store.backups import Backups

PASSPHRASE_MIN = 8


class Keeping:
    """Fills ports.Keeping."""

    def __init__(
        self,
        config: Config,
        settings_file: Path | None,
        backups: Backups,
        restart: Callable[[], None],
        *,
        is_kept_up: bool,
    ) -> None:
        self._config = config
        self._file = settings_file
        self._backups = backups
        self._restart = restart
        self._is_kept_up = is_kept_up
        self._turn = asyncio.Lock()

    def settings(self) -> JsonObject:
        return {"file": None if self._file is None else str(self._file), "sections": in_force(self._config)}

    def backups(self) -> JsonObject:
        wanted = self._config.backup
        return {
            "is_nightly": wanted.folder is not None,
            "folder": str(self._backups.folder),
            "kept": wanted.kept,
            "is_encrypted": wanted.passphrase_file is not None,
            "files": [_told(each) for each in archive.all_in(self._backups.folder)],
        }

    async def make_backup(self) -> JsonObject:
        async with self._turn:
            return _told((await self._backups.make()).path)

    @asynccontextmanager
    async def backup_to_take(self, passphrase: str) -> AsyncIterator[Path]:
        if len(passphrase) < PASSPHRASE_MIN:
            words = (
                f"A backup holds all of this hub's secrets: give a passphrase of {PASSPHRASE_MIN} characters or more."
            )
            raise NotPossible(words, "passphrase")
        async with self._turn:
            with tempfile.TemporaryDirectory(dir=self._backups.source.state_dir, prefix=".backup-") as room:
                yield (await self._backups.make_once(Path(room), passphrase)).path

    def restart(self) -> None:
        if not self._is_kept_up:
            raise NotPossible("Nothing would start this agent again: it was not started as a service.")
        self._restart()


def in_force(config: Config) -> dict[str, dict[str, JsonValue]]:
    """Each section with its settings; of what is secret only whether it is set."""
    sections: dict[str, dict[str, JsonValue]] = config.model_dump(mode="json")
    for name in NAMED_SECTIONS:
        named = sections.pop(name)
        for each, section in named.items():
            if isinstance(section, dict):
                sections[f"{name}.{each}"] = section
    for section in sections.values():
        section |= {key: "(set)" for key in SECRETS & section.keys() if section[key]}
    return sections


def _told(path: Path) -> JsonObject:
    found = path.stat()
    return {
        "name": path.name,
        "bytes": found.st_size,
        "made_at": datetime.fromtimestamp(found.st_mtime, UTC).isoformat(),
    }
