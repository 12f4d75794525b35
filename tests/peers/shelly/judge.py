"""Runs in the environment of aioshelly: what that library makes of a device, as JSON on the standard output.

judge.py rpc PORT PASSWORD | judge.py block PORT ADDRESS
"""

import asyncio
import json
import sys
from typing import Any

import aiohttp
from aioshelly.block_device import COAP, BlockDevice
from aioshelly.common import ConnectionOptions
from aioshelly.exceptions import ShellyError
from aioshelly.rpc_device import RpcDevice, RpcUpdateType, WsServer

WITHIN_S = 60


async def rpc(port: int, password: str) -> Any:
    async with aiohttp.ClientSession() as session:
        options = ConnectionOptions("127.0.0.1", "admin", password, port=port)
        device = await RpcDevice.create(session, WsServer(), options)
        news = asyncio.Event()
        device.subscribe_updates(lambda _device, kind: news.set() if kind is RpcUpdateType.STATUS else None)
        async with asyncio.timeout(WITHIN_S):
            await device.initialize()
            said: dict[str, Any] = {
                "mac": device.shelly["mac"],
                "components": len(device.status),
                "wrong_password": await wrong(session, port),
            }
            if "switch:0" in device.status:
                before = device.status["switch:0"]["output"]
                news.clear()
                await device.switch_set(0, value=True)
                await news.wait()
                said["switched"] = [before, device.status["switch:0"]["output"]]
            await device.trigger_reboot()
            await device.shutdown()
        return said


async def wrong(session: aiohttp.ClientSession, port: int) -> str:
    device = await RpcDevice.create(session, WsServer(), ConnectionOptions("127.0.0.1", "admin", "wrong", port=port))
    try:
        await device.initialize()
    except ShellyError as err:
        return type(err).__name__
    finally:
        await device.shutdown()
    return "none"


class Elsewhere(aiohttp.TCPConnector):
    """aioshelly wants the first generation at port 80, which not everybody may listen on."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._elsewhere = port

    async def _resolve_host(self, host: str, port: int, traces: Any = None) -> Any:
        return await super()._resolve_host(host, self._elsewhere if port == 80 else port, traces)


async def block(port: int, address: str) -> Any:
    coap = COAP()
    await coap.initialize(0)
    async with aiohttp.ClientSession(connector=Elsewhere(port)) as session:
        options = ConnectionOptions(address)
        device = await BlockDevice.create(session, coap, options)
        async with asyncio.timeout(WITHIN_S):
            await device.initialize()
            light = next(block for block in device.blocks if block.type == "light")
            state = (
                await light.turn_light_on(brightness=30)
                if hasattr(light, "turn_light_on")
                else await light.set_state(turn="on")
            )
            said = {
                "mac": device.shelly["mac"],
                "blocks": sorted({block.type for block in device.blocks}),
                "turned": state["ison"],
            }
            await device.shutdown()
    coap.close()
    return said


def main() -> None:
    kind, port, more = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    print(json.dumps(asyncio.run({"rpc": rpc, "block": block}[kind](port, more))))


main()
