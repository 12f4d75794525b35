"""Healing: notices what misbehaves, tries the gentlest remedy first, looks whether it helped, tells a person if not.

`rhythm.py` knows when silence is wrong, `remedies/` has a file for each thing that can be tried, `limits.py` what the owner has
declared, `guards.py` what has to hold before something is tried, `learned.py` what has helped so far, `treatment.py` one remedy from
its choice to its end, `trouble.py` what is wrong with one device, `shared.py` whether several
fail for one reason, `cases.py` the rows of the central schema, `room.py` decides.
"""

from hub_agent.core.healing.room import Healing

__all__ = ["Healing"]
