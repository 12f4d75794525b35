"""One definition merged three ways, field by field."""

from dataclasses import dataclass
from enum import Enum, auto

from hub_agent.core.sync.columns import HUB_COLUMNS, MANUAL_COLUMNS
from hub_agent.model.json import JsonObject, JsonValue


@dataclass(frozen=True, slots=True)
class Merged:
    """`fields` is what holds now; `lost` what of ours gave way; `disputed` what the cloud wants of the fields where ours goes on."""

    fields: JsonObject
    lost: JsonObject
    disputed: JsonObject


class Side(Enum):
    OURS = auto()
    THEIRS = auto()
    THEIRS_OURS_LOST = auto()
    DISPUTED = auto()


@dataclass(frozen=True, slots=True)
class Waiting:
    """A dispute that waits for a person: what the cloud wanted, and whether the cloud knows of the dispute.
    `still`: what is disputed in the cloud now, where it says so.
    """

    theirs: JsonObject
    is_reported: bool
    still: frozenset[str] | None = None

    def is_decided(self, name: str, theirs: JsonValue) -> bool:
        """Whoever changes it in the cloud once the dispute is shown there has decided it; or has said whose value holds."""
        return self.is_reported and (theirs != self.theirs[name] or (self.still is not None and name not in self.still))


NOTHING_WAITS = Waiting({}, is_reported=False)


def merge(
    kind: str, base: JsonObject, ours: JsonObject, theirs: JsonObject, waiting: Waiting = NOTHING_WAITS
) -> Merged:
    fields: dict[str, JsonValue] = dict(ours)
    lost: dict[str, JsonValue] = {}
    disputed: dict[str, JsonValue] = {}
    for name, value in theirs.items():
        if name in ours and ours[name] == value:
            continue
        side = _side(kind, name, base, ours, theirs, waiting)
        if side is Side.DISPUTED:
            disputed[name] = value
        elif side is not Side.OURS:
            fields[name] = value
        if side is Side.THEIRS_OURS_LOST:
            lost[name] = ours[name]
    return Merged(fields, lost, disputed)


def _side(kind: str, name: str, base: JsonObject, ours: JsonObject, theirs: JsonObject, waiting: Waiting) -> Side:  # noqa: PLR0917 three sides, and which field of what
    """Both differ: whose value holds?"""
    if name not in ours:
        return Side.THEIRS
    if name in waiting.theirs:
        return Side.THEIRS_OURS_LOST if waiting.is_decided(name, theirs[name]) else Side.DISPUTED
    if name in HUB_COLUMNS.get(kind, ()):
        return Side.OURS
    if kind == "home" and name not in base and not theirs[name]:
        # Never said there (the zones of an import before the claim, say).
        return Side.OURS
    if name in base and theirs[name] == base[name]:
        return Side.OURS
    if name in base and ours[name] == base[name]:
        return Side.THEIRS
    return Side.DISPUTED if name in MANUAL_COLUMNS.get(kind, ()) else Side.THEIRS_OURS_LOST
