"""One message to its addresses, and what that came to."""

import logging
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from apprise import NotifyFormat, NotifyType
from apprise.logger import logger as apprise_logger
from apprise.plugins.base import NotifyBase

from cloud_schema.notifier import addresses, egress
from cloud_schema.notifier.addresses import BadAddress
from cloud_schema.notifier.rendering import Rendered

Status = Literal["sent", "delivered", "failed", "retry"]
SEND_TIMEOUT_S = 45
DIARY_LINES_MAX = 50
# Services that answer for the message themselves; mail servers and others only take it over.
CONFIRMING = frozenset(["ntfy", "ntfys", "gotify", "gotifys"])
# A client's fault that may pass: request timeout, too early, too many requests.
PASSING_HTTP = frozenset([408, 425, 429])
# The operator's own account is refused: not the message's fault.
PASSING_SMTP = frozenset([530, 534, 535, 538])
SMTP_ANSWER = re.compile(r"(?:\(|refused: )([245]\d\d)[, ]+b?['\"]?([^'\"]{0,200})")
KINDS = {"info": NotifyType.INFO, "warning": NotifyType.WARNING}


@dataclass(frozen=True, slots=True)
class Outcome:
    """`error` is in our own words: what a service or library says may hold what is secret in an address."""

    status: Status
    error: str | None = None
    response: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    id: str
    channel: str
    addresses: Sequence[str]
    rendered: Rendered
    priority: str | None
    about: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Services:
    """What the operator provides. `allows_private` lets people's addresses be of the operator's own network."""

    smtp_url: str | None = None
    sms_url: str | None = None
    allows_private: bool = False


class Sender:
    """May be used by any number of threads at once."""

    def __init__(self, services: Services, timeout_s: float = SEND_TIMEOUT_S) -> None:
        self._services = services
        self._timeout_s = timeout_s
        egress.install()
        _keep_diaries()

    def open_journey(self, message: Message) -> egress.Journey:
        """How the message may travel: where people name the address it is watched."""
        is_guarded = message.channel in {"push", "webhook"} and not self._services.allows_private
        return egress.Journey(self._timeout_s, is_guarded=is_guarded)

    def send(self, message: Message, ahead: egress.Journey) -> Outcome:
        if not message.addresses:
            return Outcome("failed", "there is no address for this channel")
        outcomes = [self._send_to(address, message, ahead) for address in message.addresses]
        if len(outcomes) == 1:
            return outcomes[0]
        return _together(outcomes)

    def _send_to(self, address: str, message: Message, ahead: egress.Journey) -> Outcome:
        ahead.begin()
        with egress.journey(ahead), _diary() as said:
            try:
                service, when_taken = self._service_for(address, message)
                is_taken: bool = service.notify(
                    title=message.rendered.subject,
                    body=message.rendered.html or message.rendered.text,
                    body_format=NotifyFormat.HTML if message.rendered.html else NotifyFormat.TEXT,
                    notify_type=KINDS.get(message.about.get("severity", ""), NotifyType.FAILURE),
                )
            except BadAddress as err:
                return Outcome("failed", str(err))
            except Exception as err:  # noqa: BLE001  # whatever a service's code does, the loop goes on
                return _why_not(ahead, [*said, f"Socket Exception: {err}"], type(err).__name__)
        if is_taken:
            return Outcome(when_taken, response=f"HTTP {ahead.http_status}" if ahead.http_status else None)
        return _why_not(ahead, said, None)

    def _service_for(self, address: str, message: Message) -> tuple[NotifyBase, Status]:
        match message.channel:
            case "push":
                is_confirmed = address.partition(":")[0] in CONFIRMING
                return addresses.push_service(address, message.priority), "delivered" if is_confirmed else "sent"
            case "webhook":
                return addresses.webhook_service(address, {**message.about, "notification_id": message.id}), "delivered"
            case "email":
                if self._services.smtp_url is None:
                    raise BadAddress("no mail server is set up (NEXA_NOTIFY_SMTP_URL)")
                return addresses.email_service(self._services.smtp_url, address, message.id), "sent"
            case "sms":
                if self._services.sms_url is None:
                    raise BadAddress("no SMS service is set up (NEXA_NOTIFY_SMS_URL)")
                return addresses.sms_service(self._services.sms_url, address), "sent"
            case _:
                raise BadAddress(f"the channel {message.channel!r} is unknown")


def _together(outcomes: Sequence[Outcome]) -> Outcome:
    """Told on one address is told; the others are noted, and not tried again, or the first would hear it twice."""
    errors = [outcome.error for outcome in outcomes if outcome.error]
    failed = f"{len(errors)} of {len(outcomes)} addresses: {'; '.join(errors)}" if errors else None
    for status in ("delivered", "sent", "retry"):
        for outcome in outcomes:
            if outcome.status == status:
                return Outcome(outcome.status, failed, outcome.response)
    return Outcome("failed", failed)


def _why_not(ahead: egress.Journey, said: Sequence[str], raised: str | None) -> Outcome:
    if ahead.forbidden is not None:
        return Outcome("failed", "the address leads into a private network, which the operator does not allow")
    if ahead.is_cut:
        return Outcome("retry", "no answer in time")
    if (status := ahead.http_status) is not None:
        is_passing = status >= 500 or status in PASSING_HTTP  # server errors
        return Outcome("retry" if is_passing else "failed", f"HTTP {status}", f"HTTP {status}")
    text = "\n".join([*said, str(ahead.failure or "")])
    if match := SMTP_ANSWER.search(text):
        code = int(match[1])
        is_passing = code < 500 or code in PASSING_SMTP  # permanent replies
        return Outcome("retry" if is_passing else "failed", f"SMTP {code}")
    return Outcome("retry", _in_words(text, raised))


def _in_words(text: str, raised: str | None) -> str:
    lowered = text.lower()
    for sign, words in (
        ("timed out", "no answer in time"),
        ("refused", "the connection was refused"),
        ("certificate", "the certificate is not trusted"),
        ("resolve", "the host's name is unknown"),
        ("name or service", "the host's name is unknown"),
        ("getaddrinfo", "the host's name is unknown"),
        ("no address associated", "the host's name is unknown"),
    ):
        if sign in lowered:
            return words
    return f"it could not be sent ({raised})" if raised else "it could not be sent"


_said = threading.local()


class _Diary(logging.Handler):
    """Keeps what the library says about a message with the thread that sends it, and lets none of it into the log."""

    def emit(self, record: logging.LogRecord) -> None:
        lines: list[str] | None = getattr(_said, "lines", None)
        if lines is not None and len(lines) < DIARY_LINES_MAX:
            lines.append(record.getMessage()[:500])


@contextmanager
def _diary() -> Iterator[list[str]]:
    lines: list[str] = []
    _said.lines = lines
    try:
        yield lines
    finally:
        _said.lines = None


def _keep_diaries() -> None:
    if not any(isinstance(handler, _Diary) for handler in apprise_logger.handlers):
        apprise_logger.addHandler(_Diary())
        apprise_logger.setLevel(logging.DEBUG)
        apprise_logger.propagate = False
