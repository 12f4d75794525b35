"""What happened since the agent started, counted when it is stored. Kept in memory only: whoever watches remembers."""

from collections import Counter
from collections.abc import Iterable

from hub_agent.model.effects import AppendRecord, Persistent

# Streams whose rows say how something ended.
_ENDS = frozenset({"automation_executions", "scene_activations"})


class Tally:
    def __init__(self) -> None:
        self.records: Counter[str] = Counter()
        self._ends: Counter[tuple[str, str]] = Counter()

    def stored(self, effects: Iterable[Persistent]) -> None:
        for effect in effects:
            if isinstance(effect, AppendRecord):
                self.records[effect.stream] += 1
                if effect.stream in _ENDS:
                    self._ends[effect.stream, str(effect.row.get("status"))] += 1

    def ends(self, stream: str) -> dict[str, int]:
        """By status."""
        return {status: count for (of, status), count in self._ends.items() if of == stream}
