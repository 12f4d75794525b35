"""What must come of edits on both sides, told without a word of how: who saw what when they wrote. Independent of the agent's merge.

Each edit is a node; its parents are the values that its author saw and replaced. Values are never written twice, so a value names
its edit. A node that nobody has replaced is a head. One head: both sides have it. Two: the column's policy decides.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

CLOUD, HUB = "cloud", "hub"
MANUAL = {"triggers", "device_states"}
HUBS_OWN = {"capabilities"}


@dataclass(eq=False)
class Node:
    side: str
    value: Any
    parents: set["Node"]
    # Made while the two sides did not know the same of a dispute: whether it decides that depends on who speaks first.
    is_ambiguous: bool = False


@dataclass
class Expected:
    """What both sides must have; or, where `theirs` is set, what each of them keeps until somebody decides."""

    ours: Any
    theirs: Any = None
    is_disputed: bool = False
    lost: list[Any] = field(default_factory=list)
    is_open: bool = False  # nothing is promised but that both sides agree


class Column:
    """The history of one column of one definition."""

    def __init__(self, name: str, resolution: str) -> None:
        self.name = name
        self.resolution = resolution
        self.nodes: list[Node] = []
        self._by_value: dict[str, Node] = {}

    def write(self, side: str, value: Any, replaced: Iterable[Any], *, is_ambiguous: bool = False) -> None:
        parents = {self._by_value[repr(each)] for each in replaced if repr(each) in self._by_value}
        node = Node(side, value, parents, is_ambiguous)
        self.nodes.append(node)
        self._by_value[repr(value)] = node

    def doubt(self, since: int) -> None:
        """What the hub wrote after so many may hold or not."""
        if any(node.side == HUB for node in self.nodes[since:]):
            self.nodes[-1].is_ambiguous = True

    def expected(self) -> Expected:
        replaced = {parent for node in self.nodes for parent in node.parents}
        heads = [node for node in self.nodes if node not in replaced]
        clouds = [node for node in heads if node.side == CLOUD]
        hubs = [node for node in heads if node.side == HUB]
        if any(node.is_ambiguous for node in self.nodes):
            return Expected(None, is_open=True)
        if not hubs:
            return Expected(clouds[-1].value)
        if not clouds or self._policy() == HUB:
            return Expected(hubs[-1].value)
        if self._policy() == CLOUD:
            return Expected(clouds[-1].value, lost=[node.value for node in hubs])
        return Expected(hubs[-1].value, clouds[-1].value, is_disputed=True)

    def _policy(self) -> str:
        if self.name in HUBS_OWN:
            return HUB
        if self.name not in MANUAL:
            return CLOUD
        return {"nexa_wins": CLOUD, "ecosystem_wins": HUB}.get(self.resolution, "nobody")
