"""What else may happen to a link, in lives from `WILD_FROM` on: those before it stay the lives that they were.

The cloud's queue, a backup that is put back, rows that the cloud lost, clocks that somebody steps, more kinds of definitions, lines
that are thin or paid for by the byte, a cloud that wants a newer agent.
"""

import asyncio
import random
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from hub_agent.core.sync.flow import Flow
from hub_agent.errors import OperatingError
from tests.simulation.link_ledger import TOLD_TIME_OFF, Complaint, number_in
from tests.simulation.link_machine import Machine
from tests.simulation.link_story import COLUMNS, STURDY, Story
from tests.simulation.link_wire import GHOST_S_MAX
from tests.simulation.world import Crash

WILD_FROM = 10_000
WILD_STEPS_MAX = 40
COMPARISONS_MAX = 20

MORE_COLUMNS = {
    "room": ("name", "description"),
    "device_group": ("name", "metadata"),
    "alert_rule": ("rule_name", "conditions"),
}
MORE = [(kind, str(uuid.UUID(int=0xB0 + n, version=4))) for n, kind in enumerate(MORE_COLUMNS)]
# Only the cloud writes these.
DOWN = [
    (kind, str(uuid.UUID(int=0xE0 + n, version=4))) for n, kind in enumerate(("home_member", "network_access_rule"))
]


@dataclass(frozen=True)
class Wildness:
    """As Nature: each life has little of it."""

    has_queue: bool = False
    has_backup: bool = False
    has_loss: bool = False
    has_clock_steps: bool = False
    has_more_kinds: bool = False
    is_metered: bool = False
    kbit_s: float | None = None
    has_agent_too_old: bool = False
    has_double: bool = False

    @classmethod
    def of(cls, seed: int) -> "Wildness":
        if seed < WILD_FROM:
            return cls()
        chance = random.Random(f"{seed}/wild")

        def often(probability: float) -> bool:
            return chance.random() < probability

        return cls(
            has_queue=often(0.3),
            has_backup=often(0.25),
            has_loss=often(0.25),
            has_clock_steps=often(0.2),
            has_more_kinds=often(0.3),
            is_metered=often(0.15),
            kbit_s=chance.choice([2.0, 16.0, 128.0]) if often(0.2) else None,
            has_agent_too_old=often(0.1),
            has_double=often(0.12),
        ).without_both()

    def without_both(self) -> "Wildness":
        """Of a second machine only the records are followed; a backup besides, and nobody knows whose they are."""
        return replace(self, has_backup=False, has_loss=False, has_queue=False) if self.has_double else self


class WilderStory(Story):
    def __init__(self, seed: int, folder: Path) -> None:
        self.wild = wild = Wildness.of(seed)
        super().__init__(seed, folder)
        if "reconcile" in self.nature.age.without:
            self.wild = wild = replace(wild, has_loss=False, has_backup=False)
        if seed >= WILD_FROM:
            self.steps_max = WILD_STEPS_MAX
        if wild.has_backup or wild.has_queue or wild.has_double:
            # What the housekeeping sheds of numbers that two lines share is another matter; and of what waits in the queue.
            self.nature = replace(self.nature, has_shedding=False)
        if wild.has_loss:
            # What the disk has no room for any more cannot be given again.
            self.nature = replace(self.nature, has_shedding=False, has_full_disk=False, has_bad_rows=False)
        if wild.has_more_kinds:
            self.sturdy = [*STURDY, *MORE]
        self.columns = {**COLUMNS, **MORE_COLUMNS}
        self.twin.is_queueing = wild.has_queue
        self.machine.flow = self._flow
        self._copied = False
        self._double: Machine | None = None
        self._starting: list[asyncio.Task[None]] = []
        self._is_to_restore = False
        self._lines = 1

    def _flow(self) -> Flow:
        return Flow(kbit_s=self.wild.kbit_s, is_metered=self.wild.is_metered and not self.is_calm)

    def _steps(self) -> list[Callable[[], None]]:
        wild = self.wild
        steps = super()._steps()
        steps += [*[self.copy_mirror] * 4, *[self.restore] * 4] if wild.has_backup else []
        if wild.has_double:
            # Which of the two does what is asked of them nobody can say.
            steps = [each for each in steps if each.__name__ != "press"]
            steps += [*[self.double] * 4, *[self.append_elsewhere] * 8]
        steps += [self.lose_there] * 2 if wild.has_loss else []
        steps += [self.step_clock] * 2 if wild.has_clock_steps else []
        steps += [self.edit_down] * 2 if wild.has_more_kinds else []
        steps += [self.want_newer] if wild.has_agent_too_old else []
        return steps

    def companions(self) -> "list[asyncio.Future[None]]":
        return [asyncio.ensure_future(self._write_queue())] if self.wild.has_queue else []

    # The cloud's queue.

    async def _write_queue(self) -> None:
        """Late, not always in order; what came twice is there twice, and what could not be stored is given up."""
        chance = random.Random(f"{self.seed}/queue")
        while True:
            is_stalled = not self.is_calm and chance.random() < 0.05
            await asyncio.sleep(chance.random() * (1500 if is_stalled else 4))
            while self.twin.queue:
                number = chance.randrange(len(self.twin.queue)) if chance.random() < 0.2 else 0
                if not self.is_calm and chance.random() < 0.1:
                    self.twin.queue.append(self.twin.queue[number])
                if not self.is_calm and chance.random() < 0.1:
                    self.twin.queue.pop(number)
                    continue
                self.twin.write_queued(number)
                self.ledger.looked()
                if not self.is_calm and chance.random() < 0.3:
                    break

    # A backup.

    def copy_mirror(self) -> None:
        """One that grows old, mostly."""
        is_wanted = not self._copied or self.chance.random() < 0.2
        if not is_wanted or not self.machine.is_alive or self.machine.fate.is_disk_full:
            return
        self._copy_to(self.folder / "backup.db")
        self.ledger.copied(self.machine)
        self._copied = True

    def _copy_to(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        source = closing(sqlite3.connect(f"file:{self.machine.path}?mode=ro", uri=True))
        with source as mirror, closing(sqlite3.connect(path)) as copy:
            mirror.backup(copy)

    def restore(self) -> None:
        if self._copied and self.machine.is_alive:
            self._is_to_restore = True
            self.machine.fate.died.set()

    async def before_start(self) -> None:
        if not self._is_to_restore:
            return
        self._is_to_restore = False
        self.tell("backup restored")
        # Whoever puts a card into a machine takes longer than a gateway to work off what it was asked before.
        await asyncio.sleep(GHOST_S_MAX)
        machine = self.machine
        for suffix in ("", "-wal", "-shm"):
            machine.path.with_name(machine.path.name + suffix).unlink(missing_ok=True)
        machine.path.write_bytes((self.folder / "backup.db").read_bytes())
        machine.clock.boot(self._false_by())
        self._lines += 1
        self.ledger.restored(machine, f"hub after {self._lines - 1} backups")

    # A second machine with the same card.

    def double(self) -> None:
        machine = self.machine
        if self._double is not None or not machine.is_alive or machine.mirror is None or machine.fate.is_disk_full:
            return
        if any(each.last != each.acknowledged for each in machine.mirror.records._positions.values()):
            # Of what nobody has told yet both would tell, and the cloud would have it twice if the second one is heard first.
            return
        self._double = other = self._machine("double", "double.db")
        other.clock.boots = 1000
        # No two machines are so much alike that they make the same number in the same microsecond.
        other.clock.behind = timedelta(milliseconds=7)
        self._copy_to(other.path)
        self._starting.append(asyncio.ensure_future(other.start()))

    def append_elsewhere(self) -> None:
        """Records of the second machine."""
        if self._double is None or not self._double.is_alive:
            return
        machine, self.machine = self.machine, self._double
        try:
            self.append()
        finally:
            self.machine = machine

    def _owed_elsewhere(self) -> str | None:
        mirror = self._double.mirror if self._double is not None else None
        positions = mirror.records._positions if mirror is not None else {}
        owed = {stream: each.last for stream, each in positions.items() if each.last != each.acknowledged}
        return f"the second machine owes {owed}" if owed else None

    def waiting_for(self) -> str | None:
        return self._owed_elsewhere() or super().waiting_for()

    async def end(self) -> None:
        if self._double is not None and self._double.mirror is not None:
            await self._double.stop()

    # Rows that the cloud loses.

    def lose_there(self) -> None:
        if self.wild.has_backup:
            return
        for stream, rows in self.twin.rows.items():
            for row in [each for each in rows if self.chance.random() < 0.2]:
                made = self.ledger.made[number_in(stream, row.row)]
                if made.was_exact and made.n not in self.ledger.dated_late:
                    rows.remove(row)
                    self.ledger.is_order_kept = False

    def calm_begins(self) -> None:
        self.gateway.wants_newer = False
        if self.wild.is_metered and self.machine.is_alive:
            # In a metered line's time everything would take days: it is set otherwise, and the agent is started again.
            self.machine.begun_anew.set()

    async def before_agreeing(self) -> None:
        """A copy is known for one by its records; what it was told of definitions alone is found when both are compared."""
        if self._copied:
            await self._compare()

    async def before_reckoning(self) -> None:
        if self.wild.has_loss:
            await self._compare()

    async def _compare(self) -> None:
        """As in the night."""
        why: BaseException | None = None
        for _ in range(COMPARISONS_MAX):
            uplink = self.machine.uplink
            try:
                if uplink is not None and self.machine.is_alive:
                    async for _said in uplink.verify(3, None):
                        pass
                    return
            except (OperatingError, Crash) as err:  # also one who dies within it
                why = err
            await asyncio.sleep(300)
        raise Complaint(f"hub and cloud could not be compared: {why}")

    # Clocks.

    def step_clock(self) -> None:
        """Somebody sets it, and the machine goes on believing in it. What was just made is dated by the one or the other."""
        lately = self.true_now() - timedelta(seconds=5)
        for n, made in self.ledger.made.items():
            if made.at > lately:
                made.was_exact = False
                self.ledger.dated_late.add(n)
        clock = self.machine.clock
        clock.behind += timedelta(seconds=self.chance.choice([-72_000, -3600, -20, 20, 3600, 72_000]))

    def append(self) -> None:
        before = self.n
        super().append()
        clock = self.machine.clock
        if clock.is_trusted and abs(clock.behind) > TOLD_TIME_OFF / 2:
            self.ledger.dated_late |= set(range(before + 1, self.n + 1))

    # More kinds, and a cloud that wants more.

    def found_more(self) -> None:
        for kind, definition_id in DOWN if self.wild.has_more_kinds else ():
            self.twin.put(kind, definition_id, {"display_name": f"first {kind}"})

    def edit_down(self) -> None:
        kind, definition_id = self.chance.choice(DOWN)
        self.n += 1
        if self.chance.random() < 0.2:
            self.twin.remove(kind, definition_id)
        else:
            self.twin.put(kind, definition_id, {"display_name": f"down {self.n}"})

    def want_newer(self) -> None:
        self.gateway.wants_newer = not self.gateway.wants_newer
