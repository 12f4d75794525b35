"""Tokens of other platforms at rest: sealed before they are stored, with keys that the database never sees.

A sealed value is `sealed:v1:<key id>:<base64url(nonce + ciphertext)>`: AES-256-GCM under a random 96-bit nonce. What it belongs to
(table, column, id of the row) is authenticated with it, so a ciphertext that is copied into another row or column does not open
there. That is why it is AES-GCM and not Fernet, which has no room for it. 2^32 values may be sealed with one key.

Keys are 32 random bytes, one a line in base64url, in a file of the gateway's user. The first seals, all open: a new key goes on
top, `nexa-cloud vault rotate` seals everything anew, then the old one may go.
"""

import base64
import binascii
import hashlib
import os
import secrets
import stat
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PREFIX = "sealed:v1"
KEY_BYTES = 32
NONCE_BYTES = 12
KEYS_MAX = 16
# Others may not read the file, the group may not write it. (systemd's credentials are readable by a group of one.)
FORBIDDEN_MODE = stat.S_IWGRP | stat.S_IRWXO


class VaultError(Exception):
    """A value or the keys cannot be used. `str()` says why and what to do, and never holds a secret."""


class Vault:
    """Seals and opens tokens. `keys` are raw bytes; the first one seals."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise VaultError("There is no key. Make one with `nexa-cloud vault new-key`.")
        if len(keys) > KEYS_MAX or any(len(key) != KEY_BYTES for key in keys):
            raise VaultError(f"Keys are {KEY_BYTES} bytes each, and at most {KEYS_MAX}.")
        self._ciphers = {key_id(key): AESGCM(key) for key in keys}
        if len(self._ciphers) < len(keys):
            raise VaultError("A key stands in the file twice.")
        self.newest = key_id(keys[0])

    def seal(self, token: str, table: str, column: str, row_id: object) -> str:
        """The token as it may be stored in this column of this row. The row's id is chosen before it is inserted."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        ciphertext = self._ciphers[self.newest].encrypt(nonce, token.encode(), _place(table, column, row_id))
        return f"{PREFIX}:{self.newest}:{_text(nonce + ciphertext)}"

    def open(self, sealed: str, table: str, column: str, row_id: object) -> str:
        """The token again. Raises VaultError for what was not sealed here, by these keys, for this place."""
        place = f"{table}.{column} of {row_id}"
        name = key_of(sealed)
        if name is None:
            raise VaultError(f"{place} is not sealed.")
        cipher = self._ciphers.get(name)
        if cipher is None:
            raise VaultError(f"{place} is sealed with key {name}, which is not in the file.")
        try:
            octets = _octets(sealed.rpartition(":")[2])
            token = cipher.decrypt(octets[:NONCE_BYTES], octets[NONCE_BYTES:], _place(table, column, row_id))
        except (InvalidTag, ValueError) as err:
            raise VaultError(f"{place} does not open: it was changed, or moved here from another place.") from err
        return token.decode()

    @property
    def key_ids(self) -> list[str]:
        return list(self._ciphers)


def key_id(key: bytes) -> str:
    """A name for a key that tells nothing about it."""
    return hashlib.sha256(b"nexa-vault-key:" + key).hexdigest()[:8]


def key_of(sealed: str) -> str | None:
    """The id of the key a value was sealed with, or None if it is not sealed."""
    parts = sealed.split(":")
    return parts[2] if len(parts) == 4 and ":".join(parts[:2]) == PREFIX else None


def load_vault(path: Path) -> Vault:
    """The vault with the keys of a file. Refuses a file that others can read."""
    try:
        mode = path.stat().st_mode
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError as err:
        raise VaultError(f"{path} cannot be read: {err.strerror}. Make it with `nexa-cloud vault new-key`.") from err
    except UnicodeDecodeError as err:
        raise VaultError(f"{path} holds something else than keys.") from err
    if mode & FORBIDDEN_MODE:
        raise VaultError(f"{path} can be read or written by others. Run `chmod 600 {path}`.")
    return Vault([_key(line, path, number) for number, line in enumerate(lines, start=1) if _is_key_line(line)])


def add_key(path: Path) -> str:
    """Puts a new key on top of the file, making it if need be. Answers its id. Either the file is whole or as it was."""
    kept = ""
    mode = stat.S_IRUSR | stat.S_IWUSR
    if path.exists():
        if len(load_vault(path).key_ids) >= KEYS_MAX:
            raise VaultError(
                f"{path} holds {KEYS_MAX} keys: remove those that `nexa-cloud vault status` no longer names."
            )
        kept = path.read_text(encoding="ascii")
    key = secrets.token_bytes(KEY_BYTES)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="ascii") as file:
            if kept:
                _keep_owner(draft, path)
            file.write(f"{_text(key)}\n{kept}")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as err:
        raise VaultError(f"{path} cannot be written: {err.strerror}.") from err
    finally:
        draft.unlink(missing_ok=True)
    return key_id(key)


def _keep_owner(draft: Path, path: Path) -> None:
    """When root adds a key, the file stays the gateway's."""
    known = path.stat()
    if (known.st_uid, known.st_gid) != (os.getuid(), os.getgid()):
        os.chown(draft, known.st_uid, known.st_gid)
    draft.chmod(stat.S_IMODE(known.st_mode))


def _is_key_line(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _key(line: str, path: Path, number: int) -> bytes:
    try:
        key = _octets(line.strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise VaultError(f"{path}: row {number} is no key: {KEY_BYTES} bytes in base64url are.")
    return key


def _place(table: str, column: str, row_id: object) -> bytes:
    return f"{table}.{column}:{row_id}".lower().encode()


def _text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def _octets(text: str) -> bytes:
    try:
        octets = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as err:
        raise ValueError(str(err)) from err
    # The library also takes `+` for `-`, and any spare bits in the last letter.
    if _text(octets) != text:
        raise ValueError("not written as we write it")
    return octets
