"""Setup codes of Matter, as they are printed on devices: 11 or 21 digits with a check digit, or the text of the QR code."""

import re
from typing import Final

from hub_agent.errors import NotPossible

_QR: Final = re.compile(r"MT:[0-9A-Z.\-]{19,160}")

# Verhoeff's check digit, by the dihedral group of order ten.
_TIMES: Final = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_TURNED: Final = (
    "0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip


def read_setup_code(written: str) -> str:
    """As the server wants it. Raises NotPossible, saying what is wrong with it."""
    text = written.strip()
    if text[:3].upper() == "MT:":
        code = text.upper()
        if not _QR.fullmatch(code):
            raise NotPossible("The text of a QR code is MT: and at least 19 letters, digits, dots or dashes.")
        return code
    digits = re.sub(r"[\s\-]", "", text)
    if not digits.isascii() or not digits.isdigit():
        raise NotPossible("A Matter setup code is 11 or 21 digits, or the text of its QR code, which begins with MT:.")
    if len(digits) not in {11, 21}:
        raise NotPossible(f"A Matter setup code has 11 or 21 digits, not {len(digits)}.")
    if not _checks(digits):
        raise NotPossible("A digit of the setup code is wrong: its check digit does not fit.")
    return digits


def _checks(digits: str) -> bool:
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = int(_TIMES[check][int(_TURNED[place % 8][int(digit)])])
    return check == 0
