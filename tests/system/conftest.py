"""The real agent as a child process, with real lamps on a real broker: what a test may do to it from outside."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Coroutine, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from paho.mqtt import publish
from psycopg import sql
from psycopg.types.json import Jsonb

from cloud_schema.apply import apply, issue_claim_code, seed
from hub_agent.cli.link import Link
from hub_agent.errors import AgentNotRunning
from hub_agent.model.definition import Definition
from hub_agent.model.effects import SaveDefinition
from hub_agent.model.report import Publication
from hub_agent.ports import Moment
from hub_agent.store.store import Mirror
from tests.cloud.servers import running_postgres
from tests.fakes.broker import EmbeddedBroker, free_port
from tests.fakes.home.peer import Peer, say
from tests.fakes.home.runner import run

ROOT = Path(__file__).parents[2]
START_WITHIN_S = 60.0
STOP_WITHIN_S = 60.0
SEEN_WITHIN_S = 60.0
LOOK_S = 0.05
SECRET = "a secret of the tests, long enough"

LAMPS = ("lamp_1", "lamp_2", "lamp_3")
SCENE_ID = "5cee0000-0000-4000-8000-000000000001"

Json = Any


def wait_for(look: Callable[[], Any], within_s: float = SEEN_WITHIN_S, told: Callable[[], str] = lambda: "") -> Any:
    """Looks until there is something to see."""
    ends_at = time.monotonic() + within_s
    while not (seen := look()):
        assert time.monotonic() < ends_at, f"not seen within {within_s} s\n{told()}"
        time.sleep(LOOK_S)
    return seen


class LampBoard:
    """Lamps and a motion sensor that announce themselves through Home Assistant discovery. Notes what they are told."""

    name = "lamp-board"
    subscriptions = ("lamps/+/set",)

    def __init__(self, names: tuple[str, ...] = LAMPS, rhythm_s: float | None = None) -> None:
        """With a rhythm there is a thermometer too, which reports that often."""
        self.names = names
        self._rhythm = None if rhythm_s is None else timedelta(seconds=rhythm_s)
        self._report_at: datetime | None = None
        self.reports = 0
        self.states = dict.fromkeys(names, "OFF")
        self.told: list[tuple[float, str, str]] = []
        self.dead: set[str] = set()

    @property
    def will(self) -> Publication:
        return say("lamps/status", "offline", retain=True)

    def start(self, now: datetime) -> list[Publication]:
        self._report_at = None if self._rhythm is None else now
        thermometer = {
            "name": "Temperature",
            "unique_id": "thermometer",
            "state_topic": "lamps/thermometer",
            "device_class": "temperature",
            "state_class": "measurement",
            "unit_of_measurement": "°C",
            "device": {"identifiers": ["thermometer"], "name": "Cellar"},
        }
        motion = {
            "name": "Motion",
            "unique_id": "motion",
            "state_topic": "lamps/motion",
            "device_class": "motion",
            "device": {"identifiers": ["motion"], "name": "Hall"},
        }
        return [
            say("lamps/status", "online", retain=True),
            *(say(f"homeassistant/light/{name}/config", self._announced(name), retain=True) for name in self.names),
            say("homeassistant/binary_sensor/motion/config", motion, retain=True),
            *([say("homeassistant/sensor/cellar/config", thermometer, retain=True)] if self._rhythm else []),
            *(say(f"lamps/{name}", state, retain=True) for name, state in self.states.items()),
        ]

    def handle(self, topic: str, payload: bytes, now: datetime) -> list[Publication]:
        del now
        name, wanted = topic.split("/")[1], payload.decode()
        self.told.append((time.monotonic(), name, wanted))
        if name in self.dead or name not in self.states:
            return []
        self.states[name] = wanted
        return [say(f"lamps/{name}", wanted, retain=True)]

    def get_timer(self) -> datetime | None:
        return self._report_at

    def handle_timer(self, now: datetime) -> list[Publication]:
        assert self._rhythm is not None
        self._report_at = now + self._rhythm
        self.reports += 1
        return [say("lamps/thermometer", f"{20 + self.reports % 50 / 10:.1f}")]

    def commands_to(self, name: str) -> list[str]:
        return [wanted for _, who, wanted in self.told if who == name]

    def _announced(self, name: str) -> dict[str, object]:
        return {
            "name": None,
            "unique_id": name,
            "command_topic": f"lamps/{name}/set",
            "state_topic": f"lamps/{name}",
            "availability_topic": "lamps/status",
            "device": {"identifiers": [name], "name": name.replace("_", " ").capitalize()},
        }


class Powered:
    """Peers on the broker, in a thread, until they lose their power."""

    def __init__(self, port: int, *peers: Peer) -> None:
        self._stopping = threading.Event()
        ready = threading.Event()
        self._thread = threading.Thread(
            target=run, args=(peers, "127.0.0.1", port, self._stopping.is_set, ready.set), name="peers"
        )
        self._thread.start()
        assert ready.wait(SEEN_WITHIN_S), "the peers could not connect"

    def off(self) -> None:
        self._stopping.set()
        self._thread.join(SEEN_WITHIN_S)


class Hub:
    """`nexa-hub run` with a state directory of its own. What it logs is kept for whoever asks."""

    def __init__(self, folder: Path, mqtt_port: int) -> None:
        # Short, because the path of a socket may be: sockaddr_un has 108 bytes.
        self._short = Path(tempfile.mkdtemp(prefix="nexa-"))
        self.socket = self._short / "hub.sock"
        self.state_dir = folder / "state"
        self.settings_file = folder / "nexa-hub.toml"
        self.output = folder / "agent.log"
        self.program = "hub_agent"
        self.page_port = free_port()
        self.settings: dict[str, dict[str, object]] = {
            "agent": {"state_dir": str(self.state_dir), "socket": str(self.socket)},
            "web": {"host": "127.0.0.1", "port": self.page_port},
            "mqtt": {"host": "127.0.0.1", "port": mqtt_port},
            "home": {"timezone": "Europe/Berlin"},
        }
        self.process: subprocess.Popen[bytes] | None = None
        self._link = Link(str(self.socket))

    # Life.

    def remember(self, *definitions: Definition) -> None:
        """What people decided before: it lies in the mirror when the agent starts."""

        async def write(mirror: Mirror, moment: Moment) -> None:
            await mirror.commit([SaveDefinition(each) for each in definitions], moment)

        self.state_dir.mkdir(exist_ok=True)
        self._with_mirror(write)

    def records(self, stream: str) -> list[Json]:
        """What the mirror of an agent that has stopped still owes to the cloud."""
        rows: list[Json] = []

        async def read(mirror: Mirror, _moment: Moment) -> None:
            batch = await mirror.next_batch(stream, 1_000_000, 1_000_000_000)
            rows.extend(batch.rows if batch else [])

        self._with_mirror(read)
        return rows

    def _with_mirror(self, use: Callable[[Mirror, Moment], Coroutine[Any, Any, None]]) -> None:
        async def work() -> None:
            mirror = Mirror(self.state_dir / "mirror.db", inline=True)
            moment = Moment(datetime.now(UTC), time.monotonic(), "boot", is_trusted=True)
            await mirror.open(moment)
            await use(mirror, moment)
            await mirror.close(moment)

        # In a thread: a test may have a loop of its own.
        thread = threading.Thread(target=lambda: asyncio.run(work()))
        thread.start()
        thread.join()

    def spawn(self, env: Mapping[str, str] | None = None, prefix: tuple[str, ...] = ()) -> "subprocess.Popen[bytes]":
        lines = [
            line
            for section, values in self.settings.items()
            for line in (f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items()))
        ]
        self.settings_file.write_text("\n".join(lines) + "\n")
        command = [*prefix, sys.executable, "-m", self.program, "run", "--config", str(self.settings_file)]
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **(env or {})}
            )
        return self.process

    def start(self, env: Mapping[str, str] | None = None, prefix: tuple[str, ...] = ()) -> "Hub":
        self.spawn(env, prefix)
        self.wait(self.is_live, START_WITHIN_S)
        return self

    def is_live(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"the agent has ended:\n{self.log()}"
        try:
            return bool(self.get("status")["agent"]["pid"] == self.process.pid)
        except AgentNotRunning:
            return False

    def stop(self, number: int = signal.SIGTERM, within_s: float = STOP_WITHIN_S) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(within_s)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(SEEN_WITHIN_S)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self._short, ignore_errors=True)

    # What one sees of it.

    def log(self) -> str:
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    def get(self, path: str) -> Json:
        return self._link.get(path)

    def post(self, path: str, body: Json = None) -> Json:
        return self._link.post(path, body)

    def states(self) -> dict[str, str]:
        return {entity["id"]: entity["state"] for device in self.get("devices") for entity in device["entities"]}

    def issues(self) -> dict[str, str]:
        return {issue["code"]: issue["text"] for issue in self.get("issues")}

    def cli(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "hub_agent", "--socket", str(self.socket), *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)

    def wait(self, look: Callable[[], Any], within_s: float = SEEN_WITHIN_S) -> Any:
        """Also while the agent is away for a moment, as it is when it begins anew."""

        def patiently() -> Any:
            with contextlib.suppress(AgentNotRunning):
                return look()

        return wait_for(patiently, within_s, self.log)

    def wait_for_state(self, entity_id: str, state: str, within_s: float = SEEN_WITHIN_S) -> None:
        self.wait(lambda: self.states().get(entity_id) == state, within_s)


def automation(name: str, **fields: object) -> Definition:
    row = {"name": name, "is_enabled": True, "conditions": [], "metadata": {}, **fields}
    return Definition("automation", str(uuid.uuid5(uuid.NAMESPACE_OID, name)), row)


def scene(name: str, scene_id: str = SCENE_ID, **states: str) -> Definition:
    wishes = [
        {"device_id": None, "desired_state": {f"light.{entity}": {"state": state}}} for entity, state in states.items()
    ]
    return Definition("scene", scene_id, {"name": name, "device_states": wishes, "is_active": True})


class Cloud:
    """The central schema in a real PostgreSQL, and a gateway before it that can be switched off."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self.dsn = dsn
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._output = folder / "gateway.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "cloud_schema", "gateway", "--port", str(self.port)]
        env = {**os.environ, "NEXA_CLOUD_DSN": self.dsn, "NEXA_CLOUD_JWT_SECRET": SECRET}
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, env=env)
        wait_for(self._is_live, START_WITHIN_S, lambda: self._output.read_text(errors="replace"))

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(STOP_WITHIN_S * 2)
            self._process = None

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_WITHIN_S)
            self._process = None

    def found_home(self, *definitions: Definition) -> str:
        """A new home with these automations and scenes. Answers the code with which a hub claims its place in it."""
        user_id, home_id = str(uuid.uuid4()), str(uuid.uuid4())
        with psycopg.connect(self.dsn) as connection:
            connection.execute("INSERT INTO auth.users (id, email) VALUES (%s, %s)", (user_id, f"{user_id}@x.example"))
            for table, row in (
                ("users", {"id": user_id, "email": f"{user_id}@x.example", "full_name": "Somebody"}),
                ("homes", {"id": home_id, "owner_id": user_id, "name": "Test home", "timezone": "Europe/Berlin"}),
                *((f"{each.kind}s", _central_row(each, home_id, user_id)) for each in definitions),
            ):
                columns = sql.SQL(", ").join(map(sql.Identifier, row))
                statement = (
                    "INSERT INTO {table} ({columns}) SELECT {columns} FROM jsonb_populate_record(NULL::{table}, %s)"
                )
                connection.execute(
                    sql.SQL(statement).format(table=sql.Identifier(table), columns=columns), (Jsonb(row),)
                )
        return issue_claim_code(self.dsn, home_id, 3600)["claim_code"]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn) as connection:
            return connection.execute(query).fetchall()  # type: ignore[arg-type]  # queries of these tests

    def update(self, table: str, row_id: str, columns: Mapping[str, Any]) -> None:
        """As somebody's app does who may write to the table."""
        assigned = sql.SQL(", ").join(
            sql.SQL("{0} = ({1}).{0}").format(sql.Identifier(each), sql.SQL("new")) for each in columns
        )
        statement = (
            "UPDATE {table} SET {assigned} FROM jsonb_populate_record(NULL::{table}, %s) new WHERE {table}.id = %s"
        )
        with psycopg.connect(self.dsn) as connection:
            connection.execute(
                sql.SQL(statement).format(table=sql.Identifier(table), assigned=assigned),
                (Jsonb(dict(columns)), row_id),
            )

    @contextlib.contextmanager
    def behind_the_link(self) -> Iterator[psycopg.Connection]:
        """What happens there sets off no trigger, as where a disk or a backup is at fault."""
        with psycopg.connect(self.dsn) as connection:
            connection.execute("SET session_replication_role = replica")
            yield connection

    def _is_live(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False


def _central_row(definition: Definition, home_id: str, user_id: str) -> dict[str, object]:
    row = {"id": definition.id, "home_id": home_id, "created_by": user_id, **definition.fields}
    kind = {"scene_type": "custom"} if definition.kind == "scene" else {"automation_type": "trigger_based"}
    return {**row, **kind}


def publish_to(port: int, topic: str, payload: "str | bytes", *, retain: bool = False) -> None:
    publish.single(topic, payload, qos=1, retain=retain, hostname="127.0.0.1", port=port)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    """One of the test's own: what is retained on it concerns nobody else."""
    running = EmbeddedBroker(tmp_path).start()
    yield running
    running.stop()


@pytest.fixture
def board(broker: EmbeddedBroker) -> Iterator[LampBoard]:
    lamps = LampBoard()
    powered = Powered(broker.port, lamps)
    yield lamps
    powered.off()


@pytest.fixture
def hub(tmp_path: Path, broker: EmbeddedBroker) -> Iterator[Hub]:
    agent = Hub(tmp_path, broker.port)
    yield agent
    agent.close()


@pytest.fixture
def notified() -> Iterator[socket.socket]:
    """What systemd would hear."""
    folder = Path(tempfile.mkdtemp(prefix="nexa-"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(folder / "notify"))
        heard.settimeout(START_WITHIN_S)
        yield heard
    with contextlib.suppress(OSError):
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def central_dsn() -> Iterator[str]:
    """A database with the central schema, one for the module."""
    with running_postgres() as dsn:
        apply(dsn, lambda _line: None)
        seed(dsn, lambda _line: None)
        yield dsn


@pytest.fixture
def cloud(central_dsn: str, tmp_path: Path) -> Iterator[Cloud]:
    gateway = Cloud(central_dsn, tmp_path)
    gateway.start()
    yield gateway
    gateway.stop()
