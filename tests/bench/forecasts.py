"""How good forecasts are, on homes that are simulated with seeds: `.venv/bin/python -m tests.bench.forecasts [SEEDS]`. A minute or two."""

import random
import sys
from collections.abc import Callable, Sequence
from datetime import date
from statistics import median

from hub_agent.core.forecasts.battery import Battery
from hub_agent.core.forecasts.energy import Energy
from hub_agent.core.forecasts.link import Link
from hub_agent.core.forecasts.models import BATTERY, ENERGY, LINK
from tests.fakes.batteries import alkaline, coin_cell, healthy

FIRST = date(2026, 1, 5).toordinal()
YEAR = 365


def batteries(seeds: int, name: str, made: Callable[[int], Sequence[int]]) -> str:
    """Empty is one that says five per cent or less for three days."""
    ahead: list[int] = []
    errors: list[float] = []
    covered: list[bool] = []
    for seed in range(seeds):
        levels, battery, first = made(seed), Battery(), None
        empty = next(day for day in range(2, len(levels)) if max(levels[day - 2 : day + 1]) <= 5)
        for day, level in enumerate(levels):
            battery.note(FIRST + day, level, BATTERY.defaults["replaced_rise"])
            outlook = battery.outlook(BATTERY.defaults)
            if outlook is None or day >= empty:
                continue
            first = day if first is None else first
            if empty - day <= 28:
                errors.append(abs(day + outlook.days - empty))
                covered.append(day + outlook.earliest <= empty <= day + outlook.latest)
        if first is not None and empty - first >= 7:
            ahead.append(empty - first)
    within = f"{100 * sum(covered) / len(covered):.0f} %" if covered else "-"
    off = f"{median(errors):.0f} days" if errors else "-"
    return f"| {name} | {len(ahead)} of {seeds} | {median(ahead):.0f} days ahead | off by {off} in the last four weeks, {within} within the span |"


def quiet_batteries(seeds: int) -> str:
    false = 0
    for seed in range(5 * seeds):
        battery, is_told = Battery(), False
        for day, level in enumerate(healthy(seed, YEAR, seed)):
            battery.note(FIRST + day, level, BATTERY.defaults["replaced_rise"])
            is_told = is_told or battery.outlook(BATTERY.defaults) is not None
        false += is_told
    return f"| batteries that last, are charged, say 20 % for years, freeze | {false} false of {5 * seeds} device years | | |"


def links(seeds: int, name: str, per_day: float, fades: float, *, is_bad: bool) -> str:
    """For two months as it always was, then `per_day` dropouts and a signal that falls by so much."""
    told = []
    for seed in range(seeds):
        chance, link, usual = random.Random(seed), Link(), random.Random(seed).choice((0, 0.05, 0.5))
        days = 120 if is_bad else YEAR
        for day in range(days):
            rate, fallen = (per_day, (day - 60) * fades) if is_bad and day >= 60 else (usual, 0.0)
            dropouts = sum(chance.random() < rate / 24 for _ in range(24))
            link.note(FIRST + day, dropouts, chance.gauss(75 - fallen, 5))
            if link.decline(LINK.defaults) is not None:
                told.append(day - 60)
                break
    after = f"{median(told):.0f} days after it began" if told and is_bad else ""
    return f"| {name} | {len(told)} {'of' if is_bad else 'false of'} {seeds}{'' if is_bad else ' device years'} | {after} | |"


def energies(seeds: int, name: str, fault: Callable[[float], float] | None) -> str:
    """A fridge; the fault comes after 100 days and lasts two."""
    begin, told, ended, false = 100 * 24, [], 0, 0
    for seed in range(seeds):
        chance, energy = random.Random(seed), Energy()
        for hour in range(YEAR * 24 if fault is None else begin + 96):
            used = max(0.0, chance.gauss(45 + 8 * (7 <= hour % 24 <= 20) + 8 * (hour // 24 > 150), 6))
            used += 40 * (chance.random() < 0.02)
            if fault is not None and begin <= hour < begin + 48:
                used = fault(used)
            word = energy.note(hour % 168, used, ENERGY.defaults)
            if word == "began" and (fault is None or hour < begin):
                false += 1
            elif word == "began":
                told.append(hour - begin)
            ended += word == "ended"
    if fault is None:
        return f"| {name} | {false} false of {seeds} device years | | |"
    return f"| {name} | {len(told)} of {seeds} | {median(told):.0f} hours after it began | {ended} ended |"


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    print("| what | foreseen or told | when | how well |\n| --- | --- | --- | --- |")
    print(batteries(seeds, "alkaline cell, a year, steps of 1 %", lambda seed: alkaline(seed, 365)))
    print(batteries(seeds, "alkaline cell, ten months, steps of 10 %", lambda seed: alkaline(seed, 300, step=10)))
    print(batteries(seeds, "coin cell with its cliff, a year", lambda seed: coin_cell(seed, 365)))
    print(batteries(seeds, "coin cell outside, two years", lambda seed: coin_cell(seed, 730, cold=10)))
    print(
        batteries(
            seeds, "coin cell that is eaten up, 200 days, steps of 5 %", lambda seed: coin_cell(seed, 200, step=5)
        )
    )
    print(quiet_batteries(seeds))
    print(links(seeds, "a link that drops out four times a day", 4, 0, is_bad=True))
    print(links(seeds, "a signal that fades by one point a day", 0.05, 1.0, is_bad=True))
    print(links(seeds, "links as they always were", 0, 0, is_bad=False))
    print(energies(seeds, "a fridge that runs on (2.5 times)", lambda used: used * 2.5))
    print(energies(seeds, "a fridge that stands still", lambda _used: 0.0))
    print(energies(seeds, "a healthy fridge", None))


if __name__ == "__main__":
    main()
