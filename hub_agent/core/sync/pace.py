"""When to speak to the cloud next, and whether it can be reached. Times are monotonic seconds."""

from typing import Protocol

COALESCE_S = 1.0
BACKOFF_S_FIRST = 1.0
# A hub that can reach the cloud says that it is there as often as one that cannot tries: nothing is gained by waiting longer.
BACKOFF_S_MAX = 60.0
REFUSED_S = 900.0
FAILURES_UNTIL_OFFLINE = 2


class Chance(Protocol):
    """A `random.Random`, passed in."""

    def random(self) -> float: ...


class Pace:
    """One direction's pace. After a success the next contact is due after `idle_s`, sooner if something is noticed."""

    def __init__(self, chance: Chance, *, idle_s: float) -> None:
        self._chance = chance
        self._idle_s = idle_s
        self._due_s = 0.0
        self._not_before_s = 0.0
        self._asked_until_s = 0.0
        self._failures = 0
        self._is_online = False

    @property
    def is_online(self) -> bool:
        return self._is_online

    @property
    def due_s(self) -> float:
        return self._due_s

    @property
    def is_failing(self) -> bool:
        """Nothing has got through since the last failure."""
        return self._failures > 0

    def may_speak(self, now_s: float) -> bool:
        """Unless the cloud has asked for a pause."""
        return now_s >= self._asked_until_s

    def noticed(self, now_s: float) -> None:
        """Something waits to be sent: soon, with what comes in the meantime, but never before the cloud wants to be asked again."""
        self._due_s = min(self._due_s, max(now_s + COALESCE_S, self._not_before_s))

    def wanted(self, now_s: float) -> None:
        """Somebody waits for it: now, but never before the cloud wants to be asked again."""
        self._due_s = min(self._due_s, max(now_s, self._not_before_s))

    def reached(self, now_s: float) -> None:
        """The other direction got through: no need to sit out a backoff, unless the cloud itself asked for it."""
        if self._failures and self._asked_until_s <= now_s:
            self._not_before_s = now_s
            self._due_s = min(self._due_s, now_s + self._chance.random() * COALESCE_S)

    def succeeded(self, now_s: float, *, is_more: bool = False, pause_s: float = 0.0) -> None:
        self._failures = 0
        self._is_online = True
        self._not_before_s = self._asked_until_s = now_s + pause_s
        self._due_s = now_s + (pause_s if is_more else max(pause_s, self._idle_s))

    def looked(self, now_s: float, wait_s: float) -> None:
        """Nothing was worth sending; it will be after `wait_s`."""
        self._due_s = max(now_s + wait_s, self._not_before_s)

    def failed(
        self,
        now_s: float,
        *,
        retry_after_s: float | None = None,
        at_least_s: float = 0.0,
        is_reachable: bool = False,
    ) -> None:
        """`is_reachable`: the cloud did answer, only not as hoped for."""
        self._failures += 1
        if self._failures >= FAILURES_UNTIL_OFFLINE and not is_reachable:
            self._is_online = False
        asked_s = max(at_least_s, retry_after_s or 0.0)
        # Who is told when to come back comes then: our own patience on top would leave the cloud idle.
        wait_s = self._spread(asked_s) if asked_s >= BACKOFF_S_FIRST else max(asked_s, self._backoff_s())
        self._asked_until_s = now_s + (wait_s if asked_s else 0.0)
        self._not_before_s = self._due_s = now_s + wait_s

    def _backoff_s(self) -> float:
        longest_s = min(BACKOFF_S_MAX, BACKOFF_S_FIRST * 2.0 ** min(self._failures - 1, 10))
        return longest_s * (0.25 + 0.75 * self._chance.random())

    def _spread(self, wait_s: float) -> float:
        """Never sooner than asked for, and not all hubs in the same second."""
        return wait_s * (1.0 + 0.25 * self._chance.random())
