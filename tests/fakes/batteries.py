"""Batteries as devices tell of them, by the day: with their steps, their noise, the cold, and the cliff at the end."""

import math
import random


def coin_cell(seed: int, lasts_days: int, *, step: int = 1, noise: float = 1.5, cold: float = 0.0) -> list[int]:
    """Slowly down to a third, then over the cliff: as long as it lives. `cold`: what a winter takes off."""
    chance = random.Random(seed)
    levels = []
    for day in range(lasts_days):
        part = day / lasts_days
        level = 100 - 55 * part if part < 0.8 else 56 * (1 - part) / 0.2
        winter = cold * max(0.0, math.cos(day * math.tau / 365))
        told = level - winter + chance.gauss(0, noise)
        if chance.random() < 0.01:
            told = 100  # a bad packet
        levels.append(max(0, min(100, step * round(told / step))))
    return levels


def alkaline(seed: int, lasts_days: int, *, step: int = 1, noise: float = 1.5) -> list[int]:
    """Straight down."""
    chance = random.Random(seed)
    return [
        max(0, min(100, step * round((100 * (1 - day / lasts_days) + chance.gauss(0, noise)) / step)))
        for day in range(lasts_days)
    ]


def healthy(seed: int, days: int, kind: int) -> list[int]:
    """What will not be empty for long: years of life, years at one value, a charger, a cold place."""
    chance = random.Random(seed)
    match kind % 5:
        case 0:  # three years and more
            return coin_cell(seed, chance.randrange(1100, 2500))[:days]
        case 1:  # says 20 % for years
            return [chance.choice((20, 20, 20, 21, 19)) for _ in range(days)]
        case 2:  # charged whenever it is low
            level, levels = 80.0, []
            for _ in range(days):
                level = 100.0 if level < 30 else level - chance.uniform(4, 9)
                levels.append(round(level))
            return levels
        case 3:  # in steps of ten, three years
            return alkaline(seed, 1100, step=10)[: min(days, 900)]
        case _:  # outside, years of life, and the winters
            return coin_cell(seed, 2000, cold=chance.uniform(5, 25), noise=2.5)[:days]
