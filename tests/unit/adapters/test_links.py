"""The processes of dialects: one that hangs, floods, ends or cannot be loaded hurts nobody else, and comes back."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hub_agent.adapters.credentials import Credentials
from hub_agent.adapters.links import processes, wire
from hub_agent.adapters.links.processes import LinkProcesses
from hub_agent.adapters.links.registry import Place
from hub_agent.errors import PersonNeeded
from hub_agent.model.link import DialectTroubled, Frame, LinkChanged, LinkStatus, NeedKind, Peer, Request, Service
from hub_agent.ports import FromLinks
from tests.fakes.linkings import SILENT

ROOT = Path(__file__).resolve().parents[3]
HERE = "tests.fakes.linkings"
PLACES = {
    "echo": Place(HERE, "Echo"),
    "other": Place(HERE, "Echo"),
    "guarded": Place(HERE, "Guarded"),
    "finding": Place(HERE, "Finding", searches=True),
    "stumbling": Place(HERE, "Stumbling", searches=True),
    "missing": Place("tests.fakes.nowhere", "Nothing", extra="nowhere"),
}
PATIENCE_S = 30


@pytest.fixture(autouse=True)
def _found_by_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


class Heard:
    """What came of the links, and waiting for it."""

    def __init__(self) -> None:
        self.all: list[FromLinks] = []
        self.has_room = True
        self._news = asyncio.Event()

    def take(self, each: FromLinks) -> bool:
        self.all.append(each)
        self._news.set()
        return self.has_room

    async def until(self, wanted: Callable[[FromLinks], bool]) -> FromLinks:
        """The first one of this kind from now on or before; it is not found twice."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for each in self.all:
                    if wanted(each):
                        self.all.remove(each)
                        return each
                self._news.clear()
                await self._news.wait()

    async def frame(self, kind: str, dialect: str = "echo") -> Frame:
        frame = await self.until(lambda each: isinstance(each, Frame) and (each.dialect, each.kind) == (dialect, kind))
        assert isinstance(frame, Frame)
        return frame

    async def status(self, status: LinkStatus, dialect: str = "echo") -> LinkChanged:
        changed = await self.until(
            lambda each: isinstance(each, LinkChanged) and (each.dialect, each.status) == (dialect, status)
        )
        assert isinstance(changed, LinkChanged)
        return changed

    async def trouble(self, dialect: str) -> str:
        troubled = await self.until(lambda each: isinstance(each, DialectTroubled) and each.dialect == dialect)
        assert isinstance(troubled, DialectTroubled)
        return troubled.reason or ""


@asynccontextmanager
async def links_of(folder: Path, *names: str) -> AsyncIterator[tuple[LinkProcesses, Heard, Credentials]]:
    credentials = Credentials(folder / "credentials.json")
    links = LinkProcesses(credentials, {name: PLACES[name] for name in names})
    heard = Heard()
    links.start(heard.take)
    running = asyncio.create_task(links.run())
    try:
        yield links, heard, credentials
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def a_peer(dialect: str = "echo", *hosts: str) -> Peer:
    return Peer(dialect, "p1", "Peer One", hosts or ("127.0.0.1",), 7)


async def ask(links: LinkProcesses, do: str, dialect: str = "echo", **more: object) -> str | None:
    answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
    assert links.ask(Request(dialect, "p1", {"do": do, **more}), answer.set_result)  # type: ignore[dict-item]
    async with asyncio.timeout(PATIENCE_S):
        return await answer


async def test_a_peer_says_who_it_is_and_does_what_it_is_asked(tmp_path: Path) -> None:
    async with links_of(tmp_path, "echo") as (links, heard, _):
        links.open(a_peer())
        await heard.status(LinkStatus.UP)
        assert (await heard.frame("hello")).body == {"hosts": ["127.0.0.1"], "secrets": []}
        assert await ask(links, "say", word="hi") is None
        assert (await heard.frame("echo")).body == {"do": "say", "word": "hi"}
        assert await ask(links, "fail") == "it cannot do that"


async def test_a_link_that_goes_on_while_its_peer_sleeps_says_so_and_when_it_wakes(tmp_path: Path) -> None:
    async with links_of(tmp_path, "echo") as (links, heard, _):
        links.open(a_peer())
        await heard.status(LinkStatus.UP)
        assert await ask(links, "nod") is None
        assert (await heard.status(LinkStatus.ASLEEP)).reason == "it nods"
        await heard.status(LinkStatus.UP)


async def test_a_dialect_that_is_begun_anew_comes_back_with_its_links_and_the_others_feel_nothing(
    tmp_path: Path,
) -> None:
    async with links_of(tmp_path, "echo", "other") as (links, heard, _):
        assert not links.restart("echo"), "it was not needed yet"
        links.open(a_peer())
        links.open(a_peer("other"))
        await heard.status(LinkStatus.UP)
        await heard.status(LinkStatus.UP, "other")

        assert links.restart("echo")

        await heard.status(LinkStatus.DOWN)
        await heard.status(LinkStatus.UP)
        assert await ask(links, "say", word="hi") is None
        assert await ask(links, "say", "other", word="hi") is None
        assert not [each for each in heard.all if isinstance(each, LinkChanged) and each.status is LinkStatus.DOWN]
        assert not links.restart("nothing")


async def test_a_request_to_a_peer_without_a_connection_is_not_taken(tmp_path: Path) -> None:
    async with links_of(tmp_path, "echo") as (links, _, _credentials):
        assert not links.ask(Request("echo", "p1", {}), lambda _: None)
        assert not links.ask(Request("unheard-of", "p1", {}), lambda _: None)


async def test_a_lost_link_comes_back_at_the_address_that_was_renewed(tmp_path: Path) -> None:
    async with links_of(tmp_path, "echo") as (links, heard, _):
        links.open(a_peer())
        await heard.frame("hello")
        assert await ask(links, "lose") is None
        lost = await heard.status(LinkStatus.DOWN)
        links.open(a_peer("echo", "127.0.0.2"))
        assert lost.reason == "the cable was pulled"
        assert (await heard.frame("hello")).body == {"hosts": ["127.0.0.2"], "secrets": []}


async def test_who_is_tried_in_vain_at_the_old_address_is_tried_at_the_new_one_at_once(tmp_path: Path) -> None:
    async with links_of(tmp_path, "echo") as (links, heard, _):
        links.open(a_peer("echo", SILENT))
        await heard.status(LinkStatus.CONNECTING)
        links.open(a_peer("echo", "127.0.0.2"))
        assert (await heard.frame("hello")).body == {"hosts": ["127.0.0.2"], "secrets": []}


async def test_a_peer_that_sleeps_is_asleep_and_not_lost(tmp_path: Path) -> None:
    async with links_of(tmp_path, "echo") as (links, heard, _):
        links.open(a_peer())
        await heard.status(LinkStatus.UP)
        await ask(links, "sleep")
        await heard.status(LinkStatus.ASLEEP)
        await heard.status(LinkStatus.UP)


async def test_a_fault_in_one_link_leaves_the_others_of_its_dialect(tmp_path: Path) -> None:
    async with links_of(tmp_path, "echo") as (links, heard, _):
        links.open(a_peer())
        links.open(Peer("echo", "p2", "Peer Two", ("127.0.0.1",)))
        await heard.frame("hello")
        await heard.frame("hello")
        await ask(links, "break")
        assert (await heard.status(LinkStatus.DOWN)).reason == "a fault of ours: RuntimeError"
        assert links.ask(Request("echo", "p2", {"do": "say"}), lambda _: None)
        assert (await heard.frame("echo")).peer == "p2"


async def test_a_process_that_hangs_is_killed_and_begun_again_while_another_dialect_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "PING_S", 0.2)
    monkeypatch.setattr(processes, "HUNG_S", 2.0)
    monkeypatch.setattr(processes, "ENDS_WITHIN_S", 0.2)
    async with links_of(tmp_path, "echo", "other") as (links, heard, _):
        links.open(a_peer())
        links.open(a_peer("other"))
        await heard.status(LinkStatus.UP)
        await heard.status(LinkStatus.UP, "other")
        refused: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        assert links.ask(Request("echo", "p1", {"do": "spin"}), refused.set_result)
        assert await ask(links, "say", "other") is None
        assert "did not answer" in await heard.trouble("echo")
        assert await refused == "the part of the hub that speaks with it ended"
        await heard.status(LinkStatus.DOWN)
        await heard.status(LinkStatus.UP)
        assert await heard.trouble("echo") == ""


async def test_a_process_that_ends_is_begun_again_with_its_peers(tmp_path: Path) -> None:
    async with links_of(tmp_path, "echo") as (links, heard, _):
        links.open(a_peer())
        await heard.frame("hello")
        links.ask(Request("echo", "p1", {"do": "exit"}), lambda _: None)
        assert "its process ended" in await heard.trouble("echo")
        await heard.status(LinkStatus.DOWN)
        await heard.frame("hello")


async def test_a_dialect_that_only_searches_is_calm_again_some_time_after_it_was_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUMBLED", str(tmp_path / "stumbled"))
    monkeypatch.setattr(processes, "PING_S", 0.2)
    monkeypatch.setattr(processes, "CALM_S", 0.5)
    async with links_of(tmp_path, "stumbling") as (_, heard, _credentials):
        assert "its process ended" in await heard.trouble("stumbling")
        assert await heard.trouble("stumbling") == ""


async def test_links_are_opened_however_much_waits_to_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "UNREAD_BYTES_MAX", -1)
    async with links_of(tmp_path, "echo") as (links, heard, _):
        links.open(a_peer())
        await heard.frame("hello")
        assert not links.ask(Request("echo", "p1", {"do": "say"}), lambda _: None)


async def test_a_flood_is_read_at_a_bounded_pace_and_what_is_too_much_is_dropped_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "FRAMES_AT_ONCE_MAX", 1000)
    async with links_of(tmp_path, "echo", "other") as (links, heard, _):
        links.open(a_peer())
        links.open(a_peer("other"))
        await heard.frame("hello")
        await heard.frame("hello", "other")
        await ask(links, "flood", count=100_000)
        assert await ask(links, "say", "other") is None
        assert "were dropped" in await heard.trouble("echo")
        heard.all.clear()
        # What was dropped may have been important: the link begins anew and says everything again.
        await heard.frame("hello")
        assert len(heard.all) < 20_000


async def test_nothing_is_read_while_the_hub_has_no_room(tmp_path: Path) -> None:
    async with links_of(tmp_path, "echo", "other") as (links, heard, _):
        links.open(a_peer())
        await heard.frame("hello")
        heard.has_room = False
        links.ask(Request("echo", "p1", {"do": "flood", "count": 1000}), lambda _: None)
        await heard.frame("noise")
        links.open(a_peer("other"))
        heard.has_room = True
        await heard.status(LinkStatus.UP, "other")
        assert not any(isinstance(each, Frame) and each.kind == "noise" for each in heard.all)
        links.resume()
        await heard.frame("noise")


async def test_a_dialect_whose_software_is_missing_says_what_to_install(tmp_path: Path) -> None:
    async with links_of(tmp_path, "missing") as (links, heard, _):
        links.open(a_peer("missing"))
        changed = await heard.status(LinkStatus.NEEDS, "missing")
        assert changed.need is not None
        assert changed.need.kind is NeedKind.SOFTWARE
        assert "pip install 'nexa-hub[nowhere]'" in changed.need.text


async def test_a_peer_that_needs_a_code_waits_for_it_and_comes_up_when_it_was_paired(tmp_path: Path) -> None:
    async with links_of(tmp_path, "guarded") as (links, heard, _):
        peer = a_peer("guarded")
        links.open(peer)
        changed = await heard.status(LinkStatus.NEEDS, "guarded")
        assert changed.need is not None
        assert changed.need.fields == ("code",)
        with pytest.raises(PersonNeeded, match="The code is wrong"):
            await links.pair(peer, {"code": "0000"})
        await links.pair(peer, {"code": "1234"})
        links.open(peer)
        await heard.status(LinkStatus.UP, "guarded")
    # The next start needs nobody.
    async with links_of(tmp_path, "guarded") as (links, heard, _):
        links.open(peer)
        assert (await heard.frame("hello", "guarded")).body == {"hosts": ["127.0.0.1"], "secrets": ["session"]}


async def test_what_a_link_wants_kept_is_given_to_it_again(tmp_path: Path) -> None:
    async with links_of(tmp_path, "echo") as (links, heard, credentials):
        links.open(a_peer())
        await heard.frame("hello")
        await ask(links, "keep")
        await ask(links, "lose")
        assert (await heard.frame("hello")).body == {"hosts": ["127.0.0.1"], "secrets": ["token"]}
        assert credentials.of("echo", "p1") == {"token": "new"}


async def test_a_dialect_that_searches_needs_no_peer_to_begin(tmp_path: Path) -> None:
    async with links_of(tmp_path, "finding") as (_, heard, _credentials):
        found = await heard.until(lambda each: isinstance(each, Service))
        assert found == Service(
            "search", "finding.search", "f1", ("127.0.0.1",), 9, None, {"name": "Found One", "model": "M"}
        )


async def test_a_closed_link_says_nothing_any_more(tmp_path: Path) -> None:
    async with links_of(tmp_path, "echo") as (links, heard, _):
        links.open(a_peer())
        await heard.frame("hello")
        links.close("echo", "p1")
        assert not links.ask(Request("echo", "p1", {}), lambda _: None)
        links.open(a_peer())
        await heard.frame("hello")


async def test_a_request_that_is_under_way_when_its_link_is_closed_is_answered(tmp_path: Path) -> None:
    async with links_of(tmp_path, "echo") as (links, heard, _):
        links.open(a_peer())
        await heard.frame("hello")
        answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        assert links.ask(Request("echo", "p1", {"do": "wait"}), answer.set_result)
        await heard.frame("waits")
        links.close("echo", "p1")
        assert await asyncio.wait_for(answer, PATIENCE_S) == "the link was closed"


async def test_what_no_json_can_hold_is_said_as_well_as_can_be(tmp_path: Path) -> None:
    async with links_of(tmp_path, "echo") as (links, heard, _):
        links.open(a_peer())
        await heard.status(LinkStatus.UP)
        await ask(links, "strange")
        assert (await heard.frame("strange")).body == {"half a character": "?!", "large": float(2**70), "plain": 1}


async def test_a_process_goes_with_the_agent_also_when_the_agent_is_killed(tmp_path: Path) -> None:
    """Its parent is a process of this test's own, killed in the middle."""
    program = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from hub_agent.adapters.credentials import Credentials\n"
        "from hub_agent.adapters.links.processes import LinkProcesses\n"
        "from hub_agent.model.link import Peer\n"
        "from tests.unit.adapters.test_links import PLACES, a_peer\n"
        "async def main():\n"
        "    links = LinkProcesses(Credentials(Path(sys.argv[1])), {'echo': PLACES['echo']})\n"
        "    links.start(lambda each: print(links._dialects['echo']._process.pid, flush=True) or True)\n"
        "    links.open(a_peer())\n"
        "    await links.run()\n"
        "asyncio.run(main())\n"
    )
    agent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(tmp_path / "c.json"), stdout=asyncio.subprocess.PIPE
    )
    assert agent.stdout is not None
    child = int(await asyncio.wait_for(agent.stdout.readline(), PATIENCE_S))
    watched = os.pidfd_open(child)
    gone = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().add_reader(watched, gone.set_result, None)
    agent.send_signal(signal.SIGKILL)
    try:
        await asyncio.wait_for(gone, PATIENCE_S)
    finally:
        asyncio.get_running_loop().remove_reader(watched)
        os.close(watched)
        await agent.wait()


@pytest.mark.parametrize(
    "line",
    [
        b"garbage",
        b'"text"',
        b"[]",
        b"{}",
        b'{"say":"frame"}',
        b'{"say":"found","peer":{"key":1}}',
        b'{"say":"link","key":"p1","status":"better"}',
        b"\xff\xfe",
        b'{"say":"frame","key":"p1"',
    ],
)
async def test_a_process_that_says_what_is_no_word_of_ours_is_ended_and_its_links_are_told(
    tmp_path: Path, line: bytes
) -> None:
    """`python` is a program that answers every start with this line."""
    (tmp_path / "line").write_bytes(line + b"\n")
    speaker = tmp_path / "python"
    speaker.write_text(f'#!/bin/sh\ncat "{tmp_path}/line"\nexec cat > /dev/null\n', encoding="utf-8")
    speaker.chmod(0o755)
    links = LinkProcesses(Credentials(tmp_path / "credentials.json"), {"echo": PLACES["echo"]}, speaker)
    heard = Heard()
    links.start(heard.take)
    running = asyncio.create_task(links.run())
    try:
        links.open(a_peer())
        assert "could not be read" in await heard.trouble("echo")
        assert not running.done()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize(
    "line",
    [
        b'{"say":"done","id":99,"error":null}',
        b'{"say":"done","id":"x","error":7}',
        b'{"say":"unheard-of"}',
        b'{"say":7}',
    ],
)
async def test_answers_that_nobody_asked_for_are_left(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "line").write_bytes(line + b'\n{"say":"frame","key":"p1","kind":"hello","body":1}\n')
    speaker = tmp_path / "python"
    speaker.write_text(f'#!/bin/sh\ncat "{tmp_path}/line"\nexec cat > /dev/null\n', encoding="utf-8")
    speaker.chmod(0o755)
    links = LinkProcesses(Credentials(tmp_path / "credentials.json"), {"echo": PLACES["echo"]}, speaker)
    heard = Heard()
    links.start(heard.take)
    running = asyncio.create_task(links.run())
    try:
        links.open(a_peer())
        assert (await heard.frame("hello")).body == 1
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
