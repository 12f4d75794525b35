"""The parts of the fake door that are the home and the hub themselves, and what happened."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hub_agent.core.activity import words
from hub_agent.errors import NotPossible
from hub_agent.model.activity import ActivityAsked, Happened, Phrase, say

AT = "2026-06-01T12:00:00+00:00"
ENTRIES = (
    Happened("alert", words.THE_HUB, say(words.TOLD, title="Fridge Plug is away")),
    Happened("device", words.itself("d2"), say("{device} was opened", device="Front Door"), ("d2",)),
    Happened("scene", words.person("local"), say(words.SCENE_PRESSED, scene="Movie night"), ("d1",), say(words.NOT_FOLLOWED, devices="Blind")),
    Happened("automation", words.automation("a1", "Evening"), say(words.RAN)),
    Happened("command", words.automation("a1", "Evening"), say("{who} switched {device} on", device="Lamp"), ("d1",)),
    Happened("command", words.person("Anna"), say("{who} switched {device} off", device="Lamp"), ("d1",)),
)  # fmt: skip


class FakeActivity:
    """Fills ports.Activity."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        for each in ENTRIES:
            self.add(each)

    def add(self, happened: Happened) -> None:
        entry = {"id": len(self.entries) + 1, "at": AT, "kind": happened.kind, "devices": [*happened.devices]}
        self.entries.insert(0, {**entry, **happened.as_json()})

    async def read(self, asked: ActivityAsked) -> Any:
        found = [
            each
            for each in self.entries
            if asked.after < each["id"] < (asked.before or 1 << 62)
            and asked.kind in {None, each["kind"]}
            and asked.who in {None, each["who"]["kind"], f"{each['who']['kind']}:{each['who']['id']}"}
            and (asked.device is None or asked.device in each["devices"])
        ][: asked.limit]
        return {"entries": found, "before": found[-1]["id"] if len(found) == asked.limit else None}

    def note(self, kind: str, who: str | None, said: str, **filling: Any) -> None:
        self.add(Happened(kind, words.person(who), Phrase(said, filling)))


class FakeHousehold:
    """Fills ports.Household."""

    def __init__(self, asked: list[Any]) -> None:
        self.asked = asked
        self.now: dict[str, Any] = {
            "id": "00000000-0000-4000-8000-00000000000a",
            "name": "Test Home",
            "timezone": "Europe/Stockholm",
            "latitude": 59.3,
            "longitude": 18.1,
            "elevation": 20.0,
        }

    def told(self) -> Any:
        return self.now

    async def edit(self, changes: Any, by: str) -> Any:
        if changes.get("timezone") == "Moon/Base":
            raise NotPossible("There is no time zone 'Moon/Base'; one is named like Europe/Berlin.", "timezone")
        self.asked.append(("edit_home", changes, by))
        self.now = {**self.now, **changes}
        return self.now


class FakeKeeping:
    """Fills ports.Keeping."""

    def __init__(self, asked: list[Any]) -> None:
        self.asked = asked
        self.files: list[Any] = [{"name": "nexa-hub-20260531T020000Z.tar.gz", "bytes": 2_400_000, "made_at": AT}]

    def settings(self) -> Any:
        return {"file": "/etc/nexa-hub/nexa-hub.toml", "sections": {"mqtt": {"host": "127.0.0.1", "password": "(set)"}}}

    def backups(self) -> Any:
        return {"is_nightly": True, "folder": "/mnt", "kept": 3, "is_encrypted": False, "files": self.files}

    async def make_backup(self) -> Any:
        made = {"name": "nexa-hub-20260601T120000Z.tar.gz", "bytes": 2_500_000, "made_at": AT}
        self.files = [made, *self.files]
        return made

    @asynccontextmanager
    async def backup_to_take(self, passphrase: str) -> AsyncIterator[Path]:
        if len(passphrase) < 8:
            raise NotPossible("A backup holds all of this hub's secrets: give a passphrase of 8 characters or more.")
        with TemporaryDirectory() as folder:
            path = Path(folder) / "nexa-hub-20260601T120000Z.tar.gz.age"
            path.write_bytes(b"encrypted")
            yield path

    def restart(self) -> None:
        self.asked.append(("restart", None, ""))
