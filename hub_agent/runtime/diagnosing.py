"""Diagnoses for whoever waits for them: each step as it comes, the whole at the end."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from typing import Any, Final

from hub_agent.core.hub import Hub
from hub_agent.errors import MirrorError, NotPossible
from hub_agent.model.action import CallAnswered
from hub_agent.model.ids import DeviceId, NewId
from hub_agent.model.inputs import DiagnosisWanted
from hub_agent.model.json import JsonObject
from hub_agent.ports import Change
from hub_agent.runtime.changes import Changes
from hub_agent.runtime.effects import Effects
from hub_agent.runtime.inbox import Inbox

# A device that is asked has a few seconds; the rest takes none.
ANSWER_S_MAX: Final = 30.0


class Diagnosing:
    def __init__(self, hub: Hub, inbox: Inbox, effects: Effects, changes: Changes, new_id: NewId) -> None:
        self._hub = hub
        self._inbox = inbox
        self._effects = effects
        self._changes = changes
        self._new_id = new_id

    def made(self) -> Sequence[JsonObject]:
        return self._hub.monitoring.diagnosis.diagnoses()

    async def diagnose(self, device_id: DeviceId | None) -> AsyncGenerator[JsonObject, None]:
        request_id = self._new_id()
        answered = self._effects.expect(request_id)
        told = self._changes.read()
        following = asyncio.ensure_future(anext(told))
        shown = 0
        try:
            await asyncio.sleep(0)  # from now on it is told what changes
            with contextlib.suppress(MirrorError):  # what it finds counts also while it cannot be kept
                await self._inbox.submit([DiagnosisWanted(device_id, request_id)])
            until_s = asyncio.get_running_loop().time() + ANSWER_S_MAX
            while not answered.done():
                left_s = until_s - asyncio.get_running_loop().time()
                both: set[asyncio.Future[Any]] = {following, answered}
                done, _ = await asyncio.wait(both, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
                if not done:
                    raise NotPossible("The diagnosis did not come to an end. Try it again.")
                if following in done:
                    change = following.result()
                    following = asyncio.ensure_future(anext(told))
                    if (step := _step_of(change, request_id)) is not None:
                        shown += 1
                        yield {"step": step}
            answer = answered.result()
        finally:
            answered.cancel()
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            await told.aclose()
        if isinstance(answer, CallAnswered) or "error" in answer:
            error = answer.error if isinstance(answer, CallAnswered) else str(answer["error"])
            raise NotPossible(f"It cannot be diagnosed: {error}.")
        steps = answer.get("steps")
        for step in steps[shown:] if isinstance(steps, list) else ():
            yield {"step": step}
        yield {"diagnosis": answer}


def _step_of(change: Change, request_id: str) -> JsonObject | None:
    if change.topic != "diagnosis" or change.body.get("id") != request_id:
        return None
    step = change.body.get("step")
    return step if isinstance(step, dict) else None
