"""A hub without links: only what speaks over the broker. For simulations, tests and benchmarks."""

import asyncio
from collections.abc import Callable, Mapping

from hub_agent.errors import NotPossible
from hub_agent.model.link import Peer, Request
from hub_agent.ports import FromLinks


class NoLinks:
    """Fills ports.Links."""

    def start(self, take: Callable[[FromLinks], bool]) -> None:
        pass

    def resume(self) -> None:
        pass

    def open(self, peer: Peer) -> None:
        pass

    def close(self, dialect: str, key: str) -> None:
        pass

    def ask(self, _request: Request, _done: Callable[[str | None], None]) -> bool:
        return False

    async def pair(self, peer: Peer, _given: Mapping[str, str]) -> None:
        raise NotPossible(f"{peer.name}: this hub keeps no links.")

    def forget(self, dialect: str, key: str) -> None:
        pass

    async def run(self) -> None:
        await asyncio.Event().wait()
