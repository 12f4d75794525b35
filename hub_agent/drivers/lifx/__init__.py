"""LIFX: lamps, strips, tiles and switches on the local network. `driver.py` knows the frames, `colour.py` how LIFX counts light."""

from hub_agent.drivers.lifx.driver import DIALECT as DIALECT, Lifx as Lifx

__all__ = ["DIALECT", "Lifx"]
