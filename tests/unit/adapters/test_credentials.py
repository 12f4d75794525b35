"""Secrets of devices: kept whole, readable by nobody else, and a damaged file is set aside."""

from pathlib import Path

import pytest

from hub_agent.adapters.credentials import Credentials
from hub_agent.errors import NotPossible


def test_what_was_kept_is_there_after_a_restart_and_only_the_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    Credentials(path).keep("hue", "bridge1", {"key": "secret"})
    assert Credentials(path).of("hue", "bridge1") == {"key": "secret"}
    assert path.stat().st_mode & 0o777 == 0o600


def test_secrets_of_one_peer_are_added_to_and_forgotten_apart(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path / "credentials.json")
    credentials.keep("hue", "a", {"key": "1"})
    credentials.keep("hue", "a", {"pin": "2"})
    credentials.keep("hue", "b", {"key": "3"})
    credentials.forget("hue", "a")
    assert Credentials(tmp_path / "credentials.json").of("hue", "a") == {}
    assert Credentials(tmp_path / "credentials.json").of("hue", "b") == {"key": "3"}


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1]", b'{"hue/a": 7}', b"\xff\xfe", b"[" * 5_000, b'{"hue/a": null}', b"7"]
)
def test_a_damaged_file_is_set_aside_and_nothing_of_it_is_logged(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "credentials.json"
    path.write_bytes(content)
    credentials = Credentials(path)
    assert credentials.of("hue", "a") == {}
    assert (tmp_path / "credentials.json.damaged").read_bytes() == content
    assert "paired again" in caplog.text
    credentials.keep("hue", "a", {"key": "1"})
    assert Credentials(path).of("hue", "a") == {"key": "1"}


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    path.write_text('{"hue/a": {"key": "1"}}', encoding="utf-8")
    path.chmod(0o644)
    Credentials(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_written_is_said_and_holds_until_the_agent_stops(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path / "no-such-folder" / "credentials.json")
    with pytest.raises(NotPossible, match="cannot be written"):
        credentials.keep("hue", "a", {"key": "1"})
    assert credentials.of("hue", "a") == {"key": "1"}
