"""Tasmota by its own discovery: what a device says of itself below `tasmota/discovery`, and how to talk to it."""

from hub_agent.drivers.tasmota.driver import Tasmota

__all__ = ["Tasmota"]
