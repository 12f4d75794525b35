"""Whether a device uses much more or less energy than in the same hour of past weeks, for hours on end.

Only of devices that are regular: a washing machine runs when somebody wants it to, and is never judged. How regular one is, it shows
itself: the share of its hours that were out of their band. Six values are kept for each hour of the week, and a band around their
median; what lasts becomes the new usual within weeks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median

from hub_agent.core.forecasts.robust import scatter, within
from hub_agent.model.json import JsonObject, JsonValue

HOURS_PER_WEEK = 168
KEPT_WEEKS = 6
# The share of odd hours forgets with this; where nothing is known yet, a device counts as irregular.
_FORGETS = 0.005
_UNKNOWN = 0.2
_BACK_AFTER = 3  # hours in the band
_NEW_USUAL_AFTER = 14 * 24  # hours
WH_MAX = 100_000


@dataclass(slots=True)
class Unusual:
    """Hours on end that were out of their band, all on the same side."""

    is_more: bool
    hours: int = 0
    usual: float = 0.0
    used: float = 0.0
    score: float = 0.0
    back: int = 0
    is_told: bool = False

    def as_json(self) -> JsonObject:
        return {
            "is_more": self.is_more,
            "hours": self.hours,
            "usual": round(self.usual, 1),
            "used": round(self.used, 1),
            "score": round(self.score, 2),
            "back": self.back,
            "is_told": self.is_told,
        }

    @classmethod
    def from_json(cls, body: Mapping[str, JsonValue]) -> "Unusual":
        usual, used, score = (float(str(body[each])) for each in ("usual", "used", "score"))
        hours, back = int(str(body["hours"])), int(str(body["back"]))
        return cls(body["is_more"] is True, hours, usual, used, score, back, body["is_told"] is True)


@dataclass(slots=True)
class Energy:
    """`weeks`: for each hour of the week what was used in it, Wh, the newest last. `odd`: share of hours out of their band."""

    weeks: list[list[int]] = field(default_factory=lambda: [[] for _ in range(HOURS_PER_WEEK)])
    odd: float = _UNKNOWN
    unusual: Unusual | None = None

    def note(self, hour: int, used: float, values: Mapping[str, float]) -> str | None:
        """An hour of the week is over. `began`, `goes_on` or `ended`: what is unusual and lasts; None where all is as usual."""
        used = within(0, used, WH_MAX)
        cell = self.weeks[hour]
        told = self._judge(cell, used, values) if len(cell) >= values["weeks_min"] else None
        cell.append(round(used))
        del cell[:-KEPT_WEEKS]
        return told

    def is_regular(self, values: Mapping[str, float]) -> bool:
        return self.odd <= values["irregular_max"]

    def _judge(self, cell: list[int], used: float, values: Mapping[str, float]) -> str | None:
        usual = median(cell)
        band = max(values["band"] * scatter(cell), 0.5 * usual, values["floor_wh"])
        is_odd = abs(used - usual) > band
        held = self.unusual
        if not (held is not None and held.is_told):
            # What is being told of is not how a device usually is.
            self.odd += _FORGETS * (is_odd - self.odd)
        if held is not None and (not is_odd or held.is_more != (used > usual)):
            return self._calm(held, is_more=used > usual if is_odd else None)
        if not is_odd:
            return None
        if held is None:
            # Irregular before this began: nothing is judged. (The hour itself has moved `odd` by little.)
            if self.odd > values["irregular_max"] + _FORGETS:
                return None
            held = self.unusual = Unusual(used > usual)
        held.hours += 1
        held.back = 0
        held.usual += usual
        held.used += used
        held.score = max(held.score, abs(used - usual) / band)
        if held.hours >= _NEW_USUAL_AFTER:
            self.unusual = None
            return "ended" if held.is_told else None
        if held.hours < values["hours"]:
            return None
        began, held.is_told = not held.is_told, True
        return "began" if began else "goes_on"

    def _calm(self, held: Unusual, *, is_more: bool | None) -> str | None:
        held.back += 1
        if not held.is_told:
            self.unusual = None
            return None
        if held.back < _BACK_AFTER and (is_more is None or is_more == held.is_more):
            return None
        self.unusual = None
        return "ended"

    def usual_w(self) -> float | None:
        """What it draws in the quiet hours of the night, where four weeks of them are known."""
        nights = [value for hour in range(HOURS_PER_WEEK) if 1 <= hour % 24 < 5 for value in self.weeks[hour]]
        return median(nights) if len(nights) >= 80 else None

    def most_w(self) -> float:
        return max((value for cell in self.weeks for value in cell), default=0)

    def as_json(self) -> JsonObject:
        held = None if self.unusual is None else self.unusual.as_json()
        return {"weeks": [list(each) for each in self.weeks], "odd": round(self.odd, 4), "unusual": held}

    @classmethod
    def from_json(cls, body: JsonValue) -> "Energy":
        if not isinstance(body, Mapping):
            return cls()
        weeks, held = body["weeks"], body["unusual"]
        if not isinstance(weeks, list | tuple) or len(weeks) != HOURS_PER_WEEK:
            raise ValueError("there are 168 hours in a week")
        cells: list[list[int]] = []
        for each in weeks:
            if not isinstance(each, list | tuple):
                raise TypeError("an hour is a list")
            cells.append([int(str(value)) for value in each][-KEPT_WEEKS:])
        unusual = Unusual.from_json(held) if isinstance(held, Mapping) else None
        return cls(cells, within(0, float(str(body["odd"])), 1), unusual)
