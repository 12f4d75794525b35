"""Reads an `automations` row into a program. Every mistake is named with its path."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import orjson

from hub_agent.core.automation.actions.builder import Builder
from hub_agent.core.automation.actions.parallel import ParallelAct, single_step_block
from hub_agent.core.automation.actions.registry import STEPS
from hub_agent.core.automation.actions.wait import DelayAct
from hub_agent.core.automation.conditions.registry import read_conditions
from hub_agent.core.automation.program import TOP, Block, CatchUp, Program, Step
from hub_agent.core.automation.reading import (
    Fields,
    in_words,
    items_of,
    read_boolean,
    read_choice,
    read_integer,
    to_duration,
)
from hub_agent.core.automation.triggers.registry import read_triggers
from hub_agent.core.automation.triggers.schedule import read_schedule, schedule_time_zone
from hub_agent.core.automation.triggers.trigger import Reader, Trigger
from hub_agent.core.automation.values import Constant, Duration
from hub_agent.core.automation.variables import read_variables, render_variables
from hub_agent.errors import DefinitionError, TemplateError
from hub_agent.model.automation import Mode
from hub_agent.model.definition import Definition
from hub_agent.model.ids import slugify
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.templating import Templates

RUNS_MAX_DEFAULT = 10
RUNS_MAX = 1000
RETRIES_MAX = 10
TRACES_MAX_DEFAULT = 20
TRACES_MAX = 500
CATCH_UP_POLICIES = ("skip", "run_once")
MAX_EXCEEDED = ("silent", "critical", "fatal", "error", "warning", "warn", "info", "debug", "notset")

# What a change of makes another program; the rest (enabled, paused, name) is taken over without disturbing runs.
MEANING = (
    "triggers",
    "conditions",
    "actions",
    "execution_mode",
    "delay_between_actions_ms",
    "retry_on_failure",
    "max_retries",
    "schedule_type",
    "schedule_config",
    "timezone",
    "metadata",
)


def read_program(definition: Definition, templates: Templates) -> Program:
    """Raises DefinitionError."""
    fields = definition.fields
    name = fields.get("name")
    if not isinstance(name, str) or not name.strip():
        raise DefinitionError("must be text", "name")
    metadata = Fields(fields.get("metadata") or {}, "metadata")
    is_script = metadata.take("kind") == "script"
    given = metadata.take("object_id")
    object_id = slugify(given if isinstance(given, str) else name)
    # What limited templates may know of their own automation: what does not change.
    this = {"entity_id": f"automation.{object_id}", "attributes": {"friendly_name": name, "id": definition.id}}
    trigger_variables = _read_trigger_variables(metadata, templates, this)
    reader = Reader(templates, {"this": this, **trigger_variables})
    mode = Mode(read_choice(metadata.take("mode") or "single", tuple(Mode), metadata.path("mode")))
    max_exceeded = str(metadata.take("max_exceeded") or "warning").lower()
    initial_state = metadata.take("initial_state")
    blocks = _read_blocks(fields, reader)  # refuses what is nested too deep to be written as JSON
    meaning = _meaning_of(fields)
    return Program(
        id=definition.id,
        name=name,
        object_id=object_id,
        is_script=is_script,
        triggers=(*read_triggers(fields.get("triggers"), reader, "triggers"), *_read_schedule(fields)),
        trigger_variables=trigger_variables,
        variables=read_variables(metadata.take("variables"), templates, metadata.path("variables")),
        conditions=read_conditions(fields.get("conditions"), reader, "conditions"),
        blocks=blocks,
        mode=mode,
        runs_max=read_integer(metadata.take("max", RUNS_MAX_DEFAULT), metadata.path("max"), 2, RUNS_MAX),
        is_silent_when_dropped=read_choice(max_exceeded, MAX_EXCEEDED, metadata.path("max_exceeded")) == "silent",
        initial_state=None if initial_state is None else read_boolean(initial_state, metadata.path("initial_state")),
        is_enabled=fields.get("is_enabled") is not False,
        is_paused=fields.get("is_paused") is True,
        pause_until=_read_pause(fields.get("pause_until")),
        retries_max=_read_retries(fields),
        catch_up=_read_catch_up(metadata.take("catch_up"), metadata.path("catch_up")),
        traces_max=_read_traces_max(metadata.take("trace"), metadata.path("trace")),
        fingerprint=hashlib.sha256(meaning).hexdigest()[:16],
        sees_itself=b"this" in meaning,
    )


def _meaning_of(fields: JsonObject) -> bytes:
    """Equal for definitions that mean the same: runs and holds of one go on under the other."""
    try:
        return orjson.dumps({key: fields.get(key) for key in MEANING}, option=orjson.OPT_SORT_KEYS, default=dict)
    except TypeError as err:
        raise DefinitionError(f"cannot be kept as JSON: {err}") from err


def _read_trigger_variables(metadata: Fields, templates: Templates, this: Mapping[str, object]) -> dict[str, object]:
    where = metadata.path("trigger_variables")
    variables = read_variables(metadata.take("trigger_variables"), templates, where)
    try:
        with templates.limited():
            return render_variables(variables, {"this": this})
    except TemplateError as err:
        raise DefinitionError(str(err), where) from err


def _read_schedule(fields: JsonObject) -> tuple[Trigger, ...]:
    time_zone = schedule_time_zone(fields.get("timezone")) if fields.get("schedule_type") else None
    found = read_schedule(fields.get("schedule_type"), fields.get("schedule_config"), time_zone)
    if found is None:
        return ()
    platform, source = found
    return (Trigger("schedule_config", len(items_of(fields.get("triggers"))), platform, None, platform, source),)


def _read_blocks(fields: JsonObject, reader: Reader) -> Mapping[str, Block]:
    builder = Builder(reader, STEPS)
    actions = fields.get("actions")
    if actions is None:
        raise DefinitionError("is missing", "actions")
    mode = read_choice(fields.get("execution_mode") or "sequential", ("sequential", "parallel"), "execution_mode")
    if mode == "parallel":
        blocks = [single_step_block(item, builder, f"{TOP}/{index}") for index, item in enumerate(items_of(actions))]
        builder.blocks[TOP] = Block(TOP, (Step(TOP, "parallel", ParallelAct(tuple(blocks))),))
        return builder.blocks
    builder.block(actions, TOP)
    gap = read_integer(fields.get("delay_between_actions_ms") or 0, "delay_between_actions_ms", 0, 86_400_000)
    if gap:
        builder.blocks[TOP] = Block(TOP, _with_gaps(builder.blocks[TOP].steps, gap))
    return builder.blocks


def _with_gaps(steps: tuple[Step, ...], gap_ms: int) -> tuple[Step, ...]:
    length = timedelta(milliseconds=gap_ms)
    gap = Step(TOP, "gap", DelayAct(Duration(Constant(None), length), is_traced=False))
    found: list[Step] = []
    for step in steps:
        found += (gap, step) if found else (step,)
    return tuple(found)


def _read_pause(value: JsonValue) -> datetime | None:
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError as err:
        raise DefinitionError(f"{value!r} is not a date and time", "pause_until") from err
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _read_retries(fields: JsonObject) -> int:
    if fields.get("retry_on_failure") is not True:
        return 0
    retries = fields.get("max_retries")
    return read_integer(3 if retries is None else retries, "max_retries", 0, RETRIES_MAX)


def _read_traces_max(value: JsonValue, where: str) -> int:
    """`stored`, or `stored_traces` as people's files have it."""
    if value is None:
        return TRACES_MAX_DEFAULT
    fields = Fields(value, where)
    kept = fields.one_of("stored", "stored_traces", TRACES_MAX_DEFAULT)
    fields.finish()
    return read_integer(kept, where, 0, TRACES_MAX)


def _read_catch_up(value: JsonValue, where: str) -> CatchUp:
    if value is None:
        return CatchUp()
    fields = Fields(value, where)
    policy = read_choice(fields.take("policy", "run_once"), CATCH_UP_POLICIES, fields.path("policy"))
    age = fields.take("max_age_s", 900)
    fields.finish()
    return CatchUp(policy == "run_once", in_words(lambda: to_duration(age), f"{where}/max_age_s"))
