"""Texts and bytes in other forms: slugs, JSON, base64, hexadecimal, binary numbers, hashes."""

import base64
import hashlib
import json
import re
import struct
import unicodedata
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson
from jinja2.filters import do_urlencode

from hub_agent.templating.bounds import TooLarge, check_size, measure, to_text
from hub_agent.templating.defaults import NOT_GIVEN, or_default

# Letters that have no plain letter inside, as Unicode sees it.
_PLAIN = str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "œ": "oe", "Œ": "OE", "ł": "l", "Ł": "L"}
    | {"đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i"}
)


def _slugify(value: Any, separator: str = "_") -> str:
    text = to_text(value)
    if not text:
        return ""
    separator = str(separator)[:8]
    plain = unicodedata.normalize("NFKD", text.translate(_PLAIN)).encode("ascii", "ignore").decode().lower()
    plain = re.sub(r"(?<=\d),(?=\d)", "", plain)  # 1,000 is one number
    words = re.findall(r"[a-z0-9]+", plain)
    return check_size(separator.join(words)) or "unknown"


def _ordinal(value: Any) -> str:
    """1st, 2nd, 3rd, 4th."""
    number = abs(int(value))
    ending = "th" if 11 <= number % 100 <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{to_text(value)}{ending}"


def _from_json(value: Any, default: Any = NOT_GIVEN) -> Any:
    try:
        return orjson.loads(value)
    except (orjson.JSONDecodeError, TypeError):
        return or_default("from_json", value, default)


def _to_json(value: Any, ensure_ascii: Any = False, pretty_print: Any = False, sort_keys: Any = False) -> str:  # noqa: FBT002 - Home Assistant's signature
    measure(value)
    if ensure_ascii:
        return check_size(json.dumps(value, indent=2 if pretty_print else None, sort_keys=bool(sort_keys)))
    options = orjson.OPT_NON_STR_KEYS
    options |= orjson.OPT_INDENT_2 if pretty_print else 0
    options |= orjson.OPT_SORT_KEYS if sort_keys else 0
    return check_size(orjson.dumps(value, option=options).decode())


def _base64_encode(value: str | bytes) -> str:
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()


def _base64_decode(value: str, encoding: str | None = "utf-8") -> str | bytes:
    raw = base64.b64decode(value)
    return raw.decode(encoding) if encoding else raw


def _from_hex(value: str) -> bytes:
    return bytes.fromhex(value)


def _pack(value: Any, format_string: str) -> bytes | None:
    try:
        return struct.pack(_check_struct(format_string), value)
    except (struct.error, TypeError):
        return None


def _unpack(value: Any, format_string: str, offset: int = 0) -> Any:
    try:
        return struct.unpack_from(_check_struct(format_string), value, offset)[0]
    except (struct.error, TypeError, IndexError):
        return None


def _check_struct(format_string: str) -> str:
    if len(format_string) > 8:
        raise TooLarge("a format of binary numbers may have at most 8 characters")
    return format_string


def _url_query(value: Any) -> str:
    """`a=1&b=2` of a mapping."""
    return check_size(urllib.parse.urlencode(value))


def _url_quoted(value: Any) -> str:
    """A text is quoted; a mapping is a query. Three characters may stand for one."""
    measure(value)
    return check_size(do_urlencode(to_text(value) if isinstance(value, str) else value))


def _ord(value: str) -> int:
    return ord(value)


def _hash(name: str) -> Callable[[str], str]:
    def digest(value: Any) -> str:
        return hashlib.new(name, to_text(value).encode(), usedforsecurity=False).hexdigest()

    return digest


FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "md5": _hash("md5"),
    "pack": _pack,
    "sha1": _hash("sha1"),
    "sha256": _hash("sha256"),
    "sha512": _hash("sha512"),
    "slugify": _slugify,
    "unpack": _unpack,
}
FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "base64_decode": _base64_decode,
    "base64_encode": _base64_encode,
    "from_hex": _from_hex,
    "from_json": _from_json,
    "ord": _ord,
    "ordinal": _ordinal,
    "to_json": _to_json,
    "urlencode": _url_quoted,
}
GLOBALS: Final[Mapping[str, Any]] = {"from_json": _from_json, "urlencode": _url_query}
