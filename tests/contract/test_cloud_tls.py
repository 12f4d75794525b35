"""TLS to the cloud: verified always, by what the system trusts, and by clocks that are wrong. Real servers with real certificates."""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hub_agent.adapters.certificates import TimeKnown
from hub_agent.adapters.cloud import HttpCloud
from hub_agent.errors import CloudUnreachable
from tests.contract.test_cloud_http import Stub

NOW = datetime.now(UTC)
YEAR = timedelta(days=365)


class Authority:
    """Signs certificates for 127.0.0.1, and lies in the system's store of this test."""

    def __init__(self, folder) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Authority of {folder.name}")])
        self.file = folder / "authority.pem"
        certificate = self._signed(self.name, self.key, NOW - 9 * YEAR, NOW + 9 * YEAR, is_authority=True)
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, begins: datetime, ends: datetime, *, address: str = "127.0.0.1") -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway")])
        certificate = self._signed(name, key, begins, ends, address=address)
        pem = self.folder / "gateway.pem"
        pem.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        return context

    def _signed(self, name, key, begins, ends, *, address: str = "127.0.0.1", is_authority: bool = False):
        alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(ends)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(alternative, critical=False)
            .sign(self.key, hashes.SHA256())
        )


@pytest.fixture
def authority(tmp_path, monkeypatch) -> Authority:
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    return authority


@asynccontextmanager
async def gateway(context: ssl.SSLContext, ask_time: Callable[[], TimeKnown | None]) -> AsyncIterator[HttpCloud]:
    stub = Stub()
    server = await asyncio.start_server(stub.serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    cloud = HttpCloud(f"https://127.0.0.1:{port}", hub_id="hub-1", secret="the-secret", ask_time=ask_time)
    cloud.stub = stub
    try:
        yield cloud
    finally:
        await cloud.close()
        server.close()
        await server.wait_closed()


async def refusal(cloud: HttpCloud) -> str:
    with pytest.raises(CloudUnreachable) as raised:
        await cloud.ingest(b"{}")
    # Nothing was sent to somebody who is not known.
    assert cloud.stub.asked == []
    return str(raised.value)


def right_clock() -> TimeKnown | None:
    return None


def since(at: datetime) -> Callable[[], TimeKnown]:
    """Nobody knows the time; once it was this."""
    return lambda: TimeKnown(at)


@pytest.mark.parametrize("ask_time", [right_clock, since(NOW - YEAR), lambda: TimeKnown(NOW, NOW)])
async def test_who_is_signed_by_what_the_system_trusts_is_believed(authority, ask_time) -> None:
    async with gateway(authority.issue(NOW - YEAR, NOW + YEAR), ask_time) as cloud:
        assert await cloud.ingest(b"{}") == {"marks": {}}


@pytest.mark.parametrize("ask_time", [right_clock, since(NOW - YEAR)])
async def test_who_is_signed_by_nobody_known_is_refused_in_words(authority, monkeypatch, tmp_path, ask_time) -> None:
    context = authority.issue(NOW - YEAR, NOW + YEAR)
    (tmp_path / "other").mkdir()
    monkeypatch.setenv("SSL_CERT_FILE", str(Authority(tmp_path / "other").file))
    async with gateway(context, ask_time) as cloud:
        assert "signed by nobody this machine trusts" in await refusal(cloud)


@pytest.mark.parametrize("ask_time", [right_clock, since(NOW - YEAR)])
async def test_a_certificate_of_another_name_is_refused_in_words(authority, ask_time) -> None:
    async with gateway(authority.issue(NOW - YEAR, NOW + YEAR, address="127.0.0.9"), ask_time) as cloud:
        assert "is of another name" in await refusal(cloud)


async def test_by_a_right_clock_the_dates_count(authority) -> None:
    async with gateway(authority.issue(NOW - 2 * YEAR, NOW - YEAR), right_clock) as cloud:
        assert "has expired" in await refusal(cloud)
    async with gateway(authority.issue(NOW + YEAR, NOW + 2 * YEAR), right_clock) as cloud:
        assert "is not valid yet" in await refusal(cloud)


async def test_a_hub_whose_clock_is_years_off_reaches_a_cloud_that_is_good_now(authority) -> None:
    # The machine's clock says NOW: for a hub that is three years behind, and for one three years ahead.
    async with gateway(authority.issue(NOW + 3 * YEAR, NOW + 4 * YEAR), since(NOW - YEAR)) as cloud:
        assert await cloud.ingest(b"{}") == {"marks": {}}
    async with gateway(authority.issue(NOW - 4 * YEAR, NOW - 2 * YEAR), since(NOW - 3 * YEAR)) as cloud:
        assert await cloud.ingest(b"{}") == {"marks": {}}


async def test_a_certificate_that_ended_before_the_time_was_last_known_is_never_taken(authority) -> None:
    async with gateway(authority.issue(NOW - 4 * YEAR, NOW - 2 * YEAR), since(NOW - YEAR)) as cloud:
        assert "has expired" in await refusal(cloud)


async def test_once_the_cloud_has_told_the_time_the_dates_count_by_it(authority) -> None:
    then = NOW + 3 * YEAR
    async with gateway(authority.issue(then - YEAR, then + YEAR), lambda: TimeKnown(then, then)) as cloud:
        assert await cloud.ingest(b"{}") == {"marks": {}}
    for begins, words in ((then + timedelta(days=1), "is not valid yet"), (NOW - YEAR, "has expired")):
        async with gateway(authority.issue(begins, begins + YEAR), lambda: TimeKnown(then, then)) as cloud:
            assert words in await refusal(cloud)


async def test_a_clock_that_becomes_good_ends_the_exception(authority) -> None:
    known: list[TimeKnown | None] = [TimeKnown(NOW - YEAR)]
    async with gateway(authority.issue(NOW + YEAR, NOW + 2 * YEAR), lambda: known[0]) as cloud:
        await cloud.ingest(b"{}")
        known[0] = None
        cloud.stub.asked.clear()
        assert "is not valid yet" in await refusal(cloud)
