from hub_agent.drivers.cast.driver import Cast

__all__ = ["Cast"]
