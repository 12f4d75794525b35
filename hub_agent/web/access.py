"""Who may come in: a browser pairs with the code that the console shows, and then has a session. Sessions are stored hashed."""

import hashlib
import hmac
import os
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import orjson

SESSION_COOKIE = "nexa_session"
SESSION_LIFETIME = timedelta(days=180)
SESSIONS_MAX = 100

CODE_LIFETIME = timedelta(minutes=15)
TRIES_A_MINUTE_MAX = 5
TRIES_A_CODE_MAX = 20

# Names that no stranger can register, so that none can be made to point here.
_HOME_SUFFIXES = (".local", ".localhost", ".lan", ".internal", ".home.arpa")


class PairingRefused(Exception):
    """Wrong code, or too many tries. `retry_after_s` is None when another try may be made at once."""

    def __init__(self, words: str, retry_after_s: int | None = None) -> None:
        super().__init__(words)
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Session:
    """`digest` is the SHA-256 of the cookie. The name is what the browser called itself."""

    digest: str
    name: str
    paired_at: datetime
    expires_at: datetime


class Access:
    """Pairing codes and sessions. `file` is readable by the agent alone."""

    def __init__(
        self, file: Path, now: Callable[[], datetime], tell: Callable[[str], None], names: frozenset[str] = frozenset()
    ) -> None:
        self._file = file
        self._now = now
        self._tell = tell
        self._names = names
        self._code = ""
        self._code_expires_at = now()
        self._tries: deque[datetime] = deque(maxlen=TRIES_A_MINUTE_MAX)
        self._tries_of_code = 0
        self._session_by_digest = _load(file)

    @property
    def has_sessions(self) -> bool:
        return bool(self._session_by_digest)

    def offer_code(self) -> str:
        """A code that holds for a quarter of an hour; a fresh one when the last has run out. It is told on the console."""
        if not self._code or self._now() >= self._code_expires_at:
            self._code = f"{secrets.randbelow(1_000_000):06d}"
            self._code_expires_at = self._now() + CODE_LIFETIME
            self._tries_of_code = 0
            self._tell(self._code)
        return self._code

    def pair(self, code: str, name: str) -> str:
        """The cookie of a new session. Raises PairingRefused."""
        now = self._now()
        if len(self._tries) == TRIES_A_MINUTE_MAX and now - self._tries[0] < timedelta(minutes=1):
            wait_s = 60 - int((now - self._tries[0]).total_seconds())
            raise PairingRefused(f"Too many tries. Wait {wait_s} seconds.", wait_s)
        self._tries.append(now)
        expected = self.offer_code()
        self._tries_of_code += 1
        is_right = hmac.compare_digest(code.strip().replace(" ", "").encode(), expected.encode())
        if self._tries_of_code > TRIES_A_CODE_MAX or is_right:
            self._code = ""
        if not is_right:
            raise PairingRefused("That is not the code. It stands on the hub's console and in its log.")
        cookie = secrets.token_urlsafe(32)
        self._keep(Session(_digest(cookie), name[:80], now, now + SESSION_LIFETIME))
        return cookie

    def session(self, cookie: str | None) -> Session | None:
        if not cookie:
            return None
        session = self._session_by_digest.get(_digest(cookie))
        return session if session and session.expires_at > self._now() else None

    def forget(self, cookie: str) -> None:
        if self._session_by_digest.pop(_digest(cookie), None):
            self._save()

    def knows_host(self, host: str) -> bool:
        """Addresses are fine: a name that is made to point here (DNS rebinding) is not one of ours."""
        name = host.rsplit(":", 1)[0] if not host.startswith("[") else host.partition("]")[0].strip("[]")
        name = name.casefold().rstrip(".")
        is_address = name.replace(".", "").isdecimal() or ":" in name
        return is_address or name in {"localhost", *self._names} or name.endswith(_HOME_SUFFIXES)

    def _keep(self, session: Session) -> None:
        now = self._now()
        kept = [each for each in self._session_by_digest.values() if each.expires_at > now][-(SESSIONS_MAX - 1) :]
        self._session_by_digest = {each.digest: each for each in (*kept, session)}
        self._save()

    def _save(self) -> None:
        body = [
            {"digest": each.digest, "name": each.name, "paired_at": each.paired_at, "expires_at": each.expires_at}
            for each in self._session_by_digest.values()
        ]
        fresh = self._file.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            out.write(orjson.dumps(body))
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(self._file)


def _digest(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()


def _load(file: Path) -> dict[str, Session]:
    """What is unreadable means that browsers pair again, nothing worse."""
    try:
        body = orjson.loads(file.read_bytes())
        sessions = [
            Session(
                str(each["digest"]),
                str(each["name"]),
                datetime.fromisoformat(each["paired_at"]),
                datetime.fromisoformat(each["expires_at"]),
            )
            for each in body
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {each.digest: each for each in sessions}
