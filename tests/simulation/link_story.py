"""The life of one hub's link to the cloud, decided by a seed: what people and devices do, what goes wrong and when; then calm, and the reckoning.

Everything real but the devices: loop, uplink, exchange, definitions, HTTP client and mirror on one side; the cloud's twin on the other.
"""

import asyncio
import random
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hub_agent.errors import MirrorFull
from hub_agent.model.effects import AppendCase, AppendRecord
from tests.fakes.cloud_twin import CloudTwin
from tests.simulation.link_ledger import Complaint, Ledger, Made, number_in
from tests.simulation.link_machine import LinkHub, Machine, MachineClock, empty_mirror
from tests.simulation.link_wire import GHOST_S_MAX, NO_TROUBLE, Age, Gateway, Trouble, some_trouble
from tests.simulation.world import START, Crash

DEVICES = [str(uuid.UUID(int=0xD0 + n, version=4)) for n in range(2)]
RULES = [str(uuid.UUID(int=0xA0 + n, version=4)) for n in range(2)]
SCENES = [str(uuid.UUID(int=0x50 + n, version=4)) for n in range(2)]
FRAGILE = [str(uuid.UUID(int=0xF0 + n, version=4)) for n in range(2)]
COLUMNS = {
    "automation": ("name", "description", "triggers"),
    "scene": ("name", "device_states"),
    "device": ("device_name",),
}
STURDY = [*(("automation", each) for each in RULES), *(("scene", each) for each in SCENES), ("device", DEVICES[0])]

STEPS_MAX = 60
# After this long in calm nothing may be left to say: what was set aside for an hour has been tried again by then.
CALM_S_MAX = 4 * 3600.0
LOOK_EVERY_S = 20.0
LIVES_MAX = 60
# So often the agent's own HTTP client is between hub and wire; it takes its time.
HTTP_EVERY = 10


@dataclass(frozen=True)
class Nature:
    """What this seed is like: swarm testing leaves out most of it each time."""

    trouble: Trouble
    crash: float
    is_power_cut: bool
    has_false_clock: bool
    has_full_disk: bool
    has_shedding: bool
    has_bad_rows: bool
    has_small_limits: bool
    age: Age

    @classmethod
    def of(cls, chance: random.Random) -> "Nature":
        def often(probability: float) -> bool:
            return chance.random() < probability

        without = chance.choice(["server_time", "limits", "reconcile", "home", "pause_s"])
        return cls(
            trouble=some_trouble(chance),
            crash=chance.choice([0.0, 0.005, 0.02, 0.05]),
            is_power_cut=often(0.5),
            has_false_clock=often(0.3),
            has_full_disk=often(0.25),
            has_shedding=often(0.4),
            has_bad_rows=often(0.25),
            has_small_limits=often(0.3),
            age=Age(frozenset({without} if often(0.2) else ()), is_newer=often(0.2)),
        )


class Story:
    def __init__(self, seed: int, folder: Path) -> None:
        self.seed = seed
        self.folder = folder
        self.loop = asyncio.get_running_loop()
        self._now = (0.0, START)
        self.chance = random.Random(seed)
        self.nature = Nature.of(self.chance)
        self.twin = CloudTwin(self.true_now, seed=self.chance.getrandbits(32))
        self.ledger = Ledger(self.twin, self)
        self.gateway = Gateway(self.twin, self.nature.age)
        self.sturdy = STURDY
        self.columns: Mapping[str, Sequence[str]] = COLUMNS
        self.steps_max = STEPS_MAX
        self.devices_now: dict[str, dict[str, Any]] = {}
        # Numbers that were sent before they were shed: they may still arrive.
        self.on_its_way: set[tuple[str, int]] = set()
        self.unusable: set[int] = set()
        self.told: list[str] = []
        self.n = 0
        self._ids = random.Random(self.chance.getrandbits(64))
        self.machine = self._machine("hub", "mirror.db")

    def true_now(self) -> datetime:
        """Asked very often: what time it is changes only when nobody has anything to do."""
        now_s = self.loop.time()
        if now_s != self._now[0]:
            self._now = (now_s, START + timedelta(seconds=now_s))
        return self._now[1]

    def present(self) -> dict[str, Any]:
        return {"devices": dict(self.devices_now), "automations": {}, "scenes": {}, "hub": {"waiting": {}}}

    def new_id(self) -> str:
        return str(uuid.UUID(int=self._ids.getrandbits(128), version=4))

    def _machine(self, name: str, file: str) -> Machine:
        path = self.folder / file
        path.write_bytes(empty_mirror())
        return Machine(
            name=name,
            path=path,
            chance=random.Random(self.chance.getrandbits(64)),
            clock=MachineClock(self.true_now),
            gateway=self.gateway,
            claim_code=self.twin.issue_claim_code(timedelta(days=365)),
            new_id=self.new_id,
            seen=self.ledger.seen,
            looked=self.ledger.looked,
            pressed=self._pressed,
            present=self.present,
            is_http=self.seed % HTTP_EVERY == 0,
            is_power_cut=self.nature.is_power_cut,
        )

    def _pressed(self, command_id: str) -> None:
        """Where nothing can be stored the home goes on, and a crash then forgets what was done."""
        is_remembered = not self.machine.fate.is_disk_full
        is_clock_right = abs(self.machine.clock.behind) < timedelta(seconds=1)
        self.ledger.press(command_id, self.true_now(), is_remembered=is_remembered, is_clock_right=is_clock_right)

    # The story.

    async def run(self) -> None:
        await self.machine.start()
        keeper = asyncio.ensure_future(self._keep_alive())
        companions = self.companions()
        try:
            await self._settle_in()
            await self._storm()
            await self._calm(keeper)
        finally:
            for each in (keeper, *companions):
                each.cancel()
            ended = await asyncio.gather(keeper, *companions, return_exceptions=True)
            if self.machine.mirror is not None:
                await self.machine.stop()
            await self.end()
            for each in ended:
                if isinstance(each, Exception):
                    raise each

    async def _settle_in(self) -> None:
        """The claim, and what a home begins with: some of it known to the cloud already."""
        machine = self.machine
        await self._until(lambda: machine.is_alive and machine.identity.hub_id is not None and machine.lives > 1)
        for place, (kind, definition_id) in enumerate(self.sturdy):
            self.twin_resolution(kind, definition_id)
            if place % 2:
                self._found_there(kind, definition_id)
            else:
                self._found_here(kind, definition_id)
        for definition_id in FRAGILE:
            self._found_there("automation", definition_id, is_sturdy=False)
        self._found_here("device", DEVICES[1], is_sturdy=False)
        self.found_more()
        await self._until(self._is_settled)

    def _is_settled(self) -> bool:
        hub = self.machine.hub
        known = [*self.sturdy, ("device", DEVICES[1]), *(("automation", each) for each in FRAGILE)]
        return (
            self.machine.is_alive
            and hub is not None
            and hub.definitions.owed_count == 0
            and all(hub.definitions.get(*each) is not None for each in known)
        )

    def twin_resolution(self, kind: str, definition_id: str) -> None:
        resolution = self.chance.choice(["manual", "manual", "nexa_wins", "ecosystem_wins"])
        self.ledger.resolutions[kind, definition_id] = resolution

    def _found_here(self, kind: str, definition_id: str, *, is_sturdy: bool = True) -> None:
        fields = {column: f"first {column}" for column in self.columns[kind]}
        if kind == "device":
            fields |= {"device_type": "light", "capabilities": {"entities": {}}}

        def work(hub: LinkHub, now: datetime) -> Sequence[Any]:
            return hub.definitions.edit(kind, definition_id, fields, now)

        for column in self.columns[kind] if is_sturdy else ():
            self.ledger.column(kind, definition_id, column).write("hub", fields[column], [])
        self.machine.do(work)

    def _found_there(self, kind: str, definition_id: str, *, is_sturdy: bool = True) -> None:
        fields = {column: f"first {column}" for column in self.columns[kind]}
        for column in self.columns[kind] if is_sturdy else ():
            self.ledger.column(kind, definition_id, column).write("cloud", fields[column], [])
        self.twin.put(kind, definition_id, dict(fields))

    async def _storm(self) -> None:
        for key, resolution in self.ledger.resolutions.items():
            self.twin.definitions[key].resolution = resolution
        steps = self._steps()
        for _ in range(self.chance.randrange(5, self.steps_max)):
            step = self.chance.choice(steps)
            self.tell(step.__name__)
            step()
            await asyncio.sleep(self.chance.choice([0.0, 0.05, 1.0, 5.0, 40.0]) * self.chance.random())

    def _steps(self) -> list[Callable[[], None]]:
        nature = self.nature
        steps = [
            *[self.append] * 8,
            *[self.edit_here] * 4,
            *[self.edit_there] * 4,
            *[self.weather] * 4,
            self.decide,
            self.remove,
            self.change_fragile,
            self.change_case,
            self.change_case,
            self.press,
            self.change_present,
        ]
        steps += [self.shed] * 2 if nature.has_shedding else []
        steps += [self.fill_disk] if nature.has_full_disk else []
        steps += [self.bad_row] if nature.has_bad_rows else []
        steps += [self.change_limits] * 2 if nature.has_small_limits else []
        steps += [self.learn_time] if nature.has_false_clock else []
        return steps

    async def _calm(self, keeper: "asyncio.Future[None]") -> None:
        """Nothing goes wrong any more. In the end both sides have the same, and it is what it has to be."""
        self.tell("calm")
        machine = self.machine
        machine.fate.crash = 0.0
        self.twin.poison = lambda _envelope: False
        self.twin.rows_max, self.twin.pause_s = 5000, 0.0
        self._set_trouble(NO_TROUBLE, is_cut=False)
        machine.fate.is_disk_full = False
        machine.clock.behind, machine.clock.is_trusted = timedelta(0), True
        self.is_calm = True
        self.calm_begins()
        await self.before_agreeing()
        await self._agree(keeper)
        await self.before_reckoning()
        await self._agree(keeper)
        self.ledger.check(machine, is_one_line=len(self.twin.lines) == 1)

    async def _agree(self, keeper: "asyncio.Future[None]") -> None:
        ends_at_s = asyncio.get_running_loop().time() + CALM_S_MAX
        agreed = 0
        while agreed < 2:
            await asyncio.sleep(LOOK_EVERY_S)
            if keeper.done():
                keeper.result()
            left = self.waiting_for()
            agreed = agreed + 1 if left is None else 0
            if asyncio.get_running_loop().time() > ends_at_s:
                raise Complaint(f"after {CALM_S_MAX / 3600:.0f} hours of calm: {left}")

    # What wilder lives have more of.

    def waiting_for(self) -> str | None:
        return self.ledger.waiting_for(self.machine)

    async def end(self) -> None:
        pass

    def companions(self) -> "list[asyncio.Future[None]]":
        return []

    def found_more(self) -> None:
        pass

    async def before_start(self) -> None:
        pass

    def calm_begins(self) -> None:
        pass

    async def before_agreeing(self) -> None:
        pass

    async def before_reckoning(self) -> None:
        pass

    # Lives and deaths.

    async def _keep_alive(self) -> None:
        machine = self.machine
        while True:
            watched = [asyncio.ensure_future(each.wait()) for each in (machine.fate.died, machine.begun_anew)]
            try:
                await asyncio.wait([*machine._tasks, *watched], return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in watched:
                    each.cancel()
                await asyncio.gather(*watched, return_exceptions=True)
            if machine.begun_anew.is_set() and not machine.fate.died.is_set():
                await machine.close()
                await machine.start()
                self._set_trouble(self._trouble, is_cut=self._is_cut)
                continue
            await self._die()

    async def _die(self) -> None:
        machine = self.machine
        is_power_cut = self.nature.is_power_cut and self.chance.random() < 0.5
        self.tell("power cut" if is_power_cut else "crash")
        await machine.stop(is_power_cut=is_power_cut)
        await asyncio.sleep(self.chance.choice([0.0, 1.0, 30.0]) * self.chance.random())
        if is_power_cut:
            # A machine takes longer to boot than a gateway to work off what it was asked before.
            await asyncio.sleep(GHOST_S_MAX)
            machine.clock.boot(self._false_by())
        if machine.lives >= LIVES_MAX:
            machine.fate.crash = 0.0
        await self.before_start()
        await machine.start()
        self._set_trouble(self._trouble, is_cut=self._is_cut)

    def _false_by(self) -> timedelta | None:
        if not self.nature.has_false_clock or self.is_calm:
            return None
        return self.chance.choice([None, timedelta(hours=3), timedelta(days=1100), timedelta(days=-1100)])

    is_calm = False
    _trouble = NO_TROUBLE
    _is_cut = False

    def _set_trouble(self, trouble: Trouble, *, is_cut: bool) -> None:
        self._trouble, self._is_cut = trouble, is_cut
        if self.machine.wire is not None:
            self.machine.wire.trouble, self.machine.wire.is_cut = trouble, is_cut

    # What happens in a home.

    def append(self) -> None:
        rows = []
        clock, at = self.machine.clock.now(), self.true_now()
        if not self.machine.is_alive:
            return
        for _ in range(self.chance.choice([1, 1, 3, 20])):
            self.n += 1
            is_exact = clock.is_trusted and self.machine.clock.behind == timedelta(0)
            made = Made(self.n, at, (self.machine.name, self.machine.clock.boots), is_exact)
            self.ledger.made[self.n] = made
            if self.machine.fate.is_disk_full:
                self.ledger.dated_late.add(self.n)
            rows.append(self._record(self.n))

        def work(_hub: LinkHub, now: datetime) -> Sequence[Any]:
            return [AppendRecord(stream, row(now)) for stream, row in rows]

        self.machine.do(work)

    def _record(self, n: int) -> tuple[str, Callable[[datetime], dict[str, Any]]]:
        device, rule, scene = (self.chance.choice(each) for each in (DEVICES, RULES, SCENES))
        record_id = str(uuid.UUID(int=n, version=None))
        return self.chance.choice(
            [
                (
                    "device_states",
                    lambda at: {
                        "device_id": device,
                        "entities": {"light.a": {"state": "on", "attributes": {"brightness": n}}},
                        "changed_fields": ["light.a.brightness"],
                        "change_source": "manual",
                        "created_at": at,
                    },
                ),
                (
                    "device_telemetry",
                    lambda at: {
                        "time": at,
                        "device_id": device,
                        "entity_id": "sensor.a",
                        "metric_type": "temperature",
                        "value": float(n),
                        "unit": "celsius",
                    },
                ),
                (
                    "energy_usage",
                    lambda at: {"time": at, "device_id": device, "entity_id": "sensor.b", "power_watts": float(n)},
                ),
                (
                    "automation_executions",
                    lambda at: {"id": record_id, "time": at, "automation_id": rule, "status": "success"},
                ),
                (
                    "scene_activations",
                    lambda at: {"id": record_id, "time": at, "scene_id": scene, "status": "success"},
                ),
            ]
        )

    def bad_row(self) -> None:
        """The next record is one that the cloud cannot use: put aside alone, or choking on the whole envelope until somebody mends that."""
        bad = self.n + 1
        if self.chance.random() < 0.5:
            self.unusable.add(bad)
            self.twin.unusable = lambda stream, row: number_in(stream, row) in self.unusable
        else:
            mark = f"{bad}.0"
            self.twin.poison = lambda envelope: any(
                mark in str(body.get("columns", "")) for body in envelope["streams"].values()
            )
        self.append()

    def edit_here(self) -> None:
        kind, definition_id = self.chance.choice(self.sturdy)
        column = self.chance.choice(self.columns[kind])
        self.n += 1
        value = f"here {self.n}"

        def work(hub: LinkHub, now: datetime) -> Sequence[Any]:
            self.ledger.edited_here(hub, kind, definition_id, column, value)
            return hub.definitions.edit(kind, definition_id, {column: value}, now)

        self.machine.do(work)

    def edit_there(self) -> None:
        kind, definition_id = self.chance.choice(self.sturdy)
        column = self.chance.choice(self.columns[kind])
        self.n += 1
        value = f"there {self.n}"
        hub = self.machine.hub if self.machine.is_alive else None
        self.ledger.edited_there(hub, kind, definition_id, column, value)
        self.twin.put(kind, definition_id, {column: value})

    def decide(self) -> None:
        """A person decides what is disputed, on the hub's page."""
        is_for_hub = self.chance.random() < 0.5

        def work(hub: LinkHub, now: datetime) -> Sequence[Any]:
            shown = [each for each in hub.definitions.conflicts if each.is_reported]
            if not shown:
                return []
            self.ledger.decided_here(hub, shown[0], is_for_hub=is_for_hub)
            return hub.definitions.decide(shown[0].kind, shown[0].id, dict.fromkeys(shown[0].theirs, is_for_hub), now)

        self.machine.do(work)

    def remove(self) -> None:
        definition_id = self.chance.choice(FRAGILE)
        if self.chance.random() < 0.5:
            self.twin.remove("automation", definition_id)
        else:
            self.machine.do(lambda hub, now: hub.definitions.delete("automation", definition_id, now))

    def change_fragile(self) -> None:
        definition_id = self.chance.choice(FRAGILE)
        self.n += 1
        fields = {self.chance.choice(["name", "triggers"]): f"fragile {self.n}"}
        if self.chance.random() < 0.5:
            known = self.twin.definitions["automation", definition_id]
            if not known.is_deleted:
                self.twin.put("automation", definition_id, fields)
        else:

            def work(hub: LinkHub, now: datetime) -> Sequence[Any]:
                if hub.definitions.get("automation", definition_id) is None:
                    return []
                return hub.definitions.edit("automation", definition_id, fields, now)

            self.machine.do(work)

    def change_case(self) -> None:
        self.n += 1
        key = ("alerts", str(uuid.UUID(int=0xCA5E + self.chance.randrange(3))))
        step = self.n

        def work(hub: LinkHub, now: datetime) -> Sequence[Any]:
            before = max(self.ledger.cases.get(key, (0, None))[0], hub.revisions.get(key, 0))
            hub.revisions[key] = before + 1
            return [AppendCase(*key, before + 1, {"id": key[1], "time": now, "step": step})]

        self.machine.do(work)

    def press(self) -> None:
        self.twin.command(
            "scene.activate", {"scene_id": SCENES[0]}, expires_in_s=self.chance.choice([2.0, 20.0, 600.0])
        )

    def change_present(self) -> None:
        self.n += 1
        self.devices_now[self.chance.choice(DEVICES)] = {"battery_level": self.n, "is_online": True}

    # What goes wrong.

    def weather(self) -> None:
        strength = self.chance.choice([0.0, 0.5, 1.0, 3.0])
        self._set_trouble(self.nature.trouble.scaled(strength), is_cut=self.chance.random() < 0.2)
        self.machine.fate.crash = self.nature.crash * self.chance.choice([0.0, 1.0, 2.0])
        self.tell(f"strength {strength}, cut {self._is_cut}, crash {self.machine.fate.crash}")

    def fill_disk(self) -> None:
        """What waits in memory for room is dated by the clock of when it is written: if that is set right meanwhile, it stays wrong."""
        lately = self.true_now() - timedelta(seconds=5)
        self.ledger.dated_late |= {n for n, made in self.ledger.made.items() if made.at > lately}
        self.machine.fate.is_disk_full = not self.machine.fate.is_disk_full

    def shed(self) -> None:
        """The housekeeping finds the disk nearly full; what is on its way just then may still arrive."""
        machine = self.machine
        if not machine.is_alive or machine.mirror is None:
            return
        for (_, stream), known in self.ledger.numbered.items():
            self.on_its_way |= {(stream, number) for number in known.rows}
        try:
            machine.mirror.shed(machine.clock.now(), self.chance.choice([0.04, 0.02, 0.005]))
        except (Crash, MirrorFull):
            return

    def change_limits(self) -> None:
        self.twin.rows_max = self.chance.choice([1, 2, 7, 50, 5000])
        self.twin.pause_s = self.chance.choice([0.0, 0.0, 3.0])

    def learn_time(self) -> None:
        """NTP comes back."""
        self.machine.clock.behind, self.machine.clock.is_trusted = timedelta(0), True

    async def _until(self, look: Callable[[], bool]) -> None:
        async with asyncio.timeout(3600):
            while not look():  # noqa: ASYNC110 virtual time costs nothing
                await asyncio.sleep(1)

    def tell(self, what: str) -> None:
        self.told.append(f"{asyncio.get_running_loop().time():9.2f} {what}")
