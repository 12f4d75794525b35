"""When a task last showed that it goes on. Whoever waits for long wakes up in between to say so."""

from hub_agent.ports import Clock

# Often enough for whoever looks, seldom enough to cost nothing.
BEAT_EVERY_S = 60.0


class Pulse:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._beaten_at_s: dict[str, float] = {}

    def beat(self, strand: str) -> None:
        """`strand`: one of the things that the task does side by side. From the first beat on more are awaited of it."""
        self._beaten_at_s[strand] = self._clock.now().monotonic_s

    def rest(self) -> None:
        """The task has ended, or begins anew: nothing is awaited of it."""
        self._beaten_at_s.clear()

    def silent_strand(self, silent_s_max: float) -> str | None:
        """One that has not been heard for longer than that."""
        now_s = self._clock.now().monotonic_s
        for strand, at_s in self._beaten_at_s.items():
            if now_s - at_s > silent_s_max:
                return strand
        return None
