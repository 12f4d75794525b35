"""A whole home and its cloud on this machine: database, gateway, broker, simulated devices and the agent.

Everything it makes is under .demo/ and everything it starts ends with it.
"""

import argparse
import asyncio
import contextlib
import fcntl
import json
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import httpx
import psycopg
from demo_part import DemoError, Part
from demo_story import Story
from psycopg import sql
from psycopg.types.json import Jsonb

ROOT = Path(__file__).resolve().parent.parent
DEFINITIONS = ROOT / "tests/fakes/home/definitions.json"
TABLES = ("users", "homes", "home_members", "rooms", "automations", "scenes")
PAGE_PORT = 8380
FREE_BYTES_MIN = 400 * 1024 * 1024
# sockaddr_un has 108 bytes.
SOCKET_PATH_MAX = 100
SYNC_EVERY_S = 5.0
ROOMS_WITHIN_S = 60.0

BROKER_SETTINGS = """\
id = 0
[router]
id = 0
max_connections = 1000
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10
[v4.1]
name = "v4-1"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
    [v4.1.connections]
    connection_timeout_ms = 60000
    max_payload_size = 1048576
    max_inflight_count = 100
    dynamic_filters = true
"""

AGENT_SETTINGS = """\
[agent]
state_dir = {state_dir}
socket = {socket}

[web]
host = "127.0.0.1"
port = {page_port}

[mqtt]
host = "127.0.0.1"
port = {mqtt_port}

[discovery]
mdns = false
ssdp = false
search = false

[cloud]
url = "http://127.0.0.1:{gateway_port}"
{claim}
"""


class Demo:
    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._dir: Path = options.dir.resolve()
        self._parts: list[Part] = []
        self._story = Story()
        self._socket = _socket_path(self._dir)
        self._lock: TextIO | None = None
        self._paused: set[str] = set()
        self._is_stopping = False

    async def run(self) -> int:
        """Until Ctrl-C, SIGTERM, --seconds or a part's death. The exit code."""
        self._obey_signals()
        wrong: list[Exception] = []
        try:
            await self._start_and_watch(wrong)
        except asyncio.CancelledError:
            print(flush=True)
        finally:
            self._is_stopping = True
            await self._stop_all()
        for each in wrong:
            print(f"The demo cannot go on: {each}", file=sys.stderr)
        return 1 if wrong else 0

    async def _start_and_watch(self, wrong: list[Exception]) -> None:
        try:
            await self._start_all()
            await self._watch()
        except* (DemoError, OSError, psycopg.Error) as group:
            wrong += group.exceptions

    def _obey_signals(self) -> None:
        me = asyncio.current_task()
        assert me is not None

        def stop() -> None:
            if not self._is_stopping:
                self._is_stopping = True
                me.cancel()

        for each in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(each, stop)

    # Starting, in the order in which one needs the other.

    async def _start_all(self) -> None:
        self._prepare()
        page_port = _page_port(self._options.port)
        self._gateway_port, mqtt_port = _free_port(), _free_port()
        dsn = await self._start_database()
        code = await self._install_schema(dsn)
        await self._start_gateway(dsn)
        await self._start_broker(mqtt_port)
        await self._start_home(mqtt_port)
        self._write_settings(page_port, mqtt_port, code)
        await self._start_agent()
        say(f"The page: http://127.0.0.1:{page_port}/   pairing code: {await self._pairing_code()}")
        say(f"The command line: .venv/bin/nexa-hub --socket {self._socket} status   (pair: a new pairing code)")
        say("Press Ctrl-C to stop everything.")

    def _prepare(self) -> None:
        if self._dir.exists() and any(self._dir.iterdir()) and not (self._dir / "made-by-demo").exists():
            raise DemoError(f"{self._dir} is not empty and not the demo's: choose another with --dir.")
        self._dir.mkdir(parents=True, exist_ok=True)
        self._lock = (self._dir / "made-by-demo").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as err:
            raise DemoError(
                f"A demo runs in {self._dir} already: stop it, or choose another place with --dir."
            ) from err
        free = shutil.disk_usage(self._dir).free
        if free < FREE_BYTES_MIN:
            raise DemoError(
                f"Only {free // 2**20} MB are free where {self._dir} is; {FREE_BYTES_MIN // 2**20} MB are needed. Make room, or use --dir."
            )
        if not self._options.keep:
            for old in self._dir.iterdir():
                if old.name != "made-by-demo":
                    shutil.rmtree(old) if old.is_dir() else old.unlink()
        (self._dir / "logs").mkdir(exist_ok=True)

    async def _start_database(self) -> str:
        part = self._part("Database", [sys.executable, "deploy/demo_database.py", str(self._dir / "postgres")])
        async with step("Database: an embedded PostgreSQL"):
            await part.start(says_ready=True)
            dsn = await part.said(within_s=90)
        _write_private(self._dir / "dsn", dsn)
        return dsn

    async def _install_schema(self, dsn: str) -> str | None:
        async with step("Central schema: tables, functions, catalogue and the demo's home"):
            await self._cloud_command("apply", dsn)
            await self._cloud_command("seed", dsn)
            home_id = await asyncio.to_thread(_insert_home, dsn)
        if self._has_hub():
            return None
        return (await self._cloud_command("claim-code", dsn, "--home", home_id)).split()[0]

    async def _start_gateway(self, dsn: str) -> None:
        secret_file = self._dir / "jwt-secret"
        if not secret_file.exists():
            _write_private(secret_file, secrets.token_hex(32))
        env = {"NEXA_CLOUD_DSN": dsn, "NEXA_CLOUD_JWT_SECRET": secret_file.read_text()}
        command = [sys.executable, "-m", "cloud_schema", "gateway", "--port", str(self._gateway_port)]
        self._gateway = self._part("Gateway", command, env)
        async with step(f"Gateway: http://127.0.0.1:{self._gateway_port}"):
            await self._start_gateway_process()

    async def _start_gateway_process(self) -> None:
        await self._gateway.start(says_ready=False)
        await self._gateway.answers(self._is_gateway_live, within_s=30)

    async def _start_broker(self, port: int) -> None:
        is_mosquitto = self._options.broker == "mosquitto"
        program = shutil.which("mosquitto", path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin")
        if is_mosquitto and program is None:
            raise DemoError("There is no mosquitto on this machine: install it, or leave --broker away.")
        settings = self._dir / ("mosquitto.conf" if is_mosquitto else "broker.toml")
        settings.write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\n" if is_mosquitto else BROKER_SETTINGS.format(port=port)
        )
        command = [str(program), "-c"] if is_mosquitto else [sys.executable, "deploy/demo_broker.py"]
        part = self._part("Broker", [*command, str(settings)])
        async with step(f"MQTT broker: {self._options.broker} at 127.0.0.1:{port}"):
            await part.start(says_ready=not is_mosquitto)
            if is_mosquitto:
                await part.answers(lambda: _is_open(port), within_s=15)
            else:
                await part.said(within_s=15)

    async def _start_home(self, mqtt_port: int) -> None:
        options = ["--port", str(mqtt_port), "--seed", str(self._options.seed), "--speed", str(self._options.speed)]
        part = self._part("Simulated home", [sys.executable, "-m", "tests.fakes.home", *options])
        async with step(
            f"Simulated home: Zigbee2MQTT, Shellies, a meter and a garage door (seed {self._options.seed})"
        ):
            await part.start(says_ready=True)
            await part.said(within_s=30)

    async def _start_agent(self) -> None:
        program = Path(sys.executable).with_name("nexa-hub")
        self._agent = self._part("Agent", [str(program), "run", "--config", str(self._dir / "nexa-hub.toml")])
        async with step("Agent: nexa-hub, which claims its identity and pulls the home's definitions"):
            await self._start_agent_process()
            await self._agent.answers(self._has_definitions, within_s=60)

    async def _start_agent_process(self) -> None:
        await self._agent.start(says_ready=False)
        await self._agent.answers(self._is_agent_live, within_s=60)

    async def _has_definitions(self) -> bool:
        with contextlib.suppress(httpx.HTTPError, ValueError):
            return bool((await self._get("sync"))["is_claimed"] and await self._get("scenes"))
        return False

    def _write_settings(self, page_port: int, mqtt_port: int, code: str | None) -> None:
        state_dir = self._dir / "agent"
        state_dir.mkdir(exist_ok=True)
        text = AGENT_SETTINGS.format(
            state_dir=json.dumps(str(state_dir)),
            socket=json.dumps(str(self._socket)),
            page_port=page_port,
            mqtt_port=mqtt_port,
            gateway_port=self._gateway_port,
            claim=f"claim_code = {json.dumps(code)}" if code else "",
        )
        (self._dir / "nexa-hub.toml").write_text(text)

    # While it runs.

    async def _watch(self) -> None:
        options = self._options
        async with asyncio.TaskGroup() as tasks:
            jobs = [self._tell_changes(), self._tell_sync(), self._assign_rooms(), *map(self._mourn, self._parts)]
            if options.offline_after is not None:
                jobs.append(self._cut_cloud(options.offline_after, options.offline_for))
            if options.kill_agent_after is not None:
                jobs.append(self._kill_agent(options.kill_agent_after))
            running = [tasks.create_task(job) for job in jobs]
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(options.seconds):
                    await asyncio.Event().wait()
            for task in running:
                task.cancel()

    async def _mourn(self, part: Part) -> None:
        while True:
            code = await part.end()
            if part.name in self._paused:
                await asyncio.sleep(0.2)
                continue
            if part is self._agent and code < 0:
                await self._revive_agent(-code)
                continue
            raise DemoError(
                f"{part.name} has stopped by itself (exit code {code}). Its last words:\n{part.last_words()}"
            )

    async def _cut_cloud(self, after_s: float, for_s: float) -> None:
        await asyncio.sleep(after_s)
        self._paused.add(self._gateway.name)
        await self._gateway.stop()
        say(f"Now the cloud is cut off for {for_s:.0f} s: press a scene on the page, it works all the same.")
        await asyncio.sleep(for_s)
        await self._start_gateway_process()
        self._paused.discard(self._gateway.name)
        say("The cloud is back; what waited is sent now.")

    async def _kill_agent(self, after_s: float) -> None:
        await asyncio.sleep(after_s)
        await self._agent.kill()

    async def _revive_agent(self, number: int) -> None:
        """Whoever killed it wants to see it go on, as it does when systemd starts it again."""
        say(
            f"The agent was killed ({signal.Signals(number).name}) and is started again: delays and waits go on where they were."
        )
        await self._start_agent_process()
        say("The agent is back.")

    async def _tell_changes(self) -> None:
        while True:
            with contextlib.suppress(httpx.HTTPError, ValueError):
                self._story.learn(await self._get("devices"))
                async with self._client() as client, client.stream("GET", "/api/v1/events", timeout=None) as stream:
                    await self._read_events(stream)
            await asyncio.sleep(0.5)

    async def _read_events(self, stream: httpx.Response) -> None:
        topic = "message"
        async for line in stream.aiter_lines():
            field, _, value = line.partition(":")
            if field == "event":
                topic = value.strip()
            elif field == "data":
                body = json.loads(value)
                if topic == "device" and body.get("is_new"):
                    self._story.learn(await self._get("devices"))
                told = self._story.line(topic, body)
                if told:
                    say(told)

    async def _tell_sync(self) -> None:
        while True:
            with contextlib.suppress(httpx.HTTPError, ValueError):
                told = self._story.sync(await self._get("sync"))
                if told:
                    say(told)
            await asyncio.sleep(SYNC_EVERY_S)

    async def _assign_rooms(self) -> None:
        """What an installer does on the page: says where each device stands."""
        wanted = dict(json.loads(DEFINITIONS.read_text(encoding="utf-8"))["device_rooms"])
        ends_at = time.monotonic() + ROOMS_WITHIN_S
        assigned = 0
        while wanted and time.monotonic() < ends_at:
            with contextlib.suppress(httpx.HTTPError, ValueError):
                room_id_by_name = {room["name"]: room["id"] for room in await self._get("rooms")}
                for device in await self._get("devices"):
                    room_id = room_id_by_name.get(wanted.get(device["name"], ""))
                    if room_id is None:
                        continue
                    if device["room_id"] != room_id:
                        await self._patch(f"devices/{device['id']}", {"room_id": room_id})
                        assigned += 1
                    del wanted[device["name"]]
            await asyncio.sleep(1)
        if assigned:
            say(f"{assigned} devices were put into their rooms")

    # Talking to the parts.

    async def _pairing_code(self) -> str:
        with contextlib.suppress(httpx.HTTPError, ValueError, KeyError):
            async with self._client() as client:
                answer = await client.post("/api/v1/access/codes", json={})
                return str(answer.raise_for_status().json()["code"])
        return "see the agent's log"

    async def _is_gateway_live(self) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            async with httpx.AsyncClient() as client:
                return (await client.get(f"http://127.0.0.1:{self._gateway_port}/live")).status_code == httpx.codes.OK
        return False

    async def _is_agent_live(self) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            async with self._client() as client:
                return (await client.get("/live")).status_code == httpx.codes.OK
        return False

    async def _get(self, path: str) -> Any:
        async with self._client() as client:
            answer = await client.get(f"/api/v1/{path}")
            answer.raise_for_status()
            return answer.json()

    async def _patch(self, path: str, body: dict[str, str]) -> None:
        async with self._client() as client:
            (await client.patch(f"/api/v1/{path}", json=body)).raise_for_status()

    def _client(self) -> httpx.AsyncClient:
        transport = httpx.AsyncHTTPTransport(uds=str(self._socket))
        return httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=10)

    async def _cloud_command(self, name: str, dsn: str, *options: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cloud_schema", name, dsn, *options),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, complained = await process.communicate()
        if process.returncode:
            raise DemoError(f"nexa-cloud {name} failed: {complained.decode().strip()}")
        return said.decode()

    def _part(self, name: str, command: list[str], env: dict[str, str] | None = None) -> Part:
        part = Part(name, command, self._dir / "logs" / f"{name.lower().replace(' ', '-')}.log", env)
        self._parts.append(part)
        return part

    def _has_hub(self) -> bool:
        return bool(self._options.keep) and (self._dir / "agent" / "mirror.db").exists()

    async def _stop_all(self) -> None:
        if any(part.pid for part in self._parts):
            say("Stopping everything ...")
        for part in reversed(self._parts):
            await part.stop()
        if self._socket.parent != self._dir:
            shutil.rmtree(self._socket.parent, ignore_errors=True)
        if self._parts:
            say(f"Stopped. Logs and data are in {self._dir}; --keep goes on with them.")


def say(text: str) -> None:
    print(f"{datetime.now().astimezone():%H:%M:%S}  {text}", flush=True)


@contextlib.asynccontextmanager
async def step(text: str) -> Any:
    print(f"{datetime.now().astimezone():%H:%M:%S}  {text} ... ", end="", flush=True)
    since = time.monotonic()
    try:
        yield
    except BaseException:
        print("failed", flush=True)
        raise
    print(f"ready ({time.monotonic() - since:.1f} s)", flush=True)


def _insert_home(dsn: str) -> str:
    """The demo's home, its people, rooms, automations and scenes; what is there already stays."""
    rows_by_table = json.loads(DEFINITIONS.read_text(encoding="utf-8"))
    with psycopg.connect(dsn) as connection:
        for user in rows_by_table["users"]:
            connection.execute(
                "INSERT INTO auth.users (id, email) VALUES (%s, %s) ON CONFLICT DO NOTHING", (user["id"], user["email"])
            )
        for table in TABLES:
            for row in rows_by_table[table]:
                columns = sql.SQL(", ").join(sql.Identifier(column) for column in row)
                connection.execute(
                    sql.SQL(
                        "INSERT INTO {table} ({columns}) SELECT {columns} FROM jsonb_populate_record(NULL::{table}, %s)"
                        " ON CONFLICT DO NOTHING"
                    ).format(table=sql.Identifier(table), columns=columns),
                    (Jsonb(row),),
                )
    return str(rows_by_table["homes"][0]["id"])


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


def _page_port(wanted: int | None) -> int:
    if wanted is not None:
        if not _is_free(wanted):
            raise DemoError(f"Port {wanted} is in use by another program: choose another with --port.")
        return wanted
    return PAGE_PORT if _is_free(PAGE_PORT) else _free_port()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _is_open(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def _socket_path(directory: Path) -> Path:
    path = directory / "nexa-hub.sock"
    return path if len(str(path)) < SOCKET_PATH_MAX else Path(tempfile.mkdtemp(prefix="nexa-demo-")) / "nexa-hub.sock"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="deploy/demo", description=__doc__)
    parser.add_argument("--offline-after", type=float, metavar="S", help="cut the cloud S seconds after the start")
    parser.add_argument("--offline-for", type=float, metavar="S", default=60, help="and give it back after S more (60)")
    parser.add_argument(
        "--kill-agent-after", type=float, metavar="S", help="SIGKILL the agent after S seconds and restart it"
    )
    parser.add_argument("--seconds", type=float, metavar="S", help="stop by itself after S seconds")
    parser.add_argument("--port", type=int, help=f"port of the page ({PAGE_PORT} if it is free)")
    parser.add_argument(
        "--broker", choices=("iotcore", "mosquitto"), default="iotcore", help="which MQTT broker (iotcore)"
    )
    parser.add_argument("--seed", type=int, default=1, help="another home: other times, other values (1)")
    parser.add_argument("--speed", type=float, default=1, help="2: things happen in the home twice as often (1)")
    parser.add_argument("--keep", action="store_true", help="go on with the data of the last time")
    parser.add_argument("--dir", type=Path, default=ROOT / ".demo", help="where data and logs go (.demo)")
    return parser.parse_args()


def main() -> int:
    return asyncio.run(Demo(_options()).run())


if __name__ == "__main__":
    sys.exit(main())
