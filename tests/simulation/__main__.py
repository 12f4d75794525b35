"""tests/check sim [SEED ...]: replays seeds, or lives through 200 fresh ones. `sim runs [RUNS] [SEED ...]`: runs that are killed, a thousand of them.
`sim link [SEED ... | FIRST:LAST]`: lives of the link to the cloud, a thousand fresh ones or these, on all cores.
"""

import multiprocessing
import random
import sys
import time

from tests.simulation.house import simulate
from tests.simulation.link import link_story
from tests.simulation.runs import kill_runs

FRESH = 200
RUNS = 1_200
FRESH_LINKS = 1_000


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


def live_on_links(seeds: "range | list[int]") -> int:
    started, failed = time.monotonic(), 0
    with multiprocessing.get_context("spawn").Pool() as pool:
        for number, story in enumerate(pool.imap(link_story, seeds, chunksize=10), 1):
            failed += story is not None
            if story is not None:
                print(story, flush=True)
            if number % 1000 == 0 or number == len(seeds):
                a_second = number / (time.monotonic() - started)
                print(f"{number}/{len(seeds)}: {failed} failed, {a_second:.1f} seeds a second", flush=True)
    return failed


def seeds_of(arguments: list[str]) -> "range | list[int]":
    if len(arguments) == 1 and ":" in arguments[0]:
        first, _, last = arguments[0].partition(":")
        return range(int(first), int(last))
    return [int(each) for each in arguments] or random.SystemRandom().sample(range(10**9), FRESH_LINKS)


def main() -> None:
    arguments = sys.argv[1:]
    if arguments[:1] == ["link"]:
        sys.exit(1 if live_on_links(seeds_of(arguments[1:])) else 0)
    if arguments[:1] == ["runs"]:
        numbers = [int(argument) for argument in arguments[1:]]
        kill(numbers[0] if numbers else RUNS, numbers[1:] or [random.SystemRandom().randrange(1_000_000)])
    else:
        seeds = [int(argument) for argument in arguments]
        live_in_houses(seeds or random.SystemRandom().sample(range(1_000_000), FRESH))


if __name__ == "__main__":
    main()
