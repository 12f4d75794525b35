"""Lives that do not last are counted whatever ends them; those that end as they were meant to, or by the world's fault, are not."""

import contextlib
from pathlib import Path

import pytest

from hub_agent.core.vitals.rows import figures
from hub_agent.errors import AddressInUse
from hub_agent.runtime.lives import FAILED_MAX, Lives, Past, rooms_of


def killed(path: Path, boot_id: str = "boot-1", *blamed: str) -> Past:
    """One that ends without a word."""
    lives = Lives(path, boot_id).__enter__()
    for name in blamed:
        lives.blame(name)
    return lives.past


def next_past(path: Path, boot_id: str = "boot-1") -> Past:
    with Lives(path, boot_id) as lives:
        return lives.past


def test_lives_that_end_without_a_word_are_counted_with_what_was_to_blame(tmp_path: Path) -> None:
    path = tmp_path / "lives"
    for number in range(FAILED_MAX):
        assert killed(path, "boot-1", "uplink", "hue", "uplink").failed == number

    past = next_past(path)

    assert past == Past(FAILED_MAX, frozenset({"uplink", "hue"}))
    assert past.is_safe_mode_due
    assert path.read_text().count("uplink") == FAILED_MAX


def test_one_that_lasted_ends_the_count(tmp_path: Path) -> None:
    path = tmp_path / "lives"
    killed(path)
    killed(path)
    lives = Lives(path, "boot-1").__enter__()
    lives.lasted()
    lives.blame("uplink")

    assert next_past(path) == Past()


def test_being_stopped_and_the_worlds_faults_are_not_counted(tmp_path: Path) -> None:
    path = tmp_path / "lives"
    killed(path)
    for err in (None, AddressInUse("taken"), KeyboardInterrupt(), ExceptionGroup("", [AddressInUse("taken")])):
        with contextlib.suppress(BaseException), Lives(path, "boot-1"):
            if err is not None:
                raise err

    assert next_past(path).failed == 1


def test_our_own_fault_is_counted_with_the_room_in_which_it_happened(tmp_path: Path) -> None:
    path = tmp_path / "lives"
    with pytest.raises(AttributeError), Lives(path, "boot-1"):
        figures(None)  # type: ignore[arg-type]  # that is the fault

    assert next_past(path) == Past(1, frozenset({"vitals"}))
    assert rooms_of(None) == set()


def test_after_the_machine_was_started_anew_counting_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "lives"
    for _ in range(5):
        killed(path, "boot-1")

    assert next_past(path, "boot-2") == Past()


def test_everything_is_tried_again_later_each_time_it_does_not_last(tmp_path: Path) -> None:
    path = tmp_path / "lives"
    waits = []
    for _ in range(7):
        for _ in range(FAILED_MAX):
            killed(path)
        with Lives(path, "boot-1") as safe:
            assert safe.past.is_safe_mode_due
            waits.append(safe.past.trial_after_s / 3600)
            safe.try_everything()
        assert not next_past(path).is_safe_mode_due

    assert waits == [1, 2, 4, 8, 16, 24, 24]
    lives = Lives(path, "boot-1").__enter__()
    lives.forget()
    assert next_past(path) == Past()


def test_a_damaged_file_and_a_folder_that_cannot_be_written_count_nothing(tmp_path: Path) -> None:
    path = tmp_path / "lives"
    path.write_bytes(b"\xff\x00\xfe\n" * 100)
    assert next_past(path) == Past()
    assert next_past(tmp_path / "nowhere" / "lives") == Past()


def test_the_file_stays_small(tmp_path: Path) -> None:
    path = tmp_path / "lives"
    for _ in range(300):
        killed(path)

    assert path.stat().st_size < 1000
