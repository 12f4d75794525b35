"""The one table: each measure with its figure, the floor of the same run, and the aim."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Measure:
    """`aim` holds `at_most` or `at_least`; without one the figure is only stated. A floor is what bare parts do with the same load."""

    name: str
    figure: float
    unit: str
    floor: float | None = None
    at_most: float | None = None
    at_least: float | None = None
    ratio_at_most: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return self.figure / self.floor if self.floor else None

    @property
    def aim(self) -> str:
        if self.ratio_at_most is not None:
            return f"≤ {self.ratio_at_most:g}× floor"
        if self.at_most is not None:
            return f"≤ {self.at_most:,g} {self.unit}"
        return f"≥ {self.at_least:,g} {self.unit}" if self.at_least is not None else ""

    @property
    def is_met(self) -> bool | None:
        if self.ratio_at_most is not None:
            return self.ratio is not None and self.ratio <= self.ratio_at_most
        if self.at_most is not None:
            return self.figure <= self.at_most
        return self.figure >= self.at_least if self.at_least is not None else None

    def as_json(self) -> dict[str, object]:
        return {**asdict(self), "ratio": self.ratio, "aim": self.aim, "is_met": self.is_met}

    def cells(self) -> tuple[str, ...]:
        floor = "" if self.floor is None else _number(self.floor)
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        met = {None: "", True: "met", False: "NOT MET"}[self.is_met]
        return (self.name, f"{_number(self.figure)} {self.unit}", floor, ratio, self.aim, met)


HEADINGS = ("measure", "figure", "floor", "ratio", "aim", "")


def render(measures: list[Measure]) -> str:
    rows = [HEADINGS, *(measure.cells() for measure in measures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = [
        "  ".join(cell.ljust(width) if column in {0, 4, 5} else cell.rjust(width) for column, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip()
        for row in rows
    ]  # fmt: skip
    lines.insert(1, "-" * max(len(line) for line in lines))
    notes = [f"{measure.name}: {measure.note}" for measure in measures if measure.note]
    return "\n".join([*lines, "", *notes])


def _number(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
