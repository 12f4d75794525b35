"""The kinds of self-made devices: domain -> how it is read from `settings`."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from hub_agent.core.helpers.amounts import read_counter, read_number
from hub_agent.core.helpers.choices import read_choice
from hub_agent.core.helpers.dates import read_date
from hub_agent.core.helpers.groups import read_group
from hub_agent.core.helpers.kind import Kind, Settings
from hub_agent.core.helpers.persons import read_person
from hub_agent.core.helpers.schedules import read_schedule
from hub_agent.core.helpers.switches import read_button, read_toggle
from hub_agent.core.helpers.texts import read_text
from hub_agent.core.helpers.timers import read_timer

KINDS: Mapping[str, Callable[[Settings], Kind]] = MappingProxyType(
    {
        "counter": read_counter,
        "group": read_group,
        "input_boolean": read_toggle,
        "input_button": read_button,
        "input_datetime": read_date,
        "input_number": read_number,
        "input_select": read_choice,
        "input_text": read_text,
        "person": read_person,
        "schedule": read_schedule,
        "timer": read_timer,
    }
)
