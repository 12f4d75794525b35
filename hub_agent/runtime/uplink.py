"""The hub's link to the cloud: becomes part of a home, sends what is owed, takes in what changed. The home never waits for it."""

import asyncio
import logging
import random
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo

from hub_agent.core.sync.account import Account, Drain, Lost, lost_as_json, summed
from hub_agent.core.sync.changes import read_changes
from hub_agent.core.sync.definitions import OwedDefinition
from hub_agent.core.sync.flow import Flow
from hub_agent.core.sync.lineage import Lineage
from hub_agent.core.sync.pace import REFUSED_S, Pace
from hub_agent.core.sync.telling import Disputes, LinkState, Waiting, headline, lines
from hub_agent.core.sync.told_time import MADE_AT
from hub_agent.core.sync.verifying import Versions
from hub_agent.errors import AgentTooOld, ClaimError, CloudRefused, NotPossible, OperatingError
from hub_agent.model.inputs import DefinitionArrived
from hub_agent.model.json import JsonObject
from hub_agent.ports import Change, Clock, Cloud, Identity, Store
from hub_agent.runtime.exchange import IDENTITY_CODES, Exchange, Exchanged, Submit, lost_by
from hub_agent.runtime.pulse import BEAT_EVERY_S, Pulse
from hub_agent.runtime.verifying import Verifier

log = logging.getLogger(__name__)

# An answer that took this long was held open for us: ask again at once.
HELD_OPEN_S = 5.0
COMMANDS_SEEN_MAX = 1_000
COUNT_AGAIN_S = 5.0
# Something in here is broken: not so often that the log fills, often enough to get over it.
BROKEN_S = 30.0
# The least wait; a clock need not be finer.
TICK_S = 0.001


@dataclass(frozen=True, slots=True)
class _Link:
    is_online: bool
    since: datetime


class Uplink:
    """`wake` after each commit. `submit` returns when what came of the inputs is stored; an empty one waits for what was
    decided before. `claimed` is told once, after the new identity is stored. `clock_confirmed` gets the seconds by which
    the wall clock is behind the cloud's, while the clock is not trusted. `warned` gets the cloud's words of warning with each
    answer. `complain` gets what the cloud refuses us for, and
    None when it is well again.
    """

    def __init__(
        self,
        *,
        cloud: Cloud,
        store: Store,
        clock: Clock,
        jitter: random.Random,
        identity: Identity,
        address: str,
        agent_version: str,
        hub_name: str,
        claim_code: str | None,
        owed: Callable[[int], Sequence[OwedDefinition]],
        owed_count: Callable[[], int],
        present: Callable[[], JsonObject],
        submit: Submit,
        claimed: Callable[[Identity, JsonObject], Awaitable[None]],
        clock_confirmed: Callable[[float], Awaitable[None]],
        changed: Callable[[Change], None],
        lineage: Lineage,
        flow: Flow | None = None,
        known_once: datetime = MADE_AT,
        warned: Callable[[frozenset[str]], None] = lambda _warnings: None,
        versions: Callable[[], Versions] = dict,
        time_zone: Callable[[], tzinfo] = lambda: UTC,
        complain: Callable[[str | None], None] = lambda _reason: None,
        account: Account | None = None,
        disputes: Callable[[], Disputes] = Disputes,
    ) -> None:
        self._account = account or Account()
        self._disputes = disputes
        self._drain = Drain()
        self._time_zone = time_zone
        self._tell_warnings = warned
        self._is_doubled = False
        self._complain = complain
        self._flow = flow or Flow()
        self._cloud = cloud
        self._store = store
        self._clock = clock
        self._address = address
        self._agent_version = agent_version
        self._hub_name = hub_name
        self._claim_code = claim_code
        self._claiming = asyncio.Lock()
        # What the cloud told at the claim.
        self._joined: JsonObject | None = None
        self._has_joined = asyncio.Event()
        self._owed_count = owed_count
        self._submit = submit
        self._claimed = claimed
        self._changed = changed
        self._exchange = Exchange(
            cloud=cloud,
            store=store,
            clock=clock,
            identity=identity,
            agent_version=agent_version,
            owed=owed,
            owed_count=owed_count,
            present=present,
            submit=submit,
            clock_confirmed=clock_confirmed,
            lineage=lineage,
            warned=self._warned,
            forked=self.read_all,
            flow=self._flow,
            known_once=known_once,
            account=self._account,
        )
        self.pulse = Pulse(clock)
        self._up = Pace(jitter, idle_s=self._flow.present_alone_s)
        self._down = Pace(jitter, idle_s=self._flow.poll_s)
        self._reads_all = False
        self._held: asyncio.Task[JsonObject] | None = None
        # More would go at once, if it were its turn.
        self._is_draining = False
        # Something was committed since the exchange under way began.
        self._is_noticed = False
        self._woken = asyncio.Event()
        self._nudged = asyncio.Event()
        # The answer to what was sent is taken in before what changed since.
        self._turn = asyncio.Lock()
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._is_home_told = False
        self._link = _Link(is_online=False, since=clock.now().wall)
        self._last_contact_at: datetime | None = None
        self._last_error: str | None = None
        self._counted_at_s = float("-inf")
        self._verifier = Verifier(
            cloud=cloud,
            store=store,
            clock=clock,
            exchange=self._exchange,
            flow=self._flow,
            turn=self._turn,
            jitter=jitter,
            is_online=lambda: self._link.is_online,
            is_busy=lambda: self._is_draining,
            versions=versions,
            time_zone=time_zone,
            submit=submit,
            read_all=self.read_all,
        )

    @property
    def identity(self) -> Identity:
        return self._exchange.identity

    def wake(self) -> None:
        """Something was committed."""
        self._is_noticed = True
        self._up.noticed(self._now_s())
        self._woken.set()

    def read_all(self) -> None:
        """All definitions are taken in, not only what changed since the last look. Now: what is held open is given up."""
        self._reads_all = True
        if self._held is not None:
            self._held.cancel()
        self._down.wanted(self._now_s())
        self._nudged.set()

    def tell_all(self) -> None:
        """The next word to the cloud tells the whole present."""
        self._exchange.start_afresh()
        self.wake()

    def verify_soon(self) -> None:
        """Hub and cloud are compared when what waits has been sent."""
        self._verifier.soon()

    def verify(self, days: int, stream: str | None) -> AsyncGenerator[JsonObject, None]:
        """As in Door.verify."""
        return self._verifier.verify(days, stream)

    async def run(self) -> None:
        """Until cancelled. The world's errors are survived here."""
        try:
            await self._attempt(self._exchange.begin_life, None)
            await self._attempt(self._count, None)
            await self._become_claimed()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._keep_on(self._speak_once, self._up, self._woken, "speaking"))
                tasks.create_task(self._keep_on(self._listen_once, self._down, self._nudged, "listening"))
                tasks.create_task(self._verifier.run())
        finally:
            await self._cloud.close()

    def status(self) -> JsonObject:
        """As in Door.sync_status."""
        positions = self._exchange.positions
        waiting = sum(position.waiting for position in positions)
        acknowledged = [position.acknowledged_at for position in positions if position.acknowledged_at is not None]
        link = self._state()
        return {
            "is_claimed": self.identity.hub_id is not None,
            "is_online": self._link.is_online,
            "since": self._link.since.isoformat(),
            "address": self._address,
            "last_contact_at": _iso(self._last_contact_at),
            "last_error": self._last_error,
            "hub_id": self.identity.hub_id,
            "home_id": self.identity.home_id,
            "streams": [
                {
                    "stream": position.stream,
                    "last": position.last,
                    "acknowledged": position.acknowledged,
                    "waiting": position.waiting,
                    "acknowledged_at": _iso(position.acknowledged_at),
                    "oldest_at": _iso(position.oldest_at),
                }
                for position in positions
            ],
            "waiting": waiting,
            "definitions_owed": link.definitions_owed,
            "last_acknowledged_at": _iso(max(acknowledged, default=None)),
            "flow": {
                "kbit_s": self._flow.kbit_s,
                "is_metered": self._flow.is_metered,
                "text": self._flow.in_words(),
            },
            "drain": link.drained.as_json() if link.drained else None,
            "queued_in_cloud": link.queued_in_cloud,
            "set_aside": [*link.set_aside],
            "shed": [lost_as_json(each) for each in link.shed],
            "refused": [lost_as_json(each) for each in link.refused],
            "conflicts": [*link.disputes.names],
            "values_lost": link.disputes.values_lost,
            "is_doubled": link.is_doubled,
            "is_clock_trusted": link.is_clock_trusted,
            "verified": self._verifier.last,
            "text": headline(link),
            "lines": [*lines(link)],
        }

    def _state(self) -> LinkState:
        moment = self._clock.now()
        zone = self._time_zone()

        def local(at: datetime | None) -> datetime | None:
            return None if at is None else at.astimezone(zone)

        def near(lost: Iterable[Lost]) -> tuple[Lost, ...]:
            return tuple(replace(each, from_at=local(each.from_at), to_at=local(each.to_at)) for each in summed(lost))

        exchange, account, verified = self._exchange, self._account, self._verifier.last
        waiting = [Waiting(each.stream, each.waiting, local(each.oldest_at)) for each in exchange.positions]
        compared_at = datetime.fromisoformat(str(verified["finished_at"])) if verified else None
        return LinkState(
            now=moment.wall.astimezone(zone),
            address=self._address,
            since=self._link.since.astimezone(zone),
            is_claimed=self.identity.hub_id is not None,
            is_online=self._link.is_online,
            is_clock_trusted=moment.is_trusted,
            is_doubled=self._is_doubled,
            last_contact_at=local(self._last_contact_at),
            error=self._last_error,
            waiting=tuple(each for each in waiting if each.count),
            drained=self._drain.drained(moment.monotonic_s),
            queued_in_cloud=exchange.queued.rows_waiting,
            flow=self._flow.in_words(),
            set_aside=tuple(exchange.isolation.set_aside),
            shed=near([*account.shed(moment.wall), *lost_by(exchange.untold)]),
            refused=near(account.refused(moment.wall)),
            disputes=self._disputes(),
            definitions_owed=self._owed_count(),
            compared_at=local(compared_at),
            compared=str(verified["text"]) if verified else None,
        )

    def _warned(self, warnings: frozenset[str]) -> None:
        self._is_doubled = "hub_doubled" in warnings
        self._tell_warnings(warnings)

    # The claim.

    async def _become_claimed(self) -> None:
        while self.identity.hub_id is None:
            if self._claim_code is None:
                # It comes with the settings, and they with a start; or a person gives it.
                await self._has_joined.wait()
            else:
                await self._attempt(self._claim_once, self._up)
                if self.identity.hub_id is None:
                    await self._until(self._up, self._woken, "speaking")
        if self._joined is not None:
            await self._claimed(self.identity, self._joined)

    async def claim(self, code: str) -> None:
        """As in Door.claim."""
        try:
            async with self._claiming:
                if self.identity.hub_id is not None:
                    raise NotPossible("This hub is part of a home in the cloud already.")
                await self._join(code)
        except ClaimError as err:
            raise NotPossible(str(err), "code") from err

    async def _claim_once(self) -> None:
        async with self._claiming:
            if self._claim_code is not None and self.identity.hub_id is None:
                await self._join(self._claim_code)

    async def _join(self, code: str) -> None:
        identity = self.identity
        request: JsonObject = {
            "hub_name": self._hub_name,
            "mirror_id": identity.mirror_id,
            "agent_version": self._agent_version,
            "public": {},
        }
        answer = await self._cloud.claim(code, request)
        hub_id, home_id, secret = answer.get("hub_id"), answer.get("home_id"), answer.get("secret")
        if not (isinstance(hub_id, str) and isinstance(home_id, str) and isinstance(secret, str)):
            raise ClaimError(f"The cloud at {self._address} answered the claim with something else. Is it NEXA's?")
        claimed = replace(identity, hub_id=hub_id, home_id=home_id, secret=secret)
        # The secret is told once: it is kept before anything else is done.
        await self._store.save_identity(claimed)
        self._exchange.identity = claimed
        self._up.succeeded(self._now_s(), is_more=True)
        self._in_contact()
        log.info("This hub now belongs to home %s.", home_id)
        self._joined = answer
        self._has_joined.set()
        self._woken.set()

    # Up.

    async def _speak_once(self) -> None:
        if not self._up.is_online:
            self._exchange.start_afresh()
        async with self._turn:
            self._is_noticed = False
            owed = self._owed_count()
            done = await self._exchange.run()
        self._paced(done)
        await self._count()
        if owed != self._owed_count():
            self._changed(Change("sync", self.status()))

    def _paced(self, done: Exchanged) -> None:
        self._is_draining = done.is_more
        if self._exchange.is_behind:
            self.verify_soon()
        if done.is_sent:
            is_back = self._up.is_failing
            self._up.succeeded(self._now_s(), is_more=done.is_more, pause_s=done.pause_s)
            if is_back:
                self._down.reached(self._now_s())
            self._nudged.set()
            self._in_contact()
        else:
            self._up.looked(self._now_s(), done.look_again_s)
        if self._is_noticed:
            # Committed meanwhile: it does not wait until the hub has something to say again.
            self._up.noticed(self._now_s())

    # Down.

    async def _listen_once(self) -> None:
        asked_at_s = self._now_s()
        reads_all = self._reads_all
        cursor = None if reads_all else await self._store.cursor()
        try:
            answer = await self._hear(cursor)
        except CloudRefused as err:
            if err.code != "cursor_malformed" or cursor is None:
                raise
            answer = await self._cloud.changes(None, 0)
        if answer is None:
            return
        waited = timedelta(seconds=self._now_s() - asked_at_s)
        heard = read_changes(answer, self._clock.now().wall, waited)
        if heard.unread:
            log.warning("%d changes from the cloud made no sense and were left out.", heard.unread)
        commands = [command for command in heard.commands if command.id not in self._seen]
        for late in (command for command in commands if command.is_expired):
            log.warning("%s from the cloud had expired when it came, and was not done (%s).", late.kind, late.id)
        if commands:
            await self._submit(commands)
            self._note_seen([command.id for command in commands])
        definitions = list(heard.definitions)
        if heard.home is not None and not self._is_home_told:
            definitions.insert(0, DefinitionArrived(heard.home, is_from_cloud=True))
        if definitions:
            await self._say_what_is_owed()
            async with self._turn:
                await self._submit(definitions)
            self._is_home_told = True
        if heard.cursor is not None and heard.cursor != cursor:
            await self._store.save_cursor(heard.cursor)
        self._reads_all = self._reads_all and not reads_all
        is_held = self._flow.listen_s > 0 and self._now_s() - asked_at_s >= HELD_OPEN_S
        # Where there is more, the cursor has moved.
        is_news = bool(commands) or (heard.cursor is not None and heard.cursor != cursor)
        is_back = self._down.is_failing
        self._down.succeeded(self._now_s(), is_more=is_held or is_news or self._reads_all)
        if is_back:
            self._up.reached(self._now_s())
        self._woken.set()

    async def _say_what_is_owed(self) -> None:
        """What people changed here goes before what they changed there is taken in: the cloud decides, and knows what gave way."""
        if self._owed_count() and self._up.may_speak(self._now_s()):
            await self._attempt(self._speak_once, self._up)

    async def _hear(self, cursor: str | None) -> JsonObject | None:
        """None: given up, for everything is to be read anew."""
        if cursor is None:
            return await self._cloud.changes(None, self._flow.listen_s)
        self._held = asyncio.ensure_future(self._cloud.changes(cursor, self._flow.listen_s))
        try:
            return await self._held
        except asyncio.CancelledError:
            us = asyncio.current_task()
            if us is None or us.cancelling():
                raise
            return None
        finally:
            self._held = None

    def _note_seen(self, ids: Sequence[str]) -> None:
        for each in ids:
            self._seen[each] = None
        while len(self._seen) > COMMANDS_SEEN_MAX:
            self._seen.popitem(last=False)

    # Going on, whatever happens.

    async def _keep_on(
        self, once: Callable[[], Coroutine[None, None, None]], pace: Pace, event: asyncio.Event, strand: str
    ) -> None:
        while True:
            await self._until(pace, event, strand)
            await self._attempt(once, pace)

    async def _until(self, pace: Pace, event: asyncio.Event, strand: str) -> None:
        """Until the pace says that it is time; `event` says that the pace may have changed."""
        self.pulse.beat(strand)
        while (left_s := pace.due_s - self._now_s()) > 0:
            event.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(min(max(left_s, TICK_S), BEAT_EVERY_S)):
                    await event.wait()
            self.pulse.beat(strand)
            if not self._link.is_online and self._now_s() - self._counted_at_s >= COUNT_AGAIN_S:
                await self._attempt(self._count, None)

    async def _attempt(self, once: Callable[[], Coroutine[None, None, None]], pace: Pace | None) -> None:
        try:
            await once()
        except OperatingError as err:
            self._failed(err, pace)
        except Exception as err:  # the home must not stop because its link to the cloud has a fault
            log.exception("The link to the cloud has a fault; it goes on in %d s.", BROKEN_S)
            self._failed(OperatingError(f"A fault in the agent: {err!r}. It is in the log."), pace, BROKEN_S)

    def _failed(self, err: OperatingError, pace: Pace | None, at_least_s: float = 0.0) -> None:
        text = str(err)
        log.log(logging.DEBUG if text == self._last_error else logging.WARNING, "%s", text)
        self._last_error = text
        if isinstance(err, CloudRefused | ClaimError | AgentTooOld):
            self._complain(text)
        if pace is None:
            return
        is_about_us = isinstance(err, AgentTooOld | ClaimError) or getattr(err, "code", "") in IDENTITY_CODES
        pace.failed(
            self._now_s(),
            retry_after_s=getattr(err, "retry_after_s", None),
            at_least_s=REFUSED_S if is_about_us else at_least_s,
            is_reachable=isinstance(err, CloudRefused) and not is_about_us,
        )
        if pace is self._down:
            # The long poll notices first that the cloud is gone; ask the other way whether it is so.
            self._exchange.ask()
            self.wake()
        self._note_link()

    def _in_contact(self) -> None:
        self._last_contact_at = self._clock.now().wall
        if self._last_error is not None:
            log.info("The cloud at %s can be reached again.", self._address)
            self._complain(None)
        self._last_error = None
        self._note_link()

    def _note_link(self) -> None:
        if self._link.is_online != self._up.is_online:
            self._link = _Link(self._up.is_online, self._clock.now().wall)
            self._changed(Change("sync", self.status()))

    async def _count(self) -> None:
        before = [(position.last, position.acknowledged) for position in self._exchange.positions]
        positions = await self._exchange.look()
        self._counted_at_s = self._now_s()
        waiting = sum(position.waiting for position in positions)
        self._drain.note(self._counted_at_s, sum(position.acknowledged for position in positions), waiting)
        if before != [(position.last, position.acknowledged) for position in positions]:
            self._changed(Change("sync", self.status()))

    def _now_s(self) -> float:
        return self._clock.now().monotonic_s


def _iso(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()
