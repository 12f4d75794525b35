"""The ways to people: messages to the channels of the settings, one at a time, tried again until they are through or too old.

What a channel owes is remembered over a restart: a message may come twice, never not at all. Of what waited while a channel was shut
many become one message, and what is over meanwhile is not told at all.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from hub_agent.model.action import Call, CallAnswered
from hub_agent.model.effects import Answer, CallOutside, Durability, IssueCleared, IssueRaised, Save
from hub_agent.model.ids import CallId, NewId
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject
from hub_agent.model.state import Cause

Given: TypeAlias = CallOutside | Save | Answer | IssueRaised | IssueCleared

ROOM: Final = "alerting"
OWED: Final = "channel/"
ISSUE: Final = "channel_failing"
OWED_MAX: Final = 50
TESTS_MAX: Final = 20
JOINED_FROM: Final = 6
NAMED_MAX: Final = 5
TOO_OLD: Final = timedelta(hours=24)
WAITS: Final = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1))
# No answer at all: it was lost.
ANSWER_WITHIN: Final = timedelta(minutes=5)
# What the central schema's `notification_channels` calls the kinds of channels that a hub has.
KINDS: Final[Mapping[str, str]] = {"push": "ntfy", "webhook": "webhook", "email": "apprise", "sms": "apprise"}
DAMAGED: Final = (KeyError, TypeError, ValueError, AttributeError)


@dataclass(frozen=True, slots=True)
class Message:
    """`about`: the alert. kind: opened | worse | repeat | resolved | test."""

    about: str
    kind: str
    title: str
    text: str
    severity: str
    at: datetime

    def as_json(self) -> JsonObject:
        return {"about": self.about, "kind": self.kind, "title": self.title, "text": self.text, "severity": self.severity, "at": self.at.isoformat()}  # fmt: skip

    @classmethod
    def from_json(cls, body: JsonObject) -> "Message":
        texts = [str(body[name]) for name in ("about", "kind", "title", "text", "severity")]
        return cls(texts[0], texts[1], texts[2], texts[3], texts[4], datetime.fromisoformat(str(body["at"])))


@dataclass(slots=True)
class _Channel:
    kind: str
    owed: list[Message] = field(default_factory=list)
    call: CallId | None = None
    under_way: int = 0
    failures: int = 0
    reason: str = ""
    ready_at: datetime | None = None


class Channels:
    def __init__(self, new_id: NewId, kinds: Mapping[str, str]) -> None:
        """`kinds`: by name what kind of channel it is: ntfy | webhook | apprise."""
        self._new_id = new_id
        self._tests: dict[CallId, str] = {}
        self._by_name = {name: _Channel(kind) for name, kind in sorted(kinds.items())}

    def named(self, wanted: Sequence[str]) -> tuple[str, ...]:
        """Those that a rule means: by their own name, by kind, or `all`."""
        kinds = {KINDS.get(each) for each in wanted}
        return tuple(
            name for name, each in self._by_name.items() if "all" in wanted or name in wanted or each.kind in kinds
        )

    def shown(self) -> list[JsonObject]:
        return [
            {"name": name, "kind": each.kind, "waiting": len(each.owed), "failing": each.reason or None}
            for name, each in self._by_name.items()
        ]

    def __contains__(self, call_id: CallId) -> bool:
        return call_id in self._tests or any(each.call == call_id for each in self._by_name.values())

    def send(self, name: str, message: Message, now: datetime) -> list[Given]:
        channel = self._by_name.get(name)
        if channel is None:
            return []
        if message.kind == "resolved":
            untold = [each for each in channel.owed[channel.under_way :] if each.about == message.about]
            channel.owed = [each for each in channel.owed if each not in untold]
            if any(each.kind == "opened" for each in untold):
                return [self._save(name, channel)]
        if len(channel.owed) >= OWED_MAX:
            del channel.owed[channel.under_way]
        channel.owed.append(message)
        return [self._save(name, channel), *self._go_on(name, channel, now)]

    def test(self, name: str, message: Message) -> list[Given]:
        """Tried once, at once, whatever waits; its end is the answer to the request that it is about."""
        call_id = CallId(self._new_id())
        while len(self._tests) >= TESTS_MAX:
            del self._tests[next(iter(self._tests))]
        self._tests[call_id] = message.about
        return [_call(call_id, name, message.title, message.text, message.about)]

    def handle_answered(self, answered: CallAnswered, now: datetime) -> list[Given]:
        if (request_id := self._tests.pop(answered.call_id, None)) is not None:
            told: JsonObject = {"sent": True} if answered.error is None else {"error": answered.error}
            return [Answer(request_id, told)]
        for name, channel in self._by_name.items():
            if channel.call == answered.call_id:
                return self._answered(name, channel, answered.error, now)
        return []

    def get_timer(self) -> datetime | None:
        return min((each.ready_at for each in self._by_name.values() if each.ready_at is not None), default=None)

    def handle_timer(self, now: datetime) -> list[Given]:
        given: list[Given] = []
        for name, channel in self._by_name.items():
            if channel.ready_at is None or channel.ready_at > now:
                continue
            if channel.call is not None:
                given += self._answered(name, channel, "it did not answer", now)
            else:
                channel.ready_at = None
                given += self._go_on(name, channel, now)
        return given

    def handle_clock_step(self, by: timedelta) -> None:
        for channel in self._by_name.values():
            channel.ready_at = channel.ready_at + by if channel.ready_at else None

    def restore(self, saved: Mapping[str, JsonObject], now: datetime) -> list[Given]:
        given: list[Given] = []
        for key, body in sorted(saved.items()):
            if not key.startswith(OWED):
                continue
            channel, owed = self._by_name.get(key.removeprefix(OWED)), body.get("owed")
            if channel is None:
                given.append(Save(ROOM, key, None))
            elif isinstance(owed, list | tuple):
                for each in owed[:OWED_MAX]:
                    with contextlib.suppress(*DAMAGED):
                        channel.owed.append(Message.from_json(each))
                channel.ready_at = now + WAITS[0] if channel.owed else None
        return given

    # One channel.

    def _go_on(self, name: str, channel: _Channel, now: datetime) -> list[Given]:
        channel.owed = channel.owed[: channel.under_way] + [
            each for each in channel.owed[channel.under_way :] if now - each.at < TOO_OLD
        ]
        if channel.call is not None or not channel.owed or (channel.ready_at is not None and channel.ready_at > now):
            return []
        channel.under_way = len(channel.owed) if len(channel.owed) >= JOINED_FROM else 1
        title, text = _joined(channel.owed[: channel.under_way])
        channel.call, channel.ready_at = CallId(self._new_id()), now + ANSWER_WITHIN
        return [_call(channel.call, name, title, text, channel.owed[0].about)]

    def _answered(self, name: str, channel: _Channel, error: str | None, now: datetime) -> list[Given]:
        sent, channel.call, channel.under_way, channel.ready_at = channel.under_way, None, 0, None
        if error is None:
            was_failing, channel.failures, channel.reason = channel.failures > 0, 0, ""
            del channel.owed[:sent]
            cleared: list[Given] = [IssueCleared(ISSUE, name)] if was_failing else []
            return [*cleared, self._save(name, channel), *self._go_on(name, channel, now)]
        channel.ready_at = now + WAITS[min(channel.failures, len(WAITS) - 1)]
        channel.failures += 1
        channel.reason = error
        return (
            [IssueRaised(Issue(ISSUE, name, now, {"channel": name, "reason": error}))] if channel.failures == 1 else []
        )

    @staticmethod
    def _save(name: str, channel: _Channel) -> Save:
        body: JsonObject | None = {"owed": [each.as_json() for each in channel.owed]} if channel.owed else None
        return Save(ROOM, f"{OWED}{name}", body, Durability.COMMIT)


def _call(call_id: CallId, name: str, title: str, text: str, about: str) -> CallOutside:
    return CallOutside(Call(call_id, f"notify.{name}", (), {"title": title, "message": text}, Cause("alert", about)))


def _joined(messages: Sequence[Message]) -> tuple[str, str]:
    if len(messages) == 1:
        return messages[0].title, messages[0].text
    others = len(messages) - NAMED_MAX
    rest = f" and {others} other{'s' if others > 1 else ''}" if others > 0 else ""
    return f"{len(messages)} messages", "; ".join(each.title for each in messages[:NAMED_MAX]) + rest
