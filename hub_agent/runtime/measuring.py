"""Measures the hub and its ways, again and again, and tells the core. It comes after everything else: nothing waits for it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from hub_agent.model.device import ROUTER_ORIGIN, Advertisement, Alias, DeviceType, ProtocolType
from hub_agent.model.inputs import Input
from hub_agent.model.measured import Way, WaysMeasured, WayTo
from hub_agent.model.report import AvailabilityReported
from hub_agent.ports import Clock, VitalsMeter, WaysMeter
from hub_agent.runtime.lag import LoopLag
from hub_agent.runtime.pulse import Pulse

FIRST_AFTER_S = 10.0
EVERY_S = 60.0
# What does not answer is looked at more often, so that it is soon clear whether it lasts.
AGAIN_S = 20.0
# So often in a row the router has to be there before it is taken for one of the home's devices.
ROUTER_SEEN_MIN = 5
# At this hour of the home's day the whole mirror is read once.
CHECK_HOUR = 3


class Measuring:
    """`check_mirror`: reads the whole of it, and says whether it is sound. `local_hour`: of the home. `is_mirror_suspect`: damage was met
    before this start; whether it is mended is found out at once.
    """

    def __init__(
        self,
        *,
        vitals: VitalsMeter,
        ways: WaysMeter,
        clock: Clock,
        put: Callable[[Input], None],
        check_mirror: Callable[[], Awaitable[bool]],
        local_hour: Callable[[], int],
        is_mirror_suspect: bool = False,
    ) -> None:
        self._vitals = vitals
        self._ways = ways
        self._clock = clock
        self._put = put
        self._check_mirror = check_mirror
        self._local_hour = local_hour
        self._is_mirror_suspect = is_mirror_suspect
        self._lag = LoopLag()
        self.pulse = Pulse(clock)
        self._may_check = False
        self._router: Advertisement | None = None
        self._router_seen = 0

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._lag.run())
            group.create_task(self._measure_hub())
            group.create_task(self._measure_ways())

    async def _measure_hub(self) -> None:
        await asyncio.sleep(FIRST_AFTER_S)
        self._lag.take()  # the start is busy, and is over
        is_sound = await self._check_mirror() if self._is_mirror_suspect else None
        self._is_mirror_suspect = False
        while True:
            self.pulse.beat("the hub")
            measured = await asyncio.to_thread(self._vitals.measure)
            is_trusted = self._clock.now().is_trusted
            lag_s = self._lag.take()
            self._put(replace(measured, loop_lag_s=lag_s, is_clock_trusted=is_trusted, is_mirror_sound=is_sound))
            await asyncio.sleep(EVERY_S)
            is_sound = await self._checked()

    async def _measure_ways(self) -> None:
        await asyncio.sleep(FIRST_AFTER_S)
        while True:
            self.pulse.beat("the ways")
            measured = await self._ways.measure()
            self._note_router(measured.ways.get(WayTo.ROUTER))
            self._put(measured)
            await asyncio.sleep(EVERY_S if _are_open(measured) else AGAIN_S)

    async def _checked(self) -> bool | None:
        """Once a night; None: not now."""
        is_hour = self._local_hour() == CHECK_HOUR
        if not is_hour or not self._may_check:
            self._may_check = not is_hour
            return None
        self._may_check = False
        return await self._check_mirror()

    def _note_router(self, way: Way | None) -> None:
        """One that stays becomes a device of the home, known by its hardware's address."""
        mac = way.details.get("mac") if way is not None and way.is_open else None
        if way is None or mac is None:
            self._router_seen = 0
            return
        self._router_seen += 1
        router = Advertisement(
            ROUTER_ORIGIN,
            (Alias("mac", mac.replace(":", "")),),
            "Router",
            device_type=DeviceType.ROUTER,
            protocol=ProtocolType.ETHERNET,
        )
        if self._router_seen >= ROUTER_SEEN_MIN and router != self._router:
            self._router = router
            self._put(router)
            self._put(AvailabilityReported(ROUTER_ORIGIN, is_available=True))


def _are_open(measured: WaysMeasured) -> bool:
    return all(way.is_open for place, way in measured.ways.items() if place is not WayTo.CLOUD)
