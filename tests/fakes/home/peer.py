"""What every simulated program or device on the broker is: a pure state machine with a last will."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from hub_agent.model.report import Publication

DATA = Path(__file__).parent / "data"

Json = dict[str, Any]


class Peer(Protocol):
    """One MQTT client of the home. Time comes in as `now`; nothing here waits or reads a clock."""

    @property
    def name(self) -> str: ...

    @property
    def will(self) -> Publication: ...

    @property
    def subscriptions(self) -> Sequence[str]: ...

    def start(self, now: datetime) -> list[Publication]:
        """What it publishes whenever it has (re)connected."""

    def handle(self, topic: str, payload: bytes, now: datetime) -> list[Publication]: ...

    def get_timer(self) -> datetime | None: ...

    def handle_timer(self, now: datetime) -> list[Publication]: ...


def say(
    topic: str, body: Mapping[str, Any] | Sequence[Any] | str, *, retain: bool = False, qos: int = 0
) -> Publication:
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return Publication(topic, text.encode(), qos=qos, retain=retain)


def parse_object(payload: bytes) -> Json:
    """The JSON object in a payload; empty if it is anything else, as real devices shrug."""
    try:
        body = json.loads(payload)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def read_lines(name: str) -> list[Json]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


def read_json(name: str) -> Any:
    return json.loads((DATA / name).read_text(encoding="utf-8"))
