"""Writes deploy/THIRD_PARTY.md: what the locks install beside nexa-hub on Linux, and under which licence each part stands.

After deploy/lock: .venv/bin/python deploy/licences.py, in an environment of the tests, which has all of it.
"""

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

HERE = Path(__file__).parent
WRITTEN = HERE / "THIRD_PARTY.md"
LOCKS = {
    "requirements.txt": "agent",
    "requirements-dialects.txt": "dialects",
    "requirements-demo.txt": "cloud and demo",
}
# Only on other systems than Linux.
ELSEWHERE = ("pyobjc-", "winrt-")
# Where what a package says of itself is no licence's name: what its licence file holds.
READ = {
    "chacha20poly1305-reuseable": "BSD-3-Clause AND Apache-2.0",
    "pyrage": "MIT",
    "chacha20poly1305": "LGPL (version not said)",
}

HEAD = """# What comes with nexa-hub, and under which licence

nexa-hub itself: Apache-2.0, [LICENSE](../LICENSE). Its locks install these packages on Linux, unchanged, each with its licence file in its own `*.dist-info` folder. The page loads nothing
from elsewhere. Written by `deploy/licences.py`.

| package | licence | for |
| --- | --- | --- |
"""
TAIL = """
`agent`: every hub; `dialects`: the libraries of single dialects (`deploy/requirements-dialects.txt`); `cloud and demo`: never on a hub. The broker (Mosquitto, EPL-2.0 OR BSD-3-Clause) comes from
the distribution, Python and SQLite too.
"""


def written() -> str:
    used_by: dict[str, list[str]] = {}
    for lock, use in LOCKS.items():
        for name in locked(HERE / lock):
            used_by.setdefault(name, []).append(use)
    # What every hub has is not said again for the others.
    rows = [
        f"| {name} | {licence(distribution(name))} | {'agent' if 'agent' in uses else ', '.join(uses)} |"
        for name, uses in sorted(used_by.items())
    ]
    return HEAD + "\n".join(rows) + "\n" + TAIL


def locked(lock: Path) -> Iterator[str]:
    """Names of what a lock installs on Linux."""
    for name in re.findall(r"(?m)^([A-Za-z0-9_.-]+)==", lock.read_text(encoding="utf-8")):
        if not name.startswith(ELSEWHERE):
            yield name


def licence(package: Distribution) -> str:
    told = package.metadata
    if (read := READ.get(told["Name"].lower())) is not None:
        return read
    classifiers = [each for each in told.get_all("Classifier", []) if each.startswith("License ::")]
    named = "; ".join(each.rsplit(" :: ", 1)[-1] for each in classifiers)
    return told["License-Expression"] or named or told["License"].splitlines()[0]


if __name__ == "__main__":
    WRITTEN.write_text(written(), encoding="utf-8")
