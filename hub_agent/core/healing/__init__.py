"""Healing: notices what misbehaves, tries the gentlest remedy first, looks whether it helped, tells a person if not.

`rhythm.py` knows when silence is wrong, `remedies.py` what can be tried, `trouble.py` what is wrong with one device,
`cases.py` the rows of the central schema, `room.py` decides.
"""

from hub_agent.core.healing.room import Healing

__all__ = ["Healing"]
