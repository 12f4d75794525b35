"""A backup: one file that holds all a home needs to go on with on another machine. Made while the agent goes on, read back before it counts.

A tar of the mirror, the hub's identity, the devices' secrets, the paired browsers and the settings, compressed; with a passphrase, in
the age format (age-encryption.org/v1), so that `age --decrypt` opens it where there is no hub.
"""

import contextlib
import gzip
import hashlib
import io
import json
import os
import sqlite3
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from pydantic import AwareDatetime, BaseModel, ValidationError

from hub_agent import __version__
from hub_agent.errors import BackupUnusable, NotPossible
from hub_agent.store import file, identity_copy, migrate, sealing

FORMAT = 1
MIRROR = "mirror.db"
SETTINGS = "nexa-hub.toml"
# Beside the mirror in the state directory; what is not there is not missed.
ACCESS = ("sessions.json", "tokens.json")
BESIDE = (identity_copy.path_for(Path(MIRROR)).name, "credentials.json", *ACCESS)
MANIFEST = "manifest.json"
ENDING = ".nexa-backup"

# So many pages at a time: whoever writes waits no longer than that takes.
PAGES = 500
# What a manifest may claim, and what an archive may hold.
MANIFEST_BYTES_MAX = 64 * 1024
FILE_BYTES_MAX = 64 * 1024**3
_CHUNK = 1024 * 1024
_AGE = b"age-encryption.org/v1"


@dataclass(frozen=True, slots=True)
class Archive:
    """`sha256` by name of each file in it."""

    path: Path
    made_at: datetime
    version: str
    schema: int
    sha256: Mapping[str, str]
    is_encrypted: bool

    @property
    def bytes(self) -> int:
        return self.path.stat().st_size


@dataclass(frozen=True, slots=True)
class Restored:
    """`has_keys_of_then`: who may come in is as it was then, so that what was revoked since opens again."""

    archive: Archive
    former_state: Path | None
    settings: Path | None
    has_keys_of_then: bool


class _Manifest(BaseModel):
    format: int
    made_at: AwareDatetime
    version: str
    schema_number: int
    sha256: dict[str, str]


@dataclass(frozen=True, slots=True)
class Source:
    """What a backup is made of."""

    state_dir: Path
    settings: Path | None = None


def make(source: Source, target: Path, passphrase: str | None, now: datetime) -> Archive:
    """Writes `target`, readable by its owner only, and reads it back. `target` is whole or not there. Raises NotPossible, MirrorError."""
    unfinished = target.with_name(target.name + ".unfinished")
    state_dir, settings = source.state_dir, source.settings
    mirror = state_dir / MIRROR
    if not mirror.exists():
        raise NotPossible(f"There is no mirror in {state_dir}: nothing to keep. Set agent.state_dir, or --config.")
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".backup-") as room:
            copy = Path(room) / MIRROR
            with file.translated(mirror):
                schema = _copy(mirror, copy)
            files = {MIRROR: copy} | {name: state_dir / name for name in BESIDE if (state_dir / name).exists()}
            if settings is not None and settings.exists():
                files[SETTINGS] = settings
            packed = Path(room) / "packed"
            _pack(files, packed, now, schema)
            _write_private(unfinished, packed, passphrase)
        archive = read(unfinished, passphrase)
        unfinished.rename(target)
        return Archive(target, archive.made_at, archive.version, archive.schema, archive.sha256, archive.is_encrypted)
    except OSError as err:
        raise NotPossible(f"The backup cannot be written to {target}: {err.strerror or err}.") from err
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)


def make_in(folder: Path, source: Source, passphrase: str | None, now: datetime, kept: int | None) -> Archive:
    """A new one in a folder, of which the newest `kept` stay; None: all. Raises NotPossible, MirrorError."""
    if not folder.is_dir():
        raise NotPossible(f"The folder {folder} is not there: is its disk plugged in and mounted?")
    made = make(source, folder / f"nexa-hub-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}{ENDING}", passphrase, now)
    for older in _in(folder)[:-kept] if kept else ():
        older.unlink(missing_ok=True)
    return made


def newest_in(folder: Path) -> Path | None:
    return next(reversed(_in(folder)), None)


def all_in(folder: Path) -> list[Path]:
    """The newest first."""
    return _in(folder)[::-1]


def _in(folder: Path) -> list[Path]:
    """Oldest first: their names hold when they were made."""
    return sorted(folder.glob(f"nexa-hub-*{ENDING}"))


def read(path: Path, passphrase: str | None) -> Archive:
    """Reads all of it and compares it with what its manifest says. Raises BackupUnusable."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".backup-") as room:
        return unpack(path, passphrase, Path(room))


def unpack(path: Path, passphrase: str | None, folder: Path) -> Archive:
    """Puts what it holds into `folder`, and answers what it is: whole, and its mirror sound. Raises BackupUnusable."""
    try:
        with _opened(path, passphrase) as (packed, is_encrypted), gzip.open(packed) as unzipped:
            with tarfile.open(fileobj=unzipped, mode="r:") as tar:
                manifest = _manifest(path, tar)
                while (member := tar.next()) is not None:
                    if member.name not in manifest.sha256 or not member.isfile() or member.size > FILE_BYTES_MAX:
                        raise BackupUnusable(path, f"it holds {member.name!r}, which no backup has")
                    _extract(tar, member, folder)
            while unzipped.read(_CHUNK):
                pass  # to its end, where the checksum is
    except (OSError, tarfile.TarError, EOFError, zlib.error, ValidationError) as err:
        raise BackupUnusable(path, f"it is no backup, or a damaged one ({err})") from err
    for name, told in manifest.sha256.items():
        if not (folder / name).exists() or _sha256(folder / name) != told:
            raise BackupUnusable(path, f"{name} in it is damaged")
    _check(path, folder / MIRROR)
    return Archive(path, manifest.made_at, manifest.version, manifest.schema_number, manifest.sha256, is_encrypted)


def restore(
    path: Path, passphrase: str | None, state_dir: Path, now: datetime, *, revokes_access: bool = False
) -> Restored:
    """Puts a backup in the place of what is in `state_dir`, which is set aside, and the settings of then beside it.

    Where it is of this very hub, who may come in is as it is now: what was revoked since stays so. `revokes_access`: nobody may.
    Nothing is touched before the backup proved to be whole. Raises BackupUnusable, NotPossible, and MirrorError while an agent runs on that directory.
    """
    held = file.lock(state_dir / MIRROR)
    with held, tempfile.TemporaryDirectory(dir=state_dir, prefix=".restore-") as room:
        folder = Path(room)
        archive = unpack(path, passphrase, folder)
        newest = migrate.shipped()[-1].number
        if archive.schema > newest:
            raise NotPossible(
                f"The backup was made by a newer agent ({archive.version}; its mirror's schema is {archive.schema}, this agent knows {newest})."
                " Install that version, then restore."
            )
        known = _known_keys(state_dir, folder)
        wanted = [name for name in dict.fromkeys((*archive.sha256, *known)) if not (revokes_access and name in ACCESS)]
        of_then = [name for name in ACCESS if name in wanted and name not in known]
        has_keys_of_then = any((folder / name).read_bytes().strip() not in {b"", b"[]"} for name in of_then)
        try:
            for name, keys in known.items():
                (folder / name).write_bytes(keys)
            aside = _set_aside(state_dir, now)
            owner = state_dir.stat()
            settings = None
            for name in wanted:
                placed = state_dir / (f"{SETTINGS}.of-the-backup" if name == SETTINGS else name)
                (folder / name).chmod(0o600)
                if os.geteuid() == 0:
                    os.chown(folder / name, owner.st_uid, owner.st_gid)
                (folder / name).replace(placed)
                settings = placed if name == SETTINGS else settings
        except OSError as err:
            raise NotPossible(
                f"{state_dir} cannot be written: {err.strerror or err}. What was there is in it still."
            ) from err
        return Restored(archive, aside, settings, has_keys_of_then)


def _known_keys(state_dir: Path, unpacked: Path) -> dict[str, bytes]:
    """By file who may come in now, as far as that can be read, where the backup is of the hub that is there."""
    here, then = (identity_copy.read(folder / MIRROR) for folder in (state_dir, unpacked))
    if here is None or then is None:
        return {}
    if here.mirror_id != then.mirror_id and (here.home_id, here.hub_id) != (then.home_id, then.hub_id):
        return {}
    known = {}
    for name in ACCESS:
        with contextlib.suppress(OSError, ValueError):
            keys = (state_dir / name).read_bytes()
            if isinstance(json.loads(keys), list):
                known[name] = keys
    return known


def _set_aside(state_dir: Path, now: datetime) -> Path | None:
    """What another state would be mixed with."""
    there = [state_dir / name for name in (MIRROR, f"{MIRROR}-wal", f"{MIRROR}-shm", *BESIDE)]
    there = [each for each in there if each.exists()]
    if not there:
        return None
    aside = state_dir / f"before-restore-{now.astimezone(UTC):%Y%m%dT%H%M%S%fZ}"
    aside.mkdir(mode=0o700)
    if os.geteuid() == 0:
        owner = state_dir.stat()
        os.chown(aside, owner.st_uid, owner.st_gid)
    # The mirror last: until it is gone the former state is the state.
    for each in reversed(there):
        each.rename(aside / each.name)
    return aside


# Making.


def _copy(mirror: Path, copy: Path) -> int:
    """A consistent copy of a mirror in use; answers the number of its schema."""
    source = closing(sqlite3.connect(f"file:{mirror}?mode=ro", uri=True))
    with source as original, closing(sqlite3.connect(copy)) as copied:
        original.backup(copied, pages=PAGES)
        # A copy beside which no -wal may lie.
        copied.execute("PRAGMA journal_mode = DELETE")
        schema: int = copied.execute("SELECT coalesce(max(number), 0) FROM migrations").fetchone()[0]
    return schema


def _pack(files: Mapping[str, Path], packed: Path, now: datetime, schema: int) -> None:
    sha256 = {name: _sha256(path) for name, path in files.items()}
    manifest = _Manifest(format=FORMAT, made_at=now, version=__version__, schema_number=schema, sha256=sha256)
    with tarfile.open(packed, "w:gz", compresslevel=6) as tar:
        body = manifest.model_dump_json().encode()
        entry = tarfile.TarInfo(MANIFEST)
        entry.size, entry.mode = len(body), 0o600
        tar.addfile(entry, io.BytesIO(body))
        for name, path in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = path.stat().st_size, 0o600, int(now.timestamp())
            with path.open("rb") as content:
                tar.addfile(entry, content)


def _write_private(target: Path, packed: Path, passphrase: str | None) -> None:
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as out:
        if passphrase is None:
            with packed.open("rb") as content:
                while chunk := content.read(_CHUNK):
                    out.write(chunk)
        else:
            out.write(sealing.seal(packed.read_bytes(), passphrase))
        out.flush()
        os.fsync(out.fileno())


# Reading.


@contextmanager
def _opened(path: Path, passphrase: str | None) -> Iterator[tuple[BinaryIO, bool]]:
    with path.open("rb") as content:
        if content.read(len(_AGE)) != _AGE:
            content.seek(0)
            yield content, False
            return
        if passphrase is None:
            raise BackupUnusable(path, "it is encrypted: say with --passphrase-file which passphrase opens it")
        content.seek(0)
        packed = sealing.unseal(content.read(), passphrase)
        if packed is None:
            raise BackupUnusable(path, "the passphrase does not open it, or it is damaged")
        yield io.BytesIO(packed), True


def _manifest(path: Path, tar: tarfile.TarFile) -> _Manifest:
    first = tar.next()
    content = tar.extractfile(first) if first is not None and first.name == MANIFEST else None
    if first is None or content is None or first.size > MANIFEST_BYTES_MAX:
        raise BackupUnusable(path, "it is no backup of a hub")
    manifest = _Manifest.model_validate_json(content.read())
    if manifest.format != FORMAT:
        raise BackupUnusable(path, f"it has format {manifest.format}, this agent knows {FORMAT}: a newer agent made it")
    names = set(manifest.sha256)
    if MIRROR not in names or not names <= {MIRROR, SETTINGS, *BESIDE}:
        raise BackupUnusable(path, "it does not hold what a backup holds")
    return manifest


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    content = tar.extractfile(member)
    assert content is not None  # it is a file
    with (folder / member.name).open("wb") as out:
        while chunk := content.read(_CHUNK):
            out.write(chunk)


def _check(path: Path, mirror: Path) -> None:
    try:
        with closing(sqlite3.connect(f"file:{mirror}?mode=ro", uri=True)) as copied:
            verdict = copied.execute("PRAGMA quick_check").fetchone()
    except sqlite3.Error as err:
        raise BackupUnusable(path, f"the mirror in it is damaged ({err})") from err
    if verdict != ("ok",):
        raise BackupUnusable(path, f"the mirror in it is damaged ({verdict[0]})")


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
