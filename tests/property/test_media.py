"""Media players: volumes both ways, and drivers whom nothing that a player says can bring down."""

from typing import Any

import pytest
from hypothesis import given, strategies as st

from hub_agent.drivers.cast import Cast
from hub_agent.drivers.driver import LinkDriver
from hub_agent.drivers.playing import clock_of, level_of, percent_of, seconds_of
from hub_agent.drivers.sonos import Sonos
from hub_agent.drivers.sonos.media import MODE_BY_ORDER, PLAY_MODES
from hub_agent.model.link import Frame
from tests.recorded.cast.corpus import corpus as cast_corpus
from tests.recorded.sonos.corpus import corpus as sonos_corpus

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@given(st.integers(0, 100))
def test_a_volume_in_percent_comes_back_as_it_was(percent: int) -> None:
    assert percent_of(level_of(percent)) == percent


@given(st.floats(0, 1))
def test_a_volume_between_0_and_1_comes_back_within_half_a_percent(level: float) -> None:
    assert abs(level_of(percent_of(level)) - level) <= 0.0050001


@given(st.integers(1, 359_999))
def test_a_length_written_as_a_clock_comes_back_as_it_was(seconds: int) -> None:
    assert seconds_of(clock_of(seconds)) == seconds


def test_every_order_of_a_queue_has_one_mode_of_the_player() -> None:
    assert {MODE_BY_ORDER[order]: order for order in PLAY_MODES.values()} == PLAY_MODES


def replaced(body: Any, path: list[int], by: Any) -> Any:
    """`body` with what stands at the end of the path replaced."""
    if not path or not isinstance(body, dict | list) or not body:
        return by
    if isinstance(body, dict):
        key = sorted(body)[path[0] % len(body)]
        return {**body, key: replaced(body[key], path[1:], by)}
    index = path[0] % len(body)
    return [*body[:index], replaced(body[index], path[1:], by), *body[index + 1 :]]


@pytest.mark.parametrize("make, frames", [(Sonos, sonos_corpus()), (Cast, cast_corpus())])
@given(data=st.data())
def test_no_frame_brings_a_driver_of_players_down(
    make: type[Sonos] | type[Cast], frames: list[Frame], data: st.DataObject
) -> None:
    driver: LinkDriver = make()
    for frame in frames:
        path = data.draw(st.lists(st.integers(0, 7), max_size=4))
        damaged = replaced(frame.body, path, data.draw(JSON))
        driver.hear(Frame(frame.dialect, frame.peer, frame.kind, damaged))
        driver.hear(frame)
