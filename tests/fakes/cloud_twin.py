"""The cloud in memory: fills ports.Cloud with the rules of the central schema's functions, and can misbehave from a seed.

tests/contract/ holds it to the real SQL. What it leaves out: types and constraints of columns (`unusable` stands in for a
row that the database refuses), access rights, paging.
"""

import asyncio
import itertools
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from hub_agent.core.sync.columns import CLOUD_COLUMNS, DOWN_KINDS, HUB_COLUMNS, KINDS, MANUAL_COLUMNS, OBSERVED_COLUMNS
from hub_agent.errors import ClaimError, CloudRefused, CloudUnreachable
from hub_agent.model.record import CASES, STREAMS
from tests.fakes import reconciling

RANK = {kind: rank for rank, kind in enumerate(KINDS)}
PARENTS = {
    "device_states": ("device_id", "device"),
    "device_telemetry": ("device_id", "device"),
    "energy_usage": ("device_id", "device"),
    "automation_executions": ("automation_id", "automation"),
    "automation_health_checks": ("automation_id", "automation"),
    "scene_activations": ("scene_id", "scene"),
    "device_health_history": ("device_id", "device"),
    "device_error_logs": ("device_id", "device"),
    "network_metrics": ("device_id", "device"),
}
NAME_COLUMN = {"device": "device_name", "alert_rule": "rule_name"}
NAMED_ONCE = {"room", "device_group"}
# The seeded ecosystems in which a scene may be kept, and how a copy there may stand.
KEEPING = {"zigbee2mqtt", "hue", "deconz"}
SYNC_STATUSES = {"synced", "pending", "failed", "conflict", "unsupported"}
AUDITED = {"homes", "rooms", "devices", "device_groups", "scenes", "automations", "alert_rules"}
DOUBLED_TOLD_FOR = timedelta(hours=1)
AHEAD_MAX = timedelta(hours=1)
REDELIVER_AFTER = timedelta(seconds=30)
WAIT_S_MAX = 25


@dataclass(frozen=True)
class Faults:
    """Probabilities per call. `slow_s` is the longest a slow call takes."""

    lost_request: float = 0.0
    lost_answer: float = 0.0
    duplicate: float = 0.0
    failing: float = 0.0
    slow: float = 0.0
    slow_s: float = 20.0


CALM = Faults()
STORMY = Faults(lost_request=0.15, lost_answer=0.15, duplicate=0.1, failing=0.1, slow=0.2)


@dataclass
class StoredRow:
    hub: str
    mirror: str
    epoch: int
    seq: int
    row: dict[str, Any]


@dataclass
class Versioned:
    """A definition as the cloud has it, with the bases of merges to come."""

    kind: str
    id: str
    fields: dict[str, Any]
    version: int
    place: int
    origin: str | None
    is_deleted: bool = False
    history: dict[int, dict[str, Any]] = field(default_factory=dict)
    writers: dict[int, str | None] = field(default_factory=dict)
    aliases: list[dict[str, str]] = field(default_factory=list)
    sync_status: str = "pending"
    conflict: dict[str, Any] = field(default_factory=dict)
    lost: list[tuple[str, str, Any]] = field(default_factory=list)
    resolution: str = "manual"


@dataclass
class CloudCommandRow:
    id: str
    kind: str
    payload: dict[str, Any]
    created_at: datetime
    expires_at: datetime
    status: str = "pending"
    delivered_at: datetime | None = None
    result: Any = None


class CloudTwin:
    """One home and its hub. `now` is the cloud's own clock. The operator's doors are the methods that are not the port's."""

    def __init__(self, now: Callable[[], datetime], *, seed: int = 0, home_id: str | None = None) -> None:
        self._now = now
        self._chance = random.Random(seed)
        self.home_id = home_id or str(uuid.UUID(int=self._chance.getrandbits(128), version=4))
        self.faults = CALM
        self.is_offline = False
        self.retry_after_s: float | None = None
        self.pause_s = 0.0
        self.rows_max = 10_000
        # As behind a gateway with a queue: what may wait is stored by `write_queued`, which a world may call whenever it likes.
        self.is_queueing = False
        self.queue: list[tuple[int, dict[str, Any]]] = []
        self.queued_count = 0
        self.unusable: Callable[[str, dict[str, Any]], bool] = lambda _stream, _row: False
        self.poison: Callable[[dict[str, Any]], bool] = lambda _envelope: False
        self.codes: dict[str, dict[str, Any]] = {}
        self.hub_id: str | None = None
        self.secret: str | None = None
        self.retired = False
        self.rows: dict[str, list[StoredRow]] = {}
        self.marks: dict[tuple[str, int, str], int] = {}
        self.dead_letters: list[dict[str, Any]] = []
        self.undated: list[tuple[str, int, int]] = []
        self.gaps: dict[tuple[str, int, str, int, int], dict[str, Any]] = {}
        self.cases: dict[tuple[str, str], dict[str, Any]] = {}
        self.definitions: dict[tuple[str, str], Versioned] = {}
        self.present: dict[str, dict[str, dict[str, Any]]] = {
            "devices": {},
            "automations": {},
            "scenes": {},
            "network_access_rules": {},
        }
        self.copies: dict[str, dict[str, dict[str, Any]]] = {}
        self.hub_present: dict[str, Any] = {}
        self.commands: dict[str, CloudCommandRow] = {}
        self.envelopes: list[dict[str, Any]] = []
        self.mirror_id = ""
        self.lines: dict[tuple[str, int], str] = {}
        self.doubled_at: datetime | None = None
        self.clock: dict[str, Any] = {}
        self._places = itertools.count(1)
        self._ids = itertools.count(1)
        self._changed = asyncio.Event()
        self.put("home", self.home_id, {"name": "Twin home", "timezone": "Europe/Stockholm", "metadata": {}})

    # What operators and people do.

    def new_id(self) -> str:
        return str(uuid.uuid5(uuid.UUID(self.home_id), str(next(self._ids))))

    def issue_claim_code(self, lifetime: timedelta = timedelta(days=1)) -> str:
        code = f"CODE-{len(self.codes) + 1:04d}"
        self.codes[code] = {"expires_at": self._now() + lifetime, "used_by": None}
        return code

    def put(self, kind: str, definition_id: str, fields: dict[str, Any]) -> int:
        """A person sets these columns; answers the version."""
        known = self.definitions.get((kind, definition_id))
        before = {} if known is None else known.fields
        self._write(kind, definition_id, {**before, **fields}, None)
        return self.definitions[kind, definition_id].version

    def remove(self, kind: str, definition_id: str) -> None:
        self._write(kind, definition_id, None, None)

    def decide(
        self, kind: str, definition_id: str, side: str | None = None, fields: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """hub_decide_conflict_v1"""
        known = self.definitions.get((kind, definition_id))
        if known is None or not known.conflict:
            raise CloudRefused(f"No conflict waits about this {kind}.", code="no_conflict")
        if unknown := set(fields or {}) - known.conflict.keys():
            raise CloudRefused(f"Not disputed: {unknown}.", code="request_malformed")
        each_for = {name: (fields or {}).get(name, side) for name in sorted(known.conflict)}
        decided = {name: chosen for name, chosen in each_for.items() if chosen is not None}
        if not decided:
            raise CloudRefused("This decides nothing.", code="request_incomplete")
        chosen = {name: known.conflict[name]["hub"] for name, side in decided.items() if side == "hub"}
        before = known.version
        self._write(kind, definition_id, {**known.fields, **chosen}, None)
        if known.version == before:
            self._new_version(known, None, set(decided), is_gone=False)
        self._settle(known, set(decided))
        return {
            "entity_type": kind,
            "id": definition_id,
            "version": known.version,
            "status": known.sync_status,
            "decided": decided,
            "left": sorted(known.conflict),
        }

    def command(self, kind: str, payload: dict[str, Any], expires_in_s: float = 60) -> str:
        command_id = self.new_id()
        now = self._now()
        self.commands[command_id] = CloudCommandRow(
            command_id, kind, payload, now, now + timedelta(seconds=expires_in_s)
        )
        self._changed.set()
        return command_id

    def stored(self, stream: str) -> list[dict[str, Any]]:
        return [each.row for each in self.rows.get(stream, [])]

    def mark(self, stream: str, epoch: int = 1) -> int:
        return self.marks.get((self.mirror_id, epoch, stream), 0)

    # ports.Cloud

    async def claim(self, code: str, request: Any) -> Any:
        return await self._through(lambda: self._claim(code, request))

    async def ingest(self, envelope: bytes) -> Any:
        return await self.ingest_read(orjson.loads(envelope))

    async def ingest_read(self, envelope: dict[str, Any]) -> Any:
        """For a gateway that has read it already."""
        return await self._through(lambda: self._ingest(envelope))

    async def changes(self, cursor: str | None, wait_s: int) -> Any:
        deadline = asyncio.get_running_loop().time() + min(wait_s, WAIT_S_MAX)
        while True:
            answer = await self._through(lambda: self._changes(cursor))
            left_s = deadline - asyncio.get_running_loop().time()
            if left_s <= 0 or answer["changes"] or answer["commands"] or answer["cursor"] != cursor:
                return answer
            self._changed.clear()
            try:
                async with asyncio.timeout(left_s):
                    await self._changed.wait()
            except TimeoutError:
                deadline = 0

    async def reconcile(self, request: Any) -> Any:
        return await self._through(lambda: reconciling.reconcile(self, request))

    async def close(self) -> None:
        pass

    def cut(self) -> None:
        """The way to the cloud is gone; who waits notices."""
        self.is_offline = True
        self._changed.set()

    def mend(self) -> None:
        self.is_offline = False

    async def _through(self, work: Callable[[], Any]) -> Any:
        """The way there and back, with what may happen on it."""
        faults, chance = self.faults, self._chance
        if faults.slow and chance.random() < faults.slow:
            await asyncio.sleep(chance.random() * faults.slow_s)
        else:
            await asyncio.sleep(0)
        if self.is_offline or chance.random() < faults.lost_request:
            raise CloudUnreachable("The cloud at twin cannot be reached: no answer.", retry_after_s=self.retry_after_s)
        if chance.random() < faults.failing:
            raise CloudUnreachable("The cloud at twin says: HTTP status 500", retry_after_s=self.retry_after_s)
        answer = orjson.loads(orjson.dumps(work()))
        if chance.random() < faults.duplicate:
            answer = orjson.loads(orjson.dumps(work()))
        if chance.random() < faults.lost_answer:
            raise CloudUnreachable("The cloud at twin cannot be reached: the connection broke.")
        return answer

    # hub_claim_v1

    def _claim(self, code: str, request: Any) -> Any:
        known = self.codes.get(code)
        if known is None:
            raise ClaimError("This claim code is not known. Check it for typing errors, or ask for a new one.")
        if known["expires_at"] <= self._now():
            raise ClaimError("This claim code has expired. Ask for a new one.")
        if known["used_by"] not in (None, request["mirror_id"]):
            raise ClaimError("This claim code has been used by another hub. Ask for a new one.")
        if known["used_by"] is None and (self.hub_id is None or self.mirror_id != request["mirror_id"]):
            self.hub_id = self.new_id()
        known["used_by"] = self.mirror_id = request["mirror_id"]
        self.secret = self.new_id()
        home = self.definitions["home", self.home_id]
        return {
            "hub_id": self.hub_id,
            "home_id": self.home_id,
            "secret": self.secret,
            "home": {"id": self.home_id, "version": home.version, **home.fields},
            "server_time": self._now().isoformat(),
        }

    # hub_ingest_v1

    def _ingest(self, envelope: dict[str, Any]) -> Any:
        if self.retired:
            raise CloudRefused("Another hub has taken over this home.", code="hub_retired")
        if envelope["hub_id"] != self.hub_id:
            raise CloudRefused("The envelope names another hub than the token.", code="hub_mismatch")
        rows = sum(len(_rows(body)) for body in envelope["streams"].values())
        if rows > self.rows_max:
            raise CloudRefused(f"{rows} rows in one envelope are too many.", code="envelope_too_large")
        if self.is_queueing and envelope.get("may_wait"):
            self.queued_count += 1
            self.queue.append((self.queued_count, envelope))
            return {"marks": {}, "queued": {"place": self.queued_count}, "server_time": self._now().isoformat()}
        if self.poison(envelope):
            raise CloudRefused("unsupported Unicode escape sequence", code="22P05")
        return self._store(envelope) | ({"written": self.written} if self.is_queueing else {})

    @property
    def written(self) -> int:
        """The place up to which nothing waits in the queue any more."""
        return min((place for place, _ in self.queue), default=self.queued_count + 1) - 1

    def write_queued(self, number: int = 0) -> None:
        """One of those that wait: the oldest, unless the world likes it otherwise. What cannot be stored is given up."""
        _, envelope = self.queue.pop(number)
        if not self.retired and not self.poison(envelope):
            self._store(envelope, is_from_queue=True)

    def _store(self, envelope: dict[str, Any], *, is_from_queue: bool = False) -> Any:
        self.envelopes.append(envelope)
        mirror, epoch = envelope["mirror_id"], envelope["epoch"]
        lineage = envelope.get("lineage") or []
        if (fork := self._fork_epoch(mirror, epoch, lineage, is_from_queue=is_from_queue)) is not None:
            return {
                "fork": {"epoch": fork},
                "marks": self._marks_of(mirror, epoch),
                "refused": [],
                "definitions": [],
                "cases": [],
                "limits": {"rows_max": self.rows_max, "bytes_max": 4194304},
                "server_time": self._now().isoformat(),
                "pause_s": 0,
            }
        if any(of == mirror and later > epoch for of, later in self.lines):
            self.doubled_at = self._now()
        origin = f"{self.hub_id}/{mirror}"
        is_late = self._is_late(mirror, envelope.get("clock") or {})
        answers = [
            self._take_definition(item, origin)
            for item in sorted(
                [] if is_late else envelope["definitions"], key=lambda item: RANK.get(item["entity_type"], 9)
            )
        ]
        for gap in envelope["gaps"]:
            self.gaps.setdefault((mirror, epoch, gap["stream"], gap["first"], gap["last"]), gap)
        refused: list[dict[str, Any]] = []
        for stream in sorted({*envelope["streams"], *(gap["stream"] for gap in envelope["gaps"])}):
            refused += self._take_stream(mirror, epoch, stream, envelope["streams"].get(stream, {}))
        self._take_present({} if is_late else envelope.get("present") or {})
        cases, bad_cases = self._take_cases(envelope["cases"])
        for done in envelope["commands_done"]:
            command = self.commands.get(done["id"])
            if command is not None and command.status not in {"done", "failed"}:
                command.status, command.result = done["status"], done["result"]
        self.mirror_id = mirror
        return {
            "marks": self._marks_of(mirror, epoch),
            "refused": refused + bad_cases,
            "definitions": answers,
            "cases": cases,
            "limits": {"rows_max": self.rows_max, "bytes_max": 4194304},
            "server_time": self._now().isoformat(),
            "pause_s": self.pause_s,
        } | ({"warnings": ["hub_doubled"]} if self._is_doubled() else {})

    def _fork_epoch(self, mirror: str, epoch: int, lineage: list[str], *, is_from_queue: bool = False) -> int | None:
        """Null: it comes from the life that was heard last. Else the next free epoch."""
        later = {of: life for (of_mirror, of), life in self.lines.items() if of_mirror == mirror and of > epoch}
        if not lineage:
            return None
        known = self.lines.get((mirror, epoch))
        is_copy = known is not None and known not in lineage
        if is_copy or (later and (is_from_queue or known not in {None, lineage[-1]})):
            taken = [of for of_mirror, of in self.lines if of_mirror == mirror]
            taken += [of for of_mirror, of, _ in self.marks if of_mirror == mirror]
            own = [of for of, life in later.items() if life == lineage[-1]]
            fork = own[0] if own else max(epoch, *taken) + 1
            if not is_from_queue:
                self.lines[mirror, fork] = lineage[-1]
            return fork
        self.lines[mirror, epoch] = lineage[-1]
        return None

    def _is_doubled(self) -> bool:
        return self.doubled_at is not None and self._now() - self.doubled_at < DOUBLED_TOLD_FOR

    def _marks_of(self, mirror: str, epoch: int) -> dict[str, int]:
        return {
            stream: mark
            for (of_mirror, of_epoch, stream), mark in self.marks.items()
            if (of_mirror, of_epoch) == (mirror, epoch)
        }

    def _take_stream(self, mirror: str, epoch: int, stream: str, body: dict[str, Any]) -> list[dict[str, Any]]:
        if stream not in STREAMS:
            self._bury(stream, None, "stream_unknown", {})
            return [{"stream": stream, "seq": None, "reason": "stream_unknown"}]
        rows = _rows(body)
        seqs = body.get("seqs") or [body.get("first", 1) + n for n in range(len(rows))]
        is_repair = body.get("lane") == "repair"
        is_missing_only = is_repair or body.get("missing_only") is True
        if is_repair:
            epoch = min(epoch, body.get("epoch", epoch))
        mark = self.marks.setdefault((mirror, epoch, stream), 0)
        reached = mark if is_repair else self._reach(mirror, epoch, stream, mark, seqs)
        refused = []
        kept = self.rows.setdefault(stream, [])
        if is_repair and body.get("replace") is True:
            arrived = [
                (reconciling.key_of(stream, row, (mirror, epoch, seq)), row)
                for seq, row in zip(seqs, rows, strict=True)
                if seq <= reached and self._why_not(stream, row) is None
            ]
            kept[:] = reconciling.without_changed(stream, kept, arrived)
        there = {
            reconciling.sameness_of(stream, each.row, (each.mirror, each.epoch, each.seq))
            for each in kept
            if is_missing_only
        }
        for seq, row in zip(seqs, rows, strict=True):
            if (seq > reached) if is_repair else not mark < seq <= reached:
                continue
            if reason := self._why_not(stream, row, is_clock_trusted=body.get("clock_trusted", True)):
                self._bury(stream, seq, reason, row)
                refused.append({"stream": stream, "seq": seq, "reason": reason})
            elif not is_missing_only or reconciling.sameness_of(stream, row, (mirror, epoch, seq)) not in there:
                kept.append(StoredRow(self.hub_id or "", mirror, epoch, seq, row))
        self.marks[mirror, epoch, stream] = reached
        if is_repair:
            gone = set(seqs) - {each["seq"] for each in refused}
            self.dead_letters = [
                each for each in self.dead_letters if each["stream"] != stream or each["seq"] not in gone
            ]
        elif not body.get("clock_trusted", True) and reached > mark:
            self.undated.append((stream, max(mark + 1, seqs[0]), min(reached, seqs[-1])))
        return refused

    def _bury(self, stream: str, seq: int | None, reason: str, row: dict[str, Any]) -> None:
        """One letter for each number, and for each reason of what has none."""
        for letter in self.dead_letters:
            if letter["stream"] == stream and (seq, reason if seq is None else None) == (
                letter["seq"],
                letter["reason"] if seq is None else None,
            ):
                letter.update(reason=reason, row=row)
                return
        self.dead_letters.append({"stream": stream, "seq": seq, "reason": reason, "row": row})

    def _reach(self, mirror: str, epoch: int, stream: str, mark: int, seqs: list[int]) -> int:
        stretches = [(seq, seq) for seq in seqs]
        stretches += [
            (first, last)
            for (of_mirror, of_epoch, of_stream, first, last) in self.gaps
            if (of_mirror, of_epoch, of_stream) == (mirror, epoch, stream)
        ]
        for first, last in sorted(stretches):
            if first > mark + 1:
                break
            mark = max(mark, last)
        return mark

    def _why_not(self, stream: str, row: dict[str, Any], *, is_clock_trusted: bool = True) -> str | None:
        if stream == "audit_logs":
            if row.get("table_name") not in AUDITED and row.get("table_name") not in CASES:
                return "it points at another home"
        else:
            column, kind = PARENTS[stream]
            if (kind, str(row.get(column))) not in self.definitions:
                return f"{column} is not known in this home"
        at = row.get(STREAMS[stream].time_column)
        if at is None:
            return f"{STREAMS[stream].time_column} is missing"
        if is_clock_trusted and datetime.fromisoformat(at) > self._now() + AHEAD_MAX:
            return "it is dated more than 01:00:00 ahead"
        return "unusable" if self.unusable(stream, row) else None

    def _is_late(self, mirror: str, clock: dict[str, Any]) -> bool:
        """Given up by the hub and sent anew since: what people decided, and the present, would go back."""
        newest = self.clock
        is_late = (
            mirror == self.mirror_id
            and clock.get("boot_id") == newest.get("boot_id")
            and clock.get("monotonic_ms", 0) < newest.get("monotonic_ms", 0)
        )
        self.clock = newest if is_late else clock
        return is_late

    def _take_present(self, present: dict[str, Any]) -> None:
        for section in self.present:
            kind = section.removesuffix("s")
            for each, observed in (present.get(section) or {}).items():
                if (kind, each) in self.definitions:
                    self.present[section].setdefault(each, {}).update(observed)
        self._take_copies(present.get("copies") or {})
        if "hub" in present:
            self.hub_present = present["hub"]

    def _take_copies(self, copies: dict[str, Any]) -> None:
        """What is told of a scene is all there is of it; a bad one keeps what was known."""
        for scene_id, told in copies.items():
            if (known := self.definitions.get(("scene", scene_id))) is None or known.is_deleted:
                continue
            before, kept = self.copies.get(scene_id, {}), {}
            for ecosystem, copy in told.items():
                if ecosystem in KEEPING and copy.get("sync_status") in SYNC_STATUSES:
                    kept[ecosystem] = copy
                    continue
                reason = "no ecosystem of this name" if ecosystem not in KEEPING else "no status"
                self.dead_letters.append({"stream": "present/copies", "seq": None, "reason": reason, "row": copy})
                kept |= {ecosystem: before[ecosystem]} if ecosystem in before else {}
            self.copies[scene_id] = kept

    def _take_cases(self, cases: list[dict[str, Any]]) -> tuple[list[Any], list[Any]]:
        held, refused = [], []
        for case in cases:
            if reason := self._why_no_case(case):
                named = {name: case[name] for name in ("id", "revision")}
                refused.append({"stream": case["table"], "seq": None, "reason": reason, **named})
                continue
            known = self.cases.get((case["table"], case["id"]))
            if known is None or known["revision"] < case["revision"]:
                self.cases[case["table"], case["id"]] = known = case
            held.append({"table": case["table"], "id": case["id"], "revision": known["revision"]})
        return held, refused

    def _why_no_case(self, case: dict[str, Any]) -> str | None:
        if case["table"] not in CASES:
            return "no kind of case that hubs send"
        if case["time"] is None:
            return "a case needs id, time, revision and row"
        row = case["row"]
        for column in ("device_id", "source_device_id"):
            if row.get(column) is not None and ("device", row[column]) not in self.definitions:
                return f"{column} is not known in this home"
        if any(("device", each) not in self.definitions for each in row.get("target_devices") or ()):
            return "target_devices is not known in this home"
        for column, table in (("diagnostic_run_id", "diagnostic_runs"), ("security_scan_id", "security_scans")):
            if row.get(column) is not None and (table, row[column]) not in self.cases:
                return f"{column} is not known in this home"
        return None

    # Definitions

    def _write(self, kind: str, definition_id: str, fields: dict[str, Any] | None, origin: str | None) -> None:
        """A new version if what people own changes; else only what the hub describes."""
        known = self.definitions.get((kind, definition_id))
        if known is None:
            if fields is None:
                return
            known = self.definitions[kind, definition_id] = Versioned(
                kind, definition_id, {}, 0, 0, None, is_deleted=True
            )
        is_gone = fields is None
        becomes = known.fields if fields is None else fields
        is_change = is_gone != known.is_deleted or _people(kind, becomes) != _people(kind, known.fields)
        touched = {name for name in {*becomes, *known.fields} if becomes.get(name) != known.fields.get(name)}
        known.fields = becomes
        if is_change:
            self._new_version(known, origin, touched, is_gone=is_gone)

    def _new_version(self, known: Versioned, origin: str | None, touched: set[str], *, is_gone: bool) -> None:
        known.version, known.place = known.version + 1, next(self._places)
        known.origin, known.is_deleted = origin, is_gone
        known.history[known.version], known.writers[known.version] = dict(known.fields), origin
        if is_gone:
            known.conflict = {}
        if is_gone and known.kind == "scene":
            self.copies.pop(known.id, None)
        if is_gone and known.kind == "device":
            self._leave_groups(known.id)
        known.sync_status = "synced" if origin else "pending"
        self._settle(known, touched)
        self._changed.set()

    def _settle(self, known: Versioned, touched: set[str]) -> None:
        """What was disputed and has been set is decided; the value that gave way is kept."""
        for name in sorted(touched & known.conflict.keys()):
            sides = known.conflict.pop(name)
            known.lost += [(name, of, sides[of]) for of in ("cloud", "hub") if sides[of] != known.fields.get(name)]
        if known.conflict:
            known.sync_status = "conflict"
        elif known.sync_status == "conflict":
            known.sync_status = "pending"

    def _leave_groups(self, device_id: str) -> None:
        """What follows is news to the hub that deleted the device, too."""
        for group in [
            each for each in self.definitions.values() if each.kind == "device_group" and not each.is_deleted
        ]:
            if device_id in group.fields.get("members", []):
                members = [each for each in group.fields["members"] if each != device_id]
                self._write("device_group", group.id, {**group.fields, "members": members}, None)

    def _own(self, sent: dict[str, Any]) -> dict[str, Any]:
        """Without the devices of others."""
        if not isinstance(sent.get("members"), list):
            return sent
        living = {each.id for each in self.definitions.values() if each.kind == "device" and not each.is_deleted}
        return {**sent, "members": sorted(set(sent["members"]) & living)}

    def _take_definition(self, item: dict[str, Any], origin: str) -> dict[str, Any]:
        kind, definition_id = item["entity_type"], item["id"]
        answer = {"entity_type": kind, "id": definition_id}
        if (
            kind not in RANK
            or kind in DOWN_KINDS
            or (kind == "home" and (item["deleted"] or definition_id != self.home_id))
        ):
            return {**answer, "version": None, "status": "failed", "error": "no definition of a kind that hubs send"}
        known = self.definitions.get((kind, definition_id))
        told_version = item["base_version"]
        item = {**item, "base_version": _seen_version(known, item["base_version"], origin)}
        unheard = OBSERVED_COLUMNS.get(kind, frozenset()) | CLOUD_COLUMNS.get(kind, frozenset())
        sent = self._own({name: value for name, value in item["fields"].items() if name not in unheard})
        if item["deleted"]:
            return answer | self._take_deletion(known, item, origin)
        if known is None:
            if (twin := self._of_same_name(kind, sent)) is not None:
                return {
                    **answer,
                    "version": None,
                    "status": "failed",
                    "error": f"a {kind.replace('_', ' ')} of this name exists",
                    "existing": {"id": twin.id, "version": twin.version},
                }
            if sent.get(NAME_COLUMN.get(kind, "name")) is None:
                return {
                    **answer,
                    "version": None,
                    "status": "failed",
                    "error": f'null value in column "{NAME_COLUMN.get(kind, "name")}"',
                }
            self._write(kind, definition_id, sent, origin)
            known = self.definitions[kind, definition_id]
            return self._told(answer, known, item, sent, {}, is_news=False)
        if known.is_deleted and item["base_version"] != known.version:
            return {
                **answer,
                "version": known.version,
                "status": "conflict",
                "deleted": True,
                "error": "deleted in the cloud",
            }
        is_news = known.is_deleted or told_version != known.version
        described = {name: value for name, value in sent.items() if name in HUB_COLUMNS.get(kind, ())}
        people = {name: value for name, value in sent.items() if name not in described}
        disputed: dict[str, Any] = {}
        is_decision = item["base_version"] == known.version
        said = people
        if not is_decision:
            base = _base(known, item["base_version"] or 0, people, origin)
            people, disputed = self._merge(kind, people, known, base)
        self._write(kind, definition_id, {**known.fields, **described, **people}, origin)
        if not disputed:
            self._settle(known, {name for name in said if is_decision or known.fields.get(name) == said[name]})
        return self._told(answer, known, item, sent, disputed, is_news=is_news)

    def _of_same_name(self, kind: str, fields: dict[str, Any]) -> Versioned | None:
        same = (
            each
            for each in self.definitions.values()
            if kind in NAMED_ONCE
            and kind == each.kind
            and not each.is_deleted
            and each.fields.get("name") == fields.get("name")
        )
        return next(same, None)

    def _take_deletion(self, known: Versioned | None, item: dict[str, Any], origin: str) -> dict[str, Any]:
        if known is None or known.is_deleted:
            return {"version": known.version if known else None, "status": "synced", "deleted": True}
        if item["base_version"] != known.version:
            return {
                "version": known.version,
                "status": "conflict",
                "error": "changed in the cloud since: not deleted",
                "fields": known.fields,
            }
        self._write(known.kind, known.id, None, origin)
        return {"version": known.version, "status": "synced", "deleted": True}

    def _merge(
        self, kind: str, ours: dict[str, Any], known: Versioned, base: dict[str, Any] | None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        applied, disputed = {}, {}
        for name, value in ours.items():
            theirs = known.fields.get(name)
            if value == theirs:
                continue
            if base is not None and theirs == base.get(name):
                applied[name] = value
            elif base is not None and value == base.get(name):
                continue
            elif name not in MANUAL_COLUMNS.get(kind, ()) or known.resolution == "nexa_wins":
                known.lost.append((name, "hub", value))
            elif known.resolution == "ecosystem_wins":
                applied[name] = value
                known.lost.append((name, "cloud", theirs))
            else:
                disputed[name] = {"hub": value, "cloud": theirs}
        return applied, disputed

    def _told(
        self,
        answer: dict[str, Any],
        known: Versioned,
        item: dict[str, Any],
        sent: dict[str, Any],
        disputed: dict[str, Any],
        *,
        is_news: bool,
    ) -> dict[str, Any]:
        known.aliases = item.get("aliases", known.aliases)
        answer |= {"version": known.version, "status": "conflict" if disputed else "synced"}
        if (
            is_news
            or sent.get("members") != item["fields"].get("members")
            or any(known.fields.get(name) != value for name, value in sent.items())
        ):
            answer["fields"] = known.fields
            known.origin = None
        if disputed:
            known.sync_status, known.conflict = "conflict", {**known.conflict, **disputed}
            answer |= {"error": "changed on both sides", "disputed": sorted(disputed)}
        elif not known.conflict:
            known.sync_status = "synced"
        return answer

    # hub_changes_v1

    def _changes(self, cursor: str | None) -> Any:
        if self.retired:
            raise CloudRefused("Another hub has taken over this home.", code="hub_retired")
        if cursor is not None and not cursor.isdigit():
            raise CloudRefused("This is no cursor of ours.", code="cursor_malformed")
        seen = int(cursor or 0)
        page = sorted((each for each in self.definitions.values() if each.place > seen), key=lambda each: each.place)
        for each in self.definitions.values():
            if cursor is not None and each.place <= seen and each.sync_status == "pending":
                each.sync_status = "synced"
        origin = f"{self.hub_id}/{self.mirror_id}"
        changes = [
            {
                "entity_type": each.kind,
                "id": each.id,
                "version": each.version,
                "deleted": each.is_deleted,
                "fields": {} if each.is_deleted else each.fields,
                "disputed": sorted(each.conflict),
            }
            | ({"aliases": each.aliases} if each.kind == "device" and cursor is None else {})
            for each in page
            if cursor is None or each.origin != origin
        ]
        home = self.definitions["home", self.home_id]
        return {
            "cursor": str(page[-1].place) if page else cursor,
            "home": {"id": self.home_id, "version": home.version, **home.fields},
            "changes": changes,
            "commands": self._deliver(),
            "more": False,
            "server_time": self._now().isoformat(),
        }

    def _deliver(self) -> list[dict[str, Any]]:
        now, due = self._now(), []
        for command in self.commands.values():
            if command.status in {"pending", "delivered"} and command.expires_at <= now:
                is_asked_for = command.status == "delivered"
                words = (
                    "it expired before the hub asked for it",
                    "it went out to the hub, which has not said what became of it",
                )
                command.status, command.result = "expired", {"error": words[is_asked_for]}
            if command.status == "pending" or (
                command.status == "delivered" and (command.delivered_at or now) <= now - REDELIVER_AFTER
            ):
                command.status, command.delivered_at = "delivered", now
                due.append(
                    {
                        "id": command.id,
                        "kind": command.kind,
                        "payload": command.payload,
                        "created_at": command.created_at.isoformat(),
                        "expires_at": command.expires_at.isoformat(),
                    }
                )
        return due


def _base(known: Versioned, version: int, people: dict[str, Any], writer: str) -> dict[str, Any] | None:
    """As it was then, with what this mirror has said since already: whoever changed that afterwards had seen it."""
    base = known.history.get(version)
    if base is None:
        return None
    own = [fields for later, fields in known.history.items() if later > version and known.writers.get(later) == writer]
    said = {name: value for name, value in people.items() if any(fields.get(name) == value for fields in own)}
    return {**base, **said}


def _seen_version(known: Versioned | None, base_version: int | None, writer: str) -> int | None:
    """What this mirror wrote itself it has seen, also where the answer got lost."""
    while known is not None and known.writers.get((base_version or 0) + 1) == writer:
        base_version = (base_version or 0) + 1
    return base_version


def _people(kind: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in HUB_COLUMNS.get(kind, ())}


def _rows(body: dict[str, Any]) -> list[dict[str, Any]]:
    if "columns" in body:
        names = list(body["columns"])
        return [dict(zip(names, values, strict=True)) for values in zip(*body["columns"].values(), strict=True)]
    return list(body.get("rows", []))
