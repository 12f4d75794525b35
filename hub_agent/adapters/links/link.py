"""What a dialect's adapter gives to the process it runs in: how to talk to one peer, how to pair with it, how to search for peers.

`adapters/links/<dialect>.py` has a class that fills `Linking`, and a line in `LINKINGS` in `adapters/links/registry.py`. Its libraries are
imported inside that module only, which is loaded in the dialect's own process.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import Peer


@dataclass(frozen=True, slots=True)
class Line:
    """What a link may do towards the hub.

    `say(kind, body)`: a frame for the dialect's driver, plain JSON. `up()`: connected, and the first state has been said or is about to be.
    `keep(secrets)`: keys and tokens to be given again at the next start. `asleep(reason)`: `run` goes on and waits for it to wake; then `up()`.
    """

    say: Callable[[str, JsonValue], None]
    up: Callable[[], None]
    keep: Callable[[Mapping[str, str]], None]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    asleep: Callable[[str], None] = lambda _reason: None


class Link(Protocol):
    """One connection with one peer."""

    async def run(self) -> None:
        """Connects and says what the peer says, until the connection ends: then it raises LinkLost, LinkAsleep, or PersonNeeded, and is
        run anew after a growing wait. Cancelled, it closes. Its own timeouts bound every wait.
        """

    async def ask(self, body: JsonObject) -> None:
        """Carries out a driver's request while `run` runs. Done when the peer has taken it. Raises NotPossible or LinkLost, in words."""


class Linking(Protocol):
    """How a dialect connects."""

    def open(self, peer: Peer, line: Line) -> Link: ...

    async def pair(self, peer: Peer, given: Mapping[str, str]) -> Mapping[str, str]:
        """Makes the hub and the peer known to each other with what a person gave or did; answers with the secrets to keep.
        Raises PersonNeeded (what was given is wrong, or more is needed) or LinkLost.
        """

    async def search(self, found: Callable[[Peer], None]) -> None:
        """Looks for peers by a way that mDNS and SSDP do not cover, until cancelled. Returns at once if there is none."""


class NoPairing:
    """For dialects whose peers need nothing, or only what a person types in: it is kept as it was given."""

    async def pair(self, _peer: Peer, given: Mapping[str, str]) -> Mapping[str, str]:
        return given


class NoSearch:
    async def search(self, _found: Callable[[Peer], None]) -> None:
        return
