"""Which run set off which, so that rules that trigger each other without end are stopped.

A run that a run has set off is a link of a chain. A chain counts as a loop when its last LINKS came within WITHIN and the same
rule was set off by the same change at least ROUNDS times among them: a rule that counts up, or dims step by step, sees another
value each time and may go on. While a loop is stopped its rules still run for everything else; only what they set off in each
other is refused.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub_agent.model.inputs import EventFired
from hub_agent.model.state import Cause, StateChanged
from hub_agent.model.value import value

LINKS = 50
ROUNDS = 5
WITHIN = timedelta(minutes=2)
STOPPED_FOR = timedelta(minutes=10)
# Runs whose chain is remembered: those that could still set off something.
RUNS_MAX = 2_000
# Of one input that came to no end, those count as going round whose chains are this long.
ROUND_AT_ONCE = 20


@value
class Link:
    automation_id: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Loop:
    """`automation_ids` go round; `until` what they set off in each other is refused."""

    automation_ids: frozenset[str]
    since: datetime
    until: datetime


class Chains:
    def __init__(self) -> None:
        self._chain_by_run: OrderedDict[str, tuple[Link, ...]] = OrderedDict()
        self._loops: dict[str, Loop] = {}
        # What is being handled now, while it is.
        self.happening: StateChanged | EventFired | None = None

    def automation_of(self, run_id: str) -> str | None:
        chain = self._chain_by_run.get(run_id)
        return chain[-1].automation_id if chain else None

    def leads_to(self, run_id: str) -> frozenset[str]:
        """The automations whose runs led to this one."""
        return frozenset(link.automation_id for link in self._chain_by_run.get(run_id, ())[:-1])

    def loop_of(self, automation_id: str) -> Loop | None:
        """The loop it was last stopped in."""
        return self._loops.get(automation_id)

    def before(self, cause: Cause) -> tuple[Link, ...]:
        """The chain that a run would continue that begins now; `cause` is the run's own, if a call starts it."""
        happening = self.happening
        told = cause if happening is None else happening.cause
        return () if told is None or told.kind != "automation" else self._chain_by_run.get(told.id, ())

    def refusal(self, automation_id: str, before: tuple[Link, ...], now: datetime) -> Loop | None:
        """The stopped loop that this run would continue."""
        loop = self._loops.get(automation_id)
        if loop is None or not before or now >= loop.until:
            return None
        return loop if before[-1].automation_id in loop.automation_ids else None

    def found(self, automation_id: str, before: tuple[Link, ...], now: datetime) -> Loop | None:
        """The loop that this run would close once more; it is stopped from now on."""
        if len(before) < LINKS or now - before[0].at > WITHIN:
            return None
        mine = (automation_id, self._by())
        if sum((link.automation_id, link.by) == mine for link in before) < ROUNDS:
            return None
        return self._stop(before, now)

    def note(self, run_id: str, automation_id: str, before: tuple[Link, ...], now: datetime) -> None:
        self._chain_by_run[run_id] = (*before[1 - LINKS :], Link(automation_id, self._by() if before else "", now))
        if len(self._chain_by_run) > RUNS_MAX:
            self._chain_by_run.popitem(last=False)

    def stop_at_once(self, now: datetime) -> list[Loop]:
        """One input came to no end: what went round in it is stopped."""
        found: list[Loop] = []
        for chain in tuple(self._chain_by_run.values()):
            is_round = len(chain) >= ROUND_AT_ONCE and chain[-ROUND_AT_ONCE].at == now
            known = self._loops.get(chain[-1].automation_id)
            if is_round and (known is None or known.since != now):
                found.append(self._stop(chain, now))
        return found

    def shift(self, by: timedelta) -> None:
        """The clock was set: how fast a chain went is not known any more."""
        self._chain_by_run.clear()
        self._loops = {
            each: Loop(loop.automation_ids, loop.since + by, loop.until + by) for each, loop in self._loops.items()
        }

    def forget(self, automation_id: str) -> None:
        self._loops.pop(automation_id, None)

    def _stop(self, chain: Iterable[Link], now: datetime) -> Loop:
        counts = Counter(link.automation_id for link in chain)
        ids = frozenset(each for each, count in counts.items() if count >= ROUNDS)
        loop = Loop(ids, now, now + STOPPED_FOR)
        self._loops.update(dict.fromkeys(ids, loop))
        return loop

    def _by(self) -> str:
        match self.happening:
            case StateChanged(entity_id=entity_id, new=new):
                return f"{entity_id}={'' if new is None else new.state}"
            case EventFired(event_type=event_type, data=data):
                return f"{event_type} {data}"
        return ""
