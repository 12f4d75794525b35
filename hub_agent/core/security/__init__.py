"""Watches over the home's security: what is open, who knocks, who may come in. Modest and true: nothing is guessed or tried out.

* `room.py`: the monitor. Scans once a week by itself, and when somebody asks.
* `findings.py`: what of a look is a weakness; `dialects.py`: what dialects tell of a login; `known_issues.py`: firmware with known faults.
* `vulnerabilities.py`: weaknesses until they are gone; `grade.py`: how bad it is all together, explained.
* `incidents.py`: who was refused too often; `strangers.py`: devices that nobody knows.
* `access_rules.py`: `network_access_rules`, as far as this hub can enforce them.
"""

from hub_agent.core.security.home import Ways
from hub_agent.core.security.room import LOOK_AROUND, Security

__all__ = ["LOOK_AROUND", "Security", "Ways"]
