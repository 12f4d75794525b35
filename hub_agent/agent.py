"""Builds all parts and joins them; the only file that knows them all.

The order of the start is the order of what matters: the mirror, the automations, the broker; then, at leisure, the page and the cloud.
"""

import asyncio
import contextlib
import gc
import logging
import os
import random
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4
from zoneinfo import ZoneInfo

from hub_agent import __version__
from hub_agent.adapters.allowed import Allowed, allowed_by
from hub_agent.adapters.backup import Backup
from hub_agent.adapters.clock import SystemClock
from hub_agent.adapters.credentials import Credentials
from hub_agent.adapters.links.processes import LinkProcesses
from hub_agent.adapters.links.registry import LINKINGS, without_search
from hub_agent.adapters.mqtt import BrokerAddress, MqttBroker
from hub_agent.adapters.neighbours.browser import Neighbours
from hub_agent.adapters.neighbours.wire import Orders
from hub_agent.adapters.pictures import PictureErrand
from hub_agent.adapters.replaying import ReplayProcess
from hub_agent.adapters.systemd import SystemdNotifier
from hub_agent.config import Config, read_secret
from hub_agent.core.hub import Hub
from hub_agent.core.sync.account import ACCOUNT_ROOM, Account
from hub_agent.core.sync.flow import Flow
from hub_agent.core.sync.lineage import Lineage
from hub_agent.core.sync.told_time import MADE_AT, known_once
from hub_agent.core.time_of_day import zone
from hub_agent.drivers.driver import SceneDriver
from hub_agent.drivers.identification import gone, identify
from hub_agent.drivers.registry import Dialects, default_drivers, link_drivers
from hub_agent.drivers.tasmota.driver import PREFIX as TASMOTA_DISCOVERY
from hub_agent.errors import ConfigError, MirrorCorrupt, MirrorError, NotPossible, OperatingError
from hub_agent.model.automation import Place
from hub_agent.model.effects import IssueCleared, IssueRaised
from hub_agent.model.ids import HomeId
from hub_agent.model.inputs import BrokerConnected, BrokerLost
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject
from hub_agent.model.link import Frame, Service, ServiceGone
from hub_agent.model.report import Decoded, Inquire, MqttMessage, Subscribe, Unsubscribe
from hub_agent.ports import Broker, Clock, Identity, Links, Remembered, Store
from hub_agent.runtime.changes import Changes
from hub_agent.runtime.deciding import disputes_of
from hub_agent.runtime.discovering import service_at
from hub_agent.runtime.door import HubDoor
from hub_agent.runtime.effects import Effects
from hub_agent.runtime.errands import Errands
from hub_agent.runtime.exchange import TIME_KEY, line_of
from hub_agent.runtime.failures import WELL_S, Failures
from hub_agent.runtime.hearing import Hearing
from hub_agent.runtime.inbox import Heard, Inbox
from hub_agent.runtime.links import NoLinks
from hub_agent.runtime.loop import Loop
from hub_agent.runtime.resyncing import Resync
from hub_agent.runtime.supervisor import Supervisor, Task, feed_watchdog
from hub_agent.runtime.uplink import Uplink
from hub_agent.store.store import Mirror
from hub_agent.templating import Templates
from hub_agent.web.access import Access

if TYPE_CHECKING:
    from fastapi import FastAPI  # at run time only when the page is loaded

log = logging.getLogger(__name__)

# Rules that set each other off must not keep the agent from stopping.
LAST_TURNS_MAX = 100
# How long a batch that has begun may take when the agent stops; systemd would wait longer.
LAST_BATCH_S_MAX = 3.0

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

# So many more objects are made before the young ones are looked through for garbage (Python's own: 700).
GARBAGE_AFTER = 5_000
# The loop and the mirror's thread take turns; Python's own 5 ms is how late a lamp would be.
THREAD_TURN_S = 0.0005


def _templates_of_devices(clock: Clock, time_zone: ZoneInfo) -> Templates:
    """Devices that count since they started need to know what time it is."""
    names = {
        "now": lambda: clock.now().wall.astimezone(time_zone),
        "utcnow": lambda: clock.now().wall,
    }
    return Templates(time_zone=time_zone, globals=names)


class Core:
    """The part that runs the home: hub, loop, broker. The same on a Pi and in the simulation."""

    def __init__(
        self,
        *,
        identity: Identity,
        place: Place,
        store: Store,
        clock: Clock,
        broker: Broker,
        links: Links | None = None,
        new_id: Callable[[], str],
        discovery_prefix: str = "homeassistant",
        zigbee2mqtt_topics: tuple[str, ...] = ("zigbee2mqtt",),
        on_commit: Callable[[], None] = lambda: None,
        allowed: Allowed | None = None,
        are_copies_wanted: bool = True,
    ) -> None:
        self.store = store
        self.clock = clock
        self.broker = broker
        self.links = links or NoLinks()
        drivers = default_drivers(
            discovery_prefix=discovery_prefix,
            zigbee2mqtt_topics=zigbee2mqtt_topics,
            templates=_templates_of_devices(clock, zone(place.time_zone)),
        )
        linked = link_drivers()
        self.dialects = Dialects(drivers, linked)
        allowed = allowed or Allowed({}, {})
        self.hub = Hub(
            home_id=HomeId(identity.home_id),
            place=place,
            new_id=new_id,
            outside=allowed.templates,
            channels=allowed.channels,
            keepers={each.dialect: each for each in (*linked, *drivers) if isinstance(each, SceneDriver)},
            are_copies_wanted=are_copies_wanted,
        )
        self.changes = Changes()
        self._discovery_prefix = f"{discovery_prefix}/"
        self.inbox = Inbox(self._resume, self._is_announcement, self.dialects.understands)
        self._hearing = Hearing(broker)
        errands = dict(allowed.errands)
        if allowed.pictures is not None:
            keeping = PictureErrand(allowed.pictures, self._hearing.next_on)
            errands |= {"camera.snapshot": keeping, "image.snapshot": keeping}
        self.errands = Errands(errands, self.inbox.put)
        self.effects = Effects(
            broker=broker,
            links=self.links,
            drivers={driver.dialect: driver for driver in (*linked, *drivers)},
            find_device=self.hub.inventory.device,
            find_entity=self.hub.inventory.entity,
            feed_back=self.inbox.put,
            changes=self.changes,
            take_errand=self.errands.take,
        )
        self.loop = Loop(
            hub=self.hub,
            decode=self._decode,
            store=store,
            clock=clock,
            inbox=self.inbox,
            carry_out=self.effects.carry_out,
            on_commit=on_commit,
        )

    async def start(self, remembered: Remembered) -> None:
        """From what the mirror remembers to automations that are live. Then the broker may speak."""
        now = self.clock.now().wall
        topics = self.dialects.restore(remembered.devices)
        effects = self.hub.restore(
            devices=remembered.devices,
            states=remembered.states,
            saved=remembered.saved,
            commands=remembered.commands,
            definitions=remembered.definitions,
            cloud_commands_done=remembered.cloud_commands_done,
            last_alive_at=remembered.last_alive_at,
            now=now,
            suspects=remembered.suspects,
        )
        if remembered.findings:
            details = {"finding": " ".join(remembered.findings)}
            effects.append(IssueRaised(Issue("mirror_salvaged", "mirror", now, details)))
        await self.loop.begin([*effects, *self.hub.start(now)])
        self.broker.subscribe([*self.dialects.subscriptions(), *topics])
        self.broker.start(self.inbox.put_message, self._broker_changed)
        self.links.start(self.inbox.put_message)

    async def say_goodbye(self) -> None:
        """The hub is about to stop for good: automations that wait for that run."""
        if not self.loop.is_interrupted:
            await self.loop.begin(self.hub.stop(self.clock.now().wall))

    async def stop(self) -> None:
        """What has arrived is still handled, so that nothing that a device said is lost."""
        await self.broker.stop()
        if self.loop.is_interrupted:
            return
        for _ in range(LAST_TURNS_MAX):
            if not len(self.inbox):
                break
            await self.loop.turn()
        await self.loop.begin([self.hub.inventory.presences()])
        await self.loop.flush()

    def _resume(self) -> None:
        self.broker.resume()
        self.links.resume()

    def _is_announcement(self, topic: str) -> bool:
        if topic.startswith(self._discovery_prefix):
            return topic.endswith("/config")
        return topic.startswith(TASMOTA_DISCOVERY)

    def _decode(self, heard: Heard) -> Sequence[Decoded]:
        match heard:
            case MqttMessage():
                return self._decode_message(heard)
            case Frame():
                return self.dialects.hear(heard)
            case Service():
                found = identify(heard)
                return [found] if found is not None else []
            case ServiceGone():
                return [gone(heard)]

    def _decode_message(self, message: MqttMessage) -> list[Decoded]:
        self._hearing.hear(message)
        decoded = self.dialects.decode(message)
        for each in decoded:
            if isinstance(each, Subscribe):
                self.broker.subscribe(each.topics)
            elif isinstance(each, Unsubscribe):
                self.broker.unsubscribe(each.topics)
            elif isinstance(each, Inquire):
                for publication in each.publications:
                    self.broker.publish(publication)
        return decoded

    def _broker_changed(self, is_connected: bool, reason: str) -> None:  # noqa: FBT001 the port's shape
        if is_connected:
            self.effects.connected(self.clock.now())
            for greeting in self.dialects.greetings():
                self.broker.publish(greeting)
        self.inbox.put(BrokerConnected() if is_connected else BrokerLost(reason))


class Agent:
    """The whole agent in one process."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._clock = SystemClock()
        self._notifier = SystemdNotifier()
        self._random = random.Random()
        self._failures = Failures(config.agent.state_dir / "failures")
        self._stopping = asyncio.Event()
        self._begins_anew = asyncio.Event()
        # Kept when the hub begins anew, so that the code somebody has just read still holds.
        self._access: Access | None = None

    async def run(self) -> None:
        """Until SIGTERM or SIGINT. Raises OperatingError when it cannot start."""
        self._listen_to_signals()
        _make_state_dir(self._config.agent.state_dir)
        while not self._stopping.is_set():
            mirror = Mirror(self._config.agent.state_dir / "mirror.db", new_id=new_uuid)
            remembered = await mirror.open(self._clock.now())
            lineage = await line_of(mirror, remembered, new_uuid())
            known = known_once(remembered.saved.get(TIME_KEY[0], {}).get(TIME_KEY[1]), MADE_AT)
            self._clock.is_later_than(known)
            if self._failures.are_many:
                log.warning("The agent has failed %d times in a row.", self._failures.count)
                remembered = replace(remembered, suspects=await mirror.changed_since_well())
            try:
                await self._live(mirror, remembered, lineage, known)
            except* MirrorCorrupt as damage:
                # Opened again, it is set aside, and what can be read of it is kept.
                log.error("%s The hub begins anew.", damage.exceptions[0])  # noqa: TRY400 its words are enough
            finally:
                if _is_our_fault(sys.exception()):
                    self._failures.note()
                await self._close(mirror)

    async def _live(self, mirror: Mirror, remembered: Remembered, lineage: Lineage, known: datetime) -> None:
        config = self._config
        address = _broker_address(config)
        broker = MqttBroker(address, self._random, f"nexa-hub-{remembered.identity.mirror_id[:8]}")
        credentials = Credentials(config.agent.state_dir / "credentials.json")
        links = LinkProcesses(
            credentials,
            LINKINGS if config.discovery.search else without_search(LINKINGS),
            expects=_load_driver,
        )
        woken = Woken()
        core = Core(
            identity=remembered.identity,
            place=_place(config),
            store=mirror,
            clock=self._clock,
            broker=broker,
            links=links,
            new_id=new_uuid,
            discovery_prefix=config.mqtt.discovery_prefix,
            zigbee2mqtt_topics=config.mqtt.zigbee2mqtt_topics,
            on_commit=woken,
            allowed=allowed_by(config),
            are_copies_wanted=config.scenes.kept_by_bridges,
        )
        await core.start(remembered)
        _settle_memory()
        self._notifier.ready()
        log.info("Automations are live; %d devices are known.", len(remembered.devices))
        uplink = self._uplink(core, mirror, remembered, lineage, known)
        core.errands.add("hub.backup", Backup(mirror.path))
        if uplink:
            woken.by = uplink.wake
            core.errands.add("hub.resync", Resync(uplink))
        tasks = [Task("loop", core.loop.run, is_vital=True), *self._vital_tasks(core)]
        tasks.append(Task("errands", core.errands.run))
        tasks.append(Task("well", partial(self._note_well, mirror)))
        tasks.append(Task("links", links.run))
        tasks.append(self._neighbours_task(core, remembered.identity))
        if uplink:
            tasks.append(Task("uplink", uplink.run, is_vital=True))
        tasks += self._page_tasks(self._door(core, mirror, str(address), uplink))
        try:
            await self._until_stopped(core.loop, tasks)
        finally:
            if self._stopping.is_set():
                self._notifier.stopping()
                await core.say_goodbye()
            await core.stop()

    async def _note_well(self, mirror: Mirror) -> None:
        await asyncio.sleep(WELL_S)
        self._failures.forget()
        await mirror.ran_well()
        await asyncio.Event().wait()

    async def _close(self, mirror: Mirror) -> None:
        try:
            await mirror.close(self._clock.now())
        except MirrorError as err:
            log.error("%s", err)  # noqa: TRY400 its words are enough; what was committed is there

    # The parts that come after the automations.

    def _uplink(
        self, core: Core, mirror: Mirror, remembered: Remembered, lineage: Lineage, known: datetime
    ) -> Uplink | None:
        cloud, identity = self._config.cloud, remembered.identity
        if cloud.url is None:
            return None
        from hub_agent.adapters.cloud import HttpCloud

        flow = Flow(kbit_s=cloud.bandwidth_kbit_s, is_metered=cloud.metered)
        # A credential that was left empty is none.
        code = (read_secret(cloud.claim_code_file) if cloud.claim_code_file else cloud.claim_code) or None

        async def claimed(fresh: Identity, _answer: JsonObject) -> None:
            """All ids were made for the home before the claim: the mirror makes them again when it is opened."""
            if fresh.home_id != identity.home_id:
                log.info("The hub begins anew as part of its home.")
                self._begins_anew.set()
                await asyncio.Event().wait()

        def warned(warnings: frozenset[str]) -> None:
            moment = self._clock.now()
            if "hub_doubled" in warnings:
                details: JsonObject = {"folder": str(self._config.agent.state_dir)}
                core.effects.carry_out([IssueRaised(Issue("hub_doubled", "cloud", moment.wall, details))], moment)
            else:
                core.effects.carry_out([IssueCleared("hub_doubled", "cloud")], moment)

        def complain(reason: str | None) -> None:
            moment = self._clock.now()
            if reason is None:
                core.effects.carry_out([IssueCleared("cloud_refused", "cloud")], moment)
            else:
                issue = Issue("cloud_refused", "cloud", moment.wall, {"reason": reason})
                core.effects.carry_out([IssueRaised(issue)], moment)

        return Uplink(
            complain=complain,
            warned=warned,
            lineage=lineage,
            cloud=HttpCloud(
                cloud.url,
                hub_id=identity.hub_id,
                secret=identity.secret,
                ask_time=self._clock.time_known,
                spent=flow.spent,
            ),
            flow=flow,
            known_once=known,
            store=mirror,
            clock=self._clock,
            jitter=self._random,
            identity=identity,
            address=cloud.url,
            agent_version=__version__,
            hub_name=socket.gethostname(),
            claim_code=code,
            versions=core.hub.definitions.versions,
            time_zone=lambda: zone(core.hub.place.time_zone),
            owed=core.hub.definitions.owed,
            owed_count=lambda: core.hub.definitions.owed_count,
            present=core.hub.present,
            submit=core.inbox.submit,
            claimed=claimed,
            clock_confirmed=self._clock.confirm,
            changed=core.changes.tell,
            account=Account(remembered.saved.get(ACCOUNT_ROOM)),
            disputes=lambda: disputes_of(core.hub.definitions),
        )

    def _neighbours_task(self, core: Core, identity: Identity) -> Task:
        """Whoever announces themselves on the network; and the hub, if its page can be reached from there."""
        chosen, web = self._config.discovery, self._config.web
        own: JsonObject | None = None
        if not web.host.startswith("127.") and web.host not in {"localhost", "::1"}:
            own = {
                "name": f"NEXA hub ({socket.gethostname()})",
                "id": identity.mirror_id,
                "port": web.port,
                "txt": {"version": __version__, "path": "/", "api": "/api"},
            }
        given = []
        for address in chosen.addresses:
            try:
                given.append(service_at(address, tuple(LINKINGS)))
            except NotPossible as err:
                log.error("Setting addresses of [discovery]: %s", err)  # noqa: TRY400 its words are enough
        neighbours = Neighbours(Orders(chosen.mdns, chosen.ssdp, chosen.interfaces, own), given)
        return Task("neighbours", lambda: neighbours.run(core.inbox.put_message))

    def _door(self, core: Core, mirror: Mirror, broker_address: str, uplink: Uplink | None) -> HubDoor:
        return HubDoor(
            hub=core.hub,
            inbox=core.inbox,
            effects=core.effects,
            changes=core.changes,
            store=mirror,
            broker=core.broker,
            links=core.links,
            dialects=tuple(LINKINGS),
            clock=self._clock,
            replayer=ReplayProcess(mirror.path),
            new_id=new_uuid,
            broker_address=broker_address,
            sync_status=uplink.status if uplink else _without_cloud,
            verify=uplink.verify if uplink else None,
            handled=lambda: core.loop.handled,
            version=__version__,
        )

    def _page_tasks(self, door: HubDoor) -> list[Task]:
        """The page must not keep the home from running: a taken port is told, and tried again."""
        web = self._config.web
        names = frozenset({socket.gethostname().casefold(), *(name.casefold() for name in web.names)})
        if self._access is None:
            self._access = Access(
                self._config.agent.state_dir / "sessions.json", lambda: self._clock.now().wall, self._tell_code, names
            )
        access = self._access
        if not access.has_sessions:
            access.offer_code()

        def load() -> None:
            """Half a second of a Pi's time: on a thread of its own, the home runs meanwhile."""
            import hub_agent.web.app
            import hub_agent.web.server  # noqa: F401 only loaded here

        loaded = asyncio.get_running_loop().run_in_executor(None, load)

        @cache
        def app() -> "FastAPI":
            from hub_agent.web.app import create_app

            return create_app(door, access, __version__)

        async def page() -> None:
            await asyncio.shield(loaded)
            from hub_agent.web.server import bind_tcp, serve

            await serve(app(), bind_tcp(web.host, web.port))

        async def command_line() -> None:
            await asyncio.shield(loaded)
            from hub_agent.web.guard import trusted
            from hub_agent.web.server import bind_unix, serve

            await serve(trusted(app()), bind_unix(self._config.agent.socket))

        return [Task("command line", command_line), Task("page", page)]

    def _tell_code(self, code: str) -> None:
        web = self._config.web
        host = socket.gethostname() if web.host in {"0.0.0.0", "::"} else web.host  # noqa: S104 a comparison
        log.info("To pair a browser open http://%s:%d/pair and enter %s", host, web.port, code)

    def _vital_tasks(self, core: Core) -> list[Task]:
        if not self._notifier.watchdog_s:
            return []
        every_s = self._notifier.watchdog_s / 2

        async def watchdog() -> None:
            await feed_watchdog(self._notifier, self._clock, lambda: core.loop.beaten_at_s, every_s)

        return [Task("watchdog", watchdog, is_vital=True)]

    # Stopping.

    def _abort(self, *_: object) -> None:
        """Systemd's watchdog: the loop does not come round any more."""
        self._failures.note()
        signal.signal(signal.SIGABRT, signal.SIG_DFL)
        os.abort()

    def _listen_to_signals(self) -> None:
        signal.signal(signal.SIGABRT, self._abort)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)

    async def _until_stopped(self, loop: Loop, tasks: list[Task]) -> None:
        """Until somebody stops the agent, the hub begins anew, or a vital task fails."""
        self._begins_anew.clear()
        keeping = asyncio.ensure_future(Supervisor(self._clock).keep(tasks))
        others = [asyncio.ensure_future(event.wait()) for event in (self._stopping, self._begins_anew)]
        try:
            await asyncio.wait({keeping, *others}, return_when=asyncio.FIRST_COMPLETED)
            if keeping.done():
                keeping.result()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(loop.end(), LAST_BATCH_S_MAX)
        finally:
            for task in (keeping, *others):
                task.cancel()
            await asyncio.gather(keeping, *others, return_exceptions=True)


class Woken:
    """Who is told after each commit; known only once the parts that come later are there."""

    def __init__(self) -> None:
        self.by: Callable[[], None] | None = None

    def __call__(self) -> None:
        if self.by:
            self.by()


def new_uuid() -> str:
    return str(uuid4())


def run(config: Config) -> None:
    """`nexa-hub run`: until it is told to stop. Raises OperatingError."""
    gc.disable()  # until the home is loaded: nothing becomes garbage before that
    sys.setswitchinterval(THREAD_TURN_S)
    logging.basicConfig(
        level=LEVELS[config.agent.log_level], format="%(levelname)s %(message)s", stream=sys.stderr, force=True
    )
    for noisy in ("httpx", "httpcore", "uvicorn.error"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    asyncio.run(Agent(config).run())


def _settle_memory() -> None:
    """What is there now mostly stays: it is not looked through for garbage again, and later garbage less often."""
    gc.freeze()
    gc.set_threshold(GARBAGE_AFTER)
    gc.enable()


def _load_driver(dialect: str) -> None:
    """On a thread of its own, while the dialect's process begins: the home goes on meanwhile."""
    asyncio.get_running_loop().run_in_executor(None, import_module, f"hub_agent.drivers.{dialect}")


def _is_our_fault(err: BaseException | None) -> bool:
    """What the world did, and being stopped, is none."""
    if isinstance(err, BaseExceptionGroup):
        return any(_is_our_fault(each) for each in err.exceptions)
    return isinstance(err, Exception) and not isinstance(err, OperatingError)


def _make_state_dir(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as err:
        raise ConfigError(f"The state directory {path} cannot be made: {err}. Set agent.state_dir.") from err


def _broker_address(config: Config) -> BrokerAddress:
    mqtt = config.mqtt
    password = (read_secret(mqtt.password_file) if mqtt.password_file else None) or None
    return BrokerAddress(mqtt.host, mqtt.port, mqtt.username, password, mqtt.tls)


def _place(config: Config) -> Place:
    return Place(config.home.timezone, config.home.latitude, config.home.longitude)


def _without_cloud() -> JsonObject:
    return {
        "is_claimed": False,
        "is_online": False,
        "streams": [],
        "waiting": 0,
        "definitions_owed": 0,
        "lines": [],
        "text": "No cloud is configured: this hub stays at home. Set cloud.url to change that.",
    }
