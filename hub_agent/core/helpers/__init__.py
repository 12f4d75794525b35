"""Self-made devices: what exists only in the home. An on/off, a number, a choice, a text, a date, a button, a counter, a timer; a group, a person, a schedule.

Each is a row of `devices` with `manufacturer_device_id` = `helper/<object_id>` and one entity:

    "capabilities": {"entities": {"input_number.comfort": {"name": "Comfort", "domain": "input_number"}}},
    "settings":     {"min": 15, "max": 25, "step": 0.5, "unit_of_measurement": "°C", "mode": "box", "icon": "mdi:sofa"}

No two of a home have the same `manufacturer_device_id`; where two of different domains share the object id (`group.office`
and `input_boolean.office`), the second is `helper/<domain>.<object_id>`. The entity id is what `capabilities` says.

`settings` says how it is set up, in Home Assistant's words:

    input_boolean   initial
    input_number    min, max (needed), step = 1, mode = slider | box, unit_of_measurement, initial
    input_select    options (needed), initial
    input_text      min = 0, max = 100, pattern, mode = text | password, initial
    input_datetime  has_date, has_time (one of them at least), initial
    input_button
    counter         initial = 0, step = 1, minimum, maximum, restore = true
    timer           duration = 0, restore = true
    group           entities (needed: a list of entity ids, which may be groups), all = false
    person          device_trackers = [] (entity ids), user_id, picture
    schedule        monday ... sunday: each a list of {"from": "08:00:00", "to": "17:30:00", "data": {...}}, none of which overlap;
                    `to` may be "24:00:00"; a day that is not given has none

and for all of them `icon`. Other keys are kept and not read. What it holds survives a restart, except where `initial` is
given (or `restore` is false): then each start of the agent begins with that, as Home Assistant does. A running timer goes
on where it was; one that ended meanwhile fires `timer.finished` once, at the start. Unlike there, timers survive unless
`restore` is false. Groups, persons and schedules hold nothing of their own: what they are follows from their members, their
trackers and the clock.

Zones are no devices. They are a list in `metadata` of the home's row:

    "zones": [{"name": "Work", "object_id": "work", "latitude": 52.5, "longitude": 13.4, "radius": 100, "icon": "mdi:briefcase", "passive": false}]

`object_id` may be left out (then it is the name's slug), as may `radius` (100 m), `icon` and `passive`. `zone.home` is where the home is,
unless a zone of that object id is in the list.
"""

from hub_agent.core.helpers.room import Helpers, read_kind
from hub_agent.core.helpers.table import KINDS

__all__ = ["KINDS", "Helpers", "read_kind"]
