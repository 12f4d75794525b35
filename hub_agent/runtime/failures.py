"""How often in a row the agent has failed: a small file beside the mirror, so that it can be told whatever is wrong with that."""

import contextlib
import os
from pathlib import Path

# So many in a row, and what was changed since the agent last ran well is taken back.
FAILURES_MAX = 3
# Having run this long, it runs well.
WELL_S = 300.0


class Failures:
    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def count(self) -> int:
        try:
            return self._path.stat().st_size
        except OSError:
            return 0

    @property
    def are_many(self) -> bool:
        return self.count >= FAILURES_MAX

    def note(self) -> None:
        """A byte for each. Nothing is raised: the agent is failing already. May be called by the handler of a signal."""
        with contextlib.suppress(OSError):
            file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            os.write(file, b".")
            os.close(file)

    def forget(self) -> None:
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
