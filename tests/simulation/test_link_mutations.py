"""The checkers of the link can fail: an agent or a cloud that is broken on purpose is found out within a few lives."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from hub_agent.core.sync.lineage import Lineage
from hub_agent.runtime import exchange, verifying
from hub_agent.runtime.exchange import Exchange
from hub_agent.store.records import Records
from tests.fakes.cloud_twin import CloudTwin, _rows
from tests.simulation.link import simulate_link

LIVES = 12
# A life in which the card is full, so that records are given up unsent.
FULL_CARD = [27]
# Wilder lives that have to do with it.
WILD_COPIES = [10_012]
WILD_QUEUES = [10_000]
WILD_LOSSES = [10_026]

Patch = Callable[[pytest.MonkeyPatch], None]


def forgets_gaps(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Records, "add_gap", lambda *_args: None)


def stores_what_it_has(patch: pytest.MonkeyPatch) -> None:
    """Numbers at or below the mark are not skipped."""
    real = CloudTwin._take_stream

    def twice(self: CloudTwin, mirror: str, epoch: int, stream: str, body: Any, *rest: Any) -> Any:
        answer = real(self, mirror, epoch, stream, body, *rest)
        if self.rows.get(stream) and body:
            self.rows[stream].append(self.rows[stream][-1])
        return answer

    patch.setattr(CloudTwin, "_take_stream", twice)


def moves_the_mark_without_rows(patch: pytest.MonkeyPatch) -> None:
    real = CloudTwin._take_stream

    def losing(self: CloudTwin, mirror: str, epoch: int, stream: str, body: Any, *rest: Any) -> Any:
        answer = real(self, mirror, epoch, stream, body, *rest)
        if len(self.rows.get(stream, ())) > 3:
            self.rows[stream].pop()
        return answer

    patch.setattr(CloudTwin, "_take_stream", losing)


def acknowledges_what_was_only_sent(patch: pytest.MonkeyPatch) -> None:
    real = Exchange._send

    async def hasty(self: Exchange, envelope: Any, *rest: Any) -> Any:
        await self._store.acknowledge(envelope.reach(), self._clock.now())
        return await real(self, envelope, *rest)

    patch.setattr(Exchange, "_send", hasty)


def keeps_the_older_case(patch: pytest.MonkeyPatch) -> None:
    real = CloudTwin._take_cases

    def reversed_(self: CloudTwin, cases: Any, *rest: Any) -> Any:
        before = dict(self.cases)
        answer = real(self, cases, *rest)
        self.cases |= before
        return answer

    patch.setattr(CloudTwin, "_take_cases", reversed_)


def takes_a_copy_for_the_one_it_knew(patch: pytest.MonkeyPatch) -> None:
    """Neither the cloud nor the hub notices."""
    patch.setattr(CloudTwin, "_fork_epoch", lambda *_args, **_rest: None)
    patch.setattr(Lineage, "is_outrun", lambda *_args: False)
    real = exchange.read_answer
    patch.setattr(exchange, "read_answer", lambda *args: replace(real(*args), beyond={}))


def confirms_what_it_has_only_queued(patch: pytest.MonkeyPatch) -> None:
    real = CloudTwin._ingest

    def hasty(self: CloudTwin, envelope: Any) -> Any:
        answer = real(self, envelope)
        if "queued" not in answer:
            return answer
        ends = {stream: body["first"] + len(_rows(body)) - 1 for stream, body in envelope["streams"].items()}
        return {"marks": ends, "server_time": answer["server_time"]}

    patch.setattr(CloudTwin, "_ingest", hasty)


def repairs_in_parts_that_drive_each_other_out(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(verifying, "key_of", lambda _stream, _row, number: number)


@pytest.mark.parametrize(
    "mutation, seeds",
    [
        (takes_a_copy_for_the_one_it_knew, WILD_COPIES),
        (confirms_what_it_has_only_queued, WILD_QUEUES),
        (repairs_in_parts_that_drive_each_other_out, WILD_LOSSES),
    ],
)
def test_a_wilder_link_that_is_broken_on_purpose_is_found_out(
    mutation: Patch, seeds: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    mutation(monkeypatch)
    with pytest.raises(AssertionError, match="tests/check sim link"):
        live_through(seeds)


@pytest.mark.parametrize(
    "mutation, seeds",
    [
        (forgets_gaps, FULL_CARD),
        (stores_what_it_has, range(LIVES)),
        (moves_the_mark_without_rows, range(LIVES)),
        (acknowledges_what_was_only_sent, range(LIVES)),
        (keeps_the_older_case, range(LIVES)),
    ],
)
def test_a_link_that_is_broken_on_purpose_is_found_out(
    mutation: Patch, seeds: Iterable[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    mutation(monkeypatch)
    with pytest.raises(AssertionError, match="tests/check sim link"):
        live_through(seeds)


def live_through(seeds: Iterable[int]) -> None:
    for seed in seeds:
        simulate_link(seed)
