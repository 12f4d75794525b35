"""Whether a version that was just installed is well: what is looked at, and what is judged of it. See upgrade.py."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from itertools import pairwise
from pathlib import Path
from socket import AF_UNIX, SOCK_STREAM, socket
from subprocess import run
from typing import Any

ANSWER_S = 5.0


@dataclass(frozen=True, slots=True)
class Limits:
    """`watch_s`: so long, from its start or from when it last ended by itself. `silent_s`: so long it may be unheard, at the start as later.

    `restarts`: so often it may not end by itself.
    """

    watch_s: int = 180
    every_s: float = 2.0
    silent_s: float = 60.0
    restarts: int = 2


@dataclass(frozen=True, slots=True)
class Look:
    """`restarts` as systemd counts them; `has_broker` None: not told. `safe_mode`: what is told of it, if it runs in that."""

    at_s: float
    is_failed: bool
    restarts: int
    is_live: bool
    has_broker: bool | None
    safe_mode: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    is_well: bool
    reason: str = ""


def judge(looks: Sequence[Look], limits: Limits, *, had_broker: bool) -> Verdict | None:
    """None: it is too early to say."""
    last = looks[-1]
    if last.is_failed:
        return Verdict(is_well=False, reason="its service failed")
    ended = {later.at_s: max(0, later.restarts - earlier.restarts) for earlier, later in pairwise(looks)}
    restarts = sum(ended.values())
    if restarts >= limits.restarts:
        return Verdict(is_well=False, reason=f"it ended by itself {restarts} times")
    if last.safe_mode:
        return Verdict(is_well=False, reason=last.safe_mode)
    heard = max((look.at_s for look in looks if look.is_live), default=looks[0].at_s)
    if last.at_s - heard >= limits.silent_s:
        return Verdict(is_well=False, reason=f"it has not answered for {limits.silent_s:.0f} s")
    since = max((at_s for at_s, times in ended.items() if times), default=looks[0].at_s)
    if last.at_s - since < limits.watch_s:
        return None
    if not last.is_live:
        # At the end of the watch it is heard, or it is waited for.
        return None
    late = [look for look in looks if last.at_s - look.at_s <= limits.silent_s]
    if had_broker and not any(look.has_broker for look in late):
        return Verdict(is_well=False, reason="it does not reach the broker, which the version before did")
    return Verdict(is_well=True)


class Socket:
    """The agent's own socket."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def is_live(self) -> bool:
        return self._get("/live") is not None

    def has_broker(self) -> bool | None:
        """None: not told."""
        try:
            return bool(self._status()["broker"]["is_connected"])
        except (KeyError, TypeError):
            return None

    def safe_mode(self) -> str:
        """Empty: it does not run in that, as far as is told."""
        try:
            mode = self._status()["safe_mode"]
            return (
                f"it runs in safe mode: it failed {mode['failed']} times soon after its start, "
                f"and does without {', '.join(mode['left_out'])}"
            )
        except (KeyError, TypeError):
            return ""

    def _status(self) -> Any:
        try:
            return json.loads(self._get("/api/v1/status") or b"null")
        except ValueError:
            return None

    def _get(self, path: str) -> bytes | None:
        connection = HTTPConnection("localhost", timeout=ANSWER_S)
        try:
            with socket(AF_UNIX, SOCK_STREAM) as line:
                line.settimeout(ANSWER_S)
                line.connect(str(self._path))
                connection.sock = line
                connection.request("GET", path)
                answer = connection.getresponse()
                body = answer.read()
                return body if answer.status == 200 else None
        except (OSError, HTTPException):
            return None


def watch(unit: str, agent: Socket, limits: Limits, *, had_broker: bool) -> Verdict:
    looks = []
    while True:
        looks.append(_look(unit, agent))
        verdict = judge(looks, limits, had_broker=had_broker)
        if verdict is not None:
            return verdict
        time.sleep(limits.every_s)


def _look(unit: str, agent: Socket) -> Look:
    shown = run(
        ["systemctl", "show", unit, "-p", "ActiveState", "-p", "NRestarts"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    ).stdout
    told = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    is_live = agent.is_live()
    return Look(
        time.monotonic(),
        told.get("ActiveState") == "failed",
        int(told.get("NRestarts") or 0),
        is_live,
        agent.has_broker() if is_live else None,
        agent.safe_mode() if is_live else "",
    )
