"""Values to bytes and back: JSON, behind zlib where that pays."""

import dataclasses
import typing
import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from sys import intern
from types import UnionType
from typing import Any, Final, TypeVar, get_args, get_origin

import orjson

from hub_agent.model.device import Capability
from hub_agent.model.json import JsonObject

# A second's block is packed well, as every byte of it is written twice; in a burst time counts more.
PACK_LEVEL = 6
PACK_LEVEL_BIG = 3
PACK_BIG_BYTES = 64 * 1024
PACK_FROM_BYTES = 160
# What fits into a small window packs as well with it: the 256 KB of a full one take four times as long to set up as the packing takes.
PACK_SMALL_BYTES = 4096
PACK_SMALL_WINDOW_BITS = 12
PACK_SMALL_MEMORY = 5
DEPTH_MAX = 100
SHARED_CHARS_MAX = 100

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
JSON_STARTS = b"{["

T = TypeVar("T")


def to_ms(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)


def from_ms(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)


def to_json(value: object) -> bytes:
    """JSON of any value; what JSON cannot say (from a hostile payload) is replaced rather than refused."""
    try:
        return orjson.dumps(value, option=orjson.OPT_UTC_Z)
    except TypeError:
        return orjson.dumps(_scrubbed(value, DEPTH_MAX), option=orjson.OPT_UTC_Z)


def pack(value: object) -> bytes:
    return pack_json(to_json(value))


def pack_json(body: bytes) -> bytes:
    if len(body) < PACK_FROM_BYTES:
        return body
    if len(body) <= PACK_SMALL_BYTES:
        packer = zlib.compressobj(PACK_LEVEL, zlib.DEFLATED, PACK_SMALL_WINDOW_BITS, PACK_SMALL_MEMORY)
        packed = packer.compress(body) + packer.flush()
    else:
        packed = zlib.compress(body, PACK_LEVEL if len(body) < PACK_BIG_BYTES else PACK_LEVEL_BIG)
    return packed if len(packed) < len(body) else body


def unpack(body: object) -> Any:
    """Raises ValueError when the bytes are damaged."""
    if not isinstance(body, bytes):
        raise ValueError("not bytes")  # noqa: TRY004 damaged columns are all one error
    try:
        return orjson.loads(body if body[:1] in JSON_STARTS else zlib.decompress(body))
    except zlib.error as err:
        raise ValueError(str(err)) from err


def unpack_object(body: bytes) -> JsonObject:
    value = unpack(body)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 damaged bytes are all one error
    return value


def share_texts(value: Any) -> Any:
    """Equal texts held once: words such as `sensor` or `light.turn_on` stand in a home's rows ten thousand times. Changes `value`, and gives it back."""
    kind = type(value)
    if kind is str:
        return intern(value) if len(value) <= SHARED_CHARS_MAX else value
    if kind is dict:
        for key, inner in value.items():
            value[key] = share_texts(inner)
    elif kind is list:
        value[:] = map(share_texts, value)
    return value


class Alike:
    """Equal JSON held once: what devices of one model say of themselves is the same five hundred times."""

    def __init__(self) -> None:
        self._known: dict[bytes, Any] = {}
        self._built_by_json: dict[bytes, _Built] = {}

    def of(self, value: Any) -> Any:
        return self._known.setdefault(orjson.dumps(value), value)

    def in_entities(self, holder: Any) -> None:
        """Of a device, or of the capabilities of its row, where an entity stands under its id and says nothing of that."""
        entities = holder.get("entities") if isinstance(holder, dict) else None
        if isinstance(entities, dict):
            holder["entities"] = {entity_id: self.of(entity) for entity_id, entity in entities.items()}
            return
        for entity in entities or ():
            if isinstance(entity, dict):
                if "native" in entity:
                    entity["native"] = self.of(entity["native"])
                if "capabilities" in entity:
                    entity["capabilities"] = self._built(entity["capabilities"])

    def _built(self, capabilities: Any) -> "_Built":
        key = orjson.dumps(capabilities)
        known = self._built_by_json.get(key)
        if known is None:
            known = self._built_by_json[key] = _Built(_CAPABILITIES(capabilities))
        return known


class _Built(dict[str, Capability]):
    """What a decoder need not build again."""

    __slots__ = ()


def decode(kind: type[T], body: bytes, prepare: Callable[[Any], None] = lambda _: None) -> T:
    """A dataclass from its JSON. Unknown keys are passed over, missing ones take their defaults; ValueError if that cannot be.
    `prepare` may change the JSON before it is read.
    """
    value = unpack(body)
    try:
        prepare(share_texts(value))
        built: T = _decoder_of(kind)(value)
    except (TypeError, KeyError, AttributeError, RecursionError) as err:
        raise ValueError(f"not a {kind.__name__}: {err}") from err
    return built


def _scrubbed(value: object, depth: int) -> object:
    if depth == 0:
        return None
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, bool | float | datetime) or value is None:
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else float(value) if abs(value) < 10**300 else str(value)
    if dataclasses.is_dataclass(value):
        return {f.name: _scrubbed(getattr(value, f.name), depth - 1) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(_scrubbed(str(key), 1)): _scrubbed(inner, depth - 1) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [_scrubbed(inner, depth - 1) for inner in value]
    return str(value)


# JSON inside a dataclass is kept as it is: its type need not be resolved.
_NAMES_IN_HINTS: Mapping[str, object] = {"JsonValue": Any, "Sequence": Sequence, "Mapping": Mapping}


def _as_is(value: Any) -> Any:
    return value


def _decoder_of(kind: Any) -> Callable[[Any], Any]:
    return _decoder(kind)


@cache
def _decoder(hint: Any) -> Callable[[Any], Any]:
    if isinstance(hint, type):
        if dataclasses.is_dataclass(hint):
            return _dataclass_decoder(hint)
        if issubclass(hint, Enum):
            return hint
        if hint is datetime:
            return datetime.fromisoformat
    origin = get_origin(hint)
    if origin in {typing.Union, UnionType}:
        return _optional_decoder(hint)
    if origin is tuple:
        return _tuple_decoder(get_args(hint))
    if origin is Mapping and len(get_args(hint)) == 2:
        return _mapping_decoder(_decoder(get_args(hint)[1]))
    return _as_is


def _dataclass_decoder(kind: type) -> Callable[[Any], Any]:
    hints = typing.get_type_hints(kind, localns=dict(_NAMES_IN_HINTS))
    decoders = [(field.name, _decoder(hints[field.name])) for field in dataclasses.fields(kind)]

    def build(body: Any) -> Any:
        return kind(**{name: inner(body[name]) for name, inner in decoders if name in body})

    return build


def _optional_decoder(hint: Any) -> Callable[[Any], Any]:
    inner = [_decoder(part) for part in get_args(hint) if part is not type(None)]
    if len(inner) != 1 or inner[0] is _as_is:
        return _as_is
    return lambda value: None if value is None else inner[0](value)


def _tuple_decoder(parts: tuple[Any, ...]) -> Callable[[Any], Any]:
    inner = _decoder(parts[0])
    if parts[-1] is not ... or inner is _as_is:
        return tuple
    return lambda values: tuple(map(inner, values))


def _mapping_decoder(inner: Callable[[Any], Any]) -> Callable[[Any], Any]:
    if inner is _as_is:
        return _as_is
    return lambda values: values if type(values) is _Built else {key: inner(value) for key, value in values.items()}


_CAPABILITIES: Final = _decoder(Mapping[str, Capability])
