"""What happened, for the doors: read back from the mirror, and told by the doors themselves."""

from collections.abc import Callable

from hub_agent.core.activity.words import person
from hub_agent.model.activity import ActivityAsked, Filling, Happened, Phrase
from hub_agent.model.inputs import ActivityTold, Input
from hub_agent.model.json import JsonObject
from hub_agent.ports import Store


class Activity:
    """Fills ports.Activity."""

    def __init__(self, store: Store, put: Callable[[Input], None]) -> None:
        self._store = store
        self._put = put

    async def read(self, asked: ActivityAsked) -> JsonObject:
        entries = await self._store.activity(asked)
        is_more = len(entries) == asked.limit
        return {"entries": entries, "before": entries[-1]["id"] if entries and is_more else None}

    def note(self, kind: str, who: str | None, words: str, **filling: Filling) -> None:
        self._put(ActivityTold(Happened(kind, person(who), Phrase(words, filling))))
