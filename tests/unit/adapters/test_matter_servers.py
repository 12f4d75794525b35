"""Which Matter server a setup code is given to, where a home has several."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from hub_agent.adapters.links.link import Line, Link
from hub_agent.adapters.links.matter import COMMISSIONABLE, MatterLinking
from hub_agent.drivers.matter import Matter
from hub_agent.model.link import Peer
from tests.peers.linked import Linked

CODE = "34970112332"


class Server:
    """Greets, knows no nodes, and commissions whatever code it is given."""

    def __init__(self) -> None:
        self.codes: list[str] = []

    async def talk(self, connection: ServerConnection) -> None:
        hello = {"schema_version": 11, "min_supported_schema_version": 9, "compressed_fabric_id": 1}
        await connection.send(json.dumps(hello))
        async for message in connection:
            asked = json.loads(message)
            result: Any = []
            if asked["command"] == "commission_with_code":
                self.codes.append(asked["args"]["code"])
                result = {"node_id": 5}
            await connection.send(json.dumps({"message_id": asked["message_id"], "result": result}))

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        async with serve(self.talk, "127.0.0.1", 0) as server:
            yield server.sockets[0].getsockname()[1]


def linked(linking: MatterLinking, key: str, port: int) -> Linked:
    return Linked(linking, Matter(), Peer("matter", key, key, ("127.0.0.1",), port))


class Opening(MatterLinking):
    """Another server is met before the first one has answered."""

    def open(self, peer: Peer, line: Line) -> Link:
        link = super().open(peer, line)
        super().open(Peer("matter", "cellar", "cellar", ("127.0.0.1",), 9), line)
        return link


async def test_a_server_that_came_up_after_another_was_opened_is_given_codes() -> None:
    linking, attic = Opening(), Server()
    async with attic.listening() as port, linked(linking, "attic", port):
        await linking.pair(Peer("matter", f"{COMMISSIONABLE}4e1f", "Lamp", ()), {"code": CODE})
    assert len(attic.codes) == 1


async def test_a_code_goes_to_the_server_that_is_meant() -> None:
    linking, attic, cellar = MatterLinking(), Server(), Server()
    async with (
        attic.listening() as above,
        cellar.listening() as below,
        linked(linking, "attic", above),
        linked(linking, "cellar", below) as meant,
    ):
        await linking.pair(meant.peer, {"code": CODE})
    assert (len(attic.codes), len(cellar.codes)) == (0, 1)
