"""Does what is stored: encodes commands, publishes, answers whoever waits, tells the page."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import assert_never

from hub_agent.drivers.driver import Driver, InterviewDriver, SceneDriver
from hub_agent.errors import NotPossible
from hub_agent.model.action import Call, CallAnswered, Command, Recall
from hub_agent.model.device import Device, Entity
from hub_agent.model.effects import (
    Announce,
    Answer,
    AskState,
    CallOutside,
    CloseLink,
    DropScene,
    Interview,
    IssueCleared,
    IssueRaised,
    LogLine,
    LookAround,
    OpenLink,
    Outward,
    Publish,
    Reconfigure,
    ReleaseDevice,
    SendCommand,
    StoreScene,
    Warn,
)
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.model.inputs import CommandNotSent, CommandSent, Input
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject
from hub_agent.model.link import Request
from hub_agent.model.report import Publication, SceneNotKept, Subscribe
from hub_agent.ports import Broker, Change, Links, Moment
from hub_agent.runtime.changes import Changes

log = logging.getLogger(__name__)

# After its first warning a fault is logged at DEBUG until it has been quiet for this long.
WARNING_REPEAT = timedelta(hours=1)
WARNINGS_MAX = 1000
# Messages of rules wait so long for the connection, as commands do; the hub's start comes before it, too.
MESSAGE_WAITS_S = 30.0
MESSAGES_WAITING_MAX = 1000
# What rules write into the log: more than this is left out, so that a rule that never stops does not fill the disk.
LINES_A_MINUTE_MAX = 60
# Presses of scenes whose one word has gone out; the commands of all members come at once.
RECALLS_REMEMBERED = 32

AnswerBody = CallAnswered | JsonObject


class Effects:
    def __init__(
        self,
        *,
        broker: Broker,
        links: Links,
        drivers: Mapping[str, Driver],
        find_device: Callable[[DeviceId], Device | None],
        find_entity: Callable[[EntityId], Entity | None],
        feed_back: Callable[[Input], None],
        changes: Changes,
        take_errand: Callable[[Call], bool] = lambda _: False,
    ) -> None:
        """`take_errand`: False if nobody outside does such a thing."""
        # Asks the network who is there; set by whoever listens to it.
        self.look_around: Callable[[], None] = lambda: None
        self._broker = broker
        self._links = links
        self._drivers = drivers
        self._find_device = find_device
        self._find_entity = find_entity
        self._feed_back = feed_back
        self._changes = changes
        self._take_errand = take_errand
        self._unsent: deque[tuple[Publication, Moment]] = deque(maxlen=MESSAGES_WAITING_MAX)
        self._recalled_last: deque[Recall] = deque(maxlen=RECALLS_REMEMBERED)
        self._waiting_by_id: dict[str, asyncio.Future[AnswerBody]] = {}
        self._warned_at_by_key: dict[str, Moment] = {}
        self._issue_by_key: dict[tuple[str, str], Issue] = {}
        self._written_at: deque[Moment] = deque(maxlen=LINES_A_MINUTE_MAX)

    def expect(self, request_id: str) -> "asyncio.Future[AnswerBody]":
        """The answer to a request that is about to be submitted. Cancel it to stop waiting."""
        future: asyncio.Future[AnswerBody] = asyncio.get_running_loop().create_future()
        self._waiting_by_id[request_id] = future
        future.add_done_callback(lambda _: self._waiting_by_id.pop(request_id, None))
        return future

    def issues(self) -> list[Issue]:
        return sorted(self._issue_by_key.values(), key=lambda issue: (issue.since, issue.code, issue.subject))

    def connected(self, moment: Moment) -> None:
        """The broker is there: what waited for it is published, in its order; what is too old is told and dropped."""
        unsent, self._unsent = self._unsent, deque(maxlen=MESSAGES_WAITING_MAX)
        for publication, since in unsent:
            if moment.monotonic_s - since.monotonic_s <= MESSAGE_WAITS_S:
                self._do(Publish(publication), since)
            else:
                text = f"A message to {publication.topic} was dropped: for {MESSAGE_WAITS_S:.0f} s there was no connection to the broker."
                self._warn("message_dropped", text, moment)

    def carry_out(self, effects: Iterable[Outward], moment: Moment) -> None:
        for effect in effects:
            self._do(effect, moment)

    def _do(self, effect: Outward, moment: Moment) -> None:
        match effect:
            case SendCommand(command):
                self._send(command)
            case Announce(topic, body):
                self._changes.tell(Change(topic, body))
            case Answer(request_id, answer):
                self._answer(request_id, answer)
            case AskState(device_id):
                self._ask(device_id)
            case Reconfigure(device_id):
                self._reconfigure(device_id)
            case Interview(device_id):
                self._interview(device_id)
            case LookAround():
                self.look_around()
            case Publish(publication):
                if not self._broker.publish(publication):
                    self._unsent.append((publication, moment))
            case Subscribe(topics):
                self._broker.subscribe(topics)
            case IssueRaised(issue):
                self._raise(issue)
            case IssueCleared(code, subject):
                self._clear(code, subject)
            case Warn(key, text):
                self._warn(key, text, moment)
            case LogLine(level, text):
                self._write(level, text, moment)
            case ReleaseDevice(device):
                self._release(device)
            case StoreScene() | DropScene():
                self._copy_scene(effect)
            case OpenLink(peer):
                self._links.open(peer)
            case CloseLink(dialect, key):
                self._links.close(dialect, key)
            case CallOutside(call):
                self._call_outside(call)
            case _:
                assert_never(effect)

    def _send(self, command: Command) -> None:
        device, entity = self._find_device(command.device_id), self._find_entity(command.entity_id)
        if device is None or entity is None:
            self._feed_back(CommandNotSent(command.id, "the device is no longer there"))
            return
        driver = self._drivers.get(device.origin.dialect)
        if driver is None:
            self._feed_back(CommandNotSent(command.id, f"nothing here speaks {device.origin.dialect}"))
            return
        try:
            encoded = self._recalled(command) if command.recall else None
            if encoded is None:
                encoded = driver.encode(device, entity, command.action, command.data)
        except NotPossible as err:
            self._feed_back(CommandNotSent(command.id, str(err)))
            return
        if not all(self._broker.publish(each) for each in encoded if isinstance(each, Publication)):
            self._feed_back(CommandNotSent(command.id, "there is no connection to the MQTT broker", may_try_again=True))
            return
        requests = [each for each in encoded if isinstance(each, Request)]
        if requests:
            self._ask_peer(command, requests)
        else:
            self._feed_back(CommandSent(command.id))

    def _recalled(self, command: Command) -> Sequence[Publication | Request] | None:
        """The one word that moves every member, once for all of them; None where nobody keeps the copy any more."""
        recall = command.recall
        bridge = self._find_device(recall.bridge) if recall else None
        driver = self._drivers.get(bridge.origin.dialect) if bridge else None
        if recall is None or bridge is None or not isinstance(driver, SceneDriver):
            return None
        if recall in self._recalled_last:
            return []
        try:
            encoded = driver.encode_recall(bridge, recall.external_id, recall.transition_s)
        except NotPossible:
            return None  # not so: then each by itself
        self._recalled_last.append(recall)
        return encoded

    def _copy_scene(self, effect: StoreScene | DropScene) -> None:
        """What becomes of it the bridge tells, or does not: then it is tried again."""
        bridge = self._find_device(effect.bridge)
        driver = self._drivers.get(bridge.origin.dialect) if bridge else None
        if bridge is None or not isinstance(driver, SceneDriver):
            return
        try:
            if isinstance(effect, StoreScene):
                self._say(driver.encode_store(bridge, effect.copy, effect.external_id))
            else:
                self._say(driver.encode_drop(bridge, effect.external_id))
        except NotPossible as err:
            if isinstance(effect, StoreScene):
                self._feed_back(SceneNotKept(bridge.origin, effect.copy.tag, str(err)))

    def _ask_peer(self, command: Command, requests: Sequence[Request]) -> None:
        """Handed over, it counts as sent: the report that confirms it may be faster than the peer's answer. What no report confirms
        is sent when the peer says that it has it.
        """
        waiting = len(requests)
        has_failed = False

        def done(error: str | None) -> None:
            nonlocal waiting, has_failed
            waiting -= 1
            if error is not None and not has_failed:
                has_failed = True
                self._feed_back(CommandNotSent(command.id, error))
            elif not waiting and not has_failed and not command.expected:
                self._feed_back(CommandSent(command.id))

        if not all(self._links.ask(request, done) for request in requests):
            has_failed = True
            self._feed_back(CommandNotSent(command.id, "there is no connection to it", may_try_again=True))
        elif command.expected:
            self._feed_back(CommandSent(command.id))

    def _say(self, encoded: Iterable[Publication | Request]) -> None:
        """Without asking what became of it."""
        for each in encoded:
            if isinstance(each, Publication):
                self._broker.publish(each)
            else:
                self._links.ask(each, lambda _: None)

    def _ask(self, device_id: DeviceId) -> None:
        device = self._find_device(device_id)
        driver = self._drivers.get(device.origin.dialect) if device else None
        if device and driver:
            self._say(driver.encode_refresh(device))

    def _reconfigure(self, device_id: DeviceId) -> None:
        device = self._find_device(device_id)
        driver = self._drivers.get(device.origin.dialect) if device else None
        if device and driver:
            self._say(driver.encode_reconfigure(device))

    def _interview(self, device_id: DeviceId) -> None:
        device = self._find_device(device_id)
        driver = self._drivers.get(device.origin.dialect) if device else None
        if device and isinstance(driver, InterviewDriver):
            self._say(driver.encode_interview(device))

    def _release(self, device: Device) -> None:
        driver = self._drivers.get(device.origin.dialect)
        if driver:
            self._broker.unsubscribe(driver.release(device))

    def _answer(self, request_id: str, answer: AnswerBody) -> None:
        future = self._waiting_by_id.pop(request_id, None)
        if future and not future.done():
            future.set_result(answer)

    def _call_outside(self, call: Call) -> None:
        if not self._take_errand(call):
            error = f"there is no action {call.action}"
            self._feed_back(CallAnswered(call.id, error=error, is_unknown_action=True))

    def _raise(self, issue: Issue) -> None:
        key = (issue.code, issue.subject)
        if key not in self._issue_by_key:
            log.warning("%s: %s", issue.kind.title, issue.text)
        self._issue_by_key[key] = issue
        self._changes.tell(Change("issue", {"code": issue.code, "subject": issue.subject, "text": issue.text}))

    def _clear(self, code: str, subject: str) -> None:
        issue = self._issue_by_key.pop((code, subject), None)
        if issue:
            log.info("No longer: %s", issue.text)
            self._changes.tell(Change("issue", {"code": code, "subject": subject, "text": None}))

    def _write(self, level: str, text: str, moment: Moment) -> None:
        written = self._written_at
        if len(written) == LINES_A_MINUTE_MAX and moment.monotonic_s - written[0].monotonic_s < 60:
            self._warn(
                "rules_log", f"Rules write more than {LINES_A_MINUTE_MAX} lines a minute; the rest is left out.", moment
            )
            return
        written.append(moment)
        log.log(logging.getLevelNamesMapping()[level.upper()], "%s", text)

    def _warn(self, key: str, text: str, moment: Moment) -> None:
        warned = self._warned_at_by_key.get(key)
        is_repeat = warned is not None and moment.wall - warned.wall < WARNING_REPEAT
        log.log(logging.DEBUG if is_repeat else logging.WARNING, "%s", text)
        if not is_repeat:
            if len(self._warned_at_by_key) >= WARNINGS_MAX:
                self._warned_at_by_key.clear()
            self._warned_at_by_key[key] = moment
