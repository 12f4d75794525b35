"""What is written to the card a day: by the hub's own program, and by all of the machine, as far as it tells."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub_agent.model.measured import HubMeasured

# Of the last day, one each hour; a start writes more than an hour of quiet does, so at first nothing is said.
KEPT_EVERY = timedelta(hours=1)
KEPT_MAX = 25
TOLD_AFTER = timedelta(minutes=10)
DAY = timedelta(days=1)
MEBIBYTE = 1024 * 1024


@dataclass(slots=True)
class _Count:
    at: datetime
    agent_bytes: int | None
    card_bytes: int | None


class Writes:
    def __init__(self) -> None:
        self._kept: deque[_Count] = deque(maxlen=KEPT_MAX)
        self._latest: _Count | None = None

    def note(self, measured: HubMeasured, now: datetime) -> None:
        self._latest = _Count(now, measured.agent_written_bytes, measured.card_written_bytes)
        if not self._kept or now - self._kept[-1].at >= KEPT_EVERY:
            self._kept.append(self._latest)

    def handle_clock_step(self, by: timedelta) -> None:
        for count in self._kept:
            count.at += by

    def figures(self) -> list[tuple[str, float, str]]:
        """(name, value, unit) of what is known."""
        latest = self._latest
        if latest is None or latest.at - self._kept[0].at < TOLD_AFTER:
            return []
        first = self._kept[0]
        days = (latest.at - first.at) / DAY
        told = [
            ("agent_writes_a_day", first.agent_bytes, latest.agent_bytes),
            ("card_writes_a_day", first.card_bytes, latest.card_bytes),
        ]
        return [
            (name, round((after - before) / days / MEBIBYTE, 1), "mebibytes")
            for name, before, after in told
            if before is not None and after is not None
        ]
