"""The hub itself in the API: who came in is told, backups are taken away encrypted, diagnostics hold no secrets."""

from functools import partial

import httpx
import pytest

from hub_agent.web.access import Access
from hub_agent.web.activity import note_access
from tests.fakes.door import FakeDoor
from tests.unit.web.conftest import Console


def told(door: FakeDoor) -> list[str]:
    return [each["text"] for each in door.activity.entries]


async def test_who_comes_in_and_who_lets_them_in_is_told(
    local: httpx.AsyncClient, browser: httpx.AsyncClient, door: FakeDoor, access: Access, console: Console
) -> None:
    access.on_event = partial(note_access, door)
    await browser.get("/pair")
    wrong = "000000" if console.codes[-1] != "000000" else "000001"
    await browser.post("/api/v1/pair", json={"code": wrong, "name": "x"})
    await browser.post("/api/v1/pair", json={"code": console.codes[-1], "name": "Anna's phone"})
    await local.post("/api/v1/access/tokens", json={"name": "Tablet", "scope": "view"})
    await local.delete("/api/v1/access/Tablet")
    assert told(door)[:4] == [
        "Somebody at the command line took back the access of “Tablet”",
        "Somebody at the command line made the token “Tablet”",
        "Anna's phone was let in",
        "Somebody entered a wrong code",
    ]


async def test_a_backup_is_taken_away_encrypted_and_told(local: httpx.AsyncClient, door: FakeDoor) -> None:
    answer = await local.post("/api/v1/backups/download", json={"passphrase": "long enough"})
    assert (answer.status_code, answer.content) == (200, b"encrypted")
    assert "nexa-hub-20260601T120000Z" in answer.headers["content-disposition"]
    assert told(door)[0] == "Somebody at the command line made a backup"
    answer = await local.post("/api/v1/backups/download", json={"passphrase": "short"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not_possible")


async def test_diagnostics_are_one_file_without_secrets(local: httpx.AsyncClient) -> None:
    answer = await local.get("/api/v1/diagnostics")
    assert "attachment" in answer.headers["content-disposition"]
    assert {"status", "settings", "issues", "devices", "sync"} <= answer.json().keys()
    assert answer.json()["settings"]["sections"]["mqtt"]["password"] == "(set)"


@pytest.mark.parametrize("change", [{"latitude": 91}, {"name": "x" * 101}, {"longitude": "east"}])
async def test_a_place_that_is_none_is_refused(local: httpx.AsyncClient, change: dict[str, object]) -> None:
    assert (await local.patch("/api/v1/home", json=change)).status_code == 422
