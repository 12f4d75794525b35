"""How much energy was used, by hour and day, of each device and the whole home: counted here, kept here, without any cloud."""

from hub_agent.core.energy.room import Energy

__all__ = ["Energy"]
