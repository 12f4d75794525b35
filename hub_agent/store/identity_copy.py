"""A second copy of who we are, beside the mirror: a damaged or lost mirror must not cost the hub its home."""

import os
from dataclasses import asdict
from pathlib import Path

import orjson

from hub_agent.ports import Identity


def path_for(mirror: Path) -> Path:
    return mirror.with_name(mirror.name + ".identity")


def read(mirror: Path) -> Identity | None:
    try:
        identity = Identity(**orjson.loads(path_for(mirror).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
    return identity if identity.mirror_id and identity.home_id else None


def write(mirror: Path, identity: Identity) -> None:
    """Replaced whole, readable by its owner only."""
    if read(mirror) == identity:
        return
    target = path_for(mirror)
    draft = target.with_name(target.name + ".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as out:
        out.write(orjson.dumps(asdict(identity)))
        out.flush()
        os.fsync(out.fileno())
    draft.replace(target)
