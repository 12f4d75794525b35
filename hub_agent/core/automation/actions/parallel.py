"""`parallel`: branches side by side; the step is done when all of them are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hub_agent.core.automation.actions.builder import Builder
from hub_agent.core.automation.interpreter import THREADS_MAX, Execution
from hub_agent.core.automation.program import Block
from hub_agent.core.automation.reading import Fields, items_of
from hub_agent.core.automation.runs import Wait
from hub_agent.core.automation.signals import StepFailed
from hub_agent.model.json import JsonValue


@dataclass(frozen=True, slots=True)
class ParallelAct:
    branches: tuple[str, ...]

    def enter(self, at: Execution) -> None:
        if not self.branches:
            return
        run, now = at.run, at.now
        if len(run.threads) + len(self.branches) > THREADS_MAX:
            raise StepFailed(f"more than {THREADS_MAX} branches at once", may_go_on=False)
        threads = [run.new_thread(at.thread.id, block) for block in self.branches]
        body: dict[str, Any] = {"threads": [thread.id for thread in threads], "is_starting": True}
        at.interpreter.wait(run, at.thread, Wait("branches", at.path, now, None, body))
        for thread in threads:
            if run.ended_at is None:
                at.interpreter.advance(run, thread, now)
        if run.ended_at is None:
            del body["is_starting"]
            at.interpreter.join_if_done(run, at.thread, now)


def read_parallel(fields: Fields, builder: Builder) -> ParallelAct:
    where = fields.path("parallel")
    branches = [
        _read_branch(item, builder, f"{where}/{index}")
        for index, item in enumerate(items_of(fields.require("parallel")))
    ]
    return ParallelAct(tuple(branches))


def _read_branch(item: JsonValue, builder: Builder, where: str) -> str:
    """A branch is one step or a list of them; a `sequence` makes it several too."""
    if isinstance(item, Sequence) and not isinstance(item, str):
        return builder.block(item, where)
    return single_step_block(item, builder, where)


def single_step_block(item: JsonValue, builder: Builder, where: str) -> str:
    step = builder.step(item, where)
    builder.blocks[where] = Block(where, (step,))
    return where
