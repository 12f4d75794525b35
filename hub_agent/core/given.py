"""What rooms yield to the hub, which routes it: effects that leave, and what other rooms must hear of."""

from typing import TypeAlias

from hub_agent.core.sync.definitions import DefinitionChanged
from hub_agent.model.action import Call, CallAnswered, CommandSettled
from hub_agent.model.effects import Effect
from hub_agent.model.healing import Noticed, Passed
from hub_agent.model.inputs import DefinitionArrived, EventFired, StateRemoved, StateSet
from hub_agent.model.scene import SceneEnded, SceneSettled
from hub_agent.model.state import StateChanged

Given: TypeAlias = (
    Effect
    | Call
    | CallAnswered
    | CommandSettled
    | SceneSettled
    | SceneEnded
    | EventFired
    | StateSet
    | StateRemoved
    | StateChanged
    | DefinitionChanged
    | DefinitionArrived
    | Noticed
    | Passed
)
