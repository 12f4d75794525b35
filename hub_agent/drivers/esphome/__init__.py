"""ESPHome: nodes that speak a native API of their own; each describes its entities itself, and pushes every change.

`driver.py` knows nodes and frames, `describing.py` makes a device of what a node says of itself, and the kinds of entities are in
`sensing.py`, `switching.py`, `opening.py`, `climate.py`, `light.py` and `sounding.py`: each describes, reads and writes its kind.
"""

from hub_agent.drivers.esphome.describing import DIALECT
from hub_agent.drivers.esphome.driver import Esphome

__all__ = ["DIALECT", "Esphome"]
