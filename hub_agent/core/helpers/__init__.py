"""Self-made devices: an on/off, a number, a choice, a text, a date, a button, a counter, a timer that exist only in the home.

Each is a row of `devices` with `manufacturer_device_id` = `helper/<object_id>` (no two alike in a home), and one entity:

    "capabilities": {"entities": {"input_number.comfort": {"name": "Comfort", "domain": "input_number"}}},
    "settings":     {"min": 15, "max": 25, "step": 0.5, "unit_of_measurement": "°C", "mode": "box", "icon": "mdi:sofa"}

`settings` says how it is set up, in Home Assistant's words:

    input_boolean   initial
    input_number    min, max (needed), step = 1, mode = slider | box, unit_of_measurement, initial
    input_select    options (needed), initial
    input_text      min = 0, max = 100, pattern, mode = text | password, initial
    input_datetime  has_date, has_time (one of them at least), initial
    input_button
    counter         initial = 0, step = 1, minimum, maximum, restore = true
    timer           duration = 0, restore = true

and for all of them `icon`. Other keys are kept and not read. What it holds survives a restart, except where `initial` is
given (or `restore` is false): then each start of the agent begins with that, as Home Assistant does. A running timer goes
on where it was; one that ended meanwhile fires `timer.finished` once, at the start. Unlike there, timers survive unless
`restore` is false.
"""

from hub_agent.core.helpers.room import Helpers, read_kind
from hub_agent.core.helpers.table import KINDS

__all__ = ["KINDS", "Helpers", "read_kind"]
