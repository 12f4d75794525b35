"""The answer to what takes its time: at its end, or in lines with the progress for whoever asks for lines."""

from collections.abc import AsyncGenerator

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from hub_agent.errors import NotPossible, OperatingError
from hub_agent.model.json import JsonObject

LINES = "application/x-ndjson"


async def replay_answer(said: AsyncGenerator[JsonObject, None], request: Request, *, name: str = "replay") -> Response:
    """What is wrong with the question is an error of its own also where lines are asked for."""
    if LINES not in request.headers.get("accept", ""):
        return Response(orjson.dumps(await _last(said, name)), media_type="application/json")
    first = await anext(said)
    return StreamingResponse(_lines(first, said), media_type=LINES)


async def _last(said: AsyncGenerator[JsonObject, None], name: str) -> object:
    async for each in said:
        if name in each:
            return each[name]
    raise NotPossible(f"The {name} ended without an answer.")


async def _lines(first: JsonObject, said: AsyncGenerator[JsonObject, None]) -> AsyncGenerator[bytes, None]:
    """Whoever goes away ends it."""
    try:
        yield _line(first)
        async for each in said:
            yield _line(each)
    except OperatingError as err:
        yield _line({"error": {"code": "not_possible", "message": str(err), "hint": None}})
    finally:
        await said.aclose()


def _line(body: JsonObject) -> bytes:
    return orjson.dumps(body) + b"\n"
