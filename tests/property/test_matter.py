"""Units of Matter and people's, both ways; setup codes; and servers that say anything whatever."""

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from hub_agent.drivers.matter import Matter
from hub_agent.drivers.matter.reading import brightness_of, lux_of, position_of
from hub_agent.drivers.matter.setup_code import read_setup_code
from hub_agent.drivers.matter.writing import hundredths_of, level_of
from hub_agent.drivers.vocabulary import kelvin_of, mireds_of
from hub_agent.errors import NotPossible
from tests.recorded.heard_home import HeardHome
from tests.recorded.matter import corpus


@given(st.integers(1, 255))
def test_a_brightness_comes_back_within_a_step(brightness: int) -> None:
    assert abs(brightness_of(level_of(brightness)) - brightness) <= 1


@given(st.integers(1, 254))
def test_a_level_comes_back_as_it_was(level: int) -> None:
    assert level_of(brightness_of(level)) == level


@given(st.integers(0, 100))
def test_a_position_comes_back_as_it_was(position: int) -> None:
    assert position_of(hundredths_of(position)) == position


@given(st.integers(100, 1000))
def test_mireds_come_back_from_kelvin(mireds: int) -> None:
    assert abs(mireds_of(kelvin_of(mireds)) - mireds) <= 1


@given(st.integers(1, 65_534), st.integers(1, 65_534))
def test_what_is_brighter_has_more_lux(one: int, other: int) -> None:
    assert (lux_of(one) <= lux_of(other)) == (one <= other) or lux_of(one) == lux_of(other)


def test_setup_codes_are_read_however_they_are_written() -> None:
    assert read_setup_code("3497-011-2332") == "34970112332"
    assert read_setup_code(" 34970112332 ") == "34970112332"
    assert read_setup_code("mt:y.k90afn00ka0648g00") == "MT:Y.K90AFN00KA0648G00"


@pytest.mark.parametrize(
    "code", ["", "123", "3497011233", "MT:", "MT:abc", "34970112333", "one two three", "３４９７０１１２３３２"]
)
def test_codes_that_cannot_be_right_are_refused_before_they_are_sent(code: str) -> None:
    with pytest.raises(NotPossible):
        read_setup_code(code)


@given(st.integers(0, 10), st.integers(1, 9))
def test_one_wrong_digit_is_noticed(place: int, more: int) -> None:
    digits = list("34970112332")
    digits[place] = str((int(digits[place]) + more) % 10)

    with pytest.raises(NotPossible, match="check digit"):
        read_setup_code("".join(digits))


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
PATHS = st.builds(
    lambda endpoint, cluster, attribute: f"{endpoint}/{cluster}/{attribute}",
    st.integers(0, 22),
    st.sampled_from(
        [
            3,
            6,
            8,
            29,
            40,
            42,
            47,
            51,
            57,
            59,
            69,
            80,
            84,
            86,
            91,
            92,
            96,
            97,
            129,
            144,
            145,
            257,
            258,
            513,
            514,
            768,
            1026,
        ]
    ),
    st.sampled_from([0, 1, 2, 3, 4, 5, 7, 8, 10, 14, 17, 18, 28, 41, 65532, 65529]),
)


@given(st.sampled_from(["server", "node", "listed", "attribute", "event", "removed", "update", "else"]), ANYTHING)
@settings(max_examples=300)
def test_no_frame_breaks_the_driver(kind: str, body: Any) -> None:
    home = HeardHome(Matter())
    home.hear(corpus.server(), corpus.frame("node", corpus.node_of("fake_bridge_two_light")))
    home.hear(corpus.frame(kind, body))


@given(PATHS, ANYTHING)
@settings(max_examples=400)
def test_no_attribute_breaks_an_entity(path: str, value: Any) -> None:
    HOME.hear(corpus.changed(1, path, value))


@given(st.dictionaries(PATHS, ANYTHING, max_size=12))
@settings(max_examples=300)
def test_no_node_breaks_its_entities(attributes: Any) -> None:
    home = HeardHome(Matter())
    home.hear(corpus.server(), corpus.frame("node", {"node_id": 1, "available": True, "attributes": attributes}))


@given(
    st.dictionaries(
        st.sampled_from(["3/6/0", "3/8/0", "9/1026/0", "18/513/28"]), st.text() | st.floats() | st.lists(st.none())
    )
)
def test_damage_leaves_the_last_good_state(damage: Any) -> None:
    home = HeardHome(Matter())
    home.hear(corpus.server(), corpus.frame("node", corpus.node_of("matterjs_bridge_of_kinds")))
    home.hear(corpus.changed(1, "3/6/0", value=True), corpus.changed(1, "3/8/0", 100))
    lamp = f"{corpus.HOME}-1-3"
    before = home.is_now(lamp, "light_3")
    for path, value in damage.items():
        if path == "3/6/0" or (path == "3/8/0" and not isinstance(value, float)):
            home.hear(corpus.changed(1, path, value))

    assert home.is_now(lamp, "light_3") == before


HOME = HeardHome(Matter())
HOME.hear(corpus.server(), corpus.frame("node", corpus.node_of("matterjs_bridge_of_kinds")))


def test_what_is_nested_without_end_is_left_out() -> None:
    deep: Any = []
    for _ in range(5_000):
        deep = [deep]

    assert HOME.hear(corpus.changed(1, "3/6/0", deep), corpus.changed(1, "3/6/0", [deep])) == []
