"""Notices for the people of the home: `persistent_notification.*`, and what rules say with `notify.*`.

Every notice stands on the page until it is dismissed, or replaced by one of the same id or tag. What is said with `notify` is an
alert as well, goes to the channels of the settings, and is told on the broker. A rule does not wait for the channels: what came of
them stands in the alert.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeAlias

import orjson

from hub_agent.core.alerts import SHOWN, AlertRow, as_json, from_json, new_alert
from hub_agent.model.action import Call, CallAnswered
from hub_agent.model.effects import Announce, AppendCase, CallOutside, Effect, Publish, Save, Warn
from hub_agent.model.ids import CallId, HomeId, NewId
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import Publication

Given: TypeAlias = Save | Announce | AppendCase | CallOutside | Publish | CallAnswered | Warn

ROOM: Final = "notices"
DOMAINS: Final = frozenset({"notify", "persistent_notification"})
# The oldest goes first; as an alert it is known in the cloud.
NOTICES_MAX: Final = 100
ID_CHARS_MAX: Final = 255
TITLE_CHARS_MAX: Final = 200
MESSAGE_CHARS_MAX: Final = 4_000
# A rule that says more than this is not heard any better: what is too much is left out, and logged.
SAID_A_MINUTE_MAX: Final = 30
ALERT_TYPE: Final = "notice"
# What is less is not pushed to people who have never said how they want it.
SEVERITY: Final = "warning"

# What the companion app takes for "take back the notice of that tag".
_CLEAR: Final = "clear_notification"
_TAG: Final = "tag/"
_SEND: Final = frozenset({"notify", "send_message"})


@dataclass(slots=True)
class Notice:
    """`alert` is its row, while it is one; `revision` that row's newest."""

    id: str
    title: str
    message: str
    created_at: datetime
    source: str
    alert: AlertRow | None = None
    revision: int = 0

    def as_json(self) -> JsonObject:
        return {
            "title": self.title,
            "message": self.message,
            "created_at": self.created_at.isoformat(),
            "source": self.source,
            "alert": as_json(self.alert) if self.alert else None,
            "revision": self.revision,
        }

    def shown(self) -> JsonObject:
        return {
            "id": self.id,
            "title": self.title,
            "message": self.message,
            "created_at": self.created_at.isoformat(),
            "source": self.source,
        }


@dataclass(slots=True)
class _Sending:
    """A notice on its way: channels that have not answered yet."""

    notice: Notice
    waiting: set[CallId]
    reached: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class Notices:
    def __init__(self, home_id: HomeId, new_id: NewId, channels: Mapping[str, str]) -> None:
        """`channels`: names of the settings, `phone` for `notify.phone`, and what kind each is of."""
        self.channels = channels
        self._home_id = home_id
        self._new_id = new_id
        self._channels = tuple(channels)
        self._notice_by_id: dict[str, Notice] = {}
        self._sending_by_call: dict[CallId, tuple[_Sending, str]] = {}
        self._said_at: deque[datetime] = deque(maxlen=SAID_A_MINUTE_MAX)

    @staticmethod
    def takes(call: Call) -> bool:
        return call.domain in DOMAINS

    def __contains__(self, call_id: CallId) -> bool:
        """Whether the answer to this call is for this room."""
        return call_id in self._sending_by_call

    def shown(self) -> list[JsonObject]:
        """Newest first."""
        return [notice.shown() for notice in reversed(self._notice_by_id.values())]

    def alerts(self) -> list[JsonObject]:
        """What rules said, as the alerts that they are."""
        rows = [as_json(each.alert) for each in self._notice_by_id.values() if each.alert is not None]
        return [{name: row[name] for name in SHOWN} | {"rules": [], "channels": [], "is_notice": True} for row in rows]

    def restore(self, saved: Mapping[str, JsonObject]) -> None:
        notices = [_restored(notice_id, body) for notice_id, body in saved.items()]
        self._notice_by_id = {each.id: each for each in sorted(notices, key=lambda each: (each.created_at, each.id))}

    def handle(self, call: Call, now: datetime) -> list[Given]:
        verb = call.action.partition(".")[2]
        if call.domain == "notify" and verb != "persistent_notification":
            return self._notify(call, verb, now)
        if verb in {"create", "persistent_notification"}:
            return self._create(call, now)
        if verb == "dismiss":
            return self._dismiss_named(call, now)
        if verb == "dismiss_all":
            return [*self._dismiss(tuple(self._notice_by_id), now), CallAnswered(call.id)]
        if verb == "mark_read":
            return [CallAnswered(call.id)]
        return [CallAnswered(call.id, error=f"there is no action {call.action}", is_unknown_action=True)]

    def handle_answered(self, answered: CallAnswered, now: datetime) -> list[Given]:
        """A channel has taken a message, or not."""
        sending, channel = self._sending_by_call.pop(answered.call_id)
        sending.waiting.discard(answered.call_id)
        if answered.error is None:
            sending.reached.append(channel)
        else:
            sending.errors.append(answered.error)
        notice = sending.notice
        if sending.waiting or notice.alert is None:
            return []
        errors = "; ".join(sending.errors)
        # The columns of `notification_…` are the cloud's own: what it sent itself.
        told: dict[str, JsonValue] = {"at": now.isoformat(), "reached": sorted(sending.reached)}
        if errors:
            told["error"] = errors[:MESSAGE_CHARS_MAX]
        notice.alert["metadata"] = {"hub_channels": told}
        return self._revised(notice)

    # What is asked for.

    def _create(self, call: Call, now: datetime) -> list[Given]:
        message = call.data.get("message")
        if message is None:
            return [CallAnswered(call.id, error=f"{call.action} needs a message")]
        data = call.data.get("data")
        named = call.data.get("notification_id")
        if named is None and isinstance(data, Mapping):
            named = data.get("notification_id")
        notice_id = self._new_id() if named is None else str(named)[:ID_CHARS_MAX]
        notice = Notice(notice_id, _title(call), _text(message)[:MESSAGE_CHARS_MAX], now, _source(call))
        return [*self._put(notice, now), CallAnswered(call.id)]

    def _dismiss_named(self, call: Call, now: datetime) -> list[Given]:
        named = call.data.get("notification_id")
        if named is None:
            return [CallAnswered(call.id, error="persistent_notification.dismiss needs a notification_id")]
        return [*self._dismiss((str(named)[:ID_CHARS_MAX],), now), CallAnswered(call.id)]

    def _notify(self, call: Call, verb: str, now: datetime) -> list[Given]:
        message = call.data.get("message")
        if message is None:
            return [CallAnswered(call.id, error=f"{call.action} needs a message")]
        tag = _tag(call)
        if message == _CLEAR:
            return [*self._dismiss((f"{_TAG}{tag}",) if tag else (), now), CallAnswered(call.id)]
        if len(self._said_at) == SAID_A_MINUTE_MAX and now - self._said_at[0] < timedelta(minutes=1):
            text = f"More than {SAID_A_MINUTE_MAX} messages in a minute: one of {call.action} was left out."
            return [Warn("notices", text), CallAnswered(call.id)]
        self._said_at.append(now)
        alert_id = self._new_id()
        text = _text(message)[:MESSAGE_CHARS_MAX]
        notice = Notice(f"{_TAG}{tag}" if tag else alert_id, _title(call), text, now, _source(call))
        notice.alert, notice.revision = _alert(alert_id, notice, call, now), 1
        sent = self._send(notice, self._channels_for(call, verb), call)
        return [
            *self._put(notice, now),
            AppendCase("alerts", alert_id, 1, dict(notice.alert)),
            *sent,
            CallAnswered(call.id),
        ]

    def _channels_for(self, call: Call, verb: str) -> Sequence[str]:
        """The channel of that name; all of them for whatever else rules call their phones."""
        named = {verb, *(each.partition(".")[2] for each in call.target)} if verb in _SEND else {verb}
        chosen = [channel for channel in self._channels if channel in named]
        return chosen or self._channels

    def _send(self, notice: Notice, channels: Sequence[str], call: Call) -> list[Given]:
        body: JsonObject = {"title": notice.title, "message": notice.message}
        told = orjson.dumps({"id": notice.id, **body, "created_at": notice.created_at, "action": call.action})
        given: list[Given] = [Publish(Publication(f"nexa/{self._home_id}/notice", told))]
        sending = _Sending(notice, set())
        for channel in channels:
            call_id = CallId(self._new_id())
            sending.waiting.add(call_id)
            self._sending_by_call[call_id] = (sending, channel)
            given.append(CallOutside(Call(call_id, f"notify.{channel}", (), body, call.cause)))
        return given

    def answer_alert(self, alert_id: str, verb: str, now: datetime) -> Sequence[Effect] | None:
        """Somebody answers it: acknowledge, or resolve or dismiss, which take it away here too. None: no alert of ours."""
        for notice in self._notice_by_id.values():
            if notice.alert is not None and notice.alert.get("id") == alert_id:
                break
        else:
            return None
        if verb == "dismiss":
            return self._dismiss((notice.id,), now)
        if verb == "resolve":
            notice.alert |= {"status": "resolved", "resolved_at": now}
            gone = Announce("notice", {"id": notice.id, "message": None})
            del self._notice_by_id[notice.id]
            return [self._revision(notice), Save(ROOM, notice.id, None), gone]
        notice.alert |= {"status": "acknowledged", "acknowledged_at": now}
        return [self._revision(notice), Save(ROOM, notice.id, notice.as_json())]

    # What is kept.

    def _put(self, notice: Notice, now: datetime) -> list[Given]:
        given: list[Given] = []
        older = self._notice_by_id.pop(notice.id, None)
        if older is not None:
            given += self._end_alert(older, now)
        while len(self._notice_by_id) >= NOTICES_MAX:
            given += self._dismiss((next(iter(self._notice_by_id)),), now)
        self._notice_by_id[notice.id] = notice
        return [*given, Save(ROOM, notice.id, notice.as_json()), Announce("notice", notice.shown())]

    def _dismiss(self, notice_ids: Sequence[str], now: datetime) -> list[AppendCase | Save | Announce]:
        given: list[AppendCase | Save | Announce] = []
        for notice_id in notice_ids:
            notice = self._notice_by_id.pop(notice_id, None)
            if notice is not None:
                gone = Announce("notice", {"id": notice_id, "message": None})
                given += [*self._end_alert(notice, now), Save(ROOM, notice_id, None), gone]
        return given

    def _end_alert(self, notice: Notice, now: datetime) -> list[AppendCase]:
        if notice.alert is None:
            return []
        notice.alert |= {"status": "dismissed", "dismissed_at": now}
        return [self._revision(notice)]

    def _revised(self, notice: Notice) -> list[Given]:
        given: list[Given] = [self._revision(notice)]
        if self._notice_by_id.get(notice.id) is notice:
            given.append(Save(ROOM, notice.id, notice.as_json()))
        return given

    @staticmethod
    def _revision(notice: Notice) -> AppendCase:
        assert notice.alert is not None
        notice.revision += 1
        return AppendCase("alerts", str(notice.alert["id"]), notice.revision, dict(notice.alert))


def _alert(alert_id: str, notice: Notice, call: Call, now: datetime) -> AlertRow:
    title = notice.title or _first_line(notice.message)
    row = new_alert(alert_id, ALERT_TYPE, SEVERITY, title=title, message=notice.message, now=now)
    data = call.data.get("data")
    is_pressing = isinstance(data, Mapping) and (data.get("priority") == "high" or data.get("importance") == "high")
    return row | {
        "priority": "high" if is_pressing else "normal",
        "source_type": notice.source,
        "context": {"action": call.action, "cause": call.cause.kind, "run_id": call.cause.id or None},
    }


def _first_line(message: str) -> str:
    return next(iter(message.splitlines()), "")[:TITLE_CHARS_MAX] or "Notice"


def _source(call: Call) -> str:
    return "automation" if call.cause.kind == "automation" else "system"


def _title(call: Call) -> str:
    title = call.data.get("title")
    return "" if title is None else _text(title)[:TITLE_CHARS_MAX]


def _tag(call: Call) -> str | None:
    data = call.data.get("data")
    tag = data.get("tag") if isinstance(data, Mapping) else None
    return None if tag is None or tag == "" else str(tag)[: ID_CHARS_MAX - len(_TAG)]


def _text(value: JsonValue) -> str:
    """What a template gave may read as a number or a list."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _restored(notice_id: str, body: JsonObject) -> Notice:
    revision = body.get("revision")
    alert = from_json(body.get("alert"))
    return Notice(
        notice_id,
        str(body["title"]),
        str(body["message"]),
        datetime.fromisoformat(str(body["created_at"])),
        str(body["source"]),
        alert or None,
        revision if isinstance(revision, int) else 0,
    )
