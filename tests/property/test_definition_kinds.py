"""Of every kind and column: whatever both sides do to a definition, and in whatever order they hear of it, in the end both say the same."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from hub_agent.core.sync.changes import read_changes
from hub_agent.core.sync.columns import CLOUD_COLUMNS, DOWN_KINDS, KINDS, MANUAL_COLUMNS, OBSERVED_COLUMNS
from hub_agent.core.sync.definitions import Definitions
from hub_agent.core.sync.envelope import ClockReading, Envelope, Sender, read_answer
from hub_agent.model.definition import CATALOGUE_KINDS
from hub_agent.model.effects import Save
from hub_agent.runtime.exchange import _taken
from tests.fakes.cloud_twin import CloudTwin

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ROUNDS_MAX = 12
BOTH_WAYS = [kind for kind in KINDS if kind not in DOWN_KINDS and kind != "home"]
NAMES = {"device": "device_name", "alert_rule": "rule_name"}
COLUMNS = ["name", "description", "metadata", *sorted({name for names in MANUAL_COLUMNS.values() for name in names})]
IN_MEMORY = [kind for kind in KINDS if kind not in CATALOGUE_KINDS]

here = st.tuples(st.just("here"), st.sampled_from(BOTH_WAYS), st.sampled_from(COLUMNS), st.integers(0, 3))
there = st.tuples(st.just("there"), st.sampled_from(IN_MEMORY), st.sampled_from(COLUMNS), st.integers(0, 3))
gone = st.tuples(st.sampled_from(["gone here", "gone there"]), st.sampled_from(BOTH_WAYS))
spoken = st.sampled_from([("up",), ("up unheard",), ("down",), ("restart",)])
stories = st.lists(st.one_of(here, there, gone, spoken), max_size=25)


class Pair:
    def __init__(self) -> None:
        self.twin = CloudTwin(lambda: NOON)
        self.hub = Definitions()
        self.cursor: str | None = None
        self.saved: dict[str, dict[str, Any]] = {}

    async def tell(self, story: list[tuple[Any, ...]]) -> None:
        request = {"mirror_id": "mirror", "hub_name": "hall", "agent_version": "0"}
        self.hub_id = str((await self.twin.claim(self.twin.issue_claim_code(), request))["hub_id"])
        for what, *how in story:
            await self.step(what, *how)
        for _ in range(ROUNDS_MAX):
            await self.step("up")
            await self.step("down")

    async def step(self, what: str, *how: Any) -> None:
        match what, how:
            case "here", (kind, column, value):
                self.keep(self.hub.edit(kind, self.id_of(kind), self.row(kind, column, f"here {value}"), NOON))
            case "there", (kind, column, value):
                self.twin.put(kind, self.id_of(kind), self.row(kind, column, f"there {value}"))
            case "gone here", (kind,):
                self.keep(self.hub.delete(kind, self.id_of(kind), NOON))
            case "gone there", (kind,):
                self.twin.remove(kind, self.id_of(kind))
            case "up", _:
                await self.up()
            case "up unheard", _:
                await self.up(is_heard=False)
            case "down", _:
                await self.down()
            case "restart", _:
                self.restart()

    def row(self, kind: str, column: str, value: str) -> dict[str, Any]:
        name = NAMES.get(kind, "name")
        return {name: kind, column if column != "name" else name: value}

    def id_of(self, kind: str) -> str:
        return self.twin.home_id if kind == "home" else f"00000000-0000-4000-8000-0000000000{KINDS.index(kind):02d}"

    async def up(self, *, is_heard: bool = True) -> None:
        owed = tuple(self.hub.owed(50))
        clock = ClockReading(True, "boot", 1, NOON)
        envelope = Envelope(Sender(self.hub_id, "mirror", 1, "0"), clock, owed)
        answer = read_answer(await self.twin.ingest(envelope.encode()), envelope, {})
        for taken in _taken(envelope, answer) if is_heard else ():
            self.keep(self.hub.taken(taken, NOON))  # type: ignore[arg-type]

    async def down(self) -> None:
        answer = await self.twin.changes(self.cursor, 0)
        for arrived in read_changes(answer, NOON).definitions:
            self.keep(self.hub.arrived(arrived.definition, NOON, arrived.disputed))
        self.cursor = answer["cursor"]

    def keep(self, outcomes: list[Any]) -> None:
        for each in outcomes:
            if isinstance(each, Save):
                self.saved.setdefault(each.room, {}).pop(each.key, None)
                self.saved[each.room] |= {each.key: each.body} if each.body is not None else {}

    def restart(self) -> None:
        known = [each for kind in KINDS for each in self.hub.with_deleted(kind)]
        self.hub = Definitions()
        self.hub.restore(known, self.saved)

    def check(self) -> None:
        disputed = {(conflict.kind, conflict.id): set(conflict.theirs) for conflict in self.hub.conflicts}
        assert self.hub.owed_count == 0, self.hub.owed(9)
        for kind in IN_MEMORY:
            ours, theirs = self.hub.get(kind, self.id_of(kind)), self.twin.definitions.get((kind, self.id_of(kind)))
            if theirs is None or theirs.is_deleted:
                assert ours is None, kind
                continue
            assert ours is not None, kind
            left = disputed.get((kind, ours.id), set()) | CLOUD_COLUMNS.get(kind, frozenset())
            left |= OBSERVED_COLUMNS.get(kind, frozenset())
            assert {n: v for n, v in ours.fields.items() if n not in left} == {
                n: v for n, v in theirs.fields.items() if n not in left
            }, kind
        assert {name for names in disputed.values() for name in names} <= {
            name for names in MANUAL_COLUMNS.values() for name in names
        }


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(stories)
def test_in_the_end_both_sides_have_the_same_of_every_kind(story: list[tuple[Any, ...]]) -> None:
    pair = Pair()
    asyncio.run(pair.tell(story))
    pair.check()


BEGIN = [("here", "automation", "description", 0), ("up",), ("down",)]


@pytest.mark.parametrize("is_restarted", [False, True])
@pytest.mark.parametrize(
    "story, wanted",
    [
        (
            [("here", "automation", "description", 1), ("up unheard",), ("here", "automation", "description", 0)],
            "here 0",
        ),
        ([("gone here", "automation"), ("up unheard",), ("here", "automation", "description", 0)], "here 0"),
        (
            [
                ("here", "automation", "description", 1),
                ("up unheard",),
                ("here", "automation", "description", 2),
                ("there", "automation", "name", 0),
                ("down",),
            ],
            "here 2",
        ),
    ],
    ids=["an edit that is undone", "a deletion that is undone", "an edit after an edit"],
)
def test_the_last_word_here_holds_though_the_answer_to_the_one_before_got_lost(
    story: list[tuple[Any, ...]], wanted: str, *, is_restarted: bool
) -> None:
    pair = Pair()
    asyncio.run(pair.tell([*BEGIN, *story[:2], *([("restart",)] if is_restarted else []), *story[2:]]))
    pair.check()
    known = pair.hub.get("automation", pair.id_of("automation"))
    assert known is not None
    assert known.fields["description"] == wanted
