"""What the hub tells of its own doings, to rules that listen: a call is made, an automation or a script has begun.

Names and data as Home Assistant fires them. Nothing is made where nobody listens.
"""

from hub_agent.model.action import Call
from hub_agent.model.ids import EntityId
from hub_agent.model.inputs import EventFired
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.state import Cause

CALL = "call_service"
AUTOMATION = "automation_triggered"
SCRIPT = "script_started"

_BY_PERSONS = frozenset({"cloud", "manual"})


def call_made(call: Call) -> EventFired:
    """`data`: domain, service, service_data (with the target's entities, as Home Assistant has them there)."""
    domain, _, service = call.action.partition(".")
    service_data: dict[str, JsonValue] = dict(call.data)
    if call.target:
        service_data["entity_id"] = list(call.target)
    data: JsonObject = {"domain": domain, "service": service, "service_data": service_data}
    user_id = call.cause.by or call.cause.kind if call.cause.kind in _BY_PERSONS else None
    return EventFired(CALL, data, user_id, call.cause)


def run_begun(entity_id: EntityId, name: str, source: object, cause: Cause) -> EventFired:
    """`data`: name, entity_id; of an automation also source, the words of the trigger."""
    if entity_id.startswith("script."):
        return EventFired(SCRIPT, {"name": name, "entity_id": entity_id}, cause=cause)
    told = source if isinstance(source, str) else None
    return EventFired(AUTOMATION, {"name": name, "entity_id": entity_id, "source": told}, cause=cause)
