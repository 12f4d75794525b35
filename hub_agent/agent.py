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
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from hub_agent import __version__
from hub_agent.adapters.allowed import allowed_by
from hub_agent.adapters.clock import SystemClock
from hub_agent.adapters.credentials import Credentials
from hub_agent.adapters.links.processes import LinkProcesses
from hub_agent.adapters.links.registry import LINKINGS, without_search
from hub_agent.adapters.look_around import LookAround, ways_of
from hub_agent.adapters.mqtt import BrokerAddress, MqttBroker
from hub_agent.adapters.neighbours.browser import Neighbours
from hub_agent.adapters.neighbours.wire import Orders
from hub_agent.adapters.replaying import ReplayProcess
from hub_agent.adapters.systemd import SystemdNotifier
from hub_agent.config import Config, read_secret
from hub_agent.core.security import LOOK_AROUND
from hub_agent.core.sync.account import ACCOUNT_ROOM, Account
from hub_agent.core.sync.flow import Flow
from hub_agent.core.sync.lineage import Lineage
from hub_agent.core.sync.told_time import MADE_AT, known_once
from hub_agent.core.time_of_day import zone
from hub_agent.errors import ConfigError, MirrorCorrupt, MirrorError, NotPossible
from hub_agent.home import Core
from hub_agent.model.automation import Place
from hub_agent.model.effects import IssueCleared, IssueRaised
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject
from hub_agent.ports import Identity, Remembered
from hub_agent.runtime.deciding import disputes_of
from hub_agent.runtime.discovering import service_at
from hub_agent.runtime.door import HubDoor
from hub_agent.runtime.exchange import TIME_KEY, line_of
from hub_agent.runtime.failures import WELL_S, Failures
from hub_agent.runtime.figures import Figures
from hub_agent.runtime.lives import Lives, is_our_fault
from hub_agent.runtime.loop import Loop
from hub_agent.runtime.resyncing import Resync
from hub_agent.runtime.safe_mode import SafeMode, lasting, safe_mode_after
from hub_agent.runtime.supervisor import Supervisor, Task
from hub_agent.runtime.uplink import Uplink
from hub_agent.runtime.watchdog import Signs, Watchdog
from hub_agent.runtime.without_cloud import without_cloud
from hub_agent.store import salvage
from hub_agent.store.archive import Source
from hub_agent.store.backups import Backups
from hub_agent.store.keeping import Keeping
from hub_agent.store.store import Mirror
from hub_agent.upkeep import measuring, mending
from hub_agent.web.access import Access

if TYPE_CHECKING:
    from hub_agent.web.opening import Opening  # at run time only when the page is loaded

log = logging.getLogger(__name__)

# How long a batch that has begun may take when the agent stops; systemd would wait longer.
LAST_BATCH_S_MAX = 3.0

# The service ends with it to be started again: deploy/nexa-hub.service, Restart=on-failure.
EXIT_AGAIN = 75

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

# An exchange on a slow line, and reading a large mirror from an old card, may take so long.
UPLINK_SILENT_S_MAX = MEASURING_SILENT_S_MAX = 1800.0

# So many more objects are made before the young ones are looked through for garbage (Python's own: 700).
GARBAGE_AFTER = 5_000
# The loop and the mirror's thread take turns; Python's own 5 ms is how late a lamp would be.
THREAD_TURN_S = 0.0005


class Agent:
    """The whole agent in one process."""

    def __init__(self, config: Config, settings: Path | None = None) -> None:
        """`settings`: the file that `config` was read from; backups hold it."""
        self._config = config
        self._settings = settings
        self._clock = SystemClock()
        self._notifier = SystemdNotifier()
        self._random = random.Random()
        self._failures = Failures(config.agent.state_dir / "failures")
        self._lives = Lives(config.agent.state_dir / "lives", self._clock.now().boot_id)
        self._safe_mode: SafeMode | None = None
        self._stopping = asyncio.Event()
        self._begins_anew = asyncio.Event()
        # Whether it ends only to be started again.
        self.is_to_restart = False
        # Kept when the hub begins anew, so that the code somebody has just read still holds.
        self._access: Access | None = None

    async def run(self) -> None:
        """Until SIGTERM or SIGINT. Raises OperatingError when it cannot start."""
        self._listen_to_signals()
        _make_state_dir(self._config.agent.state_dir)
        with self._lives:
            self._safe_mode = safe_mode_after(self._lives.past, tuple(LINKINGS), self._clock.now().wall)
            if self._safe_mode is not None:
                log.warning("%s", self._safe_mode.issue.text)
                self._config = self._safe_mode.settings(self._config)
            await self._run()

    async def _run(self) -> None:
        while not self._stopping.is_set():
            mirror = Mirror(self._config.agent.state_dir / "mirror.db", new_id=new_uuid)
            was_suspect = salvage.is_suspect(mirror.path)
            remembered = await mirror.open(self._clock.now())
            lineage = await line_of(mirror, remembered, new_uuid())
            known = known_once(remembered.saved.get(TIME_KEY[0], {}).get(TIME_KEY[1]), MADE_AT)
            self._clock.is_later_than(known)
            if self._failures.are_many:
                log.warning("The agent has failed %d times in a row.", self._failures.count)
                remembered = replace(remembered, suspects=await mirror.changed_since_well())
            try:
                await self._live(mirror, remembered, lineage, known, was_suspect=was_suspect)
            except* MirrorCorrupt as damage:
                # Opened again, it is set aside, and what can be read of it is kept.
                log.error("%s The hub begins anew.", damage.exceptions[0])  # noqa: TRY400 its words are enough
            finally:
                if is_our_fault(sys.exception()):
                    self._failures.note()
                await self._close(mirror)

    async def _live(
        self, mirror: Mirror, remembered: Remembered, lineage: Lineage, known: datetime, *, was_suspect: bool
    ) -> None:
        config = self._config
        address = _broker_address(config)
        broker = MqttBroker(address, self._random, f"nexa-hub-{remembered.identity.mirror_id[:8]}")
        credentials = Credentials(config.agent.state_dir / "credentials.json")
        out = self._safe_mode
        linkings = {name: place for name, place in LINKINGS.items() if out is None or name not in out.dialects}
        links = LinkProcesses(
            credentials,
            linkings if config.discovery.search else without_search(linkings),
            expects=_load_driver,
            ended=self._lives.blame,
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
            ways=ways_of(config),
        )
        if out is not None:
            core.hub.monitoring.leave_out(out.rooms)
        await core.start(remembered)
        _settle_memory()
        self._notifier.ready()
        log.info("Automations are live; %d devices are known.", len(remembered.devices))
        if out is not None:
            core.effects.carry_out([IssueRaised(out.issue)], self._clock.now())
        uplink = self._uplink(core, mirror, remembered, lineage, known)
        backups = self._backups(core)
        core.errands.add("hub.backup", backups)
        mended = mending(
            config, mirror, self._clock, broker, links, restart=self._restart, is_kept_up=self._notifier.is_there
        )
        for action, errand in mended.items():
            core.errands.add(action, errand)
        core.errands.add(LOOK_AROUND, LookAround(mirror, core.inbox.put))
        if uplink:
            woken.by = uplink.wake
            core.errands.add("hub.resync", Resync(uplink))
        supervisor = Supervisor(self._clock, failed=self._lives.blame)
        tasks = [Task("loop", core.loop.run, is_vital=True)]
        if self._notifier.watchdog_s:
            signs = Signs(lambda: core.loop.beaten_at_s, mirror.answers, supervisor.ailing)
            watchdog = Watchdog(self._notifier, self._clock, signs, self._notifier.watchdog_s)
            tasks.append(Task("watchdog", watchdog.run, is_vital=True))
        tasks.append(Task("errands", core.errands.run))
        tasks.append(Task("well", partial(self._note_well, mirror)))
        tasks.append(Task("links", links.run))
        tasks.append(self._measuring_task(core, mirror, uplink, is_mirror_suspect=was_suspect))
        tasks.append(self._neighbours_task(core, remembered.identity))
        if self._config.backup.folder is not None:
            tasks.append(Task("backups", backups.nightly))
        if uplink:
            tasks.append(
                Task("uplink", uplink.run, is_vital=True, pulse=uplink.pulse, silent_s_max=UPLINK_SILENT_S_MAX)
            )
        tasks += self._page_tasks(self._door(core, mirror, str(address), uplink, backups))
        try:
            await self._until_stopped(core.loop, supervisor.keep(tasks))
        finally:
            if self._stopping.is_set():
                self._notifier.stopping()
                await core.say_goodbye()
            await core.stop()

    async def _note_well(self, mirror: Mirror) -> None:
        await asyncio.sleep(WELL_S)
        self._failures.forget()
        await mirror.ran_well()
        await lasting(self._lives, self._safe_mode, try_everything=self._try_everything)

    def _backups(self, core: Core) -> Backups:
        wanted = self._config.backup

        def tell(reason: str | None) -> None:
            moment = self._clock.now()
            told = IssueRaised(Issue("backup_failed", "backup", moment.wall, {"reason": reason})) if reason else None
            core.effects.carry_out([told or IssueCleared("backup_failed", "backup")], moment)

        return Backups(
            Source(self._config.agent.state_dir, self._settings),
            folder=wanted.folder,
            kept=wanted.kept,
            passphrase=lambda: read_secret(wanted.passphrase_file) if wanted.passphrase_file else None,
            clock=self._clock,
            tell=tell,
        )

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

    def _measuring_task(self, core: Core, mirror: Mirror, uplink: Uplink | None, *, is_mirror_suspect: bool) -> Task:
        measured = measuring(
            self._config,
            mirror,
            self._clock,
            core.hub,
            core.inbox.put,
            is_connected=lambda: core.broker.is_connected,
            sync_status=uplink.status if uplink else without_cloud,
            issues=core.effects.issues,
            is_mirror_suspect=is_mirror_suspect,
            is_kept_up=self._notifier.is_there,
        )
        return Task("measuring", measured.run, pulse=measured.pulse, silent_s_max=MEASURING_SILENT_S_MAX)

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
        core.effects.look_around = neighbours.look_around
        return Task("neighbours", lambda: neighbours.run(core.inbox.put_message))

    def _door(
        self, core: Core, mirror: Mirror, broker_address: str, uplink: Uplink | None, backups: Backups
    ) -> HubDoor:
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
            sync_status=uplink.status if uplink else without_cloud,
            verify=uplink.verify if uplink else None,
            claim=uplink.claim if uplink else None,
            handled=lambda: core.loop.handled,
            safe_mode=self._safe_mode.as_json() if self._safe_mode else None,
            leave_safe_mode=self._try_everything,
            figures=Figures(core.hub, core.loop.tally, core.dialects.heard_by_dialect, mirror.path).as_json,
            version=__version__,
            keeping=Keeping(self._config, self._settings, backups, self._restart, is_kept_up=self._notifier.is_there),
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

        def load() -> "Opening":
            """A second of a Pi's time: on a thread of its own, the home runs meanwhile."""
            from hub_agent.web.opening import Opening

            def now() -> datetime:
                return self._clock.now().wall

            opening = Opening(door, access, self._config, version=__version__, names=names, now=now)
            _settle_memory()  # or each look at the old for garbage goes through the page's libraries, too
            return opening

        loaded = asyncio.get_running_loop().run_in_executor(None, load)

        async def page() -> None:
            await (await asyncio.shield(loaded)).page()

        async def command_line() -> None:
            await (await asyncio.shield(loaded)).command_line()

        return [Task("command line", command_line), Task("page", page)]

    def _tell_code(self, code: str) -> None:
        web = self._config.web
        host = socket.gethostname() if web.host in {"0.0.0.0", "::"} else web.host  # noqa: S104 a comparison
        log.info("To pair a browser open http://%s:%d/pair and enter %s", host, web.port, code)

    # Stopping.

    def _try_everything(self) -> None:
        self._lives.try_everything()
        if self._notifier.is_there:
            self._restart()

    def _restart(self) -> None:
        log.warning("The agent ends, to be started anew.")
        self.is_to_restart = True
        self._stopping.set()

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

    async def _until_stopped(self, loop: Loop, kept: Coroutine[None, None, None]) -> None:
        """Until somebody stops the agent, the hub begins anew, or a vital task fails."""
        self._begins_anew.clear()
        keeping = asyncio.ensure_future(kept)
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


def run(config: Config, settings: Path | None = None) -> None:
    """`nexa-hub run`: until it is told to stop. Raises OperatingError."""
    gc.disable()  # until the home is loaded: nothing becomes garbage before that
    sys.setswitchinterval(THREAD_TURN_S)
    logging.basicConfig(
        level=LEVELS[config.agent.log_level], format="%(levelname)s %(message)s", stream=sys.stderr, force=True
    )
    for noisy in ("httpx", "httpcore", "uvicorn.error"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    asyncio.run(_run(config, settings))


async def _run(config: Config, settings: Path | None) -> None:
    agent = Agent(config, settings)
    await agent.run()
    if agent.is_to_restart:
        sys.exit(EXIT_AGAIN)


def _settle_memory() -> None:
    """What is there now mostly stays: it is not looked through for garbage again, and later garbage less often."""
    gc.freeze()
    gc.set_threshold(GARBAGE_AFTER)
    gc.enable()


def _load_driver(dialect: str) -> None:
    """On a thread of its own, while the dialect's process begins: the home goes on meanwhile."""
    asyncio.get_running_loop().run_in_executor(None, import_module, f"hub_agent.drivers.{dialect}")


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
