"""WLED: light strips by its JSON API."""

from hub_agent.drivers.wled.driver import Wled

__all__ = ["Wled"]
