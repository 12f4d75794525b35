"""Signals of devices: each file sees one thing that can be wrong, from how the devices of the home report.

False alarms cost more than late ones: what is said here lasts, has been learned of the device itself where that can be, and ends by itself, later than it
would begin again. `signal.py` says what a signal is, `room.py` has the list.
"""

from hub_agent.core.healing.signals.room import Signals

__all__ = ["Signals"]
