"""The Hue bridge, by version 2 of its interface (CLIP)."""

from hub_agent.drivers.hue.driver import Hue

__all__ = ["Hue"]
