"""How commands talk to the running agent: HTTP over its Unix socket."""

import json
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import click

from hub_agent.errors import AgentNotRunning, ConfigError, NotFound, OperatingError, PersonNeeded

ANSWER_TIMEOUT_S = 15.0
LINES = "application/x-ndjson"
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d|Z)")

_ZONE = "nexa-hub.zone"

# What the API answers is JSON for people: commands print it and look up keys, no more.
Json = Any


class Link:
    def __init__(self, path: str | None) -> None:
        self._doubt = ""
        self._path = Path(path) if path else self._configured_socket()

    def get(self, path: str, **query: str | int | None) -> Json:
        given = {name: value for name, value in query.items() if value is not None}
        return self._ask("GET", f"{path}?{urlencode(given)}" if given else path)

    def post(self, path: str, body: Mapping[str, object] | None = None, *, timeout_s: float | None = None) -> Json:
        return self._ask("POST", path, body or {}, timeout_s)

    def lines(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Iterator[Json]:
        """An answer that comes in lines and may take its time."""
        content = None if body is None else json.dumps(body)
        with self._answer(method, f"/api/v1/{path}", content, {"accept": LINES}) as response:
            if response.status >= HTTPStatus.BAD_REQUEST:
                raise _error(response.status, response.read())
            for line in response:
                said = json.loads(line)
                if "error" in said:
                    raise OperatingError(said["error"]["message"])
                yield said

    def text(self, path: str) -> str:
        """What is no JSON, from the root."""
        status, answer = self._exchange("GET", f"/{path}", None, None)
        if status >= HTTPStatus.BAD_REQUEST:
            raise _error(status, answer)
        return answer.decode()

    def patch(self, path: str, body: Mapping[str, object]) -> Json:
        return self._ask("PATCH", path, body)

    def put(self, path: str, body: Mapping[str, object]) -> Json:
        return self._ask("PUT", path, body)

    def delete(self, path: str) -> Json:
        return self._ask("DELETE", path)

    def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        timeout_s: float | None = None,
    ) -> Json:
        content = None if body is None else json.dumps(body)
        status, answer = self._exchange(method, f"/api/v1/{path}", content, timeout_s)
        if status >= HTTPStatus.BAD_REQUEST:
            raise _error(status, answer)
        try:
            return json.loads(answer)
        except ValueError as err:
            raise OperatingError(f"What answers at {self._path} is not a hub's agent.") from err

    def _exchange(self, method: str, path: str, body: str | None, timeout_s: float | None) -> tuple[int, bytes]:
        with self._answer(method, path, body, {}, timeout_s) as response:
            return response.status, response.read()

    @contextmanager
    def _answer(
        self,
        method: str,
        path: str,
        body: str | None,
        headers: Mapping[str, str],
        timeout_s: float | None = None,
    ) -> Iterator[HTTPResponse]:
        within_s = ANSWER_TIMEOUT_S if timeout_s is None else timeout_s
        connection = _Connection(self._path, within_s)
        try:
            connection.request(
                method, path, body, {**headers, **({"content-type": "application/json"} if body else {})}
            )
            yield connection.getresponse()
        except TimeoutError as err:
            raise OperatingError(f"The agent at {self._path} does not answer within {within_s:g} s.") from err
        except PermissionError as err:
            raise OperatingError(f"You may not use {self._path}: join the group nexa-hub, or use sudo.") from err
        except HTTPException as err:
            raise AgentNotRunning(f"What answers at {self._path} broke off, or is not a hub's agent.") from err
        except OSError as err:
            raise AgentNotRunning(
                f"No agent answers at {self._path}. Start it with: systemctl start nexa-hub (or: nexa-hub run); "
                f"or say where it is with --socket, or where its settings are with NEXA_CONFIG.{self._doubt}"
            ) from err
        finally:
            connection.close()

    def _configured_socket(self) -> Path:
        """Settings that this user cannot read may well be those of an agent at the usual place."""
        from hub_agent.config import DEFAULT_SOCKET, load_config

        try:
            return load_config().agent.socket
        except ConfigError as err:
            self._doubt = f" (Its settings could not be read: {err})"
            return DEFAULT_SOCKET


class _Connection(HTTPConnection):
    """To a Unix socket. The standard library's client, because it is there at once."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _error(status: int, body: bytes) -> OperatingError:
    try:
        fault = json.loads(body)["error"]
        words = " ".join(part for part in (fault["message"], fault.get("hint")) if part)
        needs = fault.get("needs")
    except (ValueError, KeyError, TypeError):
        return OperatingError(f"the agent answered with status {status}")
    if needs:
        return PersonNeeded(words, needs["kind"], tuple(needs["fields"]))
    return NotFound(words) if status == HTTPStatus.NOT_FOUND else OperatingError(words)


def print_json(body: Json) -> None:
    click.echo(json.dumps(body, indent=2, ensure_ascii=False, default=str))


def print_table(rows: Sequence[Sequence[object]], headings: Sequence[str]) -> None:
    """Columns as wide as they need to be; the last one may run on."""
    texts = [[_text(cell) for cell in row] for row in rows]
    widths = [max(len(line[column]) for line in (list(headings), *texts)) for column in range(len(headings))]
    for line in (list(headings), *texts):
        padded = [cell.ljust(width) for cell, width in zip(line[:-1], widths, strict=False)]
        click.echo("  ".join([*padded, line[-1]]).rstrip())


def _text(cell: object) -> str:
    if cell is None:
        return "-"
    return home_time(str(cell)) if isinstance(cell, str) else str(cell)


def home_time(text: str) -> str:
    """An instant as the home's clocks say it, with its zone; any other text stays as it is."""
    if not _INSTANT.fullmatch(text):
        return text
    return f"{datetime.fromisoformat(text).astimezone(home_zone()):%Y-%m-%d %H:%M:%S %Z}"


def home_zone() -> ZoneInfo | None:
    """The home's, which this machine need not keep; None: no agent says it, so that this machine's has to do. Asked for once by a command."""
    ctx = click.get_current_context(silent=True)
    if ctx is None:
        return None
    if _ZONE not in ctx.meta:
        ctx.meta[_ZONE] = None
        # An unknown zone is a KeyError too.
        with suppress(OperatingError, KeyError, TypeError, ValueError):
            ctx.meta[_ZONE] = ZoneInfo(Link(ctx.find_root().obj).get("status")["home"]["timezone"])
    known: ZoneInfo | None = ctx.meta[_ZONE]
    return known


def as_json_option(function: Any) -> Any:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)
