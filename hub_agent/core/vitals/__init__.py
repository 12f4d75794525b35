"""The hub's own health: disk, card, memory, heat, power, clock, mirror, how fast it is, how often it had to start."""

from hub_agent.core.vitals.room import Vitals as Vitals
