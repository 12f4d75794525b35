"""What Zigbee2MQTT says of requests and commands that failed.

    <base>/bridge/response/<request>   {"status": "error", "error": "...", "transaction": ours}
    <base>/bridge/logging              {"level": "error", "message": "Publish 'set' 'state' to 'Lamp' failed: '...'"}

A command to a device has no response: only the log says that it failed.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from hub_agent.drivers.zigbee2mqtt import fields
from hub_agent.drivers.zigbee2mqtt.fields import Fault
from hub_agent.drivers.zigbee2mqtt.member import DIALECT, Member
from hub_agent.model.device import Origin
from hub_agent.model.report import MqttMessage, Refused

REASON_CHARS_MAX: Final = 200
MESSAGE_CHARS_MAX: Final = 4_000
# In quotes of JSON: at the level of an error. What a message only quotes is escaped there.
_ERROR: Final = b'"error"'
_OURS: Final = "nexa"

_FAILED: Final = re.compile(r"Publish 'set' '([^']{1,80})' to '(.{1,255})' failed: '(.*)'", re.DOTALL)
_NO_CONVERTER: Final = re.compile(r"No converter available for '([^']{1,80})' on '(.{1,255})': ", re.DOTALL)


def transaction_of(origin: Origin, key: str) -> str:
    """Goes with a request and comes back with its answer: so the answer says whom it is about."""
    return f"{_OURS} {key} {origin.native_id}"


def refused_by_response(message: MqttMessage) -> Iterator[Refused]:
    if _ERROR not in message.payload:
        return
    body = fields.parse_object(message.payload)
    if isinstance(body, Fault) or fields.text(body, "status") != "error":
        return
    transaction = fields.text(body, "transaction") or ""
    ours, _, rest = transaction.partition(" ")
    key, _, native_id = rest.partition(" ")
    if ours == _OURS and native_id:
        yield Refused(Origin(DIALECT, native_id), _short(fields.text(body, "error") or "refused"), (key,))


def refused_by_log(base: str, message: MqttMessage, members: Mapping[str, Member]) -> Iterator[Refused]:
    """`members` by topic."""
    if _ERROR not in message.payload:
        return
    body = fields.parse_object(message.payload)
    if isinstance(body, Fault) or fields.text(body, "level") != "error":
        return
    text = (fields.text(body, "message") or "")[:MESSAGE_CHARS_MAX]
    failed = _FAILED.search(text)
    unknown = None if failed else _NO_CONVERTER.search(text)
    found = failed or unknown
    member = members.get(f"{base}/{found[2]}") if found else None
    if found is None or member is None:
        return
    reason = _plain(found[3]) if failed else f"Zigbee2MQTT cannot set {found[1]} of it"
    # Never none: that would mean everything that was asked of it.
    yield Refused(member.origin, reason, member.keys_of(found[1]) or (found[1],))


def _plain(reason: str) -> str:
    """Without the frame that was sent: "Error: ZCL command ... failed (no route)" -> "no route"."""
    _, is_frame, cause = reason.rpartition(" failed (")
    return _short(cause.removesuffix(")") if is_frame else reason.removeprefix("Error: "))


def _short(text: str) -> str:
    return " ".join(text.split())[:REASON_CHARS_MAX]
