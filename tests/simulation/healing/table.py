"""tests/check heal [SEEDS ...] [--json] [--write]: lives through every kind of fault, and through quiet days, and says what came of it.

`--write` puts the table into tests/README.md. Without seeds: 1 2 3.
"""

import json
import logging
import multiprocessing
import sys
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from tests.simulation.healing.faults import FAULTS
from tests.simulation.healing.home import Home, warmed
from tests.simulation.healing.judge import Verdict, live_through
from tests.simulation.healing.quiet import Quiet, live_quietly

README = Path(__file__).parent.parent.parent / "README.md"
BEGIN, END = "<!-- heal -->", "<!-- /heal -->"
SEEDS = (1, 2, 3)
DAYS = 30
_warm: dict[int, Home] = {}


@dataclass
class Row:
    """One kind of fault over all seeds: the latest, the worst."""

    name: str
    is_said: bool
    detected: list[timedelta] = field(default_factory=list)
    healed: list[timedelta] = field(default_factory=list)
    causes: set[str] = field(default_factory=set)
    cure: str | None = None
    alerts: int = 0
    resolved: int = 0
    complaints: list[str] = field(default_factory=list)


def judge_one(work: tuple[int, int]) -> Verdict:
    seed, number = work
    logging.disable(logging.CRITICAL)
    if seed not in _warm:
        _warm[seed] = warmed(seed).copied()
    return live_through(FAULTS[number], _warm[seed].copied_again())


def judge_all(seeds: tuple[int, ...] = SEEDS, at_once: int | None = None) -> list[Row]:
    work = [(seed, number) for seed in seeds for number in range(len(FAULTS))]
    rows = {each.name: Row(each.name, bool(each.codes), cure=each.cure) for each in FAULTS}
    with multiprocessing.get_context("spawn").Pool(at_once) as pool:
        for verdict_of, (seed, _) in zip(pool.imap(_told, work, chunksize=8), work, strict=True):
            _note(rows[verdict_of["name"]], verdict_of, seed)
    return list(rows.values())


def _told(work: tuple[int, int]) -> dict:
    """A verdict as it can be handed over: faults hold functions."""
    verdict = judge_one(work)
    return {
        "name": verdict.fault.name,
        "detected": verdict.detected_after,
        "healed": verdict.healed_after,
        "named": verdict.named,
        "alerts": verdict.alerts,
        "resolved": verdict.resolved,
        "complaints": verdict.complaints(),
    }


def _note(row: Row, told: dict, seed: int) -> None:
    row.detected += [told["detected"]] if told["detected"] is not None else []
    row.healed += [told["healed"]] if told["healed"] is not None else []
    row.causes.update(told["named"])
    row.alerts, row.resolved = max(row.alerts, told["alerts"]), max(row.resolved, told["resolved"])
    row.complaints += [f"seed {seed}: {each}" for each in told["complaints"]]


def rest_quietly(seeds: tuple[int, ...], days: int, at_once: int | None = None) -> list[Quiet]:
    logging.disable(logging.CRITICAL)
    with multiprocessing.get_context("spawn").Pool(at_once) as pool:
        return pool.starmap(live_quietly, [(seed, days) for seed in seeds], chunksize=1)


def as_markdown(rows: list[Row], quiet: list[Quiet], seeds: tuple[int, ...]) -> str:
    wrong = sum(bool(row.complaints) for row in rows)
    days = sum(each.days for each in quiet)
    alarms, asked = sum(len(each.alarms) + each.alerts for each in quiet), sum(len(each.asked) for each in quiet)
    places = sum("wrong place" in each for row in rows for each in row.complaints)
    summary = (
        f"{len(rows)} kinds of faults, seeds {', '.join(map(str, seeds))}: {len(rows) - wrong} are as they should be, {wrong} are "
        f"not. Remedies in the wrong place: {places}. "
        f"False alarms in {days} quiet days: {alarms}; remedies then: {sum(len(each.remedies) for each in quiet)}, and "
        f"{asked} times a device was asked how it is."
    )
    lines = [
        summary,
        "",
        "| fault | noticed within | as | what brings it back | over within | told, resolved | not as it should be |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        detected = _longest(row.detected) if row.is_said else "nothing to say"
        cause = ", ".join(sorted(row.causes)) or "-"
        cure = row.cure or ("a person, or itself" if row.is_said else "-")
        said = "; ".join(dict.fromkeys(row.complaints)) or "-"
        lines.append(
            f"| {row.name} | {detected} | {cause} | {cure} | {_longest(row.healed)} | {row.alerts}, {row.resolved} | {said} |"
        )
    return "\n".join(lines)


def _longest(times: list[timedelta]) -> str:
    if not times:
        return "-"
    seconds = max(times).total_seconds()
    return (
        f"{seconds:.0f} s"
        if seconds < 100
        else f"{seconds / 60:.0f} min"
        if seconds < 6000
        else f"{seconds / 3600:.1f} h"
    )


def write(text: str) -> None:
    readme = README.read_text(encoding="utf-8")
    before, rest = readme.split(BEGIN)
    after = rest.split(END)[1]
    README.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def main(arguments: list[str]) -> int:
    seeds = tuple(int(each) for each in arguments if each.isdigit()) or SEEDS
    started = time.monotonic()
    rows = judge_all(seeds)
    quiet = rest_quietly(seeds, DAYS)
    text = as_markdown(rows, quiet, seeds)
    if "--json" in arguments:
        shown = [{**vars(row), "causes": sorted(row.causes)} for row in rows]
        print(json.dumps({"faults": shown, "quiet": [vars(each) for each in quiet]}, default=str, indent=2))
    else:
        print(text)
        for each in quiet:
            print(
                f"seed {each.seed}, {each.days} quiet days: {len(each.alarms)} false alarms {each.alarms[:5]}, {len(each.remedies)} remedies, {len(each.asked)} questions"
            )
        print(f"{time.monotonic() - started:.0f} s")
    if "--write" in arguments:
        write(text)
    return 1 if any(row.complaints for row in rows) or any(each.alarms or each.remedies for each in quiet) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
