"""Whatever is sent to a webhook: an answer in words, and never a fault of ours."""

import asyncio
from typing import Any

from hypothesis import given, settings, strategies as st

from hub_agent.web.webhooks import Webhooks
from tests.fakes.door import FakeDoor

LATIN = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=60)
DISPOSITIONS = st.sampled_from(
    [
        b'form-data; name="a"',
        b"form-data; name*=utf-8''%ff",
        b'form-data; name="',
        b"form-data; name*0*=x",
        b"; ;=;",
        b'form-data; name="\xff"; filename="x',
        b"form-data; name=a; filename*=''",
    ]
)


@st.composite
def multipart(draw: st.DrawFn) -> bytes:
    """Something like a form in parts, with what breaks readers of headers."""
    parts = draw(st.lists(st.tuples(DISPOSITIONS | st.binary(max_size=30), st.binary(max_size=30)), max_size=4))
    lines = [b"--x\r\nContent-Disposition: " + head + b"\r\n\r\n" + body + b"\r\n" for head, body in parts]
    return b"".join(lines) + draw(st.sampled_from([b"--x--\r\n", b"", b"--x"]))


CONTENT_TYPES = (
    st.sampled_from(
        [
            "application/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            'multipart/form-data; boundary="',
            "multipart/form-data",
            "text/plain; charset=nonsense",
        ]
    )
    | LATIN
)


async def send(content_type: str, body: bytes, query: bytes, path: str) -> tuple[int, list[Any]]:
    door, told = FakeDoor(), []
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": query,
        "headers": [(b"content-type", content_type.encode("latin-1"))],
        "client": ("192.168.1.7", 4711),
    }

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def answer(message: Any) -> None:
        told.append(message)

    async def nobody(*_: Any) -> None:
        raise AssertionError("it is for the webhooks")

    await Webhooks(nobody, door)(scope, receive, answer)
    return told[0]["status"], door.called


@settings(max_examples=300, deadline=None)
@given(
    CONTENT_TYPES,
    multipart() | st.binary(max_size=200) | st.text(max_size=60).map(str.encode),
    st.binary(max_size=60),
    st.text(max_size=300),
)
def test_whatever_is_sent_is_taken_or_refused(content_type: str, body: bytes, query: bytes, name: str) -> None:
    status, called = asyncio.run(send(content_type, body, query, f"/api/webhook/{name}"))

    assert status in {200, 400}
    assert len(called) <= 1
