"""The codes with which browsers pair: six digits that hold for a quarter of an hour, for one browser, and are slow to guess."""

import hmac
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub_agent.web.scopes import Scope

CODE_LIFETIME = timedelta(minutes=15)
TRIES_A_MINUTE_MAX = 5
TRIES_A_CODE_MAX = 20
OFFERS_MAX = 5


class PairingRefused(Exception):
    """Wrong code, or too many tries. `retry_after_s` is None when another try may be made at once."""

    def __init__(self, words: str, retry_after_s: int | None = None) -> None:
        super().__init__(words)
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Offer:
    """`name`: what the browser is to be called; empty: what it calls itself. `by`: who offers it."""

    code: str
    scope: Scope
    name: str
    by: str
    expires_at: datetime


class Codes:
    """Nothing stands open that nobody asked for: no offer, no code to guess."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._offers: list[Offer] = []
        self._tries: deque[datetime] = deque(maxlen=TRIES_A_MINUTE_MAX)
        self._wrong = 0

    def find(self, scope: Scope, name: str, by: str) -> Offer | None:
        """An offer of the same that still holds."""
        return next((each for each in self._live() if (each.scope, each.name, each.by) == (scope, name, by)), None)

    def offer(self, scope: Scope, name: str, by: str) -> Offer:
        offers = self._live()
        taken = {each.code for each in offers}
        code = next(code for code in iter(_random_code, "") if code not in taken)
        fresh = Offer(code, scope, name, by, self._now() + CODE_LIFETIME)
        self._offers = [*offers[-(OFFERS_MAX - 1) :], fresh]
        return fresh

    def take(self, code: str) -> Offer:
        """Raises PairingRefused. Too many wrong codes end every offer."""
        now = self._now()
        since_s = (now - self._tries[0]).total_seconds() if len(self._tries) == TRIES_A_MINUTE_MAX else -1.0
        if 0 <= since_s < 60:  # below: the clock was set back
            wait_s = 60 - int(since_s)
            raise PairingRefused(f"Too many tries. Wait {wait_s} seconds.", wait_s)
        self._tries.append(now)
        offers = self._live()
        given = code.strip().replace(" ", "").encode()
        right = [each for each in offers if hmac.compare_digest(given, each.code.encode())]
        if right:
            self._offers = [each for each in offers if each is not right[0]]
            return right[0]
        self._wrong += 1
        if self._wrong >= TRIES_A_CODE_MAX:
            self._offers, self._wrong = [], 0
        if not offers:
            words = "No code holds at the moment. Ask for one on the hub (nexa-hub pair), or in the settings of a browser that is paired."
            raise PairingRefused(words)
        raise PairingRefused(
            "That is not the code. The hub tells it on its console and in its log, and by: nexa-hub pair"
        )

    def _live(self) -> list[Offer]:
        now = self._now()
        live = [each for each in self._offers if each.expires_at > now]
        if not live:
            self._wrong = 0
        return live


def _random_code() -> str:
    return f"{secrets.randbelow(1_000_000):06d}"
