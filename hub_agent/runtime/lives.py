"""How the agent's last lives ended: a small file beside the mirror, so that it can be told whatever is wrong with that.

Counted are lives, not minutes, since the clock may be wrong; and those since the machine was started, since a power cut is no fault of ours.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from hub_agent.errors import OperatingError

# So many in a row that did not last, and the next one does without what is optional.
FAILED_MAX = 3
# After so long in safe mode everything is tried again; twice as long each time that it does not last.
TRIAL_AFTER_S = 3600.0
TRIAL_AFTER_S_MAX = 86_400.0
LINES_MAX = 100

_LIFE, _SAFE = "life", "safe"


@dataclass(frozen=True, slots=True)
class Past:
    """`failed`: lives in a row that did not last. `blamed`: what they ended by, as far as is known. `trials`: how often everything was tried again."""

    failed: int = 0
    blamed: frozenset[str] = frozenset()
    trials: int = 0

    @property
    def is_safe_mode_due(self) -> bool:
        return self.failed >= FAILED_MAX

    @property
    def trial_after_s(self) -> float:
        return min(TRIAL_AFTER_S * 2.0**self.trials, TRIAL_AFTER_S_MAX)


class Lives:
    """As a context: one life. It counts as failed from its beginning on, until it has lasted or has ended as it was meant to.

    Nothing is raised: where the file cannot be written, nothing is counted.
    """

    def __init__(self, path: Path, boot_id: str) -> None:
        self._path = path
        self._boot_id = boot_id
        self._is_counted = False
        self.past = Past()

    def __enter__(self) -> Self:
        lines = self._read()
        lives = [line for line in lines if line.startswith(_LIFE)]
        blamed = frozenset(name for line in lives for name in line.split()[1:])
        self.past = Past(len(lives), blamed, lines.count(_SAFE))
        self._write([*lines, _LIFE])
        self._is_counted = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> None:
        if is_our_fault(err):
            for room in rooms_of(err):
                self.blame(room)
        elif self._is_counted:
            self._write(self._read()[:-1])

    def blame(self, name: str) -> None:
        """What fails in this life. Each is written once."""
        lines = self._read()
        if self._is_counted and lines and name not in lines[-1].split():
            self._write([*lines[:-1], f"{lines[-1]} {name}"])

    def lasted(self) -> None:
        """What failed before is over."""
        self._is_counted = False
        self._write([line for line in self._read() if line == _SAFE])

    def try_everything(self) -> None:
        """The next life is a normal one, and it is remembered that this one was not."""
        self._is_counted = False
        self._write([*(line for line in self._read() if line == _SAFE), _SAFE])

    def forget(self) -> None:
        self._is_counted = False
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _read(self) -> list[str]:
        try:
            boot_id, *lines = self._path.read_text(encoding="ascii", errors="replace").splitlines()
        except (OSError, ValueError):
            return []
        return lines if boot_id == self._boot_id else []

    def _write(self, lines: list[str]) -> None:
        text = "".join(f"{line}\n" for line in (self._boot_id, *lines[-LINES_MAX:]))
        draft = self._path.with_suffix(".new")
        with contextlib.suppress(OSError):
            file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(file, "w", encoding="ascii", errors="replace") as out:
                out.write(text)
            draft.replace(self._path)


def is_our_fault(err: BaseException | None) -> bool:
    """What the world did, and being stopped, is none."""
    if isinstance(err, BaseExceptionGroup):
        return any(is_our_fault(each) for each in err.exceptions)
    return isinstance(err, Exception) and not isinstance(err, OperatingError)


def rooms_of(err: BaseException | None) -> set[str]:
    """The rooms of the core in which it happened, by their folders."""
    rooms: set[str] = set()
    for each in _leaves(err):
        trace = each.__traceback__
        while trace is not None:
            _, is_core, below = trace.tb_frame.f_code.co_filename.partition("/hub_agent/core/")
            if is_core and "/" in below:
                rooms.add(below.partition("/")[0])
            trace = trace.tb_next
    return rooms


def _leaves(err: BaseException | None) -> Iterator[BaseException]:
    if isinstance(err, BaseExceptionGroup):
        for each in err.exceptions:
            yield from _leaves(each)
    elif err is not None:
        yield err
