"""`condition`, `if`, `choose`, `sequence`, `stop`: which steps are taken."""

from collections.abc import Mapping
from dataclasses import dataclass

from hub_agent.core.automation.actions.builder import Builder
from hub_agent.core.automation.conditions.condition import Condition
from hub_agent.core.automation.conditions.registry import read_condition, read_conditions
from hub_agent.core.automation.interpreter import Execution
from hub_agent.core.automation.reading import Fields, items_of, read_boolean
from hub_agent.core.automation.signals import Aborted, RunStopped, SequenceEnded
from hub_agent.core.automation.values import read_value
from hub_agent.errors import DefinitionError
from hub_agent.model.automation import Outcome
from hub_agent.model.json import JsonValue


@dataclass(frozen=True, slots=True)
class ConditionAct:
    condition: Condition

    def enter(self, at: Execution) -> None:
        if at.judge((self.condition,)) is not Outcome.TRUE:
            raise SequenceEnded


@dataclass(frozen=True, slots=True)
class IfAct:
    conditions: tuple[Condition, ...]
    then: str
    otherwise: str | None

    def enter(self, at: Execution) -> None:
        is_met = at.judge(self.conditions) is Outcome.TRUE
        at.note("if", "then" if is_met else "else")
        block = self.then if is_met else self.otherwise
        if block is not None:
            at.push(block)


@dataclass(frozen=True, slots=True)
class ChooseAct:
    options: tuple[tuple[tuple[Condition, ...], str], ...]
    default: str | None

    def enter(self, at: Execution) -> None:
        for index, (conditions, block) in enumerate(self.options):
            if at.judge(conditions) is Outcome.TRUE:
                at.note("choose", f"option {index}")
                at.push(block)
                return
        at.note("choose", "default" if self.default else "none")
        if self.default is not None:
            at.push(self.default)


@dataclass(frozen=True, slots=True)
class SequenceAct:
    block: str

    def enter(self, at: Execution) -> None:
        at.push(self.block)


@dataclass(frozen=True, slots=True)
class StopAct:
    reason: str
    is_error: bool
    response_variable: str | None

    def enter(self, at: Execution) -> None:
        at.note("stop", "error" if self.is_error else "stopped", reason=self.reason)
        response: JsonValue = None
        if self.response_variable is not None:
            known = at.variables()
            if self.response_variable not in known:
                raise Aborted(f"there is no variable '{self.response_variable}' to answer with")
            response = known[self.response_variable]  # type: ignore[assignment]  # variables of a run are JSON or thaw to it
        raise RunStopped(self.reason, is_error=self.is_error, response=response)


@dataclass(frozen=True, slots=True)
class ConversationAct:
    """An answer for whoever has spoken to the home. Nobody speaks to this hub; the other steps are as good as ever."""

    def enter(self, at: Execution) -> None:
        at.note("conversation", "nobody asked")


def read_conversation_response(fields: Fields, builder: Builder) -> ConversationAct:
    where = fields.path("set_conversation_response")
    read_value(fields.take("set_conversation_response"), builder.reader.templates, where)
    return ConversationAct()


def read_condition_step(fields: Fields, builder: Builder) -> ConditionAct:
    whole = {key: fields.take(key) for key in fields.names()}
    return ConditionAct(read_condition(whole, builder.reader, fields.where))


def read_if(fields: Fields, builder: Builder) -> IfAct:
    conditions = read_conditions(fields.require("if"), builder.reader, fields.path("if"))
    then = builder.block(fields.require("then"), fields.path("then"))
    otherwise = builder.block(fields.take("else"), fields.path("else")) if fields.has("else") else None
    return IfAct(conditions, then, otherwise)


def read_choose(fields: Fields, builder: Builder) -> ChooseAct:
    where = fields.path("choose")
    options = tuple(
        _read_option(item, builder, f"{where}/{index}") for index, item in enumerate(items_of(fields.require("choose")))
    )
    default = builder.block(fields.take("default"), fields.path("default")) if fields.has("default") else None
    return ChooseAct(options, default)


def _read_option(item: JsonValue, builder: Builder, where: str) -> tuple[tuple[Condition, ...], str]:
    fields = Fields(item, where)
    fields.take("alias")
    if not fields.has("conditions") and not fields.has("condition"):
        raise DefinitionError("'conditions' is missing", where)
    conditions = read_conditions(fields.one_of("conditions", "condition"), builder.reader, fields.path("conditions"))
    block = builder.block(fields.require("sequence"), fields.path("sequence"))
    fields.finish()
    return conditions, block


def read_sequence(fields: Fields, builder: Builder) -> SequenceAct:
    fields.take("metadata")
    return SequenceAct(builder.block(fields.require("sequence"), fields.path("sequence")))


def read_stop(fields: Fields, _builder: Builder) -> StopAct:
    reason = fields.take("stop")
    if isinstance(reason, Mapping):
        raise DefinitionError("must be text", fields.path("stop"))
    is_error = read_boolean(fields.take("error", False), fields.path("error"))
    response = fields.text("response_variable") if fields.has("response_variable") else None
    if is_error and response is not None:
        raise DefinitionError("an error has no response", fields.path("response_variable"))
    return StopAct("" if reason is None else str(reason), is_error, response)
