"""Z-Wave, through the WebSocket of a Z-Wave JS server. What works is in README.md."""

from hub_agent.drivers.zwave.driver import ZWave

__all__ = ["ZWave"]
