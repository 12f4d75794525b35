"""What is kept besides records: one statement for each effect, and how it is read back at start."""

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from sqlite3 import Connection
from typing import Any, TypeVar

import orjson

from hub_agent.core.sync.former import changed_columns, is_worth_keeping, origin_of
from hub_agent.model.action import Command
from hub_agent.model.definition import CATALOGUE_KINDS, Definition, Former
from hub_agent.model.device import Alias, Device
from hub_agent.model.effects import (
    AppendCase,
    AppendRecord,
    CloudCommandDone,
    ForgetDevice,
    NoteActivity,
    Persistent,
    Save,
    SaveCommand,
    SaveDefinition,
    SaveDevice,
    SaveTrace,
)
from hub_agent.model.ids import DeviceId, NewId
from hub_agent.model.json import JsonObject
from hub_agent.ports import Case, Identity
from hub_agent.store import queries
from hub_agent.store.codec import Alike, decode, from_ms, pack, to_json, to_ms, unpack_object

log = logging.getLogger(__name__)

TRACES_SLACK = 5  # so many more may gather before they are trimmed
ACTIVITY_MAX = 10_000  # some 3 MB
ACTIVITY_AGE_MAX = timedelta(days=90)
TRACE_AGE_MAX = timedelta(days=30)
FORMERS_MAX = 20  # of a definition
FORMER_AGE_MAX = timedelta(days=30)
CASE_AGE_MAX = timedelta(days=90)  # of what the cloud has; whoever opened a case remembers its revision
CASES_MAX = 20_000  # some 30 MB; then the oldest go, those that the cloud has before those that it has not
CLOUD_COMMAND_AGE_MAX = timedelta(days=90)  # far longer than any command lives
COMMANDS_DONE_MAX = 500  # told at once; the others are told next

T = TypeVar("T")


class Tables:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sql = queries.load()
        self._traces_since_trim: dict[str, int] = {}
        self.findings: list[str] = []

    def write(self, effects: Iterable[Persistent], now_ms: int) -> None:
        """Inside a transaction. Records are not written here."""
        for effect in effects:
            self._write_one(effect, now_ms)

    def trim(self, now: datetime) -> None:
        """Inside a transaction."""
        self._run("trim_old_traces", to_ms(now - TRACE_AGE_MAX))
        self._run("trim_old_formers", to_ms(now - FORMER_AGE_MAX))
        self._run("trim_activity", ACTIVITY_MAX, to_ms(now - ACTIVITY_AGE_MAX))
        self._run("trim_cases", to_ms(now - CASE_AGE_MAX))
        self._trim_cases_beyond()
        self._run("trim_cloud_commands", to_ms(now - CLOUD_COMMAND_AGE_MAX))

    def _trim_cases_beyond(self) -> None:
        lost = sum(row[0] for row in self._connection.execute(self._sql["trim_cases_beyond"], (CASES_MAX,)).fetchall())
        if lost:
            log.warning("%d alerts and the like, the oldest, had to go before the cloud had them.", lost)

    # Read at start

    def is_new(self) -> bool:
        return self._connection.execute(self._sql["read_identity"]).fetchone() is None

    def identity(self, new_id: NewId) -> Identity:
        """Who we are; at the first start a home of our own."""
        row = self._connection.execute(self._sql["read_identity"]).fetchone()
        if row:
            return Identity(*row)
        identity = Identity(home_id=new_id(), hub_id=None, secret=None, mirror_id=new_id(), epoch=1)
        self.save_identity(identity)
        return identity

    def devices(self) -> list[Device]:
        rows = self._connection.execute(self._sql["read_devices"])
        share = Alike().in_entities
        named = ((f"device {device_id}", body) for device_id, body in rows)
        return self._readable(named, lambda body: decode(Device, body, share))

    def gone_aliases(self) -> list[tuple[Alias, DeviceId]]:
        rows = self._connection.execute(self._sql["read_gone_aliases"])
        return [(Alias(kind, value), DeviceId(device_id)) for kind, value, device_id in rows]

    def definitions(self) -> list[Definition]:
        """What is damaged comes back from the cloud: everything is asked for again."""
        rows = self._connection.execute(self._sql["read_definitions"]).fetchall()
        named = ((f"{kind} {definition_id}", body) for kind, definition_id, body in rows)
        alike = Alike()
        found = self._readable(named, lambda body: decode(Definition, body, lambda row: _share(row, alike)))
        if len(found) < len(rows):
            self.forget_cursor()
        return found

    def commands(self) -> list[Command]:
        rows = self._connection.execute(self._sql["read_commands"])
        return self._readable((("pending command", body) for (body,) in rows), lambda b: decode(Command, b))

    def saved(self) -> dict[str, dict[str, JsonObject]]:
        saved: dict[str, dict[str, JsonObject]] = {}
        for room, key, body in self._connection.execute(self._sql["read_saved"]):
            for readable in self._readable([(f"memory {room}/{key}", body)], unpack_object):
                saved.setdefault(room, {})[key] = readable
        return saved

    def cloud_commands_done(self) -> frozenset[str]:
        return frozenset(row[0] for row in self._connection.execute(self._sql["read_cloud_command_ids"]))

    def alive_at_ms(self) -> int | None:
        alive_at: int | None = self._connection.execute(self._sql["read_alive_at"]).fetchone()[0]
        return alive_at

    # For uplink and downlink

    def save_identity(self, identity: Identity) -> None:
        self._run(
            "save_identity", identity.home_id, identity.hub_id, identity.secret, identity.mirror_id, identity.epoch
        )

    def cursor(self) -> str | None:
        row = self._connection.execute(self._sql["read_cursor"]).fetchone()
        return row[0] if row else None

    def save_cursor(self, cursor: str) -> None:
        self._run("save_cursor", cursor)

    def save_ran_well(self) -> None:
        self._run("save_ran_well")

    def forget_cursor(self) -> None:
        self._run("forget_cursor")

    def save_alive_at(self, at_ms: int) -> None:
        self._run("save_alive_at", at_ms)

    def owed_cases(self, limit: int) -> list[Case]:
        return [
            Case(table, case_id, revision, unpack_object(body))
            for table, case_id, revision, body in self._connection.execute(self._sql["read_owed_cases"], (limit,))
        ]

    def acknowledge_cases(self, cases: Iterable[Case]) -> None:
        for case in cases:
            self._run("acknowledge_case", case.table, case.id, case.revision)

    def commands_done(self) -> list[JsonObject]:
        rows = self._connection.execute(self._sql["read_untold_commands"], (COMMANDS_DONE_MAX,))
        return [{"id": done_id, "status": status, "result": unpack_object(body)} for done_id, status, body in rows]

    def acknowledge_commands_done(self, ids: Iterable[str]) -> None:
        for done_id in ids:
            self._run("tell_command", done_id)

    # Inside

    def _write_one(self, effect: Persistent, now_ms: int) -> None:
        match effect:
            case AppendRecord():
                pass
            case Save(room, key, None):
                self._run("forget_saved", room, key)
            case Save(room, key, body):
                self._run("save", room, key, pack(body))
            case SaveCommand(command, is_settled):
                if is_settled:
                    self._run("forget_command", command.id)
                else:
                    self._run("save_command", command.id, pack(command))
            case SaveDevice(device):
                self._save_device(device)
            case ForgetDevice(device_id):
                self._run("forget_device", device_id)
            case SaveDefinition(definition):
                self._save_definition(definition, now_ms)
            case SaveTrace():
                self._save_trace(effect, now_ms)
            case NoteActivity(told):
                who = f"{told.who.kind}:{told.who.id}"
                self._run("note_activity", now_ms, told.kind, who, " ".join(told.devices), pack(told.as_json()))
            case AppendCase(table, case_id, revision, row):
                self._run("save_case", table, case_id, revision, now_ms, pack(row))
            case CloudCommandDone(command_id, status, result):
                self._run("save_cloud_command", command_id, status, now_ms, pack(result))

    def _save_device(self, device: Device) -> None:
        self._run("save_device", device.id, pack(device))
        for alias in device.aliases:
            self._run("save_alias", alias.kind, alias.value, device.id)

    def _save_definition(self, definition: Definition, now_ms: int) -> None:
        """What it was before is kept for a while, so that it can be had again."""
        kind, definition_id = definition.kind, definition.id
        if kind not in CATALOGUE_KINDS:
            row = self._connection.execute(self._sql["read_definition"], (kind, definition_id)).fetchone()
            was = _former(row[0]) if row else None
            if is_worth_keeping(was, definition):
                self._keep_former(was, definition, now_ms, None if was is None else row[0])
        self._run("save_definition", kind, definition_id, pack(definition))

    def _keep_former(self, was: Definition | None, becomes: Definition, now_ms: int, body: bytes | None) -> None:
        columns = () if was is None else changed_columns(was, becomes)
        origin = origin_of(was, becomes)
        kind, definition_id = becomes.kind, becomes.id
        self._run("keep_former", kind, definition_id, now_ms, origin, to_json(columns).decode(), body)
        self._run("trim_formers", kind, definition_id, FORMERS_MAX)

    def _save_trace(self, trace: SaveTrace, now_ms: int) -> None:
        automation_id = trace.automation_id
        self._run("save_trace", trace.run_id, automation_id, now_ms, pack(trace.body))
        # At start nobody knows how many there are: the first trace of an automation trims.
        since = self._traces_since_trim.get(automation_id, TRACES_SLACK) + 1
        if since > min(TRACES_SLACK, trace.kept_max):
            self._run("trim_traces", automation_id, trace.kept_max)
            since = 0
        self._traces_since_trim[automation_id] = since

    def _run(self, name: str, *values: object) -> None:
        self._connection.execute(self._sql[name], values)

    def _readable(self, named: Iterable[tuple[str, bytes]], read: Callable[[bytes], T]) -> list[T]:
        """What cannot be read is left where it is, and told."""
        found: list[T] = []
        for name, body in named:
            try:
                found.append(read(body))
            except ValueError as err:
                self.findings.append(f"The mirror's {name} cannot be read ({err}); it is passed over.")
        return found


def read_former(row: Sequence[Any]) -> Former:
    """Of a row of `definition_history`. Raises ValueError where it is damaged."""
    entry, kind, definition_id, at, origin, columns, body = row
    names = tuple(str(name) for name in orjson.loads(columns))
    definition = None if body is None else decode(Definition, body)
    return Former(entry, kind, definition_id, from_ms(at), origin, names, definition)


def _former(body: bytes) -> Definition | None:
    try:
        return decode(Definition, body)
    except ValueError:  # damaged: nothing to keep of it
        return None


def appends_of(effects: Sequence[Persistent]) -> list[AppendRecord]:
    return [effect for effect in effects if isinstance(effect, AppendRecord)]


def _share(row: object, alike: Alike) -> None:
    """A definition that the cloud has as it is needs its fields only once."""
    if not isinstance(row, dict):
        return
    fields = row.get("fields")
    if isinstance(fields, dict):
        alike.in_entities(fields.get("capabilities"))
    if row.get("base") == fields:
        row["base"] = fields
