"""A UPnP media renderer by async-upnp-client's own server: `python -m tests.peers.upnp_renderer ADDRESS PORT NAME`. It ends when its standard input does."""

import asyncio
import sys
from xml.etree import ElementTree as ET

from async_upnp_client.const import DeviceInfo
from async_upnp_client.server import UpnpServer, UpnpServerDevice

UDN = "uuid:5a3e1c40-0000-4000-8000-a8032abc0099"


def renderer(name: str) -> type[UpnpServerDevice]:
    class Renderer(UpnpServerDevice):
        DEVICE_DEFINITION = DeviceInfo(
            device_type="urn:schemas-upnp-org:device:MediaRenderer:1",
            friendly_name=name,
            manufacturer="Denon",
            manufacturer_url=None,
            model_name="AVR-X1700H",
            model_url=None,
            udn=UDN,
            upc=None,
            model_description=None,
            model_number="1",
            serial_number="A8032ABC0099",
            presentation_url=None,
            url="/device.xml",
            icons=[],
            xml=ET.Element("server_device"),
        )
        EMBEDDED_DEVICES = ()
        SERVICES = ()

    return Renderer


async def main() -> None:
    address, port, name = sys.argv[1:]
    server = UpnpServer(renderer(name), (address, 0), http_port=int(port))
    await server.async_start()
    print("up", flush=True)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()
    await server.async_stop()


if __name__ == "__main__":
    asyncio.run(main())
