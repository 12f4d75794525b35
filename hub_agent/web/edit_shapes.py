"""What the API answers and takes where people change scenes and automations, or decide what hub and cloud dispute."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from hub_agent.web.shapes import Asked, Instant, Shape


class SideAnswer(Shape):
    at: datetime | None = None
    by: str | None = None


class DisputedValue(Shape):
    value: Any = None
    text: list[str] = Field(description="the value as people read it, a line for each part")


class DisputedField(Shape):
    field: str = Field(examples=["device_states"])
    label: str
    hub: DisputedValue
    cloud: DisputedValue


class ConflictAnswer(Shape):
    """What hub and cloud both changed. The home goes on with the hub's until somebody decides."""

    kind: str = Field(examples=["scene"])
    id: str
    name: str
    since: datetime
    hub: SideAnswer
    cloud: SideAnswer
    is_known_in_cloud: bool
    fields: list[DisputedField]


class LostAnswer(Shape):
    """A value that gave way; it can be put back."""

    id: str
    kind: str
    definition_id: str
    name: str
    field: str
    label: str
    of: str = Field(description="hub | cloud: whose value it was")
    why: str
    at: datetime
    value: Any = None
    text: list[str]
    can_put_back: bool


class DecisionAnswer(Shape):
    kind: str
    id: str
    name: str
    decided: dict[str, str]
    left: list[str]


class LostAnswered(Shape):
    id: str
    name: str
    field: str
    put_back: bool


Side = Literal["hub", "cloud"]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class DecisionRequest(Asked):
    """`side` for all that is disputed, `fields` for some by name."""

    side: Side | None = None
    fields: Annotated[dict[str, Side], Field(max_length=50)] = Field({})


class LostRequest(Asked):
    put_back: bool


class DesiredRequest(Asked):
    """As the home's states are spelled: `on` and `{"brightness": 128}`."""

    state: bool | int | float | Annotated[str, StringConstraints(min_length=1, max_length=255)]
    attributes: Annotated[dict[str, Any], Field(max_length=50)] = Field({})


Desired = Annotated[
    dict[str, DesiredRequest | Literal["now"] | None],
    Field(max_length=1000, examples=[{"light.hall": "now", "light.porch": {"state": "on"}, "light.shed": None}]),
]


class SceneChange(Asked):
    """What is not named stays. `desired`: by entity, a state, "now" for how it is, null to leave it out of the scene."""

    name: Name | None = None
    description: str | None = Field(None, max_length=2000)
    icon: str | None = Field(None, max_length=100)
    color: str | None = Field(None, max_length=50)
    room_id: str | None = Field(None, max_length=64)
    is_favorite: bool | None = None
    desired: Desired = Field({})


class NewScene(Asked):
    """As the room (without one: the home) stands now, or only what `desired` names."""

    name: Name
    description: str | None = Field(None, max_length=2000)
    icon: str | None = Field(None, max_length=100)
    color: str | None = Field(None, max_length=50)
    room_id: str | None = Field(None, max_length=64)
    desired: Desired = Field({})


class AutomationChange(Asked):
    """What is not named stays. `pause_until` in the past, or null, ends a pause."""

    name: Name | None = None
    description: str | None = Field(None, max_length=2000)
    is_enabled: bool | None = None
    is_paused: bool | None = None
    pause_until: Instant | None = None


class EditedAnswer(Shape):
    id: str
    name: str | None = None


class GoneAnswer(Shape):
    deleted: bool
