"""One activation of a scene: what is still awaited, what went wrong, and the record of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from hub_agent.model.ids import CallId, EntityId, SceneId
from hub_agent.model.json import JsonObject, JsonValue, Row
from hub_agent.model.scene import FailedDevice
from hub_agent.model.state import Cause

_SOURCES = frozenset({"manual", "automation", "voice", "schedule"})


@dataclass(frozen=True, slots=True)
class Order:
    """Who wants it and who is to be told. `is_named`: a scene that exists, not `scene.apply`."""

    cause: Cause
    source: str
    request_id: str | None = None
    call_id: CallId | None = None
    is_named: bool = True


@dataclass(slots=True)
class Activation:
    """A scene under way: the calls that have not settled, and what went wrong so far."""

    id: str
    entity_id: EntityId
    name: str
    row_id: SceneId | None
    order: Order
    started_at: datetime
    deadline: datetime
    device_by_entity: dict[EntityId, str] = field(default_factory=dict)
    entity_by_call: dict[CallId, EntityId] = field(default_factory=dict)
    error_by_entity: dict[EntityId, str] = field(default_factory=dict)

    @property
    def is_recorded(self) -> bool:
        return self.row_id is not None

    @property
    def targeted(self) -> list[str]:
        return list(dict.fromkeys(self.device_by_entity.values()))

    @property
    def status(self) -> str:
        failed = len({self.device_by_entity.get(entity_id) for entity_id in self.error_by_entity})
        if not failed:
            return "success"
        return "failed" if failed == len(self.targeted) else "partial"

    def fail(self, entity_id: EntityId, error: str) -> None:
        self.error_by_entity.setdefault(entity_id, error)

    def as_json(self) -> JsonObject:
        cause = self.order.cause
        return {
            "entity_id": self.entity_id,
            "name": self.name,
            "row_id": self.row_id,
            "cause": {"kind": cause.kind, "id": cause.id, "by": cause.by},
            "source": self.order.source,
            "request_id": self.order.request_id,
            "call_id": self.order.call_id,
            "started_at": self.started_at.isoformat(),
            "devices": {str(name): device for name, device in self.device_by_entity.items()},
            "calls": {str(call_id): name for call_id, name in self.entity_by_call.items()},
            "errors": {str(name): error for name, error in self.error_by_entity.items()},
        }

    @classmethod
    def from_json(cls, activation_id: str, body: JsonObject) -> "Activation":
        cause = _mapping(body["cause"])
        order = Order(
            Cause(str(cause["kind"]), str(cause["id"]), _text_or_none(cause.get("by"))),
            str(body["source"]),
            _text_or_none(body.get("request_id")),
            CallId(str(body["call_id"])) if body.get("call_id") else None,
        )
        started_at = datetime.fromisoformat(str(body["started_at"]))
        row_id = SceneId(str(body["row_id"])) if body.get("row_id") else None
        return cls(
            activation_id,
            EntityId(str(body["entity_id"])),
            str(body["name"]),
            row_id,
            order,
            started_at,
            started_at,
            {EntityId(name): str(device) for name, device in _mapping(body["devices"]).items()},
            {CallId(call_id): EntityId(str(name)) for call_id, name in _mapping(body["calls"]).items()},
            {EntityId(name): str(error) for name, error in _mapping(body["errors"]).items()},
        )


def activation_row(activation: Activation, failed: tuple[FailedDevice, ...], now: datetime) -> Row:
    """The columns of `scene_activations`; the home is the cloud's to add."""
    targeted = len(activation.targeted)
    return {
        "id": activation.id,
        "time": activation.started_at,
        "scene_id": activation.row_id,
        "activated_by": _uuid_or_none(activation.order.cause.by),
        "activation_source": activation.order.source if activation.order.source in _SOURCES else "manual",
        "status": activation.status,
        "devices_targeted": targeted,
        "devices_succeeded": targeted - len(failed),
        "devices_failed": len(failed),
        "execution_duration_ms": _duration_ms(activation, now),
        "failed_devices": [device.id for device in failed if "." not in device.id],
        "error_message": "; ".join(f"{device.name}: {device.error}" for device in failed) or None,
        "created_at": now,
    }


def outcome(activation: Activation, failed: tuple[FailedDevice, ...], now: datetime) -> JsonObject:
    targeted = len(activation.targeted)
    return {
        "scene": activation.name,
        "activation_id": activation.id,
        "status": activation.status,
        "devices_targeted": targeted,
        "devices_succeeded": targeted - len(failed),
        "devices_failed": len(failed),
        "failed_devices": [{"id": device.id, "name": device.name, "error": device.error} for device in failed],
        "duration_ms": _duration_ms(activation, now),
    }


def _duration_ms(activation: Activation, now: datetime) -> int:
    return max(0, round((now - activation.started_at).total_seconds() * 1000))


def _uuid_or_none(text: str | None) -> str | None:
    """The column wants a user's id; a name or a token of the hub's own is none."""
    try:
        return str(UUID(text)) if text else None
    except ValueError:
        return None


def _text_or_none(value: JsonValue) -> str | None:
    return value if isinstance(value, str) else None


def _mapping(value: JsonValue) -> JsonObject:
    return value if isinstance(value, Mapping) else {}
