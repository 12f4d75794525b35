"""Matter, through the WebSocket of a Matter server. What works is in README.md."""

from hub_agent.drivers.matter.driver import Matter

__all__ = ["Matter"]
