"""The household in a process of its own, which ends with whoever has started it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hub_agent.model.link import Peer

PROGRAM = Path(__file__).parent / "household.py"
ENDS_WITHIN_S = 60


@dataclass(frozen=True, slots=True)
class Started:
    """`players`: uid and port of each."""

    process: "subprocess.Popen[str]"
    players: tuple[tuple[str, int], ...]

    def uid(self, index: int) -> str:
        return self.players[index][0]

    def peer(self, index: int) -> Peer:
        """As its announcement by mDNS would make it: the port there is that of another interface."""
        uid, port = self.players[index]
        txt = {"location": f"http://127.0.0.1:{port}/xml/device_description.xml", "bootseq": "12"}
        return Peer("sonos", uid[7:19].lower(), "Sonos", ("fe80::1", "127.0.0.1"), 1443, txt)

    def person(self, **deed: object) -> None:
        """What a person does at a player."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(deed) + "\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(ENDS_WITHIN_S)


@contextmanager
def household(*ports: int) -> Iterator[Started]:
    """A port of 0 is any."""
    command = ["setpriv", "--pdeathsig", "KILL", sys.executable, str(PROGRAM), *map(str, ports)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            said = [json.loads(process.stdout.readline()) for _ in ports]
            yield Started(process, tuple((each["uid"], each["port"]) for each in said))
        finally:
            process.kill()
