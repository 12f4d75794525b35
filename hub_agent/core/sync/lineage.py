"""Whether this mirror is still the one that the cloud knows, or a copy of it.

A copy is an older backup that was put back, or a second machine with the same card. Both give numbers to records that the
cloud has under other records, so they have to be told apart, although they were one:

* Each life (a start of the agent) has a random name, its incarnation. The envelope carries the lineage: the incarnation that
  the cloud last answered, and all since; one of them is the last that the cloud has heard of this mirror and epoch. If it is
  none of them, somebody else spoke in our name, and the cloud takes nothing: the epoch has forked.
* The floor is how far the numbers went when a life began that the cloud has not answered yet. Records go only after an
  answer, so a mark above the floor is of somebody who went on from where we come from.

After a fork the line goes on in an epoch of its own. What it has above what was confirmed to it and at or below the marks of
the old epoch is either stored there already (a backup) or was taken for a repeat (a second machine). It goes in the repair
lane under the old epoch, where only what is missing is stored, before the stream goes on live. What it has above those marks
may have gone in an epoch of another copy: it goes live, and only what is missing is stored.

An epoch ends when a fork begins a later one: a life that is new in it is a copy, too, whatever it comes from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from hub_agent.core.sync.position import Reached
from hub_agent.model.json import JsonObject

# Lives that the cloud may have heard of without our hearing its answer. A name too few costs no more than a new epoch.
INCARNATIONS_MAX = 32


@dataclass(frozen=True, slots=True)
class Mends:
    """A stream goes in the repair lane up to this number, under the epoch in which these numbers were given."""

    epoch: int
    end: int


@dataclass(frozen=True, slots=True)
class Lineage:
    """`floor` None: the cloud has answered this life. `mends`: by stream, what has to go before the stream goes on live.
    `is_new`: this epoch has begun by a fork, and the cloud has not answered in it yet. `shared`: by stream, up to which number
    another copy of this mirror may have sent in an epoch of its own.
    """

    epoch: int
    incarnations: tuple[str, ...]
    floor: Mapping[str, int] | None = None
    mends: Mapping[str, Mends] = field(default_factory=dict)
    is_new: bool = False
    shared: Mapping[str, int] = field(default_factory=dict)

    def is_outrun(self, marks: Mapping[str, int]) -> bool:
        """Marks of numbers that no life of this line can have sent."""
        return self.floor is not None and any(mark > self.floor.get(stream, 0) for stream, mark in marks.items())

    def answered(self) -> "Lineage":
        """The cloud took an envelope of this life."""
        return replace(self, incarnations=self.incarnations[-1:], floor=None, is_new=False)

    def forked(self, next_epoch: int, marks: Mapping[str, int], positions: Sequence[Reached]) -> "Lineage":
        """In an epoch of its own. One that was taken by another before we were heard in it has nothing of ours."""
        epoch = max(next_epoch, self.epoch + 1)
        shared = {each.stream: each.last for each in positions if each.last > each.acknowledged}
        if self.is_new:
            return replace(self, epoch=epoch, shared=shared)
        # What was still to be mended when the copy was made stays so, unless the copy has come further.
        mends = dict(self.mends)
        for each in positions:
            end = min(each.last, marks.get(each.stream, 0))
            if end > each.acknowledged and (each.stream not in mends or end > mends[each.stream].end):
                mends[each.stream] = Mends(self.epoch, end)
        return Lineage(epoch, self.incarnations[-1:], None, mends, is_new=True, shared=shared)

    def mended(self, stream: str) -> "Lineage":
        return replace(self, mends={name: mends for name, mends in self.mends.items() if name != stream})

    def as_json(self) -> JsonObject:
        return {
            "epoch": self.epoch,
            "incarnations": list(self.incarnations),
            "floor": None if self.floor is None else dict(self.floor),
            "mends": {stream: [mends.epoch, mends.end] for stream, mends in self.mends.items()},
            "is_new": self.is_new,
            "shared": dict(self.shared),
        }


def begin_life(saved: JsonObject | None, *, epoch: int, incarnation: str, positions: Sequence[Reached] = ()) -> Lineage:
    """`saved` is what was kept of the lives before; of another epoch or unreadable it counts for nothing: the cloud then
    takes us for a copy, which loses nothing. `positions`: before this life has made anything.
    """
    lasts = {each.stream: each.last for each in positions}
    before = _read(saved)
    if before is None or before.epoch < epoch:
        return Lineage(epoch, (incarnation,), lasts)
    known = before.incarnations
    if len(known) >= INCARNATIONS_MAX:
        known = (known[0], *known[2 - INCARNATIONS_MAX :])
    floor = lasts if before.floor is None else before.floor
    return replace(before, incarnations=(*known, incarnation), floor=floor)


def _read(saved: JsonObject | None) -> Lineage | None:
    if saved is None:
        return None
    epoch, incarnations = saved.get("epoch"), saved.get("incarnations")
    floor, mends = saved.get("floor"), _mends(saved.get("mends"))
    if not isinstance(epoch, int) or not isinstance(incarnations, list) or mends is None:
        return None
    return Lineage(
        epoch,
        tuple(str(each) for each in incarnations),
        None if floor is None else _numbers(floor),
        mends,
        is_new=saved.get("is_new") is True,
        shared=_numbers(saved.get("shared")),
    )


def _mends(value: object) -> dict[str, Mends] | None:
    found: dict[str, Mends] = {}
    for stream, numbers in value.items() if isinstance(value, Mapping) else ():
        match numbers:
            case [int(epoch), int(end)]:
                found[str(stream)] = Mends(epoch, end)
            case _:
                return None
    return found


def _numbers(value: object) -> dict[str, int]:
    if not isinstance(value, Mapping):
        return {}
    return {str(name): number for name, number in value.items() if isinstance(number, int)}
