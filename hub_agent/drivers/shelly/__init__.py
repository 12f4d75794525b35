"""Shelly of all generations."""

from hub_agent.drivers.shelly.driver import Shelly
from hub_agent.drivers.shelly.mqtt import ShellyMqtt

__all__ = ["Shelly", "ShellyMqtt"]
