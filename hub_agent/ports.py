"""What the agent needs from outside, as small interfaces. Adapters fill them; tests and simulations bring their own."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeAlias

from hub_agent.core.sync.verifying import Stretch
from hub_agent.model.action import Command
from hub_agent.model.activity import ActivityAsked
from hub_agent.model.definition import Definition, Former
from hub_agent.model.device import Alias, Device
from hub_agent.model.effects import Persistent
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.model.inputs import WebhookCalled
from hub_agent.model.json import JsonObject, JsonValue, Row
from hub_agent.model.link import DialectTroubled, Frame, LinkChanged, Peer, Request, Service, ServiceGone
from hub_agent.model.measured import HubMeasured, WaysMeasured
from hub_agent.model.report import MqttMessage, Publication
from hub_agent.model.state import EntityState


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, three ways. `wall` is aware UTC; `monotonic_s` counts since boot `boot_id`; trusted: synchronised by NTP or confirmed by the cloud."""

    wall: datetime
    monotonic_s: float
    boot_id: str
    is_trusted: bool


class Clock(Protocol):
    def now(self) -> Moment: ...


class Broker(Protocol):
    """An MQTT connection that comes back by itself."""

    def start(self, on_message: Callable[[MqttMessage], bool], on_change: Callable[[bool, str], None]) -> None:
        """`on_message` answers False when it cannot take more: the broker's socket is then left unread until `resume`.
        `on_change(is_connected, reason)` tells of the connection.
        """

    def resume(self) -> None: ...

    def subscribe(self, topics: Sequence[str]) -> None:
        """Remembered, and repeated after each reconnect."""

    def unsubscribe(self, topics: Sequence[str]) -> None: ...

    def publish(self, publication: Publication) -> bool:
        """Hands it to the socket; False when there is no connection (nothing is queued: commands expire, they do not pile up)."""

    @property
    def is_connected(self) -> bool: ...

    async def stop(self) -> None: ...


FromLinks: TypeAlias = Frame | Service | LinkChanged | DialectTroubled


class Links(Protocol):
    """The connections that dialects keep up by themselves, each dialect apart from the others and from the home."""

    def start(self, take: "Callable[[FromLinks], bool]") -> None:
        """`take` takes it in any case; False says that it was the last one for now: what comes is then left unread until `resume`."""

    def resume(self) -> None: ...

    def open(self, peer: Peer) -> None:
        """Kept up from now on; known already, its address is renewed."""

    def close(self, dialect: str, key: str) -> None: ...

    def ask(self, request: Request, done: Callable[[str | None], None]) -> bool:
        """Hands it over; False when that link is not up. `done` is told once: None, or why not, in words."""

    async def pair(self, peer: Peer, given: Mapping[str, str]) -> None:
        """With what a person gave or did; what it yields is kept among the credentials. Raises PersonNeeded, LinkLost, NotPossible."""

    def forget(self, dialect: str, key: str) -> None:
        """Its credentials are deleted."""

    async def run(self) -> None:
        """Until cancelled."""


class Browser(Protocol):
    """Hears what announces itself on the local network."""

    async def run(self, take: Callable[[Service | ServiceGone], bool]) -> None:
        """Until cancelled. `take` takes it in any case; False says that there should be a pause."""


class Cloud(Protocol):
    """The central schema's functions over HTTP. Raises CloudUnreachable, CloudRefused, AgentTooOld, ClaimError."""

    async def claim(self, code: str, request: JsonObject) -> JsonObject: ...

    async def ingest(self, envelope: bytes) -> JsonObject:
        """`envelope` is JSON; the adapter compresses and authenticates."""

    async def changes(self, cursor: str | None, wait_s: int) -> JsonObject: ...

    async def reconcile(self, request: JsonObject) -> JsonObject: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this hub is. Before the claim: a random home of its own, no hub id, no secret."""

    home_id: str
    hub_id: str | None
    secret: str | None = field(repr=False, default=None)
    mirror_id: str = ""
    epoch: int = 1


@dataclass(frozen=True, slots=True)
class Remembered:
    """Everything the mirror knows at start."""

    identity: Identity
    devices: Sequence[Device]
    states: Mapping[str, EntityState]
    saved: Mapping[str, Mapping[str, JsonObject]]
    commands: Sequence[Command]
    definitions: Sequence[Definition]
    cloud_commands_done: frozenset[str]
    last_alive_at: datetime | None
    findings: Sequence[str] = ()
    suspects: Sequence[
        Former
    ] = ()  # how definitions were that have changed since the agent last ran well, where it keeps failing
    gone_aliases: Sequence[tuple[Alias, DeviceId]] = ()  # of devices that left: met again, they are themselves


@dataclass(frozen=True, slots=True)
class StreamPosition:
    """`last`: newest number made; `acknowledged`: the high-water mark; `waiting`: rows in between; `oldest_at`: when the first of them was made."""

    stream: str
    last: int
    acknowledged: int
    waiting: int
    acknowledged_at: datetime | None
    oldest_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """Rows of one stream in order: the first has the number `first`, and so on without a hole.
    Only in answer to `numbered` are there holes: there `numbers[i]` is the number of `rows[i]`. `is_all_of_its_keys`: no other
    record goes by the same name in the cloud as one of these.
    """

    stream: str
    first: int
    rows: Sequence[Row]
    is_clock_trusted: bool = True
    numbers: Sequence[int] = ()
    is_all_of_its_keys: bool = True


@dataclass(frozen=True, slots=True)
class Gap:
    """Records that had to be shed, so that the loss is known."""

    stream: str
    first: int
    last: int
    count: int
    reason: str
    from_at: datetime | None = None
    to_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A record that changes after it was made, in its newest revision."""

    table: str
    id: str
    revision: int
    row: Row


class Store(Protocol):
    """The mirror. One writer; every call is one transaction. Raises MirrorFull (nothing was kept) and MirrorError."""

    async def open(self, moment: Moment) -> Remembered: ...

    async def commit(self, effects: Sequence[Persistent], moment: Moment) -> None:
        """All or nothing, fsynced if any effect asks for it."""

    async def commit_ahead(self, effects: Sequence[Persistent], moment: Moment) -> bool:
        """As `commit`, but what is to be durable may be left to `fsync`, for which no commit waits: whether it is durable already."""

    async def fsync(self) -> None: ...

    async def close(self, moment: Moment) -> None: ...

    # What the uplink and the downlink need.

    async def positions(self) -> Sequence[StreamPosition]: ...

    async def next_batch(self, stream: str, rows_max: int, bytes_max: int, after: int = 0) -> RecordBatch | None:
        """The oldest rows above the high-water mark and `after`, as the central schema wants them; None when nothing waits."""

    async def numbered(self, stream: str, numbers: Sequence[int]) -> RecordBatch | None:
        """Rows by their numbers, for the repair lane: what is still there of them."""

    async def printed(self, stream: str, after: int, since: datetime) -> Stretch:
        """Fingerprints of confirmed records after this number, a bounded stretch of them; from 0, of what was made since."""

    async def acknowledge(self, marks: Mapping[str, int], moment: Moment) -> None:
        """Advances the high-water marks (never back). What is acknowledged and old may be trimmed."""

    async def gaps(self) -> Sequence[Gap]: ...

    async def acknowledge_gaps(self, gaps: Sequence[Gap]) -> None: ...

    async def cases(self, limit: int) -> Sequence[Case]:
        """Newest revision of each case that the cloud does not have yet."""

    async def acknowledge_cases(self, cases: Sequence[Case]) -> None: ...

    async def commands_done(self) -> Sequence[JsonObject]:
        """Each {"id", "status", "result"}: cloud commands done and not yet told."""

    async def acknowledge_commands_done(self, ids: Sequence[str]) -> None: ...

    async def save_identity(self, identity: Identity) -> None: ...

    async def cursor(self) -> str | None: ...

    async def save_cursor(self, cursor: str) -> None: ...

    async def trust_clock(self, boot_id: str, offset_s: float) -> int:
        """The clock of this boot was wrong by `offset_s` until now: records of it that are not sent yet are dated right; answers how many."""

    # What the doors read.

    async def runs(self, automation_id: str | None, limit: int) -> Sequence[JsonObject]:
        """Bodies of the newest traces, newest first."""

    async def trace(self, run_id: str) -> JsonObject | None:
        """By the whole id or a unique beginning of it."""

    async def activity(self, asked: ActivityAsked) -> Sequence[JsonObject]:
        """What happened, the newest first: each as ports.Activity says."""

    async def definition_history(self, kind: str, definition_id: str) -> Sequence[Former]:
        """How a definition was before each of its last changes, the newest first."""

    async def catalogue(self, kind: str) -> Sequence[Definition]:
        """Of the catalogue's kinds, which are not kept in memory."""

    async def recent_cases(self, table: str, limit: int) -> Sequence[JsonObject]:
        """Rows of the cases of a table, what changed last first."""

    async def states_at(self, at: datetime) -> tuple[Mapping[EntityId, EntityState], datetime]:
        """How the home stood, and since when that is known: when that is later than `at`, there are no states."""

    async def sizes(self) -> JsonObject:
        """{"path", "bytes", "wal_bytes", "bytes_free", "rows": {table: n}, "integrity": "ok" | text}"""


class VitalsMeter(Protocol):
    """How this machine is. What it does not tell is None; nothing is raised."""

    def measure(self) -> HubMeasured:
        """May take a moment: on a thread. Lateness, clock and mirror are known elsewhere."""


class WaysMeter(Protocol):
    async def measure(self) -> WaysMeasured:
        """Tries the ways that there are. Nothing is raised."""


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an errand. `complaint`: it was done, and the other side was not content."""

    response: JsonValue
    complaint: str | None = None


class Errand(Protocol):
    """Something outside that the settings allow: a request to the web, a program."""

    async def run(self, data: JsonObject, *, wants_response: bool) -> Done:
        """Ends within its own time. Raises OperatingError where it could not be done."""


class Replayer(Protocol):
    """Tries a rule on the recorded past, where it takes no time from the home."""

    def replay(self, request: JsonObject) -> AsyncGenerator[JsonObject, None]:
        """As Door.replay gives it. Raises NotPossible."""


class Notifier(Protocol):
    """systemd, or nobody."""

    def ready(self) -> None: ...

    def status(self, text: str) -> None: ...

    def alive(self) -> None: ...

    def stopping(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Change:
    """One thing the page may want to show at once."""

    topic: str
    body: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Told:
    """A change as somebody is told of it. With the mark of the last one they go on after they were cut off."""

    mark: str
    change: Change


class Tending(Protocol):
    """What people see and do of the home's health. Devices by id or name; raises NotFound, NotPossible. core/healing/telling.py says more."""

    def all(self) -> JsonObject:
        """{"home": {"score", "causes": [text], "issues": [{"code", "severity", "title", "text", "since"}]}, "devices": [what needs somebody first]}: each {"id", "name", "room",
        "device_type", "score": 0..100, "state": "asks" | "troubled" | "treated" | "held" | "well", "why": [text], "battery_level", "issues", "trouble": None | {"since", "issues", "cause": {"id", "name"} | None,
        "tried": [{"remedy", "words", "count", "at"}], "attempt": None | {"id", "remedy", "words", "risk", "is_question", "since", "until"}, "is_told", "next": {"text", "at"}}}
        """

    def of(self, name: str) -> JsonObject:
        """As one of all(), and "parts": {part: 0..100 | None}, "factors": [{"factor", "part", "points", "text"}], "recommendations", "plan": as plan()["remedies"], "wishes"."""

    def plan(self, name: str, symptom: str | None) -> JsonObject:
        """What would be tried, or tried if it had the symptom; nothing is touched. {"device_id", "name", "symptom", "remedies": [in their order: {"remedy", "words", "risk", "interrupts", "chance": 0..1,
        "verdict": "now" | "asks" | "not_now" | "waits" | "spent" | "never" | "unfit", "reasons": [text], "at", "is_next", "touches": [names]}]}
        """

    def rates(self) -> Sequence[JsonObject]:
        """How often remedies helped: each {"remedy", "words", "of": "all" | "model" | "device", "name", "tried", "helped"}"""

    async def history(self, name: str | None, limit: int) -> Sequence[JsonObject]:
        """Newest first: each {"id", "at", "device_id", "name", "issue", "remedy", "words", "status", "outcome", "is_resolved", "ended_at", "error"}"""

    def wishes(self, name: str | None) -> JsonObject:
        """What is declared of a device, or of the home: {"id", "name", "wishes", "names": {id: name} of what a device's wishes name}"""

    async def wish(self, name: str | None, changes: JsonObject, back: Sequence[str], by: str) -> JsonObject:
        """`changes` to them; `back`: those of the home that are taken back. As wishes()."""

    async def answer(self, execution_id: str, *, is_approved: bool, by: str) -> JsonObject:
        """To a remedy that healing has asked about; a unique beginning of its id is enough. {"id", "is_approved"}"""

    async def attempt(self, name: str, remedy: str, *, is_forced: bool, by: str) -> JsonObject:
        """Tries a remedy now; `is_forced`: also in quiet hours, and on what is in use. {"device_id", "remedy", "words"}"""


class Guarding(Protocol):
    """What people see and do of the home's security, and what the doors themselves tell of it. core/security/ says more."""

    def all(self) -> JsonObject:
        """{"scans": {"is_on", "is_running", "running_id", "last": None | {"id", "began_at", "ended_at", "status": "completed" | "failed", "devices", "error"}, "next_at"},
        "grade": "A+" ... "F" | None, "risk_score": 0..100, "score_reasons": [text], "counts": {rank: n}, "vulnerabilities": [the worst first: {"id", "kind", "device_id",
        "rank": "critical" | "high" | "medium" | "low" | "info", "title", "text", "advice", "since", "found_count"}], "incidents": [{"id", "kind", "source", "severity", "title",
        "text", "advice", "since", "last_at", "count"}], "rules": [in their order: {"id", "name", "verdict", "priority", "is_enforced", "reason", "hit_count", "last_hit_at"}]}
        """

    async def scan(self, by: str) -> JsonObject:
        """Looks at the home now, or joins the look that is under way: {"scan_id"}; all() says when it is done. Raises NotPossible."""

    def keeps_out(self, source: str) -> str | None:
        """Whether a network access rule denies this address the page: in words, or None. Counted."""

    def refused(self, kind: str, source: str) -> None:
        """Somebody was refused at the page. `kind`: one of core/security/incidents.py."""


class Alerts(Protocol):
    """What people see and do of alerts. Raises NotFound, NotPossible."""

    def all(self) -> Sequence[JsonObject]:
        """What is open, the newest first: rows of `alerts` as far as people need them, and "rules": [key], "channels": [name], "is_notice"."""

    def rules(self) -> Sequence[JsonObject]:
        """Each {"id", "name", "when": [text], "severity", "target", "is_builtin", "status": "in force" | "off" | "broken", "reason"}"""

    def channels(self) -> Sequence[JsonObject]:
        """Each {"name", "kind", "waiting": messages, "failing": why | None}"""

    async def answer(self, alert_id: str, verb: str, by: str) -> JsonObject:
        """verb: acknowledge | resolve | dismiss; a unique beginning of the id is enough. {"id", "status"}"""

    async def test(self, channel: str) -> JsonObject:
        """Sends a message there. {"sent": True}"""


class Energy(Protocol):
    """What was used, by hour and day. Raises NotFound, NotPossible."""

    def told(self, period: str, day: str | None) -> JsonObject:
        """Of the day, month or year that `day` is in (2026-01-14; None: today). {"period", "begins", "ends", "is_now", "earliest": the first day that is known | None,
        "home", "before": of the period before, "before_so_far": of as much of it as is over of this one, "parts": [of each hour, day or month "begins" and as "home"],
        "devices": [what used most first: {"id", "name", "role": "device" | "grid" | "solar" | "battery" | "ignored", "used_wh", "returned_wh", "before_wh", "parts": [wh | None]}]};
        home: {"used_wh", "grid_wh", "returned_wh", "solar_wh", "charged_wh", "discharged_wh"}, all None where nothing is known.
        """

    async def set_role(self, name: str, role: str, by: str) -> JsonObject:
        """What a meter measures. {"id", "name", "role"}"""


class Automating(Protocol):
    """What people see and do of automations besides running and explaining them. By id, entity id or name; raises NotFound.
    A rule is given as `fields`, columns of its row, or as `text`: YAML in the words of Home Assistant.
    """

    def definition(self, name: str) -> JsonObject:
        """{"id", "name", "revision", "fields": the columns that an editor changes, "text": the same as text | None, "kind": "automation" | "script",
        "status": "synced" | "owed" | "conflict", "modified_at", "modified_by"}
        """

    def check(self, fields: JsonObject | None, text: str | None, name: str | None) -> JsonObject:
        """Reads a rule and changes nothing. `name`: the one that it is to replace. {"fields" | None, "text", "faults" and "warnings": [{"path", "line" of the text, "text"}]}"""

    async def make(self, fields: JsonObject | None, text: str | None, by: str) -> JsonObject:
        """{"id", "name", "revision"}. Raises NotPossible with the place of the first fault."""

    async def replace(
        self, name: str, fields: JsonObject | None, text: str | None, expected: str | None, by: str
    ) -> JsonObject:
        """`expected`: the revision that was read; raises Outdated where it is another one now. Else as make()."""

    async def delete(self, name: str, expected: str | None, by: str) -> JsonObject:
        """{"id", "name"}. Undone as any change of a definition."""

    async def run(self, name: str, by: str, *, with_conditions: bool) -> JsonObject:
        """Runs it now, also when it is off. {"id", "name", "run_id": of its trace | None, "status": as of a run | "dropped": its mode allows no further one now}"""


class Activity(Protocol):
    """What happened and who did it. kind: command | scene | automation | device | definition | access | setting | healing | alert | security."""

    async def read(self, asked: ActivityAsked) -> JsonObject:
        """{"entries": [the newest first: {"id", "at", "kind", "who": {"kind": "person" | "automation" | "scene" | "cloud" | "healing" | "device" | "hub", "id", "name"}, "text",
        "words": a sentence with {gaps}, "filling": {gap: text | number | {"words", "filling"}}, "devices": [ids], "failed": why | None, "because": the same as words and filling | None}], "before": what to ask for next | None}
        """

    def note(self, kind: str, who: str | None, words: str, **filling: str | float) -> None:
        """Something that only the doors know. `who`: a session or token, None: somebody; `words`: with {who}, one of core.activity.words.BY_OTHERS."""


class Household(Protocol):
    """The home itself. Raises NotPossible."""

    def told(self) -> JsonObject:
        """{"id", "name", "timezone", "latitude", "longitude", "elevation"}"""

    async def edit(self, changes: JsonObject, by: str) -> JsonObject:
        """Of those, as told()."""


class Keeping(Protocol):
    """The hub itself: its settings, backups, restart. Raises NotPossible, MirrorError."""

    def settings(self) -> JsonObject:
        """{"file", "sections": {section: {key: value}}}; of secrets only whether they are set."""

    def backups(self) -> JsonObject:
        """{"is_nightly", "folder", "kept", "is_encrypted", "files": [the newest first: {"name", "bytes", "made_at"}]}"""

    async def make_backup(self) -> JsonObject:
        """One more of them, at once."""

    def backup_to_take(self, passphrase: str) -> AbstractAsyncContextManager[Path]:
        """A new one, encrypted; it goes when it was taken."""

    def restart(self) -> None: ...


class Door(Protocol):
    """What the page, the API and the command line may see and do. Bodies are plain JSON, ready to send."""

    def status(self) -> JsonObject:
        """{"agent": {"version", "pid", "started_at", "uptime_s", "memory_bytes"}, "home": {"id", "name", "timezone"},
        "broker": {"address", "is_connected", "since"}, "cloud": {as in sync_status()}, "counts": {"devices", "entities", "automations", "scenes", "issues"},
        "clock": {"now", "is_trusted"}, "inbox": {"waiting", "handled", "rejected"},
        "safe_mode": None | {"since", "failed": n, "left_out": [text], "trial_at"},
        "vitals": {"measured_at", "figures": [{"name", "value", "unit"}], "troubles": [codes of issues], "starts": {"hour": n, "day": n}},
        "ways": {"measured_at", "broken": the nearest that is told as broken | None, "ways": {"router" | "dns" | "internet" | "cloud" | "broker":
        {"address", "is_open", "latency_ms", "loss_percent", "reason"}}}}
        """

    def figures(self) -> JsonObject:
        """Counted since the start: {"messages": {dialect: n}, "commands": {outcome: n}, "runs" and "activations": {status: n}, "records": {stream: n}};
        as of now: "availability": {"available", "unavailable", "unknown"}, "mirror_bytes", "written_bytes": n | None, "cpu_s"}
        """

    def devices(self) -> Sequence[JsonObject]:
        """Each {"id", "name", "room", "room_id", "brand", "model", "device_type", "protocol", "dialect", "availability", "last_seen_at", "battery_level", "signal_strength",
        "entities": [{"id", "name", "domain", "device_class", "unit", "category", "capabilities", "state", "attributes", "changed_at"}]}
        """

    def discovered(self) -> Sequence[JsonObject]:
        """What was met on the network, what waits for a person first: each {"id", "name", "brand", "model", "device_type", "ecosystem", "dialect", "address",
        "status": "needs" | "lost" | "connecting" | "connected" | "asleep" | "served" (over another way) | "unsupported" | "ignored", "reason",
        "needs": {"kind", "text", "fields": [names of what to give]} | None, "suggested_room", "devices": [ids], "services": [announcements]}
        """

    def rooms(self) -> Sequence[JsonObject]:
        """Each {"id", "name", "sort_order"}, in the order to show."""

    def scenes(self) -> Sequence[JsonObject]:
        """Each {"id", "name", "description", "room_id", "icon", "color", "devices": n, "status": "synced" | "owed" | "conflict", "last_activated_at", "last_status", "activation_count",
        "copies": [{"dialect", "bridge": device id, "status": "synced" | "pending" | "failed" | "conflict" | "unsupported", "external_id", "error"}]}
        """

    def automations(self) -> Sequence[JsonObject]:
        """Each {"id", "entity_id", "name", "description", "is_enabled": it runs when its time comes, "is_paused": it is on, and does not run until "paused_until" (None: until somebody says so),
        "mode", "kind": "automation" | "script", "last_triggered_at", "last_status", "running": n, "problem": text | None, "health": as in health() | None,
        "next_at": by its clock | None, "rooms": [ids] of what it names, "status": "synced" | "owed" | "conflict"}
        """

    def issues(self) -> Sequence[JsonObject]:
        """Each {"code", "severity", "title", "text", "subject", "since"}"""

    def notices(self) -> Sequence[JsonObject]:
        """Newest first: each {"id", "title", "message", "created_at", "source": "automation" | "system"}"""

    def sync_status(self) -> JsonObject:
        """{"is_claimed", "is_online", "since", "address", "last_contact_at", "last_error", "hub_id", "home_id", "streams": [{"stream", "last", "acknowledged", "waiting", "acknowledged_at"}],
        "waiting", "definitions_owed", "last_acknowledged_at", "text": one plain sentence, "lines": sentences with what else is worth knowing,
        and what they say as data: "drain", "queued_in_cloud", "set_aside", "shed", "refused", "conflicts", "values_lost", "is_doubled", "is_clock_trusted", "verified"}
        """

    def verify(self, days: int, stream: str | None) -> AsyncGenerator[JsonObject, None]:
        """Compares what hub and cloud hold, and repairs what differs: {"progress": 0.4} now and then, at last {"verified": {...}}. Raises NotPossible, CloudError."""

    async def claim(self, code: str, by: str) -> None:
        """The hub joins the home that the code was made for. Raises NotPossible, CloudError."""

    def rejected(self) -> Sequence[JsonObject]:
        """Messages not understood: each {"dialect", "topic", "code", "reason", "count", "last_at"}"""

    async def runs(self, automation_id: str | None, limit: int) -> Sequence[JsonObject]:
        """Newest first: each {"id", "automation_id", "automation", "status", "started_at", "completed_at", "duration_ms", "triggered_by", "trigger"}"""

    async def trace(self, run_id: str) -> JsonObject:
        """The whole story of a run; a unique beginning of its id is enough. Raises NotFound."""

    async def explain(self, name: str, at: str | None) -> JsonObject:
        """Why an automation (by id, entity id or name) did not run, now or `at` (07:30, 2026-01-14 07:30). Raises NotFound, NotPossible.
        {"automation_id", "entity_id", "name", "at", "is_past", "summary": one sentence, "reasons": [{"code", "text", "path"}], "is_enabled", "paused_until", "mode", "running", "queued",
        "triggers": [{"path", "id", "alias", "platform", "is_enabled", "waits_for", "findings": [{"code", "text", "entity_id", "state", "changed_at", "due_at"}]}],
        "conditions": [{"path", "kind", "wants", "result": "true" | "false" | "error" | "depends_on_trigger" | "not_known", "text", "values", "error", "parts"}],
        "last_run", "last_refusal", "around": [{"run_id", "status", "started_at", "trigger", "error", "conditions"}], "not_known": [text]}
        """

    def health(self, name: str) -> JsonObject:
        """Whether an automation (by id, entity id or name) can still do what it is for. Raises NotFound.
        {"automation_id", "entity_id", "name", "checked_at", "health_status": "healthy" | "degraded" | "failing" | "broken", "health_score": 0..100,
        "issues" and "warnings": [{"code", "severity", "text", "aspect", "path", "entity_id", "since", "automations"}],
        "recommended_fixes": [{"code", "path", "text", "is_automatic", "replace", "by"}], "can_auto_repair", "has_old_spelling"}
        """

    def health_of_all(self) -> Sequence[JsonObject]:
        """As `health`, of each automation that is not healthy, the worst first."""

    async def repair(self, name: str, by: str) -> JsonObject:
        """Carries out the fixes of an automation that are automatic: an edit like any other. Raises NotFound.
        {"automation_id", "repaired": [{"replaced", "by"}]}
        """

    def forecasts(self) -> JsonObject:
        """{"predictions", "anomalies", "insights", "patterns": rows of failure_predictions, anomaly_detections, ai_insights, device_usage_patterns that hold now,
        each with "device_name"; "batteries": [{"device_id", "name", "level", "days_left"}], the lowest first; "models": [{"id", "name", "version", "algorithm", "parameters", "description"}], "at"}
        """

    def diagnoses(self) -> Sequence[JsonObject]:
        """The last ones, the newest first; each as `diagnose` ends."""

    def diagnose(self, name: str | None) -> AsyncGenerator[JsonObject, None]:
        """What is wrong with a device (by id or name), or with the home. Gives {"step": {"key", "title", "status": "ok" | "warning" | "failed" | "unknown" | "skipped", "text", "facts", "advice",
        "because": key | None, "device_id", "device", "count"}} as each comes, and at last {"diagnosis": {"id", "of": "device" | "home", "device_id", "name", "started_at", "completed_at",
        "overall_status", "health_score", "issues_found", "summary": one sentence, "root": step | None, "steps", "recommendations"}}. Raises NotFound, NotPossible.
        """

    def replay(self, rule: str | JsonObject, since: str, until: str | None) -> AsyncGenerator[JsonObject, None]:
        """Tries a rule on what was recorded `since` (7d, 36h, 07:30, 2026-01-14 07:30): a known one by id, entity id or name, or one that is given as
        {"fields": its row, "scripts": [rows]}. Gives {"progress": 0.4} now and then, and at last {"replay": {"automation_id", "name", "since", "until", "asked_since", "history_begins_at", "time_zone",
        "changes", "counts": {"would_run", "would_be_refused", "did_run", "were_refused", "both_ran"}, "lines": [{"at", "would": {...} | None, "did": {...} | None}], "lines_left_out",
        "not_replayed": [{"path", "platform", "text"}], "notes": [text]}}. Raises NotFound, NotPossible.
        """

    async def call(self, action: str, target: Sequence[str], data: JsonObject, by: str) -> JsonObject:
        """Calls an action (`light.turn_on`) for entities or devices by id or name. Raises NotFound, NotPossible. Answers {"commands": [{"entity_id", "outcome", "error"}]} when they settle (at most 6 s)."""

    async def set_device(self, name: str, values: Mapping[str, JsonValue], by: str) -> JsonObject:
        """Sets capabilities (`on=true brightness=40`) of the device's or entity's."""

    async def activate_scene(self, name: str, by: str, source: str = "manual") -> JsonObject:
        """By id or name. Answers {"scene", "activation_id", "status", "devices_targeted", "devices_succeeded", "devices_failed", "failed_devices": [{"id", "name", "error"}], "duration_ms"}. Raises NotFound."""

    async def add_discovered(self, name: str, given: Mapping[str, str], by: str) -> JsonObject:
        """Takes up what was discovered (by id or name), or what is at an address (`shelly://192.168.1.30`), with what it needs. Answers as `discovered`.
        Raises PersonNeeded when more is needed, or something else; LinkLost, NotFound, NotPossible.
        """

    async def forget_discovered(self, name: str, *, is_ignored: bool, by: str) -> None:
        """Closes the link and deletes the secrets; ignored, it is not taken up again. Raises NotFound."""

    async def edit_device(self, device_id: str, name: str | None, room_id: str | None, by: str) -> JsonObject: ...

    def conflicts(self) -> Sequence[JsonObject]:
        """What hub and cloud both changed and nobody has decided: each {"kind", "id", "name", "since", "hub" and "cloud": {"at", "by"}, "is_known_in_cloud",
        "fields": [{"field", "label", "hub" and "cloud": {"value", "text": [lines]}}]}
        """

    async def decide(self, name: str, side: str | None, fields: Mapping[str, str], by: str) -> JsonObject:
        """For "hub" or "cloud", some fields for another side. {"kind", "id", "name", "decided": {field: side}, "left": [field]}. Raises NotFound, NotPossible."""

    def lost(self) -> Sequence[JsonObject]:
        """Values that gave way, the newest first: each {"id", "kind", "definition_id", "name", "field", "label", "of": "hub" | "cloud", "why", "at", "value", "text": [lines], "can_put_back"}"""

    async def answer_lost(self, lost_id: str, *, is_put_back: bool, by: str) -> JsonObject:
        """Put back, which is an edit, or not needed any more. Raises NotFound, NotPossible."""

    async def edit_scene(self, name: str, changes: JsonObject, desired: Mapping[str, JsonValue], by: str) -> JsonObject:
        """`changes`: columns of its row; `desired`: entity -> state with attributes, "now" or None. {"id", "name"}. Raises NotFound, NotPossible."""

    async def new_scene(self, given: JsonObject, desired: Mapping[str, JsonValue], by: str) -> JsonObject:
        """`given`: columns of its row, `name` at least. As its room (without one: the home) stands now, or with `desired` only. {"id", "name"}. Raises NotFound, NotPossible."""

    async def delete_scene(self, name: str, by: str) -> None: ...

    async def edit_automation(self, name: str, changes: JsonObject, by: str) -> JsonObject:
        """`changes`: columns of its row. {"id", "name"}. Raises NotFound."""

    async def definitions(self, kind: str) -> Sequence[JsonObject]:
        """Each {"kind", "id", "name", "version", "status": "synced" | "owed" | "conflict" | "deleted", "modified_at"}. Raises NotFound."""

    async def definition(self, kind: str, name: str) -> JsonObject:
        """By id or name: as in definitions(), and "fields". Raises NotFound."""

    async def definition_history(self, kind: str, name: str) -> Sequence[JsonObject]:
        """The newest first: each {"entry", "at", "origin": "hub" | "cloud", "change": "made" | "changed" | "deleted" | "brought back", "columns", "before": fields | None}"""

    async def undo_definition(self, kind: str, name: str, entry: int | None, by: str) -> JsonObject:
        """As it was before the last change, or before change `entry`; an edit like any other. As definition(). Raises NotFound, NotPossible."""

    async def import_definitions(self, definitions: Sequence[JsonObject], by: str) -> JsonObject:
        """Each {"kind": "automation" | "scene" | "device" (a self-made one) | "home" (its zones), "key": its name in the configuration it comes from, "fields": its row}. The same key is the same row again.
        Answers {"imported": [{"key", "id", "name", "outcome": "new" | "changed" | "same"}]}
        """

    def leave_safe_mode(self, by: str) -> None:
        """The agent starts anew, with everything. Raises NotPossible."""

    async def webhook(self, called: WebhookCalled) -> bool:
        """An HTTP request for rules that wait for it. Done when they have been started; whether there was any."""

    @property
    def tending(self) -> "Tending": ...

    @property
    def automating(self) -> "Automating": ...

    @property
    def alerts(self) -> "Alerts": ...

    @property
    def guarding(self) -> "Guarding": ...

    @property
    def energy(self) -> "Energy": ...

    @property
    def activity(self) -> "Activity": ...

    @property
    def household(self) -> "Household": ...

    @property
    def keeping(self) -> "Keeping": ...

    def changes(self, after: str | None = None) -> AsyncGenerator[Told, None]:
        """`welcome`, then what came after that mark, then what happens. Where that is not known any more, and where a reader was too slow, `resync` comes instead."""
