"""States of entities, with Home Assistant's state strings and attribute names."""

from datetime import datetime

from hub_agent.model.ids import EntityId
from hub_agent.model.json import JsonObject
from hub_agent.model.value import value

UNAVAILABLE = "unavailable"
UNKNOWN = "unknown"


@value
class EntityState:
    """`changed_at`: when `state` last changed. `updated_at`: when state or attributes last changed."""

    state: str
    attributes: JsonObject
    changed_at: datetime
    updated_at: datetime


@value
class StateChanged:
    """`old` is None when the entity appears, `new` is None when it disappears. Both equal only when forced."""

    entity_id: EntityId
    old: EntityState | None
    new: EntityState | None
    at: datetime
    cause: "Cause | None" = None


@value
class Cause:
    """Why something is done. kind: automation | scene | manual | self_healing | cloud | ecosystem.

    `id` is the run, activation, healing or cloud command; `by` the person or token, where known.
    """

    kind: str
    id: str = ""
    by: str | None = None
