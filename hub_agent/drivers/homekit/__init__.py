"""Accessories that speak the HomeKit Accessory Protocol over the local network."""

from hub_agent.drivers.homekit.driver import HomeKit

__all__ = ["HomeKit"]
