"""What the cloud has taken into its queue and not yet stored (its gateway may have one, see contract/wire.md).

Nothing here is confirmed: only a mark confirms. This remembers, in memory only, how far was sent already, so that the same
numbers are not sent again while they wait there, and asks now and then how far the marks have come. When the queue is through
and something is still not stored, or nothing moves for long, everything above the mark is sent again, and past the queue.
"""

from collections.abc import Collection, Mapping

# No more than this waits in the queue for one hub; others are to have their turn in it, too.
ROWS_WAITING_MAX = 50_000
ASK_S_FIRST = 1.0
ASK_S_MAX = 30.0
# The queue itself may be lost, with all that its servers knew.
FORGET_S = 900.0


class Queued:
    def __init__(self) -> None:
        self._is_usual = False
        # How far was queued, and how far the cloud has it, by stream. Only streams of which something waits there.
        self._up_to: dict[str, int] = {}
        self._stored: dict[str, int] = {}
        self._place = 0
        # What did not come through the queue goes past it, until the mark is here.
        self._past_queue_up_to: dict[str, int] = {}
        self._ask_s = ASK_S_FIRST
        self._ask_at_s = self._moved_at_s = float("inf")

    @property
    def is_usual(self) -> bool:
        """The cloud queues what may wait: what may and what may not travel apart."""
        return self._is_usual and not self._past_queue_up_to

    @property
    def may_wait(self) -> bool:
        """Whether the next records may be queued, if the cloud likes to."""
        return not self._past_queue_up_to

    @property
    def is_waiting(self) -> bool:
        return bool(self._up_to)

    @property
    def is_full(self) -> bool:
        return self.rows_waiting >= ROWS_WAITING_MAX

    @property
    def rows_waiting(self) -> int:
        return sum(up_to - self._stored[stream] for stream, up_to in self._up_to.items())

    @property
    def up_to(self) -> Mapping[str, int]:
        return self._up_to

    def sent_up_to(self, stream: str, acknowledged: int) -> int:
        return max(acknowledged, self._up_to.get(stream, 0))

    def ask_in_s(self, now_s: float) -> float:
        """When the marks should be asked for; infinite while nothing waits."""
        return self._ask_at_s - now_s

    def took(self, reach: Mapping[str, int], acknowledged: Mapping[str, int], place: int, now_s: float) -> None:
        """The cloud has queued records up to these numbers."""
        self._is_usual = True
        self._place = max(place, self._place)
        if not self._up_to:
            self._ask_s = ASK_S_FIRST
            self._ask_at_s, self._moved_at_s = now_s + self._ask_s, now_s
        for stream, last in reach.items():
            self._up_to[stream] = max(last, self._up_to.get(stream, 0))
            self._stored.setdefault(stream, acknowledged.get(stream, 0))

    def answered_directly(self) -> None:
        """The cloud does not queue (any more) what may wait: what was queued may be stored or not, the marks will say."""
        self._is_usual = False
        self._forget()

    def heard(self, acknowledged: Mapping[str, int], written: int | None, now_s: float) -> None:
        """Marks, read after the queue was written up to the place `written` (None: nobody knows)."""
        self._past_queue_up_to = _beyond(self._past_queue_up_to, acknowledged)
        if not self._up_to:
            return
        moved = any(acknowledged.get(stream, 0) > stored for stream, stored in self._stored.items())
        left = _beyond(self._up_to, acknowledged)
        if moved:
            self._moved_at_s = now_s
        if not left:
            self._forget()
        elif (written is not None and written >= self._place) or now_s - self._moved_at_s >= FORGET_S:
            self._past_queue_up_to |= left
            self._forget()
        else:
            self._up_to = left
            self._stored = {stream: acknowledged.get(stream, 0) for stream in left}
            self._ask_s = ASK_S_FIRST if moved else min(ASK_S_MAX, self._ask_s * 2)
            self._ask_at_s = now_s + self._ask_s

    def _forget(self) -> None:
        self._up_to, self._stored, self._place = {}, {}, 0
        self._ask_at_s = self._moved_at_s = float("inf")


def _beyond(numbers: Mapping[str, int], acknowledged: Mapping[str, int]) -> dict[str, int]:
    return {stream: number for stream, number in numbers.items() if number > acknowledged.get(stream, 0)}


def is_only_records(parts: Collection[str], streams: Collection[str]) -> bool:
    """Only records may wait: of everything else the hub needs the cloud's answer."""
    return bool(streams) and set(parts) <= set(streams)
