"""Programs that the settings allow: real ones, bounded in time, in words, and in what they get to know."""

# ruff: noqa: ASYNC110, ASYNC240 - what is waited for are processes, which set no event

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from hub_agent.adapters import shell
from hub_agent.adapters.shell import OUTPUT_BYTES_MAX, ShellErrand
from hub_agent.errors import NotPossible
from hub_agent.ports import Done


async def run(*command: str, timeout_s: float = 20) -> Done:
    return await ShellErrand(timeout_s).run({"command": list(command)}, wants_response=True)


def python(source: str) -> tuple[str, ...]:
    return (sys.executable, "-c", source)


def is_alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


async def test_what_it_says_and_how_it_ends_is_told() -> None:
    done = await run(*python("import sys; print(' hi '); print('oh', file=sys.stderr); sys.exit(3)"))

    assert done.response == {"stdout": "hi", "stderr": "oh", "returncode": 3}
    assert "ended with 3: oh" in (done.complaint or "")


async def test_arguments_reach_the_program_as_they_are() -> None:
    words = ["a b", "$(id)", "`id`", "; id", "*", "'\"\\", "", "ü"]
    done: Any = await run(*python("import sys, json; print(json.dumps(sys.argv[1:]))"), *words)

    assert done.response["stdout"] == json.dumps(words)
    assert done.complaint is None


async def test_nothing_of_the_agents_environment_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXA_CLOUD_CLAIM_CODE", "hush")
    done: Any = await run("/usr/bin/env")

    assert {line.partition("=")[0] for line in done.response["stdout"].splitlines()} == {"PATH", "LANG"}


async def test_it_reads_nothing_from_the_agents_console() -> None:
    done: Any = await run(*python("import sys; print(repr(sys.stdin.read()))"))

    assert done.response["stdout"] == "''"


async def test_what_is_too_much_is_dropped_and_the_program_ends() -> None:
    done: Any = await run(*python("import sys; sys.stdout.write('x' * 10_000_000); sys.stderr.write('y' * 5_000_000)"))

    assert (done.response["stdout"], done.response["stderr"]) == ("x" * OUTPUT_BYTES_MAX, "y" * OUTPUT_BYTES_MAX)


async def test_bytes_that_are_no_text_are_shown_as_such() -> None:
    done: Any = await run(*python(r"import sys; sys.stdout.buffer.write(b'a\xff')"))

    assert done.response["stdout"] == "a\ufffd"


@pytest.mark.parametrize("command", [("/nowhere/at/all",), ("/etc/passwd",), ("/bin/echo", "a\0b")])
async def test_what_cannot_be_started_is_told(command: tuple[str, ...]) -> None:
    with pytest.raises(NotPossible, match="cannot be started"):
        await run(*command)


# Neither it nor its child ends when it is asked to. A shell, because it starts at once also on a busy machine.
_FAMILY = ("/bin/sh", "-c", 'trap "" TERM; sleep 600 & echo $$ $! > "$0"; wait')


async def _pids(note: Path) -> list[int]:
    while not note.exists() or len(note.read_text().split()) < 2:
        await asyncio.sleep(0.02)
    return [int(each) for each in note.read_text().split()]


async def test_what_takes_too_long_is_killed_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shell, "GRACE_S", 0.1)
    with pytest.raises(NotPossible, match="took longer than 2 s and was killed"):
        await run(*_FAMILY, str(tmp_path / "pids"), timeout_s=2)

    pids = await _pids(tmp_path / "pids")
    while any(is_alive(pid) for pid in pids):  # the kernel takes a moment; the test's own timeout ends it otherwise
        await asyncio.sleep(0.02)


async def test_when_the_agent_stops_nothing_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "GRACE_S", 0.1)
    running = asyncio.ensure_future(run(*_FAMILY, str(tmp_path / "pids")))
    pids = await _pids(tmp_path / "pids")
    assert all(os.getpgid(pid) != os.getpgid(0) for pid in pids)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    while any(is_alive(pid) for pid in pids):
        await asyncio.sleep(0.02)


async def test_when_the_agent_stops_while_a_program_starts_nothing_of_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program may run, and have started others, before the agent has got hold of its pipes."""
    monkeypatch.setattr(shell, "GRACE_S", 0.1)
    os.mkfifo(tmp_path / "pids")
    running = asyncio.ensure_future(run(*_FAMILY, str(tmp_path / "pids")))
    for _ in range(2):
        await asyncio.sleep(0)
    pids = [int(each) for each in (tmp_path / "pids").read_text().split()]  # the agent stands still meanwhile
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    while any(is_alive(pid) for pid in pids):
        await asyncio.sleep(0.02)


async def test_a_child_that_stays_behind_does_not_hold_up_the_rule(tmp_path: Path) -> None:
    command = ("/bin/sh", "-c", 'sleep 600 & echo $! 0 > "$0"')
    with pytest.raises(NotPossible, match="took longer"):
        await run(*command, str(tmp_path / "pids"), timeout_s=2)

    child, _ = await _pids(tmp_path / "pids")
    while is_alive(child):
        await asyncio.sleep(0.02)
