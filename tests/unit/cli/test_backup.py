"""`nexa-hub backup` and `nexa-hub restore`: from one folder into another, without an agent."""

import asyncio
from pathlib import Path

import pytest

from tests.unit.store.homes import at, mirror_in


@pytest.fixture
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a hub that has run once."""

    async def live() -> None:
        mirror = mirror_in(tmp_path / "state")
        await mirror.open(at())
        await mirror.close(at(1))

    asyncio.run(live())
    monkeypatch.setenv("NEXA_AGENT_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state"


def test_a_backup_is_made_looked_at_and_put_back(nexa, state_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    made = nexa("backup", str(tmp_path / "disk"), "--json")
    file = made.json()["file"]

    assert made.code == 0
    assert made.json()["holds"] == ["mirror.db", "mirror.db.identity"]
    looked_at = nexa("restore", file, "--check", "--json").json()
    assert not looked_at["is_restored"]
    before = (state_dir / "mirror.db").read_bytes()
    restored = nexa("restore", file, "--json").json()
    assert restored["is_restored"]
    assert (Path(restored["former_state"]) / "mirror.db").read_bytes() == before
    assert "systemctl start nexa-hub" in nexa("restore", file).out


def test_elsewhere_it_is_said_that_revoked_keys_hold_again_and_how_to_end_them(
    nexa, state_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (state_dir / "tokens.json").write_text('[{"id": "stolen"}]')
    file = nexa("backup", str(tmp_path / "b.nexa-backup"), "--json").json()["file"]
    assert "revoke" not in nexa("restore", file).out
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setenv("NEXA_AGENT_STATE_DIR", str(tmp_path / "elsewhere"))

    said = nexa("restore", file).out
    again = nexa("restore", file, "--revoke-all-access")

    assert "what was revoked since then opens again" in said
    assert f"nexa-hub restore {file} --revoke-all-access" in said
    assert "Nobody is paired any more, and no token holds" in again.out
    assert not (tmp_path / "elsewhere/tokens.json").exists()


def test_a_file_that_is_no_backup_is_refused_and_nothing_is_touched(nexa, state_dir: Path, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"\xff\xd8\xff")
    before = {each.name: each.read_bytes() for each in state_dir.glob("mirror.db*") if each.suffix != ".lock"}

    said = nexa("restore", str(photo))

    assert said.code == 1
    assert f"{photo} cannot be used: it is no backup" in said.err
    after = {each.name: each.read_bytes() for each in state_dir.iterdir() if each.suffix != ".lock"}
    assert after == before


def test_a_hub_that_has_never_run_has_nothing_to_keep(nexa, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXA_AGENT_STATE_DIR", str(tmp_path))

    said = nexa("backup", str(tmp_path / "b"))

    assert said.code == 1
    assert "There is no mirror" in said.err
