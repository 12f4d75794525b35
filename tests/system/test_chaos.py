"""Agent, gateway and database are killed at any moment, and a proxy cuts, delays and truncates: the central tables are what the home produced."""

import contextlib
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cloud_schema.apply import apply, seed as seed_catalogue
from hub_agent.model.report import Publication
from hub_agent.ports import Moment
from hub_agent.store.store import Mirror
from tests.cloud.servers import client_tool, running_postgres
from tests.fakes.broker import EmbeddedBroker
from tests.fakes.home.peer import say
from tests.fakes.tcp_proxy import GOOD, TcpProxy, Ways
from tests.system.conftest import Cloud, Hub, Powered, wait_for

pytestmark = pytest.mark.heavy

SEED = int(os.environ.get("NEXA_CHAOS_SEED", "20261123"))
ROUNDS = int(os.environ.get("NEXA_CHAOS", "5"))
ROUND_S = 4.0
RHYTHM_S = 0.05
# A commit of measurements waits this long for company; what was said just before a death may be forgotten with it.
FORGOTTEN_S = 2.0
LATE = timedelta(seconds=5)
STATES = ("device_states", "created_at")
TELEMETRY = ("device_telemetry", "time")
OF_HUB_ITSELF = {"device_telemetry", "network_metrics"}


class Counting:
    """A sensor that counts: each value is said once, and it remembers when."""

    name = "counting"
    subscriptions = ("counting/set",)

    def __init__(self) -> None:
        self.said_at: dict[int, datetime] = {}
        self.is_done = False
        self._timer: datetime | None = None

    @property
    def will(self) -> Publication:
        return say("counting/status", "offline", retain=True)

    def start(self, now: datetime) -> list[Publication]:
        self._timer = now
        announced = {
            "name": "Count",
            "unique_id": "count",
            "state_topic": "counting/count",
            "state_class": "measurement",
            "unit_of_measurement": "x",
            "device": {"identifiers": ["counting"], "name": "Counting"},
        }
        return [say("homeassistant/sensor/count/config", announced, retain=True)]

    def handle(self, topic: str, payload: bytes, now: datetime) -> list[Publication]:
        return []

    def get_timer(self) -> datetime | None:
        return self._timer

    def handle_timer(self, now: datetime) -> list[Publication]:
        if self.is_done:
            self._timer = None
            return []
        self._timer = now + timedelta(seconds=RHYTHM_S)
        count = len(self.said_at) + 1
        self.said_at[count] = datetime.now(UTC)
        return [say("counting/count", str(count))]


class Database:
    """A PostgreSQL that can be killed and started again where it was."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self.dsn = dsn
        self._folder = folder

    def kill(self) -> None:
        pid = int((self._folder / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not Path(f"/proc/{pid}").exists() or self._is_dead(pid))

    def start(self) -> None:
        """As it was started before; its last children need a moment to notice that they are orphans."""
        options = (self._folder / "postmaster.opts").read_text().split(" ", 1)[1].replace('"', "'").strip()
        log = self._folder / "again.log"
        command = [str(client_tool("pg_ctl")), "-D", str(self._folder), "-w", "-l", str(log), "-o", options, "start"]
        owner = self._folder.stat()
        # It refuses to be root, so whoever owns the folder starts it.
        as_owner = {"user": owner.st_uid, "group": owner.st_gid} if os.getuid() == 0 else {}

        def starts() -> bool:
            return subprocess.run(command, check=False, capture_output=True, cwd="/", **as_owner).returncode == 0

        wait_for(starts, 30, lambda: log.read_text() if log.exists() else options)

    def _is_dead(self, pid: int) -> bool:
        with contextlib.suppress(OSError):
            return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
        return True


@pytest.fixture
def database() -> Iterator[Database]:
    with running_postgres() as dsn:
        apply(dsn, lambda _line: None)
        seed_catalogue(dsn, lambda _line: None)
        with psycopg.connect(dsn) as connection:
            folder = Path(str(connection.execute("SHOW data_directory").fetchone()[0]))
        yield Database(dsn, folder)


@pytest.fixture
def sensor(broker: EmbeddedBroker) -> Iterator[Counting]:
    counting = Counting()
    powered = Powered(broker.port, counting)
    yield counting
    powered.off()


def test_whatever_is_killed_and_cut_the_central_tables_are_what_the_home_produced(
    hub: Hub, sensor: Counting, database: Database, tmp_path: Path
) -> None:
    dice = random.Random(SEED)
    gateway = Cloud(database.dsn, tmp_path)
    gateway.start()
    proxy = TcpProxy(gateway.port, SEED).start()
    try:
        hub.settings["cloud"] = {"url": f"http://127.0.0.1:{proxy.port}", "claim_code": gateway.found_home()}
        hub.start()
        hub.wait(lambda: hub.get("sync")["is_claimed"], 60)
        hub.wait(lambda: hub.is_live() and hub.get("devices"), 60)
        lives = [datetime.now(UTC)]
        deaths: list[datetime] = []
        for number in range(ROUNDS):
            _one_round(number, dice, hub, gateway, database, proxy, lives, deaths)
        proxy.become(GOOD)
        ended, sensor.is_done = datetime.now(UTC), True
        time.sleep(FORGOTTEN_S)
        hub.wait(lambda: hub.get("sync")["is_online"] and hub.get("sync")["waiting"] == 0, 120)
        assert "Traceback" not in hub.log()
        assert hub.stop() == 0
        deaths.append(ended)
        made = _made_by(hub)
    finally:
        proxy.stop()
        gateway.stop()
    _compare_with_mirror(gateway, made)
    _compare_with_home(gateway, sensor, lives, deaths)
    assert gateway.rows("SELECT stream, reason FROM hub_gaps") == []
    assert gateway.rows("SELECT stream, seq, reason FROM hub_dead_letters") == []


def _one_round(  # noqa: PLR0917 all that can be hurt
    number: int,
    dice: random.Random,
    hub: Hub,
    gateway: Cloud,
    database: Database,
    proxy: TcpProxy,
    lives: list[datetime],
    deaths: list[datetime],
) -> None:
    """Some weather on the way, then one of the three is killed; what is killed comes back."""
    proxy.become(dice.choice([Ways(delay_s=0.3), Ways(ends=0.2), Ways(delay_s=0.1, ends=0.1), Ways(is_cut=True), GOOD]))
    time.sleep(ROUND_S * dice.random())
    victim = (
        ("agent", "gateway", "database")[number % 3] if ROUNDS <= 5 else dice.choice(["agent", "gateway", "database"])
    )
    if victim == "agent":
        deaths.append(datetime.now(UTC))
        hub.kill()
        hub.start()
        lives.append(datetime.now(UTC))
    elif victim == "gateway":
        gateway.kill()
        time.sleep(dice.random())
        gateway.start()
    else:
        database.kill()
        time.sleep(dice.random())
        database.start()
    proxy.become(GOOD if dice.random() < 0.5 else Ways(ends=0.05))
    time.sleep(ROUND_S * dice.random())


def _made_by(hub: Hub) -> dict[str, list[dict[str, Any]]]:
    """All that the mirror says it made, as it would send it."""
    made: dict[str, list[dict[str, Any]]] = {}
    positions: list[tuple[str, int, int, int]] = []

    async def read(mirror: Mirror, _moment: Moment) -> None:
        for position in await mirror.positions():
            batch = await mirror.numbered(position.stream, range(1, position.acknowledged + 1))
            made[position.stream] = list(batch.rows) if batch else []
            positions.append((position.stream, position.last, position.acknowledged, len(made[position.stream])))

    hub._with_mirror(read)
    assert [each for each in positions if each[2] != each[3]] == []
    # What the hub measures of itself until its last moment waits for its next life.
    assert [each for each in positions if each[1] != each[2] and each[0] not in OF_HUB_ITSELF] == []
    return made


def _compare_with_mirror(gateway: Cloud, made: dict[str, list[dict[str, Any]]]) -> None:
    """Row by row: values and times."""
    stored = gateway.rows("SELECT device_id, time, metric_type, value FROM device_telemetry")
    wanted = sorted(
        (str(row["device_id"]), _instant(row["time"]), row["metric_type"], float(row["value"]))
        for row in made["device_telemetry"]
    )
    assert sorted((str(row[0]), row[1], row[2], float(row[3])) for row in stored) == wanted
    stored = gateway.rows("SELECT id, device_id, created_at, state FROM device_states ORDER BY id")
    wanted_states = sorted(
        (str(row["id"]), str(row["device_id"]), _instant(row["created_at"]), row["state"])
        for row in made["device_states"]
    )
    assert [(str(row[0]), str(row[1]), row[2], row[3]) for row in stored] == wanted_states


def _compare_with_home(gateway: Cloud, sensor: Counting, lives: list[datetime], deaths: list[datetime]) -> None:
    """Each value that was said is there once, with the time when it was said; none that was not."""
    of_sensor = "FROM device_telemetry WHERE device_id NOT IN (SELECT id FROM devices WHERE device_type = 'hub')"
    stored = {int(value): at for value, at in gateway.rows(f"SELECT value, time {of_sensor}")}
    times = Counter(int(value) for (value,) in gateway.rows(f"SELECT value {of_sensor}"))
    assert max(times.values()) == 1
    for count, at in stored.items():
        assert timedelta(seconds=-0.5) <= at - sensor.said_at[count] <= LATE, count
    states = gateway.rows("SELECT jsonb_path_query(state, '$.*.state') #>> '{}' FROM device_states")
    known = stored.keys() | {int(state) for (state,) in states if state.isdecimal()}
    margin = timedelta(seconds=FORGOTTEN_S)
    for began, ended in zip(lives, deaths, strict=True):
        heard = {count for count, at in sensor.said_at.items() if began + margin < at < ended - margin}
        assert heard <= known, sorted(heard - known)[:5]
    assert len(known) > ROUNDS * ROUND_S / RHYTHM_S / 4


def _instant(at: object) -> datetime:
    return at if isinstance(at, datetime) else datetime.fromisoformat(str(at))
