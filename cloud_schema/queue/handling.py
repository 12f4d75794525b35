"""What becomes of an envelope that the database did not take. Pure: the writer carries it out."""

from dataclasses import dataclass
from typing import TypeAlias

from cloud_schema.gateway.refusal import Refused

TRIES_MAX = 5
# Begun this often and never finished: perhaps it is what ends the writers.
DELIVERIES_MAX = 20
AGAIN_S_FIRST = 0.5
AGAIN_S_MAX = 15.0
# The database as a whole does not serve: nothing is wrong with this envelope.
AWAY = frozenset({"gateway_busy", "database_away", "schema_too_old", "gateway_too_old", "rights_missing"})


@dataclass(frozen=True)
class Again:
    after_s: float


@dataclass(frozen=True)
class Dead:
    reason: str


Verdict: TypeAlias = Again | Dead


def judge(refused: Refused, tries: int, waits: int) -> Verdict:
    """`tries`: how often the database looked at this envelope and did not take it; `waits`: how often in a row it was tried at all."""
    after_s = min(AGAIN_S_MAX, AGAIN_S_FIRST * 2.0 ** min(waits - 1, 10))
    if is_away(refused):
        return Again(after_s)
    is_passing = refused.status in {429, 500, 503}
    if is_passing and tries < TRIES_MAX:
        return Again(after_s)
    reason = f"{refused} ({refused.body['details'] or refused.body['code']})"
    return Dead(f"tried {tries} times: {reason}" if is_passing else reason)


def is_away(refused: Refused) -> bool:
    return refused.status == 503 and refused.body["details"] in AWAY
