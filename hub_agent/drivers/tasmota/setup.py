"""What a device says of its setup in `tasmota/discovery/<mac>/config`: relays, lights, shutters, topics, words, options."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hub_agent.model.json import JsonObject, JsonValue

CHANNELS_MAX: Final = 32
WORD_CHARS_MAX: Final = 200

NO_RELAY: Final = 0
RELAY: Final = 1
LIGHT: Final = 2
SHUTTER: Final = 3

_MAC: Final = re.compile(r"[0-9A-F]{12}")
_KEPT: Final = (
    "ip", "dn", "fn", "hn", "mac", "md", "ty", "if", "ofln", "onln", "state", "sw", "t", "ft", "tp", "rl", "swc", "swn",
    "btn", "so", "lk", "lt_st", "bat", "dslp", "sho", "sht",
)  # fmt: skip


class Wrong(Exception):
    """A setup that cannot be used."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True, slots=True)
class Setup:
    mac: str
    name: str
    model: str | None
    version: str | None
    ip: str | None
    command: str
    stat: str
    tele: str
    online: str
    offline: str
    on: str
    off: str
    friendly_names: tuple[str | None, ...]
    relays: tuple[int, ...]
    switch_modes: tuple[int, ...]
    switch_names: tuple[str | None, ...]
    buttons: tuple[int, ...]
    options: Mapping[str, int]
    light_kind: int
    is_linked: bool
    is_fan: bool
    is_tuya: bool
    is_sleeper: bool
    has_battery: bool
    inverted: tuple[bool, ...]
    tilts: tuple[tuple[int, int], ...]

    def option(self, number: int) -> bool:
        return bool(self.options.get(str(number)))

    @property
    def topics(self) -> tuple[str, ...]:
        return (f"{self.tele}+", f"{self.stat}+")


def kept(body: JsonObject) -> JsonObject:
    """What is needed again after a restart."""
    return {key: body[key] for key in _KEPT if key in body}


def read_setup(body: JsonObject) -> Setup:
    """Raises Wrong."""
    mac = str(body.get("mac", "")).upper()
    if not _MAC.fullmatch(mac):
        raise Wrong("key_wrong", f"`mac` must be twelve hexadecimal digits, not {mac!r:.40}")
    prefixes = _words(body, "tp")
    if len(prefixes) != 3 or not all(prefixes):
        raise Wrong("key_wrong", "`tp` must name the three prefixes of topics")
    command, stat, tele = (_topic(body, mac, str(prefix)) for prefix in prefixes)
    if len({command, stat, tele}) != 3:
        raise Wrong("key_wrong", "`ft` must tell commands, answers and telemetry apart by %prefix%")
    words = [word for word in _words(body, "state") if word]
    options = body.get("so")
    tilts = body.get("sht")
    return Setup(
        mac=mac,
        name=_word(body, "dn") or _word(body, "hn") or f"Tasmota {mac[-6:]}",
        model=_word(body, "md"),
        version=_word(body, "sw"),
        ip=_word(body, "ip"),
        command=command,
        stat=stat,
        tele=tele,
        online=_word(body, "onln") or "Online",
        offline=_word(body, "ofln") or "Offline",
        on=words[1] if len(words) > 1 else "ON",
        off=words[0] if words else "OFF",
        friendly_names=_words(body, "fn"),
        relays=_numbers(body.get("rl")),
        switch_modes=_numbers(body.get("swc")),
        switch_names=_words(body, "swn"),
        buttons=_numbers(body.get("btn")),
        options={str(key): _whole(value) for key, value in options.items()} if isinstance(options, Mapping) else {},
        light_kind=_whole(body.get("lt_st")),
        is_linked=_whole(body.get("lk", 1)) != 0,
        is_fan=_whole(body.get("if")) != 0,
        is_tuya=_whole(body.get("ty")) != 0,
        is_sleeper=_whole(body.get("dslp")) != 0,
        has_battery=_whole(body.get("bat")) != 0,
        inverted=tuple(bool(option & 1) for option in _numbers(body.get("sho"))),
        tilts=tuple(_span(each) for each in _listed(tilts)),
    )


def _topic(body: JsonObject, mac: str, prefix: str) -> str:
    full = _word(body, "ft")
    topic = _word(body, "t")
    if full is None or topic is None:
        raise Wrong("key_missing", f"`{'t' if full else 'ft'}` is missing")
    names = {"%prefix%": prefix, "%topic%": topic, "%hostname%": _word(body, "hn") or "", "%id%": mac[-6:]}
    for name, value in names.items():
        full = full.replace(name, value)
    if any(sign in full for sign in "+#\0") or full.startswith("$"):
        raise Wrong("key_wrong", f"`ft` and `t` make no topic: {full!r:.80}")
    return full if full.endswith("/") else f"{full}/"


def _word(body: JsonObject, key: str) -> str | None:
    value = body.get(key)
    return value[:WORD_CHARS_MAX] or None if isinstance(value, str) else None


def _words(body: JsonObject, key: str) -> tuple[str | None, ...]:
    return tuple(
        each[:WORD_CHARS_MAX] if isinstance(each, str) and each else None
        for each in _listed(body.get(key))[:CHANNELS_MAX]
    )


def _numbers(value: JsonValue) -> tuple[int, ...]:
    return tuple(_whole(each) for each in _listed(value)[:CHANNELS_MAX])


def _listed(value: JsonValue) -> Sequence[JsonValue]:
    return value if isinstance(value, list) else []


def _whole(value: JsonValue) -> int:
    return int(value) if isinstance(value, int) and abs(value) < 1_000_000 else 0


def _span(value: JsonValue) -> tuple[int, int]:
    """Where the slats are shut and where open; no difference where they cannot be moved."""
    numbers = _numbers(value)
    if len(numbers) < 3 or not numbers[2]:
        return 0, 0
    return numbers[0], numbers[1]
