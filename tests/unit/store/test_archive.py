"""A backup holds all that a hub is, is proved by reading it back, and goes on elsewhere."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub_agent.errors import BackupUnusable, MirrorError, NotPossible
from hub_agent.model.definition import Definition
from hub_agent.model.effects import SaveDefinition
from hub_agent.ports import Identity
from hub_agent.store import archive, identity_copy, migrate
from tests.unit.store.homes import at, mirror_in

NOW = datetime(2026, 3, 1, 3, 30, tzinfo=UTC)
OPEN_SESAME = "correct horse battery staple"


async def a_hub(folder: Path) -> None:
    """A mirror with a scene in it, in use by an agent, and what lies beside."""
    mirror = mirror_in(folder)
    opened = await mirror.open(at())
    await mirror.save_identity(replace(opened.identity, home_id="home", hub_id="hub", secret="sesame"))
    await mirror.commit([SaveDefinition(Definition("scene", "s1", {"name": "Movie"}, 3))], at(1))
    await mirror.close(at(2))
    (folder / "credentials.json").write_text('{"hue/1": {"key": "k"}}')
    (folder / "sessions.json").write_text("[]")
    (folder / "tokens.json").write_text("[]")


def scenes_in(folder: Path) -> list[tuple[str]]:
    with closing(sqlite3.connect(folder / "mirror.db")) as mirror:
        return mirror.execute("SELECT id FROM definitions WHERE kind = 'scene'").fetchall()


async def test_a_backup_put_into_an_empty_folder_is_the_same_hub(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    await a_hub(old)
    settings = tmp_path / "nexa-hub.toml"
    settings.write_text('[home]\nname = "Ours"\n')

    made = archive.make(archive.Source(old, settings), tmp_path / "b.nexa-backup", None, NOW)
    new.mkdir()
    restored = archive.restore(made.path, None, new, NOW)
    found, aside, of_then = restored.archive, restored.former_state, restored.settings

    assert found.made_at == NOW
    assert not found.is_encrypted
    assert aside is None
    assert of_then is not None
    assert of_then.read_text() == settings.read_text()
    assert scenes_in(new) == [("s1",)]
    assert identity_copy.read(new / "mirror.db") == identity_copy.read(old / "mirror.db")
    assert (new / "credentials.json").read_text() == '{"hue/1": {"key": "k"}}'
    assert {oct(each.stat().st_mode & 0o777) for each in new.iterdir()} == {"0o600"}


async def test_only_the_owner_can_read_it_and_nothing_else_is_left_behind(tmp_path: Path) -> None:
    await a_hub(tmp_path / "hub")
    folder = tmp_path / "backups"
    folder.mkdir()

    made = archive.make_in(folder, archive.Source(tmp_path / "hub"), None, NOW, 3)

    assert [each.name for each in folder.iterdir()] == [made.path.name]
    assert made.path.stat().st_mode & 0o777 == 0o600


async def test_it_is_made_while_somebody_writes_and_holds_what_was_committed(tmp_path: Path) -> None:
    await a_hub(tmp_path / "hub")
    with closing(sqlite3.connect(tmp_path / "hub/mirror.db", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM definitions")

        made = archive.make(archive.Source(tmp_path / "hub"), tmp_path / "b", None, NOW)

    (tmp_path / "new").mkdir()
    archive.restore(made.path, None, tmp_path / "new", NOW)
    assert scenes_in(tmp_path / "new") == [("s1",)]


async def test_of_a_folder_the_newest_are_kept(tmp_path: Path) -> None:
    await a_hub(tmp_path / "hub")
    folder = tmp_path / "backups"
    folder.mkdir()
    (folder / "holiday.jpg").touch()

    for day in (1, 2, 3):
        archive.make_in(folder, archive.Source(tmp_path / "hub"), None, NOW.replace(day=day), 2)

    assert sorted(each.name for each in folder.iterdir()) == [
        "holiday.jpg",
        "nexa-hub-20260302T033000Z.nexa-backup",
        "nexa-hub-20260303T033000Z.nexa-backup",
    ]


async def test_what_was_there_is_set_aside(tmp_path: Path) -> None:
    await a_hub(tmp_path / "old")
    made = archive.make(archive.Source(tmp_path / "old"), tmp_path / "b", None, NOW)
    await a_hub(tmp_path / "new")
    (tmp_path / "new/credentials.json").write_text("{}")

    aside = archive.restore(made.path, None, tmp_path / "new", NOW).former_state

    assert aside is not None
    assert scenes_in(aside) == [("s1",)]
    assert (aside / "credentials.json").read_text() == "{}"
    assert (tmp_path / "new/credentials.json").read_text() == '{"hue/1": {"key": "k"}}'


KEYS, FEWER = '[{"id": "old"}, {"id": "stolen"}]', '[{"id": "old"}]'


def keys_in(folder: Path) -> tuple[str, str]:
    return (folder / "sessions.json").read_text(), (folder / "tokens.json").read_text()


async def a_backup_with_keys(tmp_path: Path) -> Path:
    await a_hub(tmp_path / "hub")
    for name in archive.ACCESS:
        (tmp_path / "hub" / name).write_text(KEYS)
    return archive.make(archive.Source(tmp_path / "hub"), tmp_path / "b", None, NOW).path


async def test_on_the_same_hub_what_was_revoked_since_stays_revoked(tmp_path: Path) -> None:
    backup = await a_backup_with_keys(tmp_path)
    for name in archive.ACCESS:
        (tmp_path / "hub" / name).write_text(FEWER)

    restored = archive.restore(backup, None, tmp_path / "hub", NOW)

    assert keys_in(tmp_path / "hub") == (FEWER, FEWER)
    assert not restored.has_keys_of_then
    assert restored.former_state is not None
    assert keys_in(restored.former_state) == (FEWER, FEWER)


@pytest.mark.parametrize("now", ["", "{}", "[{"])
async def test_on_the_same_hub_what_is_lost_or_damaged_comes_from_the_backup(tmp_path: Path, now: str) -> None:
    backup = await a_backup_with_keys(tmp_path)
    (tmp_path / "hub/sessions.json").unlink()
    (tmp_path / "hub/tokens.json").write_text(now)

    assert archive.restore(backup, None, tmp_path / "hub", NOW).has_keys_of_then
    assert keys_in(tmp_path / "hub") == (KEYS, KEYS)


async def test_elsewhere_the_keys_are_those_of_then_and_that_is_told(tmp_path: Path) -> None:
    backup = await a_backup_with_keys(tmp_path)
    (tmp_path / "new").mkdir()
    identity_copy.write(tmp_path / "new/mirror.db", Identity("another home", None, mirror_id="another"))
    (tmp_path / "new/tokens.json").write_text(FEWER)

    assert archive.restore(backup, None, tmp_path / "new", NOW).has_keys_of_then
    assert keys_in(tmp_path / "new") == (KEYS, KEYS)


async def test_who_wishes_lets_none_of_them_in_any_more(tmp_path: Path) -> None:
    backup = await a_backup_with_keys(tmp_path)
    (tmp_path / "new").mkdir()

    for folder in ("new", "hub"):
        restored = archive.restore(backup, None, tmp_path / folder, NOW, revokes_access=True)
        assert not restored.has_keys_of_then
        assert not any((tmp_path / folder / name).exists() for name in archive.ACCESS)


async def test_not_while_an_agent_runs(tmp_path: Path) -> None:
    await a_hub(tmp_path / "hub")
    made = archive.make(archive.Source(tmp_path / "hub"), tmp_path / "b", None, NOW)
    mirror = mirror_in(tmp_path / "hub")
    await mirror.open(at(5))
    try:
        with pytest.raises(MirrorError, match="Another agent"):
            archive.restore(made.path, None, tmp_path / "hub", NOW)
    finally:
        await mirror.close(at(6))


async def test_a_damaged_backup_is_found_and_nothing_is_touched(tmp_path: Path) -> None:
    await a_hub(tmp_path / "hub")
    made = archive.make(archive.Source(tmp_path / "hub"), tmp_path / "b", None, NOW)
    whole = made.path.read_bytes()
    before = {each.name: each.read_bytes() for each in (tmp_path / "hub").iterdir()}

    for end in range(0, len(whole), len(whole) // 99):
        made.path.write_bytes(whole[:end])
        with pytest.raises(BackupUnusable, match="cannot be used"):
            archive.restore(made.path, None, tmp_path / "hub", NOW)
    spoiled = bytearray(whole)
    spoiled[len(whole) // 2] ^= 0xFF
    made.path.write_bytes(spoiled)
    with pytest.raises(BackupUnusable, match="damaged"):
        archive.restore(made.path, None, tmp_path / "hub", NOW)

    after = {each.name: each.read_bytes() for each in (tmp_path / "hub").iterdir() if each.suffix != ".lock"}
    assert after == {name: content for name, content in before.items() if not name.endswith(".lock")}


async def test_one_with_a_passphrase_tells_nothing_without_it(tmp_path: Path) -> None:
    """One test for all of it: opening one takes seconds, so that nobody tries all passphrases."""
    await a_hub(tmp_path / "hub")
    made = archive.make(archive.Source(tmp_path / "hub"), tmp_path / "b", OPEN_SESAME, NOW)
    whole = made.path.read_bytes()

    assert b"sesame" not in whole
    with pytest.raises(BackupUnusable, match="it is encrypted"):
        archive.read(made.path, None)
    with pytest.raises(BackupUnusable, match="the passphrase does not open it"):
        archive.read(made.path, "wrong")
    (tmp_path / "spoiled").write_bytes(whole[:-1])
    with pytest.raises(BackupUnusable, match="damaged"):
        archive.read(tmp_path / "spoiled", OPEN_SESAME)
    (tmp_path / "new").mkdir()
    found = archive.restore(made.path, OPEN_SESAME, tmp_path / "new", NOW).archive
    assert found.is_encrypted
    assert scenes_in(tmp_path / "new") == [("s1",)]


async def test_that_of_a_newer_agent_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await a_hub(tmp_path / "hub")
    made = archive.make(archive.Source(tmp_path / "hub"), tmp_path / "b", None, NOW)
    older = migrate.shipped()[:1]
    monkeypatch.setattr(migrate, "shipped", lambda: older)

    with pytest.raises(NotPossible, match="newer agent"):
        archive.restore(made.path, None, tmp_path / "hub", NOW)


def test_what_is_no_backup_is_not_opened(tmp_path: Path) -> None:
    for name, content in {"empty": b"", "text": b"hello" * 1000, "age": b"age-encryption.org/v1\nnonsense"}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BackupUnusable):
            archive.read(tmp_path / name, "x")


def test_without_a_mirror_there_is_nothing_to_keep(tmp_path: Path) -> None:
    with pytest.raises(NotPossible, match="There is no mirror"):
        archive.make(archive.Source(tmp_path), tmp_path / "b", None, NOW)
    assert list(tmp_path.iterdir()) == []
