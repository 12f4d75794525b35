"""What people decide about remedies at the hub's doors: a yes or no to a question, or a remedy out of its turn."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from hub_agent.core.healing.remedies import REMEDIES
from hub_agent.core.healing.remedy import Given
from hub_agent.core.healing.room import Healing
from hub_agent.model.action import CallAnswered
from hub_agent.model.effects import Answer
from hub_agent.model.ids import CallId
from hub_agent.model.inputs import Input, RemedyAnswered, RemedyWanted
from hub_agent.model.json import JsonObject


class ByHand:
    INPUTS: ClassVar[frozenset[type]] = frozenset({RemedyAnswered, RemedyWanted})

    def __init__(self, healing: Healing) -> None:
        self._healing = healing

    def take(self, happened: Input, now: datetime) -> Sequence[Given]:
        match happened:
            case RemedyAnswered():
                return self._answered(happened, now)
            case RemedyWanted():
                return self._wanted(happened, now)
        return ()

    def _answered(self, answered: RemedyAnswered, now: datetime) -> list[Given]:
        given = self._healing.handle_answer(answered.execution_id, answered.by, now, is_approved=answered.is_approved)
        if given is None:
            words = "Nothing of that id waits for an answer; it may have been answered already, or be over."
            return [_refused(answered.request_id, words)]
        told: JsonObject = {"id": answered.execution_id, "is_approved": answered.is_approved}
        return [*given, Answer(answered.request_id, told)]

    def _wanted(self, wanted: RemedyWanted, now: datetime) -> list[Given]:
        remedy = REMEDIES.get(wanted.remedy)
        if remedy is None:
            return [_refused(wanted.request_id, f"There is no remedy '{wanted.remedy}': {', '.join(REMEDIES)}.")]
        given = self._healing.handle_wanted(wanted.device_id, remedy, wanted.by, now, is_forced=wanted.is_forced)
        if isinstance(given, str):
            return [_refused(wanted.request_id, given)]
        told: JsonObject = {"device_id": wanted.device_id, "remedy": remedy.name, "words": remedy.words}
        return [*given, Answer(wanted.request_id, told)]


def _refused(request_id: str, words: str) -> Answer:
    return Answer(request_id, CallAnswered(CallId(request_id), error=words))
