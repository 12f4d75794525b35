"""The command line as a person uses it: `nexa("devices", "list")`, and a real agent's door at a real Unix socket."""

import asyncio
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from pwd import getpwuid
from typing import Any

import pytest

from hub_agent.cli import main
from hub_agent.web.access import Access
from hub_agent.web.app import create_app
from hub_agent.web.guard import trusted
from hub_agent.web.server import bind_unix, serve
from tests.fakes.door import FakeDoor


@dataclass(frozen=True, slots=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


# Who is written down for what is done at the command line.
ME = f"local: {getpwuid(os.geteuid()).pw_name}"

Nexa = Callable[..., Said]


@pytest.fixture
def nexa(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Nexa:
    def run(*words: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["nexa-hub", *words])
        code: int | str | None = 0
        try:
            main()
        except SystemExit as end:
            code = end.code
        out, err = capsys.readouterr()
        return Said(int(code or 0), out, err)

    return run


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A settings file of the test's own, at which NEXA_CONFIG points: nothing of this machine is touched."""
    file = tmp_path / "hub.toml"
    file.write_text(f'[agent]\nstate_dir = "{tmp_path}"\nsocket = "{tmp_path / "hub.sock"}"\n')
    monkeypatch.setenv("NEXA_CONFIG", str(file))
    monkeypatch.delenv("NEXA_SOCKET", raising=False)
    return tmp_path


@pytest.fixture
def door(home: Path) -> Iterator[FakeDoor]:
    """A running agent's door."""
    door = FakeDoor()
    access = Access(home / "sessions.json", lambda: datetime.now(UTC), lambda _: None)
    listener = bind_unix(home / "hub.sock")
    listener.listen()
    loop = asyncio.new_event_loop()
    serving = loop.create_task(serve(trusted(create_app(door, access, "0.1.0")), listener))

    def run() -> None:
        loop.run_until_complete(asyncio.gather(serving, return_exceptions=True))

    thread = threading.Thread(target=run)
    thread.start()
    yield door
    loop.call_soon_threadsafe(serving.cancel)
    thread.join(10)
    loop.close()
