"""Who may come in: a browser pairs with a code and then has a session, a program has a token. Both may do what their scope says."""

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from hub_agent.errors import NotFound, NotPossible
from hub_agent.web.keys import Key, KeyRing, digest_of
from hub_agent.web.pairing import Codes, Offer, PairingRefused
from hub_agent.web.scopes import Scope

log = logging.getLogger(__name__)

SESSION_COOKIE = "nexa_session"
# By HTTPS one of its own: a browser sends it by HTTPS only, and lets nothing that came by HTTP put another in its place.
SECURE_COOKIE = f"__Host-{SESSION_COOKIE}"
SESSION_LIFETIME = timedelta(days=180)
SESSIONS_MAX = 100
TOKENS_MAX = 100
TOKEN_PREFIX = "nexa_"  # noqa: S105 what tokens begin with, so that one is known when it turns up somewhere
NAME_CHARS_MAX = 80
# Who the command line is for. Nobody on the network may go by such a name.
LOCAL = "local"

# Names that no stranger can register, so that none can be made to point here.
_HOME_SUFFIXES = (".local", ".localhost", ".lan", ".internal", ".home.arpa")


def cookie_name(scheme: str) -> str:
    return SECURE_COOKIE if scheme == "https" else SESSION_COOKIE


@dataclass(frozen=True, slots=True)
class AccessEvent:
    """Somebody came in, was let in or was shut out. `kind`: "paired", "left", "invited", "token_made", "first_used", "revoked",
    "wrong_code", "wrong_token", "not_allowed". `name`: of the session or token. No secret is in it.
    """

    kind: str
    name: str = ""
    by: str = ""
    address: str = ""
    scope: Scope | None = None


def _log(event: AccessEvent) -> None:
    parts = [("by", event.by), ("from", event.address), ("scope", event.scope)]
    log.info("access: %s %r %s", event.kind, event.name, " ".join(f"{word} {said}" for word, said in parts if said))


class Access:
    """Codes, sessions and tokens. `file` holds the sessions; tokens are beside it. `tell` is told a code that the console is to show."""

    def __init__(
        self, file: Path, now: Callable[[], datetime], tell: Callable[[str], None], names: frozenset[str] = frozenset()
    ) -> None:
        self._now = now
        self._tell = tell
        self._names = names
        self._codes = Codes(now)
        self._sessions = KeyRing(file, now)
        self._tokens = KeyRing(file.with_name("tokens.json"), now)
        # Whoever keeps account of what happened. The log does without being asked.
        self.on_event: Callable[[AccessEvent], None] = lambda _event: None

    @property
    def has_sessions(self) -> bool:
        return bool(self._sessions.all())

    def told(self, event: AccessEvent) -> None:
        _log(event)
        self.on_event(event)

    # Codes.

    def offer_code(self) -> str:
        """The code for a browser that may do everything; told on the console when it is a fresh one."""
        known = self._codes.find(Scope.CONFIGURE, "", LOCAL)
        if known is None:
            known = self._codes.offer(Scope.CONFIGURE, "", LOCAL)
            self._tell(known.code)
        return known.code

    def offer_first_code(self) -> None:
        """For the first browser of the home. Later ones need somebody who is in already, so that no stranger has a code to guess."""
        if not self.has_sessions:
            self.offer_code()

    def invite(self, scope: Scope, name: str, by: str) -> Offer:
        if by.startswith(LOCAL) and scope is Scope.CONFIGURE and not name:
            by = LOCAL  # the same that the console was told
        known = self._codes.find(scope, name, by)
        if known is None:
            known = self._codes.offer(scope, name, by)
            self.told(AccessEvent("invited", name, by, scope=scope))
        return known

    def pair(self, code: str, name: str, address: str = "") -> str:
        """The cookie of a new session. Raises PairingRefused."""
        self.offer_first_code()
        try:
            offer = self._codes.take(code)
        except PairingRefused:
            self.told(AccessEvent("wrong_code", address=address))
            raise
        cookie = secrets.token_urlsafe(32)
        now = self._now()
        key = Key(
            id=secrets.token_hex(4),
            digest=digest_of(cookie),
            name=self._free_name(offer.name or name),
            scope=offer.scope,
            made_at=now,
            made_by=offer.by,
            expires_at=now + SESSION_LIFETIME,
            last_seen_at=now,
        )
        self._sessions.add(key, at_most=SESSIONS_MAX)
        self.told(AccessEvent("paired", key.name, offer.by, address, key.scope))
        return cookie

    # Sessions and tokens.

    def session(self, cookie: str | None) -> Key | None:
        return self._sessions.find(cookie)

    def token(self, secret: str) -> Key | None:
        return self._tokens.find(secret)

    def sessions(self) -> list[Key]:
        return self._sessions.all()

    def tokens(self) -> list[Key]:
        return self._tokens.all()

    def holds(self, key: Key) -> bool:
        """Whether it was neither revoked nor has run out since."""
        return self._sessions.has(key) or self._tokens.has(key)

    def note_seen(self, key: Key, address: str) -> None:
        if key.last_seen_at is None:
            self.told(AccessEvent("first_used", key.name, address=address, scope=key.scope))
        (self._tokens if self._tokens.has(key) else self._sessions).note_seen(key)

    def is_past(self, at: datetime) -> bool:
        return at <= self._now()

    def make_token(
        self, name: str, scope: Scope, by: str, *, expires_at: datetime | None = None, scene_id: str | None = None
    ) -> tuple[str, Key]:
        """The token, which is shown this once, and what is kept of it. Raises NotPossible."""
        if len(self.tokens()) >= TOKENS_MAX:
            raise NotPossible(f"There are {TOKENS_MAX} tokens already. Revoke one that is not needed any more.")
        secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
        key = Key(
            id=secrets.token_hex(4),
            digest=digest_of(secret),
            name=self._free_name(name),
            scope=scope,
            made_at=self._now(),
            made_by=by,
            expires_at=expires_at,
            scene_id=scene_id,
        )
        self._tokens.add(key, at_most=TOKENS_MAX)
        self.told(AccessEvent("token_made", key.name, by, scope=scope))
        return secret, key

    def forget(self, cookie: str) -> None:
        """A browser leaves."""
        key = self._sessions.find(cookie)
        if key:
            self._sessions.remove(key.id)
            self.told(AccessEvent("left", key.name, key.name, scope=key.scope))

    def revoke(self, name: str, by: str) -> Key:
        """A session or token by id or name. It opens nothing from now on. Raises NotFound."""
        keys = [*self.sessions(), *self.tokens()]
        wanted = name.casefold()
        found = next((key for key in keys if key.id == name), None)
        found = found or next((key for key in keys if key.name.casefold() == wanted), None)
        if found is None:
            raise NotFound(f"There is no session or token '{name}'. See: nexa-hub access")
        (self._tokens if self._tokens.has(found) else self._sessions).remove(found.id)
        self.told(AccessEvent("revoked", found.name, by, scope=found.scope))
        return found

    def knows_host(self, host: str) -> bool:
        """Addresses are fine: a name that is made to point here (DNS rebinding) is not one of ours."""
        name = host.rsplit(":", 1)[0] if not host.startswith("[") else host.partition("]")[0].strip("[]")
        name = name.casefold().rstrip(".")
        is_address = name.replace(".", "").isdecimal() or ":" in name
        return is_address or name in {"localhost", *self._names} or name.endswith(_HOME_SUFFIXES)

    def _free_name(self, wanted: str) -> str:
        """One that says who it was, later: no two are called alike, and none like the hub's own users."""
        name = "".join(each for each in " ".join(wanted.split()) if each.isprintable())[:NAME_CHARS_MAX] or "Browser"
        if name.casefold().startswith(LOCAL):
            name = f"“{name}”"
        taken = {key.name.casefold() for key in (*self.sessions(), *self.tokens())}
        tries = (name if n == 1 else f"{name} {n}" for n in range(1, len(taken) + 2))
        return next(each for each in tries if each.casefold() not in taken)
