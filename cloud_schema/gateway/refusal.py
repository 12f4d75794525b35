"""Errors on the wire, in PostgREST's shape: {"code", "message", "details", "hint"}."""

import logging
import random

import orjson
import psycopg
from fastapi import Response

# SQLSTATEs, or their first two characters, and the HTTP status PostgREST gives them; ours raise PTxyz for status xyz.
STATUS_BY_SQLSTATE = {
    "42501": 403,
    "42883": 404,
    "42P01": 404,
    "40001": 503,
    "40P01": 503,
    "55P03": 503,
    "57014": 503,
    "23503": 409,
    "23505": 409,
    "25006": 405,
    "08": 503,
    "53": 503,
    "57": 503,
    "22": 400,
    "23": 400,
    "P0": 400,
    "54": 413,
}
RETRY_AFTER_S = (3, 10)

log = logging.getLogger(__name__)


class Refused(Exception):
    """An answer other than 200, with what the caller may do about it."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: str | None = None,
        *,
        hint: str | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"code": code, "message": message, "details": details, "hint": hint}
        self.retry_after_s = retry_after_s

    def as_response(self) -> Response:
        headers = {}
        if self.retry_after_s is not None:
            headers["Retry-After"] = str(self.retry_after_s)
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return Response(orjson.dumps(self.body), self.status, headers, "application/json")


def database_away() -> Refused:
    """Spread over some seconds, so that not all hubs come back in the same one."""
    return Refused(
        503,
        "PGRST000",
        "The database cannot be reached.",
        "database_away",
        hint="Try again later.",
        retry_after_s=random.randint(*RETRY_AFTER_S),
    )


def nested_too_deep() -> Refused:
    """JSON may be read here that has more levels than can be written again."""
    return Refused(400, "PGRST102", "The body is nested too deep.", "request_malformed")


def from_database(err: psycopg.Error, role: str) -> Refused:
    """What the database said, with the status that PostgREST would give it."""
    state = err.sqlstate
    if state is None:
        return database_away()
    status = _status_of(state, role)
    diag = err.diag
    if status == 500:
        log.error("the database failed: %s %s", state, err)
    return Refused(
        status,
        state,
        diag.message_primary or "The database refused.",
        diag.message_detail,
        hint=diag.message_hint,
        retry_after_s=random.randint(*RETRY_AFTER_S) if status in {429, 503} else None,
    )


def _status_of(state: str, role: str) -> int:
    if state.startswith("PT") and state[2:].isdigit():
        return int(state[2:])
    if state == "42501" and role == "anon":
        return 401
    return STATUS_BY_SQLSTATE.get(state) or STATUS_BY_SQLSTATE.get(state[:2]) or 500
