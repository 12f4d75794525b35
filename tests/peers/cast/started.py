"""The receiver in a process of its own, which ends with whoever has started it. It has an address of this machine to itself, because its ports are fixed."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hub_agent.model.link import Peer
from tests.peers.npm import NODE, npm_ci

FOLDER = Path(__file__).parent
UUID = "b2f4c8a0d1e24f5e8a9b0c1d2e3f4a5b"
PORT = 8009
WITHIN_S = 60


@dataclass(frozen=True, slots=True)
class Started:
    process: "subprocess.Popen[str]"
    host: str

    @property
    def peer(self) -> Peer:
        """As its announcement by mDNS makes it."""
        txt = {"id": UUID, "md": "Chromecast Ultra", "fn": "Living room TV", "ca": "201221"}
        return Peer("cast", UUID, "Living room TV", (self.host,), PORT, txt)

    def person(self, **deed: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(deed) + "\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(WITHIN_S)


@contextmanager
def receiver(folder: Path, host: str) -> Iterator[Started]:
    """`folder` keeps its certificate."""
    npm_ci(FOLDER)
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    if not key.exists():
        _certify(key, certificate)
    command = [
        "setpriv",
        "--pdeathsig",
        "KILL",
        str(NODE),
        str(FOLDER / "receiver.mjs"),
        str(key),
        str(certificate),
        host,
        str(PORT),
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "up\n"
            yield Started(process, host)
        finally:
            process.kill()


def _certify(key: Path, certificate: Path) -> None:
    subject = ["-subj", "/CN=cast", "-days", "2", "-nodes"]
    made = ["-newkey", "rsa:2048", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", "req", "-x509", *made, *subject], check=True, capture_output=True, timeout=WITHIN_S)
