"""Replays in the test's own process: what adapters/replaying.py does in another."""

from collections.abc import AsyncGenerator

import orjson

from hub_agent.errors import DefinitionError, NotPossible
from hub_agent.model.json import JsonObject
from hub_agent.replay import Request, replayed
from hub_agent.store.store import Mirror


class ReplayBeside:
    """Fills ports.Replayer. The request and the answer go through JSON, as between two processes."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror

    async def replay(self, request: JsonObject) -> AsyncGenerator[JsonObject, None]:
        asked = orjson.loads(orjson.dumps({**request, "mirror": str(self._mirror.path)}))
        try:
            for said in replayed(Request.from_json(asked)):
                yield orjson.loads(orjson.dumps(said))
        except DefinitionError as err:
            raise NotPossible(str(err)) from err
