"""Whatever is committed, acknowledged, crashed or cut off: no record is lost or doubled, and the states are those of a model."""

import asyncio
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from hypothesis import HealthCheck, given, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hub_agent.model.effects import AppendRecord, Durability, Save
from hub_agent.model.state import EntityState
from hub_agent.store import ledger
from hub_agent.store.store import Mirror
from tests.unit.store.homes import NOON, at, execution, light, mirror_in, temperature

DEVICES = st.sampled_from(["a", "b", "c"])
STREAMS = ("device_states", "device_telemetry", "automation_executions")


@st.composite
def appends(draw: st.DrawFn) -> list[AppendRecord]:
    kinds = draw(st.lists(st.integers(0, 3), min_size=1, max_size=8))
    records: list[AppendRecord] = []
    for kind in kinds:
        device, value = draw(DEVICES), draw(st.integers(0, 50))
        if kind == 0:
            records.append(light(draw(st.sampled_from(["on", "off"])), device=device, level=value))
        elif kind == 1:
            records.append(temperature(value / 2, device=device))
        elif kind == 2:  # a sensor's state from the other stream
            entities = {f"sensor.{device}": {"state": "unavailable", "attributes": {}}}
            records.append(
                AppendRecord("device_states", {"device_id": device, "entities": entities, "created_at": NOON})
            )
        else:
            records.append(execution(value))
    return records


class Model:
    """What the mirror must be: plain lists and dicts."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Mapping[str, object]]] = {stream: [] for stream in STREAMS}
        self.states: dict[str, tuple[str, Mapping[str, object]]] = {}
        self.saved: dict[str, int] = {}
        self.lights: list[object] = []  # of the row's device, after each row of device_states

    def append(self, each: AppendRecord) -> None:
        row = each.row
        self.rows[each.stream].append(row)
        if each.stream == "device_telemetry":
            entity = str(row["entity_id"])
            known = self.states.get(entity, ("", {}))[1]
            self.states[entity] = (str(row["value"]), known)
        elif each.stream == "device_states":
            for entity, said in row["entities"].items():  # type: ignore[union-attr] # rows of our own
                self.states[entity] = (said["state"], said["attributes"])
            self.lights.append(self.states.get(f"light.{row['device_id']}"))


class MirrorMachine(RuleBasedStateMachine):
    @initialize()
    def open_first(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.loop = asyncio.new_event_loop()
        self.model = Model()
        self.marks = dict.fromkeys(STREAMS, 0)
        self.second = 0.0
        self.mirror = self.opened()

    def teardown(self) -> None:
        if hasattr(self, "mirror"):
            self.mirror.abandon()
            self.loop.close()
            shutil.rmtree(self.folder)

    def run(self, awaitable):
        return self.loop.run_until_complete(awaitable)

    def opened(self) -> Mirror:
        mirror = mirror_in(self.folder)
        remembered = self.run(mirror.open(self.moment()))
        assert remembered.findings == []
        assert {key: (s.state, s.attributes) for key, s in remembered.states.items()} == self.model.states
        assert all(isinstance(state, EntityState) for state in remembered.states.values())
        assert {key: body["n"] for key, body in remembered.saved.get("room", {}).items()} == self.model.saved
        return mirror

    def moment(self):
        self.second += 1
        return at(self.second)

    @rule(records=appends(), durability=st.sampled_from(list(Durability)), key=st.sampled_from("xyz"))
    def commit(self, records: list[AppendRecord], durability: Durability, key: str) -> None:
        number = int(self.second)
        self.run(self.mirror.commit([*records, Save("room", key, {"n": number}, durability)], self.moment()))
        for each in records:
            self.model.append(each)
        self.model.saved[key] = number

    @rule(stream=st.sampled_from(STREAMS), rows_max=st.integers(1, 20), part=st.floats(0, 1), repeat=st.booleans())
    def exchange(self, stream: str, rows_max: int, part: float, repeat: bool) -> None:
        """Some is given out, the cloud takes a beginning of it, and perhaps says an old mark again."""
        count = self.check_batch(stream, rows_max)
        before = self.marks[stream]
        self.marks[stream] += round(count * part)
        self.run(self.mirror.acknowledge({stream: self.marks[stream]}, self.moment()))
        if repeat:
            self.run(self.mirror.acknowledge({stream: before}, self.moment()))
        self.check_batch(stream, rows_max)

    def check_batch(self, stream: str, rows_max: int) -> int:
        batch = self.run(self.mirror.next_batch(stream, rows_max, 100_000))
        rows = self.model.rows[stream]
        if self.marks[stream] == len(rows):
            assert batch is None
            return 0
        assert batch is not None
        assert batch.first == self.marks[stream] + 1
        assert len(batch.rows) == min(rows_max, len(rows) - self.marks[stream])
        for number, row in enumerate(batch.rows, batch.first):
            self.check_row(stream, number, row)
        return len(batch.rows)

    def check_row(self, stream: str, number: int, row: Mapping[str, object]) -> None:
        wanted = self.model.rows[stream][number - 1]
        if stream == "device_telemetry":
            assert (row["device_id"], row["value"]) == (wanted["device_id"], wanted["value"])
        elif stream == "device_states":
            for entity, said in wanted["entities"].items():  # type: ignore[union-attr] # rows of our own
                assert row["state"][entity] == {"state": said["state"], "attributes": said["attributes"]}  # type: ignore[index] # the same
            light_now = row["state"].get(f"light.{row['device_id']}")  # type: ignore[union-attr] # the same
            assert self.model.lights[number - 1] == (light_now and (light_now["state"], light_now["attributes"]))
        else:
            assert row["id"] == wanted["id"]

    @rule()
    def crash(self) -> None:
        self.mirror.abandon()
        self.mirror = self.opened()

    @rule()
    def restart(self) -> None:
        self.run(self.mirror.close(self.moment()))
        self.mirror = self.opened()

    @rule(hours=st.sampled_from([1, 30, 60]))
    def let_time_pass(self, hours: int) -> None:
        self.second += hours * 3600

    @precondition(lambda self: hasattr(self, "mirror"))
    @invariant()
    def positions_are_the_models(self) -> None:
        for position in self.run(self.mirror.positions()):
            if position.stream in self.marks:
                assert position.last == len(self.model.rows[position.stream])
                assert position.acknowledged == self.marks[position.stream]
                assert position.waiting == position.last - position.acknowledged


MirrorMachine.TestCase.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestMirror = MirrorMachine.TestCase


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    commits=st.lists(st.tuples(appends(), st.sampled_from(list(Durability)), st.booleans()), min_size=1, max_size=12),
    cut=st.floats(0, 1),
)
def test_a_power_cut_leaves_a_beginning_of_what_was_committed_and_all_that_was_fsynced_or_given_out(
    commits, cut
) -> None:
    folder = Path(tempfile.mkdtemp())
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(_cut_power(folder, commits, cut))
    finally:
        loop.close()
        shutil.rmtree(folder)


async def _cut_power(folder: Path, commits, cut: float) -> None:
    (folder / "live").mkdir()
    mirror = mirror_in(folder / "live")
    await mirror.open(at())
    wal = folder / "live" / "mirror.db-wal"
    fsyncs = Fsyncs(mirror)
    fsynced_bytes, fsynced_commits, given_out = wal.stat().st_size, 0, 0
    lasts: list[dict[str, int]] = [dict.fromkeys(STREAMS, 0)]
    for number, (records, durability, is_given_out) in enumerate(commits, 1):
        await mirror.commit([*records, Save("room", "n", {"n": number}, durability)], at(number))
        lasts.append({p.stream: p.last for p in await mirror.positions() if p.stream in STREAMS})
        if is_given_out and (batch := await mirror.next_batch("device_states", 100, 100_000)):
            given_out = batch.first + len(batch.rows) - 1
        if durability is Durability.FSYNC or any(each.durability is Durability.FSYNC for each in records):
            fsynced_commits = number
        if fsyncs.happened():
            fsynced_bytes = wal.stat().st_size
    size = wal.stat().st_size
    (folder / "cut").mkdir()
    for name in ("mirror.db", "mirror.db.identity"):
        shutil.copy(folder / "live" / name, folder / "cut" / name)
    kept = fsynced_bytes + int((size - fsynced_bytes) * cut)
    (folder / "cut" / "mirror.db-wal").write_bytes(wal.read_bytes()[:kept])
    mirror.abandon()

    again = mirror_in(folder / "cut")
    remembered = await again.open(at(100))
    assert remembered.findings == []
    saved = remembered.saved.get("room", {}).get("n", {"n": 0})["n"]
    assert saved >= fsynced_commits
    assert lasts[saved]["device_states"] >= given_out  # what the cloud has seen is not numbered again
    assert {p.stream: p.last for p in await again.positions() if p.stream in STREAMS} == lasts[saved]
    model = Model()
    for records, _, _ in commits[:saved]:
        for each in records:
            model.append(each)
    assert {key: (s.state, s.attributes) for key, s in remembered.states.items()} == model.states
    again.abandon()


class Fsyncs:
    """Listens to what SQLite is told: a commit under FULL is fsynced."""

    def __init__(self, mirror: Mirror) -> None:
        self._is_full = False
        self._count = 0
        mirror._ledger.connection.set_trace_callback(self._hear)

    def happened(self) -> bool:
        count, self._count = self._count, 0
        return count > 0

    def _hear(self, statement: str) -> None:
        if statement.startswith("PRAGMA synchronous"):
            self._is_full = statement.endswith("FULL")
        elif statement == "COMMIT":
            self._count += self._is_full


def test_snapshots_are_made_while_running(monkeypatch) -> None:
    """The machine above stays small; here the limits are, so that snapshots and replays take turns."""
    monkeypatch.setattr(ledger, "SNAPSHOT_CHANGES", 7)
    folder = Path(tempfile.mkdtemp())
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(_with_snapshots(folder))
    finally:
        loop.close()
        shutil.rmtree(folder)


async def _with_snapshots(folder: Path) -> None:
    mirror = mirror_in(folder)
    await mirror.open(at())
    for n in range(100):
        await mirror.commit([light("on", n, device=f"d{n % 3}", n=n), temperature(n, n, device=f"d{n % 3}")], at(n))
        if n % 10 == 9:
            batch = await mirror.next_batch("device_states", 4, 100_000)
            assert batch is not None
            for number, row in enumerate(batch.rows, batch.first):
                device = f"d{(number - 1) % 3}"
                assert row["state"][f"light.{device}"]["attributes"] == {"n": number - 1}
                assert row["state"][f"sensor.{device}"]["state"] == str(number - 1)
            await mirror.acknowledge({"device_states": batch.first + 3}, at(n))
        if n % 17 == 16:
            mirror.abandon()
            mirror = mirror_in(folder)
            states = (await mirror.open(at(n))).states
            assert states[f"light.d{n % 3}"].attributes == {"n": n}
    counts = await mirror.sizes()
    assert counts["rows"]["state_snapshots"] > 3
    await mirror.close(at(101))
