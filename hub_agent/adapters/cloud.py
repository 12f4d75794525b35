"""The cloud over HTTP: the central schema's functions, called as PostgREST has them called (`POST /rpc/<function>`)."""

import asyncio
import errno
import gzip
import ipaddress
import logging
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from hub_agent.adapters import certificates
from hub_agent.adapters.certificates import AskTime
from hub_agent.errors import AgentTooOld, ClaimError, CloudError, CloudRefused, CloudUnreachable, ConfigError
from hub_agent.model.json import JsonObject

if TYPE_CHECKING:
    import httpx  # at run time only when it is used: importing it takes time and memory that automations need first

CONNECT_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 60.0
# A long poll is held open by the cloud; the answer may take a little longer than that.
WAIT_MARGIN_S = 20.0
ANSWER_BYTES_MAX = 16 * 1024 * 1024
COMPRESS_BYTES_MIN = 1_000
# Measured on 360 kB of measurements and of states: gzip 3 to 43 and 59 kB in 3.5 ms, zstd 3 to 38 and 48 kB in 1.1 ms. gzip 6
# takes twice the time of gzip 3 for a tenth fewer bytes.
COMPRESS_LEVEL = 3
# Of a request, about, for the limit of bandwidth.
HEADER_BYTES = 600
TOKEN_RENEWED_BEFORE_S = 60.0
TOKEN_S_MIN = 30.0
RETRY_AFTER_S_MAX = 3600.0

_CLAIM_CODES = {"claim_code_unknown", "claim_code_expired", "claim_code_used"}
_NO_WAY = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN}
_TOKEN_CODES = {"token_expired", "token_invalid", "token_malformed", "token_missing", ""}
_BUSY = {429, 500, 502, 503, 504}
_STRANGE = {400, 403, 404, 405, 501}
_UNCLAIMED = "This hub has not been claimed yet. Set cloud.claim_code to the code shown for your home."


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: JsonObject
    retry_after_s: float | None
    is_json: bool = True
    location: str | None = None

    @property
    def code(self) -> str:
        """The cloud's own word, from `details`; stock PostgREST has only `code`."""
        return str(self.body.get("details") or self.body.get("code") or "")

    @property
    def words(self) -> str:
        message, hint = self.body.get("message"), self.body.get("hint")
        return " ".join(str(one) for one in (message, hint) if one)

    @property
    def told(self) -> str:
        """A status without a word is not the gateway's: it comes from what stands before it, or in its place."""
        if self.words:
            return f"says: {self.words}"
        text = f"answers with HTTP status {self.status}"
        if self.status in _BUSY:
            return f"{text}: it is busy or being restarted, and is asked again."
        return f"{text}. Is it NEXA's gateway? Check cloud.url." if self.status in _STRANGE else f"{text}."


class HttpCloud:
    """Fills ports.Cloud. Renews its token by itself, before it runs out and when the cloud no longer takes it."""

    def __init__(
        self,
        url: str,
        *,
        hub_id: str | None = None,
        secret: str | None = None,
        allow_plain: bool = False,
        transport: "httpx.AsyncBaseTransport | None" = None,
        ask_time: AskTime = lambda: None,
        spent: Callable[[int], None] = lambda _size: None,
    ) -> None:
        """`allow_plain` lets http:// be used outside the own network, for a test. `ask_time` says what is known of the time
        while the machine's clock is not to be trusted. `spent` is told of each request's bytes. Raises ConfigError.
        """
        self._url = url.rstrip("/")
        self._is_near = _is_near(self._url)
        if urlsplit(self._url).scheme != "https" and not (self._is_near or allow_plain):
            raise ConfigError(
                f"cloud.url is {self._url}: outside your own network only https:// is safe. Use https://."
            )
        self._hub_id = hub_id
        self._secret = secret
        self._transport = transport
        self._ask_time = ask_time
        self._spent = spent
        self._is_clock_good = True
        self._client: httpx.AsyncClient | None = None
        self._token: str | None = None
        self._renew_at_s = 0.0
        self._renewing = asyncio.Lock()
        # As the cloud's answers say (RFC 9110, 12.5.3), less what it would not take after all.
        self._encodings: tuple[str, ...] = ()
        self._refused_encodings: set[str] = set()

    def __repr__(self) -> str:
        return f"HttpCloud({self._url!r})"

    async def claim(self, code: str, request: JsonObject) -> JsonObject:
        answer = await self._post("hub_claim_v1", _body({**request, "claim_code": code}), None)
        if answer.status != 200:
            if answer.code in _CLAIM_CODES:
                raise ClaimError(f"The cloud at {self._url} says of cloud.claim_code: {answer.words}")
            raise self._error(answer)
        hub_id, secret = answer.body.get("hub_id"), answer.body.get("secret")
        if not isinstance(hub_id, str) or not isinstance(secret, str):
            raise CloudUnreachable(f"{self._url} answered the claim with something else. Is it NEXA's gateway?")
        self._hub_id, self._secret, self._token = hub_id, secret, None
        return answer.body

    async def ingest(self, envelope: bytes) -> JsonObject:
        return await self._call("hub_ingest_v1", b'{"request":' + envelope + b"}")

    async def changes(self, cursor: str | None, wait_s: int) -> JsonObject:
        body = _body({"cursor": cursor, "wait_s": wait_s})
        return await self._call("hub_changes_v1", body, answer_timeout_s=wait_s + WAIT_MARGIN_S)

    async def reconcile(self, request: JsonObject) -> JsonObject:
        return await self._call("hub_reconcile_v1", _body(request))

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _call(self, function: str, body: bytes, *, answer_timeout_s: float = ANSWER_TIMEOUT_S) -> JsonObject:
        token = await self._valid_token()
        answer = await self._post(function, body, token, answer_timeout_s)
        if answer.status == 401 and answer.code in _TOKEN_CODES | {answer.body.get("code")}:
            self._forget(token)
            answer = await self._post(function, body, await self._valid_token(), answer_timeout_s)
        if answer.status != 200:
            raise self._error(answer)
        return answer.body

    # The token.

    async def _valid_token(self) -> str:
        async with self._renewing:
            if self._token is None or asyncio.get_running_loop().time() >= self._renew_at_s:
                await self._renew_token()
            assert self._token is not None
            return self._token

    def _forget(self, token: str) -> None:
        if self._token == token:
            self._token = None

    async def _renew_token(self) -> None:
        if self._hub_id is None or self._secret is None:
            raise CloudRefused(_UNCLAIMED, code="unclaimed")
        answer = await self._post("hub_token_v1", _body({"hub_id": self._hub_id, "secret": self._secret}), None)
        if answer.status != 200:
            raise self._error(answer)
        token, lifetime_s = answer.body.get("token"), answer.body.get("expires_in_s")
        if not isinstance(token, str) or isinstance(lifetime_s, bool) or not isinstance(lifetime_s, int | float):
            raise CloudRefused(f"{self._url} gives out no tokens. Is it NEXA's gateway?", code="no_token")
        self._token = token
        self._renew_at_s = asyncio.get_running_loop().time() + max(TOKEN_S_MIN, lifetime_s - TOKEN_RENEWED_BEFORE_S)

    # One request.

    async def _post(
        self, function: str, body: bytes, token: str | None, answer_timeout_s: float = ANSWER_TIMEOUT_S
    ) -> _Answer:
        encoding = self._encoding() if len(body) >= COMPRESS_BYTES_MIN else None
        # Both let go of the interpreter: the home goes on while a backlog is compressed.
        packed = await asyncio.to_thread(ENCODERS[encoding], body) if encoding is not None else body
        answer = await self._send(function, packed, _headers(token, encoding), answer_timeout_s)
        if encoding is not None and answer.status == 415:
            self._refused_encodings.add(encoding)
            return await self._post(function, body, token, answer_timeout_s)
        if 200 <= answer.status < 300 and not answer.is_json:
            raise CloudUnreachable(
                f"{self._url} answers with a page or the like. Is it NEXA's gateway? Or does the network want a login first?"
            )
        return answer

    def _encoding(self) -> str | None:
        usable = [each for each in ENCODERS if each in self._encodings and each not in self._refused_encodings]
        return usable[0] if usable else None

    async def _send(self, function: str, body: bytes, headers: Mapping[str, str], answer_timeout_s: float) -> _Answer:
        import httpx

        # A half-open connection is noticed by each of them; the long poll and the upload have connections of their own.
        timeout = httpx.Timeout(CONNECT_TIMEOUT_S, read=answer_timeout_s, write=ANSWER_TIMEOUT_S)
        self._spent(len(body) + HEADER_BYTES)
        url = f"{self._url}/rpc/{function}"
        try:
            client = await self._opened()
            async with asyncio.timeout(answer_timeout_s + ANSWER_TIMEOUT_S):
                async with client.stream("POST", url, content=body, headers=headers, timeout=timeout) as response:
                    content = await _bounded(response, self._url)
        except httpx.InvalidURL as err:
            raise CloudUnreachable(f"cloud.url is {self._url}: not an address. {err}") from err
        except (httpx.HTTPError, TimeoutError, OSError) as err:
            raise CloudUnreachable(self._in_words(err)) from err
        takes = response.headers.get("accept-encoding")
        if takes is not None:
            self._encodings = tuple(each.partition(";")[0].strip().lower() for each in takes.split(","))
        parsed = _parsed(content)
        return _Answer(
            response.status_code,
            parsed or {},
            _retry_after_s(response.headers.get("retry-after"), response.headers.get("date")),
            parsed is not None,
            response.headers.get("location"),
        )

    async def _opened(self) -> "httpx.AsyncClient":
        is_clock_good = self._ask_time() is None
        if self._client is not None and is_clock_good != self._is_clock_good:
            await self.close()
        self._is_clock_good = is_clock_good
        if self._client is None:
            # Reading the certificates takes tens of milliseconds on a Pi.
            self._client = await asyncio.to_thread(self._open)
        return self._client

    def _open(self) -> "httpx.AsyncClient":
        import httpx

        # Otherwise a line of log for each request, several a minute for ever.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        limits = httpx.Limits(max_connections=4, max_keepalive_connections=2, keepalive_expiry=90.0)
        # Proxies by HTTPS_PROXY, HTTP_PROXY and NO_PROXY; none to what is near.
        return httpx.AsyncClient(
            limits=limits,
            transport=self._transport,
            trust_env=not self._is_near,
            follow_redirects=False,
            # A transport that is given looks after that itself.
            verify=True if self._transport else certificates.verifying(self._ask_time),
        )

    # What went wrong, in our words.

    def _error(self, answer: _Answer) -> CloudError:
        text = f"The cloud at {self._url} {answer.told}"
        if answer.status == 426 or answer.code == "agent_too_old":
            return AgentTooOld(f"{text} Upgrade nexa-hub; until then the home goes on by itself.", code=answer.code)
        if answer.status in {408, 425, 429} or answer.status >= 500:
            return CloudUnreachable(text, retry_after_s=answer.retry_after_s, code=answer.code)
        if answer.location is not None and 300 <= answer.status < 400:
            elsewhere = urlsplit(answer.location).netloc or answer.location
            return CloudUnreachable(
                f"{self._url} sends us elsewhere (to {elsewhere[:100]}), and nobody follows with a secret. "
                "Does the network want a login first? Else set cloud.url to where the gateway is.",
                retry_after_s=answer.retry_after_s,
            )
        if 200 <= answer.status < 400:
            return CloudUnreachable(f"{self._url} answers with HTTP status {answer.status}. Is it NEXA's gateway?")
        code = "envelope_too_large" if answer.status == 413 else answer.code
        return CloudRefused(text, retry_after_s=answer.retry_after_s, code=code)

    def _in_words(self, err: Exception) -> str:
        certificate = certificates.in_words(err)
        if certificate is not None:
            return f"The certificate of {self._url} {certificate}. The home goes on; records wait."
        why = reason(err, self._url)
        end = "" if why.endswith(("?", ".")) else "."
        return f"The cloud at {self._url} cannot be reached: {why}{end} The home goes on; records wait."


def _body(request: JsonObject) -> bytes:
    return orjson.dumps({"request": request})


def _headers(token: str | None, encoding: str | None) -> dict[str, str]:
    headers = {"content-type": "application/json", "accept": "application/json"}
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    if encoding is not None:
        headers["content-encoding"] = encoding
    return headers


async def _bounded(response: "httpx.Response", url: str) -> bytes:
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > ANSWER_BYTES_MAX:
            raise CloudUnreachable(f"{url} answers with more than {ANSWER_BYTES_MAX} bytes. Is it NEXA's gateway?")
    return bytes(content)


def _parsed(content: bytes) -> JsonObject | None:
    """An object, or nothing: a proxy's page of HTML says no more than its status does."""
    try:
        body: Any = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None


def _retry_after_s(value: str | None, answered_at: str | None) -> float | None:
    """RFC 9110, 10.2.3: seconds or a date, which is by the cloud's clock."""
    if value is None:
        return None
    try:
        wait_s = float(value)
    except ValueError:
        try:
            wait_s = (parsedate_to_datetime(value) - _instant(answered_at)).total_seconds()
        except (ValueError, TypeError):
            return None
    return min(max(wait_s, 0.0), RETRY_AFTER_S_MAX) if wait_s == wait_s else None  # noqa: PLR0124 NaN is not itself


def _instant(date: str | None) -> datetime:
    with suppress(ValueError, TypeError):
        return parsedate_to_datetime(date or "")
    return datetime.now(UTC)


def _is_near(url: str) -> bool:
    """On the machine itself or in the home's own network, where certificates are not to be had."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return host == "localhost" or "." not in host or host.endswith((".local", ".lan", ".home.arpa", ".internal"))


def reason(err: BaseException, address: str) -> str:
    """Why nobody answers, and what to look at."""
    import httpx

    url = urlsplit(address)
    host = url.hostname or address
    causes = list(_causes(err))
    if (certificate := certificates.in_words(err)) is not None:
        return f"its certificate {certificate}"
    if any(isinstance(each, socket.gaierror) for each in causes):
        return f"the name {host} cannot be resolved. Is the router online, and cloud.url right?"
    if any(isinstance(each, ConnectionRefusedError) for each in causes):
        return f"nobody listens at {url.netloc}. Is cloud.url right, and does the gateway run?"
    if any(isinstance(each, OSError) and each.errno in _NO_WAY for each in causes):
        return f"there is no way to {host}. Is this machine on the network, and the router online?"
    if url.scheme == "https" and any(isinstance(each, ssl.SSLError) for each in causes):
        return f"what listens at {url.netloc} does not speak https. Is the port in cloud.url right?"
    if isinstance(err, httpx.ConnectTimeout | httpx.ConnectError) and (not str(err) or "attempts failed" in str(err)):
        return f"{host} does not answer"
    if isinstance(err, httpx.TimeoutException | TimeoutError):
        return "the answer did not come in time"
    if isinstance(err, httpx.ReadError | httpx.RemoteProtocolError):
        hint = " Does cloud.url need https://?" if url.scheme == "http" else ""
        return f"the connection ended without an answer.{hint}"
    return str(err) or type(err).__name__


def _causes(err: BaseException | None) -> Iterator[BaseException]:
    """What an error came of; a name with several addresses has one for each."""
    seen: set[int] = set()
    while err is not None and id(err) not in seen:
        seen.add(id(err))
        yield err
        if isinstance(err, BaseExceptionGroup):
            for each in err.exceptions:
                yield from _causes(each)
        err = err.__cause__ or err.__context__


def _gzipped(body: bytes) -> bytes:
    return gzip.compress(body, COMPRESS_LEVEL)


def _encoders() -> dict[str, Callable[[bytes], bytes]]:
    """The best first. zstd is there with nexa-hub[zstd]."""
    encoders: dict[str, Callable[[bytes], bytes]] = {}
    with suppress(ImportError):
        import zstandard

        encoders["zstd"] = lambda body: zstandard.ZstdCompressor(level=COMPRESS_LEVEL).compress(body)
    return {**encoders, "gzip": _gzipped}


ENCODERS = _encoders()
