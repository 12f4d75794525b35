"""What an announcement says besides its address, made harmless: anybody on the network may write there what they like."""

from collections.abc import Mapping
from typing import Final

KEYS_MAX: Final = 64
KEY_CHARS_MAX: Final = 64
VALUE_CHARS_MAX: Final = 400
NAME_CHARS_MAX: Final = 200


def plain_txt(said: Mapping[str, str] | Mapping[bytes, bytes | None]) -> dict[str, str]:
    """Keys in lower case; bytes that are no text are hexadecimal; a key without a value is empty. The first of two keys counts (RFC 6763)."""
    plain: dict[str, str] = {}
    for key, value in said.items():
        if len(plain) >= KEYS_MAX:
            break
        name = text(key).lower()[:KEY_CHARS_MAX]
        if name and name not in plain:
            plain[name] = text(value)[:VALUE_CHARS_MAX]
    return plain


def text(value: object) -> str:
    """Printable text of what should be one; anything else that is told as bytes becomes hexadecimal."""
    if value is None:
        return ""
    if isinstance(value, bytes):
        value = value[: VALUE_CHARS_MAX * 4]
        try:
            value = value.decode()
        except UnicodeDecodeError:
            return value.hex() if isinstance(value, bytes) else ""
        if any(not character.isprintable() for character in value):
            return value.encode().hex()
    return "".join(character for character in str(value)[: VALUE_CHARS_MAX * 4] if character.isprintable())
