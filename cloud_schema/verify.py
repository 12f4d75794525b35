"""Says how a live database differs from the contract: what is wrong, what its engine cannot do, what differs on purpose."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

from cloud_schema.apply import ApplyError, connect, engine_of
from cloud_schema.catalogue import Catalogue, Engine, read_catalogue
from cloud_schema.comparison import Finding, compare

CONTRACT = Path(__file__).parent / "contract"
SHOWN_OF_A_KIND = 20

WHAT_TO_DO = {
    "missing": "Run `nexa-cloud apply`: it makes missing tables, indexes, views, functions, triggers, policies and rights. A column or "
    "constraint of a table that is there comes back by hand (REFERENCE.md has its definition), its data from a backup.",
    "wrong": "Somebody changed it by hand, or it is of another release. `nexa-cloud apply` renews functions, views, triggers and "
    "policies; tables are changed back by hand, or restored.",
    "extra": "Not ours. If it is yours, move it to a schema of your own: the next release may want the name.",
    "unsafe": "People may see more than is theirs. Run `nexa-cloud apply` now; if it stays, revoke the right by hand.",
}


@dataclass(frozen=True)
class Difference:
    """One that is wanted: a row of the README's table. `accepts` maps patterns of findings' keys to what must have been found."""

    contract: str
    here: str
    because: str
    accepts: dict[str, Any]

    def covers(self, finding: Finding, hypertables: tuple[str, ...]) -> bool:
        for pattern, found in self.accepts.items():
            for one in _spelled_out(pattern, hypertables):
                if fnmatchcase(finding.key, one) and found in (None, finding.found):
                    return True
        return False


@dataclass
class Verdict:
    """`wrong` makes it fail; `degraded` and `deliberate` are for the reader."""

    engine: str
    compared: dict[str, int]
    wrong: list[Finding] = field(default_factory=list)
    degraded: list[str] = field(default_factory=list)
    deliberate: list[tuple[Difference, list[Finding]]] = field(default_factory=list)

    @property
    def is_true(self) -> bool:
        return not self.wrong

    def as_json(self) -> dict[str, Any]:
        return {
            "engine": self.engine,
            "matches": self.is_true,
            "compared": self.compared,
            "wrong": [_as_json(finding) for finding in self.wrong],
            "degraded": self.degraded,
            "deliberate": [
                {
                    "contract": difference.contract,
                    "here": difference.here,
                    "because": difference.because,
                    "findings": [_as_json(finding) for finding in findings],
                }
                for difference, findings in self.deliberate
            ],
        }


def verify(dsn: str) -> Verdict:
    """Compares the database DSN with the contract. Changes nothing."""
    with connect(dsn) as connection:
        require_schema(connection)
        try:
            return verdict_on(connection)
        except psycopg.Error as err:
            raise ApplyError(
                f"The catalogue cannot be read: {str(err).splitlines()[0]} ({err.sqlstate}). Connect as the owner of the schema."
            ) from err


def require_schema(connection: psycopg.Connection[Any]) -> None:
    """Refuses a database to which the schema was never applied: all of it would be missing."""
    row = connection.execute("SELECT to_regclass('public.homes'), to_regclass('public.hub_hubs')").fetchone()
    if row is None or None in row:
        raise ApplyError("This database has no central schema yet. Run `nexa-cloud apply` first.")


def verdict_on(connection: psycopg.Connection[Any]) -> Verdict:
    """The same over a connection that is there, inside its transaction if it has one."""
    catalogue = read_catalogue(connection)
    contract = the_contract()
    hypertables = tuple(name for name, entry in contract["tables"].items() if entry["hypertable"])
    verdict = Verdict(engine=engine_of(connection), compared=_compared(contract, catalogue))
    verdict.degraded = list(_degraded(catalogue.engine, len(hypertables)))
    deliberate: dict[int, list[Finding]] = {}
    differences = declared_differences()
    for finding in compare(contract, catalogue, indexes_left_out()):
        place = next((n for n, one in enumerate(differences) if one.covers(finding, hypertables)), None)
        if place is None:
            verdict.wrong.append(finding)
        else:
            deliberate.setdefault(place, []).append(finding)
    verdict.deliberate = [(differences[place], deliberate[place]) for place in sorted(deliberate)]
    return verdict


@cache
def the_contract() -> dict[str, Any]:
    contract: dict[str, Any] = json.loads((CONTRACT / "contract.json").read_text(encoding="utf-8"))
    return contract


@cache
def declared_differences() -> tuple[Difference, ...]:
    return tuple(Difference(**one) for one in json.loads((CONTRACT / "differences.json").read_text(encoding="utf-8")))


@cache
def indexes_left_out() -> dict[str, str]:
    """Indexes of the contract that no documented query uses, each with its reason."""
    path = CONTRACT / "indexes_left_out.json"
    left_out: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return left_out


def unused_patterns(verdict: Verdict) -> list[str]:
    """What is declared to differ and does not. A declaration that covers nothing would one day cover a fault."""
    hypertables = tuple(name for name, entry in the_contract()["tables"].items() if entry["hypertable"])
    keys = [finding.key for _, findings in verdict.deliberate for finding in findings]
    return [
        pattern
        for difference in declared_differences()
        for pattern in difference.accepts
        if not any(fnmatchcase(key, one) for key in keys for one in _spelled_out(pattern, hypertables))
    ]


def report(verdict: Verdict, *, names_deliberate: bool = False) -> Iterator[str]:
    """For people: short, grouped, and with what to do."""
    yield f"Engine: {verdict.engine}."
    yield "Compared: " + ", ".join(f"{count} {kind}" for kind, count in verdict.compared.items()) + "."
    for problem, advice in WHAT_TO_DO.items():
        of_problem = [finding for finding in verdict.wrong if finding.problem == problem]
        if not of_problem:
            continue
        yield ""
        yield f"{problem.upper()} ({len(of_problem)}). {advice}"
        for kind, count in Counter(finding.kind for finding in of_problem).items():
            of_kind = [finding for finding in of_problem if finding.kind == kind]
            yield f"  {kind}" + (f" ({count})" if count > 1 else "")
            yield from (f"    {finding.name}{_seen(finding)}" for finding in of_kind[:SHOWN_OF_A_KIND])
            if count > SHOWN_OF_A_KIND:
                yield f"    ... and {count - SHOWN_OF_A_KIND} more; --json lists all"
    if verdict.degraded:
        yield ""
        yield "The engine's limits; nothing to mend:"
        yield from (f"  {line}" for line in verdict.degraded)
    if verdict.deliberate:
        count = sum(len(findings) for _, findings in verdict.deliberate)
        yield ""
        if names_deliberate:
            yield f"Different on purpose ({count}), as contract/differences.json declares:"
            for difference, findings in verdict.deliberate:
                yield f"  {difference.contract}: {difference.here} ({len(findings)})"
        else:
            yield f"Different on purpose, for {len(verdict.deliberate)} reasons: {count} things; --all names them."
    yield ""
    if verdict.is_true:
        yield "The database is as the contract says."
    else:
        yield f"The database is NOT as the contract says: {len(verdict.wrong)} findings."


def _degraded(engine: Engine, hypertables: int) -> Iterator[str]:
    if not engine.has_hypertables:
        yield f"{hypertables} hypertables are plain tables, without compression; `nexa-cloud maintain` deletes what is too old"
    elif not engine.has_community:
        yield f"{hypertables} hypertables are not compressed; `nexa-cloud maintain` deletes what is too old"
    if not engine.has_community:
        yield "continuous aggregates are views that count when they are asked"
        yield "no background jobs: run `nexa-cloud maintain` every 15 minutes"
    if not engine.has_statements:
        yield "slow_queries is empty: pg_stat_statements is not installed"


def _compared(contract: dict[str, Any], catalogue: Catalogue) -> dict[str, int]:
    return {
        "tables": len(contract["tables"]),
        "columns": sum(len(entry["columns"]) for entry in contract["tables"].values()),
        "summaries and views": sum(
            len(contract[kind]) for kind in ("continuous_aggregates", "materialized_views", "views")
        ),
        "indexes": len(contract["indexes"]),
        "functions": len(contract["functions"]),
        "triggers": len(contract["triggers"]),
        "policies": len(contract["policies"]),
        "relations found": len(catalogue.relations),
    }


def _spelled_out(pattern: str, hypertables: tuple[str, ...]) -> list[str]:
    if "{hypertable}" not in pattern:
        return [pattern]
    return [pattern.replace("{hypertable}", name) for name in hypertables]


def _seen(finding: Finding) -> str:
    parts = [
        f"{word} {_brief(value)}"
        for word, value in (("expected", finding.expected), ("found", finding.found))
        if value is not None
    ]
    return ": " + ", ".join(parts) if parts else ""


def _brief(value: Any) -> str:
    text = re.sub(r"\s+", " ", value if isinstance(value, str) else json.dumps(value))
    return text if len(text) <= 160 else text[:157] + "..."


def _as_json(finding: Finding) -> dict[str, Any]:
    return {
        "problem": finding.problem,
        "kind": finding.kind,
        "name": finding.name,
        "expected": finding.expected,
        "found": finding.found,
    }
