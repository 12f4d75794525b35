"""Secrets of devices (PINs' yield, keys, tokens, passwords): one file that only the agent's user may read. They never leave this machine."""

import contextlib
import logging
import os
from collections.abc import Mapping
from pathlib import Path

import orjson

from hub_agent.errors import NotPossible

log = logging.getLogger(__name__)

BYTES_MAX = 4 * 1024 * 1024


class Credentials:
    """By dialect and peer. Read once, written whole and fsynced at each change."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._secrets = self._read()

    def of(self, dialect: str, key: str) -> Mapping[str, str]:
        return self._secrets.get(_slot(dialect, key), {})

    def keep(self, dialect: str, key: str, secrets: Mapping[str, str]) -> None:
        """Adds to what is kept of this peer. Raises NotPossible when it cannot be written: it holds until the agent stops."""
        known = self.of(dialect, key)
        merged = {**known, **secrets}
        if merged != known:
            self._secrets[_slot(dialect, key)] = merged
            self._write()

    def forget(self, dialect: str, key: str) -> None:
        if self._secrets.pop(_slot(dialect, key), None) is not None:
            self._write()

    def _read(self) -> dict[str, dict[str, str]]:
        try:
            if self._path.stat().st_mode & 0o077:
                self._path.chmod(0o600)
                log.warning("%s could be read by others; now only the agent can.", self._path)
            content = self._path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as err:
            log.error("%s cannot be read: %s. Devices that need a secret have to be paired again.", self._path, err)  # noqa: TRY400 its words are enough
            return {}
        try:
            body = orjson.loads(content[:BYTES_MAX])
            return {
                str(slot): {str(name): str(secret) for name, secret in secrets.items()}
                for slot, secrets in body.items()
            }
        except (ValueError, AttributeError):
            aside = self._path.with_name(self._path.name + ".damaged")
            with contextlib.suppress(OSError):
                self._path.replace(aside)
            lost = "%s is damaged and was set aside as %s. Devices that need a secret have to be paired again."
            log.error(lost, self._path, aside)  # noqa: TRY400 nothing of its content
            return {}

    def _write(self) -> None:
        draft = self._path.with_name(self._path.name + ".new")
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as out:
                out.write(orjson.dumps(self._secrets, option=orjson.OPT_SORT_KEYS))
                out.flush()
                os.fsync(out.fileno())
            draft.replace(self._path)
        except OSError as err:
            raise NotPossible(f"The credentials cannot be written to {self._path}: {err}.") from err


def _slot(dialect: str, key: str) -> str:
    return f"{dialect}/{key}"
