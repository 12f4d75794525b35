"""Homie, convention 3 and 4 (a tree of topics) and 5 (a description in JSON): devices that describe themselves by nodes and properties."""

from hub_agent.drivers.homie.driver import Homie

__all__ = ["Homie"]
