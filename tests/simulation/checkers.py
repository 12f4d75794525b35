"""What must hold in every simulated house."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from hub_agent.home import Core
from hub_agent.model.action import Command
from hub_agent.model.record import STREAMS
from hub_agent.runtime.inbox import MESSAGES_MAX

if TYPE_CHECKING:
    from tests.simulation.house import House

PLUG = "zigbee2mqtt/Washing Machine Plug/set"
LINGERS = timedelta(seconds=20)
MOMENT = timedelta(seconds=3)


class Ledger:
    """Keeps what happened; complains with the seed and the command that replays it."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.calm_since: datetime | None = None
        self.commands = 0

    def note_command(self, command: Command, at: datetime) -> None:
        self.commands += 1
        self._hold(at < command.expires_at, f"{command.action} for {command.entity_id} was sent after it had expired")

    def check_bounds(self, core: Core) -> None:
        self._hold(len(core.inbox) <= MESSAGES_MAX, "the inbox is over its bound")

    def check_present(self, core: Core) -> None:
        """At the end of a peaceful life: nothing hangs."""
        pending = list(core.hub.commands._pending.values())
        now = self._house.clock.now().wall
        late = [each for each in pending if each.command.expires_at + timedelta(minutes=11) < now]
        self._hold(not late, f"commands never settled: {late}")

    def check_at_the_end(self) -> None:
        self._check_records()
        self._check_runs()
        self._check_lingering_plug()

    def _check_records(self) -> None:
        """What the mirror has numbered is in the cloud once, and nothing else is."""
        with closing(sqlite3.connect(self._house.path)) as mirror:
            rows = mirror.execute("SELECT stream, last, acknowledged FROM streams").fetchall()
        cloud = self._house.cloud
        refused = Counter(str(letter.get("stream")) for letter in cloud.dead_letters)
        for stream, last, acknowledged in rows:
            self._hold(acknowledged == last, f"{stream}: {last - acknowledged} records never arrived")
            numbers = [(row.mirror, row.epoch, row.seq) for row in cloud.rows.get(stream, [])]
            self._hold(len(numbers) == len(set(numbers)), f"{stream}: records were stored twice")
            shed = sum(gap["count"] for gap in cloud.gaps.values() if gap["stream"] == stream)
            self._hold(
                len(numbers) + shed + refused[stream] == last,
                f"{stream}: {last} were made, {len(numbers)} are stored, {shed} shed, {refused[stream]} refused",
            )
        self._hold({row[0] for row in rows} <= STREAMS.keys(), "a stream that nobody declared")
        self._hold(not cloud.dead_letters, f"the cloud refused records: {cloud.dead_letters[:2]}")

    def _check_runs(self) -> None:
        """Each run is recorded once, whatever happened to the hub while it ran."""
        ids = Counter(row["id"] for row in self._house.cloud.stored("automation_executions"))
        twice = [run_id for run_id, count in ids.items() if count > 1]
        self._hold(not twice, f"runs recorded twice: {twice}")

    def _check_lingering_plug(self) -> None:
        """No crash loses the delay before "off": once the hub lives for a moment after it was due, "off" has been sent.

        Another "on" in between starts the delay anew. Where messages are lost, nothing is promised.
        """
        if self._house.seed % 2:
            return
        told = [(at, b"ON" in payload) for at, topic, payload in self._house.broker.commands if topic == PLUG]
        for number, (at, is_on) in enumerate(told):
            deadline = self._alive_after(at + LINGERS)
            if is_on and deadline is not None:
                followed = number + 1 < len(told) and told[number + 1][0] <= deadline
                self._hold(followed, f"the plug was left on at {at:%H:%M:%S}")

    def _alive_after(self, due: datetime) -> datetime | None:
        """When the hub had lived for a moment after this; None if it never did."""
        for began, ended in self._house.lived:
            if ended - max(began, due) >= MOMENT:
                return max(began, due) + MOMENT
        return None

    def _hold(self, is_so: bool, complaint: str) -> None:
        if not is_so:
            seed = self._house.seed
            raise AssertionError(f"seed {seed}: {complaint}. Replay: tests/check sim {seed}")
