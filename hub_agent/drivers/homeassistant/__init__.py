"""Home Assistant's MQTT discovery: devices that describe themselves, and how to talk to them."""

from hub_agent.drivers.homeassistant.driver import HomeAssistantDiscovery

__all__ = ["HomeAssistantDiscovery"]
