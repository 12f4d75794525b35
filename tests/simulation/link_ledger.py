"""What must hold of the link, whatever happens: nothing lost, nothing twice, gaps exact, order kept, marks never back, edits as the model says."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hub_agent.model.effects import AppendCase, AppendRecord, CloudCommandDone, Save, SaveDefinition
from hub_agent.runtime.inbox import MESSAGES_MAX
from hub_agent.runtime.loop import UNSTORED_MAX
from tests.fakes.cloud_twin import CloudTwin
from tests.simulation.link_machine import LinkHub, Machine
from tests.simulation.link_model import CLOUD, HUB, Column

# What a time told by the cloud may be off by: half of a slow round trip.
TOLD_TIME_OFF = timedelta(seconds=45)
EXACT = timedelta(milliseconds=2)
# What was on its way when the clock was put right may still arrive as it was dated.
ON_ITS_WAY = timedelta(seconds=120)
ANSWER_ON_ITS_WAY = timedelta(seconds=25)
# Gaps that say only where an epoch begins.
NO_LOSS = {"before this epoch"}
TIME_COLUMN = {"device_states": "created_at"}

Key = tuple[str, str]


@dataclass
class Made:
    """One record, known by its content."""

    n: int
    at: datetime
    boot: tuple[str, int]
    was_exact: bool


@dataclass
class Numbered:
    """What one machine has numbered of one stream, and still stands by."""

    rows: dict[int, int] = field(default_factory=dict)
    acknowledged: int = 0


@dataclass
class Edit:
    kind: str
    id: str
    column: str
    value: Any
    replaced: list[Any]
    place: int


@dataclass
class Copied:
    """What a copy of the mirror has: rows by stream and number, cases, and how far the columns' histories went."""

    rows: dict[str, dict[int, int]]
    cases: dict[Key, tuple[int, Any]]
    sizes: dict[tuple[str, str, str], int]


class Complaint(AssertionError):
    pass


class Ledger:
    """Notes what was made, and complains when something is otherwise than it has to be."""

    def __init__(self, twin: CloudTwin, story: Any) -> None:
        self._twin = twin
        self._story = story
        self.made: dict[int, Made] = {}
        self.numbered: dict[tuple[str, str], Numbered] = {}
        self.columns: dict[tuple[str, str, str], Column] = {}
        self.resolutions: dict[Key, str] = {}
        self._edits: list[Edit] = []
        self.kept_losers: dict[Key, list[Any]] = {}
        self.cases: dict[Key, tuple[int, Any]] = {}
        self.pressed: Counter[str] = Counter()
        self.ended_commands: set[str] = set()
        self._marks: dict[tuple[str, int, str], int] = {}
        # When the clock of a boot was put right.
        self.trusted_boots: dict[tuple[str, int], datetime] = {}
        # Numbers that the cloud was told to be dated by a clock that nobody had set, and when.
        self.undated: dict[tuple[str, int], datetime] = {}
        self.dated_late: set[int] = set()
        # False: rows were lost in the cloud, and came again behind others.
        self.is_order_kept = True
        self._copy: Copied | None = None
        # Lines whose disk is gone: what they had not sent is gone with it, what they had sent stays.
        self._gone: set[str] = set()
        self._stays: set[int] = set()

    # What happens.

    def seen(self, machine: Machine, call: str, args: tuple[Any, ...]) -> None:
        """A call to the mirror was carried out."""
        if call == "open":
            self._reopened(machine)
        elif call == "commit":
            self._committed(machine, args[0])
        elif call in {"acknowledge", "shed"}:
            self._positions(machine)
        elif call == "trust_clock":
            self.trusted_boots[machine.name, machine.clock.boots] = self._story.true_now()
        if machine.loop is not None and machine.inbox is not None:
            self.hold(len(machine.inbox) <= MESSAGES_MAX, "the inbox is over its bound")
            self.hold(len(machine.loop._unstored) <= UNSTORED_MAX, "what could not be stored is over its bound")

    def looked(self) -> None:
        """The cloud has worked off a request."""
        for key, mark in self._twin.marks.items():
            before = self._marks.get(key, 0)
            self.hold(mark >= before, f"the cloud's mark of {key} went back from {before} to {mark}")
            if mark != before:
                last = max(
                    (max(of.rows, default=0) for (_, stream), of in self.numbered.items() if stream == key[2]),
                    default=0,
                )
                self.hold(mark <= last, f"the cloud's mark of {key} is {mark}, but only {last} is stored on the hub")
        self._marks = dict(self._twin.marks)
        for stream, first, last in self._twin.undated:
            for number in range(first, last + 1):
                self.undated.setdefault((stream, number), self._story.true_now())
        self._twin.undated.clear()

    def press(self, command_id: str, at: datetime, *, is_remembered: bool, is_clock_right: bool) -> None:
        self.pressed[command_id] += is_remembered
        command = self._twin.commands[command_id]
        self.hold(self.pressed[command_id] <= 1, f"command {command_id} was carried out twice")
        # By a clock that is wrong nobody can say how long the answer was on its way.
        late = at - command.expires_at - (timedelta(0) if is_clock_right else ANSWER_ON_ITS_WAY)
        self.hold(late < timedelta(0), f"a command was carried out {late} after it had expired")

    def _reopened(self, machine: Machine) -> None:
        """What a power cut has taken back was never told to anybody."""
        self._edits.clear()
        assert machine.mirror is not None
        for stream, position in machine.mirror.records._positions.items():
            known = self._numbered(machine, stream)
            gone = [number for number in known.rows if number > position.last]
            there = self._there(stream) if gone else set()
            self.hold(
                all(known.rows[number] not in there for number in gone),
                f"{stream}: {gone} were told to the cloud, and a power cut took them back",
            )
            for number in gone:
                del known.rows[number]
            known.acknowledged = position.acknowledged

    def _there(self, stream: str) -> set[int]:
        return {number_in(stream, row.row) for row in self._twin.rows.get(stream, [])}

    def copied(self, machine: Machine) -> None:
        """Somebody has made a copy of the mirror."""
        rows = {stream: dict(of.rows) for (name, stream), of in self.numbered.items() if name == machine.name}
        sizes = {key: len(column.nodes) for key, column in self.columns.items()}
        self._copy = Copied(rows, dict(self.cases), sizes)

    def restored(self, machine: Machine, name: str) -> None:
        """The copy has taken the place of the mirror. What people decided here since then may hold or not; both sides agree about it."""
        assert self._copy is not None
        before, machine.name = machine.name, name
        gone = f"{before} (gone)"
        self._gone.add(gone)
        for (line, stream), known in list(self.numbered.items()):
            if line != before:
                continue
            kept = self._copy.rows.get(stream, {})
            lost = {number: n for number, n in known.rows.items() if number not in kept}
            self._stays |= self._there(stream) & set(lost.values())
            del self.numbered[line, stream]
            self.numbered[gone, stream] = Numbered(lost)
            self.numbered[name, stream] = Numbered(dict(kept))
        for key, column in self.columns.items():
            column.doubt(self._copy.sizes.get(key, 0))
        for command_id, command in self._twin.commands.items():
            if command.status not in {"done", "failed"}:
                self.pressed[command_id] = 0
        for key in list(self.cases):
            there = self._twin.cases.get(key)
            held = [(there["revision"], there["row"])] if there is not None else []
            held += [self._copy.cases[key]] if key in self._copy.cases else []
            self.cases.pop(key)
            if held:
                self.cases[key] = max(held, key=lambda each: each[0])

    def _committed(self, machine: Machine, effects: Any) -> None:
        assert machine.mirror is not None
        records = machine.mirror.records
        appended: dict[str, list[int]] = {}
        for effect in effects:
            match effect:
                case AppendRecord(stream, row):
                    appended.setdefault(stream, []).append(number_in(stream, row))
                case SaveDefinition(definition):
                    assert machine.hub is not None
                    self._stored(machine.hub, definition)
                case Save("sync_lost", key, body) if body is not None:
                    kind, _, definition_id = key.partition("/")
                    self.kept_losers.setdefault((kind, definition_id), []).append(body)
                case AppendCase(table, case_id, revision, row):
                    self.cases[table, case_id] = (revision, row)
                case CloudCommandDone(command_id):
                    self.ended_commands.add(command_id)
        for stream, made in appended.items():
            known = self._numbered(machine, stream)
            last = records.position(stream).last
            for number, n in enumerate(made, last - len(made) + 1):
                self.hold(number not in known.rows, f"{stream}: number {number} was given twice")
                known.rows[number] = n

    def _positions(self, machine: Machine) -> None:
        assert machine.mirror is not None
        records = machine.mirror.records
        for stream, position in records._positions.items():
            known, mark = self._numbered(machine, stream), self._mark(machine, stream)
            self.hold(position.acknowledged >= known.acknowledged, f"{stream}: the hub's mark went back")
            self.hold(
                position.acknowledged <= mark,
                f"{stream}: the hub believes {position.acknowledged} to be stored, the cloud has {mark}",
            )
            known.acknowledged = position.acknowledged

    def _numbered(self, machine: Machine, stream: str) -> Numbered:
        return self.numbered.setdefault((machine.name, stream), Numbered())

    def _mark(self, machine: Machine, stream: str) -> int:
        """How far the cloud is, in whichever epoch: the numbers go on in a new one."""
        assert machine.mirror is not None
        mirror = machine.mirror.records._identity.mirror_id
        return max((mark for key, mark in self._marks.items() if (key[0], key[2]) == (mirror, stream)), default=0)

    # Edits.

    def edited_here(self, hub: LinkHub, kind: str, definition_id: str, column: str, value: Any) -> None:
        """Somebody in the home is about to write this: they see what holds here, and a dispute that is shown."""
        known = hub.definitions.get(kind, definition_id)
        replaced = [] if known is None or column not in known.fields else [known.fields[column]]
        for conflict in hub.definitions.conflicts:
            if (conflict.kind, conflict.id) == (kind, definition_id) and conflict.is_reported:
                replaced += [conflict.theirs[column]] if column in conflict.theirs else []
        self._edits.append(Edit(kind, definition_id, column, value, replaced, len(hub.kept)))

    def decided_here(self, hub: LinkHub, conflict: Any, *, is_for_hub: bool) -> None:
        """A person sees both values of each column, and is about to choose."""
        known = hub.definitions.get(conflict.kind, conflict.id)
        assert known is not None
        for column, theirs in conflict.theirs.items():
            ours = known.fields.get(column)
            chosen = ours if is_for_hub else theirs
            self._edits.append(Edit(conflict.kind, conflict.id, column, chosen, [ours, theirs], len(hub.kept)))

    def edited_there(self, hub: LinkHub | None, kind: str, definition_id: str, column: str, value: Any) -> None:
        """Somebody is about to write this in the cloud. A dispute that is shown there is decided by it."""
        known = self._twin.definitions[kind, definition_id]
        replaced = [known.fields[column]] if column in known.fields else []
        shown = (known.conflict or {}).get(column)
        is_known_here = hub is not None and any(
            (each.kind, each.id) == (kind, definition_id) and each.is_reported and column in each.theirs
            for each in hub.definitions.conflicts
        )
        if shown is not None:
            replaced.append(shown["hub"])
        is_ambiguous = (shown is not None) != is_known_here
        self.column(kind, definition_id, column).write(CLOUD, value, replaced, is_ambiguous=is_ambiguous)

    def _stored(self, hub: LinkHub, definition: Any) -> None:
        """With a definition all edits that led to it are kept."""
        place = hub.kept[id(definition)][0]
        mine = [each for each in self._edits if (each.kind, each.id) == (definition.kind, definition.id)]
        for each in mine:
            if each.place <= place:
                self.column(each.kind, each.id, each.column).write(HUB, each.value, each.replaced)
                self._edits.remove(each)

    def column(self, kind: str, definition_id: str, name: str) -> Column:
        resolution = self.resolutions.get((kind, definition_id), "manual")
        return self.columns.setdefault((kind, definition_id, name), Column(name, resolution))

    # What has to hold in the end.

    def waiting_for(self, machine: Machine) -> str | None:
        """What is not yet as it has to be; None when both sides agree."""
        if not machine.is_alive or machine.hub is None or machine.mirror is None:
            return "nobody lives"
        records, tables = machine.mirror.records, machine.mirror.tables
        for stream, position in records._positions.items():
            if position.last != position.acknowledged:
                return f"{stream}: {position.last} made, {position.acknowledged} acknowledged"
        if records.gaps():
            return f"gaps are not told: {records.gaps()}"
        if machine.hub.definitions.owed_count:
            return f"owed: {machine.hub.definitions.owed(3)}"
        if machine.loop is not None and machine.loop._unstored:
            return "not all is stored"
        if tables.owed_cases(1):
            return f"cases are not told: {tables.owed_cases(1)}"
        if tables.commands_done():
            return "commands are not told"
        aside = machine.uplink._exchange.isolation.set_aside if machine.uplink is not None else []
        if aside:
            return f"set aside: {aside}"
        unsettled = [each for each in self._twin.commands.values() if each.status in {"pending", "delivered"}]
        if unsettled:
            return f"commands wait: {unsettled[:1]}"
        return self._definitions_differ(machine.hub) or self._present_differs(self._story.present())

    def check(self, machine: Machine, *, is_one_line: bool = True) -> None:
        self._check_records(is_one_line=is_one_line)
        self._check_times()
        self._check_columns(machine)
        self._check_cases()

    def _check_records(self, *, is_one_line: bool) -> None:
        is_order_kept = is_one_line and self.is_order_kept
        twin = self._twin
        dead = Counter(number_in(letter["stream"], letter["row"]) for letter in twin.dead_letters)
        self.hold(max(dead.values(), default=1) == 1, f"put aside twice: {dead.most_common(1)}")
        stored: dict[int, int] = {}
        for stream, rows in twin.rows.items():
            newest: dict[tuple[str, int], int] = {}
            for row in rows:
                n, line = number_in(stream, row.row), (row.mirror, row.epoch)
                self.hold(n not in stored, f"{stream}: {n} is stored twice")
                stored[n] = row.seq
                is_in_order = newest.get(line, 0) < row.seq
                self.hold(not is_order_kept or is_in_order, f"{stream}: {row.seq} came behind {newest.get(line)}")
                newest[line] = row.seq
        shed: dict[str, set[int]] = {}
        for (_, _, stream, first, last), gap in twin.gaps.items():
            if gap["reason"] in NO_LOSS:
                continue
            shed.setdefault(stream, set()).update(range(first, last + 1))
            self.hold(gap["count"] == last - first + 1, f"a gap says {gap['count']} of {stream} {first}..{last}")
        for (machine, stream), known in self.numbered.items():
            if machine in self._gone:
                for n in known.rows.values():
                    seq = stored.pop(n, None)
                    self.hold(seq is not None or n not in self._stays, f"{stream}: {n} was in the cloud, and is lost")
                continue
            self._check_stream(machine, stream, known, stored, shed.get(stream, set()), dead)
        self.hold(not stored, f"the cloud has what nobody made: {stored}")

    def _check_stream(  # noqa: PLR0917 what became of each number
        self, machine: str, stream: str, known: Numbered, stored: dict[int, int], shed: set[int], dead: Counter[int]
    ) -> None:
        for number, n in known.rows.items():
            seq = stored.pop(n, None)
            self.hold(seq in {None, number}, f"{stream}: {n} has number {seq} in the cloud, and {number} on the hub")
            is_told = seq is not None or number in shed or dead[n] > 0
            self.hold(is_told, f"{stream}: number {number} of {machine} ({n}) is lost")
            both = seq is not None and number in shed
            self.hold(
                not both or len(self._twin.lines) > 1 or (stream, number) in self._story.on_its_way,
                f"{stream}: {number} is stored, and in a gap",
            )
        made = {number for (_, of), line in self.numbered.items() if of == stream for number in line.rows}
        beyond = [number for number in shed if number not in made]
        self.hold(not beyond, f"{stream}: a gap of numbers that nobody made: {beyond}")

    def _check_times(self) -> None:
        """A wrong time is one of a clock that was wrong; then the cloud knows that nobody had set it, and nobody had when it was sent."""
        for stream, rows in self._twin.rows.items():
            for row in rows:
                made = self.made[number_in(stream, row.row)]
                off = abs(datetime.fromisoformat(row.row[TIME_COLUMN.get(stream, "time")]) - made.at)
                if made.was_exact:
                    self.hold(off <= EXACT, f"{stream} {made.n} is dated {off} wrong, the clock was right")
                elif off > TOLD_TIME_OFF and made.n not in self.dated_late:
                    sent_at = self.undated.get((stream, row.seq))
                    self.hold(
                        sent_at is not None, f"{stream} {made.n} is dated {off} wrong, and the cloud does not know"
                    )
                    put_right_at = self.trusted_boots.get(made.boot)
                    is_early = sent_at is None or put_right_at is None or sent_at <= put_right_at + ON_ITS_WAY
                    self.hold(is_early, f"{stream} {made.n} is dated {off} wrong, though the clock had been put right")

    def _definitions_differ(self, hub: LinkHub) -> str | None:
        """Both sides have the same, but for what is disputed; and both know of that."""
        disputed = {(each.kind, each.id): set(each.theirs) for each in hub.definitions.conflicts}
        for key, there in self._twin.definitions.items():
            if key[0] == "home":
                continue
            here = hub.definitions.get(*key)
            if here is None or there.is_deleted:
                if (here is None) != there.is_deleted:
                    return f"{key}: deleted on one side only"
                continue
            names = here.fields.keys() | there.fields.keys()
            differing = {name for name in names if here.fields.get(name) != there.fields.get(name)}
            if differing != disputed.get(key, set()):
                return f"{key}: {differing} differ, disputed are {disputed.get(key)}: {here.fields} | {there.fields}"
            if set(there.conflict or ()) != differing:
                return f"{key}: the cloud shows the dispute {there.conflict}, {differing} differ"
        return None

    def _check_columns(self, machine: Machine) -> None:
        assert machine.hub is not None
        for (kind, definition_id, name), column in self.columns.items():
            here, there = machine.hub.definitions.get(kind, definition_id), self._twin.definitions[kind, definition_id]
            assert here is not None
            ours, theirs = here.fields.get(name), there.fields.get(name)
            wanted = column.expected()
            where = f"{kind} {definition_id} {name}"
            if wanted.is_open:
                continue
            self.hold(ours == wanted.ours, f"{where}: the hub has {ours}, it should be {wanted.ours}")
            cloud = wanted.theirs if wanted.is_disputed else wanted.ours
            self.hold(theirs == cloud, f"{where}: the cloud has {theirs}, it should be {cloud}")
            bodies = self.kept_losers.get((kind, definition_id), [])
            kept = [each["value"] for body in bodies for each in body["values"] if each["field"] == name]
            for value in wanted.lost:
                self.hold(value in kept, f"{where}: {value} gave way to {wanted.ours} and was not kept")

    def _check_cases(self) -> None:
        for key, (revision, row) in self.cases.items():
            there = self._twin.cases.get(key)
            self.hold(there is not None and there["revision"] == revision, f"case {key}: {there} instead of {revision}")
            self.hold(there is None or there["row"]["step"] == row["step"], f"case {key}: another row: {there}")

    def _present_differs(self, present: Mapping[str, Any]) -> str | None:
        there = self._twin.present["devices"]
        for device_id, observed in present["devices"].items():
            if there.get(device_id) != observed:
                return f"the present of {device_id}: {there.get(device_id)}, not {observed}"
        return None

    def hold(self, is_so: bool, complaint: str) -> None:
        if not is_so:
            raise Complaint(complaint)


def number_in(stream: str, row: Mapping[str, Any]) -> int:
    """Each record bears a number of its own in its content, whichever number of its stream the mirror gives it."""
    match stream:
        case "device_states":
            entities = row.get("entities") or row["state"]
            return int(entities["light.a"]["attributes"]["brightness"])
        case "device_telemetry":
            return int(row["value"])
        case "energy_usage":
            return int(row["power_watts"])
        case _:
            return int(str(row["id"]).rsplit("-", 1)[-1], 16)
