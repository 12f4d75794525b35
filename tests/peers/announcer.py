"""Devices that announce themselves with python-zeroconf: `python -m tests.peers.announcer ADDRESS...`, told what to do by lines of JSON.

    {"do": "say", "type": ..., "name": ..., "port": ..., "txt": {...}, "addresses": [...], "server": ..., "ttl": seconds or null}
    {"do": "unsay", "name": ...}
    {"do": "flood", "type": ..., "count": N, "a_second": N}     services that each announce themselves once
    {"do": "look", "type": ...}                                 told as they come and go: {"type", "name", "change", "txt", "addresses", "port"}

Each is answered by a line. It ends, with goodbyes, when its standard input does.
"""

import asyncio
import json
import sys
from typing import Any

from zeroconf import IPVersion, ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

HOST_TTL_S = 120
OTHER_TTL_S = 4500


class Announcer:
    def __init__(self, addresses: list[str]) -> None:
        version = IPVersion.V6Only if all(":" in each for each in addresses) else IPVersion.V4Only
        if len({":" in each for each in addresses}) == 2:
            version = IPVersion.All
        self._zeroconf = AsyncZeroconf(interfaces=addresses, ip_version=version)
        self._said: dict[str, AsyncServiceInfo] = {}
        self._browsers: list[AsyncServiceBrowser] = []

    async def obey(self, order: dict[str, Any]) -> None:
        match order["do"]:
            case "say":
                await self._say(order)
            case "unsay":
                await (await self._zeroconf.async_unregister_service(self._said.pop(order["name"])))
            case "flood":
                await self._flood(order)
            case "look":
                self._browsers.append(
                    AsyncServiceBrowser(self._zeroconf.zeroconf, order["type"], handlers=[self._changed])
                )
        tell({"done": order["do"]})

    async def _say(self, order: dict[str, Any]) -> None:
        kind, name = order["type"], order["name"]
        info = AsyncServiceInfo(
            kind,
            f"{name}.{kind}",
            port=order["port"],
            properties=order["txt"],
            server=order["server"],
            parsed_addresses=order["addresses"],
            host_ttl=order.get("ttl") or HOST_TTL_S,
            other_ttl=order.get("ttl") or OTHER_TTL_S,
        )
        if name in self._said:
            await (await self._zeroconf.async_update_service(info))
        else:
            await (await self._zeroconf.async_register_service(info))
        self._said[name] = info

    async def _flood(self, order: dict[str, Any]) -> None:
        kind, core = order["type"], self._zeroconf.zeroconf
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        for number in range(order["count"]):
            info = AsyncServiceInfo(
                kind,
                f"flood-{number}.{kind}",
                port=80,
                properties={"number": str(number)},
                server=f"flood-{number}.local.",
                parsed_addresses=["10.77.0.1"],
            )
            core.async_send(core.generate_service_broadcast(info, None))
            await asyncio.sleep(max(0.0, began_s + number / order["a_second"] - loop.time()))

    def _changed(self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
        asyncio.get_running_loop().create_task(self._tell(zeroconf, service_type, name, state_change))

    async def _tell(self, zeroconf: Zeroconf, kind: str, name: str, change: ServiceStateChange) -> None:
        info = AsyncServiceInfo(kind, name)
        if change is not ServiceStateChange.Removed:
            await info.async_request(zeroconf, 3000)
        tell(
            {
                "type": kind,
                "name": name.removesuffix(f".{kind}"),
                "change": change.name,
                "txt": {key: value for key, value in info.decoded_properties.items() if value is not None},
                "addresses": sorted(info.parsed_addresses()),
                "port": info.port,
            }
        )

    async def close(self) -> None:
        await self._zeroconf.async_unregister_all_services()
        await self._zeroconf.async_close()


def tell(body: dict[str, Any]) -> None:
    print(json.dumps(body), flush=True)


async def main() -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    announcer = Announcer(sys.argv[1:])
    tell({"done": "start"})
    try:
        while line := await reader.readline():
            await announcer.obey(json.loads(line))
    finally:
        await announcer.close()


if __name__ == "__main__":
    asyncio.run(main())
