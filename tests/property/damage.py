"""What broken and hostile devices make of messages: cut, of wrong types, huge, deep, unended, in the wrong encoding, in the wrong place."""

import json
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import orjson

from hub_agent.model.device import Device
from hub_agent.model.link import Frame, Service
from hub_agent.model.report import MqttMessage
from tests.recorded.corpora import Heard

# orjson reads 1,024 levels, and writes 254.
DEPTH: Final = 1_000
LONG: Final = 70_000
MANY: Final = 3_000

_SCALARS: Final = (
    None, True, False, 0, 1, -1, 7, 255, 256, 65_536, 2**31, 2**63 - 1, 2**64 - 1, -(2**63), 10**30, 10**400, -0.0, 0.1, 1e-320, 1e308, -1e308,
    float("nan"), float("inf"), float("-inf"),
    "", " ", "0", "-1", "NaN", "nan", "inf", "-Infinity", "1e999", "1,5", "0x10", "１２", "9" * 5_000, "true", "on", "ON", "off", "null", "none", "None", "unknown",
    "unavailable", "\x00", "\x1b[31m", "\n", "a\u0000b", "ключ", "🦀" * 40, "/", "+", "#", "../../etc/passwd", "{{ 1/0 }}", "{{ states | map('x') }}", "%s", "::",
    "2026-02-30T25:61:61Z", "rgb(", "#zzzzzz", "255,255", "1:2:0", "00:00:00:00:00:00", "0x0000000000000000",
)  # fmt: skip
_KEYS: Final = ("", " ", "state", "id", "0", "a/b", "\x00", "name", "type", "value", "__class__", "9" * 400, "ключ")


class Damage:
    """All of it from one seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self._number = 0

    def of(self, heard: Heard) -> Heard:
        if isinstance(heard, Frame):
            return self._frame(heard)
        return self._message(heard)

    def fresh(self, heard: Heard, number: int) -> Heard:
        """The same of devices that were never heard of before; those of one number are of one home."""
        self._number = number
        if isinstance(heard, Frame):
            peer = _numbered(heard.peer, number)
            body = orjson.loads(_renamed(orjson.dumps(heard.body).decode(), heard.peer, peer))
            return replace(heard, peer=peer, body=self._renamed(body, f"{number:012x}") if number % 2 else body)
        # Addresses of eight digits and more are the same wherever they stand.
        text = heard.payload.decode("utf-8", "replace")
        for address in sorted(set(_ADDRESS.findall(heard.topic + text)), key=len, reverse=True):
            text = _renamed(text, address, _numbered(address, number))
        topic = _ADDRESS.sub(lambda found: _numbered(found[0], number), heard.topic)
        if topic == heard.topic:
            first, *parts = heard.topic.split("/")
            parts = [f"{part}{number}" if part not in _WORDS else part for part in parts]
            topic = "/".join((first, *parts))
        try:
            body = orjson.loads(text)
        except ValueError:
            return replace(heard, topic=topic, payload=text.encode())
        return replace(
            heard, topic=topic, payload=orjson.dumps(self._renamed(body, f"{number:012x}") if number % 2 else body)
        )

    def service(self, heard: Service) -> Service:
        chance = self.chance
        changes: dict[str, Any] = {}
        for field in chance.sample(("kind", "name", "hosts", "port", "hostname", "txt"), chance.randint(1, 3)):
            match field:
                case "hosts":
                    changes[field] = chance.choice(
                        [(), ("",), ("x" * LONG,), ("::",) * MANY, ("999.1.1.1", "%", "fe80::1%")]
                    )
                case "port":
                    changes[field] = chance.choice([None, 0, -1, 65_536, 2**63])
                case "txt":
                    changes[field] = self._txt(dict(heard.txt))
                case _:
                    changes[field] = self.text(getattr(heard, field) or "")
        return replace(heard, **changes)

    def _txt(self, txt: dict[str, str]) -> dict[str, str]:
        for key in list(txt):
            if self.chance.random() < 0.5:
                txt[key] = self.text(txt[key] or "")
        if self.chance.random() < 0.1:
            txt |= {f"k{number}": "v" for number in range(MANY)}
        if self.chance.random() < 0.2:
            txt[self.text("id")] = self.text("x")
        return txt

    def text(self, text: str) -> str:
        chance = self.chance
        return chance.choice([
            lambda: "",
            lambda: text[: chance.randint(0, len(text))],
            lambda: text[chance.randint(0, len(text)) :],
            lambda: text * chance.randint(2, 4),
            lambda: (text or "x") * (LONG // (len(text) or 1)),
            text.upper,
            lambda: text.swapcase() + "\x00",
            lambda: "".join(chance.sample(text, len(text))),
            lambda: text.replace(".", "/").replace("_", "\ud7ff"),
            lambda: str(chance.choice([one for one in _SCALARS if isinstance(one, str)])),
        ])()  # fmt: skip

    def scalar(self) -> Any:
        """What a rule might hand to a command."""
        return self._instead(self.chance.choice((50, 0.5, "on", [1, 2, 3], {"r": 1}, True)))

    def devices(self, devices: Sequence[Device]) -> list[Device]:
        """As a broken mirror gives them back."""
        return [self._device(device) for device in devices]

    def _device(self, device: Device) -> Device:
        entities = tuple(
            replace(entity, native=self._object(entity.native)) if self.chance.random() < 0.3 else entity
            for entity in device.entities
        )
        return replace(device, entities=entities, native=self._object(device.native))

    def _object(self, body: Any) -> Any:
        damaged = self.value(body)
        return damaged if isinstance(damaged, dict) else {}

    # Values.

    def value(self, body: Any) -> Any:
        """The same with one place in it damaged."""
        chance = self.chance
        if isinstance(body, dict) and body and chance.random() < 0.85:
            key = chance.choice(list(body))
            return {**body, key: self.value(body[key])} if chance.random() < 0.9 else self._keys(body, key)
        if isinstance(body, list | tuple) and body and chance.random() < 0.85:
            at = chance.randrange(len(body))
            return [*body[:at], self.value(body[at]), *body[at + 1 :]]
        return self._instead(body)

    def _keys(self, body: dict[str, Any], key: str) -> dict[str, Any]:
        without = {name: value for name, value in body.items() if name != key}
        how = self.chance.randrange(5)
        if how == 0:
            return without
        if how == 1:
            return {**without, self.chance.choice(_KEYS): body[key]}
        if how == 2:
            return {**body, **{f"{key}{number}": body[key] for number in range(200)}}
        if how == 3:
            values = self.chance.sample(list(body.values()), len(body))
            return dict(zip(body, values, strict=True))
        return {**body, self.chance.choice(_KEYS): self.chance.choice(_SCALARS)}

    def _instead(self, body: Any) -> Any:
        chance = self.chance
        kinds: list[Callable[[], Any]] = [
            lambda: chance.choice(_SCALARS),
            lambda: chance.choice(_SCALARS),
            lambda: chance.choice(_SCALARS),
            lambda: [body],
            lambda: {"value": body},
            list,
            dict,
            lambda: str(body)[:1000],
            lambda: [chance.choice(_SCALARS) for _ in range(4)],
            lambda: {chance.choice(_KEYS): chance.choice(_SCALARS) for _ in range(4)},
            lambda: self.text(body) if isinstance(body, str) else chance.choice(_SCALARS),
            lambda: body * -1 if isinstance(body, int | float) else chance.choice(_SCALARS),
        ]
        if chance.random() < 0.03:
            kinds = [lambda: self._deep(body), lambda: "x" * LONG, lambda: [body] * (MANY if len(str(body)[:100]) < 100 else 20),
                     lambda: {f"k{number}": number for number in range(MANY)}]  # fmt: skip
        return chance.choice(kinds)()

    def _deep(self, body: Any) -> Any:
        is_list = self.chance.random() < 0.5
        for _ in range(DEPTH):
            body = [body] if is_list else {"value": body}
        return body

    def _renamed(self, body: Any, name: str) -> Any:
        """With fresh identities wherever one may stand."""
        if isinstance(body, dict):
            return {key: self._new(value, name) if key.lower() in _IDENTITIES else self._renamed(value, name) for key, value in body.items()}  # fmt: skip
        return [self._renamed(each, name) for each in body] if isinstance(body, list) else body

    def _new(self, value: Any, name: str) -> Any:
        if isinstance(value, str):
            return f"{value[:20]}{name}"
        if isinstance(value, int) and not isinstance(value, bool):
            return value + self._number * 1_000
        return self._renamed(value, name)

    # Messages.

    def _frame(self, heard: Frame) -> Frame:
        how = self.chance.random()
        if how < 0.9:
            return replace(heard, body=self.value(heard.body))
        if how < 0.94:
            return replace(heard, kind=self.text(heard.kind))
        if how < 0.97:
            return replace(heard, peer=self.text(heard.peer)[:200])
        return replace(heard, body=self.value(self.value(self.value(heard.body))))

    def _message(self, heard: MqttMessage) -> MqttMessage:
        how = self.chance.random()
        if how < 0.7:
            return replace(heard, payload=self._payload(heard.payload))
        if how < 0.85:
            return replace(heard, payload=self._bytes(heard.payload))
        if how < 0.95:
            return replace(heard, topic=self._topic(heard.topic))
        return replace(heard, topic=self._topic(heard.topic), payload=self._payload(heard.payload))

    def _payload(self, payload: bytes) -> bytes:
        try:
            body = orjson.loads(payload)
        except ValueError:
            return self._bytes(payload)
        damaged = self.value(body)
        for _ in range(self.chance.randrange(3)):
            damaged = self.value(damaged)
        # Careless devices write NaN and Infinity, and surrogates by halves.
        try:
            written = json.dumps(damaged)
        except RecursionError:
            return b'[{"a":' * DEPTH
        return written.encode() if self.chance.random() < 0.95 else written.replace("a", "\\ud800").encode()

    def _bytes(self, payload: bytes) -> bytes:
        chance = self.chance
        at = chance.randint(0, len(payload))
        return chance.choice([
            lambda: b"",
            lambda: payload[:at],
            lambda: payload[at:],
            lambda: payload + payload,
            lambda: payload[:at] + bytes([chance.randrange(256)]) + payload[at + 1 :],
            lambda: payload[:at] + chance.randbytes(4) + payload[at:],
            lambda: b"\xff\xfe" + payload,
            lambda: payload.decode("utf-8", "replace").encode("utf-16"),
            lambda: payload.decode("utf-8", "replace").encode("latin-1", "replace"),
            lambda: b"\xef\xbb\xbf" + payload,
            lambda: b"[" * 100_000,
            lambda: b'{"a":' * 100_000,
            lambda: b"9" * 100_000,
            lambda: chance.randbytes(chance.randrange(200)),
            lambda: str(chance.choice(_SCALARS)).encode(),
        ])()  # fmt: skip

    def _topic(self, topic: str) -> str:
        parts = topic.split("/")
        at = self.chance.randrange(len(parts))
        how = self.chance.randrange(7)
        if how == 0:
            return topic[: self.chance.randint(0, len(topic))]
        if how == 1:
            return "/".join(parts[:at] + parts[at + 1 :])
        if how == 2:
            return "/".join([*parts[:at], "", *parts[at:]])
        if how == 3:
            return "/".join([*parts[:at], self.text(parts[at]), *parts[at + 1 :]])[:LONG]
        if how == 4:
            return "/".join(self.chance.sample(parts, len(parts)))
        if how == 5:
            return topic + "/" * 500
        return topic + "/" + parts[at]


_ADDRESS: Final = re.compile(r"[0-9A-Fa-f]{8,16}")
_TAIL: Final = re.compile(r"[0-9A-Fa-f]{6,}$")
_WORDS: Final = frozenset({"config", "bridge", "devices", "groups", "info", "state", "discovery", "sensors", "availability", "tele", "stat", "STATE", "SENSOR", "LWT", "5", "$description", "$state"})  # fmt: skip


def _numbered(name: str, number: int) -> str:
    """Of the same form: with other digits at its end, or, where it has none, with a number."""
    tail = _TAIL.search(name)
    if tail is None:
        return f"{name}-{number}"
    digits = f"{number + 0x100000:x}"[-6:]
    return name[:-6] + (digits.upper() if tail[0].isupper() else digits)


def _renamed(text: str, old: str, new: str) -> str:
    """However it is written: with colons, in capitals, as a whole number."""
    for write in (str, str.upper, str.lower, _coloned, lambda name: _coloned(name).upper(), _whole):
        text = text.replace(write(old), write(new))
    return text


def _coloned(name: str) -> str:
    return ":".join(name[at : at + 2] for at in range(0, len(name), 2))


def _whole(name: str) -> str:
    try:
        return str(int(name, 16))
    except ValueError:
        return name


_IDENTITIES: Final = frozenset(
    {
        "id", "rid", "mac", "ieee_address", "unique_id", "uniq_id", "friendly_name", "name", "uuid", "serial", "nodeid", "udn", "object_id", "address", "t", "topic",
        "bssid", "identifiers", "ids", "deviceid", "state_topic", "stat_t", "command_topic", "cmd_t", "~", "key", "aid", "iid", "owner",
    }
)  # fmt: skip
