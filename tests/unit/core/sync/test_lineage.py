"""Whether a mirror is still the one that the cloud knows."""

from dataclasses import dataclass

import orjson
import pytest

from hub_agent.core.sync.lineage import INCARNATIONS_MAX, Lineage, Mends, begin_life


@dataclass
class At:
    stream: str
    last: int
    acknowledged: int = 0


def test_a_life_that_was_never_answered_is_remembered_by_the_next() -> None:
    first = begin_life(None, epoch=1, incarnation="a", positions=[At("s", 3)])
    second = begin_life(first.as_json(), epoch=1, incarnation="b", positions=[At("s", 9)])
    assert second.incarnations == ("a", "b")
    assert second.floor == {"s": 3}
    answered = second.answered()
    assert (answered.incarnations, answered.floor) == (("b",), None)
    third = begin_life(answered.as_json(), epoch=1, incarnation="c", positions=[At("s", 12)])
    assert (third.incarnations, third.floor) == (("b", "c"), {"s": 12})


def test_of_many_lives_the_one_that_was_answered_and_the_newest_are_kept() -> None:
    line = begin_life(None, epoch=1, incarnation="answered")
    for n in range(100):
        line = begin_life(orjson.loads(orjson.dumps(line.as_json())), epoch=1, incarnation=str(n))
    assert len(line.incarnations) == INCARNATIONS_MAX
    assert line.incarnations[0] == "answered"
    assert line.incarnations[-2:] == ("98", "99")


def test_a_mark_above_what_earlier_lives_made_is_of_somebody_else_until_this_life_was_answered() -> None:
    line = begin_life(None, epoch=1, incarnation="a", positions=[At("s", 3)])
    assert not line.is_outrun({"s": 3})
    assert line.is_outrun({"s": 4})
    assert line.is_outrun({"another": 1})
    assert not line.answered().is_outrun({"s": 4})


def test_after_a_fork_what_both_may_have_made_is_mended_in_the_old_epoch() -> None:
    line = Lineage(4, ("a", "b")).forked(9, {"s": 8, "t": 2, "u": 5}, [At("s", 10, 6), At("t", 9, 2), At("u", 3, 1)])
    assert (line.epoch, line.incarnations, line.is_new) == (9, ("b",), True)
    assert line.mends == {"s": Mends(4, 8), "u": Mends(4, 3)}
    assert line.mended("s").mends == {"u": Mends(4, 3)}


def test_an_epoch_that_another_took_first_changes_nothing_of_what_is_to_be_mended() -> None:
    line = Lineage(1, ("a",)).forked(2, {"s": 8}, [At("s", 10, 6)])
    again = line.forked(3, {"s": 10}, [At("s", 10, 6)])
    assert (again.epoch, again.mends) == (3, {"s": Mends(1, 8)})
    heard = line.answered().forked(3, {"s": 10}, [At("s", 10, 6)])
    assert (heard.epoch, heard.mends) == (3, {"s": Mends(2, 10)})


def test_what_is_still_to_be_mended_stays_so_under_its_own_epoch_after_another_fork() -> None:
    line = Lineage(1, ("a",)).forked(2, {"s": 8, "t": 5}, [At("s", 10, 6), At("t", 9, 2)]).answered()
    again = line.forked(3, {"t": 7}, [At("s", 10, 7), At("t", 9, 3)])
    assert again.mends == {"s": Mends(1, 8), "t": Mends(2, 7)}
    kept = orjson.loads(orjson.dumps(again.as_json()))
    assert begin_life(kept, epoch=3, incarnation="b").mends == again.mends


@pytest.mark.parametrize(
    "saved",
    [{}, {"epoch": "1"}, {"epoch": 1, "incarnations": "a"}, {"epoch": 3, "incarnations": ["z"], "mends": {"s": 4}}],
)
def test_what_was_kept_and_cannot_be_read_counts_for_nothing(saved) -> None:
    line = begin_life(saved, epoch=3, incarnation="a", positions=[At("s", 3)])
    assert (line.epoch, line.incarnations, line.floor) == (3, ("a",), {"s": 3})


def test_of_another_epoch_the_older_line_counts_for_nothing_and_the_newer_one_is_followed() -> None:
    kept = Lineage(2, ("a",), None, {"s": Mends(1, 4)}).as_json()
    assert begin_life(kept, epoch=3, incarnation="b").incarnations == ("b",)
    followed = begin_life(kept, epoch=1, incarnation="b")
    assert (followed.epoch, followed.mends) == (2, {"s": Mends(1, 4)})
