"""Scenes: named desired states, activated as one. `room.py` decides, `reading.py` reads definitions, `activation.py` keeps count."""

from hub_agent.core.scenes.room import History, Scenes

__all__ = ["History", "Scenes"]
