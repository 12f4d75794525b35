"""How commands talk to the running agent: HTTP over its Unix socket."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from hub_agent.errors import AgentNotRunning, ConfigError, NotFound, OperatingError

ANSWER_TIMEOUT_S = 15.0

# What the API answers is JSON for people: commands print it and look up keys, no more.
Json = Any


class Link:
    def __init__(self, socket: str | None) -> None:
        self._path = Path(socket) if socket else _configured_socket()

    def get(self, path: str, **query: str | int | None) -> Json:
        return self._ask("GET", path, params={name: value for name, value in query.items() if value is not None})

    def post(self, path: str, body: Mapping[str, object] | None = None) -> Json:
        return self._ask("POST", path, json=body or {})

    def patch(self, path: str, body: Mapping[str, object]) -> Json:
        return self._ask("PATCH", path, json=body)

    def _ask(self, method: str, path: str, **kwargs: Any) -> Json:
        import httpx

        with self._spoken_errors():
            transport = httpx.HTTPTransport(uds=str(self._path))
            with httpx.Client(transport=transport, base_url="http://localhost", timeout=ANSWER_TIMEOUT_S) as client:
                response = client.request(method, f"/api/v1/{path}", **kwargs)
        if response.is_success:
            return response.json()
        raise _error(response.status_code, response.content)

    @contextmanager
    def _spoken_errors(self) -> Iterator[None]:
        import httpx

        try:
            yield
        except (httpx.ConnectError, httpx.ReadError, FileNotFoundError) as err:
            raise AgentNotRunning(
                f"No agent answers at {self._path}. Start it with: systemctl start nexa-hub (or: nexa-hub run); "
                "or say where it is with --socket."
            ) from err
        except PermissionError as err:
            raise OperatingError(f"You may not use {self._path}: join the group nexa-hub, or use sudo.") from err
        except httpx.TimeoutException as err:
            raise OperatingError(f"The agent at {self._path} does not answer within {ANSWER_TIMEOUT_S:g} s.") from err


def _configured_socket() -> Path:
    from hub_agent.config import load_config

    try:
        return load_config().agent.socket
    except ConfigError:
        from hub_agent.config import DEFAULT_SOCKET

        return DEFAULT_SOCKET


def _error(status: int, body: bytes) -> OperatingError:
    try:
        fault = json.loads(body)["error"]
        words = " ".join(part for part in (fault["message"], fault.get("hint")) if part)
    except (ValueError, KeyError, TypeError):
        words = f"the agent answered with status {status}"
    return NotFound(words) if status == 404 else OperatingError(words)


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
    return str(cell)


def as_json_option(function: Any) -> Any:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)
