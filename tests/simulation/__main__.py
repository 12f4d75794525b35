"""tests/check sim [SEED ...]: replays seeds, or lives through 200 fresh ones."""

import random
import sys
import time

from tests.simulation.house import simulate

FRESH = 200


def main() -> None:
    seeds = [int(argument) for argument in sys.argv[1:]] or random.SystemRandom().sample(range(1_000_000), FRESH)
    for number, seed in enumerate(seeds, 1):
        started = time.monotonic()
        house = simulate(seed)
        rows = sum(len(rows) for rows in house.cloud.rows.values())
        print(
            f"{number}/{len(seeds)} seed {seed}: {house.lives} lives, {house.ledger.commands} commands, "
            f"{rows} records, {time.monotonic() - started:.1f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
