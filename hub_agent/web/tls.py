"""With which certificate the page speaks HTTPS: the hub's own, one that the settings name, or none."""

import logging
import ssl
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar, Protocol

from hub_agent.config import Web
from hub_agent.model.json import JsonObject
from hub_agent.web.own_certificate import ADDRESSES_MAX, Certificate, NoCertificate, OwnCertificate

log = logging.getLogger(__name__)

# The own certificate is looked at this often while it is used, and at once for an address that it does not name.
LOOKED_AT_EVERY = timedelta(hours=1)
# What could not be made is not tried again with every connection.
TRIED_AGAIN_AFTER = timedelta(minutes=1)


class Tls(Protocol):
    kind: ClassVar[str]

    async def context(self, address: str | None) -> ssl.SSLContext | None:
        """For whoever came to this address of ours; None where there is no certificate (yet)."""

    async def authority(self) -> bytes | None:
        """What a phone or computer can be told to trust."""

    def as_json(self) -> JsonObject:
        """{"names", "until", "fingerprint", "problem"}, each None where it is not known."""


def tls_of(web: Web, state_dir: Path, names: Iterable[str], now: Callable[[], datetime]) -> Tls | None:
    """As the settings want it."""
    if web.tls == "given" and web.certificate and web.certificate_key:
        return GivenTls(web.certificate, web.certificate_key)
    if web.tls == "own":
        spelled = [
            each for name in names for each in ((name,) if "." in name else (name, f"{name}.local", f"{name}.lan"))
        ]
        return OwnTls(OwnCertificate(state_dir / "tls", spelled), now)
    return None


class OwnTls:
    """Made when somebody first asks for it."""

    kind: ClassVar[str] = "own"

    def __init__(self, own: OwnCertificate, now: Callable[[], datetime]) -> None:
        self._own = own
        self._now = now
        self._current: tuple[Certificate, ssl.SSLContext] | None = None
        self._looked_at: datetime | None = None
        self._served: set[str | None] = set()
        self._problem: str | None = None

    async def context(self, address: str | None) -> ssl.SSLContext | None:
        now = self._now()
        is_new = address is not None and address not in self._served
        if self._looked_at is not None:
            since = abs(now - self._looked_at)
            if self._current is not None and not is_new and since < LOOKED_AT_EVERY:
                return self._current[1]
            if self._problem is not None and since < TRIED_AGAIN_AFTER:
                return self._current[1] if self._current else None
        self._looked_at = now
        try:
            certificate = await self._own.current(address, now)
            if self._current is None or self._current[0] != certificate:
                self._current = certificate, _context(certificate.chain, certificate.key)
                log.info(
                    "The page's own certificate holds until %s for %s.",
                    certificate.until.date(),
                    ", ".join(certificate.names),
                )
        except (NoCertificate, OSError) as err:
            if self._problem is None:
                log.error("%s Nobody can use HTTPS.", err)  # noqa: TRY400 its words are enough
            self._problem = str(err)
        else:
            self._problem = None
            self._served = {*self._served, address} if len(self._served) < ADDRESSES_MAX else {address}
        return self._current[1] if self._current else None

    async def authority(self) -> bytes | None:
        await self.context(None)
        return self._own.authority.read_bytes() if self._current else None

    def as_json(self) -> JsonObject:
        certificate = self._current[0] if self._current else None
        return {
            "names": list(certificate.names) if certificate else None,
            "until": certificate.until.isoformat() if certificate else None,
            "fingerprint": certificate.fingerprint if certificate else None,
            "problem": self._problem,
        }


class GivenTls:
    """Read anew when a file has changed. One that cannot be read leaves the last one in force."""

    kind: ClassVar[str] = "given"

    def __init__(self, chain: Path, key: Path) -> None:
        self._chain, self._key = chain, key
        self._context: ssl.SSLContext | None = None
        self._problem: str | None = None
        self._seen = self._stamp()
        self._read()

    async def context(self, address: str | None) -> ssl.SSLContext | None:
        del address
        seen = self._stamp()
        if seen != self._seen:
            self._seen = seen
            self._read()
        return self._context

    def _read(self) -> None:
        try:
            self._context = _context(self._chain, self._key)
        except OSError as err:
            self._problem = (
                f"The page's certificate {self._chain} with its key {self._key} cannot be used: {err.strerror or err}. "
                "See certificate and certificate_key in [web] of the settings."
            )
            then = "The one from before stays in force." if self._context else "Nobody can use HTTPS."
            log.error("%s %s", self._problem, then)  # noqa: TRY400 its words are enough
        else:
            self._problem = None
            log.info("The page's certificate was read from %s.", self._chain)

    async def authority(self) -> bytes | None:
        return None

    def as_json(self) -> JsonObject:
        return {"names": None, "until": None, "fingerprint": None, "problem": self._problem}

    def _stamp(self) -> tuple[tuple[int, int, int] | None, ...]:
        return tuple(_stamp(each) for each in (self._chain, self._key))


def _context(chain: Path, key: Path) -> ssl.SSLContext:
    """Raises OSError, of which ssl.SSLError is one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(chain, key, password=lambda: b"")
    return context


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        told = file.stat()
    except OSError:
        return None
    return told.st_ino, told.st_mtime_ns, told.st_size
