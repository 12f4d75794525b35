"""A scenario that is read in pieces is the one that is read in one go, whatever its text looks like."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import example, given, strategies as st

from hub_agent.core.long_scenario import Steps, read_long

# Text that looks like what the reader goes by, in places where it means nothing.
TRAPS = st.sampled_from(
    ["},{", '"steps": [', "}, {", "]", "[{", "\\", '\\"', "}]", "é°\U0001f321", "\0 steps 0", "plain"]
)
WORDS = st.lists(TRAPS, max_size=3).map("".join)
VALUES = st.recursive(
    st.one_of(WORDS, st.integers(-5, 5), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.one_of(WORDS, st.just("steps")), inner, max_size=3)),
    max_leaves=6,
)  # fmt: skip
STEPS = st.lists(
    st.one_of(st.fixed_dictionaries({"at": st.sampled_from(["+1s", "+2.5s", "soon"]), "set": VALUES}), VALUES), max_size=12
)  # fmt: skip
SCENARIOS = st.fixed_dictionaries(
    {"name": WORDS, "home": VALUES, "steps": STEPS, "expect": st.lists(VALUES, max_size=3)}
)
DOCUMENTS = st.one_of(
    SCENARIOS, st.fixed_dictionaries({"area": WORDS, "scenarios": st.lists(SCENARIOS, max_size=3)}), VALUES
)
PIECES = st.integers(20, 300)


def comes_soon(step: Any) -> bool:
    return isinstance(step, dict) and step.get("at") == "+1s"


def whole(document: Any) -> Any:
    """With every step read."""
    scenarios = document.get("scenarios", [document]) if isinstance(document, dict) else []
    for each in scenarios if isinstance(scenarios, list) else []:
        if isinstance(each, dict) and isinstance(each.get("steps"), Steps):
            steps = each["steps"]
            each["steps"] = list(steps)
            assert len(steps) == len(each["steps"])
            assert steps.all_fit is all(map(comes_soon, each["steps"]))
    return document


@given(document=DOCUMENTS, piece=PIECES, indent=st.sampled_from([None, 0, 2]))
@example(document={"home": {"steps": [{"at": "+1s"}] * 9}, "steps": []}, piece=40, indent=None)
@example(document={"area": {"steps": [{"at": "+1s"}] * 9}, "scenarios": [{"steps": [{}] * 30}]}, piece=40, indent=0)
def test_in_pieces_it_is_what_it_is_in_one_go(document: Any, piece: int, indent: int | None) -> None:
    text = json.dumps(document, indent=indent, ensure_ascii=False).encode()

    assert whole(read_long(text, comes_soon, piece)) == document


@given(
    document=DOCUMENTS,
    piece=PIECES,
    where=st.floats(0, 1),
    put=st.sampled_from([b"", b",", b"}", b"]", b'"', b"\xff", b" "]),
)
@example(document={"steps": [{"at": "+1s"}] * 9}, piece=40, where=0.985, put=b",")
def test_a_mistake_is_told_as_if_it_were_read_in_one_go(document: Any, piece: int, where: float, put: bytes) -> None:
    text = json.dumps(document).encode()
    place = int(where * len(text))
    text = text[:place] + put + text[place + 1 :]

    assert outcome(lambda: whole(read_long(text, comes_soon, piece))) == outcome(lambda: orjson.loads(text))


def outcome(read: Any) -> Any:
    try:
        return read()
    except orjson.JSONDecodeError as err:
        return str(err)


@pytest.mark.parametrize("between", [",", ", ", " ,\n  "])
def test_many_steps_are_kept_as_text(between: str) -> None:
    step = '{"at": "+1s", "set": {"entity": "sensor.a", "attributes": {"list": [{"a": 1}]}}}'
    text = f'{{"steps" : [{between.join([step] * 1000)} ] , "expect": []}}'.encode()

    document = read_long(text, comes_soon, piece=1000)

    assert isinstance(document["steps"], Steps)
    assert list(document["steps"]) == [json.loads(step)] * 1000
    assert document["steps"].all_fit
