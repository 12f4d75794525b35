"""What is kept of the link so that people can be told: how fast what waits gets less, what was shed, what the cloud refused."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hub_agent.core.sync.envelope import Refused
from hub_agent.model.effects import Durability, Save
from hub_agent.model.json import JsonObject

ACCOUNT_ROOM = "sync_account"
# What was lost is told for so long after the last of it.
TOLD_FOR = timedelta(days=30)
# How fast it goes is said from the marks of so many seconds, and not before some of them have passed.
DRAIN_S = 300.0
DRAIN_S_MIN = 10.0
DRAIN_EVERY_S = 5.0
LOOKS_MAX = 200
REASON_LENGTH_MAX = 300


@dataclass(frozen=True, slots=True)
class Drained:
    """Records a minute that the cloud confirmed; and in how many seconds nothing waits, where it gets less."""

    per_minute: float
    done_in_s: float | None

    def as_json(self) -> JsonObject:
        done_in_s = None if self.done_in_s is None else round(self.done_in_s)
        return {"per_minute": round(self.per_minute, 1), "done_in_s": done_in_s}


class Drain:
    def __init__(self) -> None:
        self._seen: deque[tuple[float, int, int]] = deque(maxlen=LOOKS_MAX)

    def note(self, now_s: float, acknowledged: int, waiting: int) -> None:
        """All streams together."""
        if waiting == 0 or (self._seen and acknowledged < self._seen[-1][1]):
            self._seen.clear()
        while self._seen and self._seen[0][0] < now_s - DRAIN_S:
            self._seen.popleft()
        if len(self._seen) > 1 and now_s - self._seen[-2][0] < DRAIN_EVERY_S:
            self._seen.pop()
        self._seen.append((now_s, acknowledged, waiting))

    def drained(self, now_s: float) -> Drained | None:
        """None while nobody knows."""
        if not self._seen or self._seen[-1][2] == 0:
            return None
        began_s, acknowledged_then, _ = self._seen[0]
        _, acknowledged, waiting = self._seen[-1]
        took_s = now_s - began_s
        if took_s < DRAIN_S_MIN or acknowledged <= acknowledged_then:
            return None
        return Drained((acknowledged - acknowledged_then) / took_s * 60, self._done_in_s(waiting, now_s))

    def _done_in_s(self, waiting: int, now_s: float) -> float | None:
        """As it went since most was waiting: what is recorded meanwhile is in it, what came in one go is not."""
        most_s, _, most = max(self._seen, key=lambda seen: (seen[2], seen[0]))
        took_s = now_s - most_s
        return waiting * took_s / (most - waiting) if took_s >= DRAIN_S_MIN and most > waiting else None


@dataclass(frozen=True, slots=True)
class Lost:
    """Records of a stream that the hub shed or the cloud refused; `to_at` is when the last of them was made or refused."""

    stream: str
    why: str
    count: int
    from_at: datetime | None
    to_at: datetime | None

    def and_also(self, other: "Lost") -> "Lost":
        return replace(
            other,
            count=self.count + other.count,
            from_at=min((at for at in (self.from_at, other.from_at) if at), default=None),
            to_at=max((at for at in (self.to_at, other.to_at) if at), default=None),
        )


class Account:
    """`shed` by stream and reason; `refused` by stream, with the newest reason."""

    def __init__(self, saved: Mapping[str, JsonObject] | None = None) -> None:
        self._kept: dict[str, Lost] = {}
        for key, body in (saved or {}).items():
            if (read := _read(body)) is not None:
                self._kept[key] = read

    def shed(self, now: datetime) -> list[Lost]:
        return self._of("shed", now)

    def refused(self, now: datetime) -> list[Lost]:
        return self._of("refused", now)

    def note_shed(self, lost: Iterable[Lost]) -> list[Save]:
        """The cloud knows of these gaps; here they are forgotten but for this."""
        return [self._add(f"shed/{each.stream}/{each.why}", each) for each in lost]

    def note_refused(self, refused: Iterable[Refused], now: datetime) -> list[Save]:
        """A stream that is refused as a whole is refused each time: it counts once, until the reason is another one."""
        saves: dict[str, Save] = {}
        for each in refused:
            key, why = f"refused/{each.stream}", each.reason[:REASON_LENGTH_MAX]
            known = self._kept.get(key)
            if each.seq is not None or known is None or known.why != why:
                saves[key] = self._add(key, Lost(each.stream, why, 1, now, now))
        return [*saves.values()]

    def _add(self, key: str, lost: Lost) -> Save:
        known = self._kept.get(key)
        self._kept[key] = kept = known.and_also(lost) if known else lost
        return Save(ACCOUNT_ROOM, key, lost_as_json(kept), Durability.COMMIT)

    def _of(self, what: str, now: datetime) -> list[Lost]:
        kept = [lost for key, lost in sorted(self._kept.items()) if key.startswith(f"{what}/")]
        return [lost for lost in kept if lost.to_at is None or lost.to_at > now - TOLD_FOR]


def summed(lost: Iterable[Lost]) -> list[Lost]:
    """One for each stream and reason."""
    by_key: dict[tuple[str, str], Lost] = {}
    for each in lost:
        key = (each.stream, each.why)
        by_key[key] = by_key[key].and_also(each) if key in by_key else each
    return [by_key[key] for key in sorted(by_key)]


def lost_as_json(lost: Lost) -> JsonObject:
    return {
        "stream": lost.stream,
        "why": lost.why,
        "count": lost.count,
        "from_at": lost.from_at.isoformat() if lost.from_at else None,
        "to_at": lost.to_at.isoformat() if lost.to_at else None,
    }


def _read(body: JsonObject) -> Lost | None:
    count = body.get("count")
    try:
        began, ended = (
            datetime.fromisoformat(at) if isinstance(at := body.get(key), str) else None for key in ("from_at", "to_at")
        )
    except ValueError:
        return None
    return Lost(str(body.get("stream")), str(body.get("why")), count if isinstance(count, int) else 1, began, ended)
