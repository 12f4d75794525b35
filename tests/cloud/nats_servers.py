"""A real cluster of three NATS servers on this machine, as deploy/cloud/nats-server.conf has it: with TLS, passwords and files."""

import asyncio
import datetime as dt
import ipaddress
import os
import shutil
import socket
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cloud_schema.queue.servers import NatsServers

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "cloud" / "nats-server.conf"
PROGRAMS = Path(sysconfig.get_path("scripts"))
PASSWORDS = {"gateway": "for the gateway's test", "writer": "for the writer's test"}
# Nothing outlives the tests, however they end.
DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL")


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Program:
    """A process of nexa-cloud's, as the operator's units start it."""

    def __init__(self, folder: Path, *words: str, **environment: str) -> None:
        self._folder = folder
        self._words = words
        self._environment = environment
        self.start()

    def start(self) -> None:
        with (self._folder / f"{self._words[0]}-{id(self)}.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*DIES_WITH_US, PROGRAMS / "nexa-cloud", *self._words],
                env={**os.environ, **self._environment},
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """As systemd does."""
        self._process.terminate()
        return self._process.wait(timeout=60)


class Cluster:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ports = free_ports(6)
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self.ca_file = folder / "ca.pem"
        _make_certificates(folder)
        for number in range(3):
            self._configure(number)
            self.start(number)

    def servers(self, user: str) -> NatsServers:
        return NatsServers.read(self.urls(user), self.ca_file)

    def urls(self, user: str) -> str:
        password = PASSWORDS[user].replace(" ", "%20")
        return ",".join(f"tls://{user}:{password}@127.0.0.1:{port}" for port in self._ports[:3])

    def start(self, number: int) -> None:
        program = [PROGRAMS / "nats-server", "-c", self._folder / str(number) / CONFIGURATION.name]
        with (self._folder / f"server-{number}.log").open("ab") as log:
            self._processes[number] = subprocess.Popen([*DIES_WITH_US, *program], stdout=log, stderr=log)

    def kill(self, number: int) -> None:
        """Without a word, as a power cut does."""
        self._processes[number].kill()
        self._processes[number].wait()

    def number_of(self, name: str) -> int:
        return int(name.removeprefix("nats-"))

    def logs(self) -> str:
        return "\n".join(path.read_text()[-3000:] for path in sorted(self._folder.glob("*.log")))

    def stop(self) -> None:
        for process in self._processes.values():
            process.kill()
        for process in self._processes.values():
            process.wait()

    def _configure(self, number: int) -> None:
        own = self._folder / str(number)
        own.mkdir()
        shutil.copy(CONFIGURATION, own)
        routes = ", ".join(f'"nats://127.0.0.1:{port}"' for port in self._ports[3:])
        (own / "nats-here.conf").write_text(
            f"""
            NAME: "nats-{number}"
            LISTEN: "127.0.0.1:{self._ports[number]}"
            ROUTES_LISTEN: "127.0.0.1:{self._ports[3 + number]}"
            ROUTES: [{routes}]
            STORE: "{own / "store"}"
            CERTIFICATE: "{self._folder / "server.pem"}"
            KEY: "{self._folder / "server.key"}"
            AUTHORITY: "{self.ca_file}"
            GATEWAY_PASSWORD: "{PASSWORDS["gateway"]}"
            WRITER_PASSWORD: "{PASSWORDS["writer"]}"
            """
        )


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    folder = Path(tempfile.mkdtemp(prefix="nexa-nats-"))
    cluster = None
    try:
        cluster = Cluster(folder)
        yield cluster
    finally:
        if cluster is not None:
            cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def eventually(condition, seconds: float = 30.0, every_s: float = 0.1) -> None:
    """Until it answers something true; it may be asynchronous."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        answer = condition()
        if asyncio.iscoroutine(answer):
            answer = await answer
        if answer:
            return
        assert asyncio.get_running_loop().time() < deadline, condition
        await asyncio.sleep(every_s)


def _make_certificates(folder: Path) -> None:
    """An authority, and one certificate of it for all three."""
    now = dt.datetime.now(dt.UTC)

    def certificate(name: str, key, issuer: x509.Name, signing_key, *, is_authority: bool) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(minutes=5))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
            )
        )
        return builder.sign(signing_key, hashes.SHA256())

    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    authority = certificate("tests", authority_key, issuer, authority_key, is_authority=True)
    served = certificate("nats", key, issuer, authority_key, is_authority=False)
    (folder / "ca.pem").write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    (folder / "server.pem").write_bytes(served.public_bytes(serialization.Encoding.PEM))
    (folder / "server.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
