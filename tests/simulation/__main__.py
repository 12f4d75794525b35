"""tests/check sim [SEED ...]: replays seeds, or lives through 200 fresh ones. `sim runs [RUNS] [SEED ...]`: runs that are killed, a thousand of them."""

import random
import sys
import time

from tests.simulation.house import simulate
from tests.simulation.runs import kill_runs

FRESH = 200
RUNS = 1_200


def live_in_houses(seeds: list[int]) -> None:
    for number, seed in enumerate(seeds, 1):
        started = time.monotonic()
        house = simulate(seed)
        rows = sum(len(rows) for rows in house.cloud.rows.values())
        print(
            f"{number}/{len(seeds)} seed {seed}: {house.lives} lives, {house.ledger.commands} commands, "
            f"{rows} records, {time.monotonic() - started:.1f} s",
            flush=True,
        )


def kill(runs: int, seeds: list[int]) -> None:
    for seed in seeds:
        started = time.monotonic()
        story = kill_runs(seed, runs)
        print(
            f"seed {seed}: {story.runs} runs, {story.interrupted} of them killed at least once ({story.lives} lives), "
            f"{story.commands} commands; each ended once, in order. {time.monotonic() - started:.1f} s",
            flush=True,
        )


def main() -> None:
    arguments = sys.argv[1:]
    if arguments[:1] == ["runs"]:
        numbers = [int(argument) for argument in arguments[1:]]
        kill(numbers[0] if numbers else RUNS, numbers[1:] or [random.SystemRandom().randrange(1_000_000)])
    else:
        seeds = [int(argument) for argument in arguments]
        live_in_houses(seeds or random.SystemRandom().sample(range(1_000_000), FRESH))


if __name__ == "__main__":
    main()
