"""What routes answer with, and whom they answer."""

import orjson
from fastapi import Request
from fastapi.responses import JSONResponse


class OrjsonResponse(JSONResponse):
    def render(self, content: object) -> bytes:
        return orjson.dumps(content, option=orjson.OPT_NON_STR_KEYS)


def by_whom(request: Request) -> str:
    return str(request.scope.get("by", ""))
