"""Messages to people, over HTTP: a topic of an ntfy server, or a webhook of somebody's own."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson

from hub_agent.adapters.rest import RestErrand, RestSettings
from hub_agent.errors import NotPossible
from hub_agent.model.json import JsonObject
from hub_agent.ports import Done

if TYPE_CHECKING:
    import httpx  # at run time only when it is used

TIMEOUT_S: Final = 15.0
# A message is worth a second and a third try; an outage of hours it does not outlive.
WAITS_S: Final = (2.0, 10.0)


class NotifyErrand:
    """Fills ports.Errand. `kind`: ntfy | webhook."""

    def __init__(
        self, kind: str, url: str, token_file: Path | None, transport: "httpx.AsyncBaseTransport | None" = None
    ) -> None:
        self._kind = kind
        self._url = url
        settings = RestSettings("post", "application/json", TIMEOUT_S, token_file=token_file)
        self._errand = RestErrand(settings, transport)

    async def run(self, data: JsonObject, *, wants_response: bool) -> Done:
        del wants_response
        for wait_s in WAITS_S:
            try:
                return await self._send(data)
            except NotPossible:
                await asyncio.sleep(wait_s)
        return await self._send(data)

    async def _send(self, data: JsonObject) -> Done:
        request = self._to_ntfy(data) if self._kind == "ntfy" else {"url": self._url, "payload": _json(data)}
        done = await self._errand.run(request, wants_response=False)
        if done.complaint is not None:
            raise NotPossible(done.complaint)
        return done

    def _to_ntfy(self, data: JsonObject) -> JsonObject:
        """Ntfy takes JSON at its root, with the topic in it: so a title may have any letters, which a header could not."""
        root, _, topic = self._url.rstrip("/").rpartition("/")
        return {
            "url": f"{root}/",
            "payload": _json({"topic": topic, **{key: each for key, each in data.items() if each}}),
        }


def _json(data: JsonObject) -> str:
    return orjson.dumps(data).decode()
