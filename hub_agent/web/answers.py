"""What routes answer with, and whom they answer."""

import orjson
from fastapi import Request
from fastapi.responses import JSONResponse

from hub_agent.web.keys import Key
from hub_agent.web.scopes import Scope


class OrjsonResponse(JSONResponse):
    def render(self, content: object) -> bytes:
        return orjson.dumps(content, option=orjson.OPT_NON_STR_KEYS)


def by_whom(request: Request) -> str:
    return str(request.scope.get("by", ""))


def scope_of(request: Request) -> Scope:
    """What whoever asks may do. At the Unix socket everything."""
    key = request.scope.get("nexa_key")
    return key.scope if isinstance(key, Key) else Scope.CONFIGURE
