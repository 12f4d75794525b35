"""`repeat`: count, for_each, while, until."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hub_agent.core.automation.actions.builder import Builder
from hub_agent.core.automation.conditions.condition import Condition
from hub_agent.core.automation.conditions.registry import read_conditions
from hub_agent.core.automation.interpreter import Execution
from hub_agent.core.automation.reading import Fields, to_number
from hub_agent.core.automation.runs import Frame, Wait
from hub_agent.core.automation.signals import Aborted
from hub_agent.core.automation.values import Value, read_value
from hub_agent.errors import DefinitionError
from hub_agent.model.automation import Outcome
from hub_agent.model.json import JsonObject, JsonValue

ROUNDS_MAX = 10_000
ROUNDS_UNTIL_WARNING = 5_000
# After so many rounds others have their turn, so that a long loop neither holds up the home nor looks like a cascade.
ROUNDS_AT_ONCE = 500

KINDS = ("count", "for_each", "while", "until")


@dataclass(frozen=True, slots=True)
class RepeatAct:
    """Exactly one of count, items, before (while) and after (until)."""

    block: str
    count: Value | None = None
    items: Value | None = None
    before: tuple[Condition, ...] | None = None
    after: tuple[Condition, ...] | None = None

    def enter(self, at: Execution) -> None:
        memory: dict[str, JsonValue] = {}
        if self.count is not None:
            memory["rounds"] = self._read_count(at.need(self.count))
        elif self.items is not None:
            items = at.need(self.items)
            if not isinstance(items, Sequence) or isinstance(items, str):
                raise Aborted(f"for_each needs a list, not {items!r}")
            memory |= {"rounds": len(items), "items": items}
        self._begin_round(at, Frame(self.block, 0, memory), 1)

    def leave(self, at: Execution, frame: Frame) -> None:
        done = int(frame.memory["round"])
        at.thread.frames.append(frame)  # so that `repeat` can be seen
        is_over = self.after is not None and at.judge(self.after) is not Outcome.FALSE
        at.thread.frames.pop()
        if not is_over:
            self._begin_round(at, frame, done + 1)

    def _begin_round(self, at: Execution, frame: Frame, number: int) -> None:
        rounds = frame.memory.get("rounds")
        if rounds is not None and number > rounds:
            return
        if number > ROUNDS_MAX:
            raise Aborted(f"repeated more than {ROUNDS_MAX} times")
        if number == ROUNDS_UNTIL_WARNING:
            at.warn(f"{at.path} of {at.run.automation_id} has been repeated {ROUNDS_UNTIL_WARNING} times")
        frame.index = 0
        frame.memory["round"] = number
        frame.memory["repeat"] = _told(number, frame.memory)
        at.thread.frames.append(frame)
        if self.before is not None and at.judge(self.before) is not Outcome.TRUE:
            at.thread.frames.pop()
        elif number % ROUNDS_AT_ONCE == 0:
            at.interpreter.wait(at.run, at.thread, Wait("delay", at.path, at.now, at.now))

    @staticmethod
    def _read_count(value: JsonValue) -> int:
        number = to_number(value)
        if number is None:
            raise Aborted(f"count needs a number, not {value!r}")
        return int(number)


def _told(number: int, memory: JsonObject) -> JsonObject:
    told: dict[str, JsonValue] = {"index": number, "first": number == 1}
    rounds = memory.get("rounds")
    if isinstance(rounds, int):
        told["last"] = number == rounds
    items = memory.get("items")
    if isinstance(items, Sequence) and not isinstance(items, str):
        told["item"] = items[number - 1]
    return told


def read_repeat(fields: Fields, builder: Builder) -> RepeatAct:
    body = Fields(fields.require("repeat"), fields.path("repeat"))
    given = [kind for kind in KINDS if body.has(kind)]
    if len(given) != 1:
        raise DefinitionError(f"needs exactly one of {', '.join(KINDS)}", body.where)
    kind = given[0]
    value, where = body.take(kind), body.path(kind)
    block = builder.block(body.require("sequence"), body.path("sequence"), is_owned=True)
    body.finish()
    reader = builder.reader
    match kind:
        case "count":
            compiled = read_value(value, reader.templates, where)
            if compiled.is_constant and to_number(value) is None:
                raise DefinitionError(f"must be a number, not {value!r}", where)
            return RepeatAct(block, count=compiled)
        case "for_each":
            if isinstance(value, Mapping):
                raise DefinitionError("must be a list", where)
            return RepeatAct(block, items=read_value(value, reader.templates, where))
        case "while":
            return RepeatAct(block, before=read_conditions(value, reader, where))
        case _:
            return RepeatAct(block, after=read_conditions(value, reader, where))
