"""What healing may have done to the hub itself, and when it is not possible."""

import pytest

from hub_agent.errors import NotPossible
from hub_agent.runtime.mending import Reconnect, RestartAgent, RestartDialect


async def test_the_agent_is_only_restarted_where_somebody_starts_it_again() -> None:
    done: list[str] = []
    prepared = RestartAgent(lambda: done.append("end"), is_kept_up=True, prepare=lambda: done.append("prepare"))
    alone = RestartAgent(lambda: done.append("never"), is_kept_up=False, prepare=lambda: done.append("never"))

    await prepared.run({}, wants_response=True)
    with pytest.raises(NotPossible, match="systemd"):
        await alone.run({}, wants_response=True)

    assert done == ["prepare", "end"]


async def test_a_dialect_without_a_process_cannot_be_restarted() -> None:
    asked: list[str] = []
    restarting = RestartDialect(lambda dialect: asked.append(dialect) or dialect == "wled")

    await restarting.run({"dialect": "wled"}, wants_response=True)
    with pytest.raises(NotPossible, match="no process of hue"):
        await restarting.run({"dialect": "hue"}, wants_response=True)

    assert asked == ["wled", "hue"]


async def test_the_broker_is_connected_to_anew() -> None:
    asked: list[bool] = []

    await Reconnect(lambda: asked.append(True)).run({}, wants_response=False)

    assert asked == [True]
