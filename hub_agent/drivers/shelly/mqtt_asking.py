"""What is asked of devices of the later generations over MQTT: requests to `<prefix>/rpc`, answers at `nexa-hub/rpc`.

A device that is heard is asked who it is, and who says it is a Shelly how it is set up and how things are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import orjson

from hub_agent.drivers import given
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import Publication

SOURCE: Final = "nexa-hub"
REPLIES: Final = f"{SOURCE}/rpc"
# Requests that nobody has answered yet, and descriptions that are not whole yet. Of more, the oldest are given up.
PENDING_MAX: Final = 1_000
INQUIRIES_MAX: Final = 300
# Without an answer a device is asked no more often, until it comes back.
TRIES_MAX: Final = 5
STRANGERS_MAX: Final = 2_000
COMPONENTS_MAX: Final = 128

# Passwords and addresses of other services stand in them, and nothing that a home needs.
_PRIVATE: Final = frozenset({"wifi", "mqtt", "ws", "cloud"})


@dataclass(frozen=True, slots=True)
class Question:
    """`what`: which part of a description, `refresh`, or `command`, which is to the entity of this key."""

    prefix: str
    what: str
    key: str | None = None


@dataclass(slots=True)
class Inquiry:
    """What a device has told of itself so far. Private parts of its settings are not taken up."""

    info: JsonObject
    config: JsonObject | None = None
    status: JsonObject | None = None
    components: list[JsonValue] = field(default_factory=list)
    has_components: bool = False

    @property
    def is_whole(self) -> bool:
        return self.config is not None and self.status is not None and self.has_components

    def description(self) -> JsonObject:
        return {"shelly": self.info, "settings": self.config, "status": self.status, "components": self.components}


class Asking:
    def __init__(self) -> None:
        self._number = 0
        self._pending: dict[int, Question] = {}
        self._inquiries: dict[str, Inquiry] = {}
        self._tries_by_prefix: dict[str, int] = {}

    def call(
        self, prefix: str, what: str, method: str, params: JsonObject = given.NOTHING, key: str | None = None
    ) -> Publication:
        self._number += 1
        while len(self._pending) >= PENDING_MAX:
            del self._pending[next(iter(self._pending))]
        self._pending[self._number] = Question(prefix, what, key)
        body: JsonObject = {"id": self._number, "src": SOURCE, "method": method, "params": params}
        return Publication(f"{prefix}/rpc", orjson.dumps(body))

    def answered(self, body: JsonObject) -> Question | None:
        """The question that this answers."""
        number = body.get("id")
        return self._pending.pop(number, None) if isinstance(number, int) and "method" not in body else None

    def who_is(self, prefix: str) -> Sequence[Publication]:
        """Nothing if it was asked in vain before."""
        tries = self._tries_by_prefix.pop(prefix, 0)
        while len(self._tries_by_prefix) >= STRANGERS_MAX:
            del self._tries_by_prefix[next(iter(self._tries_by_prefix))]
        self._tries_by_prefix[prefix] = tries + 1
        return [self.call(prefix, "info", "Shelly.GetDeviceInfo")] if tries < TRIES_MAX else ()

    def may_ask_again(self, prefix: str) -> None:
        self._tries_by_prefix.pop(prefix, None)

    def inquire(self, prefix: str, info: JsonObject) -> list[Publication]:
        self._inquiries.pop(prefix, None)
        while len(self._inquiries) >= INQUIRIES_MAX:
            del self._inquiries[next(iter(self._inquiries))]
        self._inquiries[prefix] = Inquiry(info)
        return [
            self.call(prefix, "config", "Shelly.GetConfig"),
            self.call(prefix, "status", "Shelly.GetStatus"),
            self._components(prefix, 0),
        ]

    def _components(self, prefix: str, offset: int) -> Publication:
        """Virtual ones and those of Bluetooth devices, page by page."""
        params: JsonObject = {"offset": offset, "include": ["config", "status"], "dynamic_only": True}
        return self.call(prefix, "components", "Shelly.GetComponents", params)

    def told(self, question: Question, result: JsonObject | None) -> Sequence[Publication] | Inquiry:
        """A part of a description. `result` None: it was refused. Answers with the whole, or what is still to be asked."""
        inquiry = self._inquiries.get(question.prefix)
        if inquiry is None:
            return ()
        if question.what == "config":
            inquiry.config = {name: part for name, part in (result or {}).items() if name not in _PRIVATE}
        elif question.what == "status" and result is not None:
            inquiry.status = result
        elif question.what == "components":
            page = given.listed(result, "components")
            inquiry.components += page[: COMPONENTS_MAX - len(inquiry.components)]
            total = min(given.number(result, "total") or 0, COMPONENTS_MAX)
            if page and len(inquiry.components) < total:
                return [self._components(question.prefix, len(inquiry.components))]
            # Old firmware knows no such thing.
            inquiry.has_components = True
        if not inquiry.is_whole:
            return ()
        del self._inquiries[question.prefix]
        self.may_ask_again(question.prefix)
        return inquiry

    def forget(self, prefix: str) -> None:
        self._inquiries.pop(prefix, None)
        self._tries_by_prefix.pop(prefix, None)
