"""The text of a long scenario, whose steps stay text until their turn comes: a year of a busy home has three million of them, and as
objects they would take gigabytes.

The list under "steps" is cut into pieces at places that look like a gap between two steps, and each piece is read as a list of its own.
If that succeeds the gap was one: what reads as a whole list cannot end inside a step. Whatever cannot be cut so is read in one go, so
that a file with a mistake is refused in the same words as a short one.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson

PIECE = 256 * 2**10
# Where the last gap of a piece is looked for first, and how many are tried.
TAIL = 8 * 2**10
GAPS_TRIED_MAX = 30

_KEY = b'"steps"'
_LIST_BEGINS = re.compile(rb"\s*:\s*\[")
_GAP = re.compile(rb"\}\s*,\s*(?=\{)")


Fits: TypeAlias = Callable[[Any], bool]


class Steps:
    """A list of steps for who goes through it from the beginning, as often as they like. `all_fit`: that need not be looked at again."""

    def __init__(self, content: bytes, pieces: list[tuple[int, int]], count: int, *, all_fit: bool) -> None:
        self._content = content
        self._pieces = pieces
        self._count = count
        self.all_fit = all_fit

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Any]:
        for begin, end in self._pieces:
            yield from orjson.loads(b"[%b]" % self._content[begin:end])


@dataclass(frozen=True, slots=True)
class _Piece:
    """`length` bytes hold `steps`; the next piece begins `further` bytes on, unless this one is the last."""

    steps: list[Any]
    length: int
    further: int
    is_last: bool


def read_long(content: bytes, fits: Fits, piece: int = PIECE) -> Any:
    """As `orjson.loads`, except that a scenario's "steps" are `Steps` if they are many. Raises orjson.JSONDecodeError."""
    document = _read_in_pieces(content, fits, piece)
    return orjson.loads(content) if document is None else document


def _read_in_pieces(content: bytes, fits: Fits, size: int) -> Any:
    """None if it cannot be read so."""
    rest: list[bytes] = []
    lists: list[Steps] = []
    read_to = 0
    at = content.find(_KEY)
    while at >= 0:
        at += len(_KEY)
        begins = _LIST_BEGINS.match(content, at)
        cut = None if begins is None else _cut(content, begins.end(), fits, size)
        if cut is not None:
            rest += (content[read_to:at], b":%b" % orjson.dumps(_stands_for(len(lists))))
            steps, read_to = cut
            lists.append(steps)
            at = read_to
        at = content.find(_KEY, at)
    rest.append(content[read_to:])
    try:
        document = orjson.loads(b"".join(rest))
    except orjson.JSONDecodeError:
        return None
    return document if _put(document, lists) else None


def _stands_for(number: int) -> str:
    return f"\0 steps {number}"


def _put(document: Any, lists: list[Steps]) -> bool:
    """Each list in its place; False if one was not that of a scenario."""
    scenarios = document.get("scenarios", [document]) if isinstance(document, dict) else []
    by_name = {_stands_for(number): steps for number, steps in enumerate(lists)}
    for scenario in scenarios if isinstance(scenarios, list) else []:
        name = scenario.get("steps") if isinstance(scenario, dict) else None
        if isinstance(name, str) and name in by_name:
            scenario["steps"] = by_name.pop(name)
    return not by_name


def _cut(content: bytes, begin: int, fits: Fits, size: int) -> tuple[Steps, int] | None:
    """The list that begins here, and where it has ended; None if it is short, or no list that reads."""
    pieces: list[tuple[int, int]] = []
    count = 0
    all_fit = True
    while True:
        piece = _first_of(content[begin : begin + size])
        if piece is None:
            return None
        pieces.append((begin, begin + piece.length))
        count += len(piece.steps)
        all_fit = all_fit and all(map(fits, piece.steps))
        begin += piece.further
        if piece.is_last:
            return (Steps(content, pieces, count, all_fit=all_fit), begin) if len(pieces) > 1 else None


def _first_of(text: bytes) -> _Piece | None:
    for gap in _last_gaps(text):
        length = gap.start() + 1
        try:
            return _Piece(orjson.loads(b"[%b]" % text[:length]), length, gap.end(), is_last=False)
        except orjson.JSONDecodeError:
            continue  # a gap inside of a step, or behind the list
    return _last_of(text)


def _last_gaps(text: bytes) -> list[re.Match[bytes]]:
    """Backwards."""
    gaps = list(_GAP.finditer(text, max(0, len(text) - TAIL))) or list(_GAP.finditer(text))
    return gaps[: -GAPS_TRIED_MAX - 1 : -1]


def _last_of(text: bytes) -> _Piece | None:
    """The list ends in this text, where a reader meets what does not belong to it any more."""
    listed = b"[%b" % text[: text.rfind(b"]") + 1]
    try:
        orjson.loads(listed)
    except orjson.JSONDecodeError as err:
        characters = listed.decode(errors="replace")[: err.pos]
        listed = characters.encode().rstrip()
    try:
        steps = orjson.loads(listed)
    except orjson.JSONDecodeError:
        return None
    return _Piece(steps, len(listed) - 2, len(listed) - 1, is_last=True)  # without its brackets
