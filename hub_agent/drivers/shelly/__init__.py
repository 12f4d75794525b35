"""Shelly of all generations."""

from hub_agent.drivers.shelly.driver import Shelly

__all__ = ["Shelly"]
