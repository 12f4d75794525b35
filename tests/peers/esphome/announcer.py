"""Announces a node by mDNS, as ESPHome does on real boards (its `host` platform does not): `python announcer.py ADDRESS PORT MAC`. Ends with its stdin."""

import sys
from ipaddress import ip_address

from zeroconf import ServiceInfo, Zeroconf

address, port, mac = sys.argv[1:]
service = ServiceInfo(
    "_esphomelib._tcp.local.",
    "house-node._esphomelib._tcp.local.",
    addresses=[ip_address(address).packed],
    port=int(port),
    properties={
        "friendly_name": "House Node",
        "version": "2026.10.0",
        "mac": mac,
        "platform": "host",
        "project_name": "nexa.house_node",
        "project_version": "1.2.3",
    },
    server="house-node.local.",
)
zeroconf = Zeroconf(interfaces=[address])
zeroconf.register_service(service)
sys.stdin.read()
zeroconf.close()
