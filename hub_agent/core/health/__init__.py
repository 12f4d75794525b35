"""How well each device is, from 0 to 100, and what that is made of.

`score.py` has the points, `facts.py` what is remembered of a device, `room.py` decides when a score is told and recorded.
"""

from hub_agent.core.health.room import Health

__all__ = ["Health"]
