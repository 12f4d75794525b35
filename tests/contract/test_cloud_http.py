"""The door to the cloud over HTTP: what goes wrong out there, in words that say what to do. A real server on a real port."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import orjson
import pytest
import zstandard

from hub_agent.adapters.cloud import ANSWER_BYTES_MAX, HEADER_BYTES, HttpCloud
from hub_agent.errors import AgentTooOld, ClaimError, CloudError, CloudRefused, CloudUnreachable, ConfigError

Answer = tuple[int, Any] | tuple[int, Any, dict[str, str]]


class Stub:
    """Answers what it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: dict[str, list[Answer]] = {}
        self.connections = 0
        self.held: asyncio.Event | None = None
        self.holding = asyncio.Event()
        self.raw: bytes | None = None
        self.takes = "gzip;q=1.0, br"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")
                headers = {
                    name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)
                }
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                function = lines[0].split(" ")[1].rpartition("/")[2]
                self.asked.append((function, headers, body))
                if self.held is not None and function == "hub_changes_v1":
                    self.holding.set()
                    await self.held.wait()
                writer.write(self.raw or self._answer(function))
                await writer.drain()
                if self.raw:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, function: str) -> bytes:
        waiting = self.answers.get(function, [])
        status, body, *more = (
            waiting.pop(0) if len(waiting) > 1 else waiting[0] if waiting else (200, DEFAULTS[function])
        )
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        told = {"accept-encoding": self.takes} | (more[0] if more else {})
        headers = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        return f"HTTP/1.1 {status} X\r\n{headers}content-length: {len(content)}\r\n\r\n".encode() + content

    def bodies(self, function: str) -> list[Any]:
        return [
            orjson.loads(gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body)["request"]
            for asked, headers, body in self.asked
            if asked == function
        ]


DEFAULTS = {
    "hub_token_v1": {"token": "token-1", "expires_in_s": 3600},
    "hub_claim_v1": {"hub_id": "hub-1", "home_id": "home-1", "secret": "the-secret"},
    "hub_ingest_v1": {"marks": {}},
    "hub_changes_v1": {"changes": []},
    "hub_reconcile_v1": {},
}


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    stub = Stub()
    server = await asyncio.start_server(stub.serve, "127.0.0.1", 0)
    stub.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield stub
    server.close()
    await server.wait_closed()


@pytest.fixture
async def cloud(stub) -> AsyncIterator[HttpCloud]:
    cloud = HttpCloud(stub.url, hub_id="hub-1", secret="the-secret")
    yield cloud
    await cloud.close()


async def error_of(work: Callable[[], Awaitable[Any]]) -> CloudError | ClaimError:
    with pytest.raises((CloudError, ClaimError)) as raised:
        await work()
    return raised.value


async def test_a_call_carries_the_token_and_the_envelope_compressed(stub, cloud) -> None:
    big = orjson.dumps({"rows": ["lamp"] * 1000})
    await cloud.ingest(big)
    _, headers, body = stub.asked[-1]
    assert headers["authorization"] == "Bearer token-1"
    assert headers["content-encoding"] == "gzip"
    assert len(body) < len(big) / 5
    assert stub.bodies("hub_ingest_v1") == [{"rows": ["lamp"] * 1000}]


async def test_one_token_serves_many_calls(stub, cloud) -> None:
    await asyncio.gather(*(cloud.ingest(b"{}") for _ in range(5)))
    await cloud.changes("c", 5)
    assert len(stub.bodies("hub_token_v1")) == 1
    assert stub.bodies("hub_changes_v1") == [{"cursor": "c", "wait_s": 5}]


async def test_a_token_that_is_no_longer_taken_is_renewed_once(stub, cloud) -> None:
    refusal = {"code": "PGRST303", "message": "The token has expired.", "details": "token_expired"}
    stub.answers["hub_ingest_v1"] = [(401, refusal), (200, {"marks": {"a": 1}})]
    assert await cloud.ingest(b"{}") == {"marks": {"a": 1}}
    assert len(stub.bodies("hub_token_v1")) == 2
    stub.answers["hub_ingest_v1"] = [(401, refusal)]
    assert (await error_of(lambda: cloud.ingest(b"{}"))).code == "token_expired"


async def test_a_token_is_renewed_before_it_runs_out(stub, cloud) -> None:
    stub.answers["hub_token_v1"] = [(200, {"token": "t", "expires_in_s": 90})]
    await cloud.ingest(b"{}")
    loop = asyncio.get_running_loop()
    now = loop.time()
    loop.time = lambda: now + 31
    try:
        await cloud.ingest(b"{}")
    finally:
        del loop.time
    assert len(stub.bodies("hub_token_v1")) == 2


async def test_a_cloud_that_takes_nothing_compressed_gets_it_plain(stub, cloud) -> None:
    stub.answers["hub_ingest_v1"] = [(415, {"details": "encoding_unknown"}), (200, {"marks": {}})]
    body = orjson.dumps({"rows": ["lamp"] * 1000})
    await cloud.ingest(body)
    await cloud.ingest(body)
    encodings = [headers.get("content-encoding") for asked, headers, _ in stub.asked if asked == "hub_ingest_v1"]
    assert encodings == ["gzip", None, None]


async def test_what_the_cloud_has_not_said_it_takes_is_sent_plain_and_the_best_of_what_it_has(stub, cloud) -> None:
    body = orjson.dumps({"rows": ["lamp"] * 1000})
    stub.takes = "identity"
    await cloud.ingest(body)
    stub.takes = "gzip, ZSTD"
    await cloud.ingest(body)
    await cloud.ingest(body)
    encodings = [headers.get("content-encoding") for asked, headers, _ in stub.asked if asked == "hub_ingest_v1"]
    assert encodings == [None, None, "zstd"]
    sent = zstandard.ZstdDecompressor().decompress(stub.asked[-1][2])
    assert orjson.loads(sent)["request"] == {"rows": ["lamp"] * 1000}


async def test_every_request_counts_for_the_limit_of_bandwidth(stub) -> None:
    sizes: list[int] = []
    cloud = HttpCloud(stub.url, hub_id="hub-1", secret="the-secret", spent=sizes.append)
    await cloud.ingest(b"{}")
    await cloud.close()
    assert [size - HEADER_BYTES for size in sizes] == [len(body) for _, _, body in stub.asked]


async def test_one_connection_serves_one_call_after_the_other(stub, cloud) -> None:
    for _ in range(5):
        await cloud.ingest(b"{}")
    assert stub.connections == 1


async def test_a_long_poll_does_not_hold_up_what_is_sent_meanwhile(stub, cloud) -> None:
    stub.held = asyncio.Event()
    poll = asyncio.create_task(cloud.changes("c", 25))
    await stub.holding.wait()
    await cloud.ingest(b"{}")
    assert not poll.done()
    stub.held.set()
    await poll


async def test_an_answer_that_never_comes_is_given_up(stub, cloud, monkeypatch) -> None:
    monkeypatch.setattr("hub_agent.adapters.cloud.WAIT_MARGIN_S", 0.05)
    await cloud.ingest(b"{}")
    stub.held = asyncio.Event()
    assert "did not come in time" in str(await error_of(lambda: cloud.changes("c", 0)))
    stub.held.set()


async def test_a_login_page_of_the_network_is_no_answer_of_the_cloud(stub, cloud) -> None:
    await cloud.ingest(b"{}")
    stub.answers["hub_ingest_v1"] = [(200, b"<html>Welcome to our hotel</html>")]
    err = await error_of(lambda: cloud.ingest(b"{}"))
    assert isinstance(err, CloudUnreachable)
    assert "login" in str(err)


async def test_nobody_is_followed_elsewhere(stub, cloud) -> None:
    stub.answers["hub_ingest_v1"] = [(307, {}, {"location": "https://elsewhere.example/rpc/x"})]
    err = await error_of(lambda: cloud.ingest(b"{}"))
    assert "elsewhere.example" in str(err)
    assert len(stub.bodies("hub_ingest_v1")) == 1


async def test_a_name_that_is_not_known_is_said() -> None:
    cloud = HttpCloud("https://gateway.invalid", hub_id="h", secret="s")
    assert "the name gateway.invalid cannot be resolved" in str(await error_of(lambda: cloud.ingest(b"{}")))
    await cloud.close()


async def test_a_claim_makes_the_hub_known_to_the_door(stub) -> None:
    cloud = HttpCloud(stub.url)
    assert "cloud.claim_code" in str(await error_of(lambda: cloud.ingest(b"{}")))
    assert (await cloud.claim("CODE", {"mirror_id": "m"}))["home_id"] == "home-1"
    await cloud.ingest(b"{}")
    assert stub.bodies("hub_claim_v1") == [{"mirror_id": "m", "claim_code": "CODE"}]
    assert stub.bodies("hub_token_v1") == [{"hub_id": "hub-1", "secret": "the-secret"}]
    await cloud.close()


@pytest.mark.parametrize("code", ["claim_code_unknown", "claim_code_expired", "claim_code_used"])
async def test_a_bad_claim_code_is_said_in_the_clouds_words(stub, cloud, code) -> None:
    stub.answers["hub_claim_v1"] = [(404, {"message": "It is bad.", "details": code, "hint": "Ask for a new one."})]
    err = await error_of(lambda: cloud.claim("X", {}))
    assert isinstance(err, ClaimError)
    assert str(err) == f"The cloud at {stub.url} says of cloud.claim_code: It is bad. Ask for a new one."


@pytest.mark.parametrize(
    "refusal, kind, code",
    [
        ((400, "request_malformed"), CloudRefused, "request_malformed"),
        ((403, "hub_retired"), CloudRefused, "hub_retired"),
        ((404, "function_unknown"), CloudRefused, "function_unknown"),
        ((413, None), CloudRefused, "envelope_too_large"),
        ((426, "agent_too_old"), AgentTooOld, "agent_too_old"),
        ((429, "too_many_tries"), CloudUnreachable, "too_many_tries"),
        ((500, None), CloudUnreachable, ""),
        ((503, "database_away"), CloudUnreachable, "database_away"),
        ((302, None), CloudUnreachable, ""),
    ],
)
async def test_each_refusal_has_its_error_and_says_where_it_comes_from(stub, cloud, refusal, kind, code) -> None:
    status, details = refusal
    stub.answers["hub_ingest_v1"] = [(status, {"message": "No.", "details": details}, {"retry-after": "7"})]
    err = await error_of(lambda: cloud.ingest(b"{}"))
    assert type(err) is kind
    assert err.code == code
    assert stub.url in str(err)


async def test_retry_after_is_handed_on_and_bounded(stub, cloud) -> None:
    for value, expected in (
        ("7", 7.0),
        ("-3", 0.0),
        ("1e99", 3600.0),
        ("soon", None),
        ("nan", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        # By the cloud's clock, whatever ours says.
        ("Mon, 01 Jan 1990 00:02:00 GMT", 120.0),
    ):
        told = {"retry-after": value, "date": "Mon, 01 Jan 1990 00:00:00 GMT"}
        stub.answers["hub_ingest_v1"] = [(503, {}, told)]
        assert (await error_of(lambda: cloud.ingest(b"{}"))).retry_after_s == expected


async def test_nobody_there_is_said_with_the_address_and_that_the_home_goes_on() -> None:
    cloud = HttpCloud("http://127.0.0.1:9", hub_id="h", secret="s")
    text = str(await error_of(lambda: cloud.ingest(b"{}")))
    assert "http://127.0.0.1:9 cannot be reached: nobody listens at 127.0.0.1:9. Is cloud.url right" in text
    assert "The home goes on" in text
    await cloud.close()


async def test_somebody_else_there_is_said(stub, cloud) -> None:
    stub.answers["hub_token_v1"] = [(200, b"<html>It works!</html>")]
    assert "Is it NEXA's gateway?" in str(await error_of(lambda: cloud.ingest(b"{}")))
    stub.raw = b"SSH-2.0-OpenSSH_9.2\r\n"
    assert isinstance(await error_of(lambda: cloud.ingest(b"{}")), CloudUnreachable)


async def test_https_where_nobody_speaks_it_and_a_status_without_a_word_are_told_with_what_to_look_at(stub) -> None:
    secure = HttpCloud(stub.url.replace("http://", "https://"), hub_id="h", secret="s")
    assert "does not speak https. Is the port in cloud.url right?" in str(await error_of(lambda: secure.ingest(b"{}")))
    await secure.close()
    plain = HttpCloud(stub.url, hub_id="h", secret="s")
    for status, words in ((404, "Is it NEXA's gateway? Check cloud.url."), (503, "it is busy or being restarted")):
        stub.answers["hub_token_v1"] = [(status, b"")]
        text = str(await error_of(lambda: plain.ingest(b"{}")))
        assert f"HTTP status {status}" in text
        assert words in text
    await plain.close()


async def test_an_answer_without_end_is_cut_off(stub, cloud) -> None:
    stub.answers["hub_ingest_v1"] = [(200, b"[" + b"1," * (ANSWER_BYTES_MAX // 2) + b"1]")]
    assert "more than" in str(await error_of(lambda: cloud.ingest(b"{}")))


async def test_plain_http_is_for_the_own_network_only() -> None:
    for near in (
        "http://localhost:1",
        "http://127.0.0.1",
        "http://192.168.1.5:8000",
        "http://[fd00::1]",
        "http://gateway",
        "http://hub.local",
    ):
        HttpCloud(near)
    with pytest.raises(ConfigError, match="https://"):
        HttpCloud("http://cloud.example.com")
    HttpCloud("http://cloud.example.com", allow_plain=True)
    HttpCloud("https://cloud.example.com")


async def test_the_secret_and_the_token_are_never_shown(stub, cloud, caplog) -> None:
    caplog.set_level("DEBUG", logger="hub_agent")
    stub.answers["hub_ingest_v1"] = [(403, {"message": "No.", "details": "hub_retired"})]
    err = await error_of(lambda: cloud.ingest(b"{}"))
    shown = f"{cloud!r} {err!r} {err} {caplog.text}"
    assert "the-secret" not in shown
    assert "token-1" not in shown
