"""Runs in the environment of frenck's `wled`: what that library makes of a strip, as JSON on the standard output. judge.py PORT"""

import asyncio
import json
import sys
from typing import Any

import aiohttp
from wled import WLED

WITHIN_S = 60


class Elsewhere(aiohttp.TCPConnector):
    """The library wants a strip at port 80, which not everybody may listen on."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._elsewhere = port

    async def _resolve_host(self, host: str, port: int, traces: Any = None) -> Any:
        return await super()._resolve_host(host, self._elsewhere if port == 80 else port, traces)


async def judge(port: int) -> Any:
    async with aiohttp.ClientSession(connector=Elsewhere(port)) as session, asyncio.timeout(WITHIN_S):
        strip = WLED("127.0.0.1", session=session)
        device = await strip.update()
        said: dict[str, Any] = {
            "mac": device.info.mac_address,
            "effects": len(device.effects),
            "presets": sorted(preset.name for preset in device.presets.values()),
        }
        heard: asyncio.Queue[Any] = asyncio.Queue()
        await strip.connect()
        listening = asyncio.create_task(strip.listen(heard.put_nowait))
        await heard.get()
        await strip.master(on=True, brightness=42)
        while (device := await heard.get()).state.brightness != 42:
            pass
        await strip.segment(0, effect="Rainbow", color_primary=(1, 2, 3))
        while (device := await heard.get()).state.segments[0].effect_id != 9:
            pass
        said["brightness"] = device.state.brightness
        said["colour"] = list(device.state.segments[0].color.primary[:3])
        await strip.preset(1)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await strip.disconnect()
        return said


print(json.dumps(asyncio.run(judge(int(sys.argv[1])))))
