"""What the API answers and takes: the public contract, described by OpenAPI."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    StringConstraints,
    field_validator,
)

# Deeper than any action's data; what comes after this border walks it by recursion.
DATA_DEPTH_MAX = 16
DEFINITION_DEPTH_MAX = 128
IMPORTED_MAX = 500


class Shape(BaseModel):
    # Made into a validator only where the description is made: nothing that the hub answers is checked against it at run time.
    model_config = ConfigDict(extra="allow", defer_build=True)


class Asked(BaseModel):
    """What a request brings: no field that nobody knows, and nothing taken for something else (`0` for no, `false` for 0)."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def _is_text(value: Any) -> Any:
    """Numbers would be taken for seconds of 1970."""
    if not isinstance(value, str):
        raise ValueError("must be a text such as 2026-06-01T12:00:00Z")  # noqa: TRY004 pydantic makes words of it
    return value


def _is_whole(value: Any) -> Any:
    """JSON has one kind of number: 8.0 is 8. But `true` is not 1."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_is_whole)]
# A time, with its zone.
Instant = Annotated[AwareDatetime, Strict(strict=False), BeforeValidator(_is_text)]


class NeedAnswer(Shape):
    """What a person has to do or give. `fields`: what to give, by name; none for a button to press."""

    kind: Literal["code", "key", "password", "button", "account", "server", "software"]
    text: str = Field(examples=["Enter the code that is printed on it."])
    fields: list[str] = Field(examples=[["code"]])


class Fault(BaseModel):
    code: str = Field(examples=["not_found"])
    message: str = Field(examples=["There is no scene 'Moive night'."])
    hint: str | None = Field(None, examples=["This home has: 'Movie night', 'Good night'."])
    field: str | None = Field(None, description="What of the request is to blame.", examples=["desired/light.hall"])
    needs: NeedAnswer | None = Field(None, description="With person_needed: what to do or give.")


class FaultAnswer(BaseModel):
    """Every error has this shape."""

    error: Fault


class Alive(BaseModel):
    status: Literal["alive"] = "alive"


class RoomAnswer(Shape):
    id: str
    name: str = Field(examples=["Living room"])
    sort_order: int = 0


class CapabilityAnswer(Shape):
    type: Literal["bool", "int", "float", "enum", "text"]
    access: Literal["r", "w", "rw"]
    unit: str | None = None
    min: float | None = None
    max: float | None = None
    step: float | None = None
    options: list[str] | None = None


class EntityAnswer(Shape):
    id: str = Field(examples=["light.living_room_lamp"])
    name: str | None = None
    domain: str = Field(examples=["light"])
    device_class: str | None = None
    unit: str | None = None
    category: str | None = None
    capabilities: dict[str, CapabilityAnswer]
    state: str = Field(examples=["on"])
    attributes: dict[str, Any] = Field(examples=[{"brightness": 128}])
    changed_at: datetime | None = None


class DeviceAnswer(Shape):
    id: str
    name: str = Field(examples=["Living Room Lamp"])
    room: str | None = None
    room_id: str | None = None
    brand: str | None = None
    model: str | None = None
    device_type: str = Field(examples=["light"])
    protocol: str | None = Field(None, examples=["zigbee"])
    dialect: str = Field(examples=["zigbee2mqtt"])
    availability: Literal["available", "unavailable", "unknown"]
    last_seen_at: datetime | None = None
    battery_level: int | None = None
    signal_strength: int | None = None
    entities: list[EntityAnswer]


class DiscoveredAnswer(Shape):
    """`status`: `served` means that its devices are there already, over another way."""

    id: str = Field(examples=["homekit/aa11bb22cc33"])
    name: str = Field(examples=["Hallway Thermostat"])
    brand: str | None = None
    model: str | None = None
    device_type: str = Field(examples=["thermostat"])
    ecosystem: str | None = None
    dialect: str | None = Field(None, examples=["homekit"])
    address: str | None = Field(None, examples=["192.168.1.30:80"])
    status: Literal["needs", "lost", "connecting", "connected", "asleep", "served", "unsupported", "ignored"]
    reason: str | None = None
    needs: NeedAnswer | None = None
    suggested_room: str | None = None
    devices: list[str] = Field(description="Ids of the devices it brought.")
    services: list[str] = Field(description="How it announced itself.")


Given = Annotated[str, StringConstraints(max_length=4096)]


class AddRequest(Asked):
    what: str = Field(
        description="Its id or name as discovered, or an address.", max_length=300, examples=["shelly://192.168.1.30"]
    )
    given: dict[Annotated[str, StringConstraints(max_length=40)], Given] = Field(
        {}, description="What it needs, by name.", examples=[{"code": "031-45-154"}], max_length=8
    )


class ForgetRequest(Asked):
    what: str = Field(description="Its id or name as discovered.", max_length=300)
    is_ignored: bool = Field(True, description="Whether it is left alone when it is met again.")


class ForgotAnswer(Shape):
    forgotten: bool


class SceneCopyAnswer(Shape):
    """A copy of the scene that a bridge keeps: one word to it moves all members at once, also without the hub."""

    dialect: str = Field(examples=["zigbee2mqtt"])
    bridge: str
    status: Literal["synced", "pending", "failed", "conflict", "unsupported"]
    external_id: str | None = None
    error: str | None = None


class SceneAnswer(Shape):
    id: str
    name: str = Field(examples=["Movie night"])
    description: str | None = None
    room_id: str | None = None
    icon: str | None = None
    color: str | None = None
    devices: int = Field(description="How many devices it sets.")
    status: Literal["synced", "owed", "conflict"] = Field(
        "owed", description="Whether the cloud has it as it is here; a conflict waits for a decision."
    )
    last_activated_at: datetime | None = None
    last_status: str | None = None
    activation_count: int = 0
    copies: list[SceneCopyAnswer] = []


class FailedDevice(Shape):
    id: str
    name: str | None = None
    error: str | None = None


class ActivationAnswer(Shape):
    """status: success | partial | failed, or pending when devices still move."""

    scene: str | None = None
    activation_id: str | None = None
    status: str = Field(examples=["partial"])
    devices_targeted: int = 0
    devices_succeeded: int = 0
    devices_failed: int = 0
    failed_devices: list[FailedDevice] = []
    duration_ms: int | None = None


class AutomationAnswer(Shape):
    id: str
    entity_id: str = Field(examples=["automation.hall_light_on_motion"])
    name: str
    description: str | None = None
    is_enabled: bool = Field(description="It runs when its time comes.")
    is_paused: bool = Field(False, description="It is on, but does not run until `paused_until`; null: until told.")
    paused_until: datetime | None = None
    mode: str | None = Field(None, description="None where the rule cannot be read.")
    kind: Literal["automation", "script"] = "automation"
    last_triggered_at: datetime | None = None
    last_status: str | None = None
    running: int = 0
    problem: str | None = Field(None, description="Why it cannot run, in words.")
    health: str | None = Field(None, description="healthy, degraded, failing or broken; none before it was looked at.")
    next_at: datetime | None = Field(None, description="When its clock starts it next.")
    rooms: list[str] = Field([], description="Ids of the rooms of what it names.")
    status: Literal["synced", "owed", "conflict"] = Field(
        "synced", description="Whether the cloud has it as it is here."
    )


class HealthFinding(Shape):
    code: str = Field(examples=["entity_missing"])
    severity: Literal["error", "warning", "info"]
    text: str
    aspect: str
    path: str | None = Field(None, examples=["actions/0/target/entity_id"])
    entity_id: str | None = None
    since: datetime | None = None
    automations: list[str] = []


class FixAnswer(Shape):
    code: str
    path: str | None = None
    text: str
    is_automatic: bool
    replace: str | None = None
    by: str | None = None


class HealthAnswer(Shape):
    """Whether an automation can still do what it is for. `warnings` are worth knowing and no fault."""

    automation_id: str
    entity_id: str
    name: str
    checked_at: datetime
    health_status: Literal["healthy", "degraded", "failing", "broken"]
    health_score: int
    issues: list[HealthFinding]
    warnings: list[HealthFinding]
    recommended_fixes: list[FixAnswer]
    can_auto_repair: bool
    has_old_spelling: bool


class Replaced(Shape):
    replaced: str
    by: str


class RepairAnswer(Shape):
    automation_id: str
    repaired: list[Replaced]


class RunAnswer(Shape):
    id: str
    automation_id: str
    automation: str | None = None
    status: str = Field(examples=["success"])
    started_at: datetime | None = None
    completed_at: datetime | None = None
    duration_ms: int | None = None
    triggered_by: str | None = None
    trigger: Any = None


class IssueAnswer(Shape):
    code: str = Field(examples=["device_silent"])
    severity: Literal["info", "warning", "error", "critical"]
    title: str
    text: str
    subject: str
    since: datetime


class NoticeAnswer(Shape):
    """What a rule said to people. `id` dismisses it: call persistent_notification.dismiss with it as `notification_id`."""

    id: str
    title: str
    message: str
    created_at: datetime
    source: Literal["automation", "system"]


class RejectedAnswer(Shape):
    dialect: str
    topic: str
    code: str
    reason: str
    count: int
    last_at: datetime


class SettleAnswer(Shape):
    entity_id: str
    outcome: str = Field(examples=["confirmed"])
    error: str | None = None


class CallAnswer(Shape):
    commands: list[SettleAnswer] = []


class PairRequest(Asked):
    code: str = Field(max_length=32, examples=["123456"])
    name: str = Field("browser", max_length=200)


class PairAnswer(BaseModel):
    paired: bool


class DeviceChange(Asked):
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)] | None = None
    room_id: str | None = Field(None, max_length=64)


class SetRequest(Asked):
    """Capabilities in people's units; `transition` in seconds."""

    values: Annotated[
        dict[str, bool | int | float | str | None],
        Field(min_length=1, max_length=32, examples=[{"on": True, "brightness": 40}]),
    ]


class CallRequestBody(Asked):
    action: str = Field(pattern=r"^[a-z0-9_]+\.[a-z0-9_]+$", examples=["light.turn_on"])
    target: list[str] = Field(default_factory=list, max_length=500, examples=[["light.living_room_lamp"]])
    data: dict[str, Any] = Field(default_factory=dict, examples=[{"brightness_pct": 40}])

    @field_validator("data")
    @classmethod
    def _is_shallow(cls, data: dict[str, Any]) -> dict[str, Any]:
        return _shallow(data, DATA_DEPTH_MAX)


class DefinitionBody(Asked):
    kind: Literal["automation", "scene", "device", "home"]
    key: str = Field(min_length=1, max_length=500, examples=["automation/1587034283"])
    fields: dict[str, Any]

    @field_validator("fields")
    @classmethod
    def _is_shallow(cls, fields: dict[str, Any]) -> dict[str, Any]:
        return _shallow(fields, DEFINITION_DEPTH_MAX)


class ImportRequestBody(Asked):
    definitions: list[DefinitionBody] = Field(max_length=IMPORTED_MAX)


class ImportedAnswer(Shape):
    key: str
    id: str
    name: str | None = None
    outcome: Literal["new", "changed", "same"]


class ImportAnswer(Shape):
    imported: list[ImportedAnswer]


class StreamAnswer(Shape):
    stream: str = Field(examples=["automation_executions"])
    last: int
    acknowledged: int
    waiting: int
    acknowledged_at: datetime | None = None
    oldest_at: datetime | None = Field(None, description="when the oldest that waits was made")


class LostRecordsAnswer(Shape):
    stream: str
    why: str
    count: int
    from_at: datetime | None
    to_at: datetime | None


class DrainAnswer(Shape):
    per_minute: float
    done_in_s: float | None = Field(description="when nothing waits any more, if it gets less")


class VerifyRequest(Asked):
    days: Whole = Field(8, ge=1, le=400, description="so many days back, today included")
    stream: str | None = Field(None, max_length=100, description="only this stream of records")


class VerifiedStreamAnswer(Shape):
    stream: str
    days: int
    records: int = Field(description="what this hub still has of these days, and the cloud confirmed")
    differing_days: int = Field(description="also for good reasons: records of an earlier hub, refused ones")
    missing: int = Field(description="not there, or changed there")
    repaired: int
    refused: int = Field(description="the cloud does not take them; see reasons")
    still: int = Field(description="still not as here")
    by: str = Field(description="hash, count (an older cloud) or nothing (the cloud cannot compare this stream)")
    reasons: dict[str, int]


class VerifiedAnswer(Shape):
    """What came of comparing hub and cloud; `text` says it in a few sentences."""

    since: str
    until: str
    finished_at: datetime
    is_agreed: bool
    streams: list[VerifiedStreamAnswer]
    definitions: int
    definitions_newer_there: int
    definitions_forgotten_there: int
    text: str


class SyncAnswer(Shape):
    """The link to the cloud; `text` says it in one sentence, `lines` what else is worth knowing."""

    is_claimed: bool
    is_online: bool
    address: str | None = None
    last_contact_at: datetime | None = None
    last_error: str | None = None
    streams: list[StreamAnswer]
    waiting: int
    definitions_owed: int
    last_acknowledged_at: datetime | None = None
    since: datetime | None = Field(None, description="online or offline since then")
    drain: DrainAnswer | None = Field(None, description="how fast the cloud takes what waits; from the last minutes")
    queued_in_cloud: int = Field(0, description="of what waits, so much is in the cloud's queue")
    set_aside: list[str] = Field([], description="what the cloud refuses even alone; kept here and tried again")
    shed: list[LostRecordsAnswer] = Field([], description="what went here before the cloud had it; told for 30 days")
    refused: list[LostRecordsAnswer] = Field([], description="what the cloud refused, with the newest reason")
    conflicts: list[str] = Field([], description="names of what was changed here and there, to be decided")
    values_lost: int = Field(0, description="values that gave way and can be put back")
    is_doubled: bool = Field(False, description="another machine sends as this hub")
    is_clock_trusted: bool = True
    verified: VerifiedAnswer | None = Field(None, description="what came of the last comparison with the cloud")
    text: str
    lines: list[str] = []


class StepAnswer(Shape):
    path: str | None = Field(None, examples=["actions/0"])
    kind: str | None = None
    at: datetime | None = None
    result: str | None = None
    error: str | None = None


class TraceAnswer(Shape):
    """The story of a run."""

    run_id: str
    automation_id: str
    automation: str | None = None
    status: str
    triggered_by: str | None = None
    trigger: Any = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    duration_ms: int | None = None
    steps: list[StepAnswer] = []


class ReasonAnswer(Shape):
    code: str = Field(examples=["switched_off", "already_so", "condition_false"])
    text: str
    path: str | None = None


class FindingAnswer(Shape):
    """How one watched entity, or the clock, stands to what the trigger waits for."""

    code: str
    text: str
    entity_id: str | None = None
    state: str | None = None
    changed_at: datetime | None = None
    due_at: datetime | None = None


class TriggerExplained(Shape):
    path: str
    id: str
    alias: str | None = None
    platform: str
    is_enabled: bool
    waits_for: str
    findings: list[FindingAnswer]


class ConditionExplained(Shape):
    path: str
    kind: str
    wants: str
    result: Literal["true", "false", "error", "depends_on_trigger", "not_known"]
    text: str
    values: dict[str, Any] = {}
    error: str | None = None
    parts: list[StepAnswer] = []


class OccasionAnswer(Shape):
    """A run, or a trigger that started none; `run_id` is null when its trace is gone."""

    run_id: str | None = None
    status: str | None = None
    started_at: datetime
    trigger: Any = None
    error: str | None = None
    conditions: list[StepAnswer] = []


class ExplanationAnswer(Shape):
    """Why an automation did not run; `reasons` begins with what matters most."""

    automation_id: str
    entity_id: str
    name: str
    at: datetime
    is_past: bool
    summary: str
    reasons: list[ReasonAnswer]
    is_enabled: bool
    paused_until: datetime | None = None
    mode: str | None = None
    running: int
    queued: int
    triggers: list[TriggerExplained]
    conditions: list[ConditionExplained]
    last_run: OccasionAnswer | None = None
    last_refusal: OccasionAnswer | None = None
    around: list[OccasionAnswer]
    not_known: list[str]


class ReplayRequest(Asked):
    """A rule that is not the home's yet."""

    fields: dict[str, Any] = Field(description="Its row, as /definitions/import takes it.")
    scripts: list[dict[str, Any]] = Field([], max_length=500, description="Rows of scripts that it calls.")
    since: str = Field("7d", max_length=40, examples=["7d", "2026-01-14 07:30"])
    until: str | None = Field(None, max_length=40)

    @field_validator("fields", "scripts")
    @classmethod
    def _not_too_deep(cls, given: Any) -> Any:
        _shallow({"given": given}, DEFINITION_DEPTH_MAX)
        return given


class DeedAnswer(Shape):
    """What was called, or would have been."""

    at: datetime | None = None
    action: str
    target: list[str] = []
    data: Any = None
    result: str | None = None
    error: str | None = None


class WouldAnswer(Shape):
    """A run that would have been, or a trigger that would have been refused."""

    status: str
    trigger: Any = None
    ended_at: datetime | None = None
    calls: list[DeedAnswer]
    conditions: list[StepAnswer]
    error: str | None = None
    calls_left_out: int = 0
    not_kept_before: int = 0


class DidAnswer(Shape):
    run_id: str
    at: datetime
    status: str
    triggered_by: str | None = None
    trigger: Any = None
    ended_at: datetime | None = None
    calls: list[DeedAnswer]
    error: str | None = None


class ReplayLine(Shape):
    at: datetime
    would: WouldAnswer | None = None
    did: DidAnswer | None = None


class ReplayCounts(Shape):
    would_run: int
    would_be_refused: int
    did_run: int
    were_refused: int
    both_ran: int


class SilentTrigger(Shape):
    path: str
    platform: str
    text: str


class ReplayAnswer(Shape):
    """When a rule would have run over the recorded past, next to what really happened."""

    automation_id: str | None = None
    name: str
    since: datetime
    until: datetime
    asked_since: datetime
    history_begins_at: datetime
    time_zone: str
    changes: int = Field(description="So many recorded changes were gone through.")
    counts: ReplayCounts
    lines: list[ReplayLine]
    lines_left_out: int
    not_replayed: list[SilentTrigger] = Field(
        description="Triggers that stay silent, because nothing of them is recorded."
    )
    notes: list[str]


def _shallow(data: dict[str, Any], depth_max: int) -> dict[str, Any]:
    level: list[Any] = [data]
    for _ in range(depth_max):
        level = [inner for each in level for inner in _inside(each)]
    if level:
        raise ValueError(f"is nested deeper than {depth_max} levels")
    return data


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
