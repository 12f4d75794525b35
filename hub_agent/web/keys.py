"""What lets somebody in: sessions of browsers and named tokens. Of each only the digest of its secret is kept, in a file for the agent alone."""

import hashlib
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from hub_agent.errors import OperatingError
from hub_agent.web.scopes import Scope

log = logging.getLogger(__name__)

SECRET_CHARS_MAX = 200
# When somebody was here last is known to the hour, and written once a day: the card lives longer.
SEEN_EVERY = timedelta(hours=1)
SEEN_WRITTEN_EVERY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Key:
    """`digest`: the SHA-256 of its secret. `scene_id`: it may activate this scene and nothing else."""

    id: str
    digest: str
    name: str
    scope: Scope
    made_at: datetime
    made_by: str = ""
    expires_at: datetime | None = None
    last_seen_at: datetime | None = None
    scene_id: str | None = None

    def is_over(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now


def digest_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


class KeyRing:
    """The keys of one file. What cannot be read of it opens nothing: browsers pair again, tokens are made again."""

    def __init__(self, file: Path, now: Callable[[], datetime]) -> None:
        self._file = file
        self._now = now
        self._key_by_digest = {key.digest: key for key in _load(file)}
        self._seen_written_at = now()

    def all(self) -> list[Key]:
        now = self._now()
        return [key for key in self._key_by_digest.values() if not key.is_over(now)]

    def find(self, secret: str | None) -> Key | None:
        if not secret or len(secret) > SECRET_CHARS_MAX:
            return None
        key = self._key_by_digest.get(digest_of(secret))
        return None if key is None or key.is_over(self._now()) else key

    def add(self, key: Key, *, at_most: int) -> None:
        """Of more than `at_most` those go that were here longest ago."""
        kept = sorted(self.all(), key=lambda each: each.last_seen_at or each.made_at)[-(at_most - 1) :]
        self._keep((*kept, key))

    def remove(self, key_id: str) -> Key | None:
        gone = next((key for key in self._key_by_digest.values() if key.id == key_id), None)
        if gone:
            self._keep(key for key in self._key_by_digest.values() if key.id != key_id)
        return gone

    def has(self, key: Key) -> bool:
        known = self._key_by_digest.get(key.digest)
        return known is not None and not known.is_over(self._now())

    def note_seen(self, key: Key) -> None:
        """Where it cannot be written it is known until the next start."""
        now = self._now()
        if key.last_seen_at is not None and timedelta(0) <= now - key.last_seen_at < SEEN_EVERY:
            return
        self._key_by_digest[key.digest] = replace(key, last_seen_at=now)
        if key.last_seen_at is None or now - self._seen_written_at >= SEEN_WRITTEN_EVERY:
            self._seen_written_at = now
            try:
                _write(self._file, self._key_by_digest.values())
            except OSError as err:
                log.warning("When browsers and tokens were last used cannot be written to %s: %s", self._file, err)

    def _keep(self, keys: Iterable[Key]) -> None:
        """Raises OperatingError, and then nothing has changed: what was revoked must stay so after a restart."""
        fresh = {key.digest: key for key in keys}
        try:
            _write(self._file, fresh.values())
        except OSError as err:
            raise OperatingError(f"Who may come in cannot be written to {self._file}: {err.strerror or err}.") from err
        self._key_by_digest = fresh


def _write(file: Path, keys: Iterable[Key]) -> None:
    fresh = file.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(orjson.dumps([{name: getattr(key, name) for name in Key.__slots__} for key in keys]))
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(file)


def _load(file: Path) -> list[Key]:
    try:
        body = orjson.loads(file.read_bytes())
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as err:
        log.warning("%s cannot be read, so that nobody in it is let in: %s", file, err)
        return []
    keys = [_read(each) for each in (body if isinstance(body, list) else [])]
    if not isinstance(body, list) or None in keys:
        log.warning("Part of %s cannot be read: who stood there is not let in.", file)
    return [key for key in keys if key]


def _read(body: Any) -> Key | None:
    """What version 0.1 wrote has `paired_at` and no scope: it could do everything."""
    try:
        return Key(
            id=_text(body.get("id") or body["digest"][:8]),
            digest=_text(body["digest"]),
            name=_text(body["name"]),
            scope=Scope(body["scope"]) if "paired_at" not in body else Scope.CONFIGURE,
            made_at=_time(body["paired_at"] if "paired_at" in body else body["made_at"]),
            made_by=_text(body.get("made_by", "")),
            expires_at=_time_or_none(body, "expires_at"),
            last_seen_at=_time_or_none(body, "last_seen_at"),
            scene_id=None if body.get("scene_id") is None else _text(body["scene_id"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _time(value: object) -> datetime:
    time = datetime.fromisoformat(_text(value))
    if time.tzinfo is None:
        raise ValueError(value)
    return time


def _time_or_none(body: Mapping[str, object], name: str) -> datetime | None:
    """A key without a time of its end must say so: one that lost it would be let in for ever."""
    value = body[name] if name == "expires_at" else body.get(name)
    return None if value is None else _time(value)
