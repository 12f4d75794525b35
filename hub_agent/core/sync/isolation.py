"""When the cloud refuses a whole envelope: find the part it cannot take, and let nothing else wait for it.

The parts are then sent one at a time; a stream's rows are halved until one row stands alone. What is refused even alone
is set aside for a while and tried again; everything else goes on as before.
"""

from collections.abc import Collection

from hub_agent.core.sync.envelope import ROWS_MIN, Allowance

SET_ASIDE_S = 3600.0


class Isolation:
    def __init__(self) -> None:
        self._most = Allowance()
        self._allowance = Allowance()
        self._suspects: list[str] = []
        self._set_aside_until_s: dict[str, float] = {}

    @property
    def allowance(self) -> Allowance:
        return self._allowance

    @property
    def set_aside(self) -> list[str]:
        """Parts the cloud refuses even alone."""
        return sorted(self._set_aside_until_s)

    @property
    def is_searching(self) -> bool:
        return bool(self._suspects)

    def wants(self, part: str, now_s: float) -> bool:
        if self._set_aside_until_s.get(part, now_s) > now_s:
            return False
        return not self._suspects or self._suspects[0] == part

    def limit(self, rows_max: int | None, bytes_max: int | None) -> None:
        """The cloud says how much it takes at a time."""
        self._most = Allowance().within(rows_max, bytes_max)

    def passed(self, parts: Collection[str]) -> None:
        for part in parts:
            self._set_aside_until_s.pop(part, None)
        if self._suspects and set(parts) <= {self._suspects[0]}:
            # Nothing sent means that this suspect had nothing to say: also innocent.
            self._suspects.pop(0)
        self._allowance = self._allowance.doubled_up_to(self._most)

    def too_large(self, parts: Collection[str], rows: int, now_s: float) -> None:
        if rows <= ROWS_MIN and self._allowance.is_least:
            self.refused(parts, rows, now_s)
        self._allowance = self._allowance.halved()

    def refused(self, parts: Collection[str], rows: int, now_s: float) -> None:
        if len(parts) > 1:
            self._suspects = sorted(parts)
        elif rows > ROWS_MIN:
            self._suspects = self._suspects or sorted(parts)
            self._allowance = Allowance(max(ROWS_MIN, min(self._allowance.rows, rows) // 2), self._allowance.bytes)
        else:
            for part in parts:
                self._set_aside_until_s[part] = now_s + SET_ASIDE_S
            self._suspects = self._suspects[1:]
