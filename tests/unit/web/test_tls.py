"""HTTPS at the page's own port: real handshakes with real certificates, made by openssl and judged by this machine's TLS."""

import asyncio
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from hub_agent.web.app import create_app
from hub_agent.web.own_certificate import LIFETIME, NoCertificate, OwnCertificate
from hub_agent.web.server import bind_tcp, serve
from hub_agent.web.tls import GivenTls, OwnTls, Tls

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="openssl, which makes certificates, is not installed"
)
NOW = datetime.now(UTC)
NEW_KEY = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class Time:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def own(tmp_path: Path) -> OwnCertificate:
    return OwnCertificate(tmp_path / "tls", ["hub", "hub.local"])


async def app(scope, receive, send) -> None:
    del receive
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": scope["scheme"].encode()})


@asynccontextmanager
async def served(tls: Tls) -> AsyncIterator[int]:
    listener = bind_tcp("127.0.0.1", 0)
    port = listener.getsockname()[1]
    serving = asyncio.create_task(serve(app, listener, tls))
    await asyncio.sleep(0)
    try:
        yield port
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving


def trusting(authority: Path | bytes) -> ssl.SSLContext:
    pem = authority.read_text() if isinstance(authority, Path) else authority.decode()
    return ssl.create_default_context(cadata=pem)


async def asked(url: str, verify: "ssl.SSLContext | bool" = True) -> str:
    async with httpx.AsyncClient(verify=verify) as client:
        return (await client.get(url)).text


def openssl(*words: "str | Path") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["openssl", *words], check=False, capture_output=True, text=True)


def made_by_hand(folder: Path, name: str, common_name: str) -> tuple[Path, Path]:
    chain, key = folder / f"{name}.pem", folder / f"{name}.key"
    names = ["-subj", f"/CN={common_name}", "-addext", f"subjectAltName=DNS:{common_name},IP:127.0.0.1"]
    assert openssl(*NEW_KEY, *names, "-keyout", key, "-out", chain).returncode == 0
    return chain, key


async def test_one_port_speaks_https_to_whoever_begins_so_and_http_to_everybody_else(own) -> None:
    async with served(tls := OwnTls(own, Time())) as port:
        assert await asked(f"http://127.0.0.1:{port}/") == "http"
        assert not own.authority.exists(), "nobody has asked for it yet"
        trusted = trusting(await tls.authority())
        assert await asked(f"https://127.0.0.1:{port}/", trusted) == "https"
        assert await asked(f"http://127.0.0.1:{port}/") == "http"


async def test_what_the_hub_did_not_sign_is_not_believed_and_old_tls_is_refused(own) -> None:
    async with served(tls := OwnTls(own, Time())) as port:
        with pytest.raises(httpx.ConnectError, match="verify failed"):
            await asked(f"https://127.0.0.1:{port}/")
        old = trusting(await tls.authority())
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises(httpx.ConnectError):
            await asked(f"https://127.0.0.1:{port}/", old)


async def test_the_keys_are_for_the_agent_alone(own) -> None:
    certificate = await own.current("192.168.1.5", NOW)
    keys = [certificate.key, certificate.key.with_name("authority.key")]
    assert [key.stat().st_mode & 0o777 for key in keys] == [0o600, 0o600]
    assert own.authority.parents[1].stat().st_mode & 0o777 == 0o700


async def test_an_address_that_somebody_comes_to_is_named_from_then_on(own) -> None:
    first = await own.current("192.168.1.5", NOW)
    authority = own.authority.read_bytes()
    second = await own.current("::ffff:10.0.0.7", NOW)
    assert first.names == ("hub", "hub.local", "localhost", "192.168.1.5")
    assert second.names == ("hub", "hub.local", "localhost", "10.0.0.7", "192.168.1.5")
    assert own.authority.read_bytes() == authority, "who trusts it need not do so again"
    assert (await own.current("8.8.8.8", NOW)).names == second.names, "the authority vouches for homes only"
    assert len(list(own.authority.parents[1].glob("made-*"))) == 1, "what was replaced is gone"


async def test_it_is_renewed_a_month_before_its_end_and_trusted_as_before(own) -> None:
    first = await own.current(None, NOW)
    assert await own.current(None, NOW + LIFETIME - timedelta(days=31)) == first
    renewed = await own.current(None, NOW + LIFETIME - timedelta(days=29))
    assert renewed.until > first.until
    assert renewed.fingerprint == first.fingerprint


async def test_a_running_page_goes_on_with_the_renewed_one(own) -> None:
    time = Time()
    async with served(tls := OwnTls(own, time)) as port:
        trusted = trusting(await tls.authority())
        await asked(f"https://127.0.0.1:{port}/", trusted)
        before = tls.as_json()["until"]
        time.now += LIFETIME - timedelta(days=20)
        await asked(f"https://127.0.0.1:{port}/", trusted)
        assert tls.as_json()["until"] > before


async def test_the_authority_cannot_vouch_for_a_bank(own, tmp_path) -> None:
    """Whoever steals the key of the hub's authority signs with it what they like."""
    certificate = await own.current(None, NOW)
    folder = certificate.chain.parent
    key, chain = tmp_path / "bank.key", tmp_path / "bank.pem"
    bank = ("-subj", "/CN=bank.example", "-addext", "subjectAltName=DNS:bank.example")
    signer = ("-CA", folder / "authority.pem", "-CAkey", folder / "authority.key")
    assert openssl(*NEW_KEY, *bank, *signer, "-keyout", key, "-out", chain).returncode == 0
    judged = openssl("verify", "-CAfile", own.authority, chain)
    assert judged.returncode != 0
    assert "permitted subtree violation" in judged.stderr
    assert openssl("verify", "-CAfile", own.authority, certificate.chain).returncode == 0


async def test_a_name_that_is_added_to_the_settings_is_named_and_vouched_for(own, tmp_path) -> None:
    await own.current("192.168.1.5", NOW)
    named = OwnCertificate(tmp_path / "tls", ["hub", "hub.example.com"])
    certificate = await named.current(None, NOW)
    assert certificate.names == ("hub", "hub.example.com", "localhost", "192.168.1.5")
    assert openssl("verify", "-CAfile", named.authority, certificate.chain).returncode == 0


@pytest.mark.parametrize("broken", ["hub.json", "hub.key", "authority.key"])
async def test_what_is_damaged_is_made_anew(own, broken) -> None:
    certificate = await own.current(None, NOW)
    (certificate.chain.parent / broken).unlink()
    again = await own.current(None, NOW)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(again.chain, again.key)


async def test_without_openssl_it_says_what_to_do_and_http_goes_on(tmp_path) -> None:
    own = OwnCertificate(tmp_path / "tls", ["hub"], openssl="openssl-that-is-not-there")
    with pytest.raises(NoCertificate, match="apt install openssl"):
        await own.current(None, NOW)
    async with served(tls := OwnTls(own, Time())) as port:
        with pytest.raises(httpx.HTTPError):
            await asked(f"https://127.0.0.1:{port}/", verify=False)
        assert await asked(f"http://127.0.0.1:{port}/") == "http"
        assert "apt install openssl" in str(tls.as_json()["problem"])


async def test_a_given_certificate_is_used_and_read_anew_when_it_was_renewed(tmp_path) -> None:
    chain, key = made_by_hand(tmp_path, "given", "localhost")
    async with served(tls := GivenTls(chain, key)) as port:
        assert await asked(f"https://127.0.0.1:{port}/", trusting(chain)) == "https"
        before = chain.read_bytes()
        made_by_hand(tmp_path, "given", "localhost")
        assert await asked(f"https://127.0.0.1:{port}/", trusting(chain)) == "https"
        with pytest.raises(httpx.ConnectError):
            await asked(f"https://127.0.0.1:{port}/", trusting(before))
        assert tls.as_json()["problem"] is None


async def test_a_renewed_certificate_that_is_broken_leaves_the_last_one_in_force(tmp_path) -> None:
    chain, key = made_by_hand(tmp_path, "given", "localhost")
    trusted = trusting(chain)
    async with served(tls := GivenTls(chain, key)) as port:
        chain.write_text("half a fi")
        assert await asked(f"https://127.0.0.1:{port}/", trusted) == "https"
        assert str(chain) in str(tls.as_json()["problem"])


async def test_a_given_certificate_that_is_not_there_yet_is_said_and_used_when_it_comes(tmp_path) -> None:
    tls = GivenTls(tmp_path / "given.pem", tmp_path / "given.key")
    assert str(tmp_path / "given.pem") in str(tls.as_json()["problem"])
    async with served(tls) as port:
        with pytest.raises(httpx.HTTPError):
            await asked(f"https://127.0.0.1:{port}/", verify=False)
        chain, _ = made_by_hand(tmp_path, "given", "localhost")
        assert await asked(f"https://127.0.0.1:{port}/", trusting(chain)) == "https"
        assert tls.as_json()["problem"] is None


@pytest.mark.parametrize("said", [b"", b"\x16", b"\x16\x03\x01\x00\x05hello", b"\x00\xff", b"GET"])
async def test_who_says_nonsense_or_nothing_harms_nobody(own, said) -> None:
    async with served(tls := OwnTls(own, Time())) as port:
        trusted = trusting(await tls.authority())
        with socket.create_connection(("127.0.0.1", port)) as stranger:
            stranger.sendall(said)
            assert await asked(f"https://127.0.0.1:{port}/", trusted) == "https"
        assert await asked(f"https://127.0.0.1:{port}/", trusted) == "https"


@pytest.fixture
async def strict(door, access, own) -> AsyncIterator[httpx.AsyncClient]:
    """A browser before a hub that does not answer without TLS."""
    app = create_app(door, access, "0.1.0", tls=OwnTls(own, Time()), is_plain=False)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hub.local:8380") as client:
        yield client


async def test_where_only_https_is_answered_browsers_are_sent_there_and_programs_told(strict, access, fault) -> None:
    answer = await strict.get("/pair")
    assert (answer.status_code, answer.headers["location"]) == (308, "https://hub.local:8380/pair")
    body = {"code": access.offer_code(), "name": "Tablet"}
    assert "https://hub.local:8380" in fault(await strict.post("/api/v1/pair", json=body), 403, "tls_needed")
    assert (await strict.get("/live")).status_code == 200
    assert (await strict.post("https://hub.local:8380/api/v1/pair", json=body)).status_code == 200
    assert (await strict.get("https://hub.local:8380/api/v1/status")).json()["page"]["plain"] is False


async def test_https_has_a_cookie_of_its_own_that_http_never_sees(page, browser, access) -> None:
    body = {"code": access.offer_code(), "name": "Tablet"}
    answer = await browser.post("https://hub.local:8380/api/v1/pair", json=body)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-nexa_session=")
    for part in ("Secure", "HttpOnly", "SameSite=strict", "Path=/"):
        assert part in cookie
    browser.cookies.clear()
    value = cookie.partition(";")[0]
    assert (await browser.get("https://hub.local:8380/api/v1/rooms", headers={"cookie": value})).status_code == 200
    assert (await browser.post("https://hub.local:8380/api/v1/leave", headers={"cookie": value})).status_code == 200
    assert (await browser.get("https://hub.local:8380/api/v1/rooms", headers={"cookie": value})).status_code == 401


async def test_everybody_may_have_the_authority_that_phones_are_told_to_trust(strict, browser, fault) -> None:
    answer = await strict.get("/authority.crt")
    assert answer.headers["content-type"] == "application/x-x509-ca-cert"
    trusting(answer.content)
    fault(await browser.get("/authority.crt"), 404, "not_found")


async def test_the_status_says_how_the_page_is_reached(strict, page) -> None:
    assert (await page.get("/api/v1/status")).json()["page"] == {"tls": "off", "plain": True, "certificate": None}
