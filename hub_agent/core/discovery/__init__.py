"""What announces itself on the network: which announcements are of one thing (`merging.py`), which dialect is to talk to it, and how that goes
(`room.py`).
"""

from hub_agent.core.discovery.known import Known as Known
from hub_agent.core.discovery.room import Discovery as Discovery, Thing as Thing

__all__ = ["Discovery", "Known", "Thing"]
