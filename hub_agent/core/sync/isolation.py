"""When the cloud refuses a whole envelope: find the part it cannot take, and let nothing else wait for it.

The parts then stand in a queue and are sent alone, in turns with everything that is not in the queue. What passes alone
leaves the queue; a stream refused alone is sent with half the rows, until one row stands alone. What is refused even so
is set aside for a while and tried again later.
"""

from collections.abc import Collection

from hub_agent.core.sync.envelope import ROWS_MIN, Allowance

SET_ASIDE_S = 3600.0


class Isolation:
    def __init__(self) -> None:
        self._most = Allowance()
        self._allowance = Allowance()
        # How many rows each may have; None: it has not been refused alone.
        self._queue: dict[str, int | None] = {}
        self._is_alone_turn = False
        self._set_aside_until_s: dict[str, float] = {}

    @property
    def set_aside(self) -> list[str]:
        """Parts the cloud refuses even alone."""
        return sorted(self._set_aside_until_s)

    @property
    def is_searching(self) -> bool:
        return bool(self._queue)

    def is_set_aside(self, part: str, now_s: float) -> bool:
        """Until its time is over: it then goes with the others again, if there is anything of it still."""
        if self._set_aside_until_s.get(part, now_s) > now_s:
            return True
        self._set_aside_until_s.pop(part, None)
        return False

    def wants(self, part: str, now_s: float) -> bool:
        if self.is_set_aside(part, now_s):
            return False
        if self._queue and self._is_alone_turn:
            return next(iter(self._queue)) == part
        return part not in self._queue

    @property
    def allowance(self) -> Allowance:
        """Of the next envelope."""
        rows = next(iter(self._queue.values())) if self._queue and self._is_alone_turn else None
        return self._allowance if rows is None else Allowance(min(rows, self._allowance.rows), self._allowance.bytes)

    def limit(self, rows_max: int | None, bytes_max: int | None) -> None:
        """The cloud says how much it takes at a time."""
        self._most = Allowance().within(rows_max, bytes_max)
        self._allowance = self._allowance.doubled_up_to(self._most)

    def passed(self, parts: Collection[str]) -> None:
        """The cloud took it; no parts: there was nothing to send this turn."""
        for part in parts:
            self._set_aside_until_s.pop(part, None)
        if self._queue and self._is_alone_turn:
            suspect = next(iter(self._queue))
            rows = self._queue.pop(suspect)
            if parts and rows is not None and rows * 2 < self._most.rows:
                self._queue[suspect] = rows * 2
        self._take_turns()

    def too_large(self, parts: Collection[str], rows: int, now_s: float) -> None:
        if self._allowance.is_least:
            self.refused(parts, rows, now_s)
        self._allowance = self._allowance.halved()

    def refused(self, parts: Collection[str], rows: int, now_s: float) -> None:
        if len(parts) > 1:
            self._queue |= dict.fromkeys(sorted(parts))
        else:
            for part in parts:
                self._queue.pop(part, None)
                if rows > ROWS_MIN:
                    self._queue[part] = rows // 2
                else:
                    self._set_aside_until_s[part] = now_s + SET_ASIDE_S
        self._take_turns()

    def _take_turns(self) -> None:
        self._is_alone_turn = bool(self._queue) and not self._is_alone_turn
