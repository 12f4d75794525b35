"""Many light hubs in one process: each a connection, a token, bodies that are ready, and the pace of a real one."""

import asyncio
import json
import random
import resource
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

import psycopg

from hub_agent.core.sync.pace import Pace

TRY_S_MAX = 40.0
# Beyond this the run counts as hung.
RUN_S_MAX = 600.0
# Until a question is held open again.
SETTLE_S = 0.2


class Swarm:
    def __init__(self, url: str, jitter: random.Random | None = None) -> None:
        place = urlsplit(url)
        assert place.hostname
        assert place.port
        self._place = (place.hostname, place.port)
        self._jitter = jitter or random.Random(0)
        self.refused = self.failed = 0
        self.seconds = 0.0
        self.done_s: list[float] = []
        self.done_s_by_size: dict[int, list[float]] = defaultdict(list)
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    async def send(self, hubs: Sequence[tuple[str, Sequence[bytes]]]) -> None:
        """Token and bodies of each. Returns when all are stored."""
        begun = time.perf_counter()
        async with asyncio.timeout(RUN_S_MAX):
            await asyncio.gather(*(self._send(token, bodies, begun) for token, bodies in hubs))
        self.seconds = time.perf_counter() - begun

    async def _send(self, token: str, bodies: Sequence[bytes], begun: float) -> None:
        connection = _Connection(self._place, token)
        pace = Pace(self._jitter, idle_s=60.0)
        for body in bodies:
            while (retry_after_s := await self._tried(connection, body)) is not None:
                now_s = time.perf_counter()
                pace.failed(now_s, retry_after_s=retry_after_s)
                await asyncio.sleep(pace.due_s - now_s)
            pace.succeeded(time.perf_counter(), is_more=True)
        connection.close()
        took_s = time.perf_counter() - begun
        self.done_s.append(took_s)
        self.done_s_by_size[len(bodies)].append(took_s)

    async def _tried(self, connection: "_Connection", body: bytes) -> float | None:
        """None: stored. Else how long to wait."""
        try:
            async with asyncio.timeout(TRY_S_MAX):
                status, headers, answer = await connection.post("hub_ingest_v1", body, "gzip")
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            connection.close()
            self.failed += 1
            return 0.0
        if status == 200:
            return None
        assert status == 503, answer
        self.refused += 1
        return float(headers.get("retry-after", "1"))

    async def wait(self, db: psycopg.Connection, hubs: Sequence[tuple[str, str]], changes: int) -> list[float]:
        """Token and device of each: all wait, some devices are renamed. Seconds until each of these hubs hears of it."""
        connections = [_Connection(self._place, token) for token, _ in hubs]
        cursors = await self._cursors(connections)
        heard_at: dict[int, float] = {}

        async def listen(number: int) -> None:
            body = json.dumps({"cursor": cursors[number], "wait_s": 25}).encode()
            while True:
                status, _, answer = await connections[number].post("hub_changes_v1", body)
                if status == 200 and json.loads(answer)["changes"]:
                    heard_at[number] = time.perf_counter()
                    return
                if status != 200:
                    await asyncio.sleep(self._jitter.random() * 5)

        listening = [asyncio.create_task(listen(number)) for number in range(len(hubs))]
        await asyncio.sleep(15)  # until all have asked and wait
        took = []
        for number in self._jitter.sample(range(len(hubs)), changes):
            begun = time.perf_counter()
            await asyncio.to_thread(
                db.execute, "UPDATE devices SET device_name = 'renamed' WHERE id = %s", (hubs[number][1],)
            )
            await asyncio.wait_for(listening[number], 60)
            took.append(heard_at[number] - begun)
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
        for connection in connections:
            connection.close()
        return took

    async def hear(self, tokens: Sequence[str], tell: Callable[[], None], times: int) -> list[float]:
        """All wait; the first is told something, time after time. Seconds until it hears of it."""
        connections = [_Connection(self._place, token) for token in tokens]
        first, *others = zip(connections, await self._cursors(connections), strict=True)
        waiting = [asyncio.create_task(self._news(*each)) for each in others]
        connection, cursor = first
        await asyncio.sleep(len(tokens) / 30)  # until the others wait, too
        took = []
        for _ in range(times):
            hearing = asyncio.create_task(self._news(connection, cursor))
            await asyncio.sleep(SETTLE_S)
            begun = time.perf_counter()
            await asyncio.to_thread(tell)
            heard_at, cursor = await asyncio.wait_for(hearing, 60)
            took.append(heard_at - begun)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        for connection in connections:
            connection.close()
        return took

    async def _news(self, connection: "_Connection", cursor: str) -> tuple[float, str]:
        """When there was some, and the next cursor."""
        while True:
            body = json.dumps({"cursor": cursor, "wait_s": 25}).encode()
            status, _, answer = await connection.post("hub_changes_v1", body)
            if status != 200:
                await asyncio.sleep(self._jitter.random() * 5)
                continue
            news = json.loads(answer)
            cursor = str(news["cursor"])
            if news["changes"] or news["commands"]:
                return time.perf_counter(), cursor

    async def _cursors(self, connections: Sequence["_Connection"]) -> list[str]:
        """Of each, when it has heard all there is."""
        gate = asyncio.Semaphore(100)

        async def cursor(connection: "_Connection") -> str:
            async with gate:
                for _ in range(100):
                    status, _, answer = await connection.post("hub_changes_v1", b"{}")
                    if status == 200:
                        return str(json.loads(answer)["cursor"])
                    await asyncio.sleep(self._jitter.random() * 5)
            raise TimeoutError("no cursor")

        return await asyncio.gather(*map(cursor, connections))


class _Connection:
    """As much of HTTP/1.1 as the gateway's answers need, so that thousands cost little."""

    def __init__(self, place: tuple[str, int], token: str) -> None:
        self._place = place
        self._head = f"Host: bench\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, function: str, body: bytes, encoding: str = "identity") -> tuple[int, dict[str, str], bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._place)
        reader, writer = self._streams
        head = f"POST /rpc/{function} HTTP/1.1\r\n{self._head}Content-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        return int(first.split()[1]), headers, await reader.readexactly(int(headers["content-length"]))

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
