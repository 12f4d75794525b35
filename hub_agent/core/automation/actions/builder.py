"""Compiles lists of steps into blocks. Blocks are named by their path in the definition, so that a saved run finds its place again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from hub_agent.core.automation.program import Act, Block, Owner, Step
from hub_agent.core.automation.reading import Fields, items_of, read_boolean
from hub_agent.core.automation.triggers.registry import read_enabled
from hub_agent.core.automation.triggers.trigger import Reader
from hub_agent.errors import DefinitionError
from hub_agent.model.json import JsonValue

STEPS_MAX = 2000

ActReader: TypeAlias = "Callable[[Fields, Builder], Act]"


@dataclass(slots=True)
class Builder:
    reader: Reader
    readers: Mapping[str, ActReader]
    blocks: dict[str, Block] = field(default_factory=dict)
    steps: int = 0
    # Blocks that have been read for the step being read; they get their owner when it is complete.
    owned: list[str] = field(default_factory=list)

    def block(self, value: JsonValue, where: str, *, is_owned: bool = False) -> str:
        """Reads one step or a list of steps; the answer names the block."""
        steps = tuple(self.step(item, f"{where}/{index}") for index, item in enumerate(items_of(value)))
        self.blocks[where] = Block(where, steps)
        if is_owned:
            self.owned.append(where)
        return where

    def step(self, item: JsonValue, where: str) -> Step:
        self.steps += 1
        if self.steps > STEPS_MAX:
            raise DefinitionError(f"has more than {STEPS_MAX} steps", where)
        if isinstance(item, str):
            raise DefinitionError(f"a step is a mapping; write {{condition: {item!r}}} for a condition", where)
        fields = Fields(item, where)
        fields.take("alias")
        is_enabled = read_enabled(fields, self.reader)
        continues = read_boolean(fields.take("continue_on_error", False), fields.path("continue_on_error"))
        kind = self._kind(fields)
        outer, self.owned = self.owned, []
        act = self.readers[kind](fields, self)
        fields.finish()
        step = Step(where, kind, act, is_enabled, continues)
        for path in self.owned:
            self._give_owner(path, step, act)
        self.owned = outer
        return step

    def _kind(self, fields: Fields) -> str:
        found = [key for key in self.readers if fields.has(key)]
        if not found:
            raise DefinitionError(f"is not a step this hub knows ({', '.join(self.readers)})", fields.where)
        return found[0]

    def _give_owner(self, path: str, step: Step, act: Act) -> None:
        assert isinstance(act, Owner)
        self.blocks[path] = Block(path, self.blocks[path].steps, (step, act))
