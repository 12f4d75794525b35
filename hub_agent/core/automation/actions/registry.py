"""The kinds of steps, by the key that marks them. A new kind is one new file and one line here."""

from collections.abc import Mapping

from hub_agent.core.automation.actions.builder import ActReader
from hub_agent.core.automation.actions.call import read_call, read_device_action, read_scene
from hub_agent.core.automation.actions.event import read_event_step
from hub_agent.core.automation.actions.flow import (
    read_choose,
    read_condition_step,
    read_conversation_response,
    read_if,
    read_sequence,
    read_stop,
)
from hub_agent.core.automation.actions.parallel import read_parallel
from hub_agent.core.automation.actions.repeat import read_repeat
from hub_agent.core.automation.actions.variables import read_variables_step
from hub_agent.core.automation.actions.wait import read_delay, read_wait_for_trigger, read_wait_template

# In this order: what stands first marks the step where a key means something else in another kind.
STEPS: Mapping[str, ActReader] = {
    "action": read_call,
    "service": read_call,
    "service_template": read_call,
    "delay": read_delay,
    "condition": read_condition_step,
    "if": read_if,
    "choose": read_choose,
    "repeat": read_repeat,
    "wait_for_trigger": read_wait_for_trigger,
    "wait_template": read_wait_template,
    "event": read_event_step,
    "scene": read_scene,
    "parallel": read_parallel,
    "sequence": read_sequence,
    "variables": read_variables_step,
    "stop": read_stop,
    "set_conversation_response": read_conversation_response,
    "device_id": read_device_action,
    "and": read_condition_step,
    "or": read_condition_step,
    "not": read_condition_step,
}
