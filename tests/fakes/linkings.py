"""Dialects that behave well or badly, for tests of the processes that dialects run in."""

import asyncio
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from hub_agent.adapters.links.link import Line, NoPairing, NoSearch
from hub_agent.errors import LinkAsleep, LinkLost, NotPossible, PersonNeeded
from hub_agent.model.json import JsonObject
from hub_agent.model.link import Peer

# Nobody answers at this address.
SILENT = "127.0.0.9"


class EchoLink:
    """Says who it is and what it is asked. A body names what to do: {"do": "fail" | "lose" | "sleep" | "spin" | "flood" | "strange" | "wait", ...}."""

    def __init__(self, peer: Peer, line: Line) -> None:
        self._peer = peer
        self._line = line
        self._end: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        if self._peer.hosts == (SILENT,):
            await asyncio.Event().wait()
        self._line.up()
        self._line.say("hello", {"hosts": list(self._peer.hosts), "secrets": sorted(self._line.secrets)})
        raise await self._end

    async def ask(self, body: JsonObject) -> None:
        match body.get("do"):
            case "fail":
                raise NotPossible("it cannot do that")
            case "lose":
                self._end.set_result(LinkLost("the cable was pulled"))
            case "sleep":
                self._end.set_result(LinkAsleep("it sleeps"))
            case "break":
                self._end.set_result(RuntimeError("a fault"))
            case "spin":
                threading.Event().wait()
            case "flood":
                count = body["count"]
                assert isinstance(count, int)
                for number in range(count):
                    self._line.say("noise", number)
            case "exit":
                raise SystemExit(3)
            case "wait":
                self._line.say("waits", None)
                await asyncio.Event().wait()
            case "nod":
                self._line.asleep("it nods")
                self._line.up()
            case "strange":
                self._line.say("strange", {"half a character": "\ud83d!", "large": 2**70, "plain": 1})
            case "keep":
                self._line.keep({"token": "new"})
            case _:
                self._line.say("echo", body)


class Echo(NoPairing, NoSearch):
    def open(self, peer: Peer, line: Line) -> EchoLink:
        return EchoLink(peer, line)


class Guarded(NoSearch):
    """Lets nobody in without the code that was paired with 1234."""

    def open(self, peer: Peer, line: Line) -> EchoLink:
        if line.secrets.get("session") != "open sesame":
            raise PersonNeeded("Enter the code that is printed on it.", "code", ("code",))
        return EchoLink(peer, line)

    async def pair(self, _peer: Peer, given: Mapping[str, str]) -> Mapping[str, str]:
        if given.get("code") != "1234":
            raise PersonNeeded("The code is wrong; it is printed on it.", "code", ("code",))
        return {"session": "open sesame"}


class Finding(NoPairing):
    """Finds a peer at once."""

    def open(self, peer: Peer, line: Line) -> EchoLink:
        return EchoLink(peer, line)

    async def search(self, found: Callable[[Peer], None]) -> None:
        found(Peer("finding", "f1", "Found One", ("127.0.0.1",), 9, {"model": "M"}))
        await asyncio.Event().wait()


class Stumbling(NoPairing):
    """Ends once, at its first search of all."""

    def open(self, peer: Peer, line: Line) -> EchoLink:
        return EchoLink(peer, line)

    async def search(self, _found: Callable[[Peer], None]) -> None:
        if _is_first(Path(os.environ["STUMBLED"])):
            os._exit(3)
        await asyncio.Event().wait()


def _is_first(mark: Path) -> bool:
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
