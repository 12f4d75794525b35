"""The hub's own certificate: an authority of its own, which phones can be told to trust, and what it signs for the hub's names.

The authority may only ever vouch for names and addresses of homes: a key that is stolen from a hub is no key to anybody's bank.
`openssl` makes them, when somebody first asks for HTTPS: so nobody else pays for it with memory, start or writes to the card.
"""

import asyncio
import hashlib
import os
import shutil
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

import orjson

from hub_agent.errors import OperatingError

AUTHORITY_LIFETIME: Final = timedelta(days=3650)
# Phones take none that is longer than this from anybody.
LIFETIME: Final = timedelta(days=397)
RENEWED_BEFORE: Final = timedelta(days=30)
ADDRESSES_MAX: Final = 16
_MAKING_S_MAX: Final = 60.0

_HOME_DOMAINS: Final = ("local", "lan", "internal", "home.arpa", "localhost", "fritz.box")
_HOME_NETWORKS: Final = tuple(
    ip_network(each)
    for each in (
        "10.0.0.0/8",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)


class NoCertificate(OperatingError):
    """It cannot be made; `str()` says why and what to do."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """`names`: of hosts, and addresses. `fingerprint`: SHA-256 of whom to trust, to compare by eye."""

    chain: Path
    key: Path
    names: tuple[str, ...]
    until: datetime
    fingerprint: str


@dataclass(frozen=True, slots=True)
class _Note:
    """What openssl would have to be asked for again."""

    names: list[str]
    vouches_for: list[str]
    until: str


class OwnCertificate:
    """In `folder`, which only the agent reads: `authority.pem` is the one to trust."""

    def __init__(self, folder: Path, names: Iterable[str], openssl: str = "openssl") -> None:
        self._folder = folder
        self._names = tuple(sorted({name for name in names if _is_plain(name)} | {"localhost"}))
        self._openssl = openssl
        self._making = asyncio.Lock()

    @property
    def authority(self) -> Path:
        return self._made / "authority.pem"

    @property
    def _made(self) -> Path:
        """A link, so that all that belongs together is replaced at once."""
        return self._folder / "current"

    async def current(self, address: str | None, now: datetime) -> Certificate:
        """Made or renewed if need be, also for an address that is new. Raises NoCertificate."""
        async with self._making:
            note = self._note()
            kept = [each for each in note.names if _is_address(each)] if note else []
            own = _of_homes(address)
            added = [own] if own else []
            addresses = list(dict.fromkeys([*added, *kept]))[:ADDRESSES_MAX]
            wanted = [*self._names, *addresses]
            if note is None or not self._still_good(note, wanted, now):
                note = await self._make(note, wanted, now)
            return self._as_made(note)

    def _still_good(self, note: _Note, wanted: Sequence[str], now: datetime) -> bool:
        return set(wanted) <= set(note.names) and datetime.fromisoformat(note.until) - now > RENEWED_BEFORE

    def _as_made(self, note: _Note) -> Certificate:
        try:
            pem = self.authority.read_text(encoding="ascii")
        except OSError as err:
            raise NoCertificate(f"The hub's own certificate cannot be read: {err}") from err
        fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
        until = datetime.fromisoformat(note.until)
        return Certificate(self._made / "hub.pem", self._made / "hub.key", tuple(note.names), until, fingerprint)

    def _note(self) -> _Note | None:
        """None where something is missing or damaged: then it is made anew."""
        if not all((self._made / each).is_file() for each in ("authority.pem", "authority.key", "hub.pem", "hub.key")):
            return None
        try:
            body = orjson.loads((self._made / "hub.json").read_bytes())
            note = _Note(
                [str(name) for name in body["names"]], [str(name) for name in body["vouches_for"]], str(body["until"])
            )
            datetime.fromisoformat(note.until)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return note

    async def _make(self, before: _Note | None, names: Sequence[str], now: datetime) -> _Note:
        """In a folder aside, then put in place whole; the authority stays as long as it may vouch for the names."""
        outside = {name for name in names if not _is_address(name) and not _is_home_name(name)}
        keeps_authority = before is not None and outside <= set(before.vouches_for)
        vouches_for = before.vouches_for if before and keeps_authority else sorted(outside)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            aside = Path(mkdtemp(prefix="made-", dir=self._folder))
            try:
                if keeps_authority:
                    for name in ("authority.pem", "authority.key"):
                        shutil.copy2(self._made / name, aside / name)
                else:
                    await self._run(aside, _authority_settings(vouches_for), AUTHORITY_LIFETIME, "authority")
                await self._run(aside, _hub_settings(names), LIFETIME, "hub", signed=True)
                note = _Note(list(names), vouches_for, (now + LIFETIME).isoformat())
                (aside / "hub.json").write_bytes(orjson.dumps(asdict(note)))
                link = aside / "link"
                link.symlink_to(aside.name)
                link.replace(self._made)
            except BaseException:
                shutil.rmtree(aside, ignore_errors=True)
                raise
            for old in self._folder.glob("made-*"):
                if old != aside:
                    shutil.rmtree(old, ignore_errors=True)
        except OSError as err:
            raise NoCertificate(f"The hub's own certificate cannot be made in {self._folder}: {err}") from err
        return note

    async def _run(self, folder: Path, settings: str, life: timedelta, name: str, *, signed: bool = False) -> None:
        (folder / f"{name}.cnf").write_text(settings, encoding="ascii")
        command = [
            *(
                self._openssl,
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-sha256",
            ),
            *("-config", f"{name}.cnf", "-extensions", "extensions", "-days", str(life.days)),
            *("-keyout", f"{name}.key", "-out", f"{name}.pem"),
            *(("-CA", "authority.pem", "-CAkey", "authority.key") if signed else ()),
        ]
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                cwd=folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C"},
            )
        except FileNotFoundError as err:
            hint = 'Install it (apt install openssl), or name a certificate of yours: tls = "given" in [web] of the settings.'
            raise NoCertificate(
                f"The program openssl, which makes the hub's own certificate, is not there. {hint}"
            ) from err
        try:
            async with asyncio.timeout(_MAKING_S_MAX):
                _, said = await process.communicate()
        except TimeoutError as err:
            process.kill()
            await process.wait()
            raise NoCertificate("openssl did not make the hub's own certificate within a minute.") from err
        if process.returncode:
            raise NoCertificate(
                f"openssl could not make the hub's own certificate: {said.decode(errors='replace').strip()[-300:]}"
            )
        (folder / f"{name}.key").chmod(0o600)


def _authority_settings(vouches_for: Sequence[str]) -> str:
    permitted = [
        *(f"permitted;DNS.{n} = {name}" for n, name in enumerate([*_HOME_DOMAINS, *vouches_for])),
        *(
            f"permitted;IP.{n} = {network.network_address}/{network.netmask}"
            for n, network in enumerate(_HOME_NETWORKS)
        ),
    ]
    return "\n".join(
        [
            *(
                "[req]",
                "prompt = no",
                "distinguished_name = who",
                "[who]",
                "CN = NEXA hub",
                "O = This home",
                "[extensions]",
            ),
            "basicConstraints = critical, CA:TRUE, pathlen:0",
            "keyUsage = critical, keyCertSign, cRLSign",
            "subjectKeyIdentifier = hash",
            "nameConstraints = critical, @permitted",
            "[permitted]",
            *permitted,
            "",
        ]
    )


def _hub_settings(names: Sequence[str]) -> str:
    told = [f"{'IP' if _is_address(name) else 'DNS'}.{n} = {name}" for n, name in enumerate(names)]
    return "\n".join(
        [
            *("[req]", "prompt = no", "distinguished_name = who", "[who]", "O = NEXA hub", "[extensions]"),
            "basicConstraints = critical, CA:FALSE",
            "keyUsage = critical, digitalSignature",
            "extendedKeyUsage = serverAuth",
            "subjectKeyIdentifier = hash",
            "authorityKeyIdentifier = keyid",
            "subjectAltName = @names",
            "[names]",
            *told,
            "",
        ]
    )


def _is_plain(name: str) -> bool:
    """What can be a host's name, and cannot be anything else to openssl."""
    return 0 < len(name) <= 253 and all(part.replace("-", "a").isalnum() and part.isascii() for part in name.split("."))


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _is_home_name(name: str) -> bool:
    return name in _HOME_DOMAINS or name.endswith(tuple(f".{each}" for each in _HOME_DOMAINS))


def _of_homes(text: str | None) -> str | None:
    """An address of ours as a certificate has it; None for what is none, or is out in the internet."""
    try:
        address: IPv4Address | IPv6Address = ip_address((text or "").partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    is_home = any(address in network for network in _HOME_NETWORKS)
    return str(address) if is_home else None
