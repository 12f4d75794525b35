"""The schema's versions: which this program brings, and which steps lead from one to the next (migrations/README.md)."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path

MIGRATIONS = Path(__file__).parent / "migrations"
# The first release had no migrations and no table of versions.
FIRST = 1
HEADERS = ("agent_version_min", "gateway_version_min", "notes")


@dataclass(frozen=True)
class Migration:
    """What leads from the version before to this one: a step before the tables, one after the functions, or both."""

    version: int
    name: str
    pre: Path | None
    post: Path | None

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """`-- agent_version_min: 1.4.0` and the like, at the head of either step."""
        found: dict[str, str] = {}
        for path in filter(None, (self.pre, self.post)):
            for line in path.read_text(encoding="utf-8").splitlines():
                if not line.startswith("--"):
                    break
                if (match := re.fullmatch(r"-- (\w+): (.+)", line)) and match[1] in HEADERS:
                    found[match[1]] = match[2].strip()
        return found

    @property
    def pre_sha256(self) -> str:
        return _sha256(self.pre)

    @property
    def post_sha256(self) -> str:
        return _sha256(self.post)


def migrations() -> list[Migration]:
    """All there are, in order. Numbers without a gap: a missing file is found before a database is touched."""
    steps: dict[int, dict[str, Path]] = {}
    for path in sorted(MIGRATIONS.glob("*.sql")):
        match = re.fullmatch(r"(\d{4})_(\w+)\.(pre|post)\.sql", path.name)
        assert match, f"{path.name} is not named NNNN_name.pre.sql or NNNN_name.post.sql"
        steps.setdefault(int(match[1]), {})[match[3]] = path
    assert sorted(steps) == list(range(FIRST + 1, FIRST + 1 + len(steps))), f"the numbers in {MIGRATIONS} have a gap"
    return [
        Migration(number, next(iter(parts.values())).name.split(".")[0][5:], parts.get("pre"), parts.get("post"))
        for number, parts in sorted(steps.items())
    ]


def schema_version() -> int:
    """The version that this program brings a database to."""
    return FIRST + len(migrations())


def program_version() -> str:
    try:
        return metadata.version("nexa-hub")
    except metadata.PackageNotFoundError:  # run from a folder without being installed
        return "0"


def version_parts(text: str) -> tuple[int, ...]:
    """For comparing: 0.10 is later than 0.9."""
    return tuple(int(number) for number in re.findall(r"\d+", text))


def _sha256(path: Path | None) -> str:
    return hashlib.sha256(path.read_bytes() if path else b"").hexdigest()
