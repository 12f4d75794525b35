"""TLS to the cloud: always verified, by the system's own certificates, also while nobody knows what time it is.

A Pi has no clock battery, so a hub may think that it is 1970, or years ahead. By such a clock every certificate looks
expired or not yet valid, and the cloud, which could tell the time, could not be asked. While the kernel's clock is not
synchronised, the signatures and the host's name are verified as ever, and only the dates are compared with what is known for
certain: the latest instant at which the time was known. A certificate that ended before it is refused. Nothing else is given
up: who has neither the key of a certificate that was valid then or later, nor an authority's, is not believed.
"""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

# OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which the ssl module does not name.
_NO_CHECK_TIME = 0x200000


@dataclass(frozen=True, slots=True)
class TimeKnown:
    """It is later than `earliest`, and earlier than `latest` where that is known."""

    earliest: datetime
    latest: datetime | None = None


AskTime = Callable[[], TimeKnown | None]


def verifying(ask_time: AskTime) -> ssl.SSLContext:
    """`ask_time` None: the kernel's clock is right, and OpenSSL compares the dates with it."""
    context = ssl.create_default_context()
    if not _has_system_store():
        import certifi

        context.load_verify_locations(certifi.where())
    if ask_time() is None:
        return context
    context.verify_flags |= _NO_CHECK_TIME

    class DatesCompared(ssl.SSLObject):
        """Compares the certificate's dates with what is known, before anything is sent."""

        def do_handshake(self) -> None:
            super().do_handshake()
            _require_in_time(self.getpeercert() or {}, ask_time())

    context.sslobject_class = DatesCompared
    return context


def _require_in_time(certificate: Mapping[str, object], known: TimeKnown | None) -> None:
    begins, ends = _instant(certificate["notBefore"]), _instant(certificate["notAfter"])
    known = known or TimeKnown(datetime.now(UTC), datetime.now(UTC))
    if ends < known.earliest:
        raise ssl.SSLCertVerificationError(f"certificate has expired: it ended on {ends:%Y-%m-%d}")
    if known.latest is not None and known.latest < begins:
        raise ssl.SSLCertVerificationError(f"certificate is not yet valid: it begins on {begins:%Y-%m-%d}")


def _instant(text: object) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(text)), UTC)


def _has_system_store() -> bool:
    paths = ssl.get_default_verify_paths()
    named: tuple[str | None, ...] = (paths.cafile, paths.capath)
    return any(name is not None and (Path(name).is_file() or _has_files(Path(name))) for name in named)


def _has_files(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except OSError:
        return False


def in_words(err: BaseException) -> str | None:
    """What is wrong with the certificate; None: it is not about that."""
    seen: BaseException | None = err
    while seen is not None and not isinstance(seen, ssl.SSLCertVerificationError):
        seen = seen.__cause__ or seen.__context__
    text = str(seen or err)
    if seen is None and "CERTIFICATE_VERIFY_FAILED" not in text:
        return None
    if "expired" in text:
        return "has expired, or this machine's clock is ahead (see timedatectl)"
    if "not yet valid" in text:
        return "is not valid yet, or this machine's clock is behind (see timedatectl)"
    if "self-signed" in text or "self signed" in text or "issuer" in text:
        return (
            "is signed by nobody this machine trusts. If the authority is your own, put its certificate into the system's "
            "store (/usr/local/share/ca-certificates, then update-ca-certificates)"
        )
    if "match" in text:
        return "is of another name. Check cloud.url"
    return f"is not trusted: {text}"
