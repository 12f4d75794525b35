from hub_agent.drivers.sonos.driver import Sonos

__all__ = ["Sonos"]
