"""Reads fields of JSON that somebody else wrote: what is missing or of another type is None or empty, never an error."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import orjson

from hub_agent.model.json import JsonObject, JsonValue

NOTHING: Final[JsonObject] = {}


def text(body: JsonObject, name: str) -> str | None:
    value = body.get(name)
    return value if isinstance(value, str) else None


def number(body: JsonObject, name: str) -> float | None:
    value = body.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def whole(body: JsonObject, name: str) -> int | None:
    value = body.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def flag(body: JsonObject, name: str) -> bool:
    return body.get(name) is True


def mapping(body: JsonObject, name: str) -> JsonObject:
    value = body.get(name)
    return value if isinstance(value, Mapping) else NOTHING


def listed(body: JsonObject, name: str) -> Sequence[JsonValue]:
    value = body.get(name)
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def texts(body: JsonObject, name: str) -> tuple[str, ...]:
    return tuple(value for value in listed(body, name) if isinstance(value, str))


def objects(values: JsonValue) -> Iterator[JsonObject]:
    if isinstance(values, Sequence) and not isinstance(values, str):
        for value in values:
            if isinstance(value, Mapping):
                yield value


class Fault(NamedTuple):
    """Why something was not understood."""

    code: str
    reason: str


DEPTH_MAX: Final = 32
_NOT_JSON: Final = "not_json"


def parse(payload: bytes, *, is_deep: bool = False) -> "JsonValue | Fault":
    """JSON without NaN or infinity; at most DEPTH_MAX deep unless the reader bounds the depth itself."""
    try:
        body: JsonValue = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        return Fault(_NOT_JSON, f"not JSON: {error}"[:200])
    # As many brackets as levels are needed to be too deep: most payloads are cleared by counting alone.
    if not is_deep and payload.count(b"{") + payload.count(b"[") > DEPTH_MAX and _depth(body) > DEPTH_MAX:
        return Fault("too_deep", f"nested deeper than {DEPTH_MAX} levels")
    return body


def parse_object(payload: bytes) -> JsonObject | Fault:
    body = parse(payload)
    if isinstance(body, Fault | dict):
        return body
    return Fault("not_an_object", f"a JSON object was expected, not {_kind(body)}")


def word_of(payload: bytes) -> str:
    """The word of a plain payload, or of {"state": word}."""
    if payload[:1] != b"{":
        return payload[:40].decode(errors="replace").strip(' "').lower()
    body = parse_object(payload)
    return "" if isinstance(body, Fault) else str(body.get("state"))[:40].lower()


def _depth(body: JsonValue) -> int:
    depth = 0
    level: list[JsonValue] = [body]
    while level and depth <= DEPTH_MAX:
        depth += 1
        level = [child for value in level for child in _children(value)]
        level = [value for value in level if isinstance(value, dict | list)]
    return depth


def _children(value: JsonValue) -> Iterator[JsonValue]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _kind(body: JsonValue) -> str:
    names = {list: "an array", str: "a text", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(body), "null")
