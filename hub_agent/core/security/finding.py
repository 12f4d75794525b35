"""A weakness, as a look shows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

# From the worst: how it is told in `alert_severity`, and what it counts in the score.
RANKS: Final[Mapping[str, tuple[str, int]]] = {
    "critical": ("critical", 40),
    "high": ("error", 20),
    "medium": ("warning", 6),
    "low": ("info", 2),
    "info": ("info", 0),
}
# Ranks that people are told of by an issue; the others stand in the list.
TOLD: Final = frozenset({"critical", "high"})


@dataclass(frozen=True, slots=True)
class Finding:
    """`kind` and `device_id` (None: the hub itself) name it: found again, it is the same one. `component`: tells several of a kind apart.

    `type`: the central schema's `vulnerability_type`. `advice`: what to do, for people.
    """

    kind: str
    device_id: str | None
    rank: str
    type: str
    title: str
    text: str
    advice: str
    component: str = ""
    cve: str | None = None
    fixed_in: str | None = None
    url: str | None = None

    @property
    def key(self) -> str:
        return f"{self.kind}/{self.device_id or 'hub'}/{self.component}"

    @property
    def severity(self) -> str:
        return RANKS[self.rank][0]
