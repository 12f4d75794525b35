"""What was measured of the ways is judged here: one trouble, at the nearest that is broken, when it lasts."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from hub_agent.core.monitor import Given, Monitor
from hub_agent.core.reachability.root import FAULTS, root_of
from hub_agent.core.reachability.rows import OUTSIDE, metrics
from hub_agent.model.device import BROKER_ORIGIN, HUB_ORIGIN, ROUTER_ORIGIN, Device, Origin
from hub_agent.model.effects import AppendRecord, IssueCleared, IssueRaised
from hub_agent.model.healing import Noticed, Passed, Symptom
from hub_agent.model.ids import DeviceId
from hub_agent.model.inputs import Input
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.measured import WaysMeasured, WayTo

# Seen broken at least so often in a row, so that two measurements that happen to be late are none.
SEEN_MIN = 3
WELL_FOR = timedelta(seconds=60)
# Brokers are restarted by updates; the connection comes back by itself.
BROKER_AWAY_FOR = timedelta(seconds=60)
TELL_EVERY = timedelta(minutes=5)

BROKER_ISSUE = Symptom.BROKER_UNREACHABLE.value


class Reachability(Monitor):
    """`_root`: what is told as broken now. `_leaning`: what the last measurements say, since `_since`, so many of them."""

    room: ClassVar[str] = "reachability"
    INPUTS: ClassVar[frozenset[type]] = frozenset({WaysMeasured})

    def __init__(self, find: Callable[[Origin], Device | None]) -> None:
        self._find = find
        self._root: WayTo | None = None
        self._is_judged = False  # after a start nobody knows what was told before
        self._noticed_at: DeviceId | None = None
        self._leaning: WayTo | None = None
        self._broken_since: datetime | None = None
        self._since: datetime | None = None
        self._count = 0
        self._latest: WaysMeasured | None = None
        self._measured_at: datetime | None = None
        self._told_at: datetime | None = None
        self._broker_due_at: datetime | None = None
        self._is_broker_away = False
        self._broker_reason = "it does not answer"
        self._disconnects = 0

    def take(self, happened: Input, now: datetime) -> Sequence[Given]:
        if not isinstance(happened, WaysMeasured):
            return ()
        self._latest, self._measured_at = happened, now
        return [*self._judge(happened, now), *self._told(happened, now)]

    # The broker says by itself when it goes and comes.

    def handle_issue(self, told: IssueRaised | IssueCleared, now: datetime) -> Sequence[Given]:  # noqa: ARG002 a monitor's shape
        if isinstance(told, IssueRaised) and told.issue.code == BROKER_ISSUE:
            self._broker_reason = str(told.issue.details.get("reason") or self._broker_reason)
        return ()

    def handle_disconnected(self, now: datetime) -> Sequence[Given]:
        """Told of each try that fails, too."""
        if not self._is_broker_away:
            self._is_broker_away = True
            self._disconnects += 1
            self._broker_due_at = now + BROKER_AWAY_FOR
        return ()

    def handle_connected(self, now: datetime) -> Sequence[Given]:  # noqa: ARG002 a monitor's shape
        self._is_broker_away = False
        self._broker_due_at = None
        broker = self._find(BROKER_ORIGIN)
        return [] if broker is None else [Passed(broker.id, Symptom.BROKER_UNREACHABLE)]

    def get_timer(self) -> datetime | None:
        return self._broker_due_at

    def handle_timer(self, now: datetime) -> Sequence[Given]:
        if self._broker_due_at is None or now < self._broker_due_at:
            return ()
        self._broker_due_at = None
        broker = self._find(BROKER_ORIGIN)
        if broker is None:
            return ()
        way = self._latest.ways.get(WayTo.BROKER) if self._latest else None
        details: dict[str, JsonValue] = {"reason": self._broker_reason}
        if way is not None:
            details |= way.details
        return [Noticed(broker.id, Symptom.BROKER_UNREACHABLE, details)]

    def handle_clock_step(self, by: timedelta) -> None:
        for name in ("_broken_since", "_since", "_told_at", "_broker_due_at", "_measured_at"):
            at = getattr(self, name)
            if at is not None:
                setattr(self, name, at + by)

    # What is so now.

    def present_of(self, device_id: DeviceId) -> JsonObject:
        router = self._find(ROUTER_ORIGIN)
        if router is None or router.id != device_id or self._latest is None:
            return {}
        way = self._latest.ways.get(WayTo.ROUTER)
        if way is None:
            return {}
        is_online = self._root is not WayTo.ROUTER
        status = "online" if is_online else "offline"
        return {"is_online": is_online, "connectivity_status": status, "ip_address": way.address}

    def as_json(self) -> JsonObject:
        """{"measured_at", "broken": nearest way that is told as broken | None, "ways": {way: {"address", "is_open", "latency_ms", "loss_percent", "reason"}}}"""
        ways = self._latest.ways if self._latest is not None else {}
        shown: dict[str, JsonValue] = {
            place.value: {
                "address": way.address,
                "is_open": way.is_open,
                "latency_ms": way.latency_ms,
                "loss_percent": way.loss_percent,
                "reason": way.reason,
            }
            for place, way in ways.items()
        }
        return {
            "measured_at": self._measured_at.isoformat() if self._measured_at else None,
            "broken": self._root.value if self._root else None,
            "ways": shown,
        }

    # Judging.

    def _judge(self, measured: WaysMeasured, now: datetime) -> Sequence[Given]:
        root = root_of(measured.ways)
        if root is None:
            self._broken_since = None
        elif self._broken_since is None:
            self._broken_since = now
        if root is not self._leaning or self._since is None:
            self._leaning, self._since, self._count = root, now, 0
        self._count += 1
        if (root is self._root and self._is_judged) or not self._has_lasted(root, now):
            return ()
        return self._turn(root, measured)

    def _has_lasted(self, root: WayTo | None, now: datetime) -> bool:
        if root is None:
            return self._since is not None and now - self._since >= WELL_FOR
        # While nothing is told yet, it counts how long anything has been broken: which it is may change at first.
        since = self._broken_since if self._root is None else self._since
        return since is not None and now - since >= FAULTS[root].bad_for and self._count >= SEEN_MIN

    def _turn(self, root: WayTo | None, measured: WaysMeasured) -> Sequence[Given]:
        given = self._passed()
        self._root, self._is_judged = root, True
        if root is None:
            return given
        at = self._subject(root)
        if at is None:
            return given
        self._noticed_at = at
        way = measured.ways[root]
        name = way.details.get("name") or way.address
        reason = way.reason or "it does not answer"
        details: JsonObject = {"address": way.address, "name": name, "reason": reason}
        return [*given, Noticed(at, FAULTS[root].symptom, details)]

    def _passed(self) -> list[Given]:
        """What was told before; after a start, all that may have been."""
        if self._is_judged:
            if self._root is None or self._noticed_at is None:
                return []
            return [Passed(self._noticed_at, FAULTS[self._root].symptom)]
        known = [device.id for each in (HUB_ORIGIN, ROUTER_ORIGIN) if (device := self._find(each)) is not None]
        return [Passed(device_id, fault.symptom) for fault in FAULTS.values() for device_id in known]

    def _subject(self, root: WayTo) -> DeviceId | None:
        """The router answers for the way out, where there is one that the hub knows."""
        router = None if root is WayTo.CLOUD else self._find(ROUTER_ORIGIN)
        device = router or self._find(HUB_ORIGIN)
        return None if device is None else device.id

    # Rows.

    def _told(self, measured: WaysMeasured, now: datetime) -> Sequence[Given]:
        if self._told_at is not None and timedelta(0) <= now - self._told_at < TELL_EVERY:
            return ()
        self._told_at = now
        rows = [
            self._metrics(ROUTER_ORIGIN, measured, (WayTo.ROUTER,), 0, now),
            self._metrics(BROKER_ORIGIN, measured, (WayTo.BROKER,), self._disconnects, now),
            self._metrics(HUB_ORIGIN, measured, OUTSIDE, 0, now),
        ]
        self._disconnects = 0
        return [row for row in rows if row is not None]

    def _metrics(
        self, origin: Origin, measured: WaysMeasured, of: Sequence[WayTo], disconnects: int, now: datetime
    ) -> AppendRecord | None:
        device = self._find(origin)
        ways = {each: measured.ways[each] for each in of if each in measured.ways}
        return None if device is None else metrics(device.id, ways, disconnects, now)
